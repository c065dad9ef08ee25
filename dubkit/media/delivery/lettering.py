"""Texts as pictures, in a font that has their letters."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 26
"""Pixels of the letters."""

PREFERRED = ("NotoSans-Regular", "DejaVuSans", "Arial Unicode", "LiberationSans-Regular", "arial", "segoeui")
"""Fonts that are tried first, by the beginning of their files' names."""


def can_letter() -> bool:
    """Tell whether texts can be drawn: that takes the package pillow."""
    import importlib.util

    return importlib.util.find_spec("PIL") is not None


def find_font(text: str) -> str:
    """Return the file of an installed font that has all letters of a text; empty where none has."""
    letters = sorted({letter for letter in text if letter.isalnum()})
    return next((str(file) for file in _fonts() if has_letters(str(file), letters)), "")


def has_letters(font: str, letters: list[str]) -> bool:
    """Tell whether a font has some letters; False for what is no font."""
    from PIL import ImageFont

    try:
        face = ImageFont.truetype(font, SIZE)
    except OSError:
        return False
    missing = bytes(face.getmask("\uffff"))
    return all(bytes(face.getmask(letter)) != missing for letter in letters)


def _fonts() -> Iterator[Path]:
    files = [file for folder in _folders() for file in sorted(folder.rglob("*")) if _is_font(file)]
    first = [file for name in PREFERRED for file in files if file.stem.startswith(name)]
    yield from dict.fromkeys([*first, *files])


def _is_font(file: Path) -> bool:
    return file.suffix.lower() in (".ttf", ".otf", ".ttc")


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        found = [Path("C:/Windows/Fonts")]
    elif sys.platform == "darwin":
        found = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        found = [
            Path("/usr/share/fonts"),
            Path("/usr/local/share/fonts"),
            home / ".local/share/fonts",
            home / ".fonts",
        ]
    return [folder for folder in found if folder.is_dir()]


def lettering(text: str, width: int, font: str) -> NDArray[np.uint8]:
    """Return a text as (H, width) bytes, 255 where a letter is; lines are broken so that they fit."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    face: Any = ImageFont.truetype(font, SIZE)
    lines = [line for part in text.splitlines() for line in _broken(part, width - 24, face)]
    page = Image.new("L", (width, len(lines) * (SIZE + 8) + 12))
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        place = (width // 2, 6 + number * (SIZE + 8))
        draw.text(place, line, fill=255, font=face, anchor="ma")
    return np.asarray(np.where(np.asarray(page) > 110, 255, 0), np.uint8)


def _broken(text: str, width: int, face: Any) -> Iterator[str]:
    """Yield the lines of a text; where there are no blanks they are broken between letters."""
    line = ""
    spaced = " " in text
    for part in text.split() if spaced else list(text):
        longer = f"{line}{' ' if spaced and line else ''}{part}"
        if line and face.getlength(longer) > width:
            yield line
            line = part
        else:
            line = longer
    if line:
        yield line
