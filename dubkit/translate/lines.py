"""What goes into a translator and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

UNTRANSLATED = "untranslated"
REFUSED = "refused"
WRONG_LANGUAGE = "wrong-language"
ECHO = "echo"
BAD_REPLY = "bad-reply"
SERVICE_ERROR = "service-error"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line to translate, with the source text of its neighbours, nearest last and first."""

    id: str
    text: str
    speaker: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TranslateSettings:
    """How to translate. `source` and `target` are language tags, `timeout` is in seconds."""

    source: str
    target: str
    batch_size: int = 20
    context: int = 3
    """Neighbouring lines shown on each side of a batch."""
    retries: int = 3
    """How often a request that failed on its way (429, 5xx, time-out, no connection) is sent again."""
    temperature: float = 0.0
    timeout: float = 120.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size = {self.batch_size}: at least one line goes into a request")
        if self.context < 0 or self.retries < 0:
            raise ValueError(f"context = {self.context}, retries = {self.retries}: neither may be negative")
        if self.timeout <= 0:
            raise ValueError(f"timeout = {self.timeout}: must be more than 0 seconds")


@dataclass(frozen=True, slots=True)
class Translated:
    """A checked translation, or an empty text with flags that say why there is none."""

    id: str
    text: str
    provider: str
    flags: tuple[str, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0


OnDone = Callable[[Sequence[Translated]], None]


class Translator(Protocol):
    """Something that translates lines and hands over each batch once it is finished and checked."""

    @property
    def identity(self) -> str:
        """Provider and model, such as `openai:gpt-4o-mini`; part of every cache key."""

    @property
    def uses_context(self) -> bool:
        """Whether neighbouring lines change the result, and so belong into the cache key."""

    def translate(self, lines: Sequence[SourceLine], settings: TranslateSettings, on_done: OnDone) -> None:
        """Translate `lines`; every line reaches `on_done` once.

        Raises TranslationError when nothing at all could be translated for a reason outside the
        lines, such as a service that cannot be reached.
        """


def failed(line: SourceLine, provider: str, reason: str) -> Translated:
    """The line without a translation: an unchecked text is never handed over."""
    return Translated(line.id, "", provider, (UNTRANSLATED, reason))


def one_line(text: str) -> str:
    """Text with every run of white space as one blank."""
    return " ".join(text.split())
