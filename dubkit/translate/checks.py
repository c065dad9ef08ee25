# ruff: noqa: RUF001 - dialogue is written with typographic and full-width marks
"""Decide whether a text can be the translation of its source line, without knowing the right one.

Every check must stay silent on what people really say: names, numbers, `OK`, one-word lines, foreign
phrases. A line that passes is not proven good; a line that fails is wrong for a nameable reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.translate.language import base, language_name, same_language, script
from dubkit.translate.lines import BAD_REPLY, ECHO, REFUSED, WRONG_LANGUAGE
from dubkit.translate.refusal import is_refusal

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?…;:。！？]+")

# What a model slips into when it leaves the target language.
_WORLD = frozenset(("en", "es", "fr", "de", "it", "pt", "nl", "ru", "zh", "ja", "ko", "ar", "tr", "pl"))
# Languages too close to tell apart in one line of dialogue: only a long line can convict.
_RELATIVES = (
    {"pt", "es", "gl", "ca", "it", "oc", "an", "ext"},
    {"no", "nn", "da", "sv"},
    {"cs", "sk"},
    {"hr", "bs", "sr", "sl"},
    {"ru", "uk", "be", "bg", "mk"},
    {"id", "ms", "jv"},
    {"zh", "yue", "wuu"},
    {"nl", "af", "de", "lb", "fy"},
    {"hi", "mr", "ne"},
)
_LANGID_LABEL = {"nb": "no", "fil": "tl", "iw": "he"}

# Names that `unicodedata` gives the letters of each script.
_LETTERS = {
    "Latn": ("LATIN",),
    "Cyrl": ("CYRILLIC",),
    "Grek": ("GREEK",),
    "Arab": ("ARABIC",),
    "Hebr": ("HEBREW",),
    "Deva": ("DEVANAGARI",),
    "Thai": ("THAI",),
    "Jpan": ("HIRAGANA", "KATAKANA", "CJK"),
    "Kore": ("HANGUL", "CJK"),
    "Hans": ("CJK",),
    "Hant": ("CJK",),
    "Beng": ("BENGALI",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Geor": ("GEORGIAN",),
    "Armn": ("ARMENIAN",),
}
_WIDE = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")

# One-word lines that are no names; a copy of any other single word may be right.
_ENGLISH_WORDS = frozenset(
    (
        "hello",
        "yes",
        "thanks",
        "goodbye",
        "sorry",
        "please",
        "what",
        "why",
        "really",
        "wait",
        "who",
        "where",
        "when",
        "exactly",
        "never",
        "always",
        "nothing",
        "listen",
        "look",
        "stop",
        "help",
        "run",
    )
)
_NEW_SHARE = 0.2
"""Share of letters in a foreign script from which a line counts as not translated."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a translated line: a flag, and a sentence for the repair request."""

    flag: str
    text: str


