"""Speak every line into its slot, or take its sound from its generated clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.errors import DubkitError
from dubkit.types import SAMPLE_BYTES, SAMPLE_RATE, Line, Segment, Slot, SpokenLine, sample_at
from stages.shared.clip_speech import ClipSpeech, clips_of, line_inputs
from stages.shared.dubbed_lines import dubbed_lines, lipdubbed_lines
from stages.shared.generator import clip_seed
from stages.shared.takes import chosen_speech
from stages.shared.voices import choose_voice, open_voice, voice_identity, voice_settings

SETTINGS = ("speak.min_speed", "speak.max_speed")

BREATH = sample_at(0.06)
"""Samples of silence kept before the next line when a line borrows the pause after it."""


def slots(segments: Sequence[Segment], samples: int) -> dict[str, Slot]:
    """Return the slot of every segment on the episode clock; `samples` is the episode's length.

    A line may run past its source line into the pause after it, never into the next line. Where two
    source lines overlap, each keeps its own time.
    """
    ordered = sorted(segments, key=lambda s: (s.start, s.id))
    starts = [sample_at(s.start) for s in ordered]
    by_id: dict[str, Slot] = {}
    for position, segment in enumerate(ordered):
        start = min(starts[position], samples)
        end = min(max(sample_at(segment.end), start), samples)
        following = starts[position + 1] if position + 1 < len(ordered) else samples + BREATH
        limit = min(max(end, following - BREATH), samples)
        by_id[segment.id] = Slot(start, end, limit)
    return by_id


def voice_of(context: Context, segment: Segment) -> str:
    """Return the voice of a line: that of its hand edit, else its speaker's."""
    edit = context.placed.lines.get(segment.id)
    if edit is not None and edit.voice:
        return edit.voice
    return next((s.voice for s in context.cast.speakers if s.id == segment.speaker), "")


def items(context: Context) -> Sequence[Item]:
    slot_of = slots(context.segments, context.episode.samples)
    texts = {line.id: line.text for line in context.translation.lines}
    due, generated = dubbed_lines(context), lipdubbed_lines(context)
    speaks = any(line.id not in generated for _, line in due)
    engine = voice_identity(context) if speaks else ""
    settings = (*SETTINGS, *(voice_settings(context) if speaks else ()))
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
        edits = edit_fields(context.placed.lines.get(segment.id))
        items.append(
            Item(
                line.id,
                inputs={
                    f"translate/{line.id}": context.digest([context.language, texts[line.id]]),
                    f"cast/{segment.speaker}": context.digest(voice_of(context, segment)),
                    "slot": context.digest(slot_of[line.id]),
                },
                edits={name: value for name, value in edits.items() if name not in ("voice", "delivery")},
                models={"voice": engine},
                settings=settings,
            )
        )
    return items


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    due, generated = {item.id for item in items}, lipdubbed_lines(context)
    lines = [(segment, line) for segment, line in dubbed_lines(context) if line.id in due]
    voiced = [pair for pair in lines if pair[1].id not in generated]
    if voiced:
        _speak(context, voiced, sink)
    if len(voiced) < len(lines):
        _cut(context, [(segment, line) for segment, line in lines if line.id in generated], sink)


def _cut(context: Context, lines: Sequence[tuple[Segment, Line]], sink: Sink) -> None:
    """Cut lines from the sound of their clips."""
    from dubkit.media.sound.audio import write_wav

    speech = ClipSpeech(context)
    for segment, line in lines:
        spoken_line, samples = speech.line(segment)
        with sink.take(segment.id) as take:
            write_wav(take.folder / "speech.wav", samples, SAMPLE_RATE)
            take.value = replace(
                spoken_line, text=line.text, seed=clip_seed(context, clips_of(context, line.id)[0])
            )
            if "silent" in spoken_line.flags:
                take.degraded.append(f"{segment.id} was generated without speech")


def _speak(context: Context, lines: Sequence[tuple[Segment, Line]], sink: Sink) -> None:
    """Speak lines with the voice engine, opened once."""
    from dubkit.media.sound.audio import write_wav
    from dubkit.voice.fit import CUT, Speech, fit_line

    engine = choose_voice(context).engine
    synthesiser = open_voice(context, engine)
    slot_of = slots(context.segments, context.episode.samples)
    for segment, line in lines:
        voice, slot, seed = voice_of(context, segment), slot_of[line.id], _seed(context, line.id)
        try:
            speech = Speech(synthesiser, line.text, voice, context.language, seed, engine.sentence_name)
            fitted = fit_line(speech, slot, context.settings.speak)
        except DubkitError as error:
            sink.fail(line.id, error)
            continue
        with sink.take(line.id) as take:
            write_wav(take.folder / "speech.wav", fitted.samples, SAMPLE_RATE)
            take.value = SpokenLine(
                id=line.id,
                engine=engine.label,
                voice=voice,
                start_sample=slot.start_sample,
                samples=len(fitted.samples),
                speed=fitted.speed,
                fit=fitted.fit,
                flags=fitted.flags,
                text=line.text,
                seed=seed,
            )
            if CUT in fitted.flags:
                take.degraded.append(f"{line.id} did not fit its slot and was cut")


def _seed(context: Context, line: str) -> int | None:
    edit = context.placed.lines.get(line)
    return edit.seed if edit is not None else None


def _needs(context: Context, _due: frozenset[str], share: float) -> Needs:
    return Needs(disk=int(context.episode.samples * SAMPLE_BYTES * share))


STAGE = Stage(
    name="speak",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Speaking the lines",
    done="spoken",
    unit="line",
    pace=1.20,
    estimate=_needs,
    needs=("translate", "cast", "clips", "decode", "render"),
    depends=SETTINGS,
    takes=True,
)
