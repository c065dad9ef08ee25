"""Turn written lines into what a person would say aloud, in words."""

from __future__ import annotations

import html
import re
import unicodedata

from dubkit.voice.text.capitals import capitals_in_words
from dubkit.voice.text.directions import without_directions
from dubkit.voice.text.figures import figures_in_words
from dubkit.voice.text.forms import LEXICONS
from dubkit.voice.text.lexicon import Lexicon
from dubkit.voice.text.roman import roman_in_words
from dubkit.voice.text.values import either

_ESCAPES = re.compile(r"\\+[nNhrt]")
_ESCAPED_QUOTES = re.compile(r"\\+([\"'])")
_ENTITIES = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_SMILEY = re.compile(r"(?<!\S)[:;]['-]?[)(DPp*]+(?=\s|[.,!?]|$)")
_SUNG = re.compile(r"[♪♫♬♩][^♪♫♬♩]*(?:[♪♫♬♩]|$)")
_DOMAINS = r"(?:com|org|net|edu|gov|info|app|dev)(?:\.[a-z]{2})?|co\.uk"
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+?(?=[.,;:!?…)]*(?:\s|$))|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    rf"|\b[\w-]+(?:\.[\w-]+)*\.(?:{_DOMAINS})\b(?:/[\w./-]*\w)?(?!')",
    re.IGNORECASE,
)
_HASHTAG = re.compile(r"(?<![\w&])#([^\W\d_]\w*)")
_QUOTES = re.compile(r"[\"“”„‟«»\u2039\u203a]")

_AND_SO_ON = frozenset({"etc", "ecc", "usw"})


def spoken_text(text: str, language: str) -> str:
    """Return what is said for a written line; empty when nothing in it is to be spoken.

    Stage directions, sung lines between note signs, markup and emoji are dropped; numbers, amounts,
    times, signs, addresses, short forms and words in capitals become words in pt, es, it, fr, de and en.
    In other languages digits stay digits.

    >>> spoken_text("[suspira] Custa R$ 12,50 & chega às 15h30!", "pt-BR")
    'Custa doze reais e cinquenta centavos e chega às quinze e trinta!'
    """
    tag = language.replace("_", "-").lower()
    lexicon = LEXICONS.get(tag, LEXICONS.get(tag.partition("-")[0]))
    text = _cleaned(text)
    if lexicon is not None:
        text = _worded(text, lexicon)
    text = _tidied(text)
    return text if any(character.isalnum() for character in text) else ""


def _worded(text: str, lexicon: Lexicon) -> str:
    """Return a cleaned line in words."""
    text = _ADDRESS.sub(lambda match: _address(match[0], lexicon), text)
    text = _HASHTAG.sub(lambda match: _hashtag(match[1], lexicon), text)
    text = roman_in_words(text, lexicon)
    text = capitals_in_words(text, lexicon)
    text = _short_forms(text, lexicon)
    text = figures_in_words(text, lexicon)
    return _signs(text, lexicon)


def _cleaned(text: str) -> str:
    """Drop what is never spoken, and resolve what other programs left: escapes, entities, tags."""
    text = _ESCAPED_QUOTES.sub(r"\1", _ESCAPES.sub(" ", text))
    for _ in range(2):  # an entity may be written as one: &amp;amp;
        text = _ENTITIES.sub(lambda match: html.unescape(match[0]), text)
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'").replace("\u2018", "'")
    for pattern in (_TAGS, _SUNG, _SMILEY):
        text = pattern.sub(" ", text)
    text = _QUOTES.sub("", without_directions(text))
    return "".join(_kept(character) for character in text)


def _kept(character: str) -> str:
    """Return a character as it is read on: control characters part words, signs that nobody says go."""
    if character in "°№":
        return character
    if character in "\ufe0f\ufe0e\u20e3":  # what makes an emoji of a digit
        return ""
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("So", "Sk", "Cs", "Co", "Cf", "Cn") else character


