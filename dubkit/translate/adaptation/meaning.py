"""How much of a line's meaning its texts keep, by their way back into the source's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dubkit.errors import DubkitError
from dubkit.translate.engine import TRANSLATORS, TranslationEngine, TranslationTask
from dubkit.translate.inventions import likeness
from dubkit.translate.lines import SourceLine, Translated, one_line

TELLING = 0.35
"""Likeness of the source and the way back of the first translation from which the way back tells anything."""
LEAST = 0.5
"""Share of the first translation's likeness below which a text has lost the meaning."""
UNTOLD = 0.75
"""What a text counts for whose way back failed, while that of the first translation did not."""
MEANING = "meaning"
"""Name of the loss."""


@dataclass(frozen=True, slots=True)
class Sense:
    """How much of the meaning a text keeps, 0 to 1, and whether that is too little."""

    fidelity: float
    lost: bool = False


def back_engine(engine: TranslationEngine, task: TranslationTask) -> TranslationEngine | None:
    """Return what leads texts back: one on this machine that did not offer them, else the one that did.

    None where nothing serves the way back.
    """
    back = _back(task)
    for other in TRANSLATORS:
        asked = back.for_engine(other)
        if other.name == engine.name or other.unchanged or other.remote or other.configured(asked):
            continue
        if other.serves(back.source, back.target) and not other.hindrance(asked):
            return other
    served = engine.serves(back.source, back.target) and not engine.hindrance(back.for_engine(engine))
    return engine if served and not engine.unchanged else None


def senses(
    engine: TranslationEngine | None, task: TranslationTask, lines: Sequence[tuple[str, Sequence[str]]]
) -> tuple[list[list[Sense]], tuple[int, int]]:
    """Return the sense of every text of some lines, each given as its source and texts, the first one first.

    With it, the tokens read and written. Where the way back tells nothing, all texts count the same.
    """
    whole = [[Sense(1.0) for _ in texts] for _, texts in lines]
    asked = [
        SourceLine(f"{number}.{at}", one_line(text))
        for number, (_, texts) in enumerate(lines)
        for at, text in enumerate(texts)
    ]
    if engine is None or not asked:
        return whole, (0, 0)
    found: dict[str, Translated] = {}

    def keep(batch: Sequence[Translated]) -> None:
        found.update({line.id: line for line in batch})

    try:
        engine.open(_back(task).for_engine(engine)).translate(asked, keep)
    except DubkitError:
        return whole, (0, 0)
    tokens = sum(line.tokens_in for line in found.values()), sum(line.tokens_out for line in found.values())
    return [_senses(number, line, found) for number, line in enumerate(lines)], tokens


def _senses(number: int, line: tuple[str, Sequence[str]], found: Mapping[str, Translated]) -> list[Sense]:
    source, texts = line
    backs = [found[name].text if (name := f"{number}.{at}") in found else "" for at in range(len(texts))]
    like = [likeness(source, back) if back else None for back in backs]
    first = like[0]
    if first is None or first < TELLING:
        return [Sense(1.0) for _ in texts]
    return [
        Sense(round(first * UNTOLD, 2)) if own is None else Sense(round(own, 2), own < LEAST * first)
        for own in like
    ]


def _back(task: TranslationTask) -> TranslationTask:
    return TranslationTask(task.target, task.source, task.settings, task.host)
