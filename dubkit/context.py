"""What stages see of an episode: its artifacts with the hand edits laid over them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.review import edits as hand
from dubkit.store import EpisodeStore, Record, digest
from dubkit.types import Cast, Diarization, Episode, Line, Prompts, Segment, Shots, Transcript, Translation

if TYPE_CHECKING:
    from dubkit.config import Settings
    from dubkit.ops.models import ModelStore

IMPORTS = "imports"


class Context:
    """One episode in one language (empty for the shared stages), read anew for every stage."""

    def __init__(
        self,
        store: EpisodeStore,
        settings: Settings,
        source: Path,
        sha256: str,
        models: ModelStore,
        language: str = "",
    ) -> None:
        self.store = store
        self.settings = settings
        self.source = source
        self.sha256 = sha256
        self.models = models
        self.language = language

    def fresh(self, language: str | None = None) -> Context:
        """Return a context that reads every artifact again."""
        chosen = self.language if language is None else language
        return Context(self.store, self.settings, self.source, self.sha256, self.models, chosen)

    # shared artifacts

    @cached_property
    def episode(self) -> Episode:
        return self.store.read("episode.json", Episode)

    @cached_property
    def shots(self) -> Shots:
        return self.store.read("shots.json", Shots)

    @cached_property
    def diarization(self) -> Diarization:
        return self.store.read("diarization.json", Diarization)

    @cached_property
    def transcript(self) -> Transcript:
        """The transcript as the stage wrote it, without hand edits."""
        return self.store.read("transcript.json", Transcript)

    @property
    def audio(self) -> Path:
        """The dubbed track at 48 kHz on the episode clock."""
        return self.store.path("audio.wav")

    @property
    def speech(self) -> Path:
        """The dubbed track as 16 kHz mono on the episode clock."""
        return self.store.path("speech16k.wav")

    @cached_property
    def source_language(self) -> str:
        return self.transcript.language

    # hand edits

    @cached_property
    def shared_edits(self) -> hand.Edits:
        return hand.read_edits(self.store)

    @cached_property
    def language_edits(self) -> hand.Edits:
        return hand.read_edits(self.store, self.language) if self.language else hand.Edits()

    @cached_property
    def placed(self) -> hand.Placed:
        return hand.place(
            self.shared_edits,
            self.language_edits,
            self.transcript.segments,
            hand.read_anchors(self.store),
        )

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Segments with hand edits, in order of time."""
        edited = (hand.edited_segment(s, self.placed.segments.get(s.id)) for s in self.transcript.segments)
        return tuple(sorted(edited, key=lambda s: (s.start, s.id)))

    # artifacts of the language

    @cached_property
    def translation(self) -> Translation:
        """The translation as the stage wrote it, without hand edits."""
        return self.store.read("translation.json", Translation, self.language)

    @cached_property
    def lines(self) -> tuple[tuple[Segment, Line], ...]:
        """Each segment with its line, hand edits laid over both."""
        by_id = {line.id: line for line in self.translation.lines}
        return tuple(
            (segment, hand.edited_line(by_id[segment.id], self.placed.lines.get(segment.id)))
            for segment in self.segments
            if segment.id in by_id
        )

    @cached_property
    def cast(self) -> Cast:
        return self.store.read("cast.json", Cast, self.language)

    @cached_property
    def prompts(self) -> Prompts:
        return self.store.read("prompts.json", Prompts, self.language)

    # what enters keys

    def imported(self, stage: str) -> Path | None:
        """Return the user's own file for a stage, if one was given with `--use`."""
        folder = self.store.path(IMPORTS, self.language)
        found = sorted(folder.glob(f"{stage}.*")) if folder.is_dir() else []
        return found[0] if found else None

    def artifact_digest(self, relative: str, language: str = "") -> str:
        """SHA-256 of a small artifact by its content on disk."""
        return self.store.artifact_digest(relative, language)

    def file_digest(self, stage: str, relative: str, item: str = "episode", language: str = "") -> str:
        """SHA-256 of a large artifact as recorded when it was written."""
        record: Record | None = self.store.record(stage, item, language)
        prefix = f"{language}/{relative}" if language else relative
        return next((ref.sha256 for ref in record.files if ref.path == prefix), "") if record else ""

    @staticmethod
    def digest(value: Any) -> str:
        """SHA-256 of any value of `dubkit.types`."""
        return digest(value)
