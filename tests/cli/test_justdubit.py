"""`dubkit justdubit`: the original's command line as it is typed, and the file it writes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]
import torch
from click.testing import CliRunner, Result

from dubkit.cli import cli, generating
from dubkit.cli import justdubit as module
from dubkit.cli import justdubit_states as states
from dubkit.dubbing import encode_video
from dubkit.dubbing.continuation.continued import DubbedFrames
from dubkit.dubbing.continuation.state import FinishedClip, LTX2ContinuationState
from dubkit.models.tiny.files import make_tiny
from tests.support.clips import model_files, write_film

PROMPT = 'The young woman is speaking American English, saying: "Hello... how are you?"'
README_FLAGS = (
    *("checkpoint_path", "gemma_root", "distilled_lora_path", "distilled_lora_strength"),
    *("spatial_upsampler_path", "lora", "lora_strength", "video_conditioning", "prompt", "negative_prompt"),
    *("height", "width", "num_inference_steps", "cfg_guidance_scale", "frame_rate", "seed", "output_path"),
    *("num_frames", "enable_fp8"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return model_files(folder)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", 10, rate=Fraction(24000, 1001))


def run(*words: object, models: dict[str, Path] | None = None) -> Result:
    named = [word for name, path in (models or {}).items() for word in (f"--{name}", path)]
    return CliRunner().invoke(cli, ["justdubit", *map(str, (*named, *words))])


def test_the_readmes_command_line_writes_a_whole_film(
    files: dict[str, Path], film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "dub.mp4"
    done = run(
        *("--distilled_lora_strength", 1.0, "--lora_strength", 1.0, "--video_conditioning", film, 1.0),
        *("--prompt", PROMPT, "--negative_prompt", "blurry", "--height", 64, "--width", 96),
        *("--num_inference_steps", 2, "--cfg_guidance_scale", 3.0, "--seed", 42, "--output_path", out),
        models=files,
    )
    assert done.exit_code == 0, done.output
    assert "10 frames at 24000/1001 per second" in done.stdout
    assert "first stage: 2 in" in done.stderr
    assert "free" in done.stderr  # the memory mode and why
    with av.open(str(out)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, picture.pix_fmt) == ("h264", "yuv420p")
        assert (picture.width, picture.height) == (192, 128)
        assert picture.average_rate == Fraction(24000, 1001)
        assert sound.codec_context.codec.canonical_name == "aac"
        assert sound.rate == 24_000
        stamps = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert stamps == [Fraction(1001 * n, 24000) for n in range(10)]
    assert [path.name for path in out.parent.iterdir()] == ["dub.mp4"]


def test_flags_may_be_spelled_with_hyphens_and_a_given_rate_wins(
    files: dict[str, Path], film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dub.mp4"
    done = run(
        *("--video-conditioning", film, 1.0, "--prompt", PROMPT, "--height", 64, "--width", 64),
        *("--num-inference-steps", 1, "--cfg-guidance-scale", 1, "--frame-rate", 25, "--num-frames", 121),
        *("--output-path", out, "--enable-fp8", "--lora", files["lora"], "--lora-strength", 0.5),
        models=files,
    )
    assert done.exit_code == 0, done.output
    assert "24000/1001 frames per second; it is dubbed at 25 as asked" in done.stderr
    assert "--num_frames 121 is not used: the result has 10 frames" in done.stderr
    with av.open(str(out)) as container:
        assert container.streams.video[0].average_rate == 25


@pytest.mark.slow
def test_flags_of_refining_reach_the_clip(files: dict[str, Path], film: Path, tmp_path: Path) -> None:
    said = []
    for name, words in (
        ("refined", ("--refine-steps", 3, "--refine-guidance", 2.0, "--precision", "vocoder=bfloat16")),
        ("enlarged", ("--no-refine",)),
    ):
        done = run(
            *("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--num_inference_steps", 1),
            *("--cfg_guidance_scale", 1.0, "--height", 64, "--width", 64, *words),
            *("--output_path", tmp_path / f"{name}.mp4"),
            models=files,
        )
        assert done.exit_code == 0, done.output
        said.append(done.stderr)
    assert "second stage: 3 in" in said[0]
    assert "second stage" not in said[1]


def test_given_speech_is_the_sound_of_the_result(files: dict[str, Path], film: Path, tmp_path: Path) -> None:
    out, speech = tmp_path / "dub.mp4", tmp_path / "speech.wav"
    sf.write(str(speech), np.full(9600, 0.25, np.float32), 48_000)
    done = run(
        *("--video-conditioning", film, 1.0, "--prompt", PROMPT, "--height", 64, "--width", 64),
        *("--num-inference-steps", 1, "--cfg-guidance-scale", 1, "--output-path", out),
        *("--audio", speech, "--audio-recipe", "following", "--no-audio-reference"),
        models=files,
    )
    assert done.exit_code == 0, done.output
    assert "lasts 0.20 s and the clip 0.42 s: silence follows it" in done.stderr
    with av.open(str(out)) as container:
        assert container.streams.audio[0].rate == 48_000
        wave = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert abs(float(np.median(wave[:, 2000:8000])) - 0.25) < 0.02
    assert abs(float(np.median(wave[:, 12_000:18_000]))) < 0.02


def test_options_of_given_speech_need_it(film: Path, tmp_path: Path) -> None:
    for option in (("--audio-recipe", "frozen"), ("--no-audio-reference",)):
        done = run(
            *("--video-conditioning", film, 1.0, "--prompt", PROMPT, "--output-path", tmp_path / "a.mp4"),
            *option,
        )
        assert done.exit_code == 2
        assert "no --audio is given" in done.stderr


@pytest.mark.slow
def test_two_calls_make_one_shot(files: dict[str, Path], tmp_path: Path) -> None:
    # 18 frames of a source: 0 to 11, and from 3 on; the second result begins with frame 12.
    films = [write_film(tmp_path / f"{name}.mp4", count) for name, count in (("a", 12), ("b", 15))]
    outs, states = ([tmp_path / f"{name}.{kind}" for name in "xy"] for kind in ("mp4", "json"))
    for number, extra in enumerate(((), ("--continue-from", states[0]))):
        done = run(
            *("--video_conditioning", films[number], 1.0, "--prompt", PROMPT, "--height", 64, "--width", 64),
            *("--num_inference_steps", 1, "--cfg_guidance_scale", 1, "--output_path", outs[number]),
            *("--save-state", states[number], "--overlap", 9, *extra),
            models=files,
        )
        assert done.exit_code == 0, (done.output, done.exception)
        assert "the next clip starts 9 frames before this end" in done.stdout
    counts = []
    for out in outs:
        with av.open(str(out)) as container:
            counts.append(sum(1 for _ in container.decode(video=0)))
    assert counts == [12, 18 - 12]
    payload = json.loads(states[1].read_text("utf-8"))["payload"]
    assert (payload["segment_index"], payload["metadata"]["end_frame"]) == (1, 18)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--save-state", "s.json", "--overlap", 8), 2, "--overlap 8: A clip has 8k+1 frames"),
        (("--save-state", "s.json", "--overlap", 17), 2, "--overlap 17: the clip has 10 frames"),
        (("--save-state", "."), 2, "is a folder"),
        (("--save-state", "o.mp4"), 2, "is the clip or its dub"),
        (("--continue-from", "none.json"), 1, "No state at none.json"),
        (("--continue-from", "bad.json"), 1, "bad.json: A continuation state is JSON"),
        (("--continue-from", "other.json"), 1, "of kind 'wan.v1'"),
    ],
)
def test_states_that_cannot_be_are_refused(
    files: dict[str, Path],
    film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[object, ...],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("{")
    Path("other.json").write_text('{"kind": "wan.v1", "payload": {}}')
    base = ("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--output_path", "o.mp4")
    done = run(*base, *words, models=files)
    assert done.exit_code == code
    assert said in (done.output if code == 2 else str(done.exception))


def test_large_parts_of_a_state_lie_beside_it(tmp_path: Path) -> None:
    noise = torch.randint(0, 255, (9, 512, 512, 3), dtype=torch.uint8)
    frames = DubbedFrames(iter([noise]), 0, 9, FinishedClip(noise[:0], 9, Fraction(25), None))
    assert len(next(frames)) == 9
    path = tmp_path / "new" / "state.json"
    states.save_state(path, frames)
    assert sorted(found.name for found in path.parent.iterdir()) == ["state.blobs", "state.json"]
    given = states.continuation(path)
    read = LTX2ContinuationState.from_continuation_state(given["continuation"], given["blob_store"])
    assert read.video_frames is not None
    assert torch.equal(read.video_frames, noise)


def test_a_stopped_command_says_that_it_keeps_nothing(
    files: dict[str, Path], film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dubkit.dubbing.pipeline.JustDubitPipeline.__call__", stopped)
    base = ("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--output_path", tmp_path / "o.mp4")
    done = run(*base, models=files)
    assert done.exit_code == 130
    assert "Nothing is kept; the same command starts over" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_flag_of_the_original_is_there_in_both_spellings() -> None:
    known = {spelling for option in module.command.params for spelling in option.opts}
    for name in README_FLAGS:
        assert {f"--{name}", f"--{name.replace('_', '-')}"} <= known


def test_without_named_files_the_model_store_says_how_to_get_them(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path / "cache"))
    done = run("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--output_path", tmp_path / "o.mp4")
    assert done.exit_code == 1
    assert "dubkit models get ltx-2-19b-dev" in str(done.exception)


@pytest.mark.slow
def test_the_distilled_recipe_finds_the_distilled_checkpoint_of_the_model_store(
    files: dict[str, Path], film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_DISTILLED_CHECKPOINT", str(files["checkpoint_path"]))
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path / "cache"))
    named = ("spatial_upsampler_path", "gemma_root", "lora")
    call = ("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--height", 64, "--width", 64)
    done = run(
        *(*call, "--recipe", "distilled", "--output_path", tmp_path / "o.mp4"),
        models={name: files[name] for name in named},
    )
    assert done.exit_code == 0, done.output
    assert "first stage: 8 in" in done.stderr
    assert "second stage: 2 in" in done.stderr


def test_a_missing_file_is_named(files: dict[str, Path], film: Path, tmp_path: Path) -> None:
    models = files | {"spatial_upsampler_path": Path("nowhere.safetensors")}
    done = run(
        "--video_conditioning",
        film,
        1.0,
        "--prompt",
        PROMPT,
        "--output_path",
        tmp_path / "o.mp4",
        models=models,
    )
    assert done.exit_code == 1
    assert "nowhere.safetensors" in str(done.exception)
    assert "dubkit models get ltx-2-spatial-upscaler-x2-1.0" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lora_strength", 1, "--lora_strength", 2), "2 --lora_strength for 1 --lora"),
        (("--frame_rate", "fast"), "--frame_rate fast"),
        (("--frame_rate", "1/0"), "--frame_rate 1/0"),
        (("--seed", -1), "--seed"),
        (("--recipe", "slow"), "--recipe"),
        (("--refine-steps", 4), "--refine-steps"),
        (("--refine-guidance", 0.5), "refine.guidance_scale is 0.5; a number from 1 to 100"),
        (("--refine-crf", 52), "refine.image_crf is 52"),
        (("--refine-offset", -1), "refine.video_position_offset_sec is -1.0"),
        (("--no-refine", "--refine-steps", 3), "--no_refine leaves the second stage out, and --refine_steps"),
        (("--precision", "vocoder"), "write PART=TYPE, such as vocoder=float32"),
        (("--precision", "vocoder=float8"), "The vocoder cannot work in float8"),
    ],
)
def test_wrong_usage_exits_2(
    files: dict[str, Path], film: Path, tmp_path: Path, words: tuple[object, ...], said: str
) -> None:
    base = ("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--output_path", tmp_path / "o.mp4")
    done = run(*base, *words, models=files)
    assert done.exit_code == 2
    assert said in done.output


def test_the_clip_itself_and_folders_are_no_place_for_the_result(film: Path, tmp_path: Path) -> None:
    for out, said in ((film, "the clip itself"), (tmp_path, "is a folder")):
        done = run("--video_conditioning", film, 1.0, "--prompt", PROMPT, "--output_path", out)
        assert done.exit_code == 2
        assert said in done.output


def test_progress_in_a_terminal_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr(generating.time, "monotonic", lambda: next(times))
    steps = generating.Steps()
    steps.live = True
    for done in (0, 1, 2):
        steps("first stage", done, 2)
    assert "first stage: 1 of 2, about 10 s left" in capsys.readouterr().err


def test_a_film_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "dub.mp4"
    with pytest.raises(ValueError, match="no frame"):
        encode_video([], 25, None, 24_000, out)

    def broken() -> object:
        yield torch.zeros(2, 32, 32, 3, dtype=torch.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_video(broken(), 25, torch.zeros(1, 100), 24_000, out)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)])
def test_longer_films_keep_exact_times(tmp_path: Path, rate: Fraction) -> None:
    # The encoder gives its first packet after some 40 frames; until then the clock is the encoder's own.
    out, count = tmp_path / "dub.mp4", 121
    noise = torch.randint(0, 255, (count, 32, 64, 3), dtype=torch.uint8)
    sound = torch.zeros(2, int(count / rate * 24_000))
    assert encode_video(noise, rate, sound, 24_000, out) == count
    with av.open(str(out)) as container:
        assert container.streams.video[0].average_rate == rate
        stamps = sorted(packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size)
    assert stamps == [n / rate for n in range(count)]


def test_odd_sizes_and_silent_films_are_written(tmp_path: Path) -> None:
    out = tmp_path / "dub.mp4"
    assert encode_video(torch.full((3, 33, 35, 3), 128, dtype=torch.uint8), 29.97, None, 24_000, out) == 3
    with av.open(str(out)) as container:
        picture = container.streams.video[0]
        assert (picture.width, picture.height, picture.average_rate) == (34, 32, Fraction(30000, 1001))
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert abs(int(frame[10, 10, 0]) - 128) <= 2


def test_enhancement_is_shown_and_an_answer_of_no_use_changes_nothing(
    files: dict[str, Path], film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dubkit.dubbing.enhance.MOST_TOKENS", 8)
    made = []
    for name, option in (("plain", ()), ("enhanced", ("--enhance",))):
        out = tmp_path / f"{name}.mp4"
        done = run(
            *("--video-conditioning", film, 1.0, "--prompt", PROMPT, "--height", 64, "--width", 64),
            *("--num-inference-steps", 1, "--cfg-guidance-scale", 1, "--output-path", out, *option),
            models=files,
        )
        assert done.exit_code == 0, done.output
        made.append(out.read_bytes())
        assert (f"Prompt as written: {PROMPT}" in done.stderr) == bool(option)
        assert ("The prompt was not enhanced" in done.stderr) == bool(option)
    assert made[0] == made[1]


def test_the_negative_prompt_of_the_settings_serves_single_clips_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert generating.negative_prompt_of(None) == generating.NEGATIVE_PROMPT
    (tmp_path / "dubkit.toml").write_text('[dub]\nnegative_prompt = "grey"\n')
    assert generating.negative_prompt_of(None) == "grey"
    assert generating.negative_prompt_of("green") == "green"
    assert generating.negative_prompt_of("") == ""
