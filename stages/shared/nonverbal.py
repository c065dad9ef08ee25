"""Which laughs, sighs and breaths of the source are to be heard in the dub."""

from __future__ import annotations

from collections.abc import Iterator

from dubkit.chain.stage import Setup
from dubkit.episode.context import Context
from dubkit.types import MixReport, Remark, remark, sample_at
from dubkit.types.nonverbal import Nonverbal

FILE = "nonverbal.json"


def keeps_nonverbal(setup: Setup) -> bool:
    """Tell whether such sounds are to be kept."""
    return setup.settings.express.keep_nonverbal


def nonverbal_inputs(context: Context) -> dict[str, str]:
    """Return what of them enters the key of the mix; empty where they are not kept."""
    return {FILE: context.artifact_digest(FILE)} if keeps_nonverbal(context) else {}


def nonverbal_spans(context: Context) -> list[tuple[int, int]] | None:
    """Return the samples of the source in which they are heard; None where they are not kept."""
    if not keeps_nonverbal(context):
        return None
    found = context.store.read(FILE, Nonverbal)
    return [(sample_at(sound.start), sample_at(sound.end)) for sound in found.sounds]


def kept_spans_of(report: MixReport) -> tuple[tuple[float, float], ...]:
    """Return where they are heard within dubbed spans, in seconds."""
    from dubkit.types import SAMPLE_RATE

    sounds = report.nonverbal or ()
    return tuple((a / SAMPLE_RATE, b / SAMPLE_RATE) for sound in sounds for a, b in sound.kept)


def nonverbal_remarks(report: MixReport) -> Iterator[Remark]:
    """Say how many the dub speaks over."""
    sounds = report.nonverbal or ()
    covered = sum(not sound.kept for sound in sounds)
    if covered:
        sentence = (
            f"The dub speaks over {covered} of the {len(sounds)} laughs, sighs or breaths within its lines."
        )
        yield remark("nonverbal-covered", sentence)
