"""Times as files spell them."""

from __future__ import annotations

import re
import unicodedata

CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
"""Pattern of `1:02:03.500`, hours and thousandths optional; its groups are for `clock_seconds`."""

_LOOSE = (
    r"(-?)\s*(?:(?:(\d+)\s*:\s*)?(\d+)\s*:\s*(\d{1,2})(?:\s*[,.;]\s*(\d{1,9})|\s*:\s*(\d{3}))?"
    r"|(\d+)\.(\d{1,2})\.(\d{1,2})[,.:](\d{3}))(?![\d:,.])"
)
_DASHES = r"-\u2010-\u2015\u2212"
_HEADS = r">|&gt;|\u2192|\u21d2|\u27f6|\u203a|\u00bb"
_ARROW = rf"(?:[{_DASHES}=~\s]*(?:{_HEADS})+|\s*[{_DASHES}]+\s*|\s+(?:to\s+)?)"
_PAIR = re.compile(rf"^(?:\d+[.)]?\s)?{_LOOSE}\s*{_ARROW}\s*{_LOOSE}(?=\s|$)[ \t]*(.*)$", re.I)
_COMMA = re.compile(r"^\s*(\d+:\d{1,2}:\d{1,2}\.\d{1,3})\s*,\s*(\d+:\d{1,2}:\d{1,2}\.\d{1,3})\s*$")
"""The pair of SubViewer files."""
_ONE = re.compile(rf"^\s*{_LOOSE}\s*$")
_NUMBER = re.compile(r"\d+\s*[:.]\s*\d+")
_HEAD = re.compile(r"[-=]+\s*>|<\s*[-=]+|\u2192|&gt;")
_POINTED = re.compile("[>;\u2192\u21d2\u27f6\u203a\u00bb]")
_BEGINNINGS = frozenset("-0123456789")
_LONGEST = 200
"""Characters within which the times of a line stand."""

_SETTING = re.compile(r"^[A-Za-z][\w-]*:\S+(?: [A-Za-z][\w-]*:\S+)*$")


def clock_seconds(parts: tuple[str | None, ...]) -> float:
    """Return the seconds of a clock time from the groups of `CLOCK`."""
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def pair_of_times(line: str) -> tuple[float, float, str] | None:
    """Return start and end in seconds, and the text behind them; None where the line is no pair of times.

    Arrows, points, commas and digits may be spelled as people and translation programs misspell them. What
    stands behind the times and is no setting of a cue, such as `align:start`, is text. A start before 0 is
    negative.

    >>> pair_of_times("00: 00: 01,5 -> 0:0:3")
    (1.5, 3.0, '')
    """
    spelled = _plain(line)
    if spelled[:1] not in _BEGINNINGS:
        return None
    if comma := _COMMA.match(spelled):
        start, end = (time_of(time) or 0.0 for time in comma.groups())
        return start, end, ""
    match = _PAIR.match(spelled[:_LONGEST])
    if match is None:
        return None
    first, last = match.groups()[:10], match.groups()[10:20]
    rest = (match.group(21) + spelled[_LONGEST:]).strip()
    arrow = spelled[_end_of(match, 10) : match.start(11)]
    if not _POINTED.search(arrow) and not (_is_full(first) and _is_full(last) and not rest):
        return None  # opening hours and the like: 12:30 - 14:00
    text = "" if not rest or _SETTING.match(rest) else " ".join(line.split()[-len(rest.split()) :])
    return _seconds(first), _seconds(last), text


def time_of(text: str) -> float | None:
    """Return the seconds of one time; None where the text is none.

    >>> time_of("0:00:01.50"), time_of("soon")
    (1.5, None)
    """
    match = _ONE.match(_plain(text))
    return _seconds(match.groups()) if match else None


def is_broken_pair(line: str, above: str = "") -> bool:
    """Tell whether a line was meant as a pair of times and is none; `above` is the line above it."""
    spelled = _plain(line)[:_LONGEST]
    if not _HEAD.search(spelled) or pair_of_times(line) is not None:
        return False
    times = len(_NUMBER.findall(spelled))
    return times > 1 or (times == 1 and "-->" in spelled) or ("-->" in spelled and above.strip().isdigit())


def _plain(line: str) -> str:
    """Return a line with plain digits, signs and single blanks, and without marks of writing direction."""
    if line.isascii():
        return " ".join(line.split())
    spelled = unicodedata.normalize("NFKC", line)
    plain = "".join(str(unicodedata.digit(c, c)) for c in spelled if unicodedata.category(c) != "Cf")
    return " ".join(plain.split())


def _end_of(match: re.Match[str], most: int) -> int:
    return max(match.end(group) for group in range(1, most + 1))


def _is_full(parts: tuple[str | None, ...]) -> bool:
    """Tell whether a time has hours, minutes, seconds and a fraction."""
    return parts[6] is not None or (parts[1] is not None and (parts[4] or parts[5]) is not None)


def _seconds(parts: tuple[str | None, ...]) -> float:
    sign, hours, minutes, seconds, *fractions = (part or "" for part in parts)
    if fractions[2]:
        hours, minutes, seconds, fraction = fractions[2:6]
    else:
        fraction = fractions[0] or fractions[1] or "0"
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    # Up to three digits give the same number as `clock_seconds`: thousandths, divided once.
    time = whole + int(fraction.ljust(3, "0")) / 10 ** max(3, len(fraction))
    return -float(time) if sign else float(time)


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, never less than 0."""
    return max(0, round(seconds * 1000))
