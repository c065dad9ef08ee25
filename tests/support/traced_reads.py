"""What each stage reads of an episode's folder while the chain runs, against the stages that it needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from dubkit.chain import noticing
from dubkit.chain import run as running
from dubkit.chain.chain import Chain
from dubkit.episode.store import HIDDEN, EpisodeStore

READING = ("path", "has", "read", "artifact_digest")
RECORDS = ("record", "records")
OUTSIDE = ("edits", "imports/", HIDDEN)
"""Where stages leave nothing: what people give and change."""


@dataclass
class TracedReads:
    """Who wrote each artifact, and which artifacts and records each stage asked for."""

    chain: Chain
    writers: dict[str, set[str]] = field(default_factory=dict)
    files: set[tuple[str, str]] = field(default_factory=set)
    """(stage, artifact), without the folder of a language."""
    records: set[tuple[str, str]] = field(default_factory=set)
    """(stage, stage whose records it read)."""
    _here: threading.local = field(default_factory=threading.local)

    def undeclared(self) -> set[tuple[str, str]]:
        """Return (stage, stage that it reads from and does not need, directly or not)."""
        read = {(reader, writer) for reader, name in self.files for writer in self.writers.get(name, ())}
        return {pair for pair in read | self.records if not self._declared(*pair)}

    def _declared(self, reader: str, writer: str) -> bool:
        stages = {stage.name: stage for stage in self.chain.stages}
        if writer not in stages or writer in {reader, stages[reader].recorded}:
            return True
        # A stage that needs the reader comes later in any case: only results of an earlier run are read.
        return writer in self.chain.needed(reader) or reader in self.chain.needed(writer)

    @property
    def stage(self) -> str:
        return getattr(self._here, "stage", "")

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Note what is read and written in the block as a stage's."""
        before, self._here.stage = self.stage, stage
        try:
            yield
        finally:
            self._here.stage = before

    def note_write(self, name: str) -> None:
        """Note that the stage that works writes an artifact."""
        if self.stage:
            self.writers.setdefault(name, set()).add(self.stage)

    def note_read(self, name: str) -> None:
        """Note that the stage that works asks for an artifact."""
        if self.stage and not name.startswith(OUTSIDE):
            self.files.add((self.stage, name))


@contextmanager
def traced_reads(chain: Chain) -> Iterator[TracedReads]:
    """Trace every run of the chain in the block."""
    traced = TracedReads(chain)
    worked, followed, plainly_named = running.run_stage, running.follow, noticing.item_names

    def run_stage(stage: Any, *rest: Any, **named: Any) -> Any:
        with traced.at(stage.name):
            return worked(stage, *rest, **named)

    def follow(stage: Any, *rest: Any) -> Any:
        with traced.at(stage.name):
            return followed(stage, *rest)

    def named(context: Any) -> Any:
        # People's names of lines and clips are in no result, and a stage that names some needs them.
        with traced.at(""):
            return plainly_named(context)

    with (
        mock.patch.object(running, "run_stage", run_stage),
        mock.patch.object(noticing, "item_names", named),
        mock.patch.object(running, "follow", follow),
        mock.patch.multiple(EpisodeStore, **_watched(traced)),
    ):
        yield traced


def _watched(traced: TracedReads) -> dict[str, Any]:
    """Return methods of the store that note what they are asked for."""

    def reading(name: str) -> Any:
        plain = getattr(EpisodeStore, name)

        def method(self: EpisodeStore, relative: str, *rest: Any, **named: Any) -> Any:
            traced.note_read(str(relative))
            return plain(self, relative, *rest, **named)

        return method

    def recorded(name: str) -> Any:
        plain = getattr(EpisodeStore, name)

        def method(self: EpisodeStore, stage: str, *rest: Any, **named: Any) -> Any:
            if traced.stage:
                traced.records.add((traced.stage, stage))
            return plain(self, stage, *rest, **named)

        return method

    writing = EpisodeStore.writing

    def written(self: EpisodeStore, relative: str, *rest: Any, **named: Any) -> Any:
        if not Path(relative).as_posix().startswith(HIDDEN):
            traced.note_write(relative)
        return writing(self, relative, *rest, **named)

    return (
        {name: reading(name) for name in READING}
        | {name: recorded(name) for name in RECORDS}
        | {"writing": written}
    )
