"""Decades, and words that are made of a number: `the 1990s`, `die 80er Jahre`, `30-jährig`."""

from __future__ import annotations

import re
from functools import partial

from dubkit.voice.text.lexicon import Lexicon
from dubkit.voice.text.rules import Match, Rule, fixed
from dubkit.voice.text.values import numeral


def decade_rules(lexicon: Lexicon) -> list[Rule]:
    """Return the rules for decades and for German compounds with a number."""
    if lexicon.base == "en":
        return [(r"'?\b((?:1[1-9]|20)?\d0)'?s\b", partial(_english, lexicon=lexicon))]
    if lexicon.base == "de":
        return [
            (r"'?(?<![\w.,])(\d{1,4})(ern?)\b", partial(_german, lexicon=lexicon)),
            (r"(?<![\w.,])(\d{1,4})[-\u2011 ]?[mM]al\b", lambda match: f"{_stem(int(match[1]), lexicon)}mal"),
            (
                r"(?<![\w.,])(\d{1,4})[-\u2011]?(jährig\w*|fach\w*|teilig\w*|tägig\w*|stündig\w*|stöckig\w*)",
                partial(_german_compound, lexicon=lexicon),
            ),
            (r"(?<![\w.,])(\d{1,3})[-\u2011](?=[A-ZÄÖÜ])", lambda match: f"{_stem(int(match[1]), lexicon)} "),
        ]
    # los 80s, gli anni '90
    return [
        (r"'?\b((?:1[1-9]|20)?\d0)'?s\b", lambda match: match[1]),
        (r"(?<!\w)'(?=\d0\b)", partial(fixed, said="")),
    ]


def _english(match: Match, lexicon: Lexicon) -> str:
    said = numeral(int(match[1]), lexicon, "year")
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def _stem(value: int, lexicon: Lexicon, to: str = "cardinal") -> str:
    """Return a German number as it begins a compound: "ein", not "eins"."""
    return re.sub(r"eins$", "ein", numeral(value, lexicon, to))


def _german(match: Match, lexicon: Lexicon) -> str:
    value = int(match[1])
    year = 1100 <= value < 2000
    return numeral(value, lexicon, "year" if year else "cardinal") + match[2]


def _german_compound(match: Match, lexicon: Lexicon) -> str:
    return _stem(int(match[1]), lexicon) + match[2]
