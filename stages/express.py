"""Plan how each line is said: as its text or the voice of the source says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Setup, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import Line, Segment
from dubkit.types.voices import Delivery, Expression, LinePlan, Manner
from stages.shared.dubbed_lines import dubbed_lines
from stages.shared.machine_code import COMMON, LANGUAGE, NETWORKS
from stages.shared.model_memory import language_model_bytes

if TYPE_CHECKING:
    from dubkit.voice.settings import Expressive

FILE = "expressive.json"
PLANS = "expressive/plans"

SETTINGS = ("express.mode", "express.strength", "express.emotion", "express.debug")


def items(context: Context) -> Sequence[Item]:
    from dubkit.speech.pitch import estimator

    lines = [(s.id, s.start, s.end, s.speaker, s.text, line.text) for s, line in dubbed_lines(context)]
    inputs = {"lines": context.digest(lines)}
    if context.settings.express.mode == "text-only":
        return [Item(EPISODE, inputs=inputs)]
    inputs["extract/speech16k.wav"] = context.file_digest("extract", "speech16k.wav")
    return [Item(EPISODE, inputs=inputs, models={"pitch": estimator()})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    lines, own = dubbed_lines(context), context.settings.express
    manners = _manners(context, lines) if own.mode != "text-only" else {}
    usual = _usual(lines, manners)
    plans = [_plan(s, line, manners.get(line.id), usual.get(s.speaker), own) for s, line in lines]
    sink.write_json(FILE, Expression(context.language, tuple(p for p in plans if p.delivery != Delivery())))
    files = [FILE]
    if own.debug:
        files += [f"{PLANS}/{plan.id}.json" for plan in plans]
        for plan in plans:
            sink.write_json(f"{PLANS}/{plan.id}.json", plan)
    sink.done(EPISODE, files=files)


def _manners(context: Context, lines: Sequence[tuple[Segment, Line]]) -> dict[str, Manner]:
    """Return how every source line sounds."""
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.manner import measure_manner
    from dubkit.speech.pitch import pitch_contour

    audio = read_mono16(context.speech)
    contour = pitch_contour(audio)
    return {line.id: measure_manner(audio, contour, s.start, s.end, s.text) for s, line in lines}


def _usual(lines: Sequence[tuple[Segment, Line]], manners: Mapping[str, Manner]) -> dict[str, Manner]:
    """Return the usual manner of every speaker who has one."""
    from dubkit.voice.expression import usual_manner

    spoken: dict[str, list[Manner]] = {}
    for segment, line in lines:
        if line.id in manners:
            spoken.setdefault(segment.speaker, []).append(manners[line.id])
    found = {speaker: usual_manner(heard) for speaker, heard in spoken.items()}
    return {speaker: usual for speaker, usual in found.items() if usual is not None}


def _plan(
    segment: Segment, line: Line, manner: Manner | None, usual: Manner | None, own: Expressive
) -> LinePlan:
    """Return the plan of a line: words in brackets first where asked, then the sound, then the text."""
    from dubkit.voice.expression import CLEAN, plan_of_sound, plan_of_text, tags_of
    from dubkit.voice.wishes import read_wish

    tags = tags_of(f"{segment.text} {line.text}") if own.emotion == "tags" else ""
    if tags:
        return LinePlan(line.id, "tags", read_wish(tags).delivery, manner, usual)
    heard = manner is not None and usual is not None
    clean = own.mode == "source-audio" or (manner is not None and manner.above_noise >= CLEAN)
    if heard and clean:
        assert manner is not None
        assert usual is not None
        return LinePlan(line.id, "sound", plan_of_sound(manner, usual, own.strength), manner, usual)
    return LinePlan(line.id, "text", plan_of_text(line.text, own.strength), manner, usual)


def expressive(setup: Setup) -> bool:
    """Tell whether the lines of a run are spoken as the source does."""
    return setup.settings.express.mode != "off"


STAGE = Stage(
    name="express",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Planning the delivery",
    done="planned",
    belongs=expressive,
    pace=0.01,
    needs=("translate", "cast", "adapt", "clips"),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS, *LANGUAGE),
    memory=language_model_bytes,
    depends=SETTINGS,
    artifact=FILE,
)
