"""Previews play in every browser and keep the episode's clock."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.errors import MediaError
from dubkit.media.delivery.preview import ClipTake, make_clip_preview, make_preview, playable, preview_size
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.picture.frames import frame_times
from dubkit.media.picture.lossless import write_frames
from dubkit.media.sound.audio import write_wav
from tests.support.paths import MEDIA, SAMPLE, needs_media

MADE = MEDIA / "d_odd" / "made"
ORIG = MEDIA / "d_odd" / "orig"
needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe program is here")


def ffmpeg(*arguments: str) -> Path:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    run_command(command, place=Path(arguments[-1]), timeout=60)
    return Path(arguments[-1])


def previewed(source: Path, folder: Path, **more: Any) -> Path:
    target = folder / "preview.mp4"
    make_preview(source, target, **more)
    return target


def key_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        return [float(p.pts * p.time_base) for p in packets if p.is_keyframe and p.pts is not None]


# --- what plays as it is ----------------------------------------------------------------------


@needs_media
@pytest.mark.parametrize(
    ("file", "plays"),
    [
        (MADE / "en_2997.mp4", True),
        (MADE / "en_vp9_opus.webm", True),
        (MADE / "cover_audio.m4a", True),
        (MADE / "en_stream_header.wav", True),
        (MADE / "en_rotate90.mp4", True),
        (MADE / "en_10bit_hevc.mp4", False),
        (MADE / "en_odd_541x361_444.mp4", False),
        (MADE / "en_subs_srt_ass.mkv", False),
        (MADE / "en_pcm24_tmcd.mov", False),
        (MADE / "en_pal_interlaced.mpg", False),
        (MADE / "en_audio_late_0.7s.mp4", False),
        (ORIG / "nasa_2v2a2s.mp4", False),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else str(value),
)
def test_what_browsers_play_is_told_from_what_they_do_not(file: Path, plays: bool) -> None:
    assert playable(file) is plays


def test_a_file_whose_dubbed_track_is_not_the_first_does_not_play_as_it_is() -> None:
    assert playable(SAMPLE, track=1)
    assert not playable(SAMPLE, track=2)


def test_what_is_no_media_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"text" * 100)
    with pytest.raises(MediaError, match="not a media file"):
        playable(tmp_path / "a.mp4")


# --- previews ---------------------------------------------------------------------------------


@needs_media
@pytest.mark.parametrize(
    "file",
    [
        MADE / "en_vfr_gap.mp4",
        MADE / "en_subs_srt_ass.mkv",
        MADE / "en_rotate90.mp4",
        MADE / "en_pal_interlaced.mpg",
        MADE / "en_odd_541x361_444.mp4",
        MADE / "en_audio_late_0.7s.mp4",
        MADE / "en_tiny_0.2s.mp4",
        ORIG / "sar2by3.mp4",
        ORIG / "h265_10bits.mp4",
        ORIG / "rot90_3frames.mov",
        ORIG / "nasa_2v2a2s.mp4",
    ],
    ids=lambda file: file.name,
)
def test_a_preview_plays_and_keeps_every_frame_at_its_time(file: Path, tmp_path: Path) -> None:
    source = probe(file)
    target = previewed(file, tmp_path, episode=source)
    assert playable(target)
    found = probe(target)
    assert source.video is not None
    assert found.video is not None
    assert (found.video.codec, found.video.pixel_format, found.video.sample_aspect) == (
        "h264",
        "yuv420p",
        Fraction(1),
    )
    assert float(found.duration) == pytest.approx(float(source.duration), abs=0.05)
    expected, times = frame_times(file, source.video.index), frame_times(target, found.video.index)
    assert times[0] == 0
    assert times[1:] == pytest.approx(expected[1:], abs=0.001)
    keys = key_times(target)
    longest = max((float(b - a) for a, b in pairwise(times)), default=0.0)
    assert all(b - a <= 0.5 + longest + 0.001 for a, b in pairwise(keys))


@needs_media
def test_a_rotated_picture_stands_upright(tmp_path: Path) -> None:
    file = ORIG / "nasa_rotated_17frames.mp4"
    source = probe(file).video
    found = probe(previewed(file, tmp_path)).video
    assert source is not None
    assert found is not None
    assert round(source.rotation / 90) % 2
    assert (found.width > found.height) == (source.height > source.width)
    assert found.rotation == 0


def test_the_sound_stays_on_the_episodes_clock_when_the_picture_starts_late(tmp_path: Path) -> None:
    click = np.zeros((96_000, 2))
    click[48_000:48_480] = 0.8
    write_wav(tmp_path / "click.wav", click, 48_000)
    late = ffmpeg(
        *("-i", str(tmp_path / "click.wav"), "-itsoffset", "0.6", "-f", "lavfi"),
        *("-i", "testsrc=s=160x120:r=25:d=1", "-map", "1:v", "-map", "0:a", "-c:v", "libx264"),
        *("-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(tmp_path / "late.mkv")),
    )
    source = probe(late)
    assert source.video is not None
    assert source.video.start == Fraction(3, 5)
    target = previewed(late, tmp_path)
    times = frame_times(target, 0)
    assert times[0] == 0
    assert float(times[1]) == pytest.approx(0.64, abs=0.001)
    decode_audio(target, probe(target), tmp_path / "out.wav", tmp_path / "n.wav")
    sound, _ = soundfile.read(tmp_path / "out.wav")
    assert np.argmax(np.abs(sound[:, 0]) > 0.3) == pytest.approx(48_000, abs=480)


def test_a_given_sound_is_taken_as_it_is(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(np.arange(48_000) * 2 * np.pi * 1000 / 48_000)
    write_wav(tmp_path / "tone.wav", tone, 48_000)
    target = previewed(SAMPLE, tmp_path, sound=tmp_path / "tone.wav", height=120)
    found = probe(target)
    assert found.video is not None
    assert found.video.height == 120
    assert found.audio[0].channels == 2
    decode_audio(target, found, tmp_path / "out.wav", tmp_path / "n.wav")
    sound, _ = soundfile.read(tmp_path / "out.wav")
    spectrum = np.abs(np.fft.rfft(sound[4800:43_200, 0]))
    assert np.argmax(spectrum) == pytest.approx(1000 * 38_400 / 48_000, abs=1)


def test_sound_alone_gives_sound_alone(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 24_000), 24_000)
    found = probe(previewed(tmp_path / "a.wav", tmp_path))
    assert found.video is None
    assert float(found.duration) == pytest.approx(1.0, abs=0.03)


def test_high_dynamic_range_is_brought_down(tmp_path: Path) -> None:
    bright = ffmpeg(
        *("-f", "lavfi", "-i", "color=white:s=160x120:r=10:d=0.5", "-pix_fmt", "yuv420p10le"),
        *("-c:v", "libx265", "-preset", "ultrafast", "-x265-params"),
        "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none",
        *("-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-color_primaries", "bt2020"),
        str(tmp_path / "hdr.mp4"),
    )
    assert not playable(bright)
    target = previewed(bright, tmp_path)
    with av.open(str(target)) as container:
        shown: Any = container.streams.video[0].codec_context
        assert shown.color_trc not in (16, 18)
        frame = next(container.decode(video=0))
        assert frame.to_ndarray(format="gray").mean() > 150
    assert playable(target)


@needs_ffprobe
def test_an_independent_program_reads_the_preview(tmp_path: Path) -> None:
    target = previewed(SAMPLE, tmp_path)
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(target)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    picture, sound = found["streams"]
    assert (picture["codec_name"], picture["pix_fmt"], picture["has_b_frames"]) == ("h264", "yuv420p", 0)
    assert (sound["codec_name"], sound["channels"]) == ("aac", 2)
    assert float(found["format"]["start_time"]) == 0
    raw = target.read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat")


def test_an_episode_with_nothing_to_show_is_told(tmp_path: Path) -> None:
    from dataclasses import replace

    nothing = replace(probe(SAMPLE), video=None, track=0, audio=())
    with pytest.raises(MediaError, match="nothing in it to show"):
        previewed(SAMPLE, tmp_path, episode=nothing)


@pytest.mark.parametrize(
    ("size", "rows", "expected"),
    [
        ((1920, 1080), 540, (960, 540)),
        ((1080, 1920), 540, (540, 960)),
        ((541, 361), 540, (540, 360)),
        ((3, 3), 540, (2, 2)),
        ((1, 900), 540, (2, 900)),
    ],
)
def test_sizes_are_even_and_never_enlarged(
    size: tuple[int, int], rows: int, expected: tuple[int, int]
) -> None:
    assert preview_size(*size, rows) == expected


# --- takes ------------------------------------------------------------------------------------


def take(folder: Path, rate: Fraction = Fraction(24_000, 1001), lead: Fraction = Fraction(0)) -> ClipTake:
    frames = np.zeros((24, 48, 64, 3), dtype=np.uint8)
    frames[:, :, :, 0] = 10 * np.arange(24)[:, None, None]
    write_frames([frames], folder / "picture.mkv")
    sound = np.where(np.arange(24_000) < 12_000, 0.0, 0.5)
    write_wav(folder / "sound.wav", np.stack([sound, sound], axis=1), 24_000)
    return ClipTake(folder / "picture.mkv", folder / "sound.wav", rate, lead)


def test_a_take_is_shown_at_the_episodes_rate(tmp_path: Path) -> None:
    target = tmp_path / "take.mp4"
    make_clip_preview(take(tmp_path), target)
    found = probe(target)
    assert found.video is not None
    assert found.video.frames == 24
    assert frame_times(target, 0) == pytest.approx([n * 1001 / 24_000 for n in range(24)], abs=2e-5)
    assert float(found.duration) == pytest.approx(1.001, abs=0.03)
    with av.open(str(target)) as container:
        reds = [frame.to_ndarray(format="rgb24")[:, :, 0].mean() for frame in container.decode(video=0)]
    assert reds == pytest.approx([10 * n for n in range(24)], abs=6)


@pytest.mark.parametrize(("lead", "starts"), [(Fraction(0), 0.5), (Fraction(1, 4), 0.25)])
def test_the_sound_of_a_take_begins_at_its_first_kept_frame(
    tmp_path: Path, lead: Fraction, starts: float
) -> None:
    target = tmp_path / "take.mp4"
    make_clip_preview(take(tmp_path, lead=lead), target)
    decode_audio(target, probe(target), tmp_path / "out.wav", tmp_path / "n.wav")
    sound, rate = soundfile.read(tmp_path / "out.wav")
    assert np.argmax(np.abs(sound[:, 0]) > 0.25) / rate == pytest.approx(starts, abs=0.02)


def test_a_take_without_sound_is_silent(tmp_path: Path) -> None:
    made = take(tmp_path)
    make_clip_preview(ClipTake(made.picture, None, made.rate), tmp_path / "take.mp4")
    assert probe(tmp_path / "take.mp4").audio == ()
