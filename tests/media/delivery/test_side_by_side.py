"""Source and dub beside each other: the right seconds, pictures on both sides, and both sounds in turn."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from dubkit.errors import MediaError
from dubkit.media.delivery.side_by_side import HeardTake, write_side_by_side
from dubkit.media.delivery.stitch import StitchInputs, container_for, stitch
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.sound.audio import write_wav
from dubkit.types import Episode
from tests.support.paths import MEDIA, SAMPLE, needs_media

MADE = MEDIA / "d_odd" / "made"
TALK = MEDIA / "a_talk"
needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe program is here")

Sound = NDArray[np.float64]


def ffmpeg(*arguments: str) -> Path:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    run_command(command, place=Path(arguments[-1]), timeout=60)
    return Path(arguments[-1])


@dataclass(frozen=True, slots=True)
class Shown:
    """What came out: mono sound of both halves, frames in a half, and its picture size."""

    source: Sound
    dub: Sound
    frames: int
    size: tuple[int, int]


def dubbed(source: Path, episode: Episode, start: float, folder: Path) -> Path:
    """A real delivery whose dub is half a second of 1 kHz from `start` seconds on."""
    sound = np.zeros((episode.samples, episode.channels))
    first = round(start * 48_000)
    tone = 0.3 * np.sin(np.arange(24_000) * 2 * np.pi * 1000 / 48_000)
    there = len(sound[first : first + 24_000])
    sound[first : first + there] = tone[:there, None]
    write_wav(folder / "dub.wav", sound, 48_000)
    container = container_for(episode)
    out = folder / f"dub.{container}"
    stitch(StitchInputs(source, episode, folder / "dub.wav", "pt-BR"), out, container)
    return out


def look(out: Path, folder: Path) -> Shown:
    found = probe(out)
    sound = np.zeros((0,))
    if found.track:
        decode_audio(out, found, folder / "o.wav", folder / "n.wav")
        sound = soundfile.read(folder / "o.wav", always_2d=True)[0].mean(axis=1)
    half = len(sound) // 2
    video = found.video
    frames, size = (video.frames // 2, (video.width, video.height)) if video else (0, (0, 0))
    return Shown(sound[:half], sound[half:], frames, size)


def original(source: Path, episode: Episode, folder: Path) -> Sound:
    decode_audio(source, episode, folder / "s.wav", folder / "n.wav")
    sound: Sound = soundfile.read(folder / "s.wav", always_2d=True)[0]
    return np.asarray(sound.mean(axis=1), dtype=np.float64)


def lag(one: Sound, other: Sound) -> int:
    """Samples by which `other` is later than `one`, within 10 ms."""
    size = min(len(one), len(other)) - 960
    scores = [float(one[480 : 480 + size] @ other[480 + k : 480 + k + size]) for k in range(-480, 481)]
    return int(np.argmax(scores)) - 480


@needs_media
@pytest.mark.parametrize(
    "file",
    [
        TALK / "en_office_6s_vfr.mp4",
        TALK / "en_google_paris_35s_2997.mp4",
        MADE / "en_rotate90.mp4",
        MADE / "en_odd_541x361_444.mp4",
        MADE / "en_pal_interlaced.mpg",
        MADE / "en_audio_late_0.7s.mp4",
        MADE / "en_51_aac.mp4",
        MADE / "en_vp9_opus.webm",
        MADE / "cover_audio.m4a",
    ],
    ids=lambda file: file.name,
)
def test_both_sounds_and_pictures_are_of_the_same_seconds(file: Path, tmp_path: Path) -> None:
    episode = probe(file)
    start = min(float(episode.duration) * 0.6, 20.0)
    dub = dubbed(file, episode, start + 0.3, tmp_path)
    out = tmp_path / "play.mp4"
    write_side_by_side(file, dub, (start, start + 1.2), out, episode=episode)
    shown = look(out, tmp_path)
    wanted = min(float(episode.duration), start + 1.7) - start + 0.5
    assert len(shown.source) / 48_000 == pytest.approx(wanted, abs=0.05)
    first = round((start - 0.5) * 48_000)
    if file.name != "en_51_aac.mp4":  # whose mean is not its stereo
        assert abs(lag(original(file, episode, tmp_path)[first:], shown.source)) <= 60
    heard = np.flatnonzero(np.abs(shown.dub) > 0.02)
    assert heard[0] / 48_000 == pytest.approx(0.8, abs=0.02)
    if episode.video is not None:
        assert shown.frames == pytest.approx(wanted * float(episode.video.rate), abs=1)
        assert shown.size[0] % 4 == 0
        assert shown.size[1] <= 640


def numbered(folder: Path, name: str, *, offset: float = 0.0, dark: bool = False) -> Path:
    """Four seconds at 25 per second whose brightness says the frame: 2 more per frame, or its negative."""
    level = "235-2*N" if dark else "16+2*N"
    picture = f"color=black:s=160x120:r=25:d=4,format=yuv420p,geq=lum='{level}':cb=128:cr=128"
    return ffmpeg(
        *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=d=4:r=48000"),
        *("-c:v", "libx264", "-qp", "2", "-c:a", "aac"),
        *("-output_ts_offset", str(offset), str(folder / name)),
    )


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_the_right_frames_stand_on_each_side_twice(tmp_path: Path, offset: float) -> None:
    source = numbered(tmp_path, "source.ts" if offset else "source.mp4", offset=offset)
    dub = numbered(tmp_path, "dub.mp4", dark=True)
    episode = probe(source)
    assert episode.video is not None
    late = episode.video.start
    out = tmp_path / "play.mp4"
    write_side_by_side(source, dub, (1.5, 2.5), out, episode=episode)
    with av.open(str(out)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 100
    first = 25 - round(late * 25)
    left = [float(np.median(frame[60:, :150])) for frame in frames]
    right = [float(np.median(frame[60:, 170:])) for frame in frames]
    numbers = list(range(25, 75)) * 2
    grey = [(2 * (n - 25 + first)) * 255 / 219 for n in numbers]
    assert left == pytest.approx(grey, abs=2.5)
    assert right == pytest.approx([(219 - 2 * n) * 255 / 219 for n in numbers], abs=2.5)


def test_a_take_that_is_not_in_the_dub_is_heard_over_the_quiet_source(tmp_path: Path) -> None:
    episode = probe(SAMPLE)
    tone = 0.3 * np.sin(np.arange(24_000) * 2 * np.pi * 3000 / 48_000)
    write_wav(tmp_path / "speech.wav", tone, 48_000)
    take = HeardTake(tmp_path / "speech.wav", round(4.3 * 48_000))
    out = tmp_path / "play.mp4"
    write_side_by_side(SAMPLE, None, (4.0, 5.0), out, episode=episode, take=take)
    shown = look(out, tmp_path)
    spoken = slice(round(0.85 * 48_000), round(1.25 * 48_000))
    before = slice(0, round(0.7 * 48_000))

    def power(sound: Sound, low: float, high: float) -> float:
        bins = np.abs(np.fft.rfft(sound)) ** 2
        at = np.fft.rfftfreq(len(sound), 1 / 48_000)
        return float(bins[(at > low) & (at < high)].sum())

    assert power(shown.dub[spoken], 2900, 3100) > 100 * power(shown.source[spoken], 2900, 3100)
    quieter = power(shown.dub[spoken], 80, 2000) / power(shown.source[spoken], 80, 2000)
    assert 10 * np.log10(quieter) == pytest.approx(-24, abs=3)
    same = power(shown.dub[before], 80, 2000) / power(shown.source[before], 80, 2000)
    assert 10 * np.log10(same) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("start", [-48_000, 8 * 48_000])
def test_a_take_outside_the_window_changes_nothing(tmp_path: Path, start: int) -> None:
    episode = probe(SAMPLE)
    write_wav(tmp_path / "speech.wav", np.full(4800, 0.9), 48_000)
    out = tmp_path / "play.mp4"
    take = HeardTake(tmp_path / "speech.wav", start)
    write_side_by_side(SAMPLE, None, (4.0, 5.0), out, episode=episode, take=take)
    shown = look(out, tmp_path)
    middle = slice(9600, 86_400)
    assert lag(shown.source[middle], shown.dub[middle]) == 0
    assert np.abs(shown.dub).max() < 0.9


@needs_media
def test_a_silent_film_is_shown_without_sound(tmp_path: Path) -> None:
    file = MADE / "en_noaudio.mp4"
    out = tmp_path / "play.mp4"
    write_side_by_side(file, None, (1.0, 2.0), out, episode=probe(file))
    found = probe(out)
    assert found.audio == ()
    assert found.video is not None
    assert found.video.frames == 120


@pytest.mark.parametrize("span", [(2.0, 2.0), (3.0, 1.0), (500.0, 501.0)])
def test_a_span_outside_the_episode_is_refused(tmp_path: Path, span: tuple[float, float]) -> None:
    with pytest.raises(MediaError, match="is not a part of its"):
        write_side_by_side(SAMPLE, None, span, tmp_path / "play.mp4", episode=probe(SAMPLE))
    assert list(tmp_path.iterdir()) == []


def test_the_ends_of_the_episode_bound_the_window(tmp_path: Path) -> None:
    episode = probe(SAMPLE)
    end = float(episode.duration)
    for span, seconds in (((0.0, 1.0), 1.5), ((end - 1, end), 1.5), ((end - 0.2, end + 9), 0.7)):
        out = tmp_path / "play.mp4"
        write_side_by_side(SAMPLE, None, span, out, episode=episode)
        assert float(probe(out).duration) == pytest.approx(2 * seconds, abs=0.08)


@needs_ffprobe
def test_an_independent_program_reads_the_file(tmp_path: Path) -> None:
    episode = probe(SAMPLE)
    out = tmp_path / "play.mp4"
    write_side_by_side(SAMPLE, dubbed(SAMPLE, episode, 4.3, tmp_path), (4.0, 5.0), out, episode=episode)
    entries = "stream=codec_name,width,height,nb_read_packets,duration,start_time"
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", entries, "-of", "json", str(out)]
    picture, sound = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    assert (picture["codec_name"], picture["width"], picture["height"]) == ("h264", 1080, 360)
    assert (picture["nb_read_packets"], float(picture["duration"])) == ("120", 4.0)
    assert (sound["codec_name"], float(sound["duration"])) == ("aac", 4.0)
    assert float(picture["start_time"]) == float(sound["start_time"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dub.mp4", "dub.wav", "play.mp4"]
