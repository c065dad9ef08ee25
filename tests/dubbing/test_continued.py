"""Two calls of the pipeline make one shot: what is held, what is shown, and what cannot be continued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dubkit.dubbing import JustDubitPipeline, LoRA, pipeline
from dubkit.dubbing.clip.media import ClipMedia, Still, grid_frames
from dubkit.dubbing.continuation.continued import (
    DubbedFrames,
    NotFinished,
    StateUnfit,
    clip_before,
    read_state,
)
from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import FolderBlobStore
from dubkit.dubbing.continuation.state import (
    FinishedClip,
    LTX2ContinuationState,
    state_after,
)
from dubkit.dubbing.diffusion import generate
from dubkit.dubbing.diffusion.clip_latents import Carry, EncodedClip, FirstStage, View
from dubkit.dubbing.diffusion.parts import GeneratorUnfit
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT
from dubkit.dubbing.request import ClipRequest
from dubkit.ltx import components, latents
from dubkit.ltx.weights import Checkpoint
from dubkit.models.tiny.files import make_tiny
from dubkit.types import Fit
from tests.support.clips import model_files, write_film

QUICK = JUSTDUBIT.with_(steps=1, guidance=1.0)
PROMPT = 'The man is speaking French, saying: "Bonjour."'
NTSC = Fraction(30000, 1001)


@pytest.fixture(scope="module")
def dubber(tmp_path_factory: pytest.TempPathFactory) -> JustDubitPipeline:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    named = model_files(folder)
    lora = [LoRA(named.pop("lora"), 1.0)]
    return JustDubitPipeline(**named, distilled_lora_strength=1.0, loras=lora, device="cpu")  # type: ignore[arg-type]


def source(first: int, end: int, rate: Fraction = NTSC) -> ClipMedia:
    """Return frames of one source, whose picture pans and whose sound is noise, as a clip of their own."""
    rows = torch.arange(64).view(1, 64, 1, 1) + torch.arange(first, end).view(-1, 1, 1, 1) * 3
    pictures = (rows.expand(-1, 64, 64, 3) % 256).to(torch.uint8)
    noise = torch.randn(1, 96_000, generator=torch.Generator().manual_seed(1)) * 0.1
    wave = noise[:, int(first / rate * 48_000) : int(end / rate * 48_000)]
    return ClipMedia(pictures, wave, 48_000, rate, grid_frames(end - first))


def request(media: ClipMedia, state: ContinuationState | None = None, **changes: Any) -> ClipRequest:
    given = None if state is None else read_state(state, changes.pop("store", None))
    values: dict[str, Any] = {"height": 64, "width": 64, "recipe": QUICK, "overlap": 9, "continuation": given}
    return ClipRequest(media, PROMPT, **(values | changes))


def taken(made: tuple[DubbedFrames, Tensor]) -> tuple[Tensor, Tensor, DubbedFrames]:
    video, audio = made
    return torch.cat(list(video)), audio, video


class Recorded:
    """What the first stage was given and made, call by call."""

    def __init__(self) -> None:
        self.encoded: list[EncodedClip] = []
        self.carries: list[Carry | None] = []
        self.made: list[FirstStage] = []

    def first_stage(self, opened: Any, clip: generate.ClipInputs, *given: Any, on_step: Any) -> Any:
        self.encoded.append(clip.encoded)
        self.carries.append(clip.carry)
        self.made.append(generate.first_stage(opened, clip, *given, on_step=on_step))
        return self.made[-1]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    record = Recorded()
    monkeypatch.setattr(pipeline, "first_stage", record.first_stage)
    return record


# --- two calls


@pytest.mark.slow
@pytest.mark.parametrize("rate", [NTSC, Fraction(25)])
def test_two_calls_on_overlapping_pieces_are_as_long_as_the_source(
    dubber: JustDubitPipeline, recorded: Recorded, tmp_path: Path, rate: Fraction
) -> None:
    store = FolderBlobStore(tmp_path)
    frames, sound, video = taken(dubber.generate(request(source(0, 12, rate))))
    state = ContinuationState.from_json(video.continuation(store).to_json())
    more = request(source(12 - 9, 19, rate), state, store=store)
    again, rest, after = taken(dubber.generate(more))
    assert (len(frames), len(again)) == (12, 7)
    assert sound.shape[1] + rest.shape[1] == int(19 / rate * 24_000)
    carry, first = recorded.carries[1], recorded.made[1]
    assert carry is not None
    assert carry.video is not None
    assert carry.audio is not None
    # The frames are encoded anew: their first latent stands for one, as it does in the clip.
    assert torch.equal(first.video[:, :, :1], recorded.encoded[1].first.stills[0])
    assert torch.equal(first.video[:, :, 1:2], carry.video)
    begin, count = carry.first_sound, carry.audio.shape[2]
    assert torch.equal(first.audio[:, :, begin : begin + count], carry.audio)
    # The same sound at the same time: it ends with the last whole latent of the clip before.
    last = recorded.made[0].audio[:, :, : int(12 / rate * 25 + Fraction(3, 4))]
    assert torch.equal(carry.audio, last[:, :, last.shape[2] - count :])
    third = after.continuation().payload
    assert (third["segment_index"], third["metadata"]["end_frame"]) == (1, 19)


@pytest.mark.slow
def test_files_continue_through_the_documented_call(dubber: JustDubitPipeline, tmp_path: Path) -> None:
    films = [write_film(tmp_path / f"{name}.mp4", count) for name, count in (("a", 20), ("b", 14))]
    call = {"num_inference_steps": 1, "cfg_guidance_scale": 1.0, "overlap": 9, "height": 64, "width": 64}
    frames, sound, video = taken(dubber(PROMPT, video_conditioning=[(films[0], 1.0)], **call))  # type: ignore[arg-type]
    state, clip = video.continuation(), [(films[1], 1.0)]
    again, rest, _ = taken(dubber(PROMPT, video_conditioning=clip, continuation=state, **call))  # type: ignore[arg-type]
    assert len(frames) + len(again) == 20 + 14 - 9
    assert sound.shape[1] + rest.shape[1] == 25 * 960
    other, _, _ = taken(dubber(PROMPT, video_conditioning=clip, **call))  # type: ignore[arg-type]
    assert not torch.equal(again, other[9:])


@pytest.mark.slow
def test_a_shot_from_the_prompt_alone_continues(dubber: JustDubitPipeline, recorded: Recorded) -> None:
    empty = ClipMedia(None, None, 1, Fraction(24), 17, stills=())
    _, _, video = taken(dubber.generate(request(empty, overlap=1)))
    again, sound, _ = taken(dubber.generate(request(empty, video.continuation())))
    assert (len(again), sound.shape[1]) == (16, 16_000)
    carry = recorded.carries[1]
    assert carry is not None
    assert carry.video is None  # One frame is the still alone.


@pytest.mark.slow
def test_holds_of_0_leave_out_what_they_hold(dubber: JustDubitPipeline, recorded: Recorded) -> None:
    clip = FinishedClip(torch.zeros(9, 64, 64, 3, dtype=torch.uint8), 9, NTSC, torch.zeros(1, 8, 8, 16))
    state = state_after(clip, 9, picture_hold=0.0, sound_hold=0.0).to_continuation_state()
    again, _, _ = taken(dubber.generate(request(source(0, 16), state)))
    assert len(again) == 7
    carry = recorded.carries[0]
    assert carry is not None
    assert (carry.video, carry.audio) == (None, None)
    assert len(recorded.encoded[0].first.stills) == 1  # the clip's own first frame


# --- what the network is told


@pytest.fixture(scope="module")
def network(dubber: JustDubitPipeline) -> Any:
    return components.open_transformer(
        Checkpoint(dubber.parts.files.checkpoint), "cpu", torch.float32
    ).network


def begun(network: Any, carry: Carry | None) -> generate.DiffusionStart:
    channels = network.config.video.in_channels
    reference = torch.zeros(1, channels, 3, 2, 2)
    encoded = EncodedClip(17, 64, 64, 2, 16, View((), reference), View((), reference), (), None)
    clip = generate.ClipInputs(QUICK, encoded, Fraction(25), carry)
    return generate.start_first(network, clip, torch.Generator())


def test_picture_and_reference_move_together_and_the_sound_begins_before(network: Any) -> None:
    plain, moved = (begun(network, carry) for carry in (None, Carry(None, 1, picture_offset=0.03)))
    (picture, sound), (later, more) = plain.states, moved.states
    shift = later.positions - picture.positions
    assert later.positions.shape[2] == 2 * later.targets
    assert torch.allclose(shift[:, 0], torch.tensor(0.03))
    assert not shift[:, 1:].any()
    assert more.targets == sound.targets + 1  # so that the sound lasts as long as the picture
    assert torch.equal(more.positions, latents.audio_positions(more.targets))


def test_picture_and_sound_are_held_each_by_its_own_strength(network: Any) -> None:
    channels = network.config.video.in_channels
    carry = Carry(
        torch.ones(1, channels, 1, 2, 2), 1, torch.ones(1, 2, 3, 16), 1, strength=0.75, sound_strength=0.5
    )
    picture, sound = begun(network, carry).states
    assert picture.mask[0, :12, 0].tolist() == [1.0] * 4 + [0.25] * 4 + [1.0] * 4
    assert sound.mask[0, :5, 0].tolist() == [1.0, 0.5, 0.5, 0.5, 1.0]
    with pytest.raises(ValueError, match="do not fit tokens of 32"):
        begun(network, replace(carry, audio=torch.ones(1, 8, 3, 16)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"sound_strength": 1.5}, "sound strength 1.5"), ({"picture_offset": -0.1}, "offset -0.1 s")],
)
def test_values_of_a_carry_are_checked(changes: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Carry(None, 1, **changes)  # type: ignore[arg-type]


# --- frames on their way


def pieces(*counts: int) -> Iterator[Tensor]:
    number = 0
    for count in counts:
        yield torch.arange(number, number + count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 2, 2, 3)
        number += count


@pytest.mark.parametrize("counts", [(25,), (9, 8, 8), (3, 3, 3, 3, 3, 3, 3, 4)])
def test_hidden_frames_are_left_out_and_the_last_ones_kept_however_they_come(counts: tuple[int, ...]) -> None:
    clip = FinishedClip(torch.zeros(0, 2, 2, 3, dtype=torch.uint8), 25, Fraction(25), None)
    frames = DubbedFrames(pieces(*counts), 9, 17, clip)
    with pytest.raises(NotFinished, match=r"0 of the clip's 25 frames"):
        frames.continuation()
    assert torch.cat(list(frames))[:, 0, 0, 0].tolist() == list(range(9, 25))
    carried = read_state(frames.continuation(), None).video_frames
    assert carried is not None
    assert carried[:, 0, 0, 0].tolist() == list(range(8, 25))  # some of them hidden here


def test_a_clip_shorter_than_the_overlap_has_no_continuation() -> None:
    clip = FinishedClip(torch.zeros(0, 2, 2, 3, dtype=torch.uint8), 9, Fraction(25), None)
    frames = DubbedFrames(pieces(9), 0, 17, clip)
    assert len(torch.cat(list(frames))) == 9
    with pytest.raises(StateUnfit, match="clip of 9 frames"):
        frames.continuation()


# --- what cannot be


def state(count: int = 9, size: tuple[int, int] = (64, 64), **changes: Any) -> LTX2ContinuationState:
    return LTX2ContinuationState(video_frames=torch.zeros(count, *size, 3, dtype=torch.uint8), **changes)


@pytest.mark.parametrize(
    ("given", "changes", "said"),
    [
        (state(video_conditioning_frame_idx=8), {}, "stand at frame 8"),
        (state(17), {}, "16 frames, and the clip before has shown 17"),
        (state(audio_sample_rate=48_000), {}, "48000 Hz.* 24000 Hz"),
        (state(), {"stills": (Still(torch.zeros(8, 8, 3), 1),)}, "decides 0 to 1"),
        (state(size=(64, 96)), {"fit": Fit(64, 64, 0, 0, 64, 64)}, "is 96x64"),
        (state(metadata={"end_frame": 3}), {}, "end_frame"),
        (LTX2ContinuationState(), {}, "not in the state"),
    ],
)
def test_a_state_that_does_not_belong_to_the_clip_is_refused(
    given: LTX2ContinuationState, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(StateUnfit, match=said):
        clip_before(given, replace(source(0, 16), **changes), 24_000)


def test_wrong_kinds_and_overlaps_are_refused_before_any_model_is_opened(
    dubber: JustDubitPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dubber.parts, "text", None)
    with pytest.raises(ValueError, match=r"of kind 'wan\.v1'"):
        dubber(PROMPT, continuation=ContinuationState("wan.v1", {}))
    with pytest.raises(GeneratorUnfit, match=r"overlap: .* not 16"):
        dubber(PROMPT, overlap=16)


def test_seconds_of_a_state_become_the_fraction_they_stand_for() -> None:
    for rate in (Fraction(24), Fraction(24000, 1001), Fraction(60000, 1001), Fraction(25)):
        for count in range(17, 130):
            exact = (count - 9) / rate % Fraction(1, 25)
            found = clip_before(state(video_position_offset_sec=float(exact)), source(0, 16, rate), 24_000)
            assert found.lead == exact
