"""Speak every line in its time, or take its sound from its generated clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.episode.recordings import SUFFIXES
from dubkit.errors import VoiceError
from dubkit.types import (
    SAMPLE_BYTES,
    SAMPLE_RATE,
    Line,
    Remark,
    Segment,
    SpokenLine,
    remark,
    sample_at,
)
from stages.shared.chunk_lines import speak_by_chunk
from stages.shared.clip_speech import ClipSpeech, clips_of, line_inputs
from stages.shared.cloning.references import cloned_voice
from stages.shared.deliveries import delivery_remarks, wished_pace
from stages.shared.dubbed_lines import driven_lines, dubbed_lines, lipdubbed_lines
from stages.shared.engine import makes_clips
from stages.shared.generator import clip_seed
from stages.shared.performance import performance, performance_inputs, spoken_as_asked
from stages.shared.playout import streams
from stages.shared.receipts import Counting, Receipts, counted, speech_needs, unheeded
from stages.shared.recording.recordings import recorded_line
from stages.shared.recording.remarks import recording_remarks
from stages.shared.recording.speech import recorded_item, write_recorded
from stages.shared.series_words import said_text
from stages.shared.slots import slots
from stages.shared.takes import chosen_speech
from stages.shared.timing_records import write_timing_records
from stages.shared.voices import (
    choose_voice,
    line_lengths,
    line_seed,
    open_voice,
    speaks_apart,
    voice_callers,
    voice_identity,
    voice_memory,
    voice_of,
    voice_settings,
    voiceless,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import Synthesiser, VoiceEngine
    from dubkit.voice.fit import Speech

SETTINGS = ("speak.min_speed", "speak.max_speed")

SEPARATE = frozenset({"voice", "delivery", "picture_seed"})
"""Fields of a line's edit that do not enter its key as edits: inputs have them, or speech ignores them."""


def _apart(field: str, value: object) -> bool:
    """Tell whether a field does not enter a key: a line that drives its lips is spoken as any other."""
    return field in SEPARATE or (field, value) == ("route", "drive")


LATE_MS = 40
"""Milliseconds by which a line may end after its source line without using the pause after it."""


def items(context: Context) -> Sequence[Item]:
    times, adapted = _times(context), context.adapted_texts
    texts = {line.id: line.text for line in context.translation.lines}
    due, generated = dubbed_lines(context), lipdubbed_lines(context)
    recorded = context.recordings.lines
    speaks = any(line.id not in generated and line.id not in recorded for _, line in due)
    silenced = voiceless(context) if speaks else ""
    speaks = speaks and not silenced
    engine = voice_identity(context) if speaks else ""
    limits = () if context.settings.timing.scheduled else SETTINGS
    settings = (*limits, *(voice_settings(context) if speaks else ()))
    items: list[Item] = []
    for segment, line in due:
        take = chosen_speech(context, line.id)
        if take is not None:
            items.append(take.item(line.id))
            continue
        if line.id in generated:
            inputs = line_inputs(context, segment)
            # Without its clips a line keeps the source's sound; the stage that failed says why.
            items += [Item(line.id, inputs=inputs)] if inputs else []
            continue
        spoken = recorded_line(context, line.id)
        if spoken is not None:
            items.append(recorded_item(context, spoken, line, times.get(line.id, {})))
            continue
        if silenced:
            why = f"Nobody recorded {line.id}, and {silenced[:1].lower()}{silenced[1:]}"
            items.append(Item(line.id, settings=(), problem=why))
            continue
        edits = edit_fields(context.placed.lines.get(segment.id))
        items.append(
            Item(
                line.id,
                inputs={
                    f"translate/{line.id}": context.digest([context.language, texts[line.id]]),
                    **({f"adapt/{line.id}": context.digest(adapted[line.id])} if line.id in adapted else {}),
                    f"cast/{segment.speaker}": context.digest(voice_of(context, segment)),
                    **times[line.id],
                    **performance_inputs(context, segment, line),
                },
                edits={name: value for name, value in edits.items() if not _apart(name, value)},
                models={"voice": engine},
                settings=settings,
            )
        )
    return items


