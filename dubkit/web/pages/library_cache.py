"""Rows of the library, kept until a file of their episode changes: one row takes hundreds of records."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.store import HIDDEN
from dubkit.web.accounts.access import may_see
from dubkit.web.accounts.people import Person
from dubkit.web.api.episodes import EpisodeRow, episode_folders, episode_row
from dubkit.web.site import Site

Stamp = tuple[tuple[str, int], ...]


class LibraryCache:
    """The row of each episode, read again only when the episode has changed."""

    def __init__(self) -> None:
        self._rows: dict[Path, tuple[Stamp, EpisodeRow]] = {}

    def rows(self, site: Site, person: Person) -> list[EpisodeRow]:
        """Return every episode a person may see, by name."""
        folders = episode_folders(site)
        return [self._row(site, folder) for folder in folders if may_see(site, person, folder.name)]

    def _row(self, site: Site, folder: Path) -> EpisodeRow:
        stamp = _stamp(folder)
        kept = self._rows.get(folder)
        if kept is None or kept[0] != stamp:
            kept = self._rows[folder] = (stamp, episode_row(site, folder))
        return kept[1]


def _stamp(root: Path) -> Stamp:
    """Return the times of the folders that files of an episode are renamed into: any change changes one."""
    hidden = root / HIDDEN
    watched = [root, hidden, *root.glob("*/"), *(hidden / "items").glob("*/*/")]
    times = []
    for path in watched:
        try:
            times.append((path.as_posix(), path.stat().st_mtime_ns))
        except OSError:
            continue  # removed meanwhile: the stamp differs, which is right
    return tuple(times)
