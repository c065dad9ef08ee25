"""Given sound drives the picture: the original's numbers, order traps, and the samples that come back."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]
import torch
from torch import Tensor

from benchmarks.parity import command as parity
from benchmarks.parity.report import Folder
from dubkit.dubbing import JustDubitPipeline, LoRA
from dubkit.dubbing.clip.media import GivenWave, read_given
from dubkit.dubbing.diffusion import generate
from dubkit.dubbing.diffusion.clip_latents import Carry, EncodedClip, View
from dubkit.dubbing.diffusion.generate import ClipInputs
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT, PREVIEW, Recipe
from dubkit.dubbing.diffusion.sampler import States, sample
from dubkit.errors import MediaError
from dubkit.ltx import components
from dubkit.ltx.components import OpenedTransformer
from dubkit.ltx.weights import Checkpoint
from dubkit.models.tiny.files import make_tiny
from dubkit.types import Remark
from tests.support.clips import model_files, write_film
from tests.support.paths import GOLDEN, require

DRIVEN = "audio_driven"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return model_files(folder)


@pytest.fixture(scope="module")
def opened(files: dict[str, Path]) -> OpenedTransformer:
    return components.open_transformer(Checkpoint(files["checkpoint_path"]), "cpu", torch.float32)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", 11)


@pytest.fixture(scope="module")
def pipeline(files: dict[str, Path]) -> JustDubitPipeline:
    return JustDubitPipeline(
        files["checkpoint_path"],
        files["distilled_lora_path"],
        1.0,
        files["spatial_upsampler_path"],
        files["gemma_root"],
        [LoRA(files["lora"], 1.0)],
        device="cpu",
    )


def clip_of(opened: OpenedTransformer, recipe: Recipe, given: Tensor | None, **changes: Any) -> ClipInputs:
    """A clip of 17 frames with noise as its picture and the source's sound as reference."""
    config = opened.network.config
    generator = torch.Generator().manual_seed(5)
    channels, bins = 2, config.audio.in_channels // 2

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    views = [
        View((noise(1, config.video.in_channels, 1, *size),), noise(1, config.video.in_channels, 3, *size))
        for size in ((2, 3), (4, 6))
    ]
    sound = noise(1, channels, 18, bins)
    encoded = EncodedClip(
        17, 64, 96, channels, bins, views[0], views[1], ((0, 1.0),), sound=sound, given=given
    )
    return ClipInputs(recipe, replace(encoded, **changes), Fraction(25))


def sound_latent(opened: OpenedTransformer, seed: int, count: int = 18) -> Tensor:
    bins = opened.network.config.audio.in_channels // 2
    return torch.randn((1, 2, count, bins), generator=torch.Generator().manual_seed(seed))


def walked(opened: OpenedTransformer, clip: ClipInputs) -> tuple[States, list[States]]:
    """The states at the start of a first stage, and after each of its steps."""
    generator = torch.Generator().manual_seed(7)
    start = generate.start_first(opened.network, clip, generator)
    words = torch.full((1, 8, opened.network.config.caption_channels), 0.1)
    texts = [opened.network.text(words, words)]
    plan = generate.Plan("A", 1.0, None)
    seen: list[States] = []
    denoise = generate.denoiser(opened, start, texts, plan)
    sample(denoise, start.states, start.sigmas, on_step=lambda _, states: seen.append(states))
    return start.states, seen


FROZEN = PREVIEW.with_(steps=2, first_levels=(1.0, 0.5, 0.0))
FOLLOWING = FROZEN.with_(given="following")


# --- the original's numbers


@pytest.mark.slow
def test_runs_with_a_given_sound_give_the_numbers_of_the_original() -> None:
    folder = require(GOLDEN / DRIVEN)
    rows, failures = parity.run(Folder(GOLDEN), ["given:given", "films:driven"])
    rows = [row for row in rows if row.file == DRIVEN]
    assert failures == []
    assert [row for row in rows if row.verdict not in ("ok", "warning")] == []
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    names = {name for tensors in manifest.values() for name in tensors}
    assert len({name for name in names if name.startswith("justdubit_")}) > 100
    assert len({name for name in names if name.startswith(("a2v_", "retake_"))}) > 100
    assert {row.tensor for row in rows} == names


