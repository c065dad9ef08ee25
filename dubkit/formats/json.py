"""JSON: all lines as records, for scripts; read as cues."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.formats.content import Cue, Heading, LineRow
from dubkit.formats.cues import cue_from_fields
from dubkit.formats.format import Format

if TYPE_CHECKING:
    from dubkit.formats.document import Document


def _write_rows(rows: Sequence[LineRow], heading: Heading) -> bytes:
    return (json.dumps(rows, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _read_cues(file: Document) -> list[Cue]:
    """Return the cues of a list of records, or of a record that has such a list as `segments`."""
    try:
        content = json.loads(file.text())
    except json.JSONDecodeError as error:
        cure = "Correct the file at that place, or export it anew."
        raise file.error(f"line {error.lineno}", f"this is not JSON ({error.msg})", cure) from error
    if isinstance(content, dict):
        content = content.get("segments")
    if not isinstance(content, list):
        cure = 'Expected: [{"start": 0.5, "end": 2.0, "text": "Hello", "speaker": "A"}, …].'
        raise file.error("", "it is no list of segments", cure)
    return [cue_from_fields(file, f"segment {number}", item) for number, item in enumerate(content, start=1)]


FORMAT = Format(
    name="json",
    title="JSON",
    suffixes=(".json",),
    media_type="application/json",
    read_cues=_read_cues,
    write_rows=_write_rows,
)
