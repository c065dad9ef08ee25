"""What a source holds is read from its packets, and what cannot be dubbed is refused with a cure."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from dubkit.errors import MediaError
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from tests.support.paths import MEDIA, needs_media

ODD = MEDIA / "d_odd"


def make(out: Path, *arguments: str) -> Path:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments, str(out)]
    run_command(command, place=out, timeout=60)
    return out


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("film") / "film.mp4"
    return make(
        out,
        *("-f", "lavfi", "-i", "testsrc=s=160x120:r=30000/1001:d=2"),
        *("-f", "lavfi", "-i", "sine=d=2"),
        *("-frames:v", "60", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", "aac"),
    )


def test_exact_rate_and_real_frames(film: Path) -> None:
    episode = probe(film)
    assert episode.video is not None
    assert episode.video.rate == Fraction(30000, 1001)
    assert episode.video.frames == 60
    assert episode.video.end == Fraction(60 * 1001, 30000)
    assert (episode.name, episode.sha256, episode.track, episode.channels) == ("film", "", 1, 1)
    assert episode.samples == round(episode.duration * 48_000)


@needs_media
@pytest.mark.parametrize(
    ("name", "rate", "frames", "variable"),
    [
        ("made/en_23976.mp4", Fraction(24000, 1001), 239, False),
        ("made/en_vfr_gap.mp4", Fraction(30), 217, True),
        ("made/en_vp9_opus.webm", Fraction(30), 299, False),
        ("made/en_pal_interlaced.mpg", Fraction(25), 75, False),
        ("orig/plant_45000over1499.mp4", Fraction(45000, 1499), 36, False),
        ("orig/no_duration.webm", Fraction(15000, 1001), 74, True),
        ("../a_talk/grid_swwp2s.mpg", Fraction(25), 75, False),
        ("../a_talk/en_office_6s_vfr.mp4", Fraction(30), 135, True),
    ],
)
def test_rate_of_real_files(name: str, rate: Fraction, frames: int, variable: bool) -> None:
    video = probe(ODD / name).video
    assert video is not None
    assert (video.rate, video.frames, video.variable) == (rate, frames, variable)


@needs_media
def test_rotation_comes_from_the_display_matrix() -> None:
    upright, turned = probe(ODD / "made/en_2997.mp4").video, probe(ODD / "made/en_rotate90.mp4").video
    assert upright is not None
    assert turned is not None
    assert (upright.rotation, turned.rotation) == (0, 90)
    assert (turned.width, turned.height) == (360, 540)


@needs_media
def test_attached_picture_is_no_video() -> None:
    assert probe(ODD / "made/cover_audio.m4a").video is None
    video = probe(ODD / "orig/cover_png.mp4").video
    assert video is not None
    assert video.codec == "h264"


@needs_media
def test_second_video_track_is_left_with_a_warning() -> None:
    episode = probe(ODD / "orig/nasa_2v2a2s.mp4")
    assert episode.video is not None
    assert (episode.video.index, episode.video.width) == (0, 320)
    assert len(episode.subtitles) == 2
    assert episode.duration == Fraction(13056, 1000)  # not the 16.57 s of its subtitles
    assert "2 video tracks" in episode.warnings[0]


@needs_media
def test_timecode_track_is_ignored() -> None:
    episode = probe(ODD / "made/en_pcm24_tmcd.mov")
    assert [track.codec for track in episode.audio] == ["pcm_s24le"]
    assert episode.warnings == ()


@needs_media
def test_clock_starts_with_the_earliest_stream() -> None:
    late_sound = probe(ODD / "made/en_audio_late_0.7s.mp4")
    assert late_sound.video is not None
    assert late_sound.video.start == 0
    assert late_sound.duration > late_sound.video.end + Fraction(1, 2)
    late_picture = probe(MEDIA / "a_talk/en_google_paris_35s_2997.mp4").video
    assert late_picture is not None
    assert late_picture.start == Fraction(834, 1000)


@needs_media
@pytest.mark.parametrize(
    ("number", "language", "track"),
    [(0, "", 2), (1, "", 1), (0, "en", 1), (0, "eng", 1), (0, "ru", 2), (1, "ru", 1)],
)
def test_choice_of_the_sound_track(number: int, language: str, track: int) -> None:
    source = ODD / "made/en_two_audio_ru_default.mkv"
    assert probe(source, audio_track=number, audio_language=language).track == track


@needs_media
def test_default_among_several_tracks_is_said() -> None:
    warning = " ".join(probe(ODD / "made/en_two_audio_ru_default.mkv").warnings)
    assert "track 2 (rus" in warning
    assert "Others: track 1 (eng 'Original'" in warning


@needs_media
@pytest.mark.parametrize("choice", [{"audio_track": 3}, {"audio_language": "fr"}, {"audio_language": "!?"}])
def test_impossible_choice_lists_the_tracks(choice: dict[str, object]) -> None:
    with pytest.raises(MediaError, match=r"track 1 \(eng.*track 2 \(rus"):
        probe(ODD / "made/en_two_audio_ru_default.mkv", **choice)  # type: ignore[arg-type]


@needs_media
def test_choice_in_a_silent_film_is_refused() -> None:
    with pytest.raises(MediaError, match="no sound"):
        probe(ODD / "made/en_noaudio.mp4", audio_track=1)


@needs_media
def test_film_without_sound_is_left_to_the_caller() -> None:
    episode = probe(ODD / "made/en_noaudio.mp4")
    assert (episode.track, episode.channels, episode.samples) == (0, 0, 0)
    assert "no sound track" in episode.warnings[0]


@needs_media
def test_cut_off_file_works_with_a_warning() -> None:
    episode = probe(ODD / "made/en_truncated_faststart.mp4")
    assert episode.video is not None
    assert episode.video.frames == 184
    assert float(episode.duration) == pytest.approx(6.17, abs=0.01)
    assert "promises 9.97 s" in episode.warnings[0]


@needs_media
def test_stream_header_without_length_is_no_damage() -> None:
    episode = probe(ODD / "made/en_stream_header.wav")
    assert episode.duration == Fraction(9967, 1000)
    assert episode.warnings == ()


def test_missing_file_folder_and_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    for name, problem in (("none.mp4", "no such file"), ("", "folder"), ("empty.mp4", "0 bytes")):
        with pytest.raises(MediaError, match=problem):
            probe(tmp_path / name)


def test_device_and_pipe_never_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError, match="not a regular file"):
        probe(tmp_path / "pipe.mp4")


def test_text_is_no_media(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is not a video\n")
    with pytest.raises(MediaError, match="not a media file"):
        probe(tmp_path / "text.mp4")


def test_cut_download_names_the_missing_index(film: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with pytest.raises(MediaError, match="moov"):
        probe(cut)


def test_playlist_in_disguise_does_not_reach_the_network(tmp_path: Path) -> None:
    trap = tmp_path / "trap.mp4"
    trap.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://192.0.2.1/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError):
        probe(trap)


def test_encrypted_film_is_refused(film: Path, tmp_path: Path) -> None:
    key = "76a6c65c5ea762046bd749a2e632ccbb"
    scheme = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key)
    locked = make(tmp_path / "locked.mp4", "-i", str(film), "-c", "copy", *scheme)
    with pytest.raises(MediaError, match="encrypted"):
        probe(locked)


def test_film_with_subtitles_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    alone = make(tmp_path / "alone.mkv", "-i", str(tmp_path / "a.srt"))
    with pytest.raises(MediaError, match="no picture and no sound"):
        probe(alone)


def test_ten_channels_without_a_layout_are_refused(tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "ten.wav", np.zeros((4800, 10)), 48_000)
    with pytest.raises(MediaError, match="10 channels"):
        probe(tmp_path / "ten.wav")


@pytest.mark.parametrize(("channels", "target"), [(1, 1), (2, 2), (4, 6), (6, 6), (8, 8)])
def test_channels_become_a_layout_that_aac_carries(channels: int, target: int, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros((4800, channels)), 48_000)
    assert probe(tmp_path / "a.wav").channels == target


@pytest.mark.parametrize(
    "name",
    ["-dash first.mp4", "it's 100% [%03d] (a);$(b) & c.mp4", "интервью №1 día 日本語 🎤.mp4", 'a"b.mp4'],
)
def test_every_file_name_works(name: str, film: Path, tmp_path: Path) -> None:
    named = tmp_path / name
    shutil.copy(film, named)
    assert probe(named).duration == probe(film).duration


def test_transport_stream_has_the_same_clock(film: Path, tmp_path: Path) -> None:
    moved = probe(make(tmp_path / "film.ts", "-i", str(film), "-c", "copy")).video
    assert moved is not None
    assert (moved.frames, moved.rate) == (60, Fraction(30000, 1001))
    assert 0 <= moved.start < Fraction(1, 10)


def test_the_rate_of_a_tape_is_the_one_its_packets_have(tmp_path: Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=s=720x576:r=25", "-f", "lavfi", "-i", "sine=r=48000")
    coded = ("-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", "-ac", "2", "-t", "0.4")
    video = probe(make(tmp_path / "tape.dv", *picture, *coded)).video
    assert video is not None
    assert video.rate == 25  # its header says 60000 on average