# --- order traps, on the tiny network


@pytest.mark.parametrize("recipe", [FROZEN, FOLLOWING])
def test_the_picture_hears_the_given_sound(opened: OpenedTransformer, recipe: Recipe) -> None:
    one, other = (
        walked(opened, clip_of(opened, recipe, sound_latent(opened, seed)))[1][-1][0].target()
        for seed in (1, 2)
    )
    assert (one - other).abs().max() > 1e-3


def test_a_frozen_sound_is_clean_in_every_step(opened: OpenedTransformer) -> None:
    given = sound_latent(opened, 1)
    clip = clip_of(opened, FROZEN, given)
    start, steps = walked(opened, clip)
    for _, sound in (start, *steps):
        assert torch.equal(sound.target(), generate.latents.patchify_audio(given))
        assert not sound.mask.any()


def test_a_following_sound_goes_from_noise_to_the_given_one(opened: OpenedTransformer) -> None:
    given = sound_latent(opened, 1)
    start, steps = walked(opened, clip_of(opened, FOLLOWING, given))
    tokens, noise = generate.latents.patchify_audio(given), start[1].target()
    assert (noise - tokens).abs().max() > 1
    assert torch.allclose(steps[0][1].target(), 0.5 * tokens + 0.5 * noise, atol=1e-5)
    assert torch.allclose(steps[-1][1].target(), tokens, atol=1e-5)
    assert torch.equal(steps[-1][1].latent[:, 18:], start[1].latent[:, 18:]), "the reference stays"


@pytest.mark.parametrize("recipe", [FROZEN, FOLLOWING])
def test_a_seed_draws_the_same_picture_noise_with_and_without_a_given_sound(
    opened: OpenedTransformer, recipe: Recipe
) -> None:
    begun = []
    for given in (None, sound_latent(opened, 1)):
        generator = torch.Generator().manual_seed(3)
        start = generate.start_first(opened.network, clip_of(opened, recipe, given), generator)
        begun.append((start.states[0].latent, generator.get_state()))
    assert torch.equal(begun[0][0], begun[1][0])
    assert torch.equal(begun[0][1], begun[1][1]), "the draws that a frozen sound throws away are made"


def test_only_targets_see_each_other_though_the_given_sound_is_frozen(opened: OpenedTransformer) -> None:
    clip = clip_of(opened, FROZEN, sound_latent(opened, 1))
    start = generate.start_first(opened.network, clip, torch.Generator().manual_seed(0))
    assert start.cross is not None
    # 6 tokens of the still are in front of the picture's targets, its reference and the sound's behind.
    assert start.cross.video == (6, 18)
    assert start.cross.audio == (0, 18), "the source's voice does not count"


def test_without_reference_the_given_sound_sets_the_length(opened: OpenedTransformer) -> None:
    clip = clip_of(opened, FROZEN, sound_latent(opened, 1, 20), sound=None)
    start = generate.start_first(opened.network, clip, torch.Generator().manual_seed(0))
    assert start.states[1].targets == 20


def test_nothing_of_the_sound_before_is_taken_over_beside_a_given_one(opened: OpenedTransformer) -> None:
    given = sound_latent(opened, 1)
    carry = Carry(None, 1, sound_latent(opened, 9, 4), 1)
    clip = replace(clip_of(opened, FROZEN, given), carry=carry)
    start = generate.start_first(opened.network, clip, torch.Generator().manual_seed(0))
    assert torch.equal(start.states[1].target(), generate.latents.patchify_audio(given))


@pytest.mark.parametrize(("generation", "level"), [("B", 0.5), ("C", 0.0)])
def test_the_level_of_a_frozen_sound_is_that_of_its_generation(
    opened: OpenedTransformer, monkeypatch: pytest.MonkeyPatch, generation: Any, level: float
) -> None:
    clip = clip_of(opened, FROZEN, sound_latent(opened, 1))
    start = generate.start_first(opened.network, clip, torch.Generator().manual_seed(0))
    heard = []

    class Noted:
        blocks = None

        def network(self, _video: Any, audio: Any, *_: Any, **__: Any) -> tuple[int, int]:
            heard.append(audio.sigma)
            return 0, 0

    generate.velocities(Noted(), start, None, None, 0.5, generation)  # type: ignore[arg-type]
    assert heard == [level]


