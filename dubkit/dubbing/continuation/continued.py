"""A clip that begins with the end of the one before: what it takes over, shows, and leaves to the next.

Letters: C latent channels, F frames, H and W rows and columns, N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from dubkit.dubbing.clip.media import ClipMedia
from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import BlobStore
from dubkit.dubbing.continuation.state import (
    FinishedClip,
    Handover,
    LTX2ContinuationState,
    handover,
    state_after,
)
from dubkit.dubbing.diffusion.clip_latents import Carry, EncodedClip, View
from dubkit.errors import DubkitError
from dubkit.ltx import mel
from dubkit.ltx.latents import AUDIO_LATENTS_PER_SECOND, latent_frames

OVERLAP = 17
"""Frames that a clip repeats of the one before, unless told otherwise."""
SHAPE_TOLERANCE = 0.1
"""How far the carried frames' proportions may be from the clip's; rounding to whole pixels moves both."""

NO_FRAMES = torch.empty(0, 1, 1, 3, dtype=torch.uint8)


class StateUnfit(DubkitError, ValueError):
    """A continuation state cannot be read, or does not belong to the clip."""


class NotFinished(DubkitError):
    """The state for the next clip is asked for before all frames are made."""


@dataclass(frozen=True, slots=True)
class Before:
    """The end of the clip before, and where in their shot the two meet."""

    end: Handover
    index: int
    """Number of the clip that begins with it, from 0."""
    lead: Fraction
    """Seconds by which this clip's sound begins before its picture."""

    @property
    def overlap(self) -> int:
        """First frames of the clip that the one before has shown."""
        return self.end.frames.shape[0]

    def taken_over(
        self, encoded: EncodedClip, pair: tuple[Tensor, Tensor] | None
    ) -> tuple[EncodedClip, tuple[Carry, Carry]]:
        """Return the clip with the carried frames' latents in it, and what each stage takes over.

        `pair` is the carried frames at both sizes, None where the picture is not held. The first latent is a
        still in latent frame 0, since both stand for one frame.
        """
        end = self.end

        def carry(latent: Tensor | None) -> Carry:
            later = latent[:, :, 1:] if latent is not None and latent.shape[2] > 1 else None
            hold = end.picture_hold, end.sound_hold
            return Carry(later, 1, end.sound, end.first_sound, *hold, float(self.lead))

        def with_still(view: View, latent: Tensor) -> View:
            return view._replace(stills=(latent[:, :, :1], *view.stills))

        if pair is None:
            return encoded, (carry(None), carry(None))
        places = (0, end.picture_hold), *encoded.places
        views = with_still(encoded.first, pair[0]), with_still(encoded.second, pair[1])
        encoded = replace(encoded, first=views[0], second=views[1], places=places)
        return encoded, (carry(pair[0]), carry(pair[1]))


def read_state(state: ContinuationState, blob_store: BlobStore | None) -> LTX2ContinuationState:
    """Read a state with its blobs.

    Raises:
        StateUnfit: another kind or version, damaged, or a blob that is not there.
    """
    try:
        return LTX2ContinuationState.from_continuation_state(state, blob_store)
    except ValueError as error:
        raise StateUnfit(str(error)) from error


def clip_before(state: LTX2ContinuationState, media: ClipMedia, sample_rate: int) -> Before:
    """Return what a clip takes over; `sample_rate` is that of the sound the model files make.

    Raises:
        StateUnfit: the state and the clip do not belong together.
    """
    try:
        end = handover(state)
    except ValueError as error:
        raise StateUnfit(str(error)) from error
    # The float seconds stand for a fraction of the frame rate and a grid of 40 ms; this finds it.
    steps = AUDIO_LATENTS_PER_SECOND * media.rate.numerator
    lead = Fraction(end.picture_offset).limit_denominator(steps)
    start = Before(end, state.segment_index + 1, lead)
    _check(start, state, media, sample_rate)
    return start


