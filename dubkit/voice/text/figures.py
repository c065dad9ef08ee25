"""Numbers, amounts, units, fractions, ordinals and decades in words, for the languages of `forms`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial

from dubkit.voice.text.codes import code_rules, colon_rules
from dubkit.voice.text.decades import decade_rules
from dubkit.voice.text.genders import gender
from dubkit.voice.text.german import german_ordinals
from dubkit.voice.text.lexicon import Lexicon, word_set
from dubkit.voice.text.rules import Match, Rule, applied, fixed
from dubkit.voice.text.times import time_rules
from dubkit.voice.text.values import (
    NUMBER,
    PLAIN_SCALES,
    agreeing,
    before_noun,
    counted,
    either,
    mark,
    numeral,
    of_unit,
    ordinal,
    parsed,
    places,
    said,
    words,
)

_SIGNS: Mapping[str, str] = {
    "BRL": "R$",
    "USD": "$",
    "U$": "$",
    "A$": "$",
    "C$": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
}
_FRACTION_SIGNS: Mapping[str, str] = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}
_WRITTEN_FRACTION = r"[½⅓⅔¼¾]|(?<![\w/.,])(?:1/2|1/3|2/3|1/4|3/4)(?![\w/])"
_THOUSAND = frozenset({"k", "K", "Tsd"})
_PREPOSITION = (
    r"(?:à|a|ao|na|no|de|do|da|e|ou|o|abaixo|acima|sotto|sopra|all|bajo|sobre|hoy|hoje|al|en|em|in|di)\b"
)


def figures_in_words(text: str, lexicon: Lexicon) -> str:
    """Return `text` with everything written in digits spelled out as `lexicon`'s language says it."""
    if lexicon.base == "en":
        text = re.sub(r"(?<![\w'])(\d)'\s?(1[01]|\d)?(?![\d\w'])", _feet, text)
    text = _with_joined_thousands(applied(code_rules(lexicon), text), lexicon)
    text = applied((*_amount_rules(lexicon), *time_rules(lexicon)), text)
    if lexicon.base == "de":
        text = german_ordinals(text, lexicon)
    text = applied(_plain_rules(lexicon), text)
    return re.sub(r"\bun' (?=\w)", "un'", text) if lexicon.base == "it" else text


def _feet(match: Match) -> str:
    """Say `6'2` as "six foot two"."""
    return (
        f"{match[1]} foot {match[2]}" if match[2] else f"{match[1]} {'foot' if match[1] == '1' else 'feet'}"
    )


def _with_joined_thousands(text: str, lexicon: Lexicon) -> str:
    """Return `text` with `10 000` as `10000`, and `1°` before a noun as the ordinal that it is."""
    grouped = r"(?<![\w.,+-])(?<!\d[ -])[1-9]\d{0,2}(?:[ \u00a0\u202f\u2009']\d{3})+(?![\w]|[ -]\d)"
    text = re.sub(grouped, lambda match: re.sub(r"\D", "", match[0]), text)
    if lexicon.base in ("pt", "es", "it"):
        text = re.sub(rf"\b([1-9])°(?=\s(?!{_PREPOSITION})[a-zà-ý])", r"\1º", text)
    return text


_SIZE_STOP = r"(?:(?<=io|rd|ll|ln|ld|sd)\.(?!$))?"
"""The full stop of a size that is an abbreviation: `5 Mio. €`."""


