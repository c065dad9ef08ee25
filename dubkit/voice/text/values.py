"""Values in words: numbers, ordinals and counted things, agreeing with what is counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from dubkit.voice.text.genders import NEUTRAL_ADJECTIVES, NO_NOUN, Gender, gender
from dubkit.voice.text.lexicon import Lexicon, Unit

# It begins with its first digit and gives none back, so that a long run of digits takes no time.
NUMBER = r"(?<!\d)(?<!\d[.,])\d++(?:[.,]\d++)*+"

LONGEST_NUMBER = 12
"""Digits beyond which a number is a code, which is read digit by digit."""

PLAIN_SCALES = frozenset({"mil", "mila", "mille", "Tausend", "tausend", "thousand"})
"""Scale words that take no `of` before their unit."""


def either(options: Iterable[str]) -> str:
    """Return a pattern of any of the options, the longest first."""
    return "|".join(re.escape(option) for option in sorted(options, key=len, reverse=True))


def places(value: Decimal) -> int:
    """Return the number of decimals that a value is written with."""
    return max(0, -int(value.as_tuple().exponent))


def parsed(written: str, decimal: str) -> Decimal | None:
    """Return the value of a written number, None for dates, versions and codes.

    >>> parsed("1.234,50", ","), parsed("2.5", ","), parsed("1,234", "."), parsed("1.2.3", ".")
    (Decimal('1234.50'), Decimal('2.5'), Decimal('1234'), None)
    >>> parsed("1,000,000", ",")
    Decimal('1000000')
    """
    group = "," if decimal == "." else "."
    if re.fullmatch(rf"[1-9]\d{{0,2}}(\{group}\d{{3}})+(\{decimal}\d+)?", written):
        return Decimal(written.replace(group, "").replace(decimal, "."))
    if re.fullmatch(rf"[1-9]\d{{0,2}}(\{decimal}\d{{3}}){{2,}}(\{group}\d+)?", written):
        return Decimal(written.replace(decimal, "").replace(group, "."))
    code = len(written) > 1 and written[0] == "0" and written[1].isdigit()
    longest = max(len(digits) for digits in re.split(r"[.,]", written))
    if re.fullmatch(r"\d+([.,]\d+)?", written) and not code and longest <= LONGEST_NUMBER:
        return Decimal(written.replace(",", "."))
    return None


def words(value: Decimal, lexicon: Lexicon, mark: str = "") -> str:
    """Return a number in words, without the commas that some languages write between thousands.

    `mark` is the decimal mark that it was written with.
    """
    decimals = places(value)
    if not decimals:
        return numeral(int(value), lexicon)
    whole, _, digits = f"{value:f}".partition(".")
    point = lexicon.points[mark or lexicon.decimal]
    one_number = lexicon.two_digit_decimals and decimals <= 2 and digits[0] != "0"
    said = numeral(int(digits), lexicon) if one_number else spelled(digits, lexicon)
    return f"{numeral(int(whole), lexicon)} {point} {said}"


def numeral(value: int, lexicon: Lexicon, to: str = "cardinal") -> str:
    """Return a whole number as num2words says it: `cardinal`, `ordinal` or `year`."""
    from num2words import num2words  # type: ignore[import-untyped]

    spoken = str(num2words(value, lang=lexicon.numbers, to=to)).replace(",", "")
    for wrong, right in _NUM2WORDS_SLIPS.get(lexicon.base, ()):
        spoken = re.sub(wrong, right, spoken)
    return spoken


_NUM2WORDS_SLIPS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "it": (("dicott", "diciott"),),  # 518
    "es": ((r"\bveintiuno (?=mil)", "veintiún "), (r"\buno (?=mil)", "un ")),  # 21 000, 31 000
}
"""What num2words 0.5 says wrongly, and what is right."""


def spelled(digits: str, lexicon: Lexicon) -> str:
    """Return digits one by one; other characters part them."""
    return " ".join(numeral(int(digit), lexicon) for digit in digits if digit.isdigit())


def said(written: str, lexicon: Lexicon) -> str:
    """Return a written number in words: a value, or a code in its groups or digits."""
    value = parsed(written, lexicon.decimal)
    if value is not None:
        return words(value, lexicon, mark(written))
    groups = re.split(r"[.,]", written)
    if len(groups) > 1:
        return " ".join(said(str(int(group)), lexicon) for group in groups)
    return spelled(written, lexicon)


def mark(written: str) -> str:
    """Return the decimal mark of a written number: its last `.` or `,`."""
    return next((sign for sign in reversed(written) if sign in ".,"), "")


def ordinal(value: int, lexicon: Lexicon, feminine: bool = False) -> str:
    """Return an ordinal number in words."""
    spoken = numeral(value, lexicon, "ordinal")
    if not feminine or lexicon.base not in ("pt", "es", "it", "fr"):
        return spoken
    return (
        "première" if spoken == "premier" else re.sub(r"o\b", "a", spoken) if lexicon.base != "fr" else spoken
    )


def counted(value: Decimal, unit: Unit, lexicon: Lexicon, mark: str = "") -> str:
    """Return `value` and its unit, agreeing in number and gender."""
    if value == 1 and not places(value):
        return f"{unit.one} {unit.singular}"
    feminine = unit.one.endswith(("a", "une"))
    spoken = agreeing(words(value, lexicon, mark), "f" if feminine else "m", lexicon)
    last = spoken.split()[-1]
    if last in lexicon.scales and last not in PLAIN_SCALES:
        return of_unit(spoken, unit, lexicon)
    return f"{spoken} {unit.plural}"


def of_unit(spoken: str, unit: Unit, lexicon: Lexicon) -> str:
    """Return `five million of euros`, as most Romance languages say it."""
    if lexicon.base == "fr" and unit.plural[0] in "aeiouéè":
        return f"{spoken} d'{unit.plural}"
    return " ".join(part for part in (spoken, lexicon.of, unit.plural) if part)


def agreeing(spoken: str, kind: Gender, lexicon: Lexicon) -> str:
    """Return a number as it is said before a noun of the gender."""
    if kind == "f":
        if lexicon.base == "fr":
            return re.sub(r"\bun$", "une", spoken)
        parts = spoken.split()
        # "um milhão e duas": what counts millions agrees with them.
        counts = max((n for n, word in enumerate(parts, 1) if _is_million(word, lexicon)), default=0)
        return " ".join([*parts[:counts], *(lexicon.feminine.get(word, word) for word in parts[counts:])])
    first, _, last = spoken.rpartition(" ")
    return f"{first} {lexicon.masculine.get(last, last)}".strip()


def _is_million(word: str, lexicon: Lexicon) -> bool:
    return word in lexicon.scales and word not in PLAIN_SCALES


_NOUN = re.compile(r"[ \u00a0](?:mil[ \u00a0])?([^\W\d_]{2,})(?:[ \u00a0]([^\W\d_]{2,}))?")


def before_noun(spoken: str, value: Decimal, around: tuple[str, str], lexicon: Lexicon) -> str:
    """Return a plain number in words as it is said between the texts `around` it."""
    before, after = around
    found = _NOUN.match(after)
    if found and lexicon.base == "es" and found[1] in ("millón", "millones") and not places(value):
        return agreeing(spoken, "m", lexicon)
    if found is None or places(value) or found[1].lower() in NO_NOUN.get(lexicon.base, frozenset()):
        return spoken
    noun = found[1]
    if noun.lower() in NEUTRAL_ADJECTIVES.get(lexicon.base, frozenset()) and found[2]:
        noun = found[2]
    if lexicon.base == "de":
        return _german_one(before, noun) if value == 1 and noun[0].isupper() else spoken
    if lexicon.base == "it":
        return _italian_one(noun) if value == 1 else spoken
    kind = gender(noun, lexicon.base)
    return agreeing(spoken, kind, lexicon) if kind else spoken


def _italian_one(noun: str) -> str:
    """Return "un", "uno", "una" or "un'", by the gender and the first sounds of the noun."""
    vowel = noun[0].lower() in "aeiouàèéìòùh"
    if gender(noun, "it") == "f":
        return "un'" if vowel else "una"
    impure = re.match(r"(?:s[^aeiouàèéìòù]|z|gn|ps|pn|x|y|i[aeou])", noun.lower())
    return "uno" if impure else "un"


_DATIVE = re.compile(r"\b(?:mit|nach|vor|seit|von|aus|bei|zu|in)\s+$", re.IGNORECASE)
_BEING = re.compile(r"\b(?:ist|sind|war|waren|bleibt|bleiben|wird|werden|heißt|ab)\b[^.!?]*$", re.IGNORECASE)


def _german_one(before: str, noun: str) -> str:
    """Return "ein" in the case that the words before it ask for."""
    kind = gender(noun, "de")
    dative = _DATIVE.search(before) is not None
    if kind == "f":
        return "einer" if dative else "eine"
    if dative:
        return "einem"
    accusative = kind == "m" and before.strip() and not before.rstrip().endswith((".", "!", "?", ":"))
    return "einen" if accusative and not _BEING.search(before) else "ein"
