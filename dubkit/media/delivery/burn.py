"""Draw subtitles into the pictures of a film, where players cannot switch them off."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

from dubkit.errors import DubkitError, ToolError
from dubkit.media.delivery.lettering import can_letter, find_font
from dubkit.media.files.command import media_input
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_ffmpeg

SUFFIXES = (".mp4", ".mkv", ".mov")
QUALITY = 16
"""Constant rate factor of the pictures, which are all encoded again."""
FONT = "Arial"
"""The font that the subtitles name; another one stands in for it where it has no letters of theirs."""


def burn(film: Path, subtitles: bytes, text: str, out: Path) -> None:
    """Write a film with subtitles in its pictures; its sound is copied.

    Args:
        film: the film; its first picture is taken, with all of its sound.
        subtitles: an ASS file in UTF-8 whose zero is the begin of the film.
        text: all letters that are drawn.
        out: MP4, MKV or MOV file, whole or not there.

    Raises DubkitError for another ending, where no font has the letters, and for an ffmpeg without libass.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise DubkitError(
            f"{out}: subtitles are drawn into {', '.join(SUFFIXES)}, not {out.suffix or 'this'}."
        )
    exe, version = ffmpeg_exe()
    if not _has_libass(exe):
        raise ToolError(
            f"ffmpeg {version} at {exe} has no libass, which draws subtitles.\n"
            "Install an ffmpeg with it (pip install -U imageio-ffmpeg), or leave out --burn-in."
        )
    with tempfile.TemporaryDirectory(prefix="dubkit-burn-") as name:
        folder = Path(name)
        styled = subtitles.decode("utf-8").replace(f",{FONT},", f",{_font(text, folder)},")
        (folder / "subtitles.ass").write_text(styled, "utf-8")
        part = out.with_name(f".{out.stem}.part{out.suffix}")
        try:
            _encode(film, folder, part)
            os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)


@cache
def _has_libass(exe: str) -> bool:
    done = subprocess.run(
        [exe, "-hide_banner", "-filters"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return any(line.split()[1:2] == ["ass"] for line in done.stdout.splitlines())


def _font(text: str, folder: Path) -> str:
    """Put a font that has all letters into a folder; return its name."""
    if not can_letter():
        return FONT
    from PIL import ImageFont

    file = find_font(text)
    if not file:
        letters = "".join(sorted({letter for letter in text if letter.isalnum()}))
        raise DubkitError(
            f"No installed font has all of these letters: {letters[:80]}\n"
            "Install one, such as the Noto font of that script, and run again."
        )
    shutil.copyfile(file, folder / Path(file).name)
    return str(ImageFont.truetype(file, 20).getname()[0])


def _encode(film: Path, folder: Path, out: Path) -> None:
    source = media_input(film)
    begin = _begin(film)
    picture = source["v:0"]
    if begin:  # subtitles count from the begin of the film, whatever its first time stamp is
        picture = picture.filter("setpts", f"PTS-({begin})/TB")
    picture = picture.filter("ass", filename=folder / "subtitles.ass", fontsdir=folder)
    if begin:
        picture = picture.filter("setpts", f"PTS+({begin})/TB")
    options = {"c:v": "libx264", "crf": QUALITY, "preset": "medium", "fps_mode": "passthrough", "c:a": "copy"}
    run_ffmpeg([picture, source["a?"]], out, options)


def _begin(film: Path) -> Fraction:
    """Return the first time stamp of a film in seconds."""
    import av

    with av.open(str(film)) as container:
        return Fraction(container.start_time or 0, av.time_base)
