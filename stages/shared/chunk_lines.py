"""Speak the lines of a dub, and write each of its chunks as soon as its lines are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dubkit.chain.sink import StoreSink
from dubkit.chain.stage import Item, Run, Sink, Take
from dubkit.episode.context import Context
from dubkit.episode.store import reason_to_run
from dubkit.errors import DubkitError
from dubkit.progress import Silent
from dubkit.types.playout import PlannedChunk
from stages.shared.playout import FOLDER, ChunkDesk


@dataclass
class LineSink:
    """Leaves results where another sink does, and tells of each line that is dealt with."""

    sink: Sink
    desk: ChunkDesk

    def write(self, relative: str) -> AbstractContextManager[Path]:
        """See Sink."""
        return self.sink.write(relative)

    def write_json(self, relative: str, value: object) -> None:
        """See Sink."""
        self.sink.write_json(relative, value)

    def take(self, item: str) -> AbstractContextManager[Take]:
        """See Sink."""
        return self.sink.take(item)

    def done(self, item: str, **result: object) -> None:
        """See Sink."""
        self.sink.done(item, **result)  # type: ignore[arg-type]

    @contextmanager
    def attempt(self, item: str) -> Iterator[None]:
        """See Sink; afterwards the chunks whose lines are all there are written."""
        with self.sink.attempt(item):
            yield
        self.desk.pending.discard(item)
        write_complete(self.desk, self.sink)

    def fail(self, item: str, error: DubkitError) -> None:
        """See Sink."""
        self.sink.fail(item, error)

    def say(self, text: str) -> None:
        """See Sink."""
        self.sink.say(text)

    def advance(self, share: float) -> None:
        """See Sink."""
        self.sink.advance(share)


def speak_by_chunk(speak: Run, context: Context, items: Sequence[Item], sink: Sink) -> None:
    """Speak what is due in order of time; chunks appear meanwhile."""
    desk = ChunkDesk(context, {item.id for item in items})
    write_complete(desk, sink)
    desk.publish()
    speak(context, items, LineSink(sink, desk))
    desk.pending.clear()
    write_complete(desk, sink)


def write_complete(desk: ChunkDesk, sink: Sink) -> None:
    """Write the chunks that are due and wait for no line. One that fails is left to its own stage."""
    for chunk in desk.plan.chunks:
        if desk.pending.intersection(chunk.lines) or desk.states.get(chunk.number) in ("ready", "failed"):
            continue
        if _is_due(desk, chunk):
            own = StoreSink(desk.context, {chunk.name: desk.parts(chunk)}, Silent(), desk.context.language)
            with own.attempt(chunk.name):
                desk.write(chunk, own)
            if chunk.name in own.finished:
                sink.say(_told(desk, chunk))
        desk.look(chunk)
        desk.publish()


def _is_due(desk: ChunkDesk, chunk: PlannedChunk) -> bool:
    record = desk.record(chunk)
    whole = record is None or desk.context.store.whole(record.files)
    return bool(reason_to_run(record, desk.parts(chunk), forced=False, files_whole=whole))


def _told(desk: ChunkDesk, chunk: PlannedChunk) -> str:
    where = desk.context.store.path(FOLDER, desk.context.language)
    return f"Chunk {chunk.number} of {len(desk.plan.chunks)} can be played ({chunk.end:.0f} s): {where}"
