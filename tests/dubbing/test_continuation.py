"""A shot goes on in the next clip: exactly, over any wire, and never by accident."""

from __future__ import annotations

import base64
import json
import math
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from dubkit.dubbing.continuation.blobs import packed, unpacked
from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import FolderBlobStore
from dubkit.dubbing.continuation.state import (
    KIND,
    FinishedClip,
    LTX2ContinuationState,
    handover,
    state_after,
)
from dubkit.ltx.latents import audio_positions, video_positions
from tests.support.paths import DATA

GOLDEN = DATA / "continuation-v1.json"
RATES = [Fraction(25), Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]


def frames(count: int = 9, size: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, size, size, 3), generator=generator, dtype=torch.uint8)


def sound(count: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float32).view(1, 1, count, 1).expand(1, 8, count, 16).to(dtype)


def example() -> LTX2ContinuationState:
    return LTX2ContinuationState(
        segment_index=3,
        video_frames=frames(),
        video_conditioning_frame_idx=0,
        video_conditioning_strength=0.75,
        audio_latents=sound(5),
        audio_sample_rate=24000,
        audio_conditioning_num_frames=5,
        audio_conditioning_strength=0.25,
        video_position_offset_sec=0.0125,
        metadata={"first_sound": 1, "shot": "shot003"},
    )


def assert_same(actual: LTX2ContinuationState, expected: LTX2ContinuationState) -> None:
    for name in LTX2ContinuationState.__dataclass_fields__:
        left, right = getattr(actual, name), getattr(expected, name)
        if isinstance(right, torch.Tensor):
            assert left.dtype == right.dtype
            assert torch.equal(left, right)
        else:
            assert left == right, name


def travelled(state: ContinuationState) -> ContinuationState:
    return ContinuationState.from_json(state.to_json())


def changed(**fields: Any) -> ContinuationState:
    """Return the example's envelope with some payload fields replaced; None removes one."""
    payload = {**example().to_continuation_state().payload, **fields}
    return ContinuationState(KIND, {name: value for name, value in payload.items() if value is not None})


# --- the wire


def test_a_state_survives_json_bit_for_bit() -> None:
    assert_same(
        LTX2ContinuationState.from_continuation_state(travelled(example().to_continuation_state())), example()
    )


def test_version_1_is_still_read() -> None:
    state = ContinuationState.from_json(GOLDEN.read_bytes())
    assert state.payload["schema_version"] == 1
    assert_same(LTX2ContinuationState.from_continuation_state(state), example())


def test_version_1_is_still_written() -> None:
    golden = json.loads(GOLDEN.read_bytes())
    written = json.loads(example().to_continuation_state().to_json())
    # Compressed pictures differ from one build of the encoder to the next; what they show does not.
    for state in (golden, written):
        assert len(state["payload"]["video"].pop("frames_b64")) == 9
    assert written == golden


def test_the_empty_state_travels() -> None:
    empty = LTX2ContinuationState()
    assert_same(
        LTX2ContinuationState.from_continuation_state(travelled(empty.to_continuation_state())), empty
    )


@pytest.mark.parametrize(("threshold", "files"), [(0, 2), (1_000_000, 0)])
def test_tensors_above_the_threshold_go_to_the_blob_store(tmp_path: Path, threshold: int, files: int) -> None:
    store = FolderBlobStore(tmp_path / "blobs")
    state = travelled(example().to_continuation_state(store, threshold))
    assert len(list(tmp_path.rglob("sha256-*"))) == files
    assert_same(LTX2ContinuationState.from_continuation_state(state, store), example())


def test_the_threshold_is_2_mebibytes(tmp_path: Path) -> None:
    large = replace(example(), video_frames=frames(9, 300))
    payload = large.to_continuation_state(FolderBlobStore(tmp_path)).payload
    assert payload["video"].keys() == {"blob_id", "frame_count"}
    assert payload["audio"].keys() == {"safetensors_b64"}
    assert len(json.dumps(payload)) < 2**20


def test_without_a_blob_store_everything_is_inline() -> None:
    payload = example().to_continuation_state(inline_threshold_bytes=0).payload
    assert "frames_b64" in payload["video"]
    assert "safetensors_b64" in payload["audio"]


def test_a_state_is_passed_on_without_its_blobs(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    state = travelled(example().to_continuation_state(store, 0))
    unopened = LTX2ContinuationState.from_continuation_state(state)
    assert unopened.video_frames is None
    assert unopened.video_frames_blob_id.startswith("sha256-")
    with pytest.raises(ValueError, match=unopened.video_frames_blob_id):
        handover(unopened)
    with pytest.raises(ValueError, match=unopened.audio_latents_blob_id):
        handover(replace(unopened, video_frames=frames()))
    again = travelled(unopened.to_continuation_state())
    assert_same(LTX2ContinuationState.from_continuation_state(again, store), example())


# --- what is refused


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"payload": {}}',
        '{"kind": "ltx2.v1"}',
        '{"kind": 2, "payload": {}}',
        b"\xff\xfe\x00",
        "[" * 100_000,
    ],
)
def test_foreign_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="continuation state"):
        ContinuationState.from_json(text)


