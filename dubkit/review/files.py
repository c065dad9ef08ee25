"""All lines in one file: out to a spreadsheet or a subtitle editor, and back."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.context import Context
from dubkit.errors import EditRefused, MediaError
from dubkit.formats.document import Document
from dubkit.formats.format import editable, format_of
from dubkit.formats.reading import cues_of, rows_of
from dubkit.review.changes import LineChange
from dubkit.review.cues import changes_of_cues
from dubkit.review.table import changes_of_rows


def read_changes(context: Context, file: Path) -> dict[str, LineChange]:
    """Return what a file changes: a table such as `dubkit export --format csv` writes, or subtitles.

    Rows of a table are found by `id`; an empty cell takes an edit back, a column that is not there changes
    nothing. Subtitles are brought to their lines by text, order and time.
    Raises EditRefused naming the row or the cue.
    """
    format = format_of(file, lambda format: format.editable)
    if format is None:
        raise EditRefused(f"{file}: takes {', '.join(editable())}, not {file.suffix or 'this'}.")
    try:
        document = Document.open(file)
        if format.read_rows is not None:
            return changes_of_rows(context, file, rows_of(document, format), format)
        return changes_of_cues(context, file, cues_of(document, format), format)
    except MediaError as error:
        raise EditRefused(str(error)) from None
