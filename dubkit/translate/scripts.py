"""Which script the letters of a line belong to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001 - typographic apostrophes
"""A word with its apostrophes and hyphens."""

KEPT = re.compile(
    r"(?:https?://|www\.)\S*[\w/]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\w)[@#]\w+|\b\w+\.(?:com|org|net|br)\b"
)
"""Addresses and names of accounts: they are the same in every language."""

# Names that `unicodedata` gives the letters of each script.
LETTERS = {
    "Latn": ("LATIN",),
    "Cyrl": ("CYRILLIC",),
    "Grek": ("GREEK",),
    "Arab": ("ARABIC",),
    "Hebr": ("HEBREW",),
    "Deva": ("DEVANAGARI",),
    "Thai": ("THAI",),
    "Jpan": ("HIRAGANA", "KATAKANA", "CJK"),
    "Kore": ("HANGUL", "CJK"),
    "Hans": ("CJK",),
    "Hant": ("CJK",),
    "Beng": ("BENGALI",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Geor": ("GEORGIAN",),
    "Armn": ("ARMENIAN",),
}
WIDE = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")


def in_script(character: str, names: Sequence[str]) -> bool:
    return unicodedata.name(character, "").startswith(tuple(names))


def wide_letters(text: str) -> int:
    return sum(in_script(character, WIDE) for character in text if character.isalpha())


def weight(text: str) -> int:
    """Length in Latin letters: a Han character says as much as three, a digit may be spelled out."""
    weights = (
        0 if not character.isalnum() else 6 if character.isdigit() else 3 if in_script(character, WIDE) else 1
        for character in text
    )
    return sum(weights)


def wrong_han(text: str, wanted: str) -> bool:
    """True when more characters fit only the code page of the other Chinese script."""
    han = [character for character in text if in_script(character, ("CJK",))]
    simplified = sum(_encodes(c, "gb2312") and not _encodes(c, "big5") for c in han)
    traditional = sum(_encodes(c, "big5") and not _encodes(c, "gb2312") for c in han)
    other, own = (traditional, simplified) if wanted == "Hans" else (simplified, traditional)
    return other >= 2 and other > own


def _encodes(character: str, code_page: str) -> bool:
    try:
        character.encode(code_page)
    except UnicodeEncodeError:
        return False
    return True
