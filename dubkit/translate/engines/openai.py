"""Translate through any OpenAI-compatible endpoint: OpenAI, Ollama, vLLM, llama.cpp server and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dubkit.errors import TranslationError
from dubkit.translate.adaptation.offers import OnOffers, TightLine
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.lines import OnDone, SourceLine

DEFAULT_BASE_URL = "https://api.openai.com/v1"


class OpenAITranslator:
    """A chat model behind an OpenAI-compatible endpoint. Local servers want no key."""

    def __init__(self, task: TranslationTask) -> None:
        self._task = task

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate in checked batches; see `Translator`."""
        from dubkit.translate.batches import BatchTranslator
        from dubkit.translate.service.endpoint import Endpoint

        with Endpoint(_address(self._task), self._task.settings) as endpoint:
            BatchTranslator(endpoint.ask, _identity(self._task), self._task).run(lines, on_done)

    def offer(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        """Offer other wordings in checked batches; see `Rewriter`."""
        from dubkit.translate.adaptation.asking import OfferBatches
        from dubkit.translate.service.endpoint import Endpoint

        with Endpoint(_address(self._task), self._task.settings) as endpoint:
            OfferBatches(endpoint.ask, self._task).run(lines, on_done)


def _configured(task: TranslationTask) -> bool:
    return bool(task.settings.base_url or task.settings.api_key)


def _address(task: TranslationTask) -> str:
    return task.settings.base_url.strip() or DEFAULT_BASE_URL


def _shown(task: TranslationTask) -> str:
    from dubkit.proxies import shown

    return shown(_address(task))


def _identity(task: TranslationTask) -> str:
    return f"openai:{task.settings.model}"


def _hindrance(task: TranslationTask) -> str:
    if not _configured(task):
        return (
            "no translation endpoint is configured. Set OPENAI_BASE_URL, OPENAI_API_KEY and translate.model."
        )
    if not task.settings.model:
        return (
            f"no model is set for the translation endpoint {_address(task)}.\n"
            "Set translate.model to one that this service lists."
        )
    return _unusable(task)


def _unusable(task: TranslationTask) -> str:
    """Return why the address or the key cannot be used, as a clause; empty when they can."""
    from dubkit.services.address import clean_address, clean_key
    from dubkit.translate.service.endpoint import NAMES

    try:
        clean_address(_address(task), NAMES)
        clean_key(task.settings.api_key, NAMES)
    except TranslationError as error:
        return str(error).replace("The key", "the key", 1)
    return ""


def _inputs(task: TranslationTask) -> Mapping[str, str]:
    from dubkit.translate.request import prompts_digest

    return {"prompts": prompts_digest()}


ENGINE = TranslationEngine(
    name="openai",
    title="an OpenAI-compatible service",
    hindrance=_hindrance,
    identity=_identity,
    open=OpenAITranslator,
    configured=_configured,
    reason=lambda task: f"a configured endpoint, {task.settings.model} at {_shown(task)}",
    inputs=_inputs,
    remote=True,
    sees_context=True,
    heeds_wording=True,
    counts_tokens=True,
    candidates=OpenAITranslator,
)
