"""Turn written lines into what a person would say aloud, in words."""

from __future__ import annotations

import re
import unicodedata

from dubkit.voice.text.lexicon import Lexicon
from dubkit.voice.text.numbers import numbers_in_words, roman_in_words
from dubkit.voice.text.spoken_forms import LEXICONS

_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")
_SUNG = re.compile(r"[♪♫♬♩][^♪♫♬♩]*(?:[♪♫♬♩]|$)")
_DIRECTIONS = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|\{[^{}]*\}|\uff08[^\uff08\uff09]*\uff09|【[^【】]*】")
_BRACKETS = re.compile(r"[\[\](){}\uff08\uff09【】]")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+?(?=[.,;:!?…]*(?:\s|$))|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_QUOTES = re.compile(r"[\"“”„‟«»]")
_WORD = re.compile(r"[^\W\d_]+")
_CLUSTER = re.compile(r"[^AEIOUYÁÉÍÓÚÂÊÔÃÕÀÄÖÜ]{2}")
_BLENDING = frozenset("LRH")
"""Second consonants with which a word may well begin: FLA, TRE, CHE are words, DNA and FBI are not."""

_METRES = frozenset({"m", "mm"})
"""After digits these are units, not French gentlemen."""

_AND_SO_ON = frozenset({"etc", "ecc", "usw"})

LONGEST_ACRONYM = 4
"""Letters; a longer word in capitals is shouted."""

SHOUT = 0.7
"""Share of capitals from which a line with a shouted word is shouted altogether."""


def spoken_text(text: str, language: str) -> str:
    """Return what is said for a written line; empty when nothing in it is to be spoken.

    Stage directions in brackets, sung lines between note signs, markup and emoji are dropped; numbers,
    amounts, times, signs, addresses and short forms become words in pt, es, it, fr, de and en. In
    other languages digits stay digits.

    >>> spoken_text("[suspira] Custa R$ 12,50 & chega às 15h30!", "pt-BR")
    'Custa doze reais e cinquenta centavos e chega às quinze e trinta!'
    """
    text = _cleaned(text)
    tag = language.replace("_", "-").lower()
    lexicon = LEXICONS.get(tag, LEXICONS.get(tag.partition("-")[0]))
    if lexicon is not None:
        text = _ADDRESS.sub(lambda match: _address(match[0], lexicon), text)
        text = _capitals(text, lexicon)
        text = _short_forms(text, lexicon)
        text = numbers_in_words(text, lexicon)
        text = _signs(text, lexicon)
    text = _tidied(text)
    return text if any(character.isalnum() for character in text) else ""


def _cleaned(text: str) -> str:
    """Drop what is never spoken."""
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'").replace("\\N", " ")
    for pattern in (_TAGS, _SUNG):
        text = pattern.sub(" ", text)
    while (shorter := _DIRECTIONS.sub(" ", text)) != text:  # directions may be nested
        text = shorter
    text = _QUOTES.sub("", _BRACKETS.sub(" ", text))
    return "".join(
        c for c in text if c in "°№" or unicodedata.category(c) not in ("So", "Sk", "Cs", "Co", "Cf", "Cn")
    )


def _address(address: str, lexicon: Lexicon) -> str:
    """Say a web or mail address as one dictates it: without the scheme, with its marks as words."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE).rstrip("/")
    marks = {".": lexicon.dot, "/": lexicon.slash, "@": lexicon.at, "-": " ", "_": " "}
    return "".join(f" {marks[c]} " if c in marks else c for c in bare)


def _short_forms(text: str, lexicon: Lexicon) -> str:
    def said(match: re.Match[str]) -> str:
        short = re.sub(r"\.\s*", ". ", match[1].lower())
        if short in _METRES and re.search(r"\d\s?$", match.string[: match.start()]):
            return match[0]
        full = lexicon.short[short]
        # Its stop may also end the sentence. A capital shows that only after "etc.": others precede names.
        rest = match.string[match.end() :].lstrip()
        ends = not rest or (short in _AND_SO_ON and rest[0].isupper())
        return (full[0].upper() + full[1:] if match[1][0].isupper() else full) + ("." if ends else "")

    longest_first = sorted(lexicon.short, key=len, reverse=True)
    forms = "|".join(re.escape(form).replace(r"\ ", r"\s?") for form in longest_first)
    return re.sub(rf"(?<![\w.])({forms})\.(?!\w)", said, text, flags=re.IGNORECASE)


def _capitals(text: str, lexicon: Lexicon) -> str:
    """Lower shouted words; read acronyms that nobody can pronounce, and Roman numerals."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    shouted = any(len(word) > LONGEST_ACRONYM and word.isupper() for word in _WORD.findall(text))
    if shouted and capitals > SHOUT * len(letters):
        return text.lower()
    return _WORD.sub(lambda match: _capital_word(match[0]), roman_in_words(text, lexicon))


def _capital_word(word: str) -> str:
    if len(word) < 2 or not word.isupper():
        return word
    if len(word) > LONGEST_ACRONYM:
        return word.lower()
    start = _CLUSTER.match(word) and not (
        len(word) > 2 and word[1] in _BLENDING and not _CLUSTER.match(word[1:])
    )
    return " ".join(word) if start or _CLUSTER.match(word[-2:]) else word


def _signs(text: str, lexicon: Lexicon) -> str:
    for sign, said in (("&", lexicon.and_), ("@", lexicon.at), ("+", lexicon.plus), ("=", lexicon.equals)):
        text = text.replace(sign, f" {said} ")
    text = text.replace("%", f" {lexicon.percent} ")
    return re.sub(r"[/|\\]", " ", text)


def _tidied(text: str) -> str:
    """Leave one kind of each mark, none doubled, none at the start."""
    text = re.sub(r"[*_~^`#<>|=+\\]", " ", text)
    text = re.sub(r"\.{2,}|…\.*", "…", text)
    text = re.sub(r"\s[-\u2013]+\s|\s*—\s*|--+|\u2013", " — ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;:!?…])", r"\1", text)
    text = re.sub(r"([,.;:!?…—])(?:\s*\1)+", r"\1", text)
    text = re.sub(r"([!?]{2})[!?]+", r"\1", text)
    text = re.sub(r"[,;:](?=[.!?…])", "", text)
    return re.sub(r"^[\s,.;:!?…—\u2013-]+", "", text).strip()
