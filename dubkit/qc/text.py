"""Compare what was heard with what should have been said, in any language.

Case, punctuation and the spelling of numbers do not count. Languages written without spaces are
compared character by character, all others word by word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

_UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "km", "my", "bo"})
_OPTIONAL_MARKS = frozenset({"ar", "fa", "ur", "he", "yi"})  # vowel signs that most texts leave out
_APOSTROPHES = re.compile(r"['\u2019\u02bc`]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LONGEST_NUMBER = 15
_WORDS_OF_A_LANGUAGE = 4


def base_language(language: str) -> str:
    """The language of a tag, lower case: `pt` for `pt-BR`."""
    return re.split(r"[-_]", language)[0].lower()


def is_unspaced(language: str) -> bool:
    """Tell whether a language is written without spaces between words."""
    return base_language(language) in _UNSPACED


def units(text: str, language: str) -> list[str]:
    """Split text into what is compared: normalised words, or characters where no spaces are written."""
    base = base_language(language)
    text = unicodedata.normalize("NFKC", text)
    if base not in _UNSPACED:
        text = _NUMBER.sub(lambda number: f" {_spelled(number[0], language)} ", text)
    text = _APOSTROPHES.sub("", text.casefold())
    if base in _OPTIONAL_MARKS:
        text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    # Marks (category M) stay: in the scripts of India they are vowels.
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text)
    return list("".join(kept.split())) if base in _UNSPACED else kept.split()


def _spelled(number: str, language: str) -> str:
    """A whole number in words where num2words knows the language, else its digits."""
    try:
        from num2words import num2words  # type: ignore[import-untyped]
    except ImportError:
        # It comes with the packaged voices; without it a number counts as the word that its digits are.
        return number
    plain = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", number)
    if not plain.isdigit() or len(plain) > _LONGEST_NUMBER:
        return number
    for tag in (language.replace("-", "_"), base_language(language)):
        try:
            return str(num2words(int(plain), lang=tag))
        except NotImplementedError:
            continue
    return plain


def word_error(reference: str, heard: str, language: str) -> float:
    """Word error rate of `heard` (character error rate for unspaced scripts); may exceed 1.

    An empty reference gives 0 when nothing was heard either, else 1.
    """
    return pooled_word_error([(reference, heard)], language) or 0.0


def pooled_word_error(pairs: Sequence[tuple[str, str]], language: str) -> float | None:
    """Errors over words of many `(reference, heard)` pairs together; None without any pair."""
    if not pairs:
        return None
    errors = words = 0
    for reference, heard in pairs:
        said = units(reference, language)
        words += len(said)
        errors += word_errors(said, units(heard, language))
    return errors / words if words else float(errors > 0)


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words were heard wrong, not heard, or heard though nobody said them."""
    import jiwer

    if not said:
        return len(heard)
    counts = jiwer.process_words(" ".join(said), " ".join(heard))
    return int(counts.substitutions + counts.deletions + counts.insertions)


def join_words(words: Sequence[str]) -> str:
    """Put recognised words together, without spaces between characters of unspaced scripts."""
    text = ""
    for word in (word.strip() for word in words):
        if text and word and not (_is_unspaced(text[-1]) and _is_unspaced(word[0])):
            text += " "
        text += word
    return text


def _is_unspaced(character: str) -> bool:
    name = unicodedata.name(character, "")
    scripts = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH", "THAI", "LAO", "KHMER", "MYANMAR")
    return name.startswith(scripts)


def likelier_language(text: str, one: str, other: str) -> float | None:
    """Return how sure a text is in `one` language and not in the `other`, from 0 to 1.

    None where both are the same, either is not known, or the text is too short to tell.
    """
    pair = (base_language(one), base_language(other))
    if pair[0] == pair[1] or (len(text.split()) < _WORDS_OF_A_LANGUAGE and not is_unspaced(other)):
        return None
    identifier = _identifier(pair)
    if identifier is None:
        return None
    found, sure = identifier.classify(text)
    return float(sure) if found == pair[0] else 1.0 - float(sure)


@cache
def _identifier(pair: tuple[str, str]) -> Any:
    """Return what tells two languages apart; None where one is not known or nothing here can."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]
    except ImportError:
        return None
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if not set(pair) <= set(identifier.labels):
        return None
    identifier.set_languages(list(pair))
    return identifier
