"""`dubkit ltx`: every way to make a film as it is typed, the file it writes, and what cannot be."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
import soundfile as sf  # type: ignore[import-untyped]
import torch
from click.testing import CliRunner, Result
from torch import Tensor

from dubkit.cli import cli
from dubkit.cli import ltx as module
from dubkit.models.tiny.files import GEMMA, NAMES, make_tiny
from tests.support.clips import write_film

PROMPT = "A harbour at dawn. Gulls cry over the water."


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return folder


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import numpy as np
    from PIL import Image

    path = tmp_path_factory.mktemp("still") / "still.png"
    Image.fromarray(np.full((64, 64, 3), 130, dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", 12, size=(64, 64))


def run(*words: object, weights: Path | None = None) -> Result:
    models: list[object] = []
    if weights is not None:
        names = NAMES["2"]
        models = [
            *("--checkpoint_path", weights / names["checkpoint"], "--gemma-root", weights / GEMMA),
            *("--distilled_lora_path", weights / names["distilled"]),
            *("--spatial-upsampler-path", weights / names["spatial"]),
            *("--temporal_upsampler_path", weights / names["temporal"]),
            *("--device", "cpu"),
        ]
    return CliRunner().invoke(cli, ["ltx", "--prompt", PROMPT, *map(str, (*models, *words))])


def shown(path: Path) -> tuple[int, int, int, float]:
    """Return a film's frames, width, height, and rate."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        count = sum(1 for _ in film.decode(video=0))
        return count, stream.width, stream.height, float(stream.average_rate or 0)


SMALL = ("--height", 64, "--width", 64, "--num_inference_steps", 1, "--cfg_guidance_scale", 1.0)


