"""Where the spoken lines lie in the mix."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import Line, Segment, sample_at
from stages.shared.deliveries import wished_energy
from stages.shared.recording.recordings import ENGINE as RECORDING

if TYPE_CHECKING:
    from dubkit.media.sound.mix import Placement


def placement_of(context: Context, segment: Segment, line: Line, silent: Collection[str]) -> Placement | None:
    """Return a spoken line as it is mixed; None where it failed, so that its own sound stays.

    `silent` are the segments in which nobody is heard to speak.
    """
    from dubkit.media.sound.mix import Placement

    speech = context.take_file(line.id)
    if speech is None:
        return None
    spoken = context.spoken_line(line.id)
    return Placement(
        id=line.id,
        speech=speech,
        start_sample=spoken.start_sample,
        source_span=(sample_at(segment.start), sample_at(segment.end)),
        speaker=segment.speaker,
        heard=segment.id not in silent,
        louder_db=wished_energy(context, line),
        recorded=spoken.engine == RECORDING,
    )
