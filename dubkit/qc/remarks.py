"""What the checks of a whole dub found, as remarks."""

from __future__ import annotations

from dubkit.qc.check import CHECKS, flag_words, shown_measure
from dubkit.types import EpisodeQc, Remark, Weight, remark


def episode_remarks(measured: EpisodeQc) -> list[Remark]:
    """Return a remark for each flag of the dub as a whole."""
    return [
        Remark(
            flag,
            f"{flag_words(flag)[0]}: {episode_sentence(flag, measured)}",
            weight=weight_of(flag),
            means=flag_words(flag)[1],
        )
        for flag in measured.flags
    ]


def listener_remarks(measured: EpisodeQc) -> list[Remark]:
    """Return a remark where something that would hear the dub better is missing."""
    if not measured.listener or not measured.listener.lacks:
        return []
    said = f"{measured.listener.name} heard the dub. {measured.listener.lacks}"
    return [remark("listener-fall-back", said)]


def weight_of(flag: str) -> Weight:
    """Return what a flag of the dub as a whole weighs: it is doubtful, unless it is mild or sums up lines."""
    check = CHECKS.get(flag)
    return "note" if check is not None and (check.mild or check.sums_up) else "doubtful"


def episode_sentence(flag: str, measured: EpisodeQc) -> str:
    """Say what a flag of the dub as a whole means, with what was measured."""
    check = CHECKS.get(flag)
    if check is not None and check.sentence is not None:
        return check.sentence(measured)
    meaning = flag_words(flag)[1]
    value = (measured.measures or {}).get(flag)
    return meaning if value is None else f"{meaning.rstrip('.')}: {shown_measure(flag, value)}."
