"""From bytes to text: by a mark, as declared, as UTF-8, or recognised with the help of the language."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from dubkit.formats.alphabets import ALPHABETS, FREQUENT, RARE

How = Literal["certain", "recognised", "guessed", "mended"]
"""How the encoding is known: named, marked or UTF-8; by the language; without it; UTF-8 encoded twice."""

GOOD = 0.9
"""Share of the letters beyond ASCII that must be letters of the language."""

MARGIN = 0.05
"""How much better the best reading must be than another one where no language helps."""

RARER = 0.06
"""What a language of few files loses where the language is not known."""

LIKELIER = 0.015
"""What an encoding gains over the next one in the list of a language; twice that where it is not known."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_ESCAPES = ((b"\x1b$B", "iso2022_jp"), (b"\x1b$@", "iso2022_jp"), (b"\x1b$)C", "iso2022_kr"))
_BEGINNINGS = (
    (b"PK\x03\x04", "a ZIP archive, such as a document of an office program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF", "a PDF"),
    (b"\x1aE\xdf\xa3", "a Matroska film"),
    (b"RIFF", "an AVI film or a WAV"),
    (b"\x89PNG", "a picture"),
    (b"\xd0\xcf\x11\xe0", "a document of an office program"),
    (b"{\\rtf", "a rich text document"),
)
_PUNCTUATION = frozenset(
    "\u2018\u2019“”„\u201a«»\u2039\u203a—\u2013…·•¡¿°№€£§©®™\u00b4`¨♪♫\u00a0\u00adº\u00aa¹²³½¼¾\u00d7\u200e\u200f\u202a\u202b\u202c"
)
_WIDE = re.compile("[\u3000-\u303f\uff01-\uff5e\uffe5\u2014\u2026\u2018-\u201d\u00b7\u266a\u266b]")
_HAN, _KANA, _HANGUL = "[\u4e00-\u9fff]", "[\u3041-\u30ff]", "[\uac00-\ud7a3]"
_DENSE = {"zh": re.compile(_HAN), "ja": re.compile(f"{_HAN}|{_KANA}"), "ko": re.compile(_HANGUL)}
_INSIDE = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f\u2019\u2018·\u00ad\u2013—…\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0e31-\u0e4e\u200c\u200d](?=[^\W\d_])|(?<=[^\W\d_])[¹²³½¼¾]"
)
"""A sign inside a word, which is a letter in the wrong encoding."""
_TAGS = re.compile(r"<[^<>]*>|\{[^{}]*\}|^(?:Dialogue|Comment):(?:[^,\n]*,){9}", re.M)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and how its encoding is known."""

    text: str
    encoding: str
    how: How = "certain"


@dataclass(frozen=True, slots=True)
class _Fit:
    score: float
    text: str
    encoding: str


class NotText(ValueError):
    """Bytes that are no text in any encoding that is known here; the message says why."""

    def __init__(self, problem: str, cure: str, at: int = 0) -> None:
        super().__init__(problem)
        self.cure = cure
        self.at = at
        """Byte that shows it."""


def decode(content: bytes, encoding: str = "", language: str = "") -> Decoded:
    """Return the text of a file.

    Args:
        content: the bytes.
        encoding: a name of Python's, such as `cp1251`; empty finds it out.
        language: tag of the text's language, where it is known: `ru`, `pt-BR`.

    Raises NotText.
    """
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            raise NotText(f"it is {kind}, not a text", "Export or unpack it as a text file.")
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "") or _wide(content)
    if encoding and not marked:
        return Decoded(_strictly(content, encoding), encoding)
    if marked:
        return Decoded(_strictly(content, "utf-8-sig" if marked == "utf-8" else marked), marked)
    for escape, name in _ESCAPES:
        if escape in content:
            return Decoded(_strictly(content, name), name)
    if len(_CONTROL.findall(content.decode("latin-1"))) > max(4, len(content) / 50):
        raise NotText("it holds no text", "Choose the subtitle or table file.")
    try:
        return _once(content.decode("utf-8"), language)
    except UnicodeDecodeError as error:
        _refuse_damaged(content, error)
    if fits := _fits(content, _known(language)):
        return Decoded(fits[0].text, fits[0].encoding, "recognised")
    fits = _fits(content, tuple(ALPHABETS))
    # A name from elsewhere, such as Zürich in Danish, fits the usual encoding of the language all the same.
    usual = {ALPHABETS[base][0][0] for base in _known(language)}
    if own := [fit for fit in fits if fit.encoding in usual and fit.score > fits[0].score - MARGIN]:
        return Decoded(own[0].text, own[0].encoding, "recognised")
    rivals = [fit for fit in fits if fit.text != fits[0].text]
    if fits and not (rivals and rivals[0].score > fits[0].score - MARGIN):
        return Decoded(fits[0].text, fits[0].encoding, "guessed")
    cure = (
        "Save the file as UTF-8, or name its encoding: transcribe.encoding (translate.encoding for a "
        "translation), or dubkit review edit --encoding."
    )
    raise NotText("this is not UTF-8, and its encoding cannot be recognised", cure, _first_odd(content))


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        problem = f"the bytes {error.object[error.start : error.end].hex(' ')} are not {encoding}"
        raise NotText(
            problem, "The file is cut off or damaged, or its encoding is another.", error.start
        ) from None


def _wide(content: bytes) -> str:
    """Return the name of UTF-16 or UTF-32 without a mark: every second byte of its ASCII is zero."""
    zeros = [content[at::4].count(0) for at in range(4)]
    if sum(zeros) * 20 < len(content) or len(content) < 8:
        return ""
    if min(zeros[1], zeros[2], zeros[3]) * 4.4 > len(content):
        return "utf-32-le"
    if min(zeros[0], zeros[1], zeros[2]) * 4.4 > len(content):
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if odd > 9 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 9 * odd else ""


def _once(text: str, language: str) -> Decoded:
    """Return a text; one that was encoded twice (`OlÃ¡`) is decoded twice."""
    runs = re.findall("[\u0080-\u00ff\u0152-\u0178\u0192\u02c6-\u02dc\u2013-\u203a\u20ac\u2122]{2,}", text)
    if not runs:
        return Decoded(text, "utf-8")
    try:
        inner = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return Decoded(text, "utf-8")
    return Decoded(inner, "utf-8", "mended")


def _refuse_damaged(content: bytes, error: UnicodeDecodeError) -> None:
    """Raise NotText where all but a little of the text is UTF-8: it is damaged, not of another encoding."""
    loose = content.decode("utf-8", errors="replace")
    good = sum(ord(c) > 0x7F and c != "\ufffd" for c in loose)
    cut = error.end >= len(content) - 1 and error.reason == "unexpected end of data"
    if good and (good >= 3 * loose.count("\ufffd") or cut):
        problem = f"the bytes {content[error.start : error.end].hex(' ')} are not UTF-8, and the rest is"
        raise NotText(
            problem, "The file is cut off or damaged there: correct it, and save it as UTF-8.", error.start
        )


def _known(language: str) -> tuple[str, ...]:
    base = language.lower().replace("_", "-").split("-")[0]
    base = {"nb": "no", "nn": "no", "iw": "he", "yue": "zh", "cmn": "zh", "sh": "hr", "mo": "ro"}.get(
        base, base
    )
    return (base,) if base in ALPHABETS else ()


def _first_odd(content: bytes) -> int:
    return next((at for at, byte in enumerate(content) if byte > 0x7F), 0)


def _fits(content: bytes, languages: tuple[str, ...]) -> list[_Fit]:
    """Return the texts that fit one of the languages, the best first."""
    fits: dict[str, _Fit] = {}
    unknown = len(languages) > 1
    prior = 2 * LIKELIER if unknown else LIKELIER
    for language in languages:
        for place, encoding in enumerate(ALPHABETS[language][0]):
            text = fits[encoding].text if encoding in fits else _text(content, encoding)
            score = _fit(text, language) - prior * place if text is not None else 0.0
            score -= RARER if language in RARE and unknown else 0.0
            if text is not None and score > (fits[encoding].score if encoding in fits else 0.0):
                fits[encoding] = _Fit(score, text, encoding)
    return sorted((fit for fit in fits.values() if fit.score >= GOOD), key=lambda fit: -fit.score)


def _text(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _fit(text: str, language: str) -> float:
    """Return how well a text fits a language: the share of letters that belong, and more for common ones."""
    odd = [c for c in text if ord(c) > 0x7F or c == "\x1b"]
    if not odd:
        return 1.0
    frequent = FREQUENT.get(language, "")
    usual = 0.3 * sum(c.lower() in frequent for c in odd) / len(odd)
    ascii_letters = sum(c.isascii() and c.isalpha() for c in text)
    beside = sum(c.isascii() and c.isalpha() for line in _marked_off(text) for c in line)
    if language in _DENSE:
        if beside > 3 * len(odd):
            return 0.0  # accents of a Latin text, taken for halves of a character
        letter = _DENSE[language]
        return sum(bool(letter.match(c) or _WIDE.match(c)) for c in odd) / len(odd) + usual
    alphabet = frozenset(ALPHABETS[language][1])
    letters = [c for c in odd if c not in _PUNCTUATION]
    inside = len(_INSIDE.findall(text))
    if not letters:
        return GOOD if not inside else 0.0
    good = sum(c in alphabet or c.lower() in alphabet for c in letters)
    latin = any(c.isalpha() and ord(c) < 0x250 for c in alphabet)
    mixed = sum(_is_odd_word(word, latin) for word in re.findall(r"[^\W\d_]+", text))
    # So many letters with an accent are another script in the wrong encoding.
    most = 0.5 if language != "en" else 0.2 if len(letters) < 4 else 0.06
    if latin and len(letters) > (ascii_letters + len(letters)) * most:
        return 0.0
    if not latin and beside > 3 * len(letters):
        return 0.0
    return (good - mixed - inside) / len(letters) + usual


def _marked_off(text: str) -> list[str]:
    """Return the lines that have letters beyond ASCII, without tags and the fields of events."""
    plain = _TAGS.sub("", text)
    return [line for line in plain.split("\n") if not line.isascii()]


def _is_odd_word(word: str, latin: bool) -> bool:
    """Tell whether a word mixes scripts, or has a capital letter where none stands."""
    if word.isascii():
        return False
    turns = any(a.islower() and b.isupper() for a, b in pairwise(word))
    inside = any(c.isupper() and not c.isascii() for c in word[1:]) and not word.isupper()
    return turns or inside or (not latin and any(c.isascii() for c in word))


def plain_name(encoding: str) -> str:
    """Return the name of an encoding that people know.

    >>> plain_name("cp1251"), plain_name("koi8_r")
    ('Windows-1251', 'KOI8-R')
    """
    special = {"cp932": "Shift JIS", "cp949": "EUC-KR", "big5hkscs": "Big5", "latin_1": "ISO 8859-1"}
    if encoding in special:
        return special[encoding]
    if windows := re.fullmatch(r"cp(125\d|874)", encoding):
        return f"Windows-{windows[1]}"
    return re.sub(r"^ISO8859-", "ISO 8859-", encoding.upper().replace("_", "-"))
