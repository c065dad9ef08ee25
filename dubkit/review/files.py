"""All lines in one file: out to a spreadsheet or a subtitle editor, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubkit.episode.context import Context
from dubkit.errors import EditRefused, MediaError
from dubkit.formats.content import Cue
from dubkit.formats.document import Document
from dubkit.formats.format import editable, format_of
from dubkit.formats.reading import cues_of, rows_of
from dubkit.review.changes import LineChange
from dubkit.review.cues import changes_of_cues
from dubkit.review.table import changes_of_rows
from dubkit.types import Remark, Tell


def read_changes(
    context: Context, file: Path, *, encoding: str = "", tell: Tell | None = None
) -> dict[str, LineChange]:
    """Return what a file changes: a table such as `dubkit export --format csv` writes, or subtitles.

    Rows of a table are found by `id`; an empty cell takes an edit back, a column that is not there changes
    nothing. Subtitles are brought to their lines by text, order and time.
    `encoding` names the encoding of the file where it is not to be found out; `tell` takes notes of the
    reading. Raises EditRefused naming the row or the cue, also where a part of the file cannot be read or
    letters of it may be wrong: a file is one change.
    """
    remarks: list[Remark] = []
    if file.suffix.lower() not in editable():
        raise EditRefused(f"{file}: takes {', '.join(editable())}, not {file.suffix or 'this'}.")
    try:
        document = Document.open(file, encoding=encoding, language=context.language, tell=remarks.append)
        format = format_of(file, lambda format: format.editable, document.content)
        assert format is not None, "a file of its ending can be edited"
        if format.read_rows is not None:
            changes = changes_of_rows(context, file, rows_of(document, format), format)
        else:
            changes = changes_of_cues(context, file, _certain(cues_of(document, format), remarks), format)
    except MediaError as error:
        raise EditRefused(str(error)) from None
    _certain((), remarks)
    if tell is not None:
        for said in remarks:
            tell(said)
    return changes


def _certain(cues: Sequence[Cue], remarks: Sequence[Remark]) -> Sequence[Cue]:
    """Return the cues of a file that was read whole. Raises EditRefused for what was left out or guessed."""
    for said in remarks:
        if said.weight == "doubtful":
            raise EditRefused(f"{said.place}: {said.sentence}\n{said.meaning}")
    return cues
