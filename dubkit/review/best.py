"""Best of several takes: lines that fail their checks get further ones, and the best of each is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.progress import Progress
from dubkit.review.budget import Budget, Spent, read_budget
from dubkit.review.outcomes import QC
from dubkit.review.regeneration import render
from dubkit.review.rounds import Order, Rounds
from dubkit.review.tries import BestOf, best_try, marks_of, read_tries, total_of
from dubkit.review.units import most_needed, units_of
from dubkit.studio import Session, dub, episode_context
from dubkit.types import EpisodeQc


def dub_best(
    session: Session, source: Path, request: Request, progress: Progress, *, wait: bool = True
) -> Outcome:
    """Run the chain, and give lines that fail their checks further takes where the settings ask for it.

    Raises as `dubkit.studio.dub`, and SettingError for a budget that cannot be read.
    """
    order = order_of(session)

    def run(leave: frozenset[str] = frozenset()) -> Outcome:
        return dub(session, source, replace(request, leave=leave), progress, wait=wait)

    if order.takes <= 1 or request.until or request.lines:
        return run()
    if session.settings.stream.mode == "on":
        progress.note("Further takes are not made where chunks of the dub play while it is made.")
        return run()
    opened = [partial(episode_context, session, source, tag) for tag in request.languages]
    return Rounds(session, opened, order, run, progress).go()


def order_of(session: Session) -> Order:
    """Return what the settings ask for. Raises SettingError."""
    settings = session.settings.dub
    return Order(settings.takes, read_budget(settings.take_budget))


def retake_best(
    session: Session, open_one: Callable[[], Context], lines: Sequence[str], who: str, progress: Progress
) -> Outcome:
    """Make as many new takes of some lines as the settings say, and use the best of all, the one before too.

    The dub is rendered with each, as that is what is measured.
    """
    asked, context = order_of(session), open_one()
    order = Order(asked.takes + 1, asked.budget, frozenset(lines), who)
    run = partial(render, session, context.source, context.language, progress)
    return Rounds(session, [open_one], order, run, progress).go()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What further takes may need in a language."""

    language: str
    lines: int | None
    """Lines that failed their checks in the last run; None while nothing is measured."""
    takes: int
    """The most further takes: of those lines, or of all while nothing is measured."""
    needs: Spent
    """The most that they need, but for the time."""
    spent: Spent
    """What was spent of the budget so far."""


def forecast(context: Context, order: Order) -> Forecast | None:
    """Return what further takes may need in a language; None where none are made or lines are not known.

    Nothing is written. Raises VoiceError where the price of an engine is not known.
    """
    store, language = context.store, context.language
    if order.takes <= 1 or not store.has("transcript.json") or not store.has("translation.json", language):
        return None
    state = read_tries(context)
    measured = store.has(QC, language)
    failing = _failing(context, state) if measured else None
    takes, needs = 0, Spent()
    for unit in units_of(context):
        tries = state.units[unit.name].tries if unit.name in state.units else ()
        if failing is not None and unit.name not in failing:
            continue
        more = max(0, order.takes - max(1, len(tries)))
        takes += more * (len(unit.clips) or len(unit.lines))
        needs += total_of([most_needed(context, unit)] * more)
    lines = None if failing is None else sum(failing.values())
    return Forecast(language, lines, takes, needs, state.spent)


def _failing(context: Context, state: BestOf) -> dict[str, int]:
    """Return the units that fail their checks, whatever take is in use, with their numbers of lines."""
    qc = {line.id: line for line in context.store.read(QC, EpisodeQc, context.language).lines}
    said = {line.id: (segment, line) for segment, line in context.lines}
    found = {}
    for unit in units_of(context):
        known = state.units.get(unit.name)
        if known is not None and known.tries and known.basis == unit.basis:
            fails = bool(best_try(known.tries).flags)
        else:
            marks = [marks_of(*said[n], context.record("speak", n), qc.get(n)) for n in unit.lines]
            fails = any(one.flags for one in marks)
        if fails:
            found[unit.name] = len(unit.lines)
    return found


def told_forecast(found: Forecast, budget: Budget) -> str:
    """Return a forecast in words."""
    lines = "no line is measured yet" if found.lines is None else f"{found.lines} lines fail their checks"
    cost = f", {found.needs.money:,.2f} to pay at most" if found.needs.money else ""
    return (
        f"Takes in {found.language}: {lines}; {found.takes} further takes at most, "
        f"{found.needs.calls} calls{cost}. {budget.told(found.spent)}."
    )


def spent_takes(store: EpisodeStore, language: str) -> BestOf | None:
    """Return what was tried in a language; None where no line had a further take."""
    from dubkit.review.tries import FILE

    return store.read(FILE, BestOf, language) if store.has(FILE, language) else None
