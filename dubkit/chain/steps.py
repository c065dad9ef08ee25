"""The steps of a run: every stage in every language, what each waits for, and what may run beside it."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dubkit.chain.chain import Chain
from dubkit.chain.stage import Stage
from dubkit.cores import usable_cores
from dubkit.episode.context import Context
from dubkit.memory import free_memory

SPARE = 1 << 30
"""Bytes of memory that stay free when a stage begins beside another one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in one language, or (language empty) for the episode."""

    place: int
    """Its number in the order of the chain."""
    language: str
    stage: Stage
    later: tuple[Stage, ...]
    """The stages after it in its language."""
    waits: frozenset[int]
    """Places of the steps that must have ended before it begins."""
    memory: int = 0
    """Bytes that its models take."""
    card: bool = False
    """Whether it needs a graphics card of this machine."""


def steps_of(chain: Chain, scopes: Sequence[tuple[str, list[Stage]]], context: Context | None) -> list[Step]:
    """Return the steps of a run in order; with a `context` they say what memory and card they take."""
    steps: list[Step] = []
    for language, stages in scopes:
        for position, stage in enumerate(stages):
            waits = _waits(chain, stage, [step for step in steps if step.language in ("", language)])
            asked = context is not None and stage.memory is not None and stage.beside and stage.cores
            memory = stage.memory(context.fresh(language)) if asked else 0  # type: ignore[misc, union-attr]
            card = context is not None and stage.takes_card(context)
            steps.append(
                Step(len(steps), language, stage, tuple(stages[position + 1 :]), waits, memory, card)
            )
    return steps


def _waits(chain: Chain, stage: Stage, earlier: Sequence[Step]) -> frozenset[int]:
    parts = {part.name for part in chain.stages if part.part_of == stage.name}
    needed = chain.needed(stage.name) | parts
    return frozenset(
        step.place
        for step in earlier
        if not (stage.beside and step.stage.beside) or step.stage.name in needed
    )


@dataclass(frozen=True, slots=True)
class Room:
    """What this machine has for stages that run at the same time."""

    cores: int
    """Processor cores; with one, stages run one after the other."""

    @classmethod
    def of_machine(cls) -> Room:
        """Return the cores that this process may use."""
        return cls(usable_cores())

    def fits(self, step: Step, running: Collection[Step]) -> bool:
        """Tell whether a step may begin now, beside those that run."""
        if not running:
            return True
        stages = [one.stage for one in (step, *running)]
        if self.cores < 2 or not all(stage.beside for stage in stages):
            return False
        if sum(one.card for one in (step, *running)) > 1:
            return False
        if step.stage.shared and step.stage in stages[1:]:
            return False  # both languages would make the same results
        if sum(stage.cores or self.cores for stage in stages) > self.cores:
            return False
        # What runs may not have taken its memory yet.
        return free_memory() >= sum(one.memory for one in (step, *running)) + SPARE


def load_ahead(steps: Sequence[Step]) -> None:
    """Import what the steps import that has machine code.

    What cannot be imported is left out: whatever needs it says so in its time.
    """
    for name in dict.fromkeys(name for step in steps if step.stage.beside for name in step.stage.loads):
        with suppress(Exception):
            importlib.import_module(name)
