"""What becomes of an episode when an attempt has ended: whether it is tried again, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.batch.child import Child, last_words
from dubkit.batch.journal import Cause, EpisodeState
from dubkit.batch.result import EpisodeResult, failed_result
from dubkit.progress import duration

AGAIN: frozenset[Cause] = frozenset(("killed", "memory", "timeout"))
"""Ends without a result that may not come again. A crash of dubkit itself does."""

SENTENCES: dict[Cause, str] = {
    "killed": "Its process was killed ({code}), by a person, a shutdown or another program.",
    "memory": "Memory ran out. Close other programs, or take smaller models.",
    "timeout": "It was ended after {spent}, the limit for one attempt. Raise --timeout, or see its log.",
    "crash": "dubkit failed with exit code {code}. {words}",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an episode."""

    state: EpisodeState
    """`waiting` where it is tried again."""
    result: EpisodeResult
    alone: bool = False
    """Whether it runs again with nothing beside it."""
    counts: bool = False
    """Whether it counts towards the quarantine: the file may be at fault, and no service was down."""


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended, as its process left it."""

    cause: Cause
    code: int
    result: EpisodeResult | None


def judge(end: AttemptEnd, child: Child, languages: tuple[str, ...], *, again: bool) -> Verdict:
    """Decide what becomes of an episode; `again` tells whether it may be tried again at all."""
    if end.result is not None:
        result = end.result
        if result.state != "failed":
            return Verdict("waiting" if again and result.may_pass else result.state, result)
        retry = again and result.may_pass
        return Verdict("waiting" if retry else "failed", result, counts=not result.may_pass)
    sentence = SENTENCES.get(end.cause, SENTENCES["crash"]).format(
        code=end.code, spent=duration(child.seconds), words=last_words(child.command.log)
    )
    retry = again and end.cause in AGAIN
    result = failed_result(languages, sentence, may_pass=end.cause in AGAIN)
    return Verdict("waiting" if retry else "failed", result, alone=end.cause == "memory", counts=True)
