"""What the report says: the verdict, the words of flags, and which of the words heard are wrong."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dubkit.qc.check import CHECKS, flag_words
from dubkit.qc.numbers import count
from dubkit.qc.remarks import episode_sentence
from dubkit.qc.report.model import LineCard, ReportModel
from dubkit.qc.text import units


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the dub in plain words."""

    state: Literal["good", "look", "bad"]
    headline: str
    details: tuple[str, ...]


def verdict(model: ReportModel) -> Verdict:
    """Say whether the dub is ready, and if not, what a person should do first."""
    total = len(model.lines)
    failed = [line for line in model.lines if line.failed]
    looks = [line for line in model.lines if line.to_look_at]
    details = (
        *(episode_sentence(flag, model.measured) for flag in model.measured.flags),
        *_reviewed(model.lines),
    )
    if not total:
        return Verdict("look", "Nothing to dub: no speech was found.", details)
    if failed:
        return Verdict("bad", _failed(failed, total), details)
    if any(_blocks(flag) for flag in model.measured.flags):
        return Verdict("bad", "Not ready: the delivered file is not in order.", details)
    if len(looks) == total > 1 and any(not _is_mild(flag) for line in looks for flag in line.flags):
        return Verdict("bad", f"All {count(total, 'line')} need a look before this is shown.", details)
    if looks:
        of = "The line" if total == 1 else f"{len(looks)} of {count(total, 'line')}"
        return Verdict("look", f"{of} {_want(len(looks))} a look.", details)
    if model.measured.flags:
        return Verdict("look", f"{_all(total)}, the episode as a whole needs a look.", details)
    if any(told.weight != "note" for told in model.remarks):
        return Verdict("look", f"{_all(total)}, but see the remarks.", details)
    return Verdict("good", f"Ready: {_all(total)[0].lower()}{_all(total)[1:]}.", details)


def _failed(failed: Sequence[LineCard], total: int) -> str:
    """Name the lines that failed: in the dub the source is heard there."""
    if len(failed) == total:
        return "The line failed." if total == 1 else f"All {count(total, 'line')} failed."
    if len(failed) == 1:
        return f"Line {failed[0].number} failed: the source's own sound is heard there."
    return f"{len(failed)} of {count(total, 'line')} failed: the source's own sound is heard there."


def _reviewed(lines: Sequence[LineCard]) -> list[str]:
    """Say how many lines people have dealt with; nothing before there is one."""
    accepted = sum(line.accepted and not line.locked for line in lines)
    locked = sum(line.locked for line in lines)
    if not accepted + locked:
        return []
    left = count(len(lines) - accepted - locked, "line")
    return [f"{left} open, {accepted} accepted, {locked} locked."]


def _all(number: int) -> str:
    return "The line is in order" if number == 1 else f"All {count(number, 'line')} are in order"


def _want(number: int) -> str:
    return "wants" if number == 1 else "want"


def _blocks(flag: str) -> bool:
    check = CHECKS.get(flag)
    return check is not None and check.blocks


def _is_mild(flag: str) -> bool:
    check = CHECKS.get(flag)
    return check is not None and check.mild


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
