"""What each language says for digits, signs and short forms; one file for each language."""

from __future__ import annotations

from collections.abc import Mapping

from dubkit.voice.text.forms.de import GERMAN
from dubkit.voice.text.forms.en import ENGLISH
from dubkit.voice.text.forms.es import SPANISH
from dubkit.voice.text.forms.fr import FRENCH
from dubkit.voice.text.forms.it import ITALIAN
from dubkit.voice.text.forms.pt import BRAZILIAN, EUROPEAN
from dubkit.voice.text.lexicon import Lexicon

LEXICONS: Mapping[str, Lexicon] = {
    "pt": BRAZILIAN,
    "pt-pt": EUROPEAN,
    "es": SPANISH,
    "it": ITALIAN,
    "fr": FRENCH,
    "de": GERMAN,
    "en": ENGLISH,
}
"""Language tag in lower case -> its lexicon; a region without one of its own takes that of its language."""
