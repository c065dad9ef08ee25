"""The exactness measurement: it passes an exact dub and sees every way of not being one."""

from __future__ import annotations

import io
import os
import sys
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.exactness import Measure, Options, compare, main, measure
from benchmarks.programs import run
from benchmarks.reading import pixels, read
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command

FRAMES = 50
RATE = Fraction(24000, 1001)


@dataclass(frozen=True)
class Dub:
    """How a stand-in dub is made from a source; the defaults make an exact one."""

    drop: int | None = None
    late: int | None = None
    """Frame that is shown half a frame late."""
    recode: bool = False
    language: str = "por"
    default: bool = True
    keep_original: bool = True
    seconds: float | None = None
    offset: float = 0.0
    """Seconds by which the dubbed sound starts late."""
    sound: bool = True


def make_source(path: Path, frames: int = FRAMES, sound: bool = True) -> Path:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "bf": "0", "g": "10"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = out.add_stream("aac", rate=48_000, layout="mono") if sound else None
        if audio is not None:
            audio.metadata["language"] = "eng"
        for number in range(frames):
            pixels = np.full((48, 64, 3), (number * 5) % 256, np.uint8)
            pixels[:, : number + 1] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(video.encode(frame))
        out.mux(video.encode())
        if audio is not None:
            add_sound(out, audio, float(frames / RATE), 0.0, 440.0)
    return path


def add_sound(out: Any, stream: Any, seconds: float, offset: float, pitch: float) -> None:
    samples = (0.2 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * 48_000)) / 48_000)).astype(
        np.float32
    )
    for first in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, first : first + 1024], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        frame.pts, frame.time_base = first + round(offset * 48_000), Fraction(1, 48_000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())


def make_dub(source: Path, path: Path, how: Dub) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(source)) as inp, av.open(str(path), "w") as out:
        picture = inp.streams.video[0]
        if how.recode:
            video = out.add_stream("libx264", rate=RATE, options={"crf": "40", "bf": "0"})
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        else:
            video = out.add_stream_from_template(picture)
        speech = out.add_stream("aac", rate=48_000, layout="mono") if how.sound else None
        if speech is not None:
            speech.metadata["language"] = how.language
            speech.disposition = av.stream.Disposition.default if how.default else av.stream.Disposition(0)
        kept = None
        if how.keep_original and inp.streams.audio:
            kept = out.add_stream_from_template(inp.streams.audio[0])
            kept.metadata["language"] = "eng"
            kept.disposition = av.stream.Disposition(0) if how.default else av.stream.Disposition.default
        number = 0
        for packet in inp.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                if kept is not None:
                    packet.stream = kept
                    out.mux(packet)
                continue
            number += 1
            if how.drop == number:
                continue
            if how.recode:
                for frame in packet.decode():
                    out.mux(video.encode(frame))
                continue
            if how.late == number:
                packet.pts += round(Fraction(1, 2) / RATE / packet.time_base)
            packet.stream = video
            out.mux(packet)
        if how.recode:
            out.mux(video.encode())
        if speech is not None:
            seconds = how.seconds if how.seconds is not None else float(FRAMES / RATE)
            add_sound(out, speech, seconds, how.offset, 660.0)
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("exact") / "clip.mp4")


def measured(source: Path, tmp_path: Path, how: Dub) -> dict[str, Measure]:
    dub = make_dub(source, tmp_path / "out" / "dub.mp4", how)
    return {found.name: found for found in compare(read(source), read(dub), "pt-BR")}


def outside(measures: dict[str, Measure]) -> set[str]:
    return {name for name, found in measures.items() if found.ok is False}


def test_a_file_is_read_as_it_is(source: Path) -> None:
    reading = read(source)
    assert reading.rate == RATE
    assert len(reading.frames) == len(reading.packets) == FRAMES
    assert len(set(reading.frames)) == FRAMES
    assert reading.times[1] - reading.times[0] == 1 / RATE
    assert [(track.language, track.codec, track.default) for track in reading.audio] == [("eng", "aac", True)]
    assert abs(float(reading.end) - float(FRAMES / RATE)) < 0.03


