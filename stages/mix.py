"""Lay the spoken lines over the source's sound; samples outside the dubbed spans stay the source's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.results import spoken_digest
from dubkit.episode.store import file_digest
from dubkit.errors import MediaError
from dubkit.media.sound.decay import EDITION
from dubkit.types import SAMPLE_BYTES, MixReport, Remark
from dubkit.types.remarks import remark
from stages.shared.bed import bed_file, bed_inputs
from stages.shared.deliveries import wished_energy
from stages.shared.dubbed_lines import dubbed_lines, lines_without_speech
from stages.shared.finished_dub import SOUND
from stages.shared.levels import changed_settings, kept_spans
from stages.shared.machine_code import COMMON
from stages.shared.nonverbal import nonverbal_inputs, nonverbal_remarks, nonverbal_spans
from stages.shared.placements import placement_of

if TYPE_CHECKING:
    from dubkit.media.sound.mix import Placement

REPORT = "mix/mix.json"
SETTINGS = ("mix.duck_db", "mix.true_peak_db")
OFF_BY_DEFAULT = (
    "mix.profile",
    "mix.lufs_target",
    "mix.style",
    "mix.ducking",
    "mix.limiter",
    "mix.room",
    "mix.mark",
    "stitch.stems",
)
"""Settings that enter the key only where they are not at their defaults."""
STEMS = "stems"


def items(context: Context) -> Sequence[Item]:
    inputs = {"extract/audio.wav": context.file_digest("extract", "audio.wav")}
    for segment, line in dubbed_lines(context):
        inputs[f"speak/{line.id}"] = spoken_digest(context, segment, context.record("speak", line.id))
    wished = {line.id: db for _, line in dubbed_lines(context) if (db := wished_energy(context, line))}
    if wished:
        inputs["deliveries"] = context.digest(wished)
    silent = sorted(lines_without_speech(context) & {line.id for _, line in dubbed_lines(context)})
    if silent:
        inputs["lines without speech"] = context.digest(silent)
    background = context.settings.mix.background
    if background:
        inputs["mix.background"] = file_digest(_background(Path(background)))
    else:
        inputs |= bed_inputs(context)
    inputs |= nonverbal_inputs(context)
    changed = changed_settings(context, *OFF_BY_DEFAULT)
    if changed:
        inputs["kept lines"] = context.digest(kept_spans(context))
    models = {"rooms": EDITION} if context.settings.mix.room == "auto" else {}
    return [Item(EPISODE, inputs=inputs, models=models, settings=(*SETTINGS, *changed))]


def _bed(context: Context) -> Path | None:
    """Return what replaces the source under speech: the user's own track before one that a stage made."""
    own = context.settings.mix.background
    return _background(Path(own)) if own else bed_file(context)


def _background(file: Path) -> Path:
    if not file.is_file():
        raise MediaError(file, "no such file", "Set mix.background to your music-and-effects track.")
    return file


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.mix import mix
    from dubkit.media.sound.stems import STEM_FILES

    settings = context.settings.mix
    silent = lines_without_speech(context)
    lines = (placement_of(context, segment, line, silent) for segment, line in dubbed_lines(context))
    # A line that failed keeps its own sound, and speak has recorded why.
    placements = [placement for placement in lines if placement is not None]
    stems = STEM_FILES if context.settings.stitch.stems else ()
    with ExitStack() as stack:
        temporary = stack.enter_context(sink.write(SOUND))
        parts = {name: stack.enter_context(sink.write(f"{STEMS}/{name}")) for name in stems}
        report = mix(
            context.audio,
            placements,
            temporary,
            settings,
            channels=context.episode.channels,
            layout=context.layout,
            background=_bed(context),
            kept=kept_spans(context),
            stems=parts or None,
            sounds=nonverbal_spans(context),
        )
    sink.write_json(REPORT, report)
    files = [SOUND, REPORT, *(f"{STEMS}/{name}" for name in stems)]
    sink.done(EPISODE, files=files, remarks=list(_remarks(placements, report)))


def _remarks(placements: Sequence[Placement], report: MixReport) -> Iterator[Remark]:
    if placements and not any(placement.heard for placement in placements):
        sentence = "Nobody is heard to speak in the source, so it sets no level for the dub."
        yield remark("level-of-its-own", sentence)
    yield from nonverbal_remarks(report)
    if report.levels:
        gain, name = report.levels.gain_db, report.levels.profile
        change = f"{abs(gain):.1f} dB {'louder' if gain >= 0 else 'softer'}"
        limited = report.levels.limited_db
        peaks = (
            f", and the limiter takes up to {limited:.1f} dB from peaks" if limited >= LEAST_LIMITED else ""
        )
        sentence = f"{name}: outside the lines the samples are the source's, {change}{peaks}."
        yield remark("sound-levelled", sentence)


LEAST_LIMITED = 0.1
"""Decibels of gain reduction below which nothing is said."""


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    files = 4 if context.settings.stitch.stems else 1
    return Needs(disk=files * context.episode.samples * SAMPLE_BYTES * context.episode.channels)


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
    needs=("nonverbal", "separate", "speak"),
    beside=True,
    cores=1,
    loads=COMMON,
    depends=SETTINGS,
    artifact=REPORT,
)
