"""Lines whose takes are made together, what they are made from, and whether a person decided about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dubkit.episode.context import Context
from dubkit.episode.store import canonical, decode_json
from dubkit.errors import EditRefused
from dubkit.review.budget import Spent
from dubkit.review.rules import Rules
from dubkit.review.takes import clips_of, is_driven, takes_in_use
from dubkit.review.tries import SEEDS, Marks, Try, Unit
from dubkit.types import SpokenLine
from stages.shared.engine import clip_stage
from stages.shared.receipts import most_calls, price_of


def units_of(context: Context) -> Iterator[Unit]:
    """Yield the lines in order of time, those of the same clips together, that may get other takes.

    Left out are lines that keep the source's sound, have no text, or were recorded, accepted or locked by a
    person, with all that are made together with them.
    """
    rules, seen = Rules(context), set[str]()
    for line in rules.lines:
        if line in seen:
            continue
        together = _closed(rules, [line])
        seen.update(together)
        if all(_free(rules, name) for name in together):
            own = {name: tuple(clips_of(context, name)) for name in together}
            clips = tuple(dict.fromkeys(clip for name in together for clip in own[name]))
            yield Unit(line, tuple(together), clips, own, _basis(context, together, clips))


def _closed(rules: Rules, lines: list[str]) -> list[str]:
    """Return lines with all that share a clip with them, and with those."""
    while (more := rules.made_together(lines)) != lines:
        lines = more
    return lines


def _free(rules: Rules, line: str) -> bool:
    try:
        rules.check_unlocked(line)
        rules.check_spoken(line)
        rules.check_synthetic(line)
    except EditRefused:
        return False
    return not rules.edit(line).accepted


def _basis(context: Context, lines: Sequence[str], clips: Sequence[str]) -> str:
    """Return the digest of what some lines are made from, besides seeds."""
    said = {line.id: (segment, line) for segment, line in context.lines}
    parts: list[Any] = [[said[name][0].speaker, said[name][1].text, said[name][1].route] for name in lines]
    parts += [clip for clip in context.planned_clips if clip.id in clips]
    for name in lines if not clips else ():
        record = context.record("speak", name)
        chosen = record.parts.edits.get("take") if record else None
        made = context.store.take_record(chosen, context.language) if chosen else record
        if made is not None:
            edits = {field: value for field, value in made.parts.edits.items() if field not in SEEDS}
            parts.append([made.parts.settings, made.parts.inputs, edits, made.parts.models])
    return context.digest(parts)


def values_of(context: Context, lines: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the edits of some lines say of their takes."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        edit = context.placed.lines.get(line)
        values = {field: getattr(edit, field, None) for field in SEEDS}
        found[line] = {field: _plain(value) for field, value in values.items() if value is not None}
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def same_values(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> bool:
    """Tell whether two sets of edits say the same, one that is not there being None."""

    def given(values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {line: {f: v for f, v in own.items() if v is not None} for line, own in values.items()}

    return given(one) == given(other)


def used(context: Context, unit: Unit) -> tuple[str, ...]:
    """Return the full names of the takes of a unit in use."""
    names: dict[str, None] = {}
    for line in unit.lines:
        names |= dict.fromkeys(takes_in_use(context, line, clips_of(context, line)))
    return tuple(names)


def most_needed(context: Context, unit: Unit) -> Spent:
    """Return the most that one more try needs, but for its time. Raises VoiceError without a price."""
    texts = {line.id: line.text for _, line in context.lines}
    voiced = [line for line in unit.lines if not unit.clips or is_driven(context, line)]
    calls = len(unit.clips) + most_calls(context) * len(voiced)
    return Spent(calls, 0.0, round(sum(price_of(context, texts[line]) for line in voiced), 6))


def needed(context: Context, unit: Unit, planned: Try) -> Spent:
    """Return what a try needed, but for its time; of what failed, the most that it may have needed."""
    texts = {line.id: line.text for _, line in context.lines}
    total = Spent(calls=len(unit.clips))
    for line in unit.lines:
        if unit.clips and not is_driven(context, line):
            continue
        record = context.record("speak", line)
        made = record is not None and not record.error and record.value is not None
        spoken = decode_json(canonical(record.value), SpokenLine) if record and made else None
        if spoken is None or not isinstance(spoken.calls, int):
            total += Spent(most_calls(context), 0.0, price_of(context, texts[line]))
            continue
        paid = getattr(spoken.receipt, "money", 0.0)
        total += Spent(spoken.calls, 0.0, paid)
    return total + Spent(seconds=planned.spent.seconds)


def is_made(context: Context, unit: Unit, planned: Try) -> bool:
    """Tell whether everything of a try was made, as far as its takes and failures say."""
    seeds = {line: own.get("seed") for line, own in planned.values.items()}
    for item in (*unit.clips, *unit.lines):
        if item in unit.lines and unit.clips and not is_driven(context, item):
            continue
        wanted = seeds.get(item, next(iter(seeds.values()), None))
        stage = clip_stage(context) if item in unit.clips else "speak"
        failed = context.record(stage, item)
        if failed is not None and failed.error and failed.parts.edits.get("seed") == wanted:
            continue
        folders = context.store.take_folders(item, context.language)
        records = (context.store.take_record(f"{item}/{f.name}", context.language) for f in folders)
        if not any(isinstance(r.value, dict) and r.value.get("seed") == wanted for r in records if r):
            return False
    return True


def with_result(context: Context, unit: Unit, marks: Mapping[str, Marks], spent: Spent) -> Unit:
    """Return a unit whose last try was made."""
    made = replace(unit.tries[-1], takes=used(context, unit), marks=dict(marks), spent=spent)
    return replace(unit, tries=(*unit.tries[:-1], made))
