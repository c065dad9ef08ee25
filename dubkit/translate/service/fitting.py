"""The form of a request, and what a service makes dubkit change in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from dubkit.translate.asking import SEED, TEMPERATURE, Messages

ROOM = 8192
"""Tokens for an answer: room for a long chain of thought, but an end for a model that falls into a loop."""
LEAST_ROOM = 256
"""Below this not even a few lines fit into an answer."""
_SPARE = 16
"""Tokens that are left over where a service counts closely."""

_LIMITS = ("max_tokens", "max_completion_tokens")
_NUMBER = r"[`'\"(\[]{0,2}(\d[\d,]*)"
# What an error allows for the answer alone ...
_ALLOWED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:afford|at most|less than or equal to|no more than|up to a maximum of|<=) ?{_NUMBER}",
        rf"range\D{{0,30}}\d+, ?{_NUMBER}",
        rf"\d+ > {_NUMBER}",
        rf"(?:max_(?:completion_)?tokens|output tokens)\D{{0,40}}(?:limit|maximum)\D{{0,15}}{_NUMBER}",
    )
)
# ... and what it counts question and answer together against.
_TOGETHER = (
    re.compile(rf"context\D{{0,40}}{_NUMBER}"),
    re.compile(rf"(?:tokens per minute|tpm)\D{{0,12}}limit:? ?{_NUMBER}"),
    re.compile(rf"maximum\D{{0,12}}{_NUMBER} tokens"),
)
_ASKED = re.compile(
    rf"{_NUMBER} (?:tokens )?(?:in|of|from) (?:the |your )?(?:messages|text input|input|prompt)"
)
_INPUT = re.compile(rf"{_NUMBER} input tokens")
_REQUESTED = re.compile(rf"requested:?(?: about)? ?{_NUMBER}")

_NO_SYSTEM = re.compile(
    r"\bsystem\b.{0,40}\b(?:not|un)[ -]?(?:support|allow|permit|enabl|accept|available)"
    r"|(?:not|un) ?support\w*.{0,40}\bsystem\b|\bno system\b|developer instruction is not enabled"
    r"|(?:unexpected|invalid|unknown|unsupported|illegal).{0,40}\bsystem\b"
    r"|\bsystem\b.{0,20}(?:unexpected|invalid|unknown|unsupported) role"
    r"|\bsystem\b.{0,30}\bis not (?:one of|a valid)|does(?:n't| not) (?:take|have).{0,20}\bsystem\b"
    r"|only (?:the )?(?:user|assistant)\b.{0,20}\b(?:user|assistant)\b.{0,20}roles? (?:are|is)"
)
_TURNS = re.compile(r"alternat|consecutive|same role|after the optional system|first message .{0,30}\buser\b")
_STREAM_ONLY = re.compile(
    r"(?:only|must|require[sd]?|need).{0,40}\bstream|\bstream(?:ing)?\b.{0,30}(?:required|only|must|to true)"
)
_RENAMED = re.compile(
    r"(?:use|try|mean|support|pass|set)\W{0,15}max_completion_tokens|max_completion_tokens\W{0,3} instead"
)
_LACKING = re.compile(r"\bmax_tokens\b.{0,30}(?:required|missing)|(?:required|missing).{0,30}\bmax_tokens\b")
_PARAMETER = re.compile(
    r"(?:unsupported|unknown|unrecogni[sz]ed|unexpected|invalid|extra|additional)\W+(?:\w+\W+){0,2}"
    r"(?:param|argument|field|input|propert|key)"
    r"|(?:inputs?|param\w*|fields?|arguments?|propert\w+) (?:are|is) not (?:permitted|allowed|supported)"
)
_SIZE = re.compile(
    r"context|too (?:long|large|big|many)|max(?:imum)?\b.{0,30}tokens|max_(?:completion_)?tokens|fewer|afford"
    r"|reduce (?:the|your)|tokens per (?:minute|day)|\btpm\b|exceed"
)
_TOO_LONG = re.compile(
    r"context|too (?:long|large|big|many)|reduce (?:the|your)|tokens per minute|\btpm\b"
    r"|exceed.{0,40}(?:tokens|length|limit|size)|maximum.{0,30}(?:tokens|length|size)"
)


@dataclass(slots=True)
class Manner:
    """How one service wants to be asked. Begins with what most take, and learns from what is turned down."""

    options: dict[str, Any] = field(
        default_factory=lambda: {"temperature": TEMPERATURE, "seed": SEED, "max_tokens": ROOM}
    )
    """Optional parameters. Newer models turn down some that older ones need for a repeatable answer."""
    stream: bool = False
    system: bool = True
    """Whether it takes a system message; else its text begins the user's first message."""
    _together: int = 0
    """Tokens of question and answer together; 0 while no error named a limit."""
    _per_character: float = 0.0
    """Tokens of a question for each of its characters, as the service counts them."""

    def body(self, model: str, messages: Messages) -> dict[str, Any]:
        """Return a request as this service takes it."""
        options = dict(self.options)
        name = self._limit_name
        if name and self._together:
            left = self._together - round(self._per_character * _length(messages)) - _SPARE
            options[name] = max(LEAST_ROOM, min(options[name], left))
        streamed = {"stream": True} if self.stream else {}
        return {"model": model, "messages": _turns(messages, self.system), **options, **streamed}

    def learn(self, words: str, messages: Messages) -> bool:
        """Change what an error's words say is not taken in a request; return whether anything changed."""
        said = words.casefold()
        return (
            self._take_stream(said)
            or self._take_roles(said)
            or self._rename_limit(said)
            or self._leave_out(said)
            or self._shrink(said, messages)
        )

    @property
    def _limit_name(self) -> str:
        return next((name for name in _LIMITS if name in self.options), "")

    def _take_stream(self, said: str) -> bool:
        if self.stream or "false" in said or not _STREAM_ONLY.search(said):
            return False
        self.stream = True
        return True

    def _take_roles(self, said: str) -> bool:
        # Servers whose template has no place for a system message also say that turns do not alternate.
        if not self.system or not (_NO_SYSTEM.search(said) or _TURNS.search(said)):
            return False
        self.system = False
        return True

    def _rename_limit(self, said: str) -> bool:
        """Name the limit of an answer as the service does, or give one to a service that demands it."""
        if "max_tokens" in self.options and _RENAMED.search(said) and "too large" not in said:
            self.options["max_completion_tokens"] = self.options.pop("max_tokens")
            return True
        if not self._limit_name and _LACKING.search(said):
            self.options["max_tokens"] = ROOM // 2
            return True
        return False

    def _leave_out(self, said: str) -> bool:
        named = [name for name in self.options if re.search(rf"(?<!\w){name}(?!\w)", said)]
        refused = [name for name in named if name not in _LIMITS or not self._about_size(said)]
        if not named and _PARAMETER.search(said) and not _SIZE.search(said):
            # Something optional is not taken, and the error does not say what.
            refused = [name for name in self.options if name not in _LIMITS]
        for name in refused:
            del self.options[name]
        return bool(refused)

    def _about_size(self, said: str) -> bool:
        """Say whether an error that names the limit of an answer is about its size, not about its name."""
        return bool(_allowed(said) or _TOO_LONG.search(said) or "fewer" in said)

    def _shrink(self, said: str, messages: Messages) -> bool:
        """Leave less room for the answer, which services count against a context, a minute or a credit."""
        name = self._limit_name
        if not name or not _SIZE.search(said):
            return False
        sent = int(self.body("", messages)[name])
        if sent <= LEAST_ROOM:
            return False
        asked, together = _asked(said, sent), _first(_TOGETHER, said)
        if asked and together and asked + sent > together:
            self._together, self._per_character = together, asked / max(1, _length(messages))
        elif _allowed(said) and _allowed(said) < sent:
            self.options[name] = max(LEAST_ROOM, _allowed(said))
        elif "context" in said:
            del self.options[name]  # the server then takes what its context leaves
        else:
            self.options[name] = max(LEAST_ROOM, sent // 4)
        return True


def too_long(words: str) -> bool:
    """Say whether an error is about a request that is too long."""
    return bool(_TOO_LONG.search(words.casefold()))


def _allowed(said: str) -> int:
    """Return the tokens that an error allows for the answer; 0 where it does not say."""
    return _first(_ALLOWED, said)


def _asked(said: str, room: int) -> int:
    """Return the tokens of the question as an error counts them; 0 where it does not say."""
    found = _first((_ASKED, _INPUT), said)
    return found or max(0, _first((_REQUESTED,), said) - room)


def _first(patterns: tuple[re.Pattern[str], ...], said: str) -> int:
    found = next((match for pattern in patterns if (match := pattern.search(said))), None)
    return int(found[1].replace(",", "")) if found else 0


def _length(messages: Messages) -> int:
    return sum(len(message["content"]) for message in messages)


def _turns(messages: Messages, system: bool) -> Messages:
    """Return messages of roles that alternate: neighbours of one role become one message."""
    joined: Messages = []
    for message in messages:
        role = message["role"] if system or message["role"] != "system" else "user"
        if joined and joined[-1]["role"] == role:
            joined[-1] = {"role": role, "content": f"{joined[-1]['content']}\n\n{message['content']}"}
        else:
            joined.append({"role": role, "content": message["content"]})
    return joined
