"""Read what a chat service answers: a completion, a stream of pieces, or an error, in the forms in use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dubkit.services.words import is_page, service_words, shortened, text_of, value_of
from dubkit.translate.asking import Reply

_CUT = frozenset(("length", "max_tokens", "model_length", "max_output_tokens", "incomplete"))
_FILTERED = frozenset(
    (
        "content_filter",
        "safety",
        "refusal",
        "prohibited_content",
        "blocklist",
        "recitation",
        "spii",
        "blocked",
    )
)
_THOUGHTS = frozenset(("thinking", "reasoning", "thought", "redacted_thinking", "reasoning_content"))
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")
_TEXT_FIELDS = ("text", "content", "output_text", "value", "parts", "generated_text", "response")
_END = "[DONE]"
_LAST = ("message_stop", "response.completed")
# Where gateways wrap the answer of the service behind them.
_WRAPPERS = ("data", "result", "response", "body", "output")


@dataclass(frozen=True, slots=True)
class Trouble:
    """An answer with status 200 that is no completion."""

    words: str
    status: int = 0
    """The status that an error inside it states; 0 where the answer is no error but something else."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A completion, or a part of one in a stream."""

    said: str
    thought: str
    finish: str
    refused: bool
    tokens: tuple[int, int]
    error: Any = None


def read_answer(body: bytes) -> Reply | Trouble:
    """Return the reply in the body of an answer, or what is there instead."""
    try:
        return _read(text_of(body).strip())
    except RecursionError:
        return Trouble("lists within lists without end")


def _read(text: str) -> Reply | Trouble:
    if not text:
        return Trouble("an empty answer")
    events = _stream(text)
    if events is not None:
        return _joined(events)
    value = value_of(text)
    if value is None:
        return Trouble("a web page") if is_page(text) else Trouble(f"what is no JSON: {shortened(text)[:80]}")
    piece = _completion(value)
    if piece is None or (piece.error and not piece.said):
        return _error(value) or Trouble("no choices")
    return _reply([piece])


def _reply(pieces: Sequence[_Piece]) -> Reply:
    said = "".join(piece.said for piece in pieces)
    finish = next((piece.finish for piece in reversed(pieces) if piece.finish), "")
    if not said.strip() and finish not in _CUT:
        # Some servers take the whole answer of a model that does not think aloud for its thoughts.
        said = "".join(piece.thought for piece in pieces)
    refused = finish in _FILTERED or any(piece.refused for piece in pieces)
    return Reply(said, finish in _CUT, refused, *max((piece.tokens for piece in pieces), default=(0, 0)))


