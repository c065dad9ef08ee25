"""What a service says in its own words, whatever form its error has."""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

LONGEST = 300
"""Characters of a service's words that a message shows."""

# Where services put the sentence, the most telling first.
_SAID = (
    "message",
    "msg",
    "error_message",
    "error_description",
    "detail",
    "details",
    "description",
    "reason",
    "error",
    "errors",
    "title",
    "metadata",
    "raw",
)
_TITLE = re.compile(r"<(title|h1)[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_TRAILING_COMMA = re.compile(r",(\s*[\]}])")
_PAGE = re.compile(r"^\s*<(?:!doctype|html|head|body|\?xml|title|h1)\b", re.IGNORECASE)


def text_of(body: bytes) -> str:
    """Return a body as text: packed or not, in UTF-8 or UTF-16, with or without a mark; never fails."""
    if body.startswith(b"\x1f\x8b"):  # packed, and the header that says so was lost on the way
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return ""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Without one whole character of several bytes it is the coding of old servers, not a broken UTF-8.
        whole = re.search(rb"[\xc3-\xf4][\x80-\xbf]", body)
        return body.decode("utf-8-sig" if whole else "cp1252", "replace")


def value_of(text: str) -> Any:
    """Return the JSON value of a text, also with commas before closing brackets; None where it is none."""
    for attempt in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def is_page(text: str) -> bool:
    """Say whether a body is a web page."""
    return bool(_PAGE.match(text))


def service_words(text: str) -> str:
    """Return an error's words on one line, short enough for a message; empty where it has none."""
    return shortened(whole_words(text))


def whole_words(text: str) -> str:
    """Return all that an error's body says, however long it is."""
    value = value_of(text)
    if isinstance(value, (dict, list, str)):
        return "; ".join(dict.fromkeys(_sentences(value)))
    return _page_words(text) if is_page(text) else text


def shortened(text: str) -> str:
    """Return a text on one line and not longer than `LONGEST`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _page_words(text: str) -> str:
    title = _TITLE.search(text)
    said = title.group(2) if title else _HIDDEN.sub(" ", text)
    return html.unescape(_TAG.sub(" ", said))


def _sentences(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the sentences in an error: a text, a list of errors, or the fields of one that say something."""
    if depth > 8:
        return
    if isinstance(value, str):
        inner = value_of(value) if value.lstrip()[:1] in ("{", "[") else None
        if isinstance(inner, (dict, list)):  # gateways pack the error of the service behind them into a text
            yield from _sentences(inner, depth + 1)
        elif value.strip():
            yield _page_words(value) if is_page(value) else value.strip()
    elif isinstance(value, list):
        for item in value:
            yield from _sentences(item, depth + 1)
    elif isinstance(value, dict):
        place = _place(value)
        found = [said for name in _SAID if name in value for said in _sentences(value[name], depth + 1)]
        yield from (f"{place}: {said}" if place else said for said in found)


def _place(error: dict[str, Any]) -> str:
    """Return the field of the request that an error is about: `seed`."""
    where = error.get("loc", error.get("param", error.get("field")))
    if isinstance(where, list):
        where = ".".join(str(part) for part in where if part != "body")
    return where if isinstance(where, str) else ""
