"""What an episode needs before it has run: guessed from its file and the models, then learned from others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.batch.rule import MB, WorkNeeds
from dubkit.chain.chain import Request
from dubkit.chain.executor import chosen_executor
from dubkit.chain.plan import expect_seconds
from dubkit.studio import Session, chain

BASE_MEMORY = 900 * MB
"""What a run takes without models, for a short episode."""

MEMORY_A_SECOND = 400_000
"""Bytes for each second of an episode: its sound, a few times over."""

MODEL_SHARE = 2.0
"""A model in memory against its files: a stage opens one heavy model, with room to work."""

MARGIN = 1.15
"""What is learned from other episodes is taken with some room."""

SOUND_A_SECOND = 400_000
"""Bytes on disk for each second: the sound of the source, and that of each dub."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a source before it is opened: bytes, and seconds as its header states them."""

    size: int
    seconds: float


@dataclass(slots=True)
class Estimator:
    """Estimates memory, disk and time of episodes that share settings and languages."""

    model_memory: int
    card: bool
    languages: int
    pace: float
    """Seconds of work for a second of episode, as a first guess."""
    start_seconds: float = 5.0
    base_memory: int = BASE_MEMORY
    cores: int = 1
    """Cores that the executor of an episode keeps busy."""
    peaks: list[int] = field(default_factory=list)
    """Bytes that finished episodes held at most."""
    longest: float = 0.0
    """Length of the longest of them."""
    worked: float = 0.0
    """Seconds that finished episodes took, and their lengths together."""
    lengths: float = 0.0
    finished: int = 0

    def needs(self, facts: FileFacts, *, known_peak: int = 0) -> WorkNeeds:
        """Return what an episode needs; `known_peak` is what an earlier attempt at it held."""
        guessed = self.base_memory + self.model_memory + int(facts.seconds * MEMORY_A_SECOND)
        if self.peaks:
            longer = max(0.0, facts.seconds - self.longest)
            guessed = int(max(self.peaks) * MARGIN + longer * MEMORY_A_SECOND)
        sound = int(facts.seconds * SOUND_A_SECOND) * (1 + self.languages)
        disk = sound + facts.size * self.languages
        return WorkNeeds(max(guessed, known_peak), disk, self.card, self.cores)

    def learn(self, facts: FileFacts, seconds: float, peak: int) -> None:
        """Note what an episode took that had work to do and went through."""
        self.peaks = [*self.peaks, peak][-8:] if peak else self.peaks
        self.longest = max(self.longest, facts.seconds)
        self.worked += seconds
        self.lengths += facts.seconds
        self.finished += 1

    def seconds(self, facts: FileFacts) -> float:
        """Return the seconds to expect for an episode."""
        if self.finished:
            return (
                self.worked / self.lengths * facts.seconds
                if self.lengths and facts.seconds
                else (self.worked / self.finished)
            )
        return self.start_seconds + self.pace * facts.seconds


def open_estimator(session: Session, request: Request) -> Estimator:
    """Return first guesses from the settings, the models on this machine and its measured speeds.

    Raises SettingError for an executor that cannot work here.
    """
    stages = [stage for _, part in chain().scopes(request, session) for stage in part]
    low_high = [expect_seconds(stage, session.speeds, 60.0) for stage in stages if stage.work is None]
    return Estimator(
        model_memory=int(_largest_model(session) * MODEL_SHARE),
        card=session.settings.device != "cpu" and any(stage.takes_card(session) for stage in stages),
        languages=len(request.languages),
        pace=sum(low + high for low, high in low_high) / 2 / 60.0,
        cores=chosen_executor(session.settings).cores(session.settings),
    )


def _largest_model(session: Session) -> int:
    """Return the bytes of the largest model beside the generator's that a run opens by itself."""
    from dubkit.models.catalogue import ROLES

    named = set(map(str, _values(session)))
    sizes = [
        spec.size
        for spec in session.models.catalogue
        if spec.role in ROLES and (spec.default or spec.name in named)
    ]
    return max(sizes, default=0)


def _values(session: Session) -> Iterable[object]:
    from dubkit.config import changed_settings

    changed: Mapping[str, object] = changed_settings(session.settings)
    return changed.values()


def file_size(source: Path) -> int:
    """Return the bytes of a file; 0 where it cannot be read."""
    try:
        return source.stat().st_size
    except OSError:
        return 0