def _amount_rules(lexicon: Lexicon) -> list[Rule]:
    """Return the rules for fractions, ranges with a unit, money and shares, the most specific first."""
    signs, units = either((*lexicon.money, *_SIGNS)), either(lexicon.units)
    size = either((*lexicon.sizes, *_THOUSAND))
    scale = rf"(?:\s?({either(lexicon.scales)}|{size})(?!\w){_SIZE_STOP})?"
    counts = rf"{NUMBER}\s?(?:%|(?:{units})(?![\w/])|(?:{signs})(?!\w))"
    return [
        (
            rf"(?:(?<![\w/.,])(\d+)\s?)?({_WRITTEN_FRACTION})(?:\s?({units})(?![\w/]))?",
            partial(_fraction, lexicon=lexicon),
        ),
        (rf"(?<![\w.,])[-\u2212](?=(?:{signs})?\s?\d)", partial(fixed, said=f"{lexicon.minus} ")),
        (
            rf"(?<!\w)({signs})\s?({NUMBER})\s?[-\u2013]\s?(?:{signs})?\s?(?={NUMBER})",
            lambda match: f"{match[2]} {lexicon.to} {match[1]}",
        ),
        (
            rf"(?<![\w.,\-\u2013])({NUMBER})\s?%?\s?[-\u2013]\s?(?={counts})",
            lambda match: f"{match[1]} {lexicon.to} ",
        ),
        (
            rf"((?:{signs})\s?{NUMBER}{scale}|{NUMBER}{scale}\s?(?:{signs})|{NUMBER}\s?({units}))/([^\W\d_]+)",
            partial(_rate, lexicon=lexicon),
        ),
        (rf"(?<![\w$])(?<!\d )({signs})\s?({NUMBER}){scale}", partial(_amount_after, lexicon=lexicon)),
        (rf"({NUMBER}){scale}\s?({signs})(?!\w)", partial(_amount_before, lexicon=lexicon)),
        (rf"({NUMBER})\s?%", partial(_percent, lexicon=lexicon)),
    ]


def _plain_rules(lexicon: Lexicon) -> list[Rule]:
    """Return the rules for ordinals, units and bare numbers, the most specific first."""
    units = either(lexicon.units)
    sizes = either(letters for letters in lexicon.sizes if len(letters) > 1)
    rules: list[Rule] = [
        (lexicon.ordinal, partial(_ordinal, lexicon=lexicon)),
        *decade_rules(lexicon),
        (rf"({NUMBER})\s?({units})(?![\w/])", partial(_measure, lexicon=lexicon)),
        (
            rf"({NUMBER})(?:\s?({sizes}|Tsd)|(M)|\s(M)(?= de\b))(?!\w){_SIZE_STOP}",
            partial(_size, lexicon=lexicon),
        ),
        (r"(?<![\w.,])([2-9]\d|\d{3})()([kK])(?!\w)", partial(_size, lexicon=lexicon)),
        (r"(?<![\w.,-])(\d{1,4})\s?([-\u2013])\s?(\d{1,4})(?![\w-])", partial(_range, lexicon=lexicon)),
        (rf"(?:{lexicon.numbered})\s?(?=\d)", partial(fixed, said=f"{lexicon.number} ")),
        (r"(?<=\d)\s?[x\u00d7]\s?(?=\d)", partial(fixed, said=f" {lexicon.times} ")),
        (rf"(?<![\w.,])({NUMBER})\s?[x\u00d7](?!\w)", partial(_multiple, lexicon=lexicon)),
        *colon_rules(),
        (r"(?<=\d)-(?=\d)", partial(fixed, said=" ")),
    ]
    if lexicon.years:
        rules.append((r"(?<![\w.,])(1[1-9]\d\d|20\d\d)(?![\w]|[.,]\d)", partial(_year, lexicon=lexicon)))
    rules.append((NUMBER, partial(_plain, lexicon=lexicon)))
    return rules


_HOURS = frozenset({"h", "hr", "hrs", "std"})
_SECONDS = frozenset({"s", "sec", "seg", "sek"})
_SECOND: Mapping[str, str] = {
    "en": "second",
    "pt": "segundo",
    "es": "segundo",
    "it": "secondo",
    "fr": "seconde",
    "de": "Sekunde",
}


def _rate(match: Match, lexicon: Lexicon) -> str:
    """Say the stroke of `$20/hr` and `5 g/l`; that of `km/h` belongs to its unit."""
    unit, over = match[4], match[5]
    if unit and f"{unit}/{over}" in lexicon.units:
        return match[0]
    per, hour = _PER[lexicon.base]
    if over.lower() in _HOURS:
        over = hour
    elif over.lower() in _SECONDS:
        over = _SECOND[lexicon.base]
    elif over in lexicon.units:
        over = lexicon.units[over].singular
    return f"{match[1]} {per} {over}"