@pytest.mark.parametrize("kind", ["ltx2.v2", "wan.v1", ""])
def test_another_kind_is_refused_by_name(kind: str) -> None:
    state = ContinuationState(kind, example().to_continuation_state().payload)
    with pytest.raises(ValueError, match=f"of kind '{kind}'"):
        LTX2ContinuationState.from_continuation_state(state)


def test_a_state_without_a_schema_version_is_of_version_1() -> None:
    payload = dict(example().to_continuation_state().payload)
    del payload["schema_version"]
    state = travelled(ContinuationState(KIND, payload))
    assert_same(LTX2ContinuationState.from_continuation_state(state), example())


@pytest.mark.parametrize("version", [2, 0, "1", True])
def test_another_schema_version_is_refused_by_number(version: object) -> None:
    with pytest.raises(ValueError, match=f"schema version {version!r}"):
        LTX2ContinuationState.from_continuation_state(changed(schema_version=version))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"segment_index": "3"}, "segment_index"),
        ({"segment_index": True}, "segment_index"),
        ({"segment_index": -1}, "segment_index"),
        ({"video_conditioning_strength": 1.5}, "video_conditioning_strength"),
        ({"audio_conditioning_strength": math.nan}, "audio_conditioning_strength"),
        ({"video_position_offset_sec": math.inf}, "video_position_offset_sec"),
        ({"audio_sample_rate": "high"}, "audio_sample_rate"),
        ({"metadata": [1]}, "metadata"),
        ({"audio_conditioning_num_frames": 6}, "audio_conditioning_num_frames is 6, and there are 5"),
        ({"video": "here"}, "video"),
        ({"video": {"blob": 1}}, "frames_b64"),
        ({"video": {"frames_b64": ["***"]}}, "video frame is not base64"),
        ({"video": {"frames_b64": [7]}}, "video frame is not base64"),
        ({"video": {"frames_b64": ["AAAA"]}}, "frame 0 .* no whole PNG"),
        ({"audio": {"safetensors_b64": "AAAA"}}, "audio latents .* damaged"),
        ({"audio": {"safetensors_b64": "*"}}, "audio latents is not base64"),
        ({"audio": {}, "video": {"blob_id": 5}}, "blob_id"),
    ],
)
def test_a_damaged_payload_is_refused_by_field(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LTX2ContinuationState.from_continuation_state(changed(**fields))


@pytest.mark.parametrize("cut", [slice(0, -1), slice(0, 60), slice(0, 0)])
def test_a_cut_off_picture_is_refused(cut: slice) -> None:
    texts = example().to_continuation_state().payload["video"]["frames_b64"]
    short = base64.b64encode(base64.b64decode(texts[4])[cut]).decode()
    broken = {"frames_b64": [*texts[:4], short, *texts[5:]]}
    with pytest.raises(ValueError, match="frame 4"):
        LTX2ContinuationState.from_continuation_state(changed(video=broken))


def test_a_picture_with_a_wrong_checksum_is_refused() -> None:
    texts = example().to_continuation_state().payload["video"]["frames_b64"]
    png = bytearray(base64.b64decode(texts[0]))
    png[60] ^= 1
    broken = {"frames_b64": [base64.b64encode(bytes(png)).decode(), *texts[1:]]}
    with pytest.raises(ValueError, match="frame 0"):
        LTX2ContinuationState.from_continuation_state(changed(video=broken))


def test_pictures_of_several_sizes_are_refused() -> None:
    small = example().to_continuation_state().payload["video"]["frames_b64"]
    large = LTX2ContinuationState(video_frames=frames(1, 32)).to_continuation_state().payload["video"]
    with pytest.raises(ValueError, match="differ in size"):
        LTX2ContinuationState.from_continuation_state(
            changed(video={"frames_b64": [*small, *large["frames_b64"]]})
        )


def test_latents_that_are_not_one_tensor_are_refused() -> None:
    from safetensors.torch import save

    two = base64.b64encode(save({"a": torch.zeros(1), "b": torch.zeros(1)})).decode()
    with pytest.raises(ValueError, match="2 came"):
        LTX2ContinuationState.from_continuation_state(changed(audio={"safetensors_b64": two}))


@pytest.mark.parametrize(
    "fields",
    [{"video_frames": torch.zeros(9, 3, 8, 8)}, {"audio_latents": torch.zeros(8, 5, 16)}],
)
def test_tensors_of_another_form_are_refused(fields: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        LTX2ContinuationState(**fields)  # type: ignore[arg-type]


# --- blobs


def test_a_missing_blob_is_named(tmp_path: Path) -> None:
    state = example().to_continuation_state(FolderBlobStore(tmp_path / "here"), 0)
    with pytest.raises(ValueError, match=r"video frames are in blob sha256-.* does not have it"):
        LTX2ContinuationState.from_continuation_state(state, FolderBlobStore(tmp_path / "there"))


def test_a_damaged_blob_is_named(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    state = example().to_continuation_state(store, 0)
    blob = state.payload["audio"]["blob_id"]
    (tmp_path / blob).write_bytes(b"x")
    with pytest.raises(ValueError, match=f"{blob} .*damaged"):
        LTX2ContinuationState.from_continuation_state(state, store)


@pytest.mark.parametrize("blob_id", ["../secret", "/etc/hostname", "sha256-", "sha256-" + "0" * 64])
def test_an_id_never_leads_out_of_the_folder(tmp_path: Path, blob_id: str) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(KeyError):
        FolderBlobStore(tmp_path / "blobs").get(blob_id)


def test_the_same_bytes_are_kept_once_and_nothing_half_written_remains(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path)
    assert store.put(b"abc") == store.put(b"abc")
    assert store.get(store.put(b"abc")) == b"abc"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", struct.pack(">I", 2**31), packed([b"ab", b"c"])[:-1], packed([b"ab"]) + b"x"]
)
def test_lengths_that_do_not_add_up_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="do not add up"):
        unpacked(raw)


# --- the two strengths


def test_the_strengths_of_the_wire_run_opposite_ways_and_the_holds_do_not() -> None:
    held = LTX2ContinuationState(video_conditioning_strength=1.0, audio_conditioning_strength=0.0)
    assert (held.picture_hold, held.sound_hold) == (1.0, 1.0)
    loose = LTX2ContinuationState(video_conditioning_strength=0.0, audio_conditioning_strength=1.0)
    assert (loose.picture_hold, loose.sound_hold) == (0.0, 0.0)


def test_the_default_of_the_wire_carries_no_sound() -> None:
    default = LTX2ContinuationState(
        video_frames=frames(), audio_latents=sound(5), audio_conditioning_num_frames=5
    )
    assert default.sound_hold == 0.0
    assert handover(default).sound is None


def test_a_handover_carries_sound_unless_told_otherwise() -> None:
    clip = FinishedClip(frames(25), 25, Fraction(25), sound(25))
    assert state_after(clip, 9).audio_conditioning_strength == 0.0
    assert handover(state_after(clip, 9)).sound is not None
    assert handover(state_after(clip, 9, sound_hold=0.0)).sound is None
    assert state_after(clip, 9, picture_hold=0.5, sound_hold=0.75).sound_hold == 0.75


def test_only_as_many_latents_as_the_state_says_are_carried() -> None:
    state = replace(example(), audio_conditioning_num_frames=2)
    carried = handover(state).sound
    assert carried is not None
    assert carried[0, 0, :, 0].tolist() == [3.0, 4.0]


# --- frame arithmetic


def test_at_25_frames_per_second_picture_and_sound_meet() -> None:
    state = state_after(FinishedClip(frames(121), 121, Fraction(25), sound(122), 24000, 4), 17)
    given = handover(state)
    assert state.segment_index == 4
    assert state.audio_sample_rate == 24000
    assert torch.equal(given.frames, frames(121)[104:])
    assert (given.first_frame, given.first_sound, given.picture_offset) == (0, 1, 0.0)
    assert given.sound is not None
    assert given.sound[0, 0, :, 0].tolist() == list(range(105, 121))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("count", "overlap", "heard"), [(121, 17, 17), (97, 25, 49), (9, 1, 5), (25, 9, 20)])
