"""Translate dialogue line by line; no text is handed over before it was checked."""

from __future__ import annotations

from dubkit.translate.client import OpenAIEndpoint, OpenAITranslator
from dubkit.translate.language import base, language_name, needs_no_translation, normalise, same_language
from dubkit.translate.lines import SourceLine, Translated, TranslateSettings, Translator
from dubkit.translate.local import LocalTranslator
from dubkit.translate.nmt import NmtTranslator
from dubkit.translate.provider import PROVIDERS, Choice, NoTranslator, choose, open_translator
from dubkit.translate.request import prompts_digest

__all__ = [
    "PROVIDERS",
    "Choice",
    "LocalTranslator",
    "NmtTranslator",
    "NoTranslator",
    "OpenAIEndpoint",
    "OpenAITranslator",
    "SourceLine",
    "TranslateSettings",
    "Translated",
    "Translator",
    "base",
    "choose",
    "language_name",
    "needs_no_translation",
    "normalise",
    "open_translator",
    "prompts_digest",
    "same_language",
]