_PER: Mapping[str, tuple[str, str]] = {
    "en": ("per", "hour"),
    "pt": ("por", "hora"),
    "es": ("por", "hora"),
    "it": ("per", "ora"),
    "fr": ("par", "heure"),
    "de": ("pro", "Stunde"),
}
"""Between an amount and what it is for, and the hour."""


def _amount_after(match: Match, lexicon: Lexicon) -> str:
    return _amount(match[2], match[3], match[1], lexicon)


def _amount_before(match: Match, lexicon: Lexicon) -> str:
    return _amount(match[1], match[2], match[3], lexicon)


def _amount(written: str, scale: str | None, sign: str, lexicon: Lexicon) -> str:
    """Say an amount of money; three decimals are thousands, whichever mark stands before them."""
    money = lexicon.money[_SIGNS.get(sign, sign)]
    if re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", written):
        written = re.sub(r"[.,]", "", written)
    value = parsed(written, lexicon.decimal)
    if value is None:
        return f"{said(written, lexicon)} {money.whole.plural}"
    if scale in _THOUSAND:
        return counted(_thousands(value), money.whole, lexicon)
    if scale:
        counted_scale = _scaled(value, scale, mark(written), lexicon)
        plain = scale in PLAIN_SCALES
        return (
            f"{counted_scale} {money.whole.plural}" if plain else of_unit(counted_scale, money.whole, lexicon)
        )
    whole, cents = divmod(value, 1)
    if places(value) != 2 or money.cent is None:
        return counted(value, money.whole, lexicon, mark(written))
    parts = [counted(whole, money.whole, lexicon)] if whole or not cents else []
    if cents:
        parts.append(counted(cents * 100 // 1, money.cent, lexicon))
    return f" {lexicon.and_} ".join(parts)


def _thousands(value: Decimal) -> Decimal:
    """Return so many thousand, without decimals that say nothing."""
    product = value * 1000
    return Decimal(int(product)) if product == int(product) else product


def _scaled(value: Decimal, scale: str, written_mark: str, lexicon: Lexicon) -> str:
    """Return a number and its million, in the singular or plural that the language asks for."""
    singular, plural = lexicon.sizes.get(scale, (scale, scale))
    alone = value < 2 if lexicon.base in ("pt", "fr") else value == 1
    name = singular if alone else plural
    if value == 1 and not places(value):
        return f"{_one_before(name, lexicon)} {name}"
    return f"{words(value, lexicon, written_mark)} {name}"


def _one_before(name: str, lexicon: Lexicon) -> str:
    """Return the word for one before a million; "mil" has none."""
    if lexicon.base == "es":
        return "" if name.startswith("mil ") else "un"
    return {"de": "eine", "it": "un", "en": "one"}.get(lexicon.base, "um" if lexicon.base == "pt" else "un")


def _size(match: Match, lexicon: Lexicon) -> str:
    value = parsed(match[1], lexicon.decimal)
    if value is None:
        return match[0]
    scale = next(group for group in match.groups()[1:] if group)
    if scale in _THOUSAND:
        return words(_thousands(value), lexicon)
    return _scaled(value, scale, mark(match[1]), lexicon).strip()


def _fraction(match: Match, lexicon: Lexicon) -> str:
    """Say a half, a third or a quarter, alone, after a whole number, or of a unit."""
    part = _FRACTION_SIGNS.get(match[2], match[2])
    unit = lexicon.units[match[3]] if match[3] else None
    after = match.string[match.end() :]
    following = re.match(r"\s([^\W\d_]{2,})", after)
    fractions = lexicon.fractions
    feminine = unit.one.endswith(("a", "une", "eine")) if unit else _is_feminine(following, lexicon)
    half = fractions.half.one if feminine else fractions.half.singular
    if match[1]:
        whole = words(Decimal(match[1]), lexicon)
        if feminine:
            whole = agreeing(whole, "f", lexicon)
        if lexicon.base == "de":
            whole = re.sub(r"eins$", "ein", whole)
        joined = fractions.with_whole if part == "1/2" else "{whole} " + lexicon.and_ + " {half}"
        spoken = joined.format(whole=whole, half=half if part == "1/2" else fractions.parts[part])
        return f"{spoken} {unit.plural}" if unit else spoken
    if part == "1/2":
        spoken = half if unit or following else fractions.half.plural
        if lexicon.base == "de" and (unit or following):
            noun = unit.singular if unit else following[1] if following else ""
            spoken = {"f": "eine halbe", "n": "ein halbes"}.get(gender(noun, "de"), "ein halber")
        article = f" {fractions.article}" if fractions.article and (unit or _counts(following)) else ""
        return f"{spoken}{article} {unit.singular}" if unit else f"{spoken}{article}"
    joint = fractions.of or lexicon.of
    of = f" {joint}" if joint and (unit or _counts(following)) else ""
    return f"{fractions.parts[part]}{of} {unit.singular}" if unit else f"{fractions.parts[part]}{of}"


def _counts(following: Match | None) -> bool:
    """Say whether the word after a fraction is what it is a part of."""
    return following is not None and following[1].lower() not in _LINKS


_LINKS = word_set(
    "of full empty done the a an de do da di del della d du des von der das and e y et und is are é es è "
    "est ist"
)


def _is_feminine(following: Match | None, lexicon: Lexicon) -> bool:
    return following is not None and gender(following[1], lexicon.base) == "f"


def _percent(match: Match, lexicon: Lexicon) -> str:
    value = parsed(match[1], lexicon.decimal)
    if value == 1 and not places(value or Decimal(0)):
        return f"{lexicon.percent.one} {lexicon.percent.singular}"
    return f"{said(match[1], lexicon)} {lexicon.percent.plural}"


def _ordinal(match: Match, lexicon: Lexicon) -> str:
    spoken = ordinal(int(match[1]), lexicon, feminine=bool(match[2]))
    if lexicon.base == "es" and match[0].endswith("er"):
        return re.sub(r"ero$", "er", spoken)
    return spoken


def _measure(match: Match, lexicon: Lexicon) -> str:
    value = parsed(match[1], lexicon.decimal)
    unit = lexicon.units[match[2]]
    if value is None:
        return f"{said(match[1], lexicon)} {unit.plural}"
    return counted(value, unit, lexicon, mark(match[1]))


def _range(match: Match, lexicon: Lexicon) -> str:
    """Say two ends of a range; a hyphen between other digits only parts a code."""
    first, sign, last = match[1], match[2], match[3]
    alike = len(first) == len(last) == 4 or max(len(first), len(last)) <= 2
    joined = lexicon.to if sign == "\u2013" or (alike and int(last) > int(first)) else ""
    return f"{first} {joined} {last}"


_TIMES: Mapping[str, str] = {
    "en": "times",
    "pt": "vezes",
    "es": "veces",
    "it": "volte",
    "fr": "fois",
    "de": "mal",
}


def _multiple(match: Match, lexicon: Lexicon) -> str:
    """Say `3x` as "three times"."""
    return f"{match[1]} {_TIMES[lexicon.base]}"


def _year(match: Match, lexicon: Lexicon) -> str:
    return numeral(int(match[1]), lexicon, "year")


def _plain(match: Match, lexicon: Lexicon) -> str:
    text, start, end = match.string, match.start(), match.end()
    before = " " if text[start - 1 : start].isalpha() else ""
    after = " " if text[end : end + 1].isalpha() else ""
    value = parsed(match[0], lexicon.decimal)
    spoken = said(match[0], lexicon)
    if value is not None:
        spoken = before_noun(spoken, value, (text[:start], text[end:]), lexicon)
    return f"{before}{spoken}{after}"
