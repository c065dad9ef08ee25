"""Take the voices out of the source's sound, and listen whether they are gone.

Two items: `voice` is the costly separation, `bed` what is left of the sound with the meter on it, so that a
corrected word needs no new separation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import UnsetType

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.media.separation.separator import (
    SEPARATORS,
    SeparationTask,
    Separator,
    Span,
    choose_separator,
)
from dubkit.types import SAMPLE_BYTES, SAMPLE_RATE, Remark, remark, sample_at
from dubkit.types.separation import BedLevel, Leak, Separation
from stages.shared.bed import BED, BED_ITEM, REPORT, VOICE, separates
from stages.shared.host import RunHost, part_identity, part_settings
from stages.shared.recogniser import open_recogniser, recogniser_identity, recogniser_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOICE_ITEM = "voice"

PAD = 0.25
"""Seconds around speech in which a voice may still sound."""
BRIDGED = 1.0
"""Pauses up to this long stay inside a span, so that the bed does not change back and forth."""

MOST_LEAKING = 0.5
"""Share of segments whose words are heard in the bed, from which separation is not used at all."""
HEARD_DB = -15.0
"""Level of the old voice against itself in the source, above which a segment is ducked instead."""
LOST_DB = -3.0
"""Level of the bed against the music, in the middle of all segments, below which music is lost. Of two
measures the higher one counts; in 36 mixes of known speech and music it lay 0.9 dB below to 1.4 dB above the
truth."""
LOST_WITHOUT_PAUSES_DB = -6.0
"""The same where nearly nobody pauses. Then only the measure between the voices is there, which lies up to
4 dB too low under dense speech."""
METER = "2"
"""Raise it where the meter finds other levels: the bed is then judged anew, and no voice separated again."""
SETTINGS = ("separate.method",)


def items(context: Context) -> Sequence[Item]:
    separator, task = chosen(context)
    inputs = {"extract/audio.wav": context.file_digest("extract", "audio.wav")}
    inputs["times of speech"] = context.digest(speech(context))
    models = {"separator": ""}
    settings: tuple[str, ...] = SETTINGS
    if separator is not None:
        models["separator"] = part_identity(SEPARATORS, separator, separator.identity(task))
        settings += part_settings(context, separator.settings, separator.table)
    words = {"transcribe/words": context.digest(tuple((s.id, s.text, s.words) for s in context.segments))}
    listening = {"asr": recogniser_identity(context)}
    return [
        Item(VOICE_ITEM, inputs=inputs, models=models, settings=settings),
        Item(
            BED_ITEM,
            inputs=inputs | words,
            models=models | listening | {"meter": METER},
            settings=(*settings, "mix.duck_db", *recogniser_settings(context)),
        ),
    ]


def chosen(context: Context) -> tuple[Separator | None, SeparationTask]:
    """Return the separator of this run, or None where `auto` finds none that can work, and its task."""
    task = SeparationTask(context.settings.separate, RunHost(context))
    separator = choose_separator(task)
    return separator, task if separator is None else task.for_separator(separator)


def speech(context: Context) -> list[Span]:
    """Return the samples in which somebody speaks, by the turns and by the segments."""
    from dubkit.media.separation.stems import speech_spans

    times = [(turn.start, turn.end) for turn in context.diarization.turns]
    times += [(segment.start, segment.end) for segment in context.segments]
    return speech_spans(times, context.episode.samples, pad=PAD, bridged=BRIDGED)


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    separator, task = chosen(context)
    due = {item.id for item in items}
    if separator is None:
        _give_up(sink, due)
        return
    if VOICE_ITEM in due:
        sink.say(f"separation: {separator.title}")
        from dubkit.media.separation.stems import write_voice

        with sink.write(VOICE) as temporary:
            finder = separator.open(task)
            write_voice(context.audio, temporary, finder, context.layout, speech(context), sink.advance)
        sink.done(VOICE_ITEM, files=[VOICE])
    if BED_ITEM in due:
        _make_bed(context, separator, sink)


def _give_up(sink: Sink, due: set[str]) -> None:
    reason = "nothing on this machine can separate. Run: dubkit doctor"
    sink.write_json(REPORT, Separation("", used=False, reason=reason))
    said = remark("ducked-instead", f"The source's sound is turned down under the dub: {reason}.")
    for item in due:
        sink.done(item, files=[REPORT] if item == BED_ITEM else [], remarks=[said])


def _make_bed(context: Context, separator: Separator, sink: Sink) -> None:
    """Write the bed, listen to it, and duck what still speaks."""
    done = _written(context, separator.name, (), sink)
    leaks, listener = _leaks(context)
    levels = _levels(context)
    reason = _harm(context, leaks, levels)
    leaking = _leaking(leaks, levels)
    if leaking and not reason:
        done = _written(context, separator.name, _around(context, leaking), sink)
    done = replace(done, used=not reason, reason=reason, leaks=leaks, levels=levels, listener=listener)
    sink.write_json(REPORT, done)
    sink.done(BED_ITEM, files=[BED, REPORT], remarks=_remarks(context, done))


def _written(context: Context, method: str, ducked: tuple[Span, ...], sink: Sink) -> Separation:
    from dubkit.media.separation.stems import low_effects, write_bed

    spans = tuple(speech(context))
    voice = context.store.path(VOICE)
    with sink.write(BED) as temporary:
        write_bed(
            context.audio,
            voice,
            temporary,
            spans,
            ducked,
            context.settings.mix.duck_db,
            spared=low_effects(context.layout, context.episode.channels),
        )
    return Separation(method, used=True, reason="", spans=spans, ducked=ducked)


def _around(context: Context, leaking: set[str]) -> tuple[Span, ...]:
    """Return the samples of some segments and a little around them."""
    from dubkit.media.separation.stems import speech_spans

    times = [(s.start, s.end) for s in context.segments if s.id in leaking]
    return tuple(speech_spans(times, context.episode.samples, pad=PAD, bridged=0.0))


def _leaks(context: Context) -> tuple[tuple[Leak, ...], str]:
    """Return the source's words that are heard in the bed, and what listened; nothing where nothing can."""
    from dubkit.media.separation.leak import leaked_words

    spans = [(segment.start, segment.end) for segment in context.segments]
    if not spans:
        return (), ""
    try:
        recogniser = open_recogniser(context)
    except DubkitError:
        return (), ""
    settings = replace(context.settings.transcribe, language=context.source_language)
    heard = recogniser.recognise(_bed16(context), spans, settings)
    return leaked_words(context.segments, heard.words), recogniser.name