def _check(start: Before, state: LTX2ContinuationState, media: ClipMedia, sample_rate: int) -> None:
    end, overlap = start.end, start.overlap
    if end.first_frame:
        raise StateUnfit(
            f"The state's frames stand at frame {end.first_frame} of the next clip, and it begins "
            "with them here.\nSet video_conditioning_frame_idx to 0."
        )
    if overlap >= media.real_frames:
        raise StateUnfit(
            f"{media.name} has {media.real_frames} frames, and the clip before has shown {overlap} of them.\n"
            "Give a longer clip, which begins where the overlap begins."
        )
    if state.audio_sample_rate not in (None, sample_rate):
        raise StateUnfit(
            f"The clip before was made with model files whose sound has {state.audio_sample_rate} Hz, "
            f"and these make {sample_rate} Hz.\nUse the model files of the clip before."
        )
    latents = latent_frames(overlap)
    for still in media.stills or ():
        if end.picture_hold and still.frame < latents:
            raise StateUnfit(
                f"A still is for latent frame {still.frame}, and the clip before decides 0 to {latents - 1}."
            )
    if media.fit is not None:
        height, width = end.frames.shape[1:3]
        aspect = media.fit.scaled_width / media.fit.scaled_height
        if abs(width / height / aspect - 1) > SHAPE_TOLERANCE:
            raise StateUnfit(
                f"The clip before is {width}x{height}, and {media.name} is {aspect:.2f} times as wide as "
                "high.\nContinue with a clip of the same source and the same height and width."
            )


def finished_clip(media: ClipMedia, sound: Tensor, sample_rate: int, start: Before | None) -> FinishedClip:
    """Return a clip that is finished but for its frames; `sound` is its latents (1, C, T, M)."""
    clip = FinishedClip(NO_FRAMES, media.real_frames, media.rate, sound, sample_rate)
    if start is None:
        return clip
    return replace(clip, index=start.index, start_frame=start.end.start_frame, lead=start.lead)


def shown_sound(wave: Tensor, clip: FinishedClip, start: Before | None) -> Tensor:
    """Return a clip's sound (2, N) from where the clip before ended to its own end.

    Both ends are whole samples of the shot, so clips put together are as long as the shot.
    """
    assert clip.sample_rate is not None
    hidden, rate = start.overlap if start else 0, clip.sample_rate
    begin, end = (
        mel.sample_count(clip.start_frame + frames, clip.rate, rate) for frames in (hidden, clip.count)
    )
    return mel.fit(wave[:, round((hidden / clip.rate + clip.lead) * rate) :], end - begin)


class DubbedFrames(Iterator[Tensor]):
    """A dub's frames, (n, H, W, 3) uint8 a piece; after the last one, what the next clip needs.

    Args:
        pieces: all frames of the clip.
        hidden: how many of the first are left out, since the clip before has shown them.
        overlap: how many of the last are kept for the next clip, 8k+1.
        clip: the clip with no frames yet.
        sample_rate: of the sound that comes with them, where it is not the clip's own.
    """

    def __init__(
        self,
        pieces: Iterator[Tensor],
        hidden: int,
        overlap: int,
        clip: FinishedClip,
        sample_rate: int | None = None,
    ) -> None:
        self.sample_rate = sample_rate or clip.sample_rate or 0
        """Samples per second of the sound that was returned with the frames."""
        self._pieces, self._hidden, self._overlap, self._clip = pieces, hidden, overlap, clip
        self._tail: Tensor | None = None
        self._count = 0

    def __next__(self) -> Tensor:
        while True:
            piece = next(self._pieces)
            shown = piece[max(0, self._hidden - self._count) :]
            self._count += len(piece)
            tail = piece if self._tail is None else torch.cat([self._tail, piece])
            # A copy, so that the rest of the piece need not be kept.
            self._tail = tail[-self._overlap :].clone()
            if len(shown):
                return shown

    def continuation(self, blob_store: BlobStore | None = None) -> ContinuationState:
        """Return the state from which the next clip of the shot goes on; tensors above 2 MiB go to the store.

        That clip begins with this one's last frames, as many as the `overlap` of the call.

        Raises:
            NotFinished: frames are still to come.
            StateUnfit: the clip has fewer frames than the overlap.
        """
        if self._tail is None or self._count < self._clip.count:
            raise NotFinished(
                f"{self._count} of the clip's {self._clip.count} frames are made, and the next clip begins "
                "with the last.\nTake all frames first."
            )
        try:
            state = state_after(replace(self._clip, frames=self._tail), self._overlap)
        except ValueError as error:
            raise StateUnfit(str(error)) from error
        return state.to_continuation_state(blob_store)
