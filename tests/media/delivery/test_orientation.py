"""A film is shown as its source is, turned and mirrored, whether packets are copied or frames coded again."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from dubkit.media.delivery.stitch import StitchInputs, stitch
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe
from dubkit.media.files.probe import probe
from dubkit.media.picture.frames import iter_frames
from dubkit.media.picture.window import read_window, turned
from dubkit.media.splice.splice import splice


def ffmpeg(*arguments: str) -> bytes:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module", params=["libx264", "mpeg4"])
def upright(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film whose packets can stay beside coded frames, and one that must be coded as a whole."""
    out = tmp_path_factory.mktemp("upright") / "film.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.6", "-f", "lavfi", "-i", "sine=r=48000:d=0.6"),
        *("-c:v", request.param, "-pix_fmt", "yuv420p", "-c:a", "aac", str(out)),
    )
    return out


def display_matrix(path: Path) -> tuple[int, ...]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    found = (bytes(kind) for kind in frame.side_data if kind.type.name == "DISPLAYMATRIX")
    return struct.unpack("<9i", next(found, bytes(36)))


@pytest.mark.parametrize("flip", ["", "-display_hflip", "-display_vflip"])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_or_mirrored_film_stays_as_it_was(
    upright: Path, degrees: int, flip: str, tmp_path: Path
) -> None:
    source, copied, spliced = (tmp_path / name for name in ("source.mp4", "copied.mp4", "spliced.mp4"))
    options = ["-display_rotation", str(degrees), *([flip] if flip else [])]
    ffmpeg(*options, "-i", str(upright), "-c", "copy", str(source))
    episode = probe(source)
    video = episode.video
    assert video is not None
    # The ffmpeg program turns and mirrors by itself: what we show is what it shows.
    shown = read_window(source, video, 0, 1)[0]
    truth = ffmpeg("-i", str(source), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    assert np.abs(shown.astype(int) - np.frombuffer(truth, np.uint8).reshape(shown.shape)).mean() < 1
    looked_at = turned(next(iter_frames(source, episode))[1], video)[..., ::-1]
    assert np.abs(shown.astype(int) - looked_at).mean() < 2

    decode_audio(source, episode, tmp_path / "dub.wav", tmp_path / "narrow.wav")
    splice(source, video, [(3, 8)], lambda _, frame: frame, tmp_path / "picture")
    for out, picture in ((copied, None), (spliced, tmp_path / "picture")):
        stitch(StitchInputs(source, episode, tmp_path / "dub.wav", "pt-BR", picture=picture), out, "mp4")
        assert display_matrix(out) == display_matrix(source)
