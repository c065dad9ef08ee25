"""Numbers, amounts, times and ordinals in words, for the languages of `spoken_forms.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from dubkit.voice.text.lexicon import Lexicon, Unit

Match = re.Match[str]

_NUMBER = r"\d+(?:[.,]\d+)*"
_PLAIN_SCALES = frozenset({"mil", "mila", "mille", "Tausend", "thousand"})
"""Scale words that take no `of` before their unit."""

_SIGNS: Mapping[str, str] = {"BRL": "R$", "USD": "$", "U$": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_LONGEST_NUMBER = 12
"""Digits beyond which a number is a code, which is read digit by digit."""

_GERMAN_DATIVE = re.compile(r"\b(?:am|vom|zum|dem|den|im|beim)\s+$", re.IGNORECASE)
_FEMININE_ENDS = ("a", "ção", "çõe", "dade", "vez", "veze", "ción", "cione", "dad")
"""Ends of feminine nouns without their plural -s."""

_CLOCK = r"\b([01]?\d|2[0-3])"
_CLOCK_WORD = r"(?:\s*(?:Uhr|horas|hora|hs|hrs|h|ore|heures|heure)\b)?"
_ROMAN = re.compile(r"\b(?=[IVX]{2})X{0,3}(?:IX|IV|V?I{0,3})\b")


def numbers_in_words(text: str, lexicon: Lexicon) -> str:
    """Return `text` with everything written in digits spelled out as `lexicon`'s language says it."""
    spaced = r"[ \u00a0\u202f]" if lexicon.numbers == "fr" else r"[\u00a0\u202f]"
    text = re.sub(rf"(?<=\d){spaced}(?=\d{{3}}\b)", "", text)
    text = re.sub(r"\b([1-9])°(?=\s[a-zà-ý])", r"\1º", text)
    for pattern, spoken in _rules(lexicon):
        text = re.sub(pattern, spoken, text)
    return text


def _rules(lexicon: Lexicon) -> list[tuple[str, Callable[[Match], str]]]:
    """Return patterns and what to say for them, the most specific first."""
    signs = _either((*lexicon.money, *_SIGNS))
    scale = rf"(?:\s({_either(lexicon.scales)})(?!\w))?"
    rules: list[tuple[str, Callable[[Match], str]]] = [
        (r"(?<![\w.,])[-\u2212](?=\d)", partial(_fixed, said=f"{lexicon.minus} ")),
        (r"\b(\d{1,2})([/.])(\d{1,2})\2(\d{4})\b", _date),
        (rf"(?<![\w$])({signs})\s?({_NUMBER}){scale}", partial(_amount_after, lexicon=lexicon)),
        (rf"({_NUMBER}){scale}\s?({signs})(?!\w)", partial(_amount_before, lexicon=lexicon)),
        (rf"({_NUMBER})\s?%", partial(_percent, lexicon=lexicon)),
        (
            _CLOCK + r"(?::|\s?h\s?)([0-5]\d)(?![:\d])(?:\s?min\b)?" + _CLOCK_WORD,
            partial(_time, lexicon=lexicon),
        ),
        (_CLOCK + r"\s?(?:h|hs|hrs|Uhr)()\b(?!/)", partial(_time, lexicon=lexicon)),
        (lexicon.ordinal, partial(_ordinal, lexicon=lexicon)),
        (rf"({_NUMBER})\s?({_either(lexicon.units)})(?![\w/])", partial(_measure, lexicon=lexicon)),
        (r"(?<![\w.,])(\d{1,4})\s?([-\u2013])\s?(\d{1,4})(?![\w-])", partial(_range, lexicon=lexicon)),
        (r"(?:#|\b[nN]\.?º|№)\s?(?=\d)", partial(_fixed, said=f"{lexicon.number} ")),
        (r"(?<=\d)-(?=\d)", partial(_fixed, said=" ")),
    ]
    if lexicon.numbers == "en":
        rules.append((r"'?\b((?:1[1-9]|20)?\d0)s\b", partial(_decade, lexicon=lexicon)))
    if lexicon.years:
        rules.append((r"(?<![\w.,])(1[1-9]\d\d|20\d\d)(?![\w]|[.,]\d)", partial(_year, lexicon=lexicon)))
    rules.append((_NUMBER, partial(_plain, lexicon=lexicon)))
    return rules


