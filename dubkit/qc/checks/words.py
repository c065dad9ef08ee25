"""Whether the dub is understood as its lines are written."""

from __future__ import annotations

from dubkit.qc.check import Check, Fact
from dubkit.qc.evidence import EpisodeEvidence, LineEvidence
from dubkit.qc.numbers import percent
from dubkit.types import EpisodeQc


def _is_unheard(line: LineEvidence, _: None) -> bool:
    return line.unheard


def _differs(line: LineEvidence, _: None) -> bool:
    error = line.word_error
    return not line.unheard and error is not None and error > line.settings.max_word_error


def _differs_as_a_whole(episode: EpisodeEvidence, _: None) -> bool:
    error = episode.word_error
    return error is not None and error > episode.settings.max_word_error


def _sentence(measured: EpisodeQc) -> str:
    return f"{percent(measured.word_error)} word error over all lines."


def _facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    return (Fact("Word error", percent(measured.word_error), "heard against written"),)


NOT_HEARD = Check(
    "not-heard",
    "Not heard",
    "The recogniser heard nothing in this line.",
    line=_is_unheard,
    needs=("heard",),
)
WORDS = Check(
    "words",
    "Words differ",
    "The recogniser heard other words than the line has.",
    line=_differs,
    episode=_differs_as_a_whole,
    sums_up=True,
    needs=("heard", "text"),
    sentence=_sentence,
    facts=_facts,
)
