# ruff: noqa: RUF001 - dialogue is written with typographic marks
"""Cut lines as people speak them into sentences that a translation network can take, and put them back.

Such networks are trained on tidy sentences. They therefore get one sentence at a time, in ordinary case and
with a full stop; what they would spoil (mark-up, dashes, notes, cries such as `Shhh!`) stays outside and is
put back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import combining, normalize

from dubkit.translate.lines import one_line
from dubkit.translate.scripts import KEPT, WORD

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")
_NOTES = re.compile(r"(\s*[♪♫♬♩🎵🎶]+\s*)")
# Sentences end at a mark that is followed by a blank; dashes and notes in brackets stand between them.
_SENTENCE_END = re.compile(r"(^[-–—]\s*|\s+[-–—]\s+|\s*—\s*|(?<=[.!?…。！？])[\"”’»)」』]*\s+)")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Sr|Sra|Dra|St|Prof|Capt|Lt|Sgt|Col|Gen|Jr|vs|No|[A-Z])\.$")
_LABEL = re.compile(r"^([A-Z][A-Z .'’-]{1,20}:)\s+")
# One syllable drawn out or no vowel at all: a noise, not a word (`Shhh!`, `Aaaah!`, `Hmm...`, `Brr`).
_CRY = re.compile(
    r"^\W*(?:[^\W\d_aeiou]+|(?=\w*(\w)\1\1)\w+)(?:\W+(?:[^\W\d_aeiou]+|\w*(\w)\2\2\w*))*\W*$", re.I
)
ENDS = (".", "!", "?", "…", ":", ";", ",", "。", "！", "？", "，", "、", "؟", "।")
_STOPS = (".", "。", "।")
_RUN_ON = re.compile(r"([。！？][」』”]?)(?=[^\s」』”])")
_VOWEL = re.compile(r"[aeiouy]")


def bare(text: str) -> str:
    """Return a line without mark-up, on one line."""
    return one_line(_MARKUP.sub("", text))


def translate_line(text: str, speak: Callable[[str], str]) -> str:
    """Translate each sentence of a line with `speak`; notes of songs stay in their places."""
    parts = _NOTES.split(text)
    return "".join(part if n % 2 else translate_text(part, speak) for n, part in enumerate(parts)).strip()


def translate_text(text: str, speak: Callable[[str], str]) -> str:
    """Translate each sentence of one line with `speak` and join them as they were."""
    label = _LABEL.match(text)
    if label:
        return f"{label.group(1)} {translate_text(text[label.end() :], speak)}"
    parts = sentences(text)
    return "".join(part if index % 2 else speak(part) for index, part in enumerate(parts)).strip()


def sentences(text: str) -> list[str]:
    """Sentences at even places, what separates them at odd ones; joined they give `text` again.

    >>> sentences("Mr. Smith left. Did he?")
    ['Mr. Smith left.', ' ', 'Did he?']
    """
    parts = _SENTENCE_END.split(text)
    joined = parts[:1]
    for separator, sentence in zip(parts[1::2], parts[2::2], strict=True):
        # `I... I don't know`: alone, the cut-off start would be translated as a sentence of its own.
        stutter = joined[-1].endswith(("...", "…")) and len(joined[-1].split()) < 3
        if _ABBREVIATION.search(joined[-1]) or '"' in separator or stutter:
            joined[-1] += separator + sentence
        else:
            joined += [separator, sentence]
    return joined


def is_cry(sentence: str) -> bool:
    """Say whether a sentence of English or Portuguese is a noise and no word."""
    return bool(_CRY.match(sentence))


def is_cry_anywhere(sentence: str) -> bool:
    """Say whether a sentence of any language is a noise: letters drawn out, or doubled without a vowel.

    >>> is_cry_anywhere("Shhh!"), is_cry_anywhere("Krk?"), is_cry_anywhere("Да!")
    (True, False, False)
    """
    words = ["".join(c for c in normalize("NFD", w) if not combining(c)) for w in WORD.findall(sentence)]
    return bool(words) and all(map(_is_noise, words))


def _is_noise(word: str) -> bool:
    plain = word.casefold()
    if not plain.isascii():
        return False
    return bool(re.search(r"(\w)\1\1", plain) or (not _VOWEL.search(plain) and re.search(r"(\w)\1", plain)))


def spaced(text: str) -> str:
    """Return a line with a blank between the sentences of a script that has none.

    >>> spaced("你好。再见。")
    '你好。 再见。'
    """
    return _RUN_ON.sub(r"\1 ", text)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sentence as a network is given it."""

    text: str
    open_end: bool
    """Whether it got a full stop that it did not have."""
    dots: bool
    """Whether it ends with three dots."""
    shouted: bool

    def restored(self, said: str) -> str:
        """Return what the network said with the end and the case of the sentence."""
        text = said.strip()
        if self.open_end and text.endswith(_STOPS):
            text = text[:-1]
        if self.dots and text.endswith("…"):
            text = text[:-1] + "..."
        return text.upper() if self.shouted else text


def prepared(sentence: str, is_cry: Callable[[str], bool] = is_cry) -> Prepared | None:
    """Return a sentence as a network is given it; None for a cry and for what has no letters."""
    if not any(character.isalpha() for character in sentence) or is_cry(sentence):
        return None
    shouted = sentence.isupper() and len(sentence.split()) > 1
    tidy = sentence.capitalize() if shouted else sentence
    # A network takes the stop in `5 a.m. on Monday` for the end of the sentence.
    tidy = re.sub(r"\b([ap])\.m\.(?=\s+\w)", r"\1m", tidy)
    # Without a full stop it goes on: `Thanks` became `Obrigado por`.
    open_end = not tidy.rstrip('"”’»)]').endswith(ENDS)
    return Prepared(tidy + "." if open_end else tidy, open_end, tidy.endswith("..."), shouted)


def stays(sentence: str) -> bool:
    """Say whether a sentence is the same in every language: a cry, or nothing but addresses and marks."""
    return not KEPT.sub("", sentence).strip(" .!?,") or is_cry(sentence)


_NAMES = ("Zarix", "Bolvar", "Tamrin", "Korvad")
"""Stand for addresses, since the network copies names."""


def named(text: str) -> tuple[str, dict[str, str]]:
    """Return a text with names in place of its addresses, and name -> address."""
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        if len(names) == len(_NAMES):
            return found.group()
        names[_NAMES[len(names)]] = found.group()
        return _NAMES[len(names) - 1]

    return KEPT.sub(name, text), names