def roman_in_words(text: str, lexicon: Lexicon) -> str:
    """Return `text` with Roman numerals (II to XXXIX) as numbers.

    In Portuguese and Spanish a king up to the tenth takes an ordinal: Pedro II is "Pedro segundo".
    """

    def said(match: Match) -> str:
        value = _roman_value(match[0])
        before = text[: match.start()].split()
        king = (
            bool(before) and before[-1][:1].isupper() and lexicon.numbers[:2] in ("pt", "es") and value <= 10
        )
        return _num2words(value, lexicon, "ordinal") if king else words(Decimal(value), lexicon)

    return _ROMAN.sub(said, text)


def _roman_value(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[letter] for letter in numeral]
    following = [*values[1:], 0]
    return sum(-v if v < n else v for v, n in zip(values, following, strict=True))


def words(value: Decimal, lexicon: Lexicon) -> str:
    """Return a number in words, without the commas that some languages write between thousands."""
    return _num2words(int(value) if value == value.to_integral() and _places(value) == 0 else value, lexicon)


def _num2words(value: int | Decimal, lexicon: Lexicon, to: str = "cardinal") -> str:
    from num2words import num2words  # type: ignore[import-untyped]

    return str(num2words(value, lang=lexicon.numbers, to=to)).replace(",", "")


def _either(options: Mapping[str, object] | tuple[str, ...]) -> str:
    return "|".join(re.escape(option) for option in sorted(options, key=len, reverse=True))


