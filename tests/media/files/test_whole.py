"""A source is dubbed whole and in order: joined parts are refused with the cure, and a cut is said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import ClassVar

import av
import pytest

from dubkit.errors import MediaError
from dubkit.media.files.container import packets_of
from dubkit.media.files.extent import extent
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.mp4_picture import picture_boxes
from dubkit.media.files.probe import probe
from dubkit.types import Remark

FRAMES = 50
CODECS = {
    ".ts": "libx264 aac",
    ".m2ts": "libx264 ac3",
    ".vob": "mpeg2video ac3",
    ".mpg": "mpeg2video mp2",
    ".mp4": "libx264 aac",
    ".mkv": "libx264 aac",
    ".webm": "libvpx libopus",
    ".flv": "libx264 aac",
    ".avi": "mpeg4 libmp3lame",
    ".wmv": "wmv2 wmav2",
    ".ogv": "libtheora libvorbis",
    ".mxf": "mpeg2video pcm_s16le",
    ".wav": "- pcm_s16le",
    ".flac": "- flac",
    ".ogg": "- libvorbis",
    ".mp3": "- libmp3lame",
    ".aiff": "- pcm_s16be",
    ".caf": "- pcm_s16le",
    ".w64": "- pcm_s16le",
}
_UNJOINED = (".avi", ".mp3", ".mxf", ".aiff", ".caf", ".w64")
"""These play on behind a joint, or are no files of recorders."""
Film = Callable[..., Path]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Make films of two seconds, each once."""
    folder = tmp_path_factory.mktemp("parts")

    def make(suffix: str, *options: str, tone: int = 300) -> Path:
        out = folder / f"{tone}{'_'.join(options)}{suffix}"
        if not out.exists():
            picture, sound = CODECS[suffix].split()
            pictures = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25") if picture != "-" else ()
            coded = ("-c:v", picture, "-g", "20", "-pix_fmt", "yuv420p") if pictures else ()
            tones = ("-f", "lavfi", "-i", f"sine=f={tone}:r=48000")
            command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *pictures, *tones, *coded]
            command += ["-c:a", sound, "-t", "2", *options, str(out)]
            run_command(command, place=out, timeout=60)
        return out

    return make


def joined(folder: Path, *parts: Path) -> Path:
    out = folder / f"joined{parts[0].suffix}"
    out.write_bytes(b"".join(part.read_bytes() for part in parts))
    return out


def said(path: Path) -> list[Remark]:
    remarks: list[Remark] = []
    probe(path, tell=remarks.append)
    return remarks


@pytest.mark.parametrize(
    "suffix",
    [s for s in CODECS if s not in _UNJOINED],
)
def test_parts_joined_byte_by_byte_are_refused_with_a_command_that_mends_them(
    suffix: str, film: Film, tmp_path: Path
) -> None:
    source = joined(tmp_path, film(suffix), film(suffix, tone=500), film(suffix))
    with pytest.raises(MediaError, match=r"its clock starts anew|it holds 3 films") as refused:
        probe(source)
    commands = [line for line in str(refused.value).splitlines() if line.startswith("  ")]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ffmpeg").symlink_to(ffmpeg_exe()[0])
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(commands).replace("ffmpeg ", "ffmpeg -nostdin -loglevel error ")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, env={"PATH": path}, check=True)
    parts = [(tmp_path / f"part{number}{suffix}").read_bytes() for number in (1, 2, 3)]
    assert parts == [film(suffix, tone=tone).read_bytes() for tone in (300, 500, 300)]
    mended = probe(next(tmp_path.glob("*.mended.*")))
    assert float(mended.duration) == pytest.approx(6, abs=0.3)
    if mended.video is not None:
        assert mended.video.frames == pytest.approx(3 * FRAMES, abs=2)


def test_a_jump_forward_is_named_with_its_place(film: Film, tmp_path: Path) -> None:
    late = film(".ts", "-output_ts_offset", "3600")
    with pytest.raises(
        MediaError, match=r"starts anew [12]\.\d+ s into the film \(it jumps on from 3\.\d+ s to 360"
    ):
        probe(joined(tmp_path, film(".ts"), late))


def test_a_jump_of_the_sound_alone_is_named(film: Film, tmp_path: Path) -> None:
    later, on_time = film(".ts", "-output_ts_offset", "24"), film(".ts", "-output_ts_offset", "2")
    second = tmp_path / "second.ts"
    command = [
        ffmpeg_exe()[0],
        "-nostdin",
        "-loglevel",
        "error",
        "-copyts",
        "-i",
        str(on_time),
        "-i",
        str(later),
    ]
    command += ["-map", "0:v", "-map", "1:a", "-c", "copy", "-max_interleave_delta", "0", str(second)]
    run_command(command, place=second, timeout=60)
    with pytest.raises(MediaError, match=r"starts anew 2\.\d+ s into the film \(it jumps on from"):
        probe(joined(tmp_path, film(".ts"), second))


