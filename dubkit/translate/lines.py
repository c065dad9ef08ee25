"""What goes into a translator and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dubkit.translate.wording.terms import PLAIN, Wording

UNTRANSLATED = "untranslated"
REFUSED = "refused"
WRONG_LANGUAGE = "wrong-language"
ECHO = "echo"
BAD_REPLY = "bad-reply"
SERVICE_ERROR = "service-error"
TERM = "glossary"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line to translate, with the source text of its neighbours, nearest last and first."""

    id: str
    text: str
    speaker: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    wording: Wording = PLAIN
    """What of a series counts for the line: its terms, forms of address, style."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A checked translation, or an empty text with flags that say why there is none."""

    id: str
    text: str
    provider: str
    flags: tuple[str, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    problem: str = ""
    """Why there is no text, in the words of the service where it said any."""
    may_pass: bool = False
    """Whether that may be over when the line is translated again later."""


OnDone = Callable[[Sequence[Translated]], None]
"""Takes each batch of lines once it is finished and checked."""


def failed(
    line: SourceLine, provider: str, reason: str, problem: str = "", may_pass: bool = False
) -> Translated:
    """The line without a translation: an unchecked text is never handed over."""
    return Translated(line.id, "", provider, (UNTRANSLATED, reason), problem=problem, may_pass=may_pass)


def one_line(text: str) -> str:
    """Text with every run of white space as one blank."""
    return " ".join(text.split())
