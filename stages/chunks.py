"""Write the chunks that could not be written while the lines were spoken, or are out of date since."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.episode.context import Context
from stages.shared.playout import CHUNKS, VERSION, ChunkDesk, publish, streams


def items(context: Context) -> Sequence[Item]:
    desk = ChunkDesk(context)
    return [desk.item(chunk) for chunk in desk.plan.chunks]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    desk, due = ChunkDesk(context), {item.id for item in items}
    for chunk in desk.plan.chunks:
        if chunk.name in due:
            with sink.attempt(chunk.name):
                desk.write(chunk, sink)
            desk.look(chunk)
            desk.publish()


STAGE = Stage(
    name=CHUNKS,
    version=VERSION,
    scope="language",
    items=items,
    run=run,
    title="Writing the chunks",
    done="written",
    unit="chunk",
    belongs=streams,
    pace=0.02,
    needs=("nonverbal", "separate", "borders", "speak"),
    after=publish,
)
