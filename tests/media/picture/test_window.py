"""Stretches of the picture are read by their exact frame numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dubkit.errors import MediaError
from dubkit.media.files.probe import probe
from dubkit.media.picture.window import read_window


@pytest.fixture(scope="module", params=["mp4", "mkv", "ts"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety frames whose brightness tells their number, with B-frames and a key frame every 24."""
    path = tmp_path_factory.mktemp("window") / f"clip.{request.param}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24000, 1001))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"g": "24", "bf": "2", "crf": "5"}
        for number in range(90):
            image = np.full((48, 64, 3), 20 + 2 * number, np.uint8)
            image[:8, :8] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def numbers(frames: np.ndarray) -> list[float]:
    return [(float(f[16:, 16:].mean()) - 20) / 2 for f in frames]


@pytest.mark.parametrize(("start", "count"), [(0, 3), (23, 3), (24, 1), (47, 26), (87, 3)])
def test_frames_are_those_of_the_numbers(clip: Path, start: int, count: int) -> None:
    video = probe(clip).video
    assert video is not None
    frames = read_window(clip, video, start, count)
    assert frames.shape == (count, 48, 64, 3)
    assert numbers(frames) == pytest.approx(range(start, start + count), abs=0.6)


def test_rotation_is_applied(clip: Path) -> None:
    video = probe(clip).video
    assert video is not None
    upright = read_window(clip, video, 5, 1)[0]
    turned = read_window(clip, replace(video, rotation=90), 5, 1)[0]
    assert turned.shape == (64, 48, 3)
    assert np.array_equal(turned, np.rot90(upright))


def test_frames_that_do_not_exist_are_refused(clip: Path) -> None:
    video = probe(clip).video
    assert video is not None
    with pytest.raises(MediaError, match="frames 500 to 502 cannot be decoded"):
        read_window(clip, video, 500, 3)
