"""Translate through any OpenAI-compatible endpoint: OpenAI, Ollama, vLLM, llama.cpp server and others."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dubkit.translate.asking import (
    SEED,
    TEMPERATURE,
    Messages,
    Reply,
    ServiceDown,
    ServiceRefused,
    TooLong,
)
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.lines import OnDone, SourceLine

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://api.openai.com/v1"

# Newer models refuse parameters that older ones need for a repeatable answer.
_OPTIONAL = ("seed", "temperature", "max_tokens")

# Room for a long chain of thought, but an end for a model that falls into a loop: some servers set none.
_MAX_TOKENS = 8192


class OpenAITranslator:
    """A chat model behind an OpenAI-compatible endpoint. Local servers want no key."""

    def __init__(self, task: TranslationTask) -> None:
        self._task = task

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate in checked batches; see `Translator`."""
        import openai

        from dubkit.translate.batches import BatchTranslator

        settings = self._task.settings
        # The key must not be empty, and both must be given, or the package would read the environment.
        client = openai.OpenAI(
            base_url=_address(self._task),
            api_key=settings.api_key or "none",
            max_retries=settings.retries,
            timeout=settings.timeout,
        )
        with client:
            endpoint = _Endpoint(client, settings.model, _address(self._task), settings.retries)
            BatchTranslator(endpoint.ask, _identity(self._task), self._task).run(lines, on_done)


class _Endpoint:
    """Sends requests and turns what comes back, or does not, into a reply or a nameable failure."""

    def __init__(self, client: openai.OpenAI, model: str, base_url: str, retries: int) -> None:
        self._client = client
        self._model = model
        self._base_url = base_url
        self._options: dict[str, Any] = {
            "temperature": TEMPERATURE,
            "seed": SEED,
            "max_tokens": _MAX_TOKENS,
        }
        self._retries = retries

    def ask(self, messages: Messages) -> Reply:
        """One request. Time-outs, 429 and 5xx are sent again by the client, with growing pauses."""
        broken = ""
        for _ in range(self._retries + 1):
            try:
                return self._reply(self._send(messages))
            except _NotAnAnswer as problem:
                broken = str(problem)
                log.debug("%s: %s", self._base_url, problem)
        raise ServiceDown(
            f"The service at {self._base_url} did not answer as an OpenAI-compatible endpoint: {broken}.\n"
            "Check OPENAI_BASE_URL; for most servers it ends in /v1."
        )

    def _send(self, messages: Messages) -> object:
        import openai

        try:
            return self._client.chat.completions.create(
                model=self._model,
                messages=messages,  # type: ignore[arg-type]  # the package wants its own TypedDicts
                **self._options,
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as problem:
            raise ServiceRefused(
                f"{self._base_url} refused the key ({problem.status_code}: {_short(problem)}).\n"
                "Set OPENAI_API_KEY to a key that may use this model."
            ) from problem
        except openai.NotFoundError as problem:
            raise ServiceRefused(
                f"{self._base_url} has no model {self._model!r} (404: {_short(problem)}).\n"
                "Set translate.model to one that this service lists, and check OPENAI_BASE_URL."
            ) from problem
        except (openai.BadRequestError, openai.UnprocessableEntityError) as problem:
            return self._bad_request(messages, problem)
        except openai.APIStatusError as problem:
            raise self._status_error(problem) from problem
        except openai.APIConnectionError as problem:
            raise ServiceDown(
                f"{self._base_url} was not reached in {self._retries + 1} attempts ({_short(problem)}).\n"
                "Check that the service runs and OPENAI_BASE_URL is right, then run the same command again."
            ) from problem
        except (ValueError, openai.APIError) as problem:
            raise _NotAnAnswer(f"its reply cannot be read ({_short(problem)})") from problem

    def _status_error(self, problem: openai.APIStatusError) -> ServiceDown:
        text = _short(problem)
        if problem.status_code == 402 or problem.code == "insufficient_quota":
            return ServiceRefused(
                f"{self._base_url} has no credit left for this key ({problem.status_code}: {text}).\n"
                "Top up the account or use another provider; finished lines are kept."
            )
        return ServiceDown(
            f"{self._base_url} failed {self._retries + 1} times ({problem.status_code}: {text}).\n"
            "Run the same command again later: finished lines are kept."
        )

    def _bad_request(self, messages: Messages, problem: openai.APIStatusError) -> object:
        text = str(problem).casefold()
        refused = [name for name in _OPTIONAL if name in text and name in self._options]
        if not refused and "context" in text and "max_tokens" in self._options:
            # Some servers count the room for the answer against their context.
            refused = ["max_tokens"]
        if refused:
            for name in refused:
                del self._options[name]
            log.debug("%s: %s does not take %s", self._base_url, self._model, refused)
            return self._send(messages)
        if "content_filter" in text or "content management" in text or "content_policy" in text:
            return _FILTERED
        if "context" in text or "too long" in text or "maximum" in text:
            raise TooLong(_short(problem)) from problem
        if "model" in text and ("not found" in text or "not exist" in text):
            raise ServiceRefused(
                f"{self._base_url} has no model {self._model!r} ({_short(problem)}).\n"
                "Set translate.model to one that this service lists."
            ) from problem
        raise ServiceRefused(
            f"{self._base_url} does not accept the request ({problem.status_code}: {_short(problem)}).\n"
            "Check the model and whether OPENAI_BASE_URL is a chat-completions service."
        ) from problem

    def _reply(self, completion: object) -> Reply:
        if completion is _FILTERED:
            return Reply("", refused=True)
        choices = getattr(completion, "choices", None)
        if not choices:
            # The package hands over a web page as a plain string.
            kind = "a web page" if isinstance(completion, str) and "<" in completion[:200] else "no choices"
            raise _NotAnAnswer(f"it answered with {kind}")
        choice = choices[0]
        message = choice.message
        usage = getattr(completion, "usage", None)
        return Reply(
            text=getattr(message, "content", None) or "",
            cut=choice.finish_reason == "length",
            refused=choice.finish_reason == "content_filter" or bool(getattr(message, "refusal", None)),
            tokens_in=getattr(usage, "prompt_tokens", None) or 0,
            tokens_out=getattr(usage, "completion_tokens", None) or 0,
        )


class _NotAnAnswer(Exception):
    """A reply with status 200 that is no chat completion."""


_FILTERED = object()


def _short(problem: Exception) -> str:
    """First line of what went wrong, short enough for a message; HTML bodies run over pages."""
    cause = problem.__cause__
    text = " ".join((str(problem) or type(problem).__name__).split())
    text = re.sub(r"^Error code: \d+( - )?", "", text) or "no details"
    if cause is not None and str(cause) and str(cause) not in text:
        text = f"{text} {' '.join(str(cause).split())}"
    return text if len(text) <= 200 else text[:200] + "…"


def _configured(task: TranslationTask) -> bool:
    return bool(task.settings.base_url or task.settings.api_key)


def _address(task: TranslationTask) -> str:
    return task.settings.base_url or DEFAULT_BASE_URL


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
    reason=lambda task: f"a configured endpoint, {task.settings.model} at {_address(task)}",
    inputs=_inputs,
    sees_context=True,
    counts_tokens=True,
)
