"""Measure the finished dub, line by line and as a file, and write the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.line_states import TOO_LONG
from dubkit.media.picture.text_finder import TEXT_FINDER
from dubkit.qc.check import CHECKS, needed
from dubkit.qc.remarks import episode_remarks, listener_remarks
from dubkit.types import (
    SAMPLE_RATE,
    EpisodeQc,
    Line,
    LineQc,
    Remark,
    ScheduledLine,
    Segment,
    SpokenLine,
    Word,
    sample_at,
)
from stages.shared.asked_lines import start_allowance
from stages.shared.bed import meter_inputs, old_voice_db
from stages.shared.cloning.likeness import Likeness, likeness_inputs
from stages.shared.dubbed_lines import dubbed_lines, lines_without_speech
from stages.shared.finished_dub import dub_name
from stages.shared.host import part_settings
from stages.shared.levels import spoken_spans
from stages.shared.line_measures import EDITION, LineMeasures, measuring_models, read_take
from stages.shared.recogniser import (
    heard_by,
    hearing,
    hears_otherwise,
    listener_identity,
    recogniser_settings,
)
from stages.shared.report import said_before, shown, write_report
from stages.shared.report_timing import timing_inputs
from stages.shared.series_words import series_evidence, series_inputs
from stages.shared.sights import line_sights, sight_inputs, sight_remarks
from stages.shared.whole_dub import as_delivered, episode_evidence, mixed_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stages.shared.seen import LineSeen

HEARING = ("transcribe.beam",)
MEASURING = ("qc.round_trip", "qc.max_word_error")
TOGETHER = 26.0
"""Seconds of the episode that are heard together; the recogniser's window is 30 s."""
MOST_AT_ONCE = 8
"""Groups that are heard at the same time."""
MARGIN = 0.25
"""Seconds of the dub heard before and after a line."""


def items(context: Context) -> Sequence[Item]:
    listens = context.settings.qc.round_trip
    model = {"asr": listener_identity(context)} if listens else {}
    own = recogniser_settings(context) if listens else ()
    listening = [
        Item(group[0], inputs=_heard_inputs(context, group), models=model, settings=HEARING + own)
        for group in (_groups(context) if listens else ())
    ]
    shown = context.digest([context.lines, context.cast, context.prompts, said_before(context)])
    sound = context.file_digest("stitch", dub_name(context), language=context.language)
    heard = context.digest([[dict(item.inputs) for item in listening], context.settings.transcribe.beam])
    whole = {"stitch/dub": sound, "report": shown, "heard": heard}
    silent = sorted(lines_without_speech(context))
    if silent:
        whole["lines without speech"] = context.digest(silent)
    if context.mix_report.levels:
        whole["levels"] = context.digest([context.mix_report.levels, spoken_spans(context)])
    whole |= timing_inputs(context)
    whole |= meter_inputs(context)
    whole |= series_inputs(context)
    whole["shots.json"] = context.artifact_digest("shots.json")
    references, encoder = likeness_inputs(context)
    whole |= references
    pictures, finders = sight_inputs(context)
    whole |= pictures
    said = [(s.start, s.end, s.speaker, s.text) for s in context.segments]
    whole["measures"] = context.digest([EDITION, said])
    # dubkit's own checks stand under the version of this stage, another package's under its own.
    whole |= {f"check/{check.name}": context.digest(CHECKS.package(check.name)) for check in CHECKS.others}
    settings = (*MEASURING, *own, *_limits(context))
    models = model | encoder | measuring_models(context, needed(_tables(context))) | finders
    return [*listening, Item(EPISODE, inputs=whole, models=models, settings=settings)]


def _limits(context: Context) -> tuple[str, ...]:
    """Return the own settings of the checks that enter the key."""
    return tuple(
        name for check in CHECKS for name in part_settings(context, check.settings, f"qc.{check.name}")
    )


def _tables(context: Context) -> dict[str, object]:
    """Return the own settings of the checks, by the names of the checks."""
    return {
        check.name: context.settings.table(f"qc.{check.name}", check.settings)
        for check in CHECKS
        if check.settings is not None
    }


def _groups(context: Context) -> list[list[str]]:
    """Group neighbouring lines that are heard together, within one window of the recogniser.

    Alone, a short line lacks the context that makes it clear; the groups follow the source's
    times, so that a changed line changes its own group only.
    """
    groups: list[list[str]] = []
    begin = 0.0
    for segment, line in mixed_lines(context):
        if groups and segment.end - begin <= TOGETHER:
            groups[-1].append(line.id)
        else:
            groups.append([line.id])
            begin = segment.start
    return groups


