"""Stamps of episodes: equal as long as nothing in the episode's folder has changed."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from dubkit.episode.edits.log import LOG
from dubkit.episode.store import HIDDEN

Stamp = tuple[tuple[str, int], ...]


def episode_stamp(root: Path) -> Stamp:
    """Return the times of the folders that files of an episode are renamed into, which any change changes,
    and the length of its log of edits, which only grows."""
    hidden = root / HIDDEN
    times = []
    for path in (
        root,
        hidden,
        *root.glob("*/"),
        *root.glob("*/recordings/"),
        *(hidden / "items").glob("*/*/"),
    ):
        try:
            times.append((path.as_posix(), path.stat().st_mtime_ns))
        except OSError:
            continue  # removed meanwhile: the stamp differs, which is right
    with suppress(OSError):  # nothing was edited yet
        times.append((LOG, (root / LOG).stat().st_size))
    return tuple(times)


def digest(stamp: Stamp, *more: str) -> str:
    """Return a short text that stands for a stamp and what was asked for."""
    text = "\0".join((*(f"{path} {time}" for path, time in stamp), *more))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
