"""Files that the pages need besides those of an episode: made once, in the background, in `.dubkit/web/`.

A file is named by what it was made from, so one that exists is up to date; any other in its folder is older
and is removed. Files appear only when complete, and none is made twice at the same time.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

from fastapi import Depends, Request

from dubkit.episode.store import HIDDEN, EpisodeStore, digest
from dubkit.errors import DubkitError

logger = logging.getLogger(__name__)

FOLDER = f"{HIDDEN}/web"
VERSION = 1
"""Raised when previews or peaks are made in another way."""

FAILED_FOR = 60.0
"""Seconds after which a file that failed is tried again: the disk may have space by then."""


class PreviewFailed(DubkitError):
    """A file for the pages could not be made."""


@dataclass(frozen=True, slots=True)
class DerivedFile:
    """A file to make from other files of an episode."""

    store: EpisodeStore
    slot: str
    """What it shows, as a relative folder that holds one file: `source`, `pt-BR/dub`."""
    origin: tuple[Path, ...]
    """The files it is made from."""
    suffix: str
    make: Callable[[Path], None]
    """Writes it to a path."""
    variant: str = ""
    """What else it is made from."""
    long: bool = False
    """True when making it may take minutes; quick ones do not wait for it."""

    @property
    def relative(self) -> str:
        """Name of the file below the episode folder. Raises FileNotFoundError when an origin is gone."""
        stats = [path.stat() for path in self.origin]
        parts = [
            [str(path), stat.st_size, stat.st_mtime_ns] for path, stat in zip(self.origin, stats, strict=True)
        ]
        # The slot is part of the name: temporary files of one episode lie in one folder.
        return f"{FOLDER}/{self.slot}/{digest([VERSION, self.slot, self.variant, parts])[:24]}{self.suffix}"


class _Lane:
    """One thread that makes files one after the other. The server can end while it works."""

    def __init__(self, name: str) -> None:
        self._due: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._name = name
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._due.put(work)

    def _run(self) -> None:
        while True:
            self._due.get()()


class Previews:
    """Makes derived files in the background, and knows which are being made and which have failed."""

    def __init__(self, failed_for: float = FAILED_FOR) -> None:
        self._failed_for = failed_for
        self._guard = threading.Lock()
        self._making: set[Path] = set()
        self._failed: dict[Path, tuple[float, str]] = {}
        self._lanes = {False: _Lane("previews-quick"), True: _Lane("previews-long")}

    def get(self, derived: DerivedFile) -> Path | None:
        """Return the file, or None while it is being made (which this call starts).

        Raises PreviewFailed when it cannot be made, and FileNotFoundError when its origin is gone.
        """
        relative = derived.relative
        path = derived.store.path(relative)
        with self._guard:
            if path.is_file():
                return path
            if path in self._making:
                return None
            when, reason = self._failed.get(path, (0.0, ""))
            if reason and time.monotonic() - when < self._failed_for:
                raise PreviewFailed(reason)
            self._failed.pop(path, None)
            self._making.add(path)
            self._lanes[derived.long].put(lambda: self._make(derived, relative, path))
        return None

    def _make(self, derived: DerivedFile, relative: str, path: Path) -> None:
        reason = ""
        try:
            with derived.store.writing(relative, beside=True) as temporary:
                derived.make(temporary)
            _remove_older(path)
        except DubkitError as error:
            reason = str(error)
        except Exception:
            logger.exception("%s could not be made", relative)
            reason = f"The preview of {derived.slot} could not be made; the server's log has the details."
        with self._guard:
            self._making.discard(path)
            if reason:
                self._failed[path] = (time.monotonic(), reason)


def _remove_older(path: Path) -> None:
    for other in path.parent.iterdir():
        if other.is_dir():
            shutil.rmtree(other, ignore_errors=True)  # what an encoder of a killed server worked in
        elif other != path:
            other.unlink(missing_ok=True)


async def the_previews(request: Request) -> Previews:
    """Return the previews of the application that answers; a coroutine, so that two requests share them."""
    state = request.app.state
    if not hasattr(state, "previews"):
        state.previews = Previews()
    previews: Previews = state.previews
    return previews


OnPreviews = Annotated[Previews, Depends(the_previews)]