def _error(value: Any) -> Trouble | None:
    """Return the error that a body with status 200 holds, if it does."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    inner = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = value.get("error") or value.get("errors") or inner.get("error")
    failed = value.get("object") == "error" or value.get("type") == "error" or value.get("success") is False
    plain = any(
        isinstance(value.get(name), (str, list)) and value[name] for name in ("message", "msg", "detail")
    )
    if not error and not failed and not plain:
        return None
    parts = [error[0] if isinstance(error, list) and error else error, value]
    codes = [part.get(name) for part in parts if isinstance(part, dict) for name in ("code", "status")]
    words = service_words(json.dumps(error or value)) or "an error without words"
    return Trouble(words, next((status for code in codes if (status := _status(code))), 500))


def _status(code: Any) -> int:
    number = int(code) if isinstance(code, (int, str)) and str(code).isdecimal() else 0
    return number if 400 <= number < 600 else 0


# --- completions ------------------------------------------------------------------------------


def _completion(value: Any, depth: int = 0) -> _Piece | None:
    if isinstance(value, list):
        return _completion(value[0], depth) if value else None
    if not isinstance(value, dict) or depth > 3:
        return None
    choices = value.get("choices", value.get("candidates"))
    if isinstance(choices, dict):
        choices = list(choices.values())
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _piece(choices[0], value)
    if _speaks(value):
        return _piece(value, value)
    inner = (value[name] for name in _WRAPPERS if isinstance(value.get(name), (dict, list)))
    return next((piece for part in inner if (piece := _completion(part, depth + 1))), None)


def _speaks(value: dict[str, Any]) -> bool:
    """Say whether an object is itself a message, as in the own protocols of Ollama and Anthropic."""
    if value.get("error"):
        return False
    for message in (value.get("message"), value.get("delta")):
        if isinstance(message, dict) and any(name in message for name in ("content", "text")):
            return True
    return any(isinstance(value.get(name), (str, list)) for name in ("content", "generated_text", "response"))


def _piece(choice: dict[str, Any], whole: dict[str, Any]) -> _Piece:
    message = choice.get("message") or choice.get("delta") or choice
    if not isinstance(message, dict):
        message = {"content": message}
    finish = _finish(choice, whole)
    thoughts = (message[name] for name in _THOUGHT_FIELDS if isinstance(message.get(name), str))
    return _Piece(
        said=_said(message),
        thought=next(thoughts, ""),
        finish=finish,
        refused=bool(message.get("refusal")) or _refuses(message.get("content")),
        tokens=_tokens(whole),
        error=choice.get("error") or whole.get("error") or finish == "error",
    )


def _finish(choice: dict[str, Any], whole: dict[str, Any]) -> str:
    names = ("finish_reason", "stop_reason", "done_reason", "finishReason", "status")
    found = [part.get(name) for part in (choice, whole) for name in names]
    return next((value.casefold() for value in found if isinstance(value, str) and value), "")


def _said(message: dict[str, Any]) -> str:
    return next((said for name in _TEXT_FIELDS if (said := _text(message.get(name)))), "")


def _text(content: Any) -> str:
    """Return what a content says: a text, or parts of which thoughts are left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(map(_text, content))
    if isinstance(content, dict) and str(content.get("type")) not in _THOUGHTS and not content.get("thought"):
        return _said(content)
    return ""


def _refuses(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, dict) and (part.get("type") == "refusal" or part.get("refusal")) for part in content
    )


def _tokens(whole: dict[str, Any]) -> tuple[int, int]:
    usage = whole.get("usage") or whole.get("usageMetadata") or whole
    usage = usage if isinstance(usage, dict) else {}
    names = (
        ("prompt_tokens", "input_tokens", "prompt_eval_count", "promptTokenCount"),
        ("completion_tokens", "output_tokens", "eval_count", "candidatesTokenCount"),
    )
    counts = [next((usage[n] for n in group if _counts(usage.get(n))), 0) for group in names]
    return int(counts[0]), int(counts[1])


def _counts(number: Any) -> bool:
    return isinstance(number, (int, float)) and 0 <= number < 1e12


# --- streams ----------------------------------------------------------------------------------


def _stream(text: str) -> list[str] | None:
    """Return the pieces of an event stream or of a stream of JSON lines; None for what is no stream."""
    lines = text.splitlines()
    if lines[0].startswith(("data:", "event:", "id:", "retry:", ":")):
        return _events(lines)
    objects = [line for line in lines if line.strip()]
    if len(objects) > 1 and all(isinstance(value_of(line), dict) for line in objects[:2]):
        return objects
    return None


def _events(lines: Iterable[str]) -> list[str]:
    events: list[str] = []
    data: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("data:"):
            data.append(line[5:].strip())
        elif not line.strip() and data:
            # Some servers leave out the blank line between two events.
            whole = all(part == _END or value_of(part) is not None for part in data)
            events += data if whole else ["".join(data)]
            data = []
    return events


def _joined(events: Sequence[str]) -> Reply | Trouble:
    """Return the reply whose pieces a stream brought, or the error in it."""
    pieces: list[_Piece] = []
    for event in events:
        if event == _END:
            return _reply(pieces) if pieces else Trouble("a stream without an answer")
        value = value_of(event)
        piece = _completion(value)
        if piece is None or piece.error:
            error = _error(value)
            if error:
                return error
        if piece is not None:
            pieces.append(piece)
        if isinstance(value, dict) and (value.get("done") is True or value.get("type") in _LAST):
            return _reply(pieces)
    if any(piece.finish for piece in pieces):
        return _reply(pieces)
    return Trouble("a stream that broke off")