def _times(context: Context) -> Mapping[str, Mapping[str, str]]:
    """Return what each line's time is made of, as it enters its key; empty before it is scheduled."""
    if not context.settings.timing.scheduled:
        slot_of = slots(context.segments, context.episode.samples)
        return {line: {"slot": context.digest(slot)} for line, slot in slot_of.items()}
    there = context.store.has("schedule.json", context.language)
    placed = {line.id: line for line in context.schedule.lines} if there else {}
    times = {
        name: context.digest([line.start_ms, line.length_ms]) if (line := placed.get(name)) else ""
        for name in (line.id for _, line in context.lines)
    }
    return {name: {f"schedule/{name}": time} for name, time in times.items()}


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    due, generated = {item.id for item in items}, lipdubbed_lines(context)
    lines = [(segment, line) for segment, line in dubbed_lines(context) if line.id in due]
    own = [pair for pair in lines if pair[1].id not in generated]
    recorded = [pair for pair in own if pair[1].id in context.recordings.lines]
    if recorded:
        write_recorded(context, recorded, _starts(context), sink)
    voiced = [pair for pair in own if pair not in recorded]
    if voiced:
        _speak(context, voiced, sink)
    if len(own) < len(lines):
        _cut(context, [(segment, line) for segment, line in lines if line.id in generated], sink)


def apart(context: Context, items: Sequence[Item]) -> list[list[Item]]:
    """Put each line that a local voice speaks into a group of its own, and all others together."""
    generated, recorded = lipdubbed_lines(context), context.recordings.lines
    voiced = [item for item in items if item.id not in generated and item.id not in recorded]
    others = [item for item in items if item not in voiced]
    alone = [[item] for item in voiced] if voiced and speaks_apart(context) else [voiced]
    return [group for group in (others, *alone) if group]


def _starts(context: Context) -> Mapping[str, int]:
    """Return the sample at which each line is due."""
    if context.settings.timing.scheduled:
        return {line.id: sample_at(line.start_ms / 1000) for line in context.schedule.lines}
    slot_of = slots(context.segments, context.episode.samples)
    return {line: slot.start_sample for line, slot in slot_of.items()}


def _cut(context: Context, lines: Sequence[tuple[Segment, Line]], sink: Sink) -> None:
    """Cut lines from the sound of their clips."""
    from dubkit.media.sound.audio import write_wav

    speech = ClipSpeech(context)
    for segment, line in lines:
        with sink.attempt(line.id):
            spoken_line, samples = speech.line(segment)
            with sink.take(segment.id) as take:
                write_wav(take.folder / "speech.wav", samples, SAMPLE_RATE)
                take.value = replace(
                    spoken_line, text=line.text, seed=clip_seed(context, clips_of(context, line.id)[0])
                )
                if "silent" in spoken_line.flags:
                    said = "The clip of the line was generated without speech."
                    take.remarks.append(remark("clip-silent", said, line.id))


@dataclass(frozen=True, slots=True)
class _Voiced:
    """A line as it was spoken: (N,) mono at 48 kHz with its record and what there is to say of it."""

    samples: NDArray[np.float32]
    line: SpokenLine
    remarks: tuple[Remark, ...] = ()


def _speak(context: Context, lines: Sequence[tuple[Segment, Line]], sink: Sink) -> None:
    """Speak lines with the voice engine, opened once, as many at a time as it can."""
    from dubkit.media.sound.audio import write_wav
    from dubkit.voice.receipts import stop
    from dubkit.voice.side_by_side import side_by_side

    engine = choose_voice(context).engine
    callers = min(voice_callers(context, engine), len(lines))
    synthesiser = open_voice(context, engine, callers)
    ways = _scheduled if context.settings.timing.scheduled else _slotted
    voiced = ways(context, engine, synthesiser)
    receipts, end = Receipts(context, engine, synthesiser), partial(stop, synthesiser)
    with side_by_side(lambda pair: voiced(*pair), lines, callers, end) as results:
        for (segment, line), result in zip(lines, results, strict=True):
            with sink.attempt(line.id):
                try:
                    one = result()
                finally:
                    receipt = receipts.of(segment, line)
                with sink.take(line.id) as take:
                    write_wav(take.folder / "speech.wav", one.samples, SAMPLE_RATE)
                    take.value = receipts.noted(one.line, receipt)
                    take.remarks.extend([*one.remarks, *unheeded(line.id, receipt)])
    if receipts.sentence:
        sink.say(receipts.sentence)


def _slotted(
    context: Context, engine: VoiceEngine, synthesiser: Synthesiser
) -> Callable[[Segment, Line], _Voiced]:
    """Return what speaks each line by itself, into the time of its source line and the pause after it."""
    from dubkit.voice.fit import CUT, fit_line

    slot_of = slots(context.segments, context.episode.samples)

    def voiced(segment: Segment, line: Line) -> _Voiced:
        speech, slot = _speech(context, engine, synthesiser, segment, line), slot_of[line.id]
        fitted = fit_line(speech, slot, context.settings.speak)
        said = "The speech did not fit into its time and was cut."
        spoken = SpokenLine(
            id=line.id,
            engine=engine.label,
            voice=_spoken_voice(context, segment, speech),
            start_sample=slot.start_sample,
            samples=len(fitted.samples),
            speed=fitted.speed,
            fit=fitted.fit,
            flags=fitted.flags,
            text=line.text,
            seed=speech.seed,
        )
        cut = (remark("line-cut", said, line.id),) if CUT in fitted.flags else ()
        samples = spoken_as_asked(context, engine, segment, line, fitted.samples)
        spoken = counted(context, spoken, speech.synthesiser)
        return _Voiced(samples, spoken, (*cut, *delivery_remarks(context, line, engine)))

    return voiced


