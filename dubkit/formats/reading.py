"""Read the files that people hand in; the suffix says the format.

Whatever a reader answers passes through here and is checked: readers come from other packages too.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.errors import MediaError
from dubkit.formats.content import Cue, TableRow
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, Format, format_of, readable
from dubkit.formats.script import Script
from dubkit.types import Turn
from dubkit.types.remarks import Tell

if TYPE_CHECKING:
    from pathlib import Path

    from dubkit.formats.content import Content

Timed = TypeVar("Timed", Cue, Turn)


def read_cues(
    path: Path,
    *,
    encoding: str = "",
    language: str = "",
    tell: Tell | None = None,
    name: str = "",
) -> list[Cue]:
    """Read cues in order of time.

    Args:
        path: the file; its suffix says the format.
        encoding: its encoding; empty finds it out.
        language: tag of its language, which helps to recognise the encoding.
        tell: takes remarks: the encoding, cues that were left out.
        name: what remarks call the file; empty is its name.

    Speakers come from fields that name them, such as WebVTT voice tags; a `Name:` in a text stays text.
    Raises MediaError naming file, line and cure.
    """
    document = Document.open(path, encoding=encoding, language=language, tell=tell, name=name)
    cues = cues_of(document, _format(document, "cues"))
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def read_turns(path: Path, *, tell: Tell | None = None) -> tuple[Turn, ...]:
    """Read who speaks when, in order of time; `tell` takes remarks.

    Raises MediaError naming file, line and cure.
    """
    document = Document.open(path, tell=tell)
    format = _format(document, "turns")
    assert format.read_turns is not None
    answer = _listed(document, format, "turn", format.read_turns(document))
    turns = [_checked(document, format, f"turn {n}", item, Turn) for n, item in enumerate(answer, start=1)]
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end)))


def cues_of(document: Document, format: Format) -> list[Cue]:
    """Return the cues of a file in the order of its reader. Raises MediaError for impossible ones."""
    assert format.read_cues is not None
    answer = _listed(document, format, "cue", format.read_cues(document))
    return [_checked(document, format, f"cue {n}", item, Cue) for n, item in enumerate(answer, start=1)]


def rows_of(document: Document, format: Format) -> list[TableRow]:
    """Return the rows of a table. Raises MediaError for what is no TableRow."""
    assert format.read_rows is not None
    answer = _listed(document, format, "row", format.read_rows(document))
    for number, row in enumerate(answer, start=1):
        if not _is_row(row):
            problem = f"{reprlib.repr(row)} is not a TableRow whose cells are texts"
            raise _error(document, format, f"row {number}", problem)
    return answer


def _is_row(row: object) -> bool:
    if not isinstance(row, TableRow) or not isinstance(row.cells, Mapping):
        return False
    return all(isinstance(text, str) for cell in row.cells.items() for text in cell)


def read_script(path: Path, *, tell: Tell | None = None) -> Script:
    """Read the script of a dub; `tell` takes remarks. Raises MediaError naming file, line and cure."""
    document = Document.open(path, tell=tell)
    format = _format(document, "script")
    assert format.read_script is not None
    answer: object = format.read_script(document)
    if not isinstance(answer, Script):
        raise _error(document, format, "", f"its reader returned {reprlib.repr(answer)}, not a Script")
    return answer


def _format(document: Document, content: Content) -> Format:
    path = document.path
    format = format_of(path, lambda format: format.reads(content), document.content)
    if format is None:
        problem = f"files of type {path.suffix or '(no suffix)'!r} cannot be read for {content}"
        raise MediaError(path, problem, f"Use a file that ends in {', '.join(readable(content))}.")
    return format


def _listed(document: Document, format: Format, item: str, answer: Any) -> list[Any]:
    if not isinstance(answer, Sequence) or isinstance(answer, str | bytes):
        problem = f"its reader returned {reprlib.repr(answer)}, not a list of {item}s"
        raise _error(document, format, "", problem)
    return list(answer)


def _checked(document: Document, format: Format, place: str, item: object, kind: type[Timed]) -> Timed:
    """Return a cue or turn with plain numbers and texts."""
    if not isinstance(item, kind):
        raise _error(document, format, place, f"{reprlib.repr(item)} is not a {kind.__name__}")
    texts = {name: getattr(item, name) for name in ("text", "speaker") if hasattr(item, name)}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise _error(document, format, place, f"its {name} is {reprlib.repr(text)}, not a text")
    start, end = _seconds(item.start), _seconds(item.end)
    if not 0 <= start <= end < math.inf:
        problem = f"it runs from {reprlib.repr(item.start)} to {reprlib.repr(item.end)} (seconds)"
        raise _error(document, format, place, problem)
    # Numbers and texts of numpy have no JSON form.
    plain: dict[str, Any] = {name: str(text) for name, text in texts.items()}
    return replace(item, start=start, end=end, **plain)


def _seconds(time: object) -> float:
    """Return a time as a plain number; NaN for what is no number."""
    is_number = isinstance(time, Real) and not isinstance(time, bool)
    try:
        return float(time) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:
        return math.nan


def _error(document: Document, format: Format, place: str, problem: str) -> MediaError:
    package = FORMATS.package(format.name)
    cure = "Correct the file there: times are seconds from 0, and the end is not before the start."
    if package:
        cure += f"\nIf the file is right, {package} reads it wrongly: update or uninstall that package."
    return document.error(
        f"read as {format.name}, {place}" if place else f"read as {format.name}", problem, cure
    )
