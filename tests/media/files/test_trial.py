"""A picture that no container gives back is refused before any work, with the command that mends it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dubkit.errors import MediaError
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.files.trial import check_copy


def check(path: Path) -> None:
    video = probe(path).video
    assert video is not None
    check_copy(path, video)


def film(folder: Path, suffix: str, *codec: str) -> Path:
    out = folder / f"a film's picture.{suffix}"
    picture = ("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=0.2")
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *picture, "-c:v", *codec, str(out)]
    run_command(command, place=out, timeout=60)
    return out


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mov", ("qtrle",)), ("avi", ("rawvideo", "-pix_fmt", "bgr24")), ("mov", ("svq1",)), ("mov", ("smc",))],
)
def test_a_picture_that_cannot_be_copied_is_refused_with_a_command_that_mends_it(
    suffix: str, codec: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(MediaError, match="can be copied neither into mp4 nor into mkv") as refused:
        check(film(tmp_path, suffix, *codec))
    (tmp_path / "ffmpeg").symlink_to(ffmpeg_exe()[0])
    command = str(refused.value).splitlines()[-1].replace("ffmpeg ", "ffmpeg -nostdin -loglevel error ", 1)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, env={"PATH": path}, check=True)
    check(next(tmp_path.glob("*.ffv1.mkv")))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mov", ("png",)),
        ("avi", ("rawvideo", "-pix_fmt", "yuv420p")),
        ("avi", ("cinepak",)),
        ("mkv", ("ffv1",)),
    ],
)
def test_rare_pictures_that_can_be_copied_are_dubbed(
    suffix: str, codec: tuple[str, ...], tmp_path: Path
) -> None:
    check(film(tmp_path, suffix, *codec))
