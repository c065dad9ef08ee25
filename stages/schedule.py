"""Schedule the lines: when each is spoken and how long it takes, all lines of a block weighed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dubkit.chain.stage import Item, Setup, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.places import item_names
from dubkit.episode.store import canonical, decode_json
from dubkit.types import Remark, Schedule, ScheduledLine, remark
from dubkit.types.voices import Reference
from dubkit.voice.schedule.asked import Limits
from dubkit.voice.schedule.blocks import Block, blocks
from dubkit.voice.schedule.solving import solve_blocks, solver_name
from dubkit.voice.schedule.weights import RUSH
from stages.shared.asked_lines import AskedLine, asked_lines, kept_lines, milliseconds, schedule_limits
from stages.shared.deliveries import wished_pace
from stages.shared.dubbed_lines import dubbed_lines
from stages.shared.machine_code import COMMON, LANGUAGE, NETWORKS
from stages.shared.people.modes import clones
from stages.shared.performance import cloned_from, cloned_input
from stages.shared.series_words import said_inputs, said_text
from stages.shared.voices import choose_voice, line_lengths, voice_identity, voice_settings

SETTINGS = ("timing.min_pace", "timing.max_pace", "timing.pacing")

ROUNDED = 0.005
"""What a pace may be beyond another one of which two digits are shown."""

NAMED = 8
"""Lines before and after one that the reasons of a plan can name; those further off are its block."""


def items(context: Context) -> Sequence[Item]:
    asked, limits = asked_lines(context), schedule_limits(context)
    speaks = any(one.placed.fixed_length_ms is None for one in asked.values())
    models = {"voice": voice_identity(context)} if speaks else {}
    settings = (*SETTINGS, *(voice_settings(context) if speaks else ()))
    digests = {
        name: context.digest(
            [
                *(context.language, one.line.text, one.voice, one.placed),
                *_pace(context, one),
                *_cloned(context, one).values(),
                *_said_inputs(context, one).values(),
            ]
        )
        for name, one in asked.items()
    } | {kept.id: context.digest(kept) for kept in kept_lines(context)}
    return [
        Item(
            line.id,
            inputs=_own_inputs(context, asked[line.id])
            | _block_inputs(context, block, place, digests, limits),
            models=models,
            settings=settings,
        )
        for block in _blocks(context, asked, limits)
        for place, line in enumerate(block.lines)
        if line.id in asked
    ]


def _blocks(context: Context, asked: Mapping[str, AskedLine], limits: Limits) -> list[Block]:
    """Return the blocks of the lines that get a time and of those whose own sound stays."""
    return blocks([*(one.placed for one in asked.values()), *kept_lines(context)], limits)


def _own_inputs(context: Context, one: AskedLine) -> dict[str, str]:
    """Return what of a line itself its time depends on."""
    return {
        f"translate/{one.line.id}": context.digest([context.language, one.line.text]),
        f"cast/{one.segment.speaker}": context.digest(one.voice),
        f"times/{one.line.id}": context.digest(replace(one.placed, reckoned_ms=0)),
        **({f"delivery/{one.line.id}": context.digest(pace)} if (pace := _pace(context, one)) else {}),
        **_cloned(context, one),
        **_said_inputs(context, one),
    }


def _pace(context: Context, one: AskedLine) -> list[float]:
    """Return the pace that a line is to have, where it is another than the voice's own."""
    pace = wished_pace(context, one.segment, one.line)
    return [pace] if pace != 1.0 else []


def _cloned(context: Context, one: AskedLine) -> dict[str, str]:
    """Return the recording that a line's voice is cloned from, as it enters keys."""
    return cloned_input(context, choose_voice(context).engine, one.segment) if clones(context) else {}


def _said_inputs(context: Context, one: AskedLine) -> dict[str, str]:
    """Return how the series says words of a line, as it enters keys."""
    if context.series is None or one.placed.fixed_length_ms is not None:
        return {}
    return said_inputs(context, choose_voice(context).engine.name, one.segment, one.line.text)


def _said(context: Context, one: AskedLine) -> str:
    """Return what the voice is given for a line."""
    if context.series is None:
        return one.line.text
    return said_text(context, choose_voice(context).engine.name, one.segment, one.line.text)


def _reference(context: Context, one: AskedLine) -> Reference | None:
    """Return the recording that a line's voice is cloned from; None for a voice of the engine."""
    return cloned_from(context, choose_voice(context).engine, one.segment) if clones(context) else None


