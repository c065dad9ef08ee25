"""Full stops that end no sentence, beyond those of `ends_sentence`: titles and streets of one language.

They are kept apart because segments that are cut at the recogniser's own times stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.speech.phrases import BEFORE_NAMES, CLOSERS, OPENERS, STREETS
from dubkit.speech.segments import begins_sentence, ends_sentence
from dubkit.types import Word


def ends_breath(words: Sequence[Word], index: int, language: str = "") -> bool:
    """Whether a sentence ends with word `index`, so that the speaker may breathe."""
    if not ends_sentence(words, index, language):
        return False
    text = words[index].text.strip().rstrip(CLOSERS)
    following = words[index + 1].text.strip().lstrip(OPENERS) if index + 1 < len(words) else ""
    if not following or not text.endswith(".") or text.endswith(".."):
        return True
    stem, tongue = text.rstrip(".").lstrip(OPENERS), language.partition("-")[0].casefold()
    name = stem.replace("\u2019", "'").rpartition("'")[2]
    goes_on = following[0].isdigit() or (following[0].isupper() and not begins_sentence(following))
    if not name or not goes_on:
        return True
    titled = name[0].isupper() and name.casefold() in BEFORE_NAMES.get(tongue, ())
    # `I.` is a word in English, and the first of a name everywhere else; `P.` and `S.` are also pages.
    initial = len(name) == 1 and name.isupper() and (name != "I" or tongue in BEFORE_NAMES.keys() - {"en"})
    street = len(name) > 4 and name.casefold().endswith(STREETS.get(tongue, ("\0",)))
    return not (titled or initial or street)