def test_latents_with_a_given_sound_come_back_from_a_file(opened: OpenedTransformer) -> None:
    encoded = clip_of(opened, FROZEN, sound_latent(opened, 1)).encoded
    again = EncodedClip.from_tensors(encoded.tensors())
    assert again.given is not None
    assert encoded.given is not None
    assert torch.equal(again.given, encoded.given)


# --- one clip from files


def write_speech(path: Path, seconds: float, rate: int = 22_050, channels: int = 1) -> Path:
    generator = np.random.default_rng(1)
    samples = generator.integers(-9000, 9000, (round(seconds * rate), channels)).astype(np.int16)
    sf.write(str(path), samples, rate, subtype="PCM_16")
    return path


def dub(pipeline: JustDubitPipeline, film: Path, audio: Path, **call: Any) -> tuple[Tensor, Tensor, int]:
    values = {
        "num_inference_steps": 1,
        "cfg_guidance_scale": 1.0,
        "video_conditioning": [(film, 1.0)],
        "height": 64,
        "width": 96,
    }
    video, sound = pipeline("The man is speaking.", audio=audio, **(values | call))
    return torch.cat(list(video)), sound, video.sample_rate


def test_the_given_samples_come_back_and_no_sound_is_decoded(
    pipeline: JustDubitPipeline, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a sound decoder was loaded")

    monkeypatch.setattr(components, "open_audio_decoder", never)
    monkeypatch.setattr(components, "open_vocoder", never)
    speech = write_speech(tmp_path / "speech.wav", 0.2)
    frames, sound, rate = dub(pipeline, film, speech)
    samples, _ = sf.read(str(speech), dtype="float32")
    assert rate == 22_050
    assert frames.shape[0] == 11
    assert sound.shape == (2, 11 * 22_050 // 25)
    assert all(np.array_equal(side[: len(samples)], samples) for side in sound.numpy())
    assert not sound[:, len(samples) :].any()


@pytest.mark.parametrize(
    ("seconds", "code"), [(0.2, "given-sound-short"), (0.6, "given-sound-cut"), (0.44, "")]
)
def test_another_length_than_the_clip_s_is_said(
    pipeline: JustDubitPipeline,
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    code: str,
) -> None:
    told: list[Remark] = []
    monkeypatch.setattr(pipeline, "tell", told.append)
    monkeypatch.setattr(pipeline, "generate", lambda request: request)
    request: Any = pipeline(
        "x", video_conditioning=[(film, 1.0)], audio=write_speech(tmp_path / "a.wav", seconds)
    )
    assert [one.code for one in told] == ([code] if code else [])
    assert request.media.given.sample_rate == 22_050


def test_without_the_source_s_voice_a_silent_film_can_be_driven(film: Path) -> None:
    from dubkit.dubbing.clip import encode
    from dubkit.dubbing.clip.media import ClipMedia

    media = ClipMedia(torch.zeros(9, 32, 32, 3, dtype=torch.uint8), None, 1, Fraction(25), 9)
    given = replace(media, given=GivenWave(torch.zeros(1, 9000), 24_000))
    models: Any = (None, None)
    with pytest.raises(ValueError, match="has no sound"):
        encode.encode_clip(given, JUSTDUBIT, 32, 32, *models, None)
    with pytest.raises(AttributeError):  # it goes on to the encoders
        encode.encode_clip(given, JUSTDUBIT.with_(given_reference=False), 32, 32, *models, None)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_sound_of_any_channels_is_read_as_one_or_two(tmp_path: Path, channels: int) -> None:
    given = read_given(write_speech(tmp_path / "a.wav", 0.1, 44_100, channels))
    assert given.wave.shape == (2 if channels == 2 else 1, 4410)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("no sound", "utf-8")
    silent = write_film(tmp_path / "silent.mp4", 3, sound=False)
    for file in (text, silent, tmp_path / "missing.wav"):
        with pytest.raises(MediaError, match=file.name):
            read_given(file)
