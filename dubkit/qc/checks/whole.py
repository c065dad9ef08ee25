"""Whether the dub as a whole is complete, in order, and the source's sound where nothing was dubbed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import EpisodeEvidence
from dubkit.settings import Positive, option


@dataclass(frozen=True, slots=True)
class SoundLimit:
    """Sound of the source where nothing was dubbed."""

    on: bool = option(True, "Compare the dub with the source's sound where nothing was dubbed.")
    most_db: Positive = option(
        6.0, "dB that the difference must be below the source's sound in every half second.", job=True
    )


@dataclass(frozen=True, slots=True)
class LinesLimit:
    """Lines of the dub."""

    on: bool = option(True, "Count the lines of the dub.")


@dataclass(frozen=True, slots=True)
class OrderLimit:
    """Order of the lines."""

    on: bool = option(True, "Compare the order of the lines with the source's.")
    seconds: Positive = option(
        0.3, "Seconds by which a line may begin before one that the source has first.", job=True
    )


def _sounds_otherwise(episode: EpisodeEvidence, limit: SoundLimit) -> Finding:
    from dubkit.qc.unchanged import changed_seconds

    assert episode.sound is not None, "the check is asked where both sounds are there"
    assert episode.source is not None, "the check is asked where both sounds are there"
    changed = changed_seconds(
        episode.source, episode.sound, episode.untouched, gain_db=episode.gain_db, least_db=limit.most_db
    )
    return Finding(changed > 0, round(changed, 1) or None)


def _loses_lines(episode: EpisodeEvidence, _: LinesLimit) -> Finding:
    if episode.lines is None:
        return Finding(False)
    lost = episode.lines - len(episode.spoken)
    return Finding(lost > 0, lost or None)


def _is_out_of_order(episode: EpisodeEvidence, limit: OrderLimit) -> Finding:
    ordered = sorted(episode.spoken, key=lambda line: (line[1], line[2]))
    wrong = [later[0] for line, later in pairwise(ordered) if later[2] < line[2] - limit.seconds]
    return Finding(bool(wrong), " ".join(wrong) or None)


SOUND_CHANGED = Check(
    "sound-changed",
    "Sound changed",
    "The sound is not the source's where nothing was dubbed.",
    episode=_sounds_otherwise,
    needs=("sound", "source"),
    settings=SoundLimit,
    unit="s",
)
LINES_LOST = Check(
    "lines-lost",
    "Lines lost",
    "Lines that were to be spoken are not in the dub.",
    episode=_loses_lines,
    settings=LinesLimit,
    measures="Lines lost",
)
ORDER = Check(
    "order",
    "Order of lines",
    "Lines are heard in another order than in the source.",
    episode=_is_out_of_order,
    settings=OrderLimit,
    measures="Too early",
)