def test_an_exact_dub_passes(source: Path, tmp_path: Path) -> None:
    measures = measured(source, tmp_path, Dub())
    assert outside(measures) == set()
    assert measures["identical"].found == f"{FRAMES} of {FRAMES}"
    assert measures["packets"].found == f"{FRAMES} of {FRAMES}"
    assert measures["drift ms"].found == "0.000"
    assert measures["original"].found == "1 copied, 1 kept"


def test_matroska_rounding_is_not_drift(source: Path, tmp_path: Path) -> None:
    dub = make_dub(source, tmp_path / "dub.mkv", Dub())
    assert not [m for m in compare(read(source), read(dub), "pt-BR") if m.ok is False]


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        (Dub(drop=FRAMES), {"frames", "identical"}),
        (Dub(drop=20), {"frames", "identical", "drift ms"}),
        (Dub(late=20), {"drift ms"}),
        (Dub(recode=True), {"identical"}),
        (Dub(language="fra"), {"default"}),
        (Dub(language="und"), {"default"}),
        (Dub(default=False), {"default"}),
        (Dub(keep_original=False), {"original"}),
        (Dub(seconds=1.0), {"sound"}),
        (Dub(offset=0.1), {"start ms"}),
        (Dub(sound=False, keep_original=False), {"sound"}),
    ],
)
def test_every_fault_is_seen(source: Path, tmp_path: Path, how: Dub, seen: set[str]) -> None:
    found = outside(measured(source, tmp_path, how))
    assert seen <= found
    # A dropped frame in the middle also breaks the decoding of its neighbours; nothing else may be blamed.
    assert found <= seen | {"identical", "rate", "drift ms"}


def test_frames_may_change_where_an_engine_changes_them(source: Path, tmp_path: Path) -> None:
    dub = make_dub(source, tmp_path / "dub.mp4", Dub(recode=True))
    found = {m.name: m for m in compare(read(source), read(dub), "pt-BR", identical=0.0)}
    assert found["identical"].ok


def test_source_without_sound_needs_none(tmp_path: Path) -> None:
    silent = make_source(tmp_path / "silent.mp4", sound=False)
    dub = make_dub(silent, tmp_path / "dub.mp4", Dub(sound=False))
    assert outside({m.name: m for m in compare(read(silent), read(dub), "pt-BR")}) == set()


def test_sound_only_source_is_compared_by_its_sound(source: Path, tmp_path: Path) -> None:
    reading = replace(read(source), frames=(), packets=(), times=(), rate=None)
    found = {m.name: m for m in compare(reading, replace(reading, audio=reading.audio * 2), "en")}
    assert found["frames"].ok is None
    assert found["start ms"].ok is None
    assert found["default"].ok is False  # two defaults


