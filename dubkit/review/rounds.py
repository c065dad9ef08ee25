"""Runs of the chain after each other, in which lines get further takes until one of them is good.

A try sets another seed, as an edit of a line in the name of dubkit, and runs the chain: what is made, kept,
measured and shown is what a person's new take would be. Which tries there were, how they came out and what
they needed is in `best.json` of the language, written before anything is made: a run that was killed goes
on with the tries that it had begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dubkit.chain.run import Outcome
from dubkit.episode.context import Context
from dubkit.episode.edits.events import Change
from dubkit.episode.places import item_names
from dubkit.episode.store import Record
from dubkit.progress import Progress
from dubkit.review.budget import Budget, Spent
from dubkit.review.changes import Desk
from dubkit.review.outcomes import QC, counted, hopeless, is_measured, joined, lines_of, round_told
from dubkit.review.regeneration import pending
from dubkit.review.takes import is_driven, seeds_used
from dubkit.review.tries import (
    FILE,
    SEEDS,
    BestOf,
    Marks,
    Try,
    Unit,
    Values,
    best_try,
    less,
    marks_of,
    passing,
    read_tries,
    settled_values,
    total_of,
    without_last,
)
from dubkit.review.units import (
    is_made,
    most_needed,
    needed,
    same_values,
    units_of,
    used,
    values_of,
    with_result,
)
from dubkit.studio import Session
from dubkit.types import EpisodeQc, remark
from dubkit.types.telling import Noticed

WHO = "dubkit"
ACTION = "best of takes"


@dataclass(frozen=True, slots=True)
class Order:
    """How many takes lines may have, and what that may need."""

    takes: int
    budget: Budget = field(default_factory=Budget)
    lines: frozenset[str] = frozenset()
    """Lines that get all these takes, whatever their checks say; empty: those that fail them."""
    who: str = WHO


Run = Callable[[frozenset[str]], Outcome]
"""Runs the chain; lines and clips that failed and are named are not tried again."""
Clock = Callable[[], float]


class Rounds:
    """Runs of the chain after each other, with other seeds for the lines that need another take."""

    def __init__(
        self,
        session: Session,
        contexts: Sequence[Callable[[], Context]],
        order: Order,
        run: Run,
        progress: Progress,
        clock: Clock = time.monotonic,
    ) -> None:
        self.session, self.contexts, self.order = session, contexts, order
        self.run, self.progress, self.clock = run, progress, clock

    def go(self) -> Outcome:
        """Run until no line needs, or may have, another take; return what all runs did."""
        self._drop_lost(self._finish_setting())
        outcomes, took = [self.run(frozenset())], 0.0
        while not outcomes[-1].errors:
            here = [context for open_one in self.contexts if is_measured(context := open_one())]
            states = {one.language: self._measured(one, took) for one in here}
            if not self._next(here, states):
                self._tell(here, states, outcomes[-1])
                break
            began = self.clock()
            outcomes.append(self.run(hopeless(here, states)))
            took = self.clock() - began
        return joined(outcomes)

    # what a killed run left

    def _drop_lost(self, fresh: frozenset[tuple[str, str]]) -> None:
        """Count what a killed run may have begun in vain, and drop tries that the budget no longer holds.

        Those of the `fresh` units, by language and name, were certainly not begun.
        """
        from stages.shared.voices import choose_voice, voice_callers

        states: dict[str, BestOf] = {}
        opened = [context for one in self.contexts if (context := one()).store.has(FILE, context.language)]
        for context in opened:
            states[context.language] = read_tries(context)
        for context in opened:
            state = states[context.language]
            waiting = [unit for unit in state.units.values() if unit.tries and not unit.tries[-1].measured]
            waiting = [unit for unit in waiting if (context.language, unit.name) not in fresh]
            missing = [unit for unit in waiting if not is_made(context, unit, unit.tries[-1])]
            if not missing:
                continue
            begun = max(1, voice_callers(context, choose_voice(context).engine))
            lost = total_of(most_needed(context, unit) for unit in missing[:begun])
            state = replace(state, spent=state.spent + lost)
            back: dict[str, dict[str, Any]] = {}
            for unit in reversed(missing):
                others = [s.spent for tag, s in states.items() if tag != context.language]
                if self.order.budget.holds(total_of([state.spent, *others])):
                    break
                state, values = without_last(state, unit)
                back |= values
            states[context.language] = state
            self._write(context, state)
            if back:
                self._set(context, back)

    # after a run

    def _measured(self, context: Context, took: float) -> BestOf:
        """Return the tries of a language with what the last run made of them."""
        state = read_tries(context)
        qc = {line.id: line for line in context.store.read(QC, EpisodeQc, context.language).lines}
        said = {line.id: (segment, line) for segment, line in context.lines}
        units, spent = {}, state.spent
        for unit in units_of(context):
            marks, records = {}, {}
            for name in unit.lines:
                records[name] = record = context.record("speak", name)
                marks[name] = marks_of(*said[name], record, qc.get(name))
            values = values_of(context, unit.lines)
            known = self._known(state.units.get(unit.name), unit)
            if known is None:
                known = self._begun(context, unit, marks, records)
            elif not known.tries[-1].measured and same_values(known.now, known.tries[-1].values):
                planned = known.tries[-1]
                if not same_values(values, known.now):
                    known = replace(known, tries=known.tries[:-1])  # a person decided otherwise meanwhile
                    units[unit.name] = known
                    continue
                cost = needed(context, unit, planned)
                spent = less(spent, planned.spent) + cost
                known = with_result(context, known, marks, cost)
            if known is not None:
                units[unit.name] = known
        before = sum(
            unit.tries[-1].spent.seconds
            for unit in state.units.values()
            if unit.tries and not unit.tries[-1].measured
        )
        if took:
            spent = replace(spent, seconds=round(max(0.0, spent.seconds - before) + took, 3))
        result = replace(state, spent=spent, units=units)
        if result != state:
            self._write(context, result)
        return result

    def _known(self, old: Unit | None, unit: Unit) -> Unit | None:
        """Return the tries so far of a unit; None where there are none, or they are of another basis.

        Where a person decided otherwise since, they are left alone: a unit that gets no further try.
        """
        if old is None or not old.tries or (old.lines, old.clips) != (unit.lines, unit.clips):
            return None
        if self._asks(unit) and not old.most:
            return None  # a person asks anew: the take in use is the first of the tries
        return old if old.basis == unit.basis else None

    def _begun(
        self,
        context: Context,
        unit: Unit,
        marks: Mapping[str, Marks],
        records: Mapping[str, Record | None],
    ) -> Unit | None:
        """Return a unit with the take in use as its first try; None where it needs no other one."""
        values = values_of(context, unit.lines)
        asked = self._asks(unit)
        decided = any(values[line] for line in unit.lines) and not self._ours(context, unit, values)
        fails = any(one.flags for one in marks.values()) and not any(map(passing, records.values()))
        if not asked and (decided or not fails or self.order.lines):
            return None
        first = Try(values, used(context, unit), dict(marks))
        return replace(unit, tries=(first,), now=values, most=self.order.takes if asked else 0)

    def _ours(self, context: Context, unit: Unit, values: dict[str, dict[str, Any]]) -> bool:
        """Tell whether the seeds of a unit are those that dubkit set itself, for other words."""
        old = read_tries(context).units.get(unit.name)
        return old is not None and same_values(old.now, values)

    def _asks(self, unit: Unit) -> bool:
        return bool(self.order.lines.intersection(unit.lines))

    # before a run

    def _next(self, contexts: Sequence[Context], states: dict[str, BestOf]) -> bool:
        """Plan what another run is to make or to bring back, and set it; False where nothing is left."""
        total = total_of(state.spent for state in states.values())
        found = False
        for context in contexts:
            state = states[context.language]
            tries: list[tuple[Unit, Try]] = []
            settled: list[Unit] = []
            for unit in state.units.values():
                if not same_values(values_of(context, unit.lines), unit.now):
                    continue  # a person decided otherwise
                try_it = self._wants(unit) and self._one_more(context, unit)
                need = try_it.spent if try_it else Spent()
                if try_it and self.order.budget.holds(total + need):
                    tries.append((unit, try_it))
                    total += need
                else:
                    settled.append(unit)
            tries, reserved = self._in_time(context, tries, total)
            total += Spent(seconds=reserved)
            waiting = {unit.name for unit, _ in tries}
            settled += [u for u in state.units.values() if u.name not in waiting and u not in settled]
            done = self._set_all(context, state, tries, settled)
            states[context.language] = done
            found = found or done is not state
        return found

    def _wants(self, unit: Unit) -> bool:
        """Tell whether a unit should have another take, if the budget allows."""
        if self.order.lines and not self._asks(unit):
            return False
        if len(unit.tries) >= (unit.most or self.order.takes):
            return False
        return bool(unit.most or best_try(unit.tries).flags)

    def _one_more(self, context: Context, unit: Unit) -> Try:
        """Return a try with a seed that none of its lines had."""
        seeds = [
            own.get(name) or 0 for one in unit.tries for own in one.values.values() for name in SEEDS[:2]
        ]
        seeds += [context.settings.dub.seed] if unit.clips else []
        for line in unit.lines:
            seeds += seeds_used(context, line)
        seed = max(seeds, default=0) + 1
        values: dict[str, dict[str, Any]] = {}
        for line in unit.lines:
            driven = {"picture_seed": seed} if is_driven(context, line) else {}
            values[line] = {"seed": seed, "takes": None, **driven}
        return Try(values, spent=most_needed(context, unit))

    def _in_time(
        self, context: Context, tries: list[tuple[Unit, Try]], total: Spent
    ) -> tuple[list[tuple[Unit, Try]], float]:
        """Return as many tries as the time that is left is expected to be enough for, and that time."""
        limit = self.order.budget.seconds
        while limit is not None and tries:
            desk = Desk(context, self.order.who)
            changes = [c for unit, one in tries for c in _changes(desk, one.values)]
            seconds = pending(desk.after(changes), self.session.speeds).seconds[1]
            if total.seconds + seconds <= limit:
                first = replace(tries[0][1], spent=tries[0][1].spent + Spent(seconds=round(seconds, 3)))
                return [(tries[0][0], first), *tries[1:]], round(seconds, 3)
            tries = tries[: len(tries) // 2]
        return tries, 0.0

    def _set_all(
        self,
        context: Context,
        state: BestOf,
        tries: Sequence[tuple[Unit, Try]],
        settled: Sequence[Unit],
    ) -> BestOf:
        """Write down what is tried and what is brought back, set it, and return the new state."""
        units = dict(state.units)
        changed: dict[str, Mapping[str, Any]] = {}
        spent = state.spent
        for unit, one in tries:
            units[unit.name] = replace(unit, tries=(*unit.tries, one), now=one.values, before=unit.now)
            changed |= one.values
            spent += one.spent
        for unit in settled:
            values = settled_values(unit)
            if not same_values(values, unit.now) and same_values(values_of(context, unit.lines), unit.now):
                units[unit.name] = replace(unit, now=values, before=unit.now)
                changed |= {line: {**dict.fromkeys(SEEDS), **own} for line, own in values.items()}
        if not changed:
            return state
        timed = self.order.budget.reproducible and state.reproducible
        result = replace(state, units=units, spent=spent, reproducible=timed)
        self._write(context, result)
        self._set(context, changed)
        if tries:
            self.progress.note(round_told(context.language, tries))
        return result

    def _set(self, context: Context, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Make edits of lines, and note that they were made."""
        desk = Desk(context, self.order.who)
        desk.make(_changes(desk, values), ACTION)
        state = read_tries(context)
        units = {name: replace(unit, before=None) for name, unit in state.units.items()}
        self._write(context, replace(state, units=units))

    @staticmethod
    def _write(context: Context, state: BestOf) -> None:
        context.store.write_by_hand(FILE, state, context.language)

    def _finish_setting(self) -> frozenset[tuple[str, str]]:
        """Set what a killed run had written down and not set yet; return the units, with their languages."""
        fresh: set[tuple[str, str]] = set()
        for open_one in self.contexts:
            context = open_one()
            if not context.store.has(FILE, context.language) or not context.store.has("transcript.json"):
                continue
            values: dict[str, dict[str, Any]] = {}
            for unit in read_tries(context).units.values():
                if unit.before is not None and same_values(values_of(context, unit.lines), unit.before):
                    values |= {line: {**dict.fromkeys(SEEDS), **own} for line, own in unit.now.items()}
                    fresh.add((context.language, unit.name))
            if values:
                self._set(context, values)
        return frozenset(fresh)

    # telling

    def _tell(self, contexts: Sequence[Context], states: Mapping[str, BestOf], outcome: Outcome) -> None:
        """Say what further takes came to, and what the budget left undone."""
        total = total_of(state.spent for state in states.values())
        for context in contexts:
            state, tag = states[context.language], context.language
            names = item_names(context)
            tried = [unit for unit in state.units.values() if len(unit.tries) > 1]
            mended = [unit for unit in tried if unit.tries[0].flags and not best_try(unit.tries).flags]
            left = [unit for unit in state.units.values() if best_try(unit.tries).flags]
            if tried:
                made = sum(len(unit.tries) - 1 for unit in tried)
                self.progress.note(
                    f"{tag}: {counted(made, 'further take')} of {counted(lines_of(tried), 'line')}; "
                    f"{counted(lines_of(mended), 'line')} mended, {counted(lines_of(left), 'line')} still "
                    f"{'fails' if lines_of(left) == 1 else 'fail'}. {self.order.budget.told(total)}."
                )
            starved = [unit.name for unit in left if self._wants(unit)]
            if starved:
                said = f"The budget leaves no further take: {self.order.budget.told(total)}."
                found = [remark("takes-budget", said, name) for name in starved]
                outcome.edits += [Noticed.of(one, names, "", tag) for one in found]
            if not state.reproducible:
                said = "Time decided which takes were made, so another run may make others."
                outcome.edits.append(Noticed.of(remark("takes-by-time", said), names, "", tag))
            if any(unit.most for unit in state.units.values()):
                units = {name: replace(unit, most=0) for name, unit in state.units.items()}
                self._write(context, replace(state, units=units))


def _changes(desk: Desk, values: Values) -> list[Change]:
    return [desk.change_of(line, name, value) for line, own in values.items() for name, value in own.items()]
