"""Names that come in an address: checked before anything is looked up by them."""

from __future__ import annotations

import unicodedata

from fastapi import HTTPException

LONGEST = 255
"""Bytes a file system takes as one name."""


def safe_name(text: str) -> str:
    """Return `text` when it can be the name of one thing in a folder; else raise HTTP 404.

    Refused are separators, dots that climb or hide, control characters, and everything that becomes one of
    these when a file system or a client normalises it, such as full-width dots.
    """
    for form in (text, unicodedata.normalize("NFKC", text)):
        if not form.strip() or form.startswith(".") or "/" in form or "\\" in form:
            raise HTTPException(404, "There is nothing of that name.")
        # Control characters, halves of a character and line ends belong in no name.
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in form):
            raise HTTPException(404, "There is nothing of that name.")
    if len(text.encode()) > LONGEST:
        raise HTTPException(404, "There is nothing of that name.")
    return text
