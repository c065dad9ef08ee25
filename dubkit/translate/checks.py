# ruff: noqa: RUF001 - dialogue is written with typographic and full-width marks
"""Decide whether a text can be the translation of its source line, without knowing the right one.

Every check must stay silent on what people really say: names, numbers, `OK`, one-word lines, foreign
phrases. A line that passes is not proven good; a line that fails is wrong for a nameable reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.translate.asides import speaks_of_the_task
from dubkit.translate.language import base, language_name, same_language, script
from dubkit.translate.lines import BAD_REPLY, ECHO, REFUSED, WRONG_LANGUAGE
from dubkit.translate.refusal import is_refusal
from dubkit.translate.scripts import KEPT, LETTERS, WIDE, WORD, in_script, weight, wide_letters, wrong_han
from dubkit.translate.wordlists import said_in_both

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

_SENTENCE = re.compile(r"[^.!?…;:。！？]+")
_CLAUSE = re.compile(r"[^.!?…;:,—。！？，]+")

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

# English words that are no names and that no other language has borrowed: alone they are an echo,
# and the longer ones inside a line were left over.
_ENGLISHWORDS = frozenset(
    (
        "about",
        "actually",
        "again",
        "always",
        "another",
        "anything",
        "because",
        "before",
        "believe",
        "birthday",
        "brother",
        "could",
        "doing",
        "enough",
        "even",
        "everybody",
        "everyone",
        "everything",
        "exactly",
        "father",
        "forget",
        "forgot",
        "friend",
        "friends",
        "getting",
        "going",
        "goodbye",
        "happened",
        "happy",
        "hello",
        "help",
        "listen",
        "little",
        "look",
        "maybe",
        "mother",
        "myself",
        "never",
        "nothing",
        "often",
        "originally",
        "people",
        "please",
        "probably",
        "really",
        "remember",
        "right",
        "run",
        "should",
        "sister",
        "someone",
        "something",
        "sorry",
        "stop",
        "talking",
        "thanks",
        "their",
        "there",
        "these",
        "they",
        "thing",
        "things",
        "think",
        "those",
        "thought",
        "through",
        "together",
        "tomorrow",
        "tonight",
        "tried",
        "trying",
        "until",
        "wait",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whole",
        "why",
        "without",
        "wonder",
        "would",
        "wrong",
        "yes",
        "yesterday",
        "yourself",
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
        self._identifier.set_languages()
        known = set(self._identifier.labels)
        self._source_label = _label(self._source, known)
        self._target_label = _label(self._target, known)

    def fault(self, source: str, text: str) -> Fault | None:
        """The first fault of `text` as a translation of `source`."""
        if not any(character.isalnum() for character in text):
            return Fault(BAD_REPLY, "is empty") if any(map(str.isalnum, source)) else None
        if "\ufffd" in text and "\ufffd" not in source:
            return Fault(BAD_REPLY, "has broken letters")
        if is_refusal(text, source, self._source):
            return Fault(
                REFUSED, "is not a translation but a refusal; this is dialogue of a film, translate it"
            )
        if speaks_of_the_task(text, source):
            return Fault(BAD_REPLY, "is not a translation but speaks of the task; translate the line itself")
        return self._length_fault(source, text) or self._language_fault(source, text)

    def fault_together(self, sources: Mapping[int, str], texts: Mapping[int, str]) -> Fault | None:
        """The fault of a reply as a whole: many short lines tell its language where one does not."""
        if self._same or self._target_label is None:
            return None
        evidence = " ".join(
            _without_names(sources[number], text)
            for number, text in texts.items()
            if not self._is_right_copy(sources[number], text)
        )
        if self._convicts(evidence, minimum=4):
            return Fault(WRONG_LANGUAGE, f"is not in {self._name}")
        return None

    def _length_fault(self, source: str, text: str) -> Fault | None:
        given, got = weight(source), weight(text)
        if got > 3 * given + 20:
            return Fault(BAD_REPLY, "is far longer than its source; something was added")
        if given >= 40 and got < 0.2 * given:
            return Fault(BAD_REPLY, "is far shorter than its source; something was left out")
        return None

    def _language_fault(self, source: str, text: str) -> Fault | None:
        if self._same:
            return None
        copied = _plain(source) == _plain(text)
        if self._copy_is_fault(source, whole=True) if copied else self._keeps_clause(source, text):
            return Fault(ECHO, f"was left in the source language; translate it into {self._name}")
        if copied:
            return None  # a name, a number, a foreign phrase: right as it is
        left = self._left_over(source, text)
        if left:
            return Fault(WRONG_LANGUAGE, f"leaves {left!r} in English")
        if self._foreign_script(source, text) or self._foreign_language(source, text):
            return Fault(WRONG_LANGUAGE, f"is not in {self._name}")
        return None

    # --- copies of the source -----------------------------------------------------------------

    def _is_right_copy(self, source: str, text: str) -> bool:
        return _plain(source) == _plain(text) and not self._copy_is_fault(source, whole=True)

    def _keeps_clause(self, source: str, text: str) -> bool:
        clauses = {_plain(clause) for clause in _CLAUSE.findall(source)} - {""}
        return any(
            _plain(clause) in clauses and self._copy_is_fault(clause, whole=False)
            for clause in _CLAUSE.findall(text)
        )

    def _copy_is_fault(self, sentence: str, *, whole: bool) -> bool:
        words = WORD.findall(KEPT.sub(" ", sentence))
        if not words or self._is_said_in_both(words):
            return False
        if len(words) < 2:
            one_word = words[0].casefold()
            return whole and self._source == "en" and one_word in _ENGLISHWORDS
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

    def _is_said_in_both(self, words: Sequence[str]) -> bool:
        """Whether the words of the source, apart from names, are words of the target as well."""
        plain = [
            w.casefold().replace("’", "'") for n, w in enumerate(words) if not n or w.islower() or w.isupper()
        ]
        return said_in_both(plain, self._source, self._target) is True

    def _left_over(self, source: str, text: str) -> str:
        """An everyday English word of the source that stands unchanged in the text, or nothing."""
        if self._source != "en":
            return ""
        given = set(WORD.findall(source))
        kept = (word for word in WORD.findall(text) if word.islower() and len(word) >= 5 and word in given)
        left = (word for word in kept if word in _ENGLISHWORDS and not self._is_said_in_both([word]))
        return next(left, "")

    # --- scripts ------------------------------------------------------------------------------

    def _foreign_script(self, source: str, text: str) -> bool:
        expected = LETTERS.get(self._script)
        if expected is None:
            return False
        letters = [character for character in text if character.isalpha()]
        own = [character for character in letters if in_script(character, expected)]
        if self._script != "Latn":
            return self._too_few_own(source, text, letters, own)
        foreign = [character for character in letters if character not in own]
        if len(foreign) >= max(2, _NEW_SHARE * len(letters)):
            return True
        return any(in_script(character, WIDE) and character not in source for character in foreign)

    def _too_few_own(self, source: str, text: str, letters: list[str], own: list[str]) -> bool:
        kana = any(in_script(character, ("HIRAGANA", "KATAKANA")) for character in text)
        if self._script == "Jpan" and len(own) >= 8 and not kana:
            return True
        if self._script in ("Hans", "Hant"):
            if kana and any(in_script(character, ("HIRAGANA",)) for character in text):
                return True
            if wrong_han(text, self._script):
                return True
        if not letters or len(own) >= 0.3 * len(letters):
            return False
        # Names, brands and abbreviations may stay as they are.
        copied = {word.casefold() for word in WORD.findall(source)}
        words = WORD.findall(text)
        return len(words) > 3 or any(word.casefold() not in copied or word.islower() for word in words)

    # --- languages ----------------------------------------------------------------------------

    def _foreign_language(self, source: str, text: str) -> bool:
        if self._target_label is None:
            return False
        evidence = _without_names(source, text)
        if self._convicts(evidence, minimum=2):
            return True
        # A clause left in the source language disappears in the average of a long line.
        clauses = _CLAUSE.findall(evidence)
        return len(clauses) > 1 and any(self._is_source(clause) for clause in clauses)

    def _convicts(self, text: str, *, minimum: int) -> bool:
        words = WORD.findall(text)
        letters = sum(map(len, words))
        if (len(words) < minimum or letters < 8) and not wide_letters(text) >= 4:
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

    def _is_source(self, clause: str) -> bool:
        words = WORD.findall(clause)
        if len(words) < 3 or self._source_label is None or self._target_label is None:
            return False
        if any({self._source_label, self._target_label} <= group for group in _RELATIVES):
            return False
        odds = self._probabilities(clause, {self._source_label, self._target_label})
        return odds[self._source_label] >= 0.97

    def _likeliest(self, text: str, candidates: set[str] | frozenset[str]) -> tuple[str, float]:
        odds = self._probabilities(text, candidates)
        best = max(odds, key=lambda language: odds[language])
        return best, odds[best]

    def _probabilities(self, text: str, candidates: set[str] | frozenset[str]) -> dict[str, float]:
        self._identifier.set_languages(sorted(candidates))
        return {language: float(odds) for language, odds in self._identifier.rank(text.lower())}


def _load_identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _label(language: str, known: set[str]) -> str | None:
    label = _LANGID_LABEL.get(language, language)
    return label if label in known else None


def _plain(text: str) -> str:
    return " ".join(word.casefold().replace("’", "'") for word in WORD.findall(text))


def _without_names(source: str, text: str) -> str:
    """The text without names, that is words which the source writes with a capital inside a sentence."""
    if text.isupper():
        return text
    inside = (word for sentence in _SENTENCE.findall(source) for word in WORD.findall(sentence)[1:])
    names = {word for word in inside if not word.islower()}
    return WORD.sub(lambda found: "" if found.group() in names else found.group(), text)