def _scheduled(
    context: Context, engine: VoiceEngine, synthesiser: Synthesiser
) -> Callable[[Segment, Line], _Voiced]:
    """Return what speaks each line at the moment and to the length that the schedule gives it."""
    from dubkit.voice.timed import speak_to, told_samples

    placed, lengths = {line.id: line for line in context.schedule.lines}, line_lengths(context)

    def voiced(segment: Segment, line: Line) -> _Voiced:
        speech, time = _speech(context, engine, synthesiser, segment, line), placed.get(line.id)
        if time is None:
            raise VoiceError("The line has no time in the schedule, so it was not spoken.")
        natural = time.natural_ms * wished_pace(context, segment, line)  # the schedule has it as it is wished
        told = partial(told_samples, speech, lengths, sample_at(natural / 1000))
        timed = speak_to(speech, sample_at(time.length_ms / 1000), told, engine.speeds)
        late = time.start_ms + time.length_ms > time.source_end_ms + LATE_MS
        spoken = SpokenLine(
            id=line.id,
            engine=engine.label,
            voice=_spoken_voice(context, segment, speech),
            start_sample=sample_at(time.start_ms / 1000),
            samples=len(timed.samples),
            speed=timed.pace,
            fit="borrowed" if late else "faster" if timed.pace > 1 else "fits",
            flags=timed.flags,
            text=line.text,
            seed=speech.seed,
        )
        samples = spoken_as_asked(context, engine, segment, line, timed.samples)
        spoken = counted(context, spoken, speech.synthesiser)
        return _Voiced(samples, spoken, tuple(delivery_remarks(context, line, engine)))

    return voiced


def _spoken_voice(context: Context, segment: Segment, speech: Speech) -> str:
    """Return how the take of a line names its voice: that of the engine, or the speaker's own, cloned."""
    reference = speech.abilities.get("reference")
    return speech.voice if reference is None else cloned_voice(context, segment, reference)


def _speech(
    context: Context, engine: VoiceEngine, synthesiser: Synthesiser, segment: Segment, line: Line
) -> Speech:
    from dubkit.voice.fit import Speech

    voice, seed = voice_of(context, segment), line_seed(context, line.id)
    return Speech(
        Counting(synthesiser),
        said_text(context, engine.name, segment, line.text),
        voice,
        context.language,
        seed,
        engine.sentence_name,
        performance(context, engine, segment, line),
        "length" in engine.abilities,
    )


def _needs(context: Context, due: frozenset[str], share: float) -> Needs:
    return Needs(disk=int(context.episode.samples * SAMPLE_BYTES * share)) + speech_needs(context, due)


def _driving(context: Context) -> Sequence[Item]:
    """Return the items of the lines that the generator is given."""
    driven = driven_lines(context)
    return [item for item in items(context) if item.id in driven] if driven else []


STAGE = Stage(
    name="speak",
    version=2,
    scope="language",
    items=items,
    run=run,
    title="Speaking the lines",
    done="spoken",
    unit="line",
    pace=1.20,
    estimate=_needs,
    needs=("references", "translate", "cast", "adapt", "express", "schedule", "clips", "decode", "render"),
    beside=True,
    depends=SETTINGS,
    after=write_timing_records,
    notices=recording_remarks,
    accepts=lambda: SUFFIXES,
    folder=True,
    takes=True,
    apart=apart,
    memory=voice_memory,
)

DRIVE = replace(
    STAGE,
    name="drive",
    items=_driving,
    belongs=makes_clips,
    estimate=None,
    folder=False,
    part_of=STAGE.name,
    needs=("translate", "cast", "adapt", "express", "schedule", "clips"),
    after=None,
    pace=4.0,
    work=lambda _context, items: float(len(items)),
    weight=20.0,
)
"""The lines whose lips follow their speech are spoken before the generator works."""

BY_CHUNK = replace(
    STAGE,
    name="stream",
    run=partial(speak_by_chunk, run),
    title="Speaking chunk by chunk",
    belongs=streams,
    estimate=None,
    accepts=None,
    apart=None,
    folder=False,
    part_of=STAGE.name,
    needs=(*STAGE.needs, "nonverbal", "separate", "borders"),
    after=None,
    notices=None,
)
"""All lines, where chunks of the dub play while it is made: each is written once its lines are there."""
