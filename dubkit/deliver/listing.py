"""Check that every file of a pack is as it was written."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dubkit.deliver.statement import LISTING, Listing
from dubkit.episode.store import file_digest
from dubkit.errors import DubkitError


def listing_of(place: Path) -> Path | None:
    """Return the `pack.json` that a path names, itself or as its folder; None for any other file.

    Raises DubkitError for a folder that is no pack.
    """
    if place.is_dir():
        if not (place / LISTING).is_file():
            raise DubkitError(
                f"{place}: there is no {LISTING} in this folder.\nName a film, or the folder of a pack."
            )
        return place / LISTING
    return place if place.name == LISTING else None


def verify_listing(listing: Path) -> tuple[list[str], int]:
    """Return what was changed, a sentence for each file, and how many files the pack has.

    Raises DubkitError where the listing cannot be read.
    """
    try:
        said = msgspec.json.decode(listing.read_bytes(), type=Listing)
    except msgspec.DecodeError as error:
        raise DubkitError(
            f"{listing} is damaged: {error}.\nWrite the pack again: dubkit export --pack"
        ) from None
    changed = []
    for file in said.files:
        place = listing.parent / file.path
        if not place.is_file():
            changed.append(f"{file.path} is missing.")
        elif file_digest(place) != file.sha256:
            changed.append(f"{file.path} is not the file that was written.")
    here = {
        path.relative_to(listing.parent).as_posix() for path in listing.parent.rglob("*") if path.is_file()
    }
    more = sorted(here - {file.path for file in said.files} - {LISTING})
    changed += [f"{name} was added." for name in more]
    return changed, len(said.files)