class LineChecks:
    """Checks for one pair of languages; loads the language identifier once (0.7 s)."""

    def __init__(self, source: str, target: str) -> None:
        self._source = base(source)
        self._target = base(target)
        self._script = script(target)
        self._same = same_language(source, target)
        self._name = language_name(target)
        self._identifier = _load_identifier()
        known = set(self._identifier.labels)
        self._source_label = _label(self._source, known)
        self._target_label = _label(self._target, known)

    def fault(self, source: str, text: str) -> Fault | None:
        """The first fault of `text` as a translation of `source`."""
        if not any(character.isalnum() for character in text):
            return Fault(BAD_REPLY, "is empty") if any(map(str.isalnum, source)) else None
        if is_refusal(text, source, self._source):
            return Fault(
                REFUSED, "is not a translation but a refusal; this is dialogue of a film, translate it"
            )
        return self._length_fault(source, text) or self._language_fault(source, text)

    def _length_fault(self, source: str, text: str) -> Fault | None:
        given, got = _weight(source), _weight(text)
        if got > 3 * given + 20:
            return Fault(BAD_REPLY, "is far longer than its source; something was added")
        if given >= 40 and got < 0.2 * given:
            return Fault(BAD_REPLY, "is far shorter than its source; something was left out")
        return None

    def _language_fault(self, source: str, text: str) -> Fault | None:
        if self._same:
            return None
        if self._echoes(source, text):
            return Fault(ECHO, f"was left in the source language; translate it into {self._name}")
        if self._foreign_script(source, text) or self._foreign_language(source, text):
            return Fault(WRONG_LANGUAGE, f"is not in {self._name}")
        return None

    # --- copies of the source -----------------------------------------------------------------

    def _echoes(self, source: str, text: str) -> bool:
        if _plain(source) == _plain(text):
            return self._copy_is_fault(source, whole=True)
        sentences = {_plain(sentence) for sentence in _SENTENCE.findall(source)} - {""}
        return any(
            _plain(sentence) in sentences and self._copy_is_fault(sentence, whole=False)
            for sentence in _SENTENCE.findall(text)
        )

    def _copy_is_fault(self, sentence: str, *, whole: bool) -> bool:
        words = _WORD.findall(sentence)
        if len(words) < 2:
            one_word = words[0].casefold() if words else ""
            return whole and self._source == "en" and one_word in _ENGLISH_WORDS
        if self._source_label is None or self._target_label is None:
            return len(words) >= 3 and any(word.islower() for word in words[1:])
        found, probability = self._likeliest(sentence, _WORLD | {self._source_label, self._target_label})
        if found not in (self._source_label, self._target_label) and probability > 0.8:
            return False  # `C'est la vie` is said in French in any language
        odds = self._probabilities(sentence, {self._source_label, self._target_label})
        if any(word.islower() for word in words[1:]):
            return odds[self._target_label] < 0.6
        # Capitals throughout: a name, a title, or a shout.
        return sentence.isupper() and odds[self._source_label] > 0.9

    # --- scripts ------------------------------------------------------------------------------

    def _foreign_script(self, source: str, text: str) -> bool:
        expected = _LETTERS.get(self._script)
        if expected is None:
            return False
        letters = [character for character in text if character.isalpha()]
        own = [character for character in letters if _in_script(character, expected)]
        if self._script != "Latn":
            return self._too_few_own(source, text, letters, own)
        foreign = [character for character in letters if character not in own]
        if len(foreign) >= max(2, _NEW_SHARE * len(letters)):
            return True
        return any(_in_script(character, _WIDE) and character not in source for character in foreign)

    def _too_few_own(self, source: str, text: str, letters: list[str], own: list[str]) -> bool:
        kana = any(_in_script(character, ("HIRAGANA", "KATAKANA")) for character in text)
        if self._script == "Jpan" and len(own) >= 8 and not kana:
            return True
        if self._script in ("Hans", "Hant"):
            if kana and any(_in_script(character, ("HIRAGANA",)) for character in text):
                return True
            if _wrong_han(text, self._script):
                return True
        if not letters or len(own) >= 0.3 * len(letters):
            return False
        # Names, brands and abbreviations may stay as they are.
        copied = {word.casefold() for word in _WORD.findall(source)}
        words = _WORD.findall(text)
        return len(words) > 3 or any(word.casefold() not in copied or word.islower() for word in words)

    # --- languages ----------------------------------------------------------------------------

    def _foreign_language(self, source: str, text: str) -> bool:
        if self._target_label is None:
            return False
        evidence = _without_names(source, text)
        if self._convicts(evidence, minimum=2):
            return True
        # One sentence left in the source language disappears in the average of a long line.
        sentences = _SENTENCE.findall(evidence)
        return len(sentences) > 1 and any(self._is_source(sentence) for sentence in sentences)

    def _convicts(self, text: str, *, minimum: int) -> bool:
        words = _WORD.findall(text)
        letters = sum(map(len, words))
        if (len(words) < minimum or letters < 8) and not _wide_letters(text) >= 4:
            return False
        candidates = _WORLD | {self._target_label or "", self._source_label or ""} - {""}
        found, probability = self._likeliest(text, candidates)
        if (
            found == self._target_label
            or self._probabilities(text, candidates)[self._target_label or ""] > 0.05
        ):
            return False
        related = any({found, self._target_label} <= group for group in _RELATIVES)
        if related:
            return len(words) >= 6 and probability >= 0.97
        return probability >= (0.9 if len(words) > 2 else 0.95)

    def _is_source(self, sentence: str) -> bool:
        words = _WORD.findall(sentence)
        if len(words) < 3 or self._source_label is None or self._target_label is None:
            return False
        if any({self._source_label, self._target_label} <= group for group in _RELATIVES):
            return False
        odds = self._probabilities(sentence, {self._source_label, self._target_label})
        return odds[self._source_label] >= 0.97

    def _likeliest(self, text: str, candidates: set[str] | frozenset[str]) -> tuple[str, float]:
        odds = self._probabilities(text, candidates)
        best = max(odds, key=lambda language: odds[language])
        return best, odds[best]

    def _probabilities(self, text: str, candidates: set[str] | frozenset[str]) -> dict[str, float]:
        self._identifier.set_languages(sorted(candidates))
        return {language: float(odds) for language, odds in self._identifier.rank(text.lower())}


