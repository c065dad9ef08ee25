"""Read number words back to their value, in six languages.

It shares nothing with what makes the words, so that a property test can hold the two together. Words
are joined and cut again from the left, the longest known part first: German and Italian write numbers
as one word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

_ONES: Mapping[str, str] = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen "
    "seventeen eighteen nineteen",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis "
    "dezessete dezoito dezenove",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis "
    "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco "
    "veintiséis "
    "veintisiete veintiocho veintinueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici "
    "quattordici quindici "
    "sedici diciassette diciotto diciannove",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dixsept dixhuit dixneuf",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
    "fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn",
}
_TENS: Mapping[str, str] = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "fr": "vingt trente quarante cinquante soixante soixantedix quatrevingt quatrevingtdix",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
}
_HUNDREDS: Mapping[str, str] = {
    "pt": "cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos",
    "es": "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
    "novecientos",
}
_OTHERS: Mapping[str, Mapping[str, int]] = {
    "en": {},
    "pt": {"uma": 1, "duas": 2, "cem": 100, "quatorze": 14},
    "es": {"un": 1, "una": 1, "veintiún": 21, "veintiuna": 21, "cien": 100},
    "it": {"un": 1, "una": 1, "tré": 3, "vent": 20, "trent": 30, "quarant": 40, "cinquant": 50, "sessant": 60}
    | {"settant": 70, "ottant": 80, "novant": 90},
    "fr": {"une": 1, "quatrevingts": 80},
    "de": {"ein": 1, "eine": 1, "einen": 1, "einem": 1, "einer": 1},
}
_SCALES: Mapping[str, Mapping[str, int]] = {
    "en": {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9},
    "pt": {"mil": 10**3, "milhão": 10**6, "milhões": 10**6, "bilhão": 10**9, "bilhões": 10**9},
    "es": {"mil": 10**3, "millón": 10**6, "millones": 10**6},
    "it": {"cento": 100, "cent": 100, "mille": 10**3, "mila": 10**3, "milione": 10**6, "milioni": 10**6}
    | {"miliardo": 10**9, "miliardi": 10**9},
    "fr": {"cent": 100, "cents": 100, "mille": 10**3, "million": 10**6, "millions": 10**6}
    | {"milliard": 10**9, "milliards": 10**9},
    "de": {"hundert": 100, "tausend": 10**3, "million": 10**6, "millionen": 10**6}
    | {"milliarde": 10**9, "milliarden": 10**9},
}
_AND: Mapping[str, tuple[str, ...]] = {
    "en": ("and",),
    "pt": ("e",),
    "es": ("y",),
    "it": ("e",),
    "fr": ("et",),
    "de": ("und",),
}
_POINT = {"en": "point", "pt": "vírgula", "es": "coma", "it": "virgola", "fr": "virgule", "de": "komma"}
_MINUS = {"en": "minus", "pt": "menos", "es": "menos", "it": "meno", "fr": "moins", "de": "minus"}


def read_number(words: str, language: str) -> Decimal:
    """Return the value that words say. Raises ValueError where a part of them is no number word.

    >>> read_number("quatre-vingt-dix-sept mille un", "fr"), read_number("drei Komma eins vier", "de")
    (Decimal('97001'), Decimal('3.14'))
    """
    words = words.lower().strip()
    sign = 1
    if words.startswith(_MINUS[language]):
        sign, words = -1, words.removeprefix(_MINUS[language])
    whole, point, rest = words.partition(_POINT[language])
    value = Decimal(_whole(whole, language))
    if point:
        value += Decimal(f"0.{_digits(rest, language)}")
    return sign * value


def _digits(words: str, language: str) -> str:
    """Return decimals: leading zeros one by one, then digits, or one number."""
    zero = _ONES[language].split()[0]
    parts = words.split()
    lead = len(parts) - len([*_without_lead(parts, zero)])
    rest = parts[lead:]
    ones = _ONES[language].split()[:10]
    if rest and all(part in ones for part in rest):
        return "0" * lead + "".join(str(ones.index(part)) for part in rest)
    return "0" * lead + (str(_whole(" ".join(rest), language)) if rest else "")


def _without_lead(parts: list[str], zero: str) -> list[str]:
    while parts and parts[0] == zero:
        parts = parts[1:]
    return parts


def _whole(words: str, language: str) -> int:
    total = group = 0
    for value, scale in _parts(re.sub(r"[\s-]", "", words), language):
        if not scale:
            group += value
        elif value == 100:
            ones = group % 100
            group = group - ones + max(ones, 1) * 100
        elif value == 1000:
            total, group = total + max(group, 1) * 1000, 0
        else:
            # "cien mil un millones", "mil millones": what stands before a greater scale is its count.
            counted = total % value + group or 1
            total, group = total - total % value + counted * value, 0
    return total + group


def _atoms(language: str) -> dict[str, tuple[int, bool]]:
    atoms = {word: (value, False) for value, word in enumerate(_ONES[language].split())}
    atoms |= {word: (value * 10, False) for value, word in enumerate(_TENS[language].split(), 2)}
    hundreds = _HUNDREDS.get(language, "").split()
    atoms |= {word: (value * 100, False) for value, word in enumerate(hundreds, 1)}
    atoms |= {f"{word[:-2]}as": (value * 100, False) for value, word in enumerate(hundreds, 1) if value > 1}
    atoms |= {word: (value, False) for word, value in _OTHERS[language].items()}
    return atoms | {word: (value, True) for word, value in _SCALES[language].items()}


def _parts(joined: str, language: str) -> list[tuple[int, bool]]:
    """Cut joined words into values and scales, trying the longest part first."""
    atoms = _atoms(language)
    by_length = sorted(atoms, key=len, reverse=True)

    def cut(rest: str) -> list[tuple[int, bool]] | None:
        if not rest:
            return []
        for word in by_length:
            if rest.startswith(word) and (tail := cut(rest.removeprefix(word))) is not None:
                return [atoms[word], *tail]
        for word in _AND[language]:
            if rest.startswith(word):
                return cut(rest.removeprefix(word))
        return None

    found = cut(joined)
    if found is None:
        raise ValueError(f"{joined!r} holds more than {language} number words")
    return found
