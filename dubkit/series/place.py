"""Find the series that an episode belongs to: its `series.toml`, and the folder beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dubkit.errors import DubkitError
from dubkit.series.reading import read_words
from dubkit.series.settings import NONE
from dubkit.series.words import EpisodeWords, SeriesWords

FILE = "series.toml"
DATA = "series"


class SeriesMissing(DubkitError):
    """A series was named, and there is none at that place."""

    def __init__(self, given: Path, problem: str) -> None:
        super().__init__(
            f"series.file = {str(given)!r} (--series): {problem}.\n"
            f"Name a {FILE} or its folder, write one with dubkit series init, or use --series {NONE}."
        )


@dataclass(frozen=True)  # without slots, so that its words are read once
class Series:
    """A series by its place on disk."""

    file: Path
    """Its `series.toml`."""

    @cached_property
    def words(self) -> SeriesWords:
        """What it says, read at the first question. Raises SeriesUnfit where it cannot be used."""
        return read_words(self.file)

    def for_episode(self, name: str, language: str) -> EpisodeWords:
        """Return what it says for an episode, by the name of its file without the ending, in a language."""
        key = (name, language)
        if key not in self._episodes:
            self._episodes[key] = EpisodeWords(self.words, name, language)
        return self._episodes[key]

    @cached_property
    def _episodes(self) -> dict[tuple[str, str], EpisodeWords]:
        return {}

    @property
    def root(self) -> Path:
        """The folder of `series.toml`."""
        return self.file.parent

    @property
    def data(self) -> Path:
        """Where dubkit keeps what it learned of the series; may not be there yet."""
        return self.root / DATA


def find_series(source: Path, given: Path | None = None) -> Series | None:
    """Return the series of a source; None where there is none.

    `given` is a `series.toml` or its folder, and `none` for no series. Without it, the nearest `series.toml`
    counts: beside the source or in a folder above it. Raises SeriesMissing when there is none where one was
    named.
    """
    if given is not None:
        return None if str(given) == NONE else _named(given)
    beside = source.resolve().parent  # an episode remembers where its film lies, not a link to it
    files = (folder / FILE for folder in (beside, *beside.parents))
    return next((Series(file) for file in files if file.is_file()), None)


def series_of(source: Path, named: str = "") -> Series | None:
    """Return the series of an episode; one that was named and is gone raises when its words are read."""
    try:
        return find_series(source, Path(named) if named else None)
    except SeriesMissing:
        return Series(Path(named))


def _named(given: Path) -> Series:
    place = Path(os.path.abspath(given.expanduser()))
    file = place / FILE if place.is_dir() else place
    if not file.is_file():
        raise SeriesMissing(given, f"there is no {FILE} in it" if place.is_dir() else "there is no such file")
    return Series(file)