def test_carried_latents_and_frames_keep_their_times(
    rate: Fraction, count: int, overlap: int, heard: int
) -> None:
    latents = round(count / rate * 25) + 1
    clip = FinishedClip(frames(count, 8), count, rate, sound(latents, torch.float32))
    given = handover(state_after(clip, overlap, sound_overlap=heard))
    assert given.sound is not None
    numbers = [round(value) for value in given.sound[0, 0, :, 0].tolist()]
    before = audio_positions(latents)[0, 0].double()
    after = audio_positions(latents)[0, 0].double()
    # The clip before begins so much earlier than the sound of the next one, and its frame as much as this.
    shift = (count - overlap) / float(rate) - given.picture_offset
    for place, number in enumerate(numbers, start=given.first_sound):
        assert after[place].tolist() == pytest.approx((before[number] - shift).tolist(), abs=1e-6)
    assert given.picture_offset >= 0
    if heard == overlap:
        assert given.picture_offset < 0.04
    else:
        assert given.picture_offset == pytest.approx((heard - overlap) / float(rate), abs=0.04)
    assert before[numbers[-1], 1] <= count / float(rate) + 1e-6
    assert before[numbers[-1], 1] > count / float(rate) - 0.0401


def test_the_offset_grows_with_the_sound_that_comes_before_the_picture() -> None:
    clip = FinishedClip(frames(49), 49, Fraction(25), sound(49))
    offsets = [handover(state_after(clip, 9, sound_overlap=heard)).picture_offset for heard in (9, 16, 23)]
    assert offsets == [pytest.approx(0.0), pytest.approx(0.28), pytest.approx(0.56)]