def misplaced(sources: Mapping[int, str], texts: Mapping[int, str]) -> set[int]:
    """Numbers whose text belongs to a neighbour: a model joined two lines and moved the rest up.

    A number or a name of the source that turns up in the neighbour's text instead gives it away.
    """
    wrong: set[int] = set()
    for number in texts:
        for other in (number - 1, number + 1):
            if other not in texts:
                continue
            anchors = _anchors(sources[number]) - _anchors(sources[other])
            here, there = _anchors(texts[number]), _anchors(texts[other])
            if anchors and not anchors & here and anchors <= there:
                wrong |= {number, other}
    return wrong


def repeated(sources: Mapping[int, str], texts: Mapping[int, str]) -> set[int]:
    """Numbers that share a long text although their sources differ."""
    seen: dict[str, list[int]] = {}
    for number, text in texts.items():
        if len(_WORD.findall(text)) >= 4 or _wide_letters(text) >= 8:
            seen.setdefault(_plain(text), []).append(number)
    groups = [numbers for numbers in seen.values() if len({_plain(sources[n]) for n in numbers}) > 1]
    return {number for numbers in groups for number in numbers}


def _load_identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _label(language: str, known: set[str]) -> str | None:
    label = _LANGID_LABEL.get(language, language)
    return label if label in known else None


def _plain(text: str) -> str:
    return " ".join(word.casefold().replace("’", "'") for word in _WORD.findall(text))


def _in_script(character: str, names: Sequence[str]) -> bool:
    return unicodedata.name(character, "").startswith(tuple(names))


def _wide_letters(text: str) -> int:
    return sum(_in_script(character, _WIDE) for character in text if character.isalpha())


def _weight(text: str) -> int:
    """Length in Latin letters: a Han character says as much as three, a digit may be spelled out."""
    weights = (
        0
        if not character.isalnum()
        else 6
        if character.isdigit()
        else 3
        if _in_script(character, _WIDE)
        else 1
        for character in text
    )
    return sum(weights)


def _wrong_han(text: str, wanted: str) -> bool:
    """True when more characters fit only the code page of the other Chinese script."""
    han = [character for character in text if _in_script(character, ("CJK",))]
    simplified = sum(_encodes(c, "gb2312") and not _encodes(c, "big5") for c in han)
    traditional = sum(_encodes(c, "big5") and not _encodes(c, "gb2312") for c in han)
    other, own = (traditional, simplified) if wanted == "Hans" else (simplified, traditional)
    return other >= 2 and other > own


def _encodes(character: str, code_page: str) -> bool:
    try:
        character.encode(code_page)
    except UnicodeEncodeError:
        return False
    return True


def _without_names(source: str, text: str) -> str:
    """The text without capitalised words that stand in the source too."""
    if text.isupper():
        return text
    names = {word for word in _WORD.findall(source) if not word.islower()}
    return _WORD.sub(lambda found: "" if found.group() in names else found.group(), text)


def _anchors(text: str) -> set[str]:
    words = set(re.findall(r"\d+", text))
    for sentence in _SENTENCE.findall(text):
        words |= {word.casefold() for word in _WORD.findall(sentence)[1:] if word.istitle() and len(word) > 2}
    return words
