"""Where stages leave results: every finished item is on disk, with its record, before the next begins."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dubkit.episode.context import Context
from dubkit.episode.store import FileRef, Parts, Record, file_digest, pretty
from dubkit.errors import DubkitError, ItemFailed, OutputLost
from dubkit.progress import Progress
from dubkit.types import Remark, remark
from dubkit.types.telling import FOR_NOW

log = logging.getLogger(__name__)


class StoreSink:
    """Writes results of one stage run into the episode folder. Implements `dubkit.chain.stage.Sink`."""

    def __init__(
        self, context: Context, parts: Mapping[str, Parts], progress: Progress, language: str
    ) -> None:
        self._context = context
        self._language = language
        self._progress = progress
        self.parts = parts
        self.finished: set[str] = set()
        self.handled: set[str] = set()
        self.noticed: list[Remark] = []
        """What was noticed of the work and belongs to none of its items."""

    def write(self, relative: str) -> AbstractContextManager[Path]:
        """Give a temporary path that becomes the artifact when the block ends well."""
        return self._context.store.writing(relative, self._language)

    def write_json(self, relative: str, value: Any) -> None:
        """Write a JSON artifact."""
        self._context.store.write_json(relative, value, self._language)

    def done(
        self,
        item: str,
        *,
        value: Any = None,
        files: Iterable[str] = (),
        remarks: Iterable[Remark] = (),
        models: Mapping[str, str] | None = None,
    ) -> None:
        """Record an item as finished."""
        store, language = self._context.store, self._language
        refs = tuple(store.ref(name, language) for name in files)
        parts = self.parts[item]
        if models is not None:
            parts = replace(parts, models=dict(models))
        self._save(Record(item, parts.key, parts, refs, value, remarks=tuple(dict.fromkeys(remarks))))

    @contextmanager
    def take(self, item: str) -> Iterator[TakeWriter]:
        """Give a writer for the next take of `item`; leaving the block well makes it whole and recorded."""
        store, language = self._context.store, self._language
        with store.new_take(item, language) as (folder, name):
            writer = TakeWriter(folder)
            yield writer
            refs = tuple(
                FileRef(f"{name}/{file.name}", file.stat().st_size, file_digest(file))
                for file in sorted(folder.iterdir())
            )
            parts, remarks = self.parts[item], tuple(dict.fromkeys(writer.remarks))
            record = Record(item, parts.key, parts, refs, writer.value, remarks=remarks)
            (folder / "take.json").write_bytes(pretty(record))
        self._save(record)

    @contextmanager
    def attempt(self, item: str) -> Iterator[None]:
        """Turn whatever the block raises into the failure of `item`, so that the others go on.

        A full disk and a lack of memory are not of one item: they go through.
        """
        try:
            yield
        except (OutputLost, MemoryError):
            raise
        except DubkitError as error:
            self.fail(item, error)
        except Exception as error:  # a model or an engine can raise anything, and one item is not the run
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            log.debug("%s", item, exc_info=True)
            self.fail(item, ItemFailed(item, error))

    def fail(self, item: str, error: DubkitError) -> None:
        """Record an item as failed; the others go on."""
        parts, sentence = self.parts[item], str(error)
        passing = (remark(FOR_NOW, sentence.splitlines()[0], item),) if error.may_pass and sentence else ()
        self._save(Record(item, parts.key, parts, error=sentence, remarks=passing))

    def say(self, text: str) -> None:
        """Tell the user what was chosen, and why."""
        self._progress.note(text)

    def advance(self, share: float) -> None:
        """Report progress inside the running item, 0 to 1."""
        self._progress.advance(len(self.handled) + share)

    def mirror(self, item: str, *, finished: bool) -> None:
        """Take note that an item was finished, or has failed, and that its record is saved."""
        self.handled.add(item)
        if finished:
            self.finished.add(item)
        self._progress.advance(len(self.handled))

    def _save(self, record: Record) -> None:
        self._context.store.save_record(record, self._language)
        self.mirror(record.item, finished=not record.error)


class TakeWriter:
    """The files and the value of a take that is being made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.value: Any = None
        self.remarks: list[Remark] = []
