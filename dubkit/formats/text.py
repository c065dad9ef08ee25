"""Texts of subtitles: onto one line, and broken for reading."""

from __future__ import annotations

import re

LINE_LENGTH = 42
"""Characters per line that broadcasters agree on for scripts with spaces."""

DENSE_LINE_LENGTH = 18
"""The same for scripts without spaces, whose characters are twice as wide."""

_LINES = 2
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]"
)
_PAUSES = ",.;:!?…—\u2013،؛؟।"
# Full-width comma, marks, colons, brackets by number: they look like the ASCII ones.
_DENSE_PAUSES = "、。…」』\uff0c\uff01\uff1f\uff1b\uff1a\uff09"
_NO_LINE_START = _DENSE_PAUSES + "っゃゅょッャュョー々ぁぃぅぇぉァィゥェォ"


def break_lines(text: str) -> str:
    """Break a text into at most two lines of similar length, at a pause where there is one.

    A text that does not fit into two lines of the usual length keeps two longer ones: players wrap
    those, and a third line would cover the face. Scripts without spaces are broken between characters.
    """
    flat = one_line(text)
    if _is_dense(flat):
        return _break_dense(flat)
    if len(flat) <= LINE_LENGTH or " " not in flat:
        return flat
    gaps = [match.start() for match in re.finditer(" ", flat)]
    best = min(gaps, key=lambda at: _badness(at, len(flat) - at - 1, flat[at - 1] in _PAUSES))
    return f"{flat[:best]}\n{flat[best + 1 :]}"


def _badness(first: int, second: int, pause: bool) -> float:
    """Cost of a break: too long a line is worst, then unequal lines, then a break inside a phrase."""
    over = max(0, first - LINE_LENGTH) + max(0, second - LINE_LENGTH)
    top_heavy = 0.5 if first > second else 0.0
    return over * 100 + abs(first - second) + top_heavy - (12 if pause else 0)


def _break_dense(text: str) -> str:
    if len(text) <= DENSE_LINE_LENGTH:
        return text
    cuts = [at for at in range(1, len(text)) if _may_cut(text, at)]
    if not cuts:
        return text
    middle = len(text) / _LINES
    best = min(cuts, key=lambda at: abs(at - middle) - (4 if text[at - 1] in _DENSE_PAUSES else 0))
    return f"{text[:best].rstrip()}\n{text[best:].lstrip()}"


def _may_cut(text: str, at: int) -> bool:
    """Never begin a line with closing marks or small kana, nor cut a Latin word or a number."""
    import unicodedata

    before, after = text[at - 1], text[at]
    if after in _NO_LINE_START or before in "「『\uff08" or unicodedata.category(after) in ("Mn", "Mc"):
        return False
    return not (before.isascii() and after.isascii() and before != " " and after != " ")


def _is_dense(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(bool(_DENSE.match(c)) for c in letters) > len(letters) / 2


def one_line(text: str) -> str:
    """Join the lines of a text as its script wants it: with spaces, or without where it has none."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    joined = lines[0] if lines else ""
    for line in lines[1:]:
        dense = bool(_DENSE.match(joined[-1]) or joined[-1] in _DENSE_PAUSES) and bool(_DENSE.match(line[0]))
        joined += ("" if dense else " ") + line
    return joined
