"""What the report says: the verdict, the words of flags, and which of the words heard are wrong."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from dubkit.qc.check import CHECKS, flag_words, shown_measure
from dubkit.qc.numbers import count
from dubkit.qc.report.model import LineCard, ReportModel
from dubkit.qc.text import units
from dubkit.types import EpisodeQc


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the dub in plain words."""

    state: Literal["good", "look", "bad"]
    headline: str
    details: tuple[str, ...]


def verdict(model: ReportModel) -> Verdict:
    """Say whether the dub is ready, and if not, what a person should do first."""
    total = len(model.lines)
    flagged = [line for line in model.lines if line.flags]
    details = [_episode_sentence(flag, model.measured) for flag in model.measured.flags]
    if model.degraded:
        details.append(f"{count(len(model.degraded), 'note')} about fall-backs or failures below.")
    if not total:
        return Verdict("look", "Nothing to dub: no speech was found.", tuple(details))
    lines = count(total, "line")
    if any(_blocks(flag) for flag in model.measured.flags):
        return Verdict("bad", "Not ready: the delivered file is not in order.", tuple(details))
    if len(flagged) == total > 1 and any(not _is_mild(flag) for line in flagged for flag in line.flags):
        return Verdict("bad", f"All {lines} need a look before this is shown.", tuple(details))
    if flagged:
        return Verdict("look", f"{len(flagged)} of {lines} {_want(len(flagged))} a look.", tuple(details))
    if details and model.measured.flags:
        return Verdict(
            "look", f"All {lines} are in order, the episode as a whole needs a look.", tuple(details)
        )
    if model.degraded:
        return Verdict(
            "look", f"Degraded: all {lines} are in order, but a fall-back was used.", tuple(details)
        )
    headline = "Ready: the line is in order." if total == 1 else f"Ready: all {lines} are in order."
    return Verdict("good", headline, tuple(details))


def _want(number: int) -> str:
    return "wants" if number == 1 else "want"


def _blocks(flag: str) -> bool:
    check = CHECKS.get(flag)
    return check is not None and check.blocks


def _is_mild(flag: str) -> bool:
    check = CHECKS.get(flag)
    return check is not None and check.mild


def _episode_sentence(flag: str, measured: EpisodeQc) -> str:
    check = CHECKS.get(flag)
    if check is not None and check.sentence is not None:
        return check.sentence(measured)
    meaning = flag_words(flag)[1]
    value = (measured.measures or {}).get(flag)
    return meaning if value is None else f"{meaning.rstrip('.')}: {shown_measure(flag, value)}."


def flag_text(flag: str) -> tuple[str, str]:
    """Return the title of a flag, and what the page says when the pointer rests on it."""
    check = CHECKS.get(flag)
    title, meaning = flag_words(flag)
    return title, (check.tip if check else "") or meaning


def heard_words(line: LineCard, language: str) -> list[tuple[str, bool]]:
    """The words that were heard, each with True when the line does not have it there."""
    words = (line.heard or "").split()
    said, got, owner = units(line.target_text, language), [], []
    for index, word in enumerate(words):
        parts = units(word, language)
        got += parts
        owner += [index] * len(parts)
    wrong = set(owner)
    for block in difflib.SequenceMatcher(None, said, got, autojunk=False).get_matching_blocks():
        wrong -= set(owner[block.b : block.b + block.size])
    return [(word, index in wrong) for index, word in enumerate(words)]
