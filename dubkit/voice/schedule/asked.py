"""What is asked of a schedule: the lines with their lengths, and the limits of pace and time."""

from __future__ import annotations

from dataclasses import dataclass

HEARD_MS = 10
"""How long after its start a line may first be heard."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A line that gets its time; whole milliseconds on the episode clock."""

    id: str
    speaker: str
    start_ms: int
    """When the source says it, as its end."""
    end_ms: int
    natural_ms: int
    """How long it takes at the voice's own pace."""
    seen: bool | None = None
    """Whether the picture shows the speaker's mouth; None where nobody looked."""
    fixed_start_ms: int | None = None
    """A start that stays, because a person set it or a clip holds it."""
    fixed_length_ms: int | None = None
    """A length that stays: that of speech which is already there."""
    reckoned_ms: int = 0
    """About how long it takes, as far as that is known before a voice is asked; 0 where it is not."""

    @property
    def first_ms(self) -> int:
        """Where it stands in the order of the lines."""
        return self.start_ms if self.fixed_start_ms is None else self.fixed_start_ms

    @property
    def last_ms(self) -> int:
        """Until when its time is certainly taken: by the source, or by speech that is already there."""
        if self.fixed_length_ms is None:
            return max(self.end_ms, self.first_ms)
        return max(self.end_ms, self.first_ms + self.fixed_length_ms)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a schedule keeps to."""

    end_ms: int
    """Length of the episode: nothing is spoken beyond it."""
    min_pace: float = 0.85
    max_pace: float = 1.20
    pacing: bool = True
    """Whether lines may be faster or slower than the voice's own pace."""
    frame_ms: float = 40.0
    """How long the film shows a picture."""

    @property
    def slowest(self) -> float:
        """Slowest pace of a line."""
        return self.min_pace if self.pacing else 1.0

    @property
    def fastest(self) -> float:
        """Pace above which a line is too long."""
        return self.max_pace if self.pacing else 1.0

    @property
    def exact_ms(self) -> int:
        """How far a start may be off where the picture shows the mouth: two pictures, as it is heard."""
        return max(0, int(2 * self.frame_ms) - HEARD_MS)
