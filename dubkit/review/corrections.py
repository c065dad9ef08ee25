"""The corrections of a series: the edited lines of all of its episodes in an output folder."""

from __future__ import annotations

from collections.abc import Iterator

from dubkit.episode.context import Context, finished_languages
from dubkit.episode.folders import find_source
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.review.opening import of_folder
from dubkit.series.corrections import EditedLine, Suggestion, suggestions
from dubkit.series.learning import refused
from dubkit.series.place import Series
from dubkit.studio import Session


def series_suggestions(session: Session, series: Series) -> list[Suggestion]:
    """Return the corrections of a series that could be entries. Raises SeriesUnfit as its words do."""
    return suggestions(edited_lines(session, series), series.words, refused(series))


def edited_lines(session: Session, series: Series) -> Iterator[EditedLine]:
    """Yield every line of the series whose text a person changed, with the text that it had."""
    for folder in sorted(session.output.glob("*")):
        if find_source(EpisodeStore(folder)) is None:
            continue
        context = of_folder(session, folder)
        if context.series is None or context.series.file.resolve() != series.file.resolve():
            continue
        for language in finished_languages(context):
            yield from _edited(context.fresh(language))


def _edited(context: Context) -> Iterator[EditedLine]:
    try:
        first = {line.id: line.text for line in context.translation.lines} | context.adapted_texts
        source = context.source_language
    except DubkitError:  # a damaged episode is reported where it is opened; the others still teach
        return
    name = context.store.root.name
    for segment, line in context.lines:
        before = first.get(line.id, "")
        edit = context.placed.lines.get(line.id)
        if edit is not None and edit.text and before and edit.text != before:
            yield EditedLine(name, line.id, context.language, source, segment.text, before, edit.text)
