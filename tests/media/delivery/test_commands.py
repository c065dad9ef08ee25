"""The ffmpeg commands of every delivery, word for word: a changed word is a changed file."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dubkit.media.delivery.preview import ClipTake, make_clip_preview, make_preview
from dubkit.media.delivery.side_by_side import HeardTake, write_side_by_side
from dubkit.media.delivery.stitch import StitchInputs, stitch
from dubkit.media.files import ffmpeg
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.picture.lossless import write_frames
from dubkit.media.sound.audio import write_wav
from tests.support.paths import DATA, SAMPLE

COMMANDS: dict[str, list[str]] = json.loads((DATA / "ffmpeg_commands.json").read_text(encoding="utf-8"))
"""Recorded while ffmpeg-python built them."""

Recorder = Callable[[Callable[[], object]], list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources of every kind: late, HDR, Matroska with cover and font, sound only; and a dub's sound."""
    folder = tmp_path_factory.mktemp("commands")
    picture = ("-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=8")
    sound = ("-f", "lavfi", "-i", "sine=r=48000:d=8")
    coded = ("-c:v", "mpeg4", "-c:a", "pcm_s16le", "-fflags", "+bitexact")
    _make(*picture, "-itsoffset", "0.25", *sound, *coded, str(folder / "late.mkv"))
    hdr = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
    for name, transfer in (("pq", "smpte2084"), ("hlg", "arib-std-b67")):
        colours = ("-x264-params", f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc")
        _make(*picture, *hdr, *colours, "-frames:v", "5", str(folder / f"{name}.mp4"))
    _make("-f", "lavfi", "-i", "testsrc=s=32x32", "-frames:v", "1", str(folder / "cover.png"))
    (folder / "font.ttf").write_bytes(b"font")
    (folder / "de.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nGuten Tag\n", encoding="utf-8")
    _make(
        *("-i", str(folder / "late.mkv"), "-i", str(folder / "cover.png"), "-i", str(folder / "de.srt")),
        *("-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-disposition:v:1", "attached_pic"),
        *("-metadata:s:v:1", "filename=cover.png", "-metadata:s:v:1", "mimetype=image/png"),
        *("-attach", str(folder / "font.ttf"), "-metadata:s:t:0", "mimetype=font/ttf"),
        str(folder / "rich.mkv"),
    )
    _make(*sound, "-c:a", "pcm_s16le", str(folder / "sound.wav"))
    write_wav(folder / "dub.wav", np.zeros((48_000, 2)), 48_000)
    write_wav(folder / "speech.wav", np.zeros(48_000), 48_000)
    write_frames([np.zeros((10, 48, 64, 3), np.uint8)], folder / "take.mkv")
    return folder


def _make(*arguments: str) -> None:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    run_command(command, place=Path(arguments[-1]), timeout=60)


@pytest.fixture
def recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Return the commands of a call, none of which is run; its own folders and files under plain names."""
    commands: list[str] = []

    def record(command: list[str], *, place: Path, timeout: float | None, version: str = "") -> None:
        words = [word.replace(str(folder), "/f").replace(str(SAMPLE), "/sample.mp4") for word in command[1:]]
        commands.append(shlex.join(re.sub(r"/\.(preview|play|covers)[^/]*", r"/.\1", word) for word in words))
        if place.suffix == ".wav":
            write_wav(place, np.zeros((10, 2)), 48_000)
        else:
            shutil.copyfile(SAMPLE, place)  # what was written is read back

    def run(call: Callable[[], object]) -> list[str]:
        commands.clear()
        call()
        return list(commands)

    monkeypatch.setattr(ffmpeg, "run_command", record)
    return run


@pytest.mark.parametrize("name", ["sample", "late.mkv", "pq.mp4", "hlg.mp4", "sound.wav"])
def test_preview_of_a_film(name: str, folder: Path, recorded: Recorder) -> None:
    source = SAMPLE if name == "sample" else folder / name
    sound = folder / "dub.wav" if name == "late.mkv" else None
    made = recorded(lambda: make_preview(source, folder / "preview.mp4", sound=sound))
    assert made == COMMANDS[f"preview {name}"]


@pytest.mark.parametrize("sound", ["with", "without"])
def test_preview_of_a_clip(sound: str, folder: Path, recorded: Recorder) -> None:
    wave = folder / "speech.wav" if sound == "with" else None
    take = ClipTake(folder / "take.mkv", wave, Fraction(30_000, 1001), Fraction(1, 3))
    made = recorded(lambda: make_clip_preview(take, folder / "preview.mp4"))
    assert made == COMMANDS[f"clip {sound} sound"]


@pytest.mark.parametrize("name", ["source", "dub", "take", "late", "sound"])
def test_side_by_side(name: str, folder: Path, recorded: Recorder) -> None:
    source = {"late": folder / "late.mkv", "sound": folder / "sound.wav"}.get(name, SAMPLE)
    dub = folder / "late.mkv" if name == "dub" else None
    take = HeardTake(folder / "speech.wav", 48_000) if name == "take" else None
    span = (5.0, 6.0) if name in ("late", "sound") else (1.0, 2.0)
    episode, out = probe(source), folder / "both.mp4"
    made = recorded(lambda: write_side_by_side(source, dub, span, out, episode=episode, take=take))
    assert made == COMMANDS[f"side by side {name}"]


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("sample", "mp4"),
        ("sample", "mkv"),
        ("late.mkv", "mp4"),
        ("rich.mkv", "mkv"),
        ("rich.mkv", "mp4"),
        ("sound.wav", "m4a"),
        ("spliced", "mp4"),
    ],
)
def test_delivery(name: str, container: str, folder: Path, recorded: Recorder) -> None:
    source = SAMPLE if name in ("sample", "spliced") else folder / name
    inputs = StitchInputs(
        source=source,
        episode=probe(source),
        dub_audio=folder / "dub.wav",
        language="pt-BR",
        source_language="en",
        subtitles=(("de", folder / "de.srt"),),
        picture=source if name == "spliced" else None,
    )
    made = recorded(lambda: stitch(inputs, folder / f"out.{container}", container))
    assert made == COMMANDS[f"delivery {name} {container}"]
