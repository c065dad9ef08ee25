"""Which form of address a text has, as far as its pronouns tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dubkit.translate.language import base

_DE_POLITE = r"(?<![.!?…:„“\"] )(?<!^)\b(?:Sie|Ihnen|Ihr(?:e[mnrs]?)?)\b"
"""A capital inside a sentence: at its start, `Sie` may be `they` and `she`."""

MARKERS: Mapping[str, Mapping[str, str]] = {
    "de": {"du": r"(?i:\b(?:du|dich|dir|dein(?:e[mnrs]?)?)\b)", "Sie": _DE_POLITE},
    "es": {"tú": r"(?i:\b(?:tú|ti|tus?|contigo)\b)", "usted": r"(?i:\busted\b)", "vos": r"(?i:\bvos\b)"},
    "fr": {"tu": r"(?i:\b(?:tu|toi|ton|tes)\b|\bt['\u2019])", "vous": r"(?i:\b(?:vous|votre|vos)\b)"},
    "it": {
        "tu": r"(?i:\b(?:tu|ti|tuo|tua|tuoi|tue)\b)",
        "Lei": r"(?<![.!?…] )(?<!^)\b(?:Lei|Suo|Sua|Suoi|Sue)\b",
    },
    "nl": {"je": r"(?i:\b(?:je|jij|jou|jouw)\b)", "u": r"(?i:\b(?:u|uw)\b)"},
    "pt": {
        "tu": r"(?i:\b(?:tu|ti|teus?|tuas?|contigo)\b)",
        "você": r"(?i:\bvocê\b)",
        "o senhor": r"(?i:\bo senhor\b)",
        "a senhora": r"(?i:\ba senhora\b)",
    },
    "ru": {
        "ты": r"(?i:\b(?:ты|теб[яе]|тобой|тво\w{1,3})\b)",
        "вы": r"(?i:\b(?:вы|вас|вам|вами|ваш\w{0,3})\b)",
    },
}
"""Language -> form of address -> pattern of the words that only this form has."""

SAME = {"jij": "je"}
"""Forms of address that have one set of words."""


def addressed(text: str, language: str) -> frozenset[str]:
    """Return the forms of address whose words a text has; empty where none can be told.

    >>> sorted(addressed("Vous avez ton livre.", "fr"))
    ['tu', 'vous']
    """
    return frozenset(
        form for form, words in MARKERS.get(base(language), {}).items() if re.search(words, text)
    )


def address_fault(text: str, form: str, language: str) -> str:
    """Return how a text addresses somebody otherwise than with a form, as a clause; else nothing."""
    form = SAME.get(form, form)
    forms = MARKERS.get(base(language), {})
    found = addressed(text, language)
    if form not in forms or not found or form in found:
        return ""
    return f"addresses with “{sorted(found)[0]}” where the series has “{form}”"
