"""Cuts are found on exact frames, at every frame rate, and frames keep their numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from dubkit.errors import MediaError, SettingError
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.picture.frames import frame_times, iter_frames, save_thumbnail
from dubkit.media.picture.settings import ShotDetection
from dubkit.media.picture.shots import find_shots
from tests.support.paths import MEDIA, needs_media

ODD = MEDIA / "d_odd"


def scene(number: int, step: int) -> np.ndarray:
    """One frame of a made-up scene: blurred colour patches that drift, unlike those of other scenes."""
    random = np.random.default_rng(number)
    patches = random.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    image = cv2.resize(patches, (352, 264), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.roll(image, step, axis=1)[:240, :320])


def film(out: Path, lengths: list[int], stamps: list[int] | None = None) -> Path:
    """Scenes of the given lengths in frames at 25 per second, or at own `stamps` (1/1000 s)."""
    import av

    images = [scene(number, step) for number, length in enumerate(lengths) for step in range(length)]
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        if stamps:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            if stamps:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out


def starts(path: Path, settings: ShotDetection | None = None) -> list[int]:
    episode = probe(path)
    shots = find_shots(path, episode, settings or ShotDetection()).shots
    assert episode.video is not None
    assert shots[0].start_frame == 0
    assert shots[-1].end_frame == episode.video.frames
    assert all(one.end_frame == two.start_frame for one, two in pairwise(shots))
    assert all(one.end == two.start for one, two in pairwise(shots))
    return [shot.start_frame for shot in shots]


def test_cuts_between_made_scenes_are_exact(tmp_path: Path) -> None:
    assert starts(film(tmp_path / "a.mp4", [40, 31, 23, 50])) == [0, 40, 71, 94]


@needs_media
def test_cuts_between_people_before_one_backdrop_are_exact() -> None:
    assert starts(MEDIA / "a_talk/grid_dialog_5turns.mp4") == [0, 75, 150, 225, 300]


@needs_media
@pytest.mark.parametrize("name", ["made/en_odd_541x361_444.mp4", "made/en_vp9_opus.webm", "made/en_2997.mp4"])
def test_key_frames_of_thrifty_encoders_are_no_cuts(name: str) -> None:
    assert starts(ODD / name) == [0]


@needs_media
def test_damaged_picture_still_tiles() -> None:
    assert starts(ODD / "orig/corrupted.mp4") == [0]


def test_changes_are_those_of_the_library(tmp_path: Path) -> None:
    from scenedetect.detectors import AdaptiveDetector  # type: ignore[import-untyped]

    from dubkit.media.picture.shots import _detector

    path = film(tmp_path / "a.mp4", [12, 9])
    ours = _detector(ShotDetection())
    theirs = AdaptiveDetector(adaptive_threshold=3.0, min_scene_len=1, min_content_val=21.0)
    for number, image in iter_frames(path, probe(path), width=256):
        assert ours.process_frame(number, image) == theirs.process_frame(number, image)
        assert ours._frame_score == pytest.approx(theirs._frame_score, rel=1e-12)


def test_frames_are_scaled_by_one_scaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from av.video import reformatter

    scalers: list[object] = []
    scaler = reformatter.VideoReformatter

    def counted() -> reformatter.VideoReformatter:
        scalers.append(scaler())
        return scalers[-1]  # type: ignore[return-value]

    path = film(tmp_path / "a.mp4", [12, 9])
    monkeypatch.setattr(reformatter, "VideoReformatter", counted)
    numbers = [number for number, _ in iter_frames(path, probe(path), width=64)]
    assert (len(numbers), len(scalers)) == (21, 1)


def test_thumbnails_of_many_shots_read_the_packets_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dubkit.media.picture import frames

    path = film(tmp_path / "a.mp4", [12, 9])
    reads: list[Path] = []
    stamps = frames._frame_stamps

    def counted(source: Path, index: int) -> list[int]:
        reads.append(source)
        return stamps(source, index)

    monkeypatch.setattr(frames, "_frame_stamps", counted)
    thumbnails = frames.Thumbnails(path, probe(path))
    for number in (3, 9, 15):
        thumbnails.save(number, tmp_path / f"{number}.png")
    assert reads == [path]


def test_times_follow_a_variable_rate(tmp_path: Path) -> None:
    stamps = [number * 40 for number in range(40)] + [1600 + number * 100 for number in range(40)]
    path = film(tmp_path / "vfr.mkv", [40, 40], stamps)
    episode = probe(path)
    assert episode.video is not None
    assert episode.video.variable
    shots = find_shots(path, episode, ShotDetection()).shots
    assert [shot.start_frame for shot in shots] == [0, 40]
    assert shots[1].start == pytest.approx(1.6, abs=0.001)
    assert shots[1].end == float(episode.video.end) > 5.4


def test_shots_shorter_than_the_limit_are_not_made(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [40, 31, 23, 50])
    assert starts(path, ShotDetection(min_seconds=1.0)) == [0, 40, 71]


@needs_media
def test_sound_alone_has_no_shots() -> None:
    source = ODD / "made/cover_audio.m4a"
    assert find_shots(source, probe(source), ShotDetection()).shots == ()


@pytest.mark.parametrize("wrong", [{"threshold": 1.0}, {"min_seconds": -1.0}, {"threshold": float("nan")}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=r"shots\."):
        ShotDetection(**wrong)


@needs_media
def test_frame_numbers_survive_reordering_and_late_starts() -> None:
    source = ODD / "orig/deer_23976_1s.mp4"
    episode = probe(source)
    assert episode.video is not None
    times = frame_times(source, episode.video.index)
    assert times[0] == episode.video.start
    assert times == sorted(times)
    assert [number for number, _ in iter_frames(source, episode, width=64)] == list(range(len(times)))


@needs_media
def test_damaged_frames_leave_the_numbers_of_others_alone() -> None:
    source = ODD / "orig/corrupted.mp4"
    numbers = [number for number, _ in iter_frames(source, probe(source), width=64)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 40
    assert numbers[-1] == 49


def test_size_of_frames(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [5])
    episode = probe(path)
    assert next(iter_frames(path, episode, width=80))[1].shape == (60, 80, 3)
    assert next(iter_frames(path, episode, width=None))[1].shape == (240, 320, 3)


@needs_media
def test_thumbnail_is_upright(tmp_path: Path) -> None:
    turned, plain = ODD / "made/en_rotate90.mp4", ODD / "made/en_2997.mp4"
    for source, name in ((turned, "turned.png"), (plain, "plain.png")):
        save_thumbnail(source, probe(source), 100, tmp_path / name, 180)
    one, other = (cv2.imread(str(tmp_path / name)) for name in ("turned.png", "plain.png"))
    assert one is not None
    assert other is not None
    assert one.shape == other.shape == (120, 180, 3)
    # The same moment of the same clip: the picture agrees only if the turn went the right way.
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


@needs_media
def test_thumbnail_has_square_pixels(tmp_path: Path) -> None:
    source = ODD / "orig/sar2by3.mp4"
    save_thumbnail(source, probe(source), 0, tmp_path / "a.jpg", 213)
    picture = cv2.imread(str(tmp_path / "a.jpg"))
    assert picture is not None
    assert picture.shape[:2] == (180, 213)


def test_thumbnail_shows_the_asked_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [10, 10, 10])
    for number, wanted in ((9, scene(0, 9)), (10, scene(1, 0)), (999, scene(2, 9))):
        save_thumbnail(path, probe(path), number, tmp_path / "a.png", 320)
        picture = cv2.imread(str(tmp_path / "a.png"))
        assert picture is not None
        assert np.abs(picture.astype(int) - wanted).mean() < 6


def test_picture_is_needed(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [5])
    blind = replace(probe(path), video=None)
    with pytest.raises(MediaError, match="no picture"):
        save_thumbnail(path, blind, 0, tmp_path / "a.png", 320)


def test_picture_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [5])
    raw = tmp_path / "raw.mkv"
    command = [
        ffmpeg_exe()[0],
        "-loglevel",
        "error",
        "-i",
        str(path),
        "-c",
        "copy",
        "-bsf:v",
        "noise=amount=1",
    ]
    run_command([*command, str(raw)], place=raw, timeout=30)
    episode = probe(raw)
    with pytest.raises(MediaError, match="no frame"):
        save_thumbnail(raw, episode, 0, tmp_path / "a.png", 320)


def test_a_transport_stream_with_one_key_frame_has_thumbnails(tmp_path: Path) -> None:
    import av
    import numpy as np

    source = tmp_path / "one_key.ts"
    with av.open(str(source), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "999", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(150):
            picture = np.random.default_rng(number).integers(0, 255, (180, 320, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    save_thumbnail(source, probe(source), 100, tmp_path / "shot.jpg", 160)
    assert (tmp_path / "shot.jpg").stat().st_size > 500
