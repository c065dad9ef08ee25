"""Changes of lines, under the names that the edit files use for them.

A new transcript may number the lines anew; edits that were made before keep their old numbers.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from dubkit.episode.context import Context, finished_languages
from dubkit.episode.edits.events import Change
from dubkit.types import Segment


def line_change(context: Context, line: str, field: str, value: Any) -> Change:
    """Return a change of one language's line."""
    placed = context.placed
    name = placed.line_names.get(line) or _new_name(line, context.language_edits.lines, placed.homes)
    return Change("lines", name, field, value, context.language)


def segment_change(context: Context, segment: str, field: str, value: Any) -> Change:
    """Return a change of what all languages share of a line."""
    placed = context.placed
    name = placed.segment_names.get(segment) or _new_name(
        segment, context.shared_edits.segments, placed.homes
    )
    return Change("segments", name, field, value)


def _new_name(line: str, entries: Container[str], homes: Mapping[str, str]) -> str:
    """Return the first of `s0004`, `s0004.2` … that no edit of another moment has."""
    number, name = 1, line
    while name in entries or homes.get(name, line) != line:
        number += 1
        name = f"{line}.{number}"
    return name


def drop_takes(context: Context, lines: Iterable[str], languages: Sequence[str]) -> list[Change]:
    """Return the changes that take back the choice of takes for some lines.

    A take that was chosen before an edit would hide what the edit changes.
    """
    named = frozenset(lines)
    changes: list[Change] = []
    for language in languages:
        here = context if language == context.language else context.fresh(language)
        for line in sorted(named & here.placed.lines.keys()):
            if here.placed.lines[line].takes is not None:
                changes.append(line_change(here, line, "takes", None))
    return changes


def relock(context: Context, line: str, speaker: str) -> list[Change]:
    """Return the changes that give the locks of a line its new speaker, in every language."""
    changes: list[Change] = []
    for language in finished_languages(context):
        here = context.fresh(language)
        edit = here.placed.lines.get(line)
        if edit is not None and edit.lock is not None:
            lock: dict[str, Any] = msgspec.to_builtins(edit.lock) | {"speaker": speaker}
            changes.append(line_change(here, line, "lock", lock))
    return changes


def moments_of(context: Context, changes: Sequence[Change]) -> list[Segment]:
    """Return the times of the lines of some changes, under the names they have in the files."""
    by_id = {segment.id: segment for segment in context.transcript.segments}
    homes = context.placed.homes
    moments = []
    for change in changes:
        home = homes.get(change.item) or re.sub(r"\.\d+$", "", change.item)
        if change.section != "speakers" and home in by_id:
            moments.append(replace(by_id[home], id=change.item))
    return moments