def test_words_become_a_film_with_sound_and_it_is_said_how(weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "film.mp4"
    done = run(*SMALL[:-2], "--num-frames", 9, "--output-path", out, weights=weights)
    assert done.exit_code == 0, done.output
    assert "Pipeline two-stages: Nothing asks for another one." in done.stderr
    assert "first stage: 1 in" in done.stderr
    assert f"{out}: 9 frames of 64x64 at 24 per second, 0.38 s of sound" in done.stdout
    assert shown(out) == (9, 64, 64, 24.0)
    with av.open(str(out)) as film:
        assert film.streams.audio[0].rate == 24_000
    assert [path.name for path in out.parent.iterdir()] == ["film.mp4"]


@pytest.mark.slow
def test_stills_chains_and_doubling_from_the_command_line(weights: Path, still: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    images = ("--image", still, 0, 1.0, "--image", still, 8, 0.8)
    done = run(*SMALL, *images, "--num_frames", 9, "--output_path", out, weights=weights)
    assert done.exit_code == 0, done.output
    assert "Pipeline keyframes: There are stills at 2 different frames." in done.stderr
    window = ("--window", 9, "--overlap", 1)
    done = run(*SMALL, *window, "--num_frames", 14, "--temporal_x2", "--output_path", out, weights=weights)
    assert done.exit_code == 0, done.output
    assert "Pipeline chained, in 2 windows: 14 frames are more than the 9" in done.stderr
    assert "window 2 of 2: second stage: 3 in" in done.stderr
    assert shown(out) == (27, 64, 64, 48.0)


@pytest.mark.slow
def test_clips_are_followed_gone_on_from_and_retaken(weights: Path, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    lora = ("--lora", weights / NAMES["2"]["dubbing"], "--lora_strength", 0.9)
    done = run(*SMALL, "--video_conditioning", clip, 1.0, *lora, "--output_path", out, weights=weights)
    assert done.exit_code == 0, done.output
    assert "Pipeline ic-lora: There is a reference clip." in done.stderr
    assert shown(out) == (9, 64, 64, 25.0)
    steps = SMALL[4:]
    done = run(*steps, "--extend", clip, "--num_frames", 3, "--output_path", out, weights=weights)
    assert done.exit_code == 0, done.output
    assert shown(out) == (15, 64, 64, 25.0)
    done = run(*steps, "--retake", clip, 0.05, 0.2, "--output_path", out, weights=weights)
    assert done.exit_code == 0, done.output
    assert "12 frames of 64x64 at 25 per second, 0.48 s of sound; frames 1 to 8 are new" in done.stdout
    assert shown(out) == (12, 64, 64, 25.0)


@pytest.mark.slow
def test_a_sound_of_ones_own_is_the_films(weights: Path, tmp_path: Path) -> None:
    out, sound = tmp_path / "film.mp4", tmp_path / "sound.wav"
    sf.write(sound, torch.sin(torch.arange(48_000) / 20).numpy() * 0.5, 48_000)
    done = run(
        *SMALL, "--audio", sound, "--audio_start", 0.5, "--num_frames", 9, "--output_path", out,
        weights=weights,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Pipeline audio: The sound is given." in done.stderr
    assert "The sound lasts 0.50 s and the film 0.38 s: the rest of the sound is cut off." in done.stderr
    with av.open(str(out)) as film:
        assert film.streams.audio[0].rate == 48_000


@pytest.mark.slow
def test_the_prompt_is_enhanced_and_a_distilled_pipeline_has_its_own_steps(
    weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "film.mp4"
    done = run(
        *SMALL[:4], "--pipeline", "distilled", "--num_frames", 9, "--enhance", "--output_path", out,
        weights=weights,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert f"Prompt as written: {PROMPT}" in done.stderr
    assert "first stage: 8 in" in done.stderr
    assert "second stage: 3 in" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("--height", 100, "--width", 64),
            1,
            "The height of two-stages is a multiple of 64, not 100; try 128",
        ),
        (("--num_frames", 20), 1, "The number of frames is 8k+1, not 20; 17 is the nearest"),
        (("--temporal_x2", "--pipeline", "one-stage"), 1, "Frames are doubled between two stages"),
        (("--pipeline", "keyframes"), 1, "keyframes needs at least one still"),
        (("--image", "nowhere.png", 0, 1.0), 1, "nowhere.png"),
        (("--extend", "nowhere.mp4"), 1, "nowhere.mp4"),
        (("--audio", "nowhere.wav"), 1, "nowhere.wav"),
        (("--lora", "nowhere.safetensors"), 1, "No LoRA at nowhere.safetensors"),
        (("--image", "still.png", -1, 1.0), 2, "-1"),
        (("--image", "still.png", 0, 2.0), 2, "2.0"),
        (("--extend", "a.mp4", "--retake", "a.mp4", 0, 1), 2, "give one of them"),
        (("--retake_only", "sound"), 2, "no --retake is given"),
        (("--audio_start", 1.0), 2, "no --audio is given"),
        (("--lora_strength", 1.0, "--lora_strength", 2.0), 2, "2 --lora_strength for 0 --lora"),
        (("--frame_rate", "fast"), 2, "write 25, 23.976 or 24000/1001"),
        (("--pipeline", "magic"), 2, "magic"),
    ],
)
def test_what_cannot_be_says_what_can(
    weights: Path, tmp_path: Path, words: tuple[object, ...], code: int, message: str
) -> None:
    done = run(*words, "--output_path", tmp_path / "film.mp4", weights=weights)
    error = str(done.exception) if code == 1 else done.output
    assert done.exit_code == code
    assert message in error
    assert not list(tmp_path.iterdir())


def test_the_result_never_takes_the_place_of_what_it_is_made_of(clip: Path, tmp_path: Path) -> None:
    done = run("--retake", clip, 0, 1, "--output_path", clip)
    assert done.exit_code == 2
    assert "the film is made of" in done.output
    assert run("--output_path", tmp_path).exit_code == 2


def test_every_option_has_both_spellings_and_help() -> None:
    for option in module.command.params:
        assert option.help  # type: ignore[attr-defined]
        assert {name.replace("_", "-") for name in option.opts} <= set(option.opts)


def test_without_named_files_the_model_store_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path))
    done = run("--output_path", tmp_path / "film.mp4")
    assert done.exit_code == 1
    assert "dubkit models get" in str(done.exception)


def test_a_stopped_command_says_that_it_keeps_nothing(
    weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stopped(*_: object, **__: object) -> Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr("dubkit.generation.make.generate", stopped)
    done = run(*SMALL, "--num_frames", 9, "--output_path", tmp_path / "film.mp4", weights=weights)
    assert done.exit_code == 130
    assert "Nothing is kept" in done.stderr
    assert not list(tmp_path.iterdir())
