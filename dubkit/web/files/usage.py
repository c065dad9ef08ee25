"""How much of the disk a person takes, and whether that is too much."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select

from dubkit.episode.store import EpisodeStore
from dubkit.web.accounts.access import readers_of
from dubkit.web.accounts.input_readers import input_readers
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.tables import TrashRow
from dubkit.web.files.stamps import Stamp, episode_stamp
from dubkit.web.files.trash import episode_size
from dubkit.web.files.uploads import Uploads, input_files
from dubkit.web.settings import Serve
from dubkit.web.site import Site


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes that a person takes."""

    uploads: int
    """Uploaded files, and what is announced of unfinished ones."""
    episodes: int
    """Episodes whose owner the person is."""
    trash: int
    quota: int
    """The most that the person may take; 0 is no limit."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.uploads + self.episodes + self.trash

    def refusal(self, more: int = 0) -> str:
        """Return why so many bytes more are refused; empty when they are not."""
        if not self.quota or (self.total + more <= self.quota and (more or self.total < self.quota)):
            return ""
        parts = f"uploads {_gb(self.uploads)}, episodes {_gb(self.episodes)}, trash {_gb(self.trash)}"
        return (
            f"You take {_gb(self.total)} of your {_gb(self.quota)} ({parts}). "
            "Delete something and empty the trash, or ask an admin for more (serve.quota_gb)."
        )


def usage(site: Site, person: Person, uploads: Uploads) -> Usage:
    """Return what a person takes. Admins have no limit."""
    quota = 0 if person.may("admin") else round(Serve.of(site.settings).quota_gb * 1e9)
    known = input_readers(site.database)
    files = sum(
        f.size for f in input_files(site.inputs) if f.name in known and known[f.name].owner == person.name
    )
    names = sorted(site.queue.episodes(person.name))
    own = [name for name, who in readers_of(site, names).items() if person.name in who.owners]
    with site.database.reading() as session:
        trash = sum(row.size for row in session.scalars(select(TrashRow)) if person.name in row.owners)
    episodes = sum(_size(site.output / name) for name in own if (site.output / name).is_dir())
    return Usage(files + uploads.announced(person), episodes, trash, quota)


def _size(root: Path) -> int:
    return _size_at(root, episode_stamp(root))


@lru_cache(1000)
def _size_at(root: Path, stamp: Stamp) -> int:
    return episode_size(EpisodeStore(root))


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
