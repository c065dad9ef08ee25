"""What the runs of several takes came to: whether a language is measured, what failed, and it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dubkit.chain.run import Outcome
from dubkit.chain.stage import EPISODE
from dubkit.episode.context import Context
from dubkit.review.takes import GENERATING
from dubkit.review.tries import BestOf, Try, Unit

QC = "qc.json"
MADE_IN = (*GENERATING, "speak")
"""Stages that make takes."""


def is_measured(context: Context) -> bool:
    """Tell whether the last run measured the dub of a language."""
    record = context.record("qc", EPISODE)
    return record is not None and not record.error and context.store.has(QC, context.language)


def hopeless(contexts: Sequence[Context], states: Mapping[str, BestOf]) -> frozenset[str]:
    """Return the lines and clips (`pt-BR/s0003`) that failed and have no new try.

    The engine is not asked for them again.
    """
    found: set[str] = set()
    for context in contexts:
        tag = context.language
        trying = {
            name
            for unit in states[tag].units.values()
            for name in (*unit.lines, *unit.clips)
            if not unit.tries[-1].measured
        }
        records = [record for stage in MADE_IN for record in context.store.records(stage, tag).values()]
        found |= {f"{tag}/{r.item}" for r in records if r.error and r.item not in trying}
    return frozenset(found)


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def lines_of(units: Iterable[Unit]) -> int:
    return sum(len(unit.lines) for unit in units)


def round_told(language: str, tries: Sequence[tuple[Unit, Try]]) -> str:
    lines = ", ".join(name for unit, _ in tries for name in unit.lines)
    return f"{language}: a further take of {lines}."


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what all runs did, with what the last one noticed."""
    last = outcomes[-1]
    earlier = [
        replace(result, noticed=(), failed={}) for outcome in outcomes[:-1] for result in outcome.stages
    ]
    last.stages[:0] = [result for result in earlier if result.ran]
    return last
