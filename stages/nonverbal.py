"""Find laughs, sighs and breaths of the source, so that they are heard in the dub."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.speech.vad import GATE
from dubkit.types.nonverbal import Nonverbal
from stages.shared.machine_code import COMMON, NETWORKS
from stages.shared.nonverbal import FILE, keeps_nonverbal
from stages.shared.songs import music


def items(context: Context) -> Sequence[Item]:
    words = [(s.start, s.end, s.speaker, [(w.start, w.end) for w in s.words]) for s in context.segments]
    inputs = {
        "extract/speech16k.wav": context.file_digest("extract", "speech16k.wav"),
        "diarization.json": context.artifact_digest("diarization.json"),
        "times of words": context.digest(words),
        "music": context.digest(music(context)),
    }
    model = context.model(GATE.role)
    return [Item(EPISODE, inputs=inputs, models={"vad": model.identity if model else GATE.name})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.nonverbal import nonverbal_sounds

    audio, turns = read_mono16(context.speech), context.diarization.turns
    sink.write_json(FILE, Nonverbal(nonverbal_sounds(audio, context.segments, turns, music(context))))
    sink.done(EPISODE, files=[FILE])


STAGE = Stage(
    name="nonverbal",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Finding laughs and breaths",
    done="searched for laughs and breaths",
    belongs=keeps_nonverbal,
    pace=0.01,
    needs=("extract", "diarize", "transcribe", "music"),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS),
    models=(GATE,),
    artifact=FILE,
)