def _heard_inputs(context: Context, group: Sequence[str]) -> dict[str, str]:
    # The level in the mix is left out: it changes a little with every other line, and the recogniser
    # brings what it hears to one level anyway.
    inputs = {"extract/audio.wav": context.file_digest("extract", "audio.wav")}
    for line in group:
        record = context.record("speak", line)
        if record is None or record.error:  # it will not be in the next mix
            inputs[f"speak/{line}"] = ""
            continue
        sound = [ref.sha256 for ref in record.files]
        inputs[f"speak/{line}"] = context.digest([context.spoken_line(line), sound])
    return inputs


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    due = {item.id for item in items}
    with context.store.scratch() as folder:
        sound = _decode(context, folder)
        groups = [group for group in _groups(context) if group[0] in due]
        if groups and context.settings.qc.round_trip:
            _listen(context, groups, sound, sink)
        if EPISODE in due:
            measured = _episode(context, sound)
            sink.write_json("qc.json", measured)
            here = context.fresh()
            write_report(here, measured)
            sink.done(
                EPISODE,
                value=shown(here, measured),
                files=["qc.json", "report.html"],
                remarks=[*episode_remarks(measured), *listener_remarks(measured), *sight_remarks(context)],
            )


def recall(context: Context) -> list[Remark]:
    """Return the remarks on a dub that was measured by an earlier version."""
    if not context.language or not context.store.has("qc.json", context.language):
        return []
    measured = context.store.read("qc.json", EpisodeQc, context.language)
    return [*episode_remarks(measured), *listener_remarks(measured)]


@dataclass(frozen=True, slots=True)
class DeliveredSound:
    """The dubbed track as it is in the finished file."""

    full: Path
    """48 kHz WAV."""
    speech: Path
    """16 kHz mono WAV."""


def _decode(context: Context, folder: Path) -> DeliveredSound:
    """Decode the dub as a player would; what is measured is what was delivered."""
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe

    dub = context.store.path(dub_name(context), context.language)
    sound = DeliveredSound(folder / "full.wav", folder / "speech.wav")
    decode_audio(dub, probe(dub, audio_track=1), sound.full, sound.speech)
    return sound


def _listen(context: Context, groups: Sequence[Sequence[str]], sound: DeliveredSound, sink: Sink) -> None:
    """Recognise the dub where the lines are spoken."""
    from dubkit.cores import usable_cores
    from dubkit.media.sound.audio import read_mono16
    from dubkit.qc.measures import align_heard
    from dubkit.qc.sharing import SaidLine, shared_out
    from dubkit.speech.at_once import in_order
    from dubkit.speech.settings import Transcribe

    engine, how = hearing(context)
    workers = min(usable_cores(), len(groups), MOST_AT_ONCE) if engine.side_by_side else 1
    recogniser = engine.open(replace(how.task, workers=workers))
    audio = read_mono16(sound.speech)
    settings = Transcribe(beam=how.task.settings.beam, language=context.language.split("-")[0])
    texts = {line.id: line.text for _, line in dubbed_lines(context)}
    heard_windows = [{line: _window(context, line) for line in group} for group in groups]

    def hear(windows: Mapping[str, tuple[float, float]]) -> tuple[Word, ...]:
        return recogniser.recognise(audio, list(windows.values()), settings).words

    heard = in_order(hear, heard_windows, workers)
    for group, windows, words in zip(groups, heard_windows, heard, strict=True):
        if hears_otherwise(context):
            said = [SaidLine(line, *_span(context, line), texts[line]) for line in group]
            sink.done(group[0], value=shared_out(words, said, context.language))
        else:
            spans = [(line, *window) for line, window in windows.items()]
            sink.done(group[0], value=align_heard(words, spans))


def _span(context: Context, line: str) -> tuple[float, float]:
    take = context.spoken_line(line)
    return take.start_sample / SAMPLE_RATE, (take.start_sample + take.samples) / SAMPLE_RATE


def _window(context: Context, line: str) -> tuple[float, float]:
    start, end = _span(context, line)
    return max(0.0, start - MARGIN), min(float(context.episode.duration), end + MARGIN)