def _address(address: str, lexicon: Lexicon) -> str:
    """Say a web or mail address as one dictates it: without the scheme, with its marks as words."""
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE).rstrip("/")
    marks = {".": lexicon.dot, "/": lexicon.slash, "@": lexicon.at, "-": " ", "_": " "}
    return "".join(f" {marks[c]} " if c in marks else c for c in bare)


def _hashtag(word: str, lexicon: Lexicon) -> str:
    """Say `#BlackLivesMatter` as "hashtag Black Lives Matter"."""
    parts = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|_", " ", word)
    return f"{lexicon.hashtag} {parts}"


def _short_forms(text: str, lexicon: Lexicon) -> str:
    """Return `text` with abbreviations in full, with their stop or, where the language does so, without."""
    if lexicon.bare:
        text = re.sub(
            rf"(?<![\w.])({either(lexicon.bare)})(?![\w.'])", lambda match: lexicon.bare[match[1]], text
        )
    longest_first = sorted(lexicon.short, key=len, reverse=True)
    forms = "|".join(re.escape(form).replace(r"\ ", r"\s?") for form in longest_first)
    text = re.sub(
        rf"(?<![\w.])({forms})\.(?!\w)", lambda match: _in_full(match, lexicon), text, flags=re.IGNORECASE
    )
    if lexicon.base == "en":
        text = re.sub(r"\bSt\.?(?=\s[A-Z])", _saint, text)
        text = re.sub(r"(?<=[a-z]\s)St\b\.?", "Street", text)
        text = re.sub(r"\bp\.\s?(?=\d)", "page ", text)
        text = re.sub(r"\bw/(?=\s)", "with", text)
    if lexicon.base == "de":
        text = re.sub(r"(?<=[a-zäöüß])str\.", "straße", text)
    return text


def _saint(match: re.Match[str]) -> str:
    """Say "Saint" before a name, "Street" after one."""
    return "Street" if re.search(r"[A-Z]\w+\s$", match.string[: match.start()]) else "Saint"


def _in_full(match: re.Match[str], lexicon: Lexicon) -> str:
    short = re.sub(r"\.\s*", ". ", match[1].lower())
    if short in lexicon.units and re.search(r"\d\s?$", match.string[: match.start()]):
        return match[0]  # after digits it is a unit, not a French gentleman
    if short not in lexicon.short:
        return match[0]
    full = lexicon.short[short]
    # Its stop may also end the sentence. A capital shows that only after "etc.": others precede names.
    rest = match.string[match.end() :].lstrip()
    ends = not rest or (short in _AND_SO_ON and rest[0].isupper())
    return (full[0].upper() + full[1:] if match[1][0].isupper() else full) + ("." if ends else "")


def _signs(text: str, lexicon: Lexicon) -> str:
    for sign, said in (("&", lexicon.and_), ("@", lexicon.at), ("+", lexicon.plus), ("=", lexicon.equals)):
        text = text.replace(sign, f" {said} ")
    text = text.replace("%", f" {lexicon.percent.plural} ").replace("\u00d7", f" {lexicon.times} ")
    for sign, said in lexicon.signs.items():
        text = text.replace(sign, f" {said} ")
    return re.sub(r"[/|\\]", " ", text)


def _tidied(text: str) -> str:
    """Leave one kind of each mark, none doubled, none at the start."""
    text = re.sub(r"[()*_~^`#<>|=+\\]", " ", text)
    text = re.sub(r"\.{2,}|…\.*", "…", text)
    text = re.sub(r"\s[-\u2013]+\s|\s*—\s*|--+|\u2013", " — ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;:!?…])", r"\1", text)
    text = re.sub(r"([,.;:!?…—])(?:\s*\1)+", r"\1", text)
    text = re.sub(r"([!?]{2})[!?]+", r"\1", text)
    text = re.sub(r"[,;:](?=[.!?…])", "", text)
    return re.sub(r"^[\s,.;:!?…—\u2013-]+", "", text).strip()
