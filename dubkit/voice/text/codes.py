"""Phone numbers, dates, scores and other digits that are no amounts."""

from __future__ import annotations

import re
from functools import partial

from dubkit.voice.text.lexicon import Lexicon
from dubkit.voice.text.rules import Match, Rule, fixed
from dubkit.voice.text.values import numeral, spelled

_PHONES = (
    # +1 555 123 4567, +55 (11) 91234-5678
    r"(?<![\w+])\+\d{1,3}(?:[ .\u00a0/-]?\(?\d{1,5}\)?){2,6}(?![\w,])",
    # (555) 123-4567, (11) 98765-4321
    r"(?<!\w)\(\d{2,5}\)[ \u00a0/-]?\d{2,5}(?:[ .\u00a0-]?\d{2,5}){0,3}(?![\w,])",
    # 555-123-4567, 1-800-123-4567, 555.123.4567
    r"(?<![\w.,-])(?:1[-.])?\d{3}([-.])\d{3}\1\d{4}(?![\w-])",
    # 0800 123 4567, 0171 1234567, 06 12 34 56 78, 0171-1234567
    r"(?<![\w.,-])(?=(?:\D?\d){9})0\d{1,4}(?:[ .\u00a0/-]\d{2,8}){1,5}(?![\w,-]|[.:]\d)",
    # 555-1234
    r"(?<![\w.,-])\d{3}-\d{4}(?![\w-])",
    # 91234-5678
    r"(?<![\w.,-])9\d{4}-\d{4}(?![\w-])",
)
_DIALLED = re.compile(
    r"\b(?:call|dial|phone|ring|tel|number|text|ligue|liga|ligar|disque|telefone|número|llama|llame|llamar|marca|marque|"
    r"teléfono|chiama|chiamate|chiamare|telefono|numero|appelle[rz]?|appelez|composez|téléphone|numéro|ruf|rufen|"
    r"wähle|wählen|anrufen|Telefon|Nummer|fone|celular|móvil|whatsapp|fax)\b[^\d.!?]{0,14}$",
    re.IGNORECASE,
)
_EMERGENCY = frozenset(
    {"911", "999", "112", "110", "190", "192", "193", "113", "118", "017", "411", "311", "101"}
)


def code_rules(lexicon: Lexicon) -> list[Rule]:
    """Return the rules for phone numbers, dates and scores."""
    return [
        (r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b", _iso_date),
        *_local_rules(lexicon),
        (r"\b(\d{1,2})([/.])(\d{1,2})\2(\d{4})\b", _date),
        *((pattern, partial(_phone, lexicon=lexicon)) for pattern in _PHONES),
        (r"(?<![\w.,+])\d{3,5}(?:[ -]\d{3,5}){1,4}(?![\w,-]|[.:]\d)", partial(_dialled, lexicon=lexicon)),
        (r"(?<![\w.,+-])\d{3}(?![\w,-]|[.:]\d)", partial(_emergency, lexicon=lexicon)),
        (r"(?<![\w/.,])(0?[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])(?![\w/])", _day),
        (r"(?<![\d:.,])(\d{1,2})(?::| : )(\d)(?![\d:])", partial(_score, lexicon=lexicon)),
        (r"(?<!\w)'(?=\d\d\b(?!'))", partial(fixed, said="")),
        (r"(?<![\d:])(\d{1,2}):(\d\d):(\d\d)(?![\d:])", _clock_with_seconds),
    ]


_MONTHS = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)


def _local_rules(lexicon: Lexicon) -> list[Rule]:
    """Return the rules for what one language alone writes so."""
    say = partial(_phone, lexicon=lexicon)
    if lexicon.base == "de":  # 5,- €; 100%ig; 12.5.2024, 12.5.
        day, month = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])"
        return [
            (r"(?<=\d),[-\u2013]+(?:\s?€)?", partial(fixed, said=" €")),
            (r"(?<![\w.,])(\d+)\s?%ig", lambda match: f"{numeral(int(match[1]), lexicon)}prozentig"),
            (rf"(?<![\d.,]){day}\.\s?{month}\.(?:\s?(\d{{4}}))?(?!\d|\.\d)", _german_date),
        ]
    if lexicon.base == "pt":  # 01310-100, 123.456.789-00
        return [(r"(?<![\w.,-])(?:\d{5}-\d{3}|\d{3}\.\d{3}\.\d{3}-\d\d)(?![\w-])", say)]
    if lexicon.base == "es":  # 612 345 678
        return [(r"(?<![\w.,+-])[679]\d\d \d{3} (?!000)\d{3}(?![\w,]|[ .-]\d)", say)]
    if lexicon.base == "it":  # 333 1234567
        return [(r"(?<![\w.,+-])3\d\d[ ./-]\d{6,7}(?![\w,-])", say)]
    return []


def _german_date(match: Match) -> str:
    month = _MONTHS[int(match[2]) - 1]
    return f"{int(match[1])}. {month}{' ' + match[3] if match[3] else ''}"


def _phone(match: Match, lexicon: Lexicon) -> str:
    """Say a phone number digit by digit, in pairs in French; a following word keeps its blank."""
    written = match[0]
    begin = f"{lexicon.plus} " if written.startswith("+") else ""
    pairs = re.fullmatch(r"\d\d(?:\D\d\d){4}", written)
    if lexicon.base == "fr" and pairs:
        return " ".join(_pair(pair, lexicon) for pair in re.findall(r"\d\d", written))
    return begin + spelled(written, lexicon)


def _pair(pair: str, lexicon: Lexicon) -> str:
    return spelled(pair, lexicon) if pair[0] == "0" else numeral(int(pair), lexicon)


def _dialled(match: Match, lexicon: Lexicon) -> str:
    """Say digits in groups one by one where the words before them name a phone."""
    if not _DIALLED.search(match.string[: match.start()]):
        return match[0]
    return spelled(match[0], lexicon)


def _emergency(match: Match, lexicon: Lexicon) -> str:
    called = _DIALLED.search(match.string[: match.start()])
    return spelled(match[0], lexicon) if called and match[0] in _EMERGENCY else match[0]


def _iso_date(match: Match) -> str:
    return " ".join(str(int(part)) for part in (match[3], match[2], match[1]))


def _date(match: Match) -> str:
    return " ".join(str(int(part)) for part in (match[1], match[3], match[4]))


def _day(match: Match) -> str:
    return f"{int(match[1])} {int(match[2])}"


def _score(match: Match, lexicon: Lexicon) -> str:
    return f"{match[1]} {lexicon.ratio} {match[2]}"


def _clock_with_seconds(match: Match) -> str:
    return " ".join(str(int(part)) for part in match.groups())


def colon_rules() -> list[Rule]:
    """Return the rule for a colon between digits that are neither a time nor a score."""
    return [(r"(?<=\d):(?=\d)", partial(fixed, said=" "))]