def test_planned_length_comes_from_the_episodes_sound_file(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    dub = make_dub(source, folder / "pt-BR" / "dub.mp4", Dub())
    with wave.open(str(folder / "audio.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 48_000))
    result = measure(source, Options("pt-BR", tmp_path, ()), dub)
    assert result.verdict == "OUTSIDE"
    assert next(m for m in result.measures if m.name == "sound").found.startswith("48000 /")


def test_finished_dub_is_taken_without_running(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = make_dub(source, tmp_path / "good.mp4", Dub())
    bad = make_dub(source, tmp_path / "bad.mp4", Dub(drop=5))
    assert main([str(source), "--dub", str(good), "--command", "false"]) == 0
    assert "1 exact, 0 refused, 0 failed" in capsys.readouterr().out
    assert main([str(source), "--dub", str(bad), "--command", "false"]) == 1
    assert "OUTSIDE" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([str(source), str(source), "--dub", str(good)])


def test_unreadable_dub_fails(source: Path, tmp_path: Path) -> None:
    broken = tmp_path / "dub.mp4"
    broken.write_bytes(b"not a film")
    result = measure(source, Options("pt-BR", tmp_path, ()), broken)
    assert (result.verdict, result.ok) == ("FAILED", False)


# --- running a program -------------------------------------------------------------------------

STAND_IN = """
import shutil, sys
from pathlib import Path
clip, language, output = Path(sys.argv[1]), sys.argv[3], Path(sys.argv[5])
folder = output / clip.stem / language
folder.mkdir(parents=True)
shutil.copy({dub!r}, folder / "dub.mp4")
sys.exit({code})
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], str]:
    """Write a program that takes the place of `dubkit run` and return its command."""

    def write(code: str) -> str:
        path = tmp_path / "stand_in.py"
        path.write_text(code, encoding="utf-8")
        return f"{sys.executable} {path}"

    return write


@pytest.mark.parametrize(("code", "verdict"), [(0, "exact"), (3, "degraded but exact")])
def test_the_dub_a_program_made_is_compared(
    source: Path,
    tmp_path: Path,
    stand_in: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
    code: int,
    verdict: str,
) -> None:
    dub = make_dub(source, tmp_path / "made.mp4", Dub())
    command = stand_in(STAND_IN.format(dub=str(dub), code=code))
    assert main([str(source), "--command", command, "--output", str(tmp_path / "runs")]) == 0
    assert verdict in capsys.readouterr().out


@pytest.mark.parametrize(
    ("program", "ok", "words"),
    [
        ("import sys; sys.exit('clip.mp4: no picture.\\nGive a film.')", True, "no picture"),
        ("raise ValueError('bug')", False, "traceback: ValueError: bug"),
        ("import sys; sys.exit(2)", False, "exit code 2"),
        ("import sys; sys.exit(1)", False, "exit code 1"),
        ("pass", False, "0 dubs"),
        ("import time; time.sleep(60)", False, "no end after 5 s"),
    ],
)
def test_what_a_program_did_instead_of_a_dub_is_told(
    source: Path,
    tmp_path: Path,
    stand_in: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
    program: str,
    ok: bool,
    words: str,
) -> None:
    arguments = [str(source), "--command", stand_in(program), "--timeout", "5"]
    assert main(arguments) == (0 if ok else 1)
    assert words in capsys.readouterr().out


def test_children_of_a_hanging_program_are_killed_too(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    finished = run([sys.executable, "-c", code], tmp_path / "log", 5)
    assert finished.code is None
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not alive(pid):
            break
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return Path("/proc").exists() is False and pid_exists(pid)
    return state != "Z"


def pid_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_a_program_that_prints_much_is_not_stopped_by_it(tmp_path: Path) -> None:
    finished = run([sys.executable, "-c", "print('x' * 3_000_000)"], tmp_path / "log", 30)
    assert finished.code == 0
    assert len(finished.output) > 3_000_000
    assert io.StringIO(finished.errors).read() == ""


# --- every form of picture ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        *("yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv411p", "yuvj420p", "yuva420p", "yuv420p10le"),
        *("yuv444p12le", "yuva444p16le", "gray", "gray10le", "ya8", "gbrp", "gbrap12le", "gbrpf32le"),
        *("rgb24", "bgra", "bgr0", "rgb48le", "rgb565le", "x2rgb10le", "pal8", "monob", "nv12", "p010le"),
        *("yuyv422", "uyvy422", "y210le", "xyz12le"),
    ],
)
def test_samples_of_every_pixel_format_and_odd_size_are_read_as_stored(form: str, tmp_path: Path) -> None:
    raw = tmp_path / "film.raw"
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=s=423x421"]
    picture = ["-frames:v", "1", "-pix_fmt", form, "-f", "rawvideo", str(raw)]
    run_command([*command, *picture], place=raw, timeout=60)
    looks = {"pixel_format": form, "video_size": "423x421"}
    with av.open(str(raw), format="rawvideo", options=looks) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == form
    assert pixels(frame) == f"{form} 423x421".encode() + raw.read_bytes()


def test_a_clip_that_cannot_be_measured_leaves_the_others_alone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> Any:
        if path.name == "odd.mp4":
            raise AssertionError("width must be even")
        return read(path)

    monkeypatch.setattr("benchmarks.exactness.read", broken)
    odd = tmp_path / "odd.mp4"
    odd.write_bytes(source.read_bytes())
    dub = make_dub(source, tmp_path / "dub.mp4", Dub())
    options = Options("pt-BR", tmp_path, ())
    results = [measure(clip, options, dub) for clip in (odd, source)]
    assert [result.verdict for result in results] == ["FAILED", "exact"]
    assert results[0].note == "AssertionError: width must be even"