def _block_inputs(
    context: Context, block: Block, place: int, digests: Mapping[str, str], limits: Limits
) -> dict[str, str]:
    """Return what else is said between the same silences, and the time that all of it has."""
    near = range(max(0, place - NAMED), min(len(block.lines), place + NAMED + 1))
    others = {f"block/{block.lines[at].id}": digests[block.lines[at].id] for at in near if at != place}
    far = [digests[line.id] for at, line in enumerate(block.lines) if at not in near]
    return {
        **others,
        **({"block/further lines": context.digest(far)} if far else {}),
        "block/room": context.digest([block.begin_ms, block.end_ms, limits.frame_ms]),
    }


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    asked, limits = asked_lines(context), schedule_limits(context)
    due = {item.id for item in items}
    found = _blocks(context, asked, limits)
    wanted = [block for block in found if any(line.id in due for line in block.lines)]
    spreads: dict[str, float] = {}
    moved = []
    for placed in solve_blocks(_with_lengths(context, wanted, asked, spreads), limits):
        if placed.id not in due:
            continue
        line = replace(placed, spread=spreads.get(placed.id, 0.0), text=asked[placed.id].line.text)
        before = _before(context, line.id)
        if before is not None and before.start_ms != line.start_ms:
            moved.append((line.id, line.start_ms - before.start_ms))
        sink.done(line.id, value=line, remarks=_remarks(context, line))
    if moved:
        sink.say(_moves(context, moved))


def _with_lengths(
    context: Context, wanted: Sequence[Block], asked: Mapping[str, AskedLine], spreads: dict[str, float]
) -> list[Block]:
    """Return blocks with the length of every text that is not spoken yet; their spreads go into `spreads`."""
    open_lines = [line for block in wanted for line in block.lines if line.fixed_length_ms is None]
    if not open_lines:
        return list(wanted)
    lengths, natural = line_lengths(context, speaking=True), {}
    for line in open_lines:
        one = asked[line.id]
        length = lengths.ask(
            _said(context, one),
            voice=one.voice,
            language=context.language,
            reference=_reference(context, one),
        )
        wished = length.seconds / wished_pace(context, one.segment, one.line)
        natural[line.id], spreads[line.id] = max(1, milliseconds(wished)), length.spread
    return [
        replace(
            block,
            lines=tuple(
                replace(line, natural_ms=natural.get(line.id, line.natural_ms)) for line in block.lines
            ),
        )
        for block in wanted
    ]


def _before(context: Context, line: str) -> ScheduledLine | None:
    record = context.record("schedule", line)
    return decode_json(canonical(record.value), ScheduledLine) if record and record.value else None


def _moves(context: Context, moved: Sequence[tuple[str, int]]) -> str:
    names = item_names(context)
    listed = [f"{names[line]} by {by / 1000:+.2f} s" for line, by in moved]
    shown = ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
    return f"schedule {context.language}: moved {shown}"


def _remarks(context: Context, line: ScheduledLine) -> list[Remark]:
    if not line.hurried:
        return []
    said = (
        f"Its text is too long by {line.too_long_ms / 1000:.1f} s: "
        f"it is spoken at {line.pace:.2f} times the voice's own pace."
    )
    shorter = _shorter(context, line)
    code = "line-far-too-long" if line.pace > RUSH + ROUNDED else "line-too-long"
    return [remark(code, f"{said} Shorter: “{shorter}”" if shorter else said, line.id)]


def _shorter(context: Context, line: ScheduledLine) -> str:
    """Return the shortest text that a line may have, where it is shorter than its own."""
    texts = next((adapted for adapted in context.adaptation.lines if adapted.id == line.id), None)
    sound = [one for one in texts.candidates if not one.losses] if texts else []
    shortest = min(sound, key=lambda one: one.seconds, default=None)
    if shortest is None or shortest.text == line.text or 1000 * shortest.seconds >= line.natural_ms:
        return ""
    return shortest.text


def assemble(context: Context) -> None:
    """Write `schedule.json` from the lines that have their time."""
    lines = [_before(context, line.id) for _, line in dubbed_lines(context)]
    found = tuple(sorted((line for line in lines if line), key=lambda line: (line.start_ms, line.id)))
    context.store.write_json(
        STAGE.artifact, Schedule(context.language, solver_name(), found), context.language
    )


def scheduled(setup: Setup) -> bool:
    """Tell whether the lines of a run are scheduled together."""
    return setup.settings.timing.scheduled


STAGE = Stage(
    name="schedule",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Scheduling the lines",
    done="scheduled",
    unit="line",
    belongs=scheduled,
    pace=0.02,
    needs=("faces", "references", "translate", "cast", "adapt", "express", "clips"),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS, *LANGUAGE),
    depends=SETTINGS,
    artifact="schedule.json",
    assemble=assemble,
    joint=True,
)
