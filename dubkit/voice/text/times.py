"""Times of day in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial

from dubkit.voice.text.lexicon import Lexicon
from dubkit.voice.text.rules import Match, Rule
from dubkit.voice.text.values import counted, words

_CLOCK = r"(?<![\d.,:])([01]?\d|2[0-3]|24(?=:00))"
_CLOCK_WORD = r"(?:\s*(?:Uhr|horas|hora|hs|hrs|h|ore|heures|heure)\b)?"
_HALF_OF_DAY = r"\s?([aApP])\.?\s?[mM]\b(?:\.(?!\w))?"


_ONE_O_CLOCK: Mapping[str, tuple[str, str]] = {
    "es": (r"\b((?:a )?[lL]a )1(?=[.,;!?]?(?:\s|$))(?!\s[^\W\d_]*(?:ª|vez))", "una"),
    "pt": (r"(?<!\w)([àÀ] )1(?=[.,;!?]?(?:\s|$))", "uma"),
    "it": (r"\b((?:[aA]ll|[dD]all|[lL])')1(?![\d.:%]\d|[\d%º])", "una"),
}
"""One o'clock, which is feminine."""


def time_rules(lexicon: Lexicon) -> list[Rule]:
    """Return the rules for times, the most specific first."""
    say = partial(_time, lexicon=lexicon)
    rules: list[Rule] = [
        # 9-5pm, 9h-17h, 10:00-12:00
        (
            r"(?<![\w.,])(\d{1,2}(?:[:.]\d\d)?(?:\s?[aApP]\.?[mM]\.?|\s?h(?:\d\d)?)?)\s?[-\u2013]\s?"
            r"(?=\d{1,2}(?::\d\d|\s?h\b|h\d\d|(?:[:.]\d\d)?\s?[aApP]\.?[mM]\b|\.\d\d\sUhr|\sUhr))",
            lambda match: f"{match[1]} {lexicon.to} ",
        ),
        (_CLOCK + r"(?:[:.]([0-5]\d))?" + _HALF_OF_DAY, partial(_half_of_day, lexicon=lexicon)),
    ]
    if lexicon.clock_cue:
        cue = rf"\b((?i:{lexicon.clock_cue}))(\s?)([01]?\d|2[0-3])[.:]([0-5]\d)(?!\d|[.:]\d|\s?[%€$])"
        rules.append((cue, partial(_after_cue, lexicon=lexicon)))
    if lexicon.base in _ONE_O_CLOCK:
        pattern, said = _ONE_O_CLOCK[lexicon.base]
        rules.append((pattern, lambda match: f"{match[1]}{said}"))
    if lexicon.base == "de":
        rules.append((_CLOCK + r"\.([0-5]\d)\s?Uhr\b", say))
    rules.append(
        (_CLOCK + r"(?::|\s?h\s?)([0-5]\d)(?![:\d])(?:\s?min\b)?" + _CLOCK_WORD, say),
    )
    if lexicon.base != "en":  # there "5 hrs" is a length of time
        rules.append((_CLOCK + r"\s?(?:h|hs|hrs|Uhr)()\b(?!/)", say))
    return rules


def _after_cue(match: Match, lexicon: Lexicon) -> str:
    return f"{match[1]}{match[2]}{_clock(int(match[3]), int(match[4]), lexicon)}"


def _half_of_day(match: Match, lexicon: Lexicon) -> str:
    """Say "seven thirty a m"; a full stop that also ends the sentence stays."""
    minute = int(match[2] or 0)
    rest = match.string[match.end() :].lstrip()
    ends = match[0].endswith(".") and (not rest or rest[0].isupper())
    count = _count(int(match[1]), lexicon)
    said = _with_minutes(count, minute, lexicon) if minute else count
    return f"{said} {match[3].lower()} m{'.' if ends else ''}"


def _time(match: Match, lexicon: Lexicon) -> str:
    return _clock(int(match[1]), int(match[2] or 0), lexicon)


def _clock(hour: int, minute: int, lexicon: Lexicon) -> str:
    count = _count(hour, lexicon)
    if minute:
        return _with_minutes(count, minute, lexicon)
    unit = lexicon.hour.singular if hour == 1 else lexicon.hour.plural
    return lexicon.hour_pattern.split("|")[0].format(h=count, unit=unit)


def _count(hour: int, lexicon: Lexicon) -> str:
    """Return the number of hours alone."""
    unit = lexicon.hour.singular if hour == 1 else lexicon.hour.plural
    return counted(Decimal(hour), lexicon.hour, lexicon)[: -len(unit) - 1]


def _with_minutes(count: str, minute: int, lexicon: Lexicon) -> str:
    said = words(Decimal(minute), lexicon)
    if lexicon.base == "en" and minute < 10:
        said = f"oh {said}"
    unit = lexicon.hour.singular if count == lexicon.hour.one else lexicon.hour.plural
    return lexicon.hour_pattern.split("|")[1].format(h=count, unit=unit, m=said)
