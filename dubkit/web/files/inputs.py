"""Media files that jobs name: relative to the input folder, never outside it, and by whoever may use them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dubkit.episode.folders import unchanged_source
from dubkit.episode.store import HIDDEN, EpisodeStore
from dubkit.errors import DubkitError
from dubkit.media.files.suffixes import MEDIA
from dubkit.web.accounts.access import may_see
from dubkit.web.accounts.input_readers import OPEN, InputReaders, input_readers, readers_of_input
from dubkit.web.accounts.people import Person
from dubkit.web.files.uploads import InputFile, input_files
from dubkit.web.site import Site

CURE = "Name a media file below the input folder, such as film.mp4 or series/e01.mkv."


class InputRefused(DubkitError):
    """A name that is not that of a media file below the input folder."""


@dataclass(frozen=True, slots=True)
class UsableInput:
    """A file of the input folder, and who may use it."""

    file: InputFile
    readers: InputReaders


def usable_inputs(site: Site, person: Person) -> list[UsableInput]:
    """Return the media files below the input folder that a person may use."""
    known = input_readers(site.database)
    here = [UsableInput(file, known.get(file.name, OPEN)) for file in input_files(site.inputs)]
    closed = [one.file.name for one in here if not one.readers.include(person)]
    open_by_episode = _of_seen_episodes(site, person, closed)
    return [one for one in here if one.readers.include(person) or one.file.name in open_by_episode]


def may_use(site: Site, person: Person, name: str) -> bool:
    """Tell whether a person may use a file: the one rule for lists, jobs, plans and media.

    A file is for everybody when it was put into the folder by hand. An upload is its uploader's, and for
    those it is shared with, for admins, and for whoever may see an episode made from it.
    """
    readers = readers_of_input(site.database, name)
    return readers.include(person) or name in _of_seen_episodes(site, person, [name])


def input_file(site: Site, person: Person, name: str) -> Path:
    """Return the absolute path of a file below the input folder.

    Raises InputRefused for absolute names, names with `..`, links that lead outside, hidden files, suffixes
    that are not those of media files, missing files, and uploads of others that are not shared.
    """
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") for part in parts)
    if not parts or hidden or name.startswith("/") or "\\" in name or not name.isprintable():
        raise InputRefused(f"{name[:200]!r} cannot be the source of a job.\n{CURE}")
    base = site.inputs.resolve()
    try:
        path = (base / name).resolve()
        there = path.is_relative_to(base) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long a name, a loop of links
        there = False
    # By the file that a name leads to: `a//b.mp4`, `./b.mp4` and links are the same file.
    if not there or not may_use(site, person, path.relative_to(base).as_posix()):
        raise InputRefused(f"There is no {name[:200]!r} in the input folder.\n{CURE}")
    if path.suffix.lower() not in MEDIA:
        raise InputRefused(f"{name[:200]!r} does not have the suffix of a media file.\n{CURE}")
    return path


def _of_seen_episodes(site: Site, person: Person, names: list[str]) -> set[str]:
    """Return those of some files that an episode was made from which the person may see."""
    if not names or not site.output.is_dir():
        return set()
    base = site.inputs.resolve()
    wanted = {base / name: name for name in names}
    seen = set()
    for folder in site.output.iterdir():
        if (folder / HIDDEN).is_dir():
            name = wanted.get(unchanged_source(EpisodeStore(folder)) or Path())
            if name is not None and name not in seen and may_see(site, person, folder.name):
                seen.add(name)
    return seen
