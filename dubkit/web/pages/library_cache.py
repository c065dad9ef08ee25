"""Rows of the library, kept until a file of their episode changes: one row takes hundreds of records."""

from __future__ import annotations

from pathlib import Path

from dubkit.web.accounts.people import Person
from dubkit.web.api.episodes import EpisodeRow, episode_row, seen_folders
from dubkit.web.files.stamps import Stamp, episode_stamp
from dubkit.web.site import Site


class LibraryCache:
    """The row of each episode, read again only when the episode has changed."""

    def __init__(self) -> None:
        self._rows: dict[Path, tuple[Stamp, EpisodeRow]] = {}

    def rows(self, site: Site, person: Person) -> list[EpisodeRow]:
        """Return every episode a person may see, by name."""
        return [self._row(site, folder) for folder in seen_folders(site, person)]

    def changed(self, episode: str) -> int:
        """Return when an episode that was read changed last, in ns since 1970; 0 for an unknown one."""
        stamps = (stamp for folder, (stamp, _) in self._rows.items() if folder.name == episode)
        return max((at for stamp in stamps for _, at in stamp), default=0)

    def _row(self, site: Site, folder: Path) -> EpisodeRow:
        stamp = episode_stamp(folder)
        kept = self._rows.get(folder)
        if kept is None or kept[0] != stamp:
            kept = self._rows[folder] = (stamp, episode_row(site, folder))
        return kept[1]
