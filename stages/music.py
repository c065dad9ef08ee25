"""Mark music and singing in the source."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.speech.marks import EVENTS
from dubkit.types.music import Music
from stages.shared.machine_code import COMMON, NETWORKS
from stages.shared.songs import REPORT, marks_songs


def items(context: Context) -> Sequence[Item]:
    inputs = {"extract/speech16k.wav": context.file_digest("extract", "speech16k.wav")}
    model = context.model(EVENTS.role)
    return [Item(EPISODE, inputs=inputs, models={"events": model.identity if model else EVENTS.name})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.marks import sound_spans

    spans = sound_spans(read_mono16(context.speech))
    heard = tuple(span for span in spans if span.kind != "speech")
    sink.write_json(REPORT, Music(heard, EVENTS.name))
    sink.done(EPISODE, files=[REPORT])


STAGE = Stage(
    name="music",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Marking songs and music",
    done="searched for music",
    belongs=marks_songs,
    pace=0.01,
    needs=("extract",),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS),
    models=(EVENTS,),
    artifact=REPORT,
)
