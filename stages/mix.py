"""Lay the spoken lines over the source's sound; samples outside the dubbed spans stay the source's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubkit.chain.stage import EPISODE, Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.store import file_digest
from dubkit.errors import MediaError
from dubkit.types import SAMPLE_BYTES, sample_at
from stages.shared.delivery import SOUND
from stages.shared.dubbed_lines import dubbed_lines

REPORT = "mix/mix.json"


def items(context: Context) -> Sequence[Item]:
    inputs = {"extract/audio.wav": context.file_digest("extract", "audio.wav")}
    for segment, line in dubbed_lines(context):
        record = context.record("speak", line.id)
        spoken = record is not None and not record.error
        place = [context.spoken_line(line.id), segment.start, segment.end] if spoken else ["nothing"]
        sound = [ref.sha256 for ref in record.files] if spoken and record else []
        inputs[f"speak/{line.id}"] = context.digest([*place, *sound])
    background = context.settings.mix.background
    if background:
        inputs["mix.background"] = file_digest(_background(Path(background)))
    return [Item(EPISODE, inputs=inputs)]


def _background(file: Path) -> Path:
    if not file.is_file():
        raise MediaError(file, "no such file", "Set mix.background to your music-and-effects track.")
    return file


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.mix import Placement, mix

    settings = context.settings.mix
    placements = []
    for segment, line in dubbed_lines(context):
        speech = context.take_file(line.id)
        if speech is None:
            continue  # the line failed: its own sound stays, and speak has recorded why
        source_span = (sample_at(segment.start), sample_at(segment.end))
        start = context.spoken_line(line.id).start_sample
        placements.append(Placement(line.id, speech, start, source_span, segment.speaker))
    with sink.write(SOUND) as temporary:
        report = mix(
            context.audio,
            placements,
            temporary,
            settings,
            channels=context.episode.channels,
            layout=context.layout,
            background=_background(Path(settings.background)) if settings.background else None,
        )
    sink.write_json(REPORT, report)
    sink.done(EPISODE, files=[SOUND, REPORT])


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    return Needs(disk=context.episode.samples * SAMPLE_BYTES * context.episode.channels)


STAGE = Stage(
    name="mix",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Mixing",
    done="mixed",
    pace=0.06,
    estimate=_needs,
    needs=("speak",),
    depends=("mix.duck_db", "mix.true_peak_db"),
    artifact=REPORT,
)