@dataclass(frozen=True, slots=True)
class Measuring:
    """What the lines of an episode are measured with."""

    tables: Mapping[str, object]
    needs: frozenset[str]
    likeness: Likeness
    lines: LineMeasures

    @classmethod
    def of(cls, context: Context) -> Measuring:
        """Get ready what the checks that are asked need."""
        tables = _tables(context)
        needs = needed(tables)
        return cls(tables, needs, Likeness(context), LineMeasures(context, needs))


def _measure(
    context: Context,
    segment: Segment,
    line: Line,
    heard: str | None,
    sound: DeliveredSound,
    measuring: Measuring,
    sight: LineSeen | None,
) -> LineQc:
    from dubkit.media.sound.audio import read_span
    from dubkit.media.sound.loudness import dialogue_loudness
    from dubkit.qc.evidence import LineEvidence
    from dubkit.qc.measures import line_qc

    take, needs = context.spoken_line(line.id), measuring.needs
    source = (sample_at(segment.start), sample_at(segment.end))
    spoken = [] if segment.id in lines_without_speech(context) else [source]
    layout, picture = context.layout, context.episode.video
    placed = context.scheduled_line(line.id)
    voice = read_take(context, line.id)
    evidence = LineEvidence(
        id=line.id,
        text=line.text,
        language=context.language,
        heard=heard,
        line_start=segment.start,
        speech_start=take.start_sample / SAMPLE_RATE,
        speech=voice,
        rate=SAMPLE_RATE,
        frame=float(1 / picture.rate) if picture else 0.04,
        start_allowance=start_allowance(context, placed) if placed else None,
        source_lufs=as_delivered(context, dialogue_loudness(context.audio, spoken, layout)),
        dub_lufs=dialogue_loudness(
            sound.full, [(take.start_sample, take.start_sample + take.samples)], layout
        ),
        sound=read_span(sound.full, *source) if "sound" in needs else None,
        source=read_span(context.audio, *source) if "source" in needs else None,
        delivered=_around(sound.full, take) if "delivered" in needs else None,
        likeness=measuring.likeness.of(line.id, voice),
        old_voice_db=old_voice_db(context, line.id),
        fit=take.fit,
        flags=tuple(dict.fromkeys((*segment.flags, *line.flags, *take.flags, *_too_long(placed)))),
        settings=context.settings.qc,
        **series_evidence(context, segment, line),
        pictures=sight.pictures if sight else None,
        letters=sight.letters if sight else None,
    )
    return line_qc(measuring.lines.added_to(evidence), measuring.tables)


def _around(dub: Path, take: SpokenLine) -> NDArray[np.float64]:
    """Return the dub's sound around a take, with silence where it has not begun or is over."""
    import numpy as np

    from dubkit.media.sound.audio import read_span
    from dubkit.qc.evidence import DELIVERED_AROUND

    beside = round(DELIVERED_AROUND * SAMPLE_RATE)
    first, length = take.start_sample - beside, take.samples + 2 * beside
    sound = read_span(dub, max(0, first), first + length)
    before = max(0, -first)
    return np.pad(sound, ((before, max(0, length - before - len(sound))), (0, 0)))


def _too_long(placed: ScheduledLine | None) -> tuple[str, ...]:
    return (TOO_LONG,) if placed is not None and placed.hurried else ()


def _heard(context: Context) -> dict[str, str]:
    """Return what was heard for each line; empty without `qc.round_trip`."""
    heard: dict[str, str] = {}
    for group in _groups(context) if context.settings.qc.round_trip else ():
        record = context.store.record("qc", group[0], context.language)
        if record and not record.error:
            heard |= record.value
    return heard


def _episode(context: Context, sound: DeliveredSound) -> EpisodeQc:
    from dubkit.qc.measures import episode_qc

    heard, measuring, sights = _heard(context), Measuring.of(context), line_sights(context)
    lines = [
        _measure(context, segment, line, heard.get(line.id), sound, measuring, sights.get(line.id))
        for segment, line in mixed_lines(context)
    ]
    measured = episode_qc(lines, episode_evidence(context, lines, sound.full), measuring.tables)
    listener = heard_by(context) if heard else None
    return measured if listener is None else replace(measured, listener=listener)


STAGE = Stage(
    name="qc",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Measuring the result",
    done="measured",
    pace=0.45,
    needs=("stitch",),
    beside=True,
    depends=MEASURING,
    artifact="qc.json",
    describes=True,
    recall=recall,
    models=(TEXT_FINDER,),
)