@pytest.mark.parametrize("late", ["0", "2"])
def test_a_part_with_tracks_of_other_numbers_is_named(late: str, film: Film, tmp_path: Path) -> None:
    numbers = ("-streamid", "0:512", "-streamid", "1:513", "-mpegts_pmt_start_pid", "5000")
    other = film(".ts", *numbers, "-output_ts_offset", late)
    source = joined(tmp_path, film(".ts"), film(".ts"), film(".ts"), other)
    with pytest.raises(MediaError) as refused:
        probe(source)
    assert str(refused.value).count("| head -c") == 4
    with pytest.raises(MediaError, match="it holds 2 films"):
        probe(joined(tmp_path, film(".ts"), film(".ts", *numbers, "-output_ts_offset", "2")))


def test_a_track_that_begins_late_is_passed_over() -> None:
    class Late:
        """Reads a file as PyAV does: at the first packet of an unknown track it breaks off."""

        packets: ClassVar[list[str]] = ["first", "", "second"]

        def demux(self, _: object) -> Iterator[str]:
            while self.packets:
                yield self.packets.pop(0) or str([][1])

    assert list(packets_of(Late(), [])) == ["first", "second"]  # type: ignore[arg-type]


def test_packets_without_times_are_refused_before_any_work(film: Film) -> None:
    before_zero = film(".mkv", "-bf", "2", "-output_ts_offset", "-1", "-avoid_negative_ts", "disabled")
    with pytest.raises(MediaError, match=r"of its packets have no time stamps.\n.*\n  mkvmerge -o "):
        probe(before_zero)


def test_a_gap_that_a_recorder_leaves_is_kept_and_said(film: Film, tmp_path: Path) -> None:
    source = joined(tmp_path, film(".ts"), film(".ts", "-output_ts_offset", "5"))
    assert [remark.code for remark in said(source)].count("source-gap") == 1
    assert float(probe(source).duration) == pytest.approx(7, abs=0.2)


@pytest.mark.parametrize("suffix", [".ts", ".vob", ".m2ts"])
def test_a_clock_that_runs_over_is_no_jump(suffix: str, film: Film) -> None:
    source = film(suffix, "-output_ts_offset", "95441.5")  # 2^33 ticks are 95443.7 s
    assert float(probe(source).duration) == pytest.approx(2, abs=0.1)
    assert said(source) == []


@pytest.mark.parametrize("suffix", [s for s in CODECS if s != ".mp4"])
def test_a_file_that_was_cut_off_says_so(suffix: str, film: Film, tmp_path: Path) -> None:
    whole = film(suffix)
    assert said(whole) == []
    source = tmp_path / whole.name
    content = whole.read_bytes()
    share = 0.9 if suffix == ".ogg" else 0.6  # half of a short Ogg file is its head
    source.write_bytes(content[: int(len(content) * share) // 4 * 4 + 1])
    cut = [remark for remark in said(source) if remark.code == "source-cut-off"]
    assert cut
    assert cut[0].weight == "doubtful"
    assert cut[0].sentence.startswith("The file is cut off: ")
    assert cut[0].sentence in probe(source).warnings


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".wav"])
def test_what_others_write_behind_a_film_is_no_damage(suffix: str, film: Film, tmp_path: Path) -> None:
    whole = film(suffix)
    source = tmp_path / whole.name
    source.write_bytes(whole.read_bytes() + b"TAG" + bytes(125))
    assert said(source) == []


@pytest.mark.parametrize("suffix", [s for s in CODECS if s not in (".flac", ".mp3", ".mxf")])
def test_damaged_heads_end_in_no_error(suffix: str, film: Film, tmp_path: Path) -> None:
    whole, random = film(suffix), Random(suffix)
    with av.open(str(whole)) as container:
        kind = container.format.name
    content, source = whole.read_bytes(), tmp_path / whole.name
    for _ in range(60):
        mutated = bytearray(content[: random.choice((40, 600, len(content)))])
        for _ in range(random.randrange(1, 12)):
            mutated[random.randrange(len(mutated))] = random.choice((0, 255, random.randrange(256)))
        source.write_bytes(mutated)
        ends = extent(source, kind)
        assert ends.promised is None or ends.promised > len(mutated)
        assert all(0 < part < len(mutated) for part in ends.parts)
        picture_boxes(source)