def _bed16(context: Context) -> NDArray[np.float32]:
    """Return the bed as speech models listen to it: mono (S,) at 16 kHz."""
    import numpy as np

    from dubkit.media.separation.program import resampled
    from dubkit.media.sound.audio import open_wav, read_open
    from dubkit.types import ASR_RATE, SAMPLE_RATE

    with open_wav(context.store.path(BED)) as file:

        def read(start: int, end: int) -> NDArray[np.float32]:
            return np.asarray(read_open(file, start, end).mean(axis=1), dtype=np.float32)

        return np.concatenate([*resampled(read, file.frames, SAMPLE_RATE, ASR_RATE), np.zeros(0, np.float32)])


def _levels(context: Context) -> tuple[BedLevel, ...]:
    from dubkit.media.separation.leak import PAUSE_SECONDS, bed_level
    from dubkit.media.sound.audio import open_wav, read_open

    levels = []
    with (
        open_wav(context.store.path(BED)) as bed,
        open_wav(context.store.path(VOICE)) as voice,
        open_wav(context.audio) as mixed,
    ):
        beside = round(PAUSE_SECONDS * SAMPLE_RATE)
        for segment in context.segments:
            start, end = sample_at(segment.start), sample_at(segment.end)
            first, last = max(0, start - beside), min(mixed.frames, end + beside)
            sounds = [read_open(file, first, last) for file in (mixed, voice, bed)]
            levels.append(bed_level(segment, *sounds, before=start - first, after=max(0, last - end)))
    return tuple(levels)


def _harm(context: Context, leaks: Sequence[Leak], levels: Sequence[BedLevel]) -> str:
    """Return why the bed is worse than ducking for the episode as a whole; empty where it is not."""
    segments = context.segments
    leaking = _leaking(leaks, levels)
    if segments and len(leaking) > MOST_LEAKING * len(segments):
        return f"the old voice is still heard under {len(leaking)} of {len(segments)} lines"
    if segments and all(level.old_voice_db is None for level in levels):
        return "it found no voice where the source speaks"
    return _lost(levels)


def _lost(levels: Sequence[BedLevel]) -> str:
    """Return how much of the music is lost, in words; empty where it is not too much."""
    from statistics import median

    music = [(level.music_db, level.pauses_db) for level in levels if level.music_db is not None]
    paused = 2 * sum(not isinstance(pauses, UnsetType) for _, pauses in music) >= len(music)
    found = [one if isinstance(pauses, UnsetType) else max(one, pauses) for one, pauses in music]
    if found and median(found) < (LOST_DB if paused else LOST_WITHOUT_PAUSES_DB):
        return f"music would be {-median(found):.1f} dB too quiet under speech"
    return ""


def _leaking(leaks: Sequence[Leak], levels: Sequence[BedLevel]) -> set[str]:
    """Return the segments whose old voice is still heard, by its words or by its level."""
    loud = {
        level.segment for level in levels if level.old_voice_db is not None and level.old_voice_db > HEARD_DB
    }
    return loud | {leak.segment for leak in leaks}


def _remarks(context: Context, done: Separation) -> list[Remark]:
    named = context.settings.separate.method != "auto"
    code = "separation-not-used" if named else "ducked-instead"
    if not done.used:
        said = f"The source's sound is turned down under the dub, because {done.reason}."
        return [remark(code, said)]
    words = {leak.segment: f"“{leak.words}”" for leak in done.leaks}
    levels = {level.segment: f"{level.old_voice_db} dB" for level in done.levels}
    return [
        remark(code, f"The old voice is still heard in the bed: {(levels | words)[segment]}.", segment)
        for segment in sorted(_leaking(done.leaks, done.levels))
    ]


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    return Needs(disk=2 * context.episode.samples * SAMPLE_BYTES * context.episode.channels)


STAGE = Stage(
    name="separate",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Taking voices out of the sound",
    done="separated",
    aliases=("separation",),
    belongs=separates,
    pace=0.6,
    estimate=_needs,
    needs=("extract", "diarize", "transcribe"),
    beside=True,
    depends=SETTINGS,
    artifact=REPORT,
)