def test_frames_that_stand_for_eight_are_encoded_anew() -> None:
    """A latent of the clip before spans eight frames, the first of the next clip one."""
    first = video_positions(3, 1, 1, 25)[0, 0]
    assert (first[0, 1] - first[0, 0]).item() == pytest.approx(1 / 25)
    assert (first[1, 1] - first[1, 0]).item() == pytest.approx(8 / 25)
    given = handover(state_after(FinishedClip(frames(25), 25, Fraction(25), None), 17))
    assert given.frames.shape[0] == 17
    assert given.sound is None


def test_one_frame_is_too_short_to_carry_sound() -> None:
    state = state_after(FinishedClip(frames(9), 9, Fraction(25), sound(9)), 1)
    assert state.audio_latents is None
    assert (handover(state).sound, handover(state).picture_offset) == (None, 0.0)


def test_a_whole_clip_is_carried_from_its_own_first_latent() -> None:
    given = handover(state_after(FinishedClip(frames(9), 9, Fraction(25), sound(9)), 9))
    assert given.first_sound == 0
    assert given.sound is not None
    assert given.sound.shape[2] == 9


@pytest.mark.parametrize("rate", RATES)
def test_a_chain_of_clips_keeps_the_times_of_its_sound(rate: Fraction) -> None:
    """Each clip's sound lies on the grid of 40 ms, so what a clip begins late is counted in the next."""
    begin, first, lead = 0, 0, Fraction(0)
    for count, overlap in ((22, 9), (30, 17), (41, 25), (27, 9), (33, 17)):
        latents = int((count / rate + lead) * 25) + 2
        start = first * 25 / rate - lead * 25  # where this clip's sound begins, in latents of the shot
        assert start == begin
        clip = FinishedClip(
            frames(count, 8), count, rate, sound(latents, torch.float32) + begin, start_frame=first, lead=lead
        )
        given = handover(state_after(clip, overlap))
        assert given.start_frame == first + count - overlap
        first = given.start_frame
        lead = Fraction(given.picture_offset).limit_denominator(25 * rate.numerator)
        begin = int((first / rate - lead) * 25)
        assert given.sound is not None
        assert given.sound[0, 0, 0, 0].item() == begin + given.first_sound


def test_frames_beyond_the_grid_are_counted() -> None:
    given = handover(state_after(FinishedClip(frames(27), 27, Fraction(25), sound(34)), 9))
    assert given.start_frame == 18
    assert torch.equal(given.frames, frames(27)[18:])
    assert given.sound is not None
    assert given.sound[0, 0, :, 0].tolist() == list(range(19, 27))


def test_the_last_frames_alone_are_enough() -> None:
    whole = FinishedClip(frames(49), 49, Fraction(24), sound(51))
    tail = replace(whole, frames=whole.frames[-17:])
    assert_same(state_after(tail, 17), state_after(whole, 17))


@pytest.mark.parametrize(
    ("overlap", "heard", "message"),
    [(8, None, "8k"), (0, None, "8k"), (33, None, "clip of 25 frames"), (9, 3, "9 frames of picture and 3")],
)
def test_impossible_overlaps_are_refused(overlap: int, heard: int | None, message: str) -> None:
    clip = FinishedClip(frames(25), 25, Fraction(25), sound(25))
    with pytest.raises(ValueError, match=message):
        state_after(clip, overlap, sound_overlap=heard)


def test_a_clip_with_too_little_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="25 sound latents, and 20"):
        state_after(FinishedClip(frames(25), 25, Fraction(25), sound(20)), 9)


def test_a_state_without_frames_or_with_a_wrong_place_is_refused() -> None:
    with pytest.raises(ValueError, match="not in the state"):
        handover(LTX2ContinuationState())
    with pytest.raises(ValueError, match="not in the state"):
        handover(replace(example(), audio_latents=None))
    with pytest.raises(ValueError, match="8k"):
        handover(replace(example(), video_frames=frames(8)))
    with pytest.raises(ValueError, match="first_sound"):
        handover(replace(example(), metadata={"first_sound": -1}))
