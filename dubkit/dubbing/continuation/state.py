"""Hand a shot over from a finished clip to the next: a typed state that travels as JSON.

A shot longer than one clip is made in several, and each looks at the end of the one before: its last frames,
which are encoded anew, and its sound, which is taken over as latents. The wire format is that of FastVideo's
`ltx2.v1`, so either side reads the other's states. It is for one shot only; across a cut nothing goes on.

Two strengths of that format run opposite ways: 1 holds the frames, but renoises the sound. `picture_hold` and
`sound_hold` run one way, 0 to 1, and are what code here should use.

Letters: F frames, H and W rows and columns, C sound latent channels, T sound latents, M mel bins.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dubkit.dubbing.continuation.blobs import (
    frames_of,
    from_safetensors,
    packed,
    to_png,
    to_safetensors,
    unpacked,
)
from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import BlobStore
from dubkit.ltx.latents import AUDIO_LATENTS_PER_SECOND, MEL_FRAMES_PER_LATENT, latent_frames

KIND = "ltx2.v1"
SCHEMA_VERSION = 1
INLINE_THRESHOLD_BYTES = 2 * 1024 * 1024
"""Larger tensors go to the blob store, where there is one: messages of common queues end at 4 MiB, and a
frame of 512 x 512 as PNG is about 200 KiB."""

FIRST_SOUND = "first_sound"
"""Entry of `metadata`: the next clip's sound latent at which the carried ones begin; without it, 0."""
END_FRAME = "end_frame"
"""Entry of `metadata`: frames of the shot up to the finished clip's end. Samples are counted from the shot's
beginning, so that clips put together are as long as the shot at any frame rate."""

_FRAMES_MIME = "application/x-fastvideo-frames+png"
_TENSOR_MIME = "application/x-fastvideo-tensor+safetensors"


