"""The numbers that a text says, in figures or in words, so that none is lost in another text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from dubkit.translate.language import base

_FIGURES = re.compile(r"\d+(?:[.,\u00a0\u202f]\d{3})*(?!\d)|\d+")
_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST = 15

_WORDED = {
    "en": (
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred "
        "thousand million billion half dozen twice"
    ),
    "pt": (
        "dois duas três quatro cinco seis sete oito nove dez onze doze treze catorze quatorze quinze "
        "dezesseis dezasseis dezessete dezassete dezoito dezenove dezanove vinte trinta quarenta "
        "cinquenta sessenta setenta oitenta noventa cem cento duzentos duzentas trezentos trezentas "
        "quatrocentos quatrocentas quinhentos quinhentas seiscentos setecentos oitocentos novecentos mil "
        "milhão milhões bilhão bilhões meia dúzia"
    ),
    "es": (
        "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
        "diecisiete dieciocho diecinueve veinte veintiuno veintiún veintidós veintitrés veinticuatro "
        "veinticinco veintiséis veintisiete veintiocho veintinueve treinta cuarenta cincuenta sesenta "
        "setenta ochenta noventa cien ciento doscientos doscientas trescientos trescientas cuatrocientos "
        "quinientos quinientas seiscientos setecientos ochocientos novecientos mil millón millones media "
        "docena"
    ),
    "fr": (
        "deux trois quatre cinq six sept huit dix onze douze treize quatorze quinze seize vingt vingts "
        "trente quarante cinquante soixante cent cents mille million millions milliard milliards demi "
        "demie douzaine"
    ),
}
"""Words of numbers that are hardly anything else: `one` and `un` are articles, `neuf` is also new."""

_JOINED = {
    "de": re.compile(
        r"(?:zwei|zwo|drei|vier|fünf|sechs|sieben|zehn|elf|zwölf)"
        r"|(?:ein|zwei|zwo|drei|vier|fünf|sechs|sechzehn|sieb|siebzehn|acht|neun|zehn|elf|zwölf|und|zwanzig"
        r"|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|sech|hundert|tausend){2,}"
        r"|zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend"
        r"|millionen|million|milliarden|milliarde|halb|dutzend"
    ),
    "it": re.compile(
        r"(?:due|tre|quattro|cinque|sette|otto|nove|dieci|undici|dodici|tredici|quattordici|quindici|sedici"
        r"|diciassette|diciotto|diciannove)"
        r"|(?:venti?|trenta?|quaranta?|cinquanta?|sessanta?|settanta?|ottanta?|novanta?|cento?|mille|mila)"
        r"|(?:due|tre|tré|quattro|cinque|sei|sette|otto|nove|uno|un|venti?|trenta?|quaranta?|cinquanta?|sessanta?"
        r"|settanta?|ottanta?|novanta?|cento?|mila|mille|dieci|undici|dodici|tredici|quattordici|quindici|sedici"
        r"|diciassette|diciotto|diciannove){2,}"
        r"|milione|milioni|miliardo|miliardi|mezzo|mezza|dozzina"
    ),
}
"""Of languages that write a number as one word."""

_FORMS = {
    "de": {form: "ein" for form in ("eins", "eine", "einen", "einem", "einer", "eines")},
    "es": {"una": "uno", "un": "uno", "veintiún": "veintiuno", "cien": "ciento"},
    "fr": {"une": "un", "vingts": "vingt", "cents": "cent"},
    "it": {"una": "uno", "un": "uno"},
    "pt": {"uma": "um", "duas": "dois", "quatorze": "catorze", "cem": "cento"},
}
"""Forms of the words of numbers -> the one that is compared."""


def other_numbers(text: str, other: str, language: str) -> list[str]:
    """Return the numbers of a text that another text in the same language does not say.

    >>> other_numbers("He is 12, or thirteen.", "He is twelve.", "en")
    ['thirteen']
    """
    figures, worded = _said(text, language)
    their_figures, their_words = _said(other, language)
    spelled = {word for figure in their_figures for word in _spelled(figure, language)}
    plain = set(_words(other, language))
    lost = [
        figure
        for figure in figures
        if figure not in their_figures and not _all_said(_spelled(figure, language), plain)
    ]
    spelled |= their_words.keys()
    return [*lost, *(word for word in worded if word not in spelled)]


def _said(text: str, language: str) -> tuple[dict[str, None], dict[str, None]]:
    """Return the figures of a text, and its words that are numbers."""
    figures = (re.sub(r"\D", "", found) for found in _FIGURES.findall(text))
    worded = (word for word in _words(text, language) if _is_number(word, base(language)))
    return dict.fromkeys(figures), dict.fromkeys(worded)


def _words(text: str, language: str) -> list[str]:
    """Return the words of a text, those of numbers in one form."""
    forms = _FORMS.get(base(language), {})
    words = (word.casefold() for word in _LETTERS.findall(text))
    return [forms.get(word, re.sub(r"entas$", "entos", word)) for word in words]


def _is_number(word: str, language: str) -> bool:
    joined = _JOINED.get(language)
    if joined is not None:
        return joined.fullmatch(word) is not None
    return word in _word_set(language)


@lru_cache(maxsize=8)
def _word_set(language: str) -> frozenset[str]:
    return frozenset(_WORDED.get(language, "").split())


def _all_said(words: Iterable[str], said: set[str]) -> bool:
    """Say whether all words of a number are said; one that cannot be spelled is not."""
    known = list(words)
    return bool(known) and all(word in said for word in known)


@lru_cache(maxsize=256)
def _spelled(figure: str, language: str) -> tuple[str, ...]:
    """Return the words of a number in figures, as far as its language is known here."""
    if len(figure) > _LONGEST:
        return ()
    try:
        from num2words import num2words  # type: ignore[import-untyped]
    except ImportError:  # it comes with the packaged voices
        return ()
    for tag in (language.replace("-", "_"), base(language)):
        try:
            return tuple(_words(str(num2words(int(figure), lang=tag)), language))
        except NotImplementedError:
            continue
    return ()
