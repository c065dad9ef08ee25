"""What the library knows of the episodes: read once, and again when one of an episode's files has changed."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.store import HIDDEN
from dubkit.web.accounts.access import may_see
from dubkit.web.accounts.people import Person
from dubkit.web.api.episodes import EpisodeRow, episode_folders, episode_row
from dubkit.web.site import Site

Stamp = tuple[tuple[str, int], ...]


class Shelf:
    """Remembers what was read of each episode: a summary reads hundreds of records."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Stamp, EpisodeRow]] = {}

    def rows(self, site: Site, person: Person) -> list[EpisodeRow]:
        """Return every episode a person may see, by name."""
        found = episode_folders(site)
        return [self._row(site, folder) for folder in found if may_see(site, person, folder.name)]

    def _row(self, site: Site, folder: Path) -> EpisodeRow:
        stamp = _stamp(folder)
        known = self._known.get(folder)
        if known is None or known[0] != stamp:
            known = self._known[folder] = (stamp, episode_row(site, folder))
        return known[1]


def _stamp(root: Path) -> Stamp:
    """Return what changes when anything of the episode does: files are renamed into these folders."""
    hidden = root / HIDDEN
    watched = [root, hidden, *root.glob("*/"), *(hidden / "items").glob("*/*/")]
    found = []
    for path in watched:
        try:
            found.append((path.as_posix(), path.stat().st_mtime_ns))
        except OSError:
            continue  # removed while it was looked at: the stamp differs, which is right
    return tuple(found)