@dataclass(frozen=True, slots=True)
class LTX2ContinuationState:
    """What a clip of LTX-2 leaves to the next. Names and meanings are the wire format's."""

    segment_index: int = 0
    """Number of the clip that is finished, from 0; the next one's is one more."""
    video_frames: Tensor | None = None
    """Its last frames, (F, H, W, 3), uint8 RGB."""
    video_frames_blob_id: str = ""
    """Where they are while `video_frames` is None."""
    video_conditioning_frame_idx: int = 0
    """Frame of the next clip at which they stand."""
    video_conditioning_strength: float = 1.0
    """1 holds the frames, 0 leaves them out."""
    audio_latents: Tensor | None = None
    """Its last sound latents, (B, C, T, M)."""
    audio_latents_blob_id: str = ""
    audio_sample_rate: int | None = None
    """Samples per second of the decoded sound."""
    audio_conditioning_num_frames: int = 0
    """How many of the latents carry over, from the end."""
    audio_conditioning_strength: float = 1.0
    """The other way round: 0 holds the sound, 1 renoises it from scratch. See `sound_hold`."""
    video_position_offset_sec: float = 0.0
    """Seconds by which the next clip's picture begins after its sound."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("video_conditioning_strength", "audio_conditioning_strength"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it lies between 0 and 1.")
        for name in ("segment_index", "video_conditioning_frame_idx", "audio_conditioning_num_frames"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it is 0 or more.")
        if not (math.isfinite(self.video_position_offset_sec) and self.video_position_offset_sec >= 0):
            raise ValueError(f"video_position_offset_sec is {self.video_position_offset_sec}; 0 or more.")
        frames, sound = self.video_frames, self.audio_latents
        if frames is not None and (frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != torch.uint8):
            raise ValueError(
                f"video_frames are (F, H, W, 3) uint8, not {tuple(frames.shape)} {frames.dtype}."
            )
        if sound is not None and (sound.ndim != 4 or not sound.is_floating_point()):
            raise ValueError(
                f"audio_latents are (B, C, T, M) floats, not {tuple(sound.shape)} {sound.dtype}."
            )
        if sound is not None and sound.shape[2] < self.audio_conditioning_num_frames:
            raise ValueError(
                f"audio_conditioning_num_frames is {self.audio_conditioning_num_frames}, and there are "
                f"{sound.shape[2]} latents."
            )

    @property
    def picture_hold(self) -> float:
        """How firmly the next clip keeps the frames: 0 not at all, 1 as they are."""
        return self.video_conditioning_strength

    @property
    def sound_hold(self) -> float:
        """How firmly the next clip keeps the sound: 0 not at all (the wire format's default), 1 as it is."""
        return 1.0 - self.audio_conditioning_strength

    def to_continuation_state(
        self, blob_store: BlobStore | None = None, inline_threshold_bytes: int = INLINE_THRESHOLD_BYTES
    ) -> ContinuationState:
        """Return the state as plain JSON; with a blob store, tensors above the threshold go there."""
        payload: dict[str, Any] = {name: getattr(self, name) for name in _NUMBERS}
        payload |= {"schema_version": SCHEMA_VERSION, "metadata": dict(self.metadata)}
        if self.audio_sample_rate is not None:
            payload["audio_sample_rate"] = self.audio_sample_rate
        if self.video_frames is not None:
            pngs = [to_png(frame) for frame in self.video_frames]
            if blob_store is not None and sum(map(len, pngs)) > inline_threshold_bytes:
                blob_id = blob_store.put(packed(pngs), mime=_FRAMES_MIME)
                payload["video"] = {"blob_id": blob_id, "frame_count": len(pngs)}
            else:
                payload["video"] = {"frames_b64": [base64.b64encode(png).decode() for png in pngs]}
        elif self.video_frames_blob_id:
            payload["video"] = {"blob_id": self.video_frames_blob_id}
        if self.audio_latents is not None:
            raw = to_safetensors(self.audio_latents)
            if blob_store is not None and len(raw) > inline_threshold_bytes:
                payload["audio"] = {"blob_id": blob_store.put(raw, mime=_TENSOR_MIME)}
            else:
                payload["audio"] = {"safetensors_b64": base64.b64encode(raw).decode()}
        elif self.audio_latents_blob_id:
            payload["audio"] = {"blob_id": self.audio_latents_blob_id}
        return ContinuationState(KIND, payload)

    @classmethod
    def from_continuation_state(
        cls, state: ContinuationState, blob_store: BlobStore | None = None
    ) -> LTX2ContinuationState:
        """Read a state; without a blob store, blobs stay where they are and their ids are kept.

        Raises:
            ValueError: another kind or schema version, a blob that is not there, anything damaged.
        """
        if state.kind != KIND:
            raise ValueError(f"The continuation state is of kind {state.kind!r}; {KIND!r} is expected.")
        payload = state.payload
        # The first writers left the version out.
        version = payload.get("schema_version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise ValueError(
                f"The {KIND} state has schema version {version!r}; this program reads {SCHEMA_VERSION}."
            )
        values: dict[str, Any] = {
            name: _field(payload, name, kinds) for name, kinds in _NUMBERS.items() if name in payload
        }
        if payload.get("audio_sample_rate") is not None:
            values["audio_sample_rate"] = _field(payload, "audio_sample_rate", (int,))
        values["metadata"] = _field(payload, "metadata", (dict,)) if payload.get("metadata") else {}
        if payload.get("video"):
            found = _field(payload, "video", (dict,))
            if "blob_id" in found:
                raw, values["video_frames_blob_id"] = _blob(found, blob_store, "video frames")
                pngs = unpacked(raw) if raw is not None else None
            else:
                pngs = [_unbase64(text, "a video frame") for text in _field(found, "frames_b64", (list,))]
            values["video_frames"] = frames_of(pngs) if pngs else None
        if payload.get("audio"):
            found = _field(payload, "audio", (dict,))
            if "blob_id" in found:
                raw, values["audio_latents_blob_id"] = _blob(found, blob_store, "audio latents")
            else:
                raw = _unbase64(_field(found, "safetensors_b64", (str,)), "the audio latents")
            values["audio_latents"] = from_safetensors(raw) if raw is not None else None
        return cls(**values)


_NUMBERS: Mapping[str, tuple[type, ...]] = {
    "segment_index": (int,),
    "video_conditioning_frame_idx": (int,),
    "video_conditioning_strength": (int, float),
    "audio_conditioning_num_frames": (int,),
    "audio_conditioning_strength": (int, float),
    "video_position_offset_sec": (int, float),
}


@dataclass(frozen=True, slots=True)
class FinishedClip:
    """A clip whose end is handed over."""

    frames: Tensor
    """(F, H, W, 3), uint8: the whole clip or at least its last ones."""
    count: int
    """Frames of the whole clip, without those that fill up its last latent."""
    rate: Fraction
    """Frames per second."""
    sound: Tensor | None
    """(B, C, T, M): the sound latents of the whole clip."""
    sample_rate: int | None = None
    index: int = 0
    """Number of the clip in its shot, from 0."""
    start_frame: int = 0
    """Frame of the shot at which it begins."""
    lead: Fraction = Fraction(0)
    """Seconds by which its sound begins before its picture, where it is itself a continuation."""


class Handover(NamedTuple):
    """What the next clip needs from the one before."""

    frames: Tensor
    """(F, H, W, 3), uint8, to be encoded anew: copied latents would put an eight-frame one in the place of
    the next clip's first, which stands for one."""
    first_frame: int
    """Frame of the next clip at which they stand."""
    picture_hold: float
    sound: Tensor | None
    """(B, C, T, M): target latents of the next clip from `first_sound` on; None where none are held."""
    first_sound: int
    sound_hold: float
    picture_offset: float
    """Seconds by which the picture's positions, those of reference pictures too, begin after the sound's. The
    next clip's own sound is cut that much before its first frame."""
    start_frame: int
    """Frame of the shot at which the next clip begins; 0 where the state does not say."""


def state_after(
    clip: FinishedClip,
    overlap: int,
    *,
    sound_overlap: int | None = None,
    picture_hold: float = 1.0,
    sound_hold: float = 1.0,
) -> LTX2ContinuationState:
    """Return what a finished clip leaves to one that begins with its last `overlap` frames.

    Sound latents lie on a grid of 40 ms that frames meet at 25 per second only. The next clip's sound begins
    on that grid, at or before its first frame, and its picture by the rest later; taking both for equal would
    be heard as a delay. A clip's sound latent 0 stands for one spectrum and every other for four, so carried
    latents begin at the next clip's latent 1, unless they begin with the clip itself.

    Args:
        overlap: frames that both clips show, 8k+1.
        sound_overlap: frames from whose first on sound is carried; None takes `overlap`.

    Raises:
        ValueError: an overlap that is not 8k+1, longer than the clip or than its sound.
    """
    latent_frames(overlap)
    heard = overlap if sound_overlap is None else sound_overlap
    if not overlap <= heard <= clip.count or overlap > clip.frames.shape[0]:
        raise ValueError(
            f"{overlap} frames of picture and {heard} of sound are to be carried over from a clip of "
            f"{clip.count} frames, of which {clip.frames.shape[0]} are here; the sound may be longer."
        )
    state: dict[str, Any] = {
        "segment_index": clip.index,
        "video_frames": clip.frames[clip.frames.shape[0] - overlap :].cpu(),
        "video_conditioning_strength": picture_hold,
        "audio_sample_rate": clip.sample_rate,
        "audio_conditioning_strength": 1.0 - sound_hold,
        "metadata": {END_FRAME: clip.start_frame + clip.count},
    }
    if clip.sound is None:
        return LTX2ContinuationState(**state)
    zero = math.floor(((clip.count - heard) / clip.rate + clip.lead) * AUDIO_LATENTS_PER_SECOND)
    offset = (clip.count - overlap) / clip.rate + clip.lead - Fraction(zero, AUDIO_LATENTS_PER_SECOND)
    first = 1 if zero else 0
    carried = clip.sound[:, :, zero + first : _whole_latents(clip)].cpu()
    if not carried.shape[2]:
        return LTX2ContinuationState(**state)
    state["metadata"] |= {FIRST_SOUND: first}
    return LTX2ContinuationState(
        **state,
        audio_latents=carried,
        audio_conditioning_num_frames=carried.shape[2],
        video_position_offset_sec=float(offset),
    )


def _whole_latents(clip: FinishedClip) -> int:
    """Return how many of a clip's sound latents end within its picture."""
    assert clip.sound is not None
    spectra = (clip.count / clip.rate + clip.lead) * AUDIO_LATENTS_PER_SECOND * MEL_FRAMES_PER_LATENT
    whole = math.floor((spectra + MEL_FRAMES_PER_LATENT - 1) / MEL_FRAMES_PER_LATENT)
    # The stock rule rounds, so that the last one may be missing.
    if clip.sound.shape[2] < whole - 1:
        raise ValueError(
            f"A clip of {clip.count} frames has {whole} sound latents, and {clip.sound.shape[2]} are given."
        )
    return min(whole, clip.sound.shape[2])


def handover(state: LTX2ContinuationState) -> Handover:
    """Return what the next clip needs.

    Raises:
        ValueError: frames or latents are elsewhere, or the frames are not 8k+1.
    """
    if state.video_frames is None:
        where = f"in blob {state.video_frames_blob_id}" if state.video_frames_blob_id else "not in the state"
        raise ValueError(f"The frames to continue from are {where}; read the state with its blob store.")
    overlap = state.video_frames.shape[0]
    latent_frames(overlap)
    first = _count(state.metadata, FIRST_SOUND, 0)
    end = _count(state.metadata, END_FRAME, overlap)
    sound, count = state.audio_latents, state.audio_conditioning_num_frames
    held = state.sound_hold > 0.0 and count > 0
    if held and sound is None:
        where = (
            f"in blob {state.audio_latents_blob_id}" if state.audio_latents_blob_id else "not in the state"
        )
        raise ValueError(f"The sound to continue from is {where}; read the state with its blob store.")
    return Handover(
        frames=state.video_frames,
        first_frame=state.video_conditioning_frame_idx,
        picture_hold=state.picture_hold,
        sound=sound[:, :, sound.shape[2] - count :] if held and sound is not None else None,
        first_sound=first,
        sound_hold=state.sound_hold,
        picture_offset=state.video_position_offset_sec,
        start_frame=end - overlap,
    )


# --- bytes


def _count(metadata: Mapping[str, Any], name: str, least: int) -> int:
    """Return a number of the metadata; `least` where it is not there."""
    value = metadata.get(name, least)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} in the state's metadata is {value!r}; {least} or more is expected.")
    return value


def _field(payload: Mapping[str, Any], name: str, kinds: tuple[type, ...]) -> Any:
    value = payload.get(name)
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} of the continuation state is {str(value)[:40]!r}; {wanted} is expected.")
    return value


def _blob(found: Mapping[str, Any], store: BlobStore | None, what: str) -> tuple[bytes | None, str]:
    blob_id = _field(found, "blob_id", (str,))
    if store is None:
        return None, blob_id
    try:
        return store.get(blob_id), ""
    except KeyError:
        raise ValueError(f"The {what} are in blob {blob_id}, and the blob store does not have it.") from None


def _unbase64(text: Any, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError(f"The continuation state is damaged: {what} is not base64 ({error}).") from error
