"""What a series learns: refused suggestions are remembered, accepted ones go into `series.toml`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dubkit.errors import DubkitError
from dubkit.series.corrections import Suggestion
from dubkit.series.place import Series
from dubkit.series.reading import SeriesUnfit, parse_words
from dubkit.series.words import in_language

REFUSED = "refused.json"


class SuggestionUnfit(DubkitError):
    """A suggestion cannot become an entry as it is."""


def refused(series: Series) -> Mapping[str, str]:
    """Return what people refused, id -> what it was. Raises SeriesUnfit for a damaged file."""
    file = series.data / REFUSED
    try:
        known = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SeriesUnfit(f"{file} cannot be read: {error}.\nMend it, or delete it to ask anew.") from None
    return {str(name): str(what) for name, what in known.items()} if isinstance(known, dict) else {}


def refuse(series: Series, suggestion: Suggestion) -> None:
    """Remember that a suggestion is not wanted, so that it does not come back."""
    with _held(series):
        known = {**refused(series), suggestion.id: f"{suggestion.wrong} → {suggestion.right}"}
        text = json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        _write(series.data / REFUSED, text)


def accept(series: Series, suggestion: Suggestion, source: str = "") -> str:
    """Add a suggestion to `series.toml` as a term, and return the entry.

    `source` is the word of the source, where it is another one than was found. Raises SuggestionUnfit where
    no word of the source is known, or the series has forms of it in that language already.
    """
    source = source or suggestion.source
    if not source:
        raise SuggestionUnfit(
            f"{suggestion.id}: the lines have no word of the source in common.\n"
            f"Name it: dubkit series accept {suggestion.id} --source WORD"
        )
    with _held(series):
        text = series.file.read_text("utf-8")
        for entry in parse_words(text, str(series.file)).terms:
            tables = (entry.approved, entry.forbidden)
            there = any(in_language(table, suggestion.language) for table in tables)
            if there and entry.source.casefold() == source.casefold():
                raise SuggestionUnfit(
                    f"{series.file} has forms of “{entry.source}” in {suggestion.language} already.\n"
                    f"Add “{suggestion.right}” to approved and “{suggestion.wrong}” to forbidden there."
                )
        added = _entry(suggestion, source)
        whole = f"{text.rstrip()}\n\n{added}".lstrip()
        parse_words(whole, str(series.file))
        _write(series.file, whole)
    return added


def _entry(suggestion: Suggestion, source: str) -> str:
    def written(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    return (
        f"[[terms]]\nsource = {written(source)}\n"
        f"approved.{suggestion.language} = [{written(suggestion.right)}]\n"
        f"forbidden.{suggestion.language} = [{written(suggestion.wrong)}]\n"
    )


@contextmanager
def _held(series: Series) -> Iterator[None]:
    """Hold the words of a series, so that two commands at once lose nothing."""
    from filelock import FileLock

    series.data.mkdir(parents=True, exist_ok=True)
    with FileLock(series.data / "words.lock"):
        yield


def _write(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, "utf-8")
    os.replace(part, file)
