"""Names in URLs: checked before anything is looked up by them."""

from __future__ import annotations

import unicodedata

from fastapi import HTTPException

LONGEST = 255
"""Bytes of the longest name that file systems take."""


def safe_name(text: str) -> str:
    """Return `text` when it can be the name of one thing in a folder; else raise HTTP 404.

    Refused are separators, leading dots, control characters, and everything that a file system or a client
    may normalise to one of these, such as full-width dots.
    """
    for form in (text, unicodedata.normalize("NFKC", text)):
        if not form.strip() or form.startswith(".") or "/" in form or "\\" in form:
            raise HTTPException(404, "There is nothing with that name.")
        # Control characters, lone surrogates and line separators belong in no name.
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in form):
            raise HTTPException(404, "There is nothing with that name.")
    if len(text.encode()) > LONGEST:
        raise HTTPException(404, "There is nothing with that name.")
    return text