def _places(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def parsed(written: str, decimal: str) -> Decimal | None:
    """Return the value of a written number, None for dates, versions and codes.

    >>> parsed("1.234,50", ","), parsed("2.5", ","), parsed("1,234", "."), parsed("1.2.3", ".")
    (Decimal('1234.50'), Decimal('2.5'), Decimal('1234'), None)
    """
    group = "," if decimal == "." else "."
    if re.fullmatch(rf"[1-9]\d{{0,2}}(\{group}\d{{3}})+(\{decimal}\d+)?", written):
        return Decimal(written.replace(group, "").replace(decimal, "."))
    code = len(written) > 1 and written[0] == "0" and written[1].isdigit()
    if re.fullmatch(r"\d+([.,]\d+)?", written) and not code and len(written) <= _LONGEST_NUMBER:
        return Decimal(written.replace(",", "."))
    return None


def _said(written: str, lexicon: Lexicon) -> str:
    value = parsed(written, lexicon.decimal)
    if value is not None:
        return words(value, lexicon)
    groups = re.split(r"[.,]", written)
    if len(groups) > 1:
        return " ".join(_said(str(int(group)), lexicon) for group in groups)
    return " ".join(words(Decimal(digit), lexicon) for digit in written)


def _counted(value: Decimal, unit: Unit, lexicon: Lexicon) -> str:
    """Return `value` and its unit, agreeing in number and gender."""
    if value == 1:
        return f"{unit.one} {unit.singular}"
    said = _agreeing(words(value, lexicon), unit.one.endswith(("a", "une")), lexicon)
    last = said.split()[-1]
    return (
        _of_unit(said, unit, lexicon)
        if last in lexicon.scales and last not in _PLAIN_SCALES
        else f"{said} {unit.plural}"
    )


def _of_unit(said: str, unit: Unit, lexicon: Lexicon) -> str:
    """Return `five million of euros`, as most Romance languages say it."""
    if lexicon.numbers == "fr" and unit.plural[0] in "aeiouéè":
        return f"{said} d'{unit.plural}"
    return " ".join(part for part in (said, lexicon.of, unit.plural) if part)


def _agreeing(said: str, feminine: bool, lexicon: Lexicon) -> str:
    """Return a number as it is said before a noun of the gender."""
    if feminine:
        return " ".join(lexicon.feminine.get(word, word) for word in said.split())
    first, _, last = said.rpartition(" ")
    return f"{first} {lexicon.masculine.get(last, last)}".strip()


def _amount_after(match: Match, lexicon: Lexicon) -> str:
    return _amount(match[2], match[3], match[1], lexicon)


def _amount_before(match: Match, lexicon: Lexicon) -> str:
    return _amount(match[1], match[2], match[3], lexicon)


def _amount(written: str, scale: str | None, sign: str, lexicon: Lexicon) -> str:
    money = lexicon.money[_SIGNS.get(sign, sign)]
    value = parsed(written, lexicon.decimal)
    if value is None:
        return f"{_said(written, lexicon)} {money.whole.plural}"
    if scale:
        said = f"{words(value, lexicon)} {scale}"
        return (
            f"{said} {money.whole.plural}" if scale in _PLAIN_SCALES else _of_unit(said, money.whole, lexicon)
        )
    whole, cents = divmod(value, 1)
    if _places(value) != 2 or money.cent is None:
        return _counted(value, money.whole, lexicon)
    parts = [_counted(whole, money.whole, lexicon)] if whole or not cents else []
    if cents:
        parts.append(_counted(cents * 100 // 1, money.cent, lexicon))
    return f" {lexicon.and_} ".join(parts)


def _percent(match: Match, lexicon: Lexicon) -> str:
    return f"{_said(match[1], lexicon)} {lexicon.percent}"


def _time(match: Match, lexicon: Lexicon) -> str:
    hour, minute = Decimal(match[1]), int(match[2] or 0)
    unit = lexicon.hour.singular if hour == 1 else lexicon.hour.plural
    count = _counted(hour, lexicon.hour, lexicon)[: -len(unit) - 1]
    full, with_minutes = lexicon.hour_pattern.split("|")
    if not minute:
        half = lexicon.numbers == "en" and re.match(
            r"\s*[ap]\.?m\b", match.string[match.end() :], re.IGNORECASE
        )
        return count if half else full.format(h=count, unit=unit)
    said = words(Decimal(minute), lexicon)
    if lexicon.numbers == "en" and minute < 10:
        said = f"oh {said}"
    return with_minutes.format(h=count, unit=unit, m=said)


def _ordinal(match: Match, lexicon: Lexicon) -> str:
    said = _num2words(int(match[1]), lexicon, "ordinal")
    if lexicon.numbers == "de" and _GERMAN_DATIVE.search(match.string[: match.start()]):
        return f"{said}n"
    if lexicon.numbers == "es" and match[0].endswith("er"):
        return re.sub(r"ero$", "er", said)
    if match[2]:
        return re.sub(r"o\b", "a", said) if said != "premier" else "première"
    return said


def _measure(match: Match, lexicon: Lexicon) -> str:
    value = parsed(match[1], lexicon.decimal)
    unit = lexicon.units[match[2]]
    return (
        _counted(value, unit, lexicon) if value is not None else f"{_said(match[1], lexicon)} {unit.plural}"
    )


def _date(match: Match) -> str:
    return " ".join(str(int(part)) for part in (match[1], match[3], match[4]))


def _range(match: Match, lexicon: Lexicon) -> str:
    """Say two ends of a range; a hyphen between other digits only parts a code."""
    first, mark, last = match[1], match[2], match[3]
    alike = len(first) == len(last) == 4 or max(len(first), len(last)) <= 2
    joined = lexicon.to if mark == "\u2013" or (alike and int(last) > int(first)) else ""
    return f"{first} {joined} {last}"


def _decade(match: Match, lexicon: Lexicon) -> str:
    said = _num2words(int(match[1]), lexicon, "year")
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def _year(match: Match, lexicon: Lexicon) -> str:
    return _num2words(int(match[1]), lexicon, "year")


def _plain(match: Match, lexicon: Lexicon) -> str:
    text, start, end = match.string, match.start(), match.end()
    before = " " if text[start - 1 : start].isalpha() else ""
    after = " " if text[end : end + 1].isalpha() else ""
    noun = re.match(r"\s([^\W\d_]{4,})", text[end:])
    said = _said(match[0], lexicon)
    if noun and parsed(match[0], lexicon.decimal) is not None:
        said = _agreeing(said, _is_feminine(noun[1].lower(), lexicon), lexicon)
    return f"{before}{said}{after}"


def _is_feminine(noun: str, lexicon: Lexicon) -> bool:
    """Guess the gender of a Portuguese, Spanish or Italian noun from its end."""
    stem = noun.removesuffix("s")
    return bool(lexicon.feminine) and stem.endswith(_FEMININE_ENDS) and stem not in lexicon.masculine_nouns


def _fixed(_: Match, said: str) -> str:
    return said
