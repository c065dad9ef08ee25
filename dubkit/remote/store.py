"""An episode folder whose results go into a store for objects as they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dubkit.episode.records import in_takes
from dubkit.episode.store import EpisodeStore, FileRef, Record
from dubkit.errors import OutputLost
from dubkit.remote.claims import FOLDER, Hold, HoldLost
from dubkit.remote.failures import StoreError
from dubkit.remote.mirror import Mirror

EDITING = f"{FOLDER}/edits"
"""Where those who change lines claim the edits: beside the claims of runs, and apart from them."""


class NotSent(OutputLost):
    """A result could not be sent into the store. It is kept here: the next run of this machine sends it."""


@contextmanager
def sending() -> Iterator[None]:
    """Turn the failure of a store into the end of the run, so that no finished item counts as failed."""
    try:
        yield
    except StoreError as error:
        raise NotSent(str(error)) from error


class MirroredStore(EpisodeStore):
    """The working folder of an episode in a store: large files come when read, results go at once."""

    def __init__(self, mirror: Mirror, folder_id: str = "") -> None:
        super().__init__(mirror.root)
        self.mirror = mirror
        self._folder_id = folder_id
        self._hold: Hold | None = None

    def __reduce__(self) -> tuple[type[EpisodeStore], tuple[Path]]:
        """Go to another process of this machine as the plain working folder, with all files there.

        What the process leaves is sent when the stage ends.
        """
        self.mirror.need_below("")
        return EpisodeStore, (self.root,)

    # reading

    def path(self, relative: str, language: str = "") -> Path:
        """Where an artifact lies; it is fetched first where the store alone has it."""
        path = super().path(relative, language)
        if self.mirror.pending:
            name = path.relative_to(self.root).as_posix()
            self.mirror.need(name)
            self.mirror.need_below(name)
        return path

    def has(self, relative: str, language: str = "") -> bool:
        """Tell whether an artifact is here or in the store."""
        name = f"{language}/{relative}" if language else relative
        return name in self.mirror.pending or super().has(relative, language)

    def whole(self, files: Iterable[FileRef]) -> bool:
        """Tell whether every file is here, or in the store, with its recorded size."""
        pending = self.mirror.pending
        here = []
        for ref in files:
            if ref.path not in pending:
                here.append(ref)
            elif pending[ref.path].size != ref.size:
                return False
        return super().whole(here)

    def take_folders(self, item: str, language: str) -> list[Path]:
        """Folders of the takes of an item, oldest first; nothing is fetched for that."""
        parent = super().path(f"takes/{item}", language)
        return sorted(parent.glob("v[0-9]*")) if parent.is_dir() else []

    def shown(self, path: Path) -> str:
        """Return how people find a file or folder of the episode: its URL."""
        name = path.relative_to(self.root).as_posix()
        return self.mirror.objects.place("" if name == "." else name)

    # writing

    def save_record(self, record: Record, language: str = "") -> None:
        """Write the record of an item here, then send its files and after them the record."""
        super().save_record(record, language)
        name = self._record_path(record.parts.stage, record.item, language).relative_to(self.root).as_posix()
        files = [ref.path for ref in record.files]
        takes = dict.fromkeys(ref.path.rpartition("/")[0] for ref in record.files if in_takes(ref))
        with sending():
            self.mirror.push_record(name, [*files, *(f"{take}/take.json" for take in takes)])

    def note(self, event: Mapping[str, Any]) -> None:
        """Append one event to the history, under a hold with its number, and send what has changed since."""
        super().note({**event, "hold": self._hold.number} if self._hold else event)
        with sending():
            self.mirror.push()

    @contextmanager
    def writing(self, relative: str, language: str = "", *, beside: bool = False) -> Iterator[Path]:
        """Write a file; what is written without the lock, by a person, goes into the store at once."""
        with super().writing(relative, language, beside=beside) as temporary:
            yield temporary
        if beside:
            self.mirror.push_file(f"{language}/{relative}" if language else relative)

    # holding

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Hold what people change in the store: fetch the edits there, and send what the block changes.

        It has a hold of its own, so nobody waits for a run. A run, which has the episode, takes none.
        """
        with super().editing():
            if self._hold is not None:
                yield
                return
            hold = Hold(self.mirror.objects.below(EDITING), self._folder_id)
            hold.acquire(wait=True, on_wait=lambda _: None)
            try:
                self.mirror.pull_edits()
                self.mirror.before_writing = hold.check_fence
                yield
                self.mirror.push_edits()
            finally:
                self.mirror.before_writing = lambda: None
                hold.release()

    @contextmanager
    def holding(self, *, wait: bool, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold the episode in the store: fetch what is new there, and send everything when the block ends.

        Raises EpisodeBusy without `wait`, HoldLost where another run takes over.
        """
        hold = Hold(self.mirror.objects, self._folder_id)
        hold.acquire(wait=wait, on_wait=on_wait)
        self._hold = hold
        try:
            self.mirror.pull(token=hold.previous, owner=True)
            self.mirror.begin(hold.token)
            self.mirror.before_writing = hold.check_fence
            yield
        except (StoreError, NotSent, HoldLost):
            raise
        except BaseException:
            with suppress(StoreError, HoldLost):
                self.mirror.push()
            raise
        else:
            self.mirror.push()
        finally:
            self.mirror.before_writing = lambda: None
            self.mirror.end()
            self._hold = None
            hold.release()
