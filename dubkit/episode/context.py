"""What stages see of an episode: its artifacts with the hand edits laid over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.episode import edits as hand
from dubkit.episode.recordings import Recordings, find_recordings
from dubkit.episode.store import EpisodeStore, Record, canonical, decode_json, digest
from dubkit.types import (
    Adaptation,
    Cast,
    Clip,
    Clips,
    Diarization,
    Episode,
    Faces,
    Line,
    MixReport,
    Prompts,
    Route,
    Schedule,
    ScheduledLine,
    Segment,
    Shots,
    SpokenLine,
    Transcript,
    Translation,
    VideoStream,
)
from dubkit.types.references import References
from dubkit.types.voices import Expression

if TYPE_CHECKING:
    from dubkit.config import Settings
    from dubkit.episode.edits.events import Change
    from dubkit.models.store import ModelStore
    from dubkit.series.people.person import Person
    from dubkit.series.place import Series
    from dubkit.types.models import ResolvedModel

IMPORTS = "imports"
"""Folder of the files that the user gave for stages."""


def import_name(stage: str) -> str:
    """Return where the name of the user's own file for a stage is kept."""
    return f"{IMPORTS}/{stage}-name.txt"


Fetching = Callable[[str, int, int], None]
"""Called with the name of a model, the bytes done and the bytes in all."""


def _no_report(name: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(eq=False)
class Context:
    """One episode in one language, read anew for every stage."""

    store: EpisodeStore
    settings: Settings
    source: Path
    sha256: str
    models: ModelStore
    language: str = ""
    """Empty for the shared stages."""
    fetching: Fetching | None = None
    draft: hand.Draft = field(default_factory=hand.Draft)
    """Changes that are read as if they were made."""
    given: Mapping[str, Path | None] = field(default_factory=dict)
    """Stage -> a folder of the user's that is read as if `--use` had taken it over; None for none."""
    series: Series | None = None
    """The series that the episode belongs to; None where there is none."""

    def fresh(self, language: str | None = None) -> Context:
        """Return a context that reads every artifact again."""
        return replace(self, language=self.language if language is None else language)

    def with_changes(self, changes: Sequence[Change], moments: Sequence[Segment] = ()) -> Context:
        """Return the episode as it would be after some changes; nothing is written.

        `moments` are when their lines speak, under the names the edits would have.
        """
        return replace(self, draft=hand.Draft(tuple(changes), tuple(moments)))

    # models

    def model(self, role: str, name: str = "") -> ResolvedModel | None:
        """Return a model on this machine; None when it would have to be fetched.

        Within a run a named model is fetched, so that its identity is known. Raises ModelMissing when a named
        model cannot be had at all.
        """
        model = self.models.find(role, name)
        if model is None and name and self.fetching is not None:
            return self.models.fetch(role, name, self.fetching)
        return model

    def model_path(self, model: ResolvedModel) -> Path:
        """Return what a loader is given for a model, put together from its packages if need be."""
        return self._put_together(model).path

    def model_folder(self, model: ResolvedModel) -> Path:
        """Return the folder of a model, put together from its packages if need be."""
        folder = self._put_together(model).folder
        assert folder is not None, "a fetched model has a folder"
        return folder

    def _put_together(self, model: ResolvedModel) -> ResolvedModel:
        if model.folder is not None:
            return model
        return self.models.fetch(model.role, model.name, self.fetching or _no_report)

    # shared artifacts

    @cached_property
    def episode(self) -> Episode:
        """The probed source."""
        return self.store.read("episode.json", Episode)

    @cached_property
    def shots(self) -> Shots:
        """The shots of the picture."""
        return self.store.read("shots.json", Shots)

    @cached_property
    def diarization(self) -> Diarization:
        """Who speaks when."""
        return self.store.read("diarization.json", Diarization)

    @cached_property
    def transcript(self) -> Transcript:
        """The transcript as the stage wrote it, without hand edits."""
        return self.store.read("transcript.json", Transcript)

    @cached_property
    def references(self) -> References:
        """The recordings that voices are cloned from; none where no voice is cloned, or before it is."""
        if not self.store.has("references.json"):
            return References(())
        return self.store.read("references.json", References)

    @cached_property
    def faces(self) -> Faces:
        """The faces that speak; none where they were not searched for."""
        if not self.store.has("faces.json"):
            return Faces("none", ())
        return self.store.read("faces.json", Faces)

    @property
    def picture(self) -> VideoStream:
        """The picture of the source, for work that is only done where there is one."""
        video = self.episode.video
        assert video is not None, "clips have a picture"
        return video

    @property
    def audio(self) -> Path:
        """The dubbed track at 48 kHz on the episode clock."""
        return self.store.path("audio.wav")

    @property
    def layout(self) -> str:
        """Channel layout of `audio.wav`, such as `stereo` or `5.1`."""
        track = next((t for t in self.episode.audio if t.number == self.episode.track), None)
        return track.layout if track and track.channels == self.episode.channels else ""

    @property
    def speech(self) -> Path:
        """The dubbed track as 16 kHz mono on the episode clock."""
        return self.store.path("speech16k.wav")

    @cached_property
    def source_language(self) -> str:
        """Tag of the language of the source."""
        return self.transcript.language

    # hand edits

    @cached_property
    def shared_edits(self) -> hand.Edits:
        """Edits that all languages share."""
        return self.draft.read_edits(self.store)

    @cached_property
    def language_edits(self) -> hand.Edits:
        """Edits of this language."""
        return self.draft.read_edits(self.store, self.language) if self.language else hand.Edits()

    @cached_property
    def speaker_edits(self) -> dict[str, hand.SpeakerEdit]:
        """Speaker -> the edit: that of this language over that of all languages."""
        return hand.speaker_edits(self.shared_edits, self.language_edits)

    @cached_property
    def speaker_names(self) -> dict[str, str]:
        """Speaker of a segment -> the name that a person gave them, else the id."""
        edits = self.speaker_edits
        ids = dict.fromkeys(segment.speaker for segment in self.segments)
        return {name: (edits[name].name or name) if name in edits else name for name in ids}

    @cached_property
    def placed(self) -> hand.Placed:
        """The edits by the segments they belong to now."""
        return hand.place(
            self.shared_edits,
            self.language_edits,
            self.transcript.segments,
            self.draft.read_anchors(self.store),
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
    def adaptation(self) -> Adaptation:
        """The words that fit; no lines while there are none, or where lines keep their first translation."""
        if self.settings.timing.fit and self.store.has("adaptation.json", self.language):
            return self.store.read("adaptation.json", Adaptation, self.language)
        return Adaptation(self.language, ())

    @cached_property
    def adapted_texts(self) -> dict[str, str]:
        """Line -> the text chosen for its time, where it is another than the first translation.

        A text that was made for a translation that is no longer there is left out.
        """
        first = {line.id: line.text for line in self.translation.lines}
        return {
            line.id: line.text
            for line in self.adaptation.lines
            if line.first == first.get(line.id) and line.text != line.first
        }

    @cached_property
    def lines(self) -> tuple[tuple[Segment, Line], ...]:
        """Each segment with its line, the text that fits and hand edits laid over both."""
        adapted = self.adapted_texts
        by_id = {
            line.id: replace(line, text=adapted[line.id]) if line.id in adapted else line
            for line in self.translation.lines
        }
        return tuple(
            (segment, hand.edited_line(by_id[segment.id], self.placed.lines.get(segment.id), segment))
            for segment in self.segments
            if segment.id in by_id
        )

    @cached_property
    def recordings(self) -> Recordings:
        """The lines' recordings by people."""
        lines = [line.id for _, line in self.lines]
        edits, given = self.placed.lines, self.user_folder("speak")
        return find_recordings(self.store, self.language, lines, edits, given)

    @cached_property
    def cast(self) -> Cast:
        """The speakers with their voices."""
        return self.store.read("cast.json", Cast, self.language)

    @cached_property
    def people(self) -> dict[str, Person]:
        """Speaker -> who they are in the episode's series; nobody where its people are not remembered."""
        if self.series is None or self.settings.cast.memory == "off":
            return {}
        from dubkit.series.people.book import PeopleBook
        from dubkit.series.people.person import person_of

        people = PeopleBook(self.series.data).people()
        speakers = dict.fromkeys(segment.speaker for segment in self.segments)
        found = {speaker: person_of(people, self.sha256, speaker) for speaker in speakers}
        return {speaker: person for speaker, person in found.items() if person is not None}

    @cached_property
    def schedule(self) -> Schedule:
        """When every line is spoken. Raises ArtifactMissing before it is made."""
        return self.store.read("schedule.json", Schedule, self.language)

    @cached_property
    def expression(self) -> Expression:
        """How lines are planned to be said; none where they are said plainly, or while there is no plan."""
        if self.settings.express.mode != "off" and self.store.has("expressive.json", self.language):
            return self.store.read("expressive.json", Expression, self.language)
        return Expression(self.language)

    @cached_property
    def prompts(self) -> Prompts:
        """The prompts of the segments."""
        return self.store.read("prompts.json", Prompts, self.language)

    @cached_property
    def clips(self) -> Clips:
        """The planned clips, and the route of every line."""
        return self.store.read("clips.json", Clips, self.language)

    @property
    def has_clips(self) -> bool:
        """Whether clips are planned."""
        return self.store.has("clips.json", self.language)

    @property
    def planned_clips(self) -> tuple[Clip, ...]:
        """The planned clips; none while there is no plan."""
        return self.clips.clips if self.has_clips else ()

    @cached_property
    def routes(self) -> dict[str, Route]:
        """Line -> its route into the dub: as planned with the clips, else its own."""
        own = {line.id: line.route for _, line in self.lines}
        planned = self.clips.routes if self.has_clips else ()
        return own | {route.line: route.route for route in planned if route.line in own}

    @cached_property
    def mix_report(self) -> MixReport:
        """What the mix did."""
        return self.store.read("mix/mix.json", MixReport, self.language)

    def spoken_line(self, line: str) -> SpokenLine:
        """Return the value of the chosen take of a line. Raises KeyError when the line was not spoken."""
        record = self.record("speak", line)
        if record is None or record.error:
            raise KeyError(line)
        return decode_json(canonical(record.value), SpokenLine)

    def scheduled_line(self, line: str) -> ScheduledLine | None:
        """Return when a line is spoken; None where lines are not scheduled, or this one is not yet."""
        record = self.record("schedule", line) if self.settings.timing.scheduled else None
        if record is None or record.error or record.value is None:
            return None
        return decode_json(canonical(record.value), ScheduledLine)

    def record(self, stage: str, item: str) -> Record | None:
        """Return the record of an item of the language; None before it was worked on."""
        return self.store.record(stage, item, self.language)

    def take_file(self, item: str, name: str = "speech.wav", *, stage: str = "speak") -> Path | None:
        """Return a file of the chosen take of a line (or a clip); None when there is none."""
        record = self.record(stage, item)
        ref = record.file(name) if record else None
        return self.store.path(ref.path) if ref else None

    def take_digest(self, item: str, name: str, *, stage: str) -> str:
        """Return the SHA-256 of a file of the chosen take; empty when there is none."""
        record = self.record(stage, item)
        ref = record.file(name) if record else None
        return ref.sha256 if ref else ""

    # what enters keys

    def user_file(self, stage: str) -> Path | None:
        """Return the user's own file for a stage, if one was given with `--use`."""
        folder = self.store.path(IMPORTS, self.language)
        files = sorted(folder.glob(f"{stage}.*")) if folder.is_dir() else []
        return files[0] if files else None

    def user_folder(self, stage: str) -> Path | None:
        """Return the user's own folder for a stage, if one was given with `--use`."""
        if stage in self.given:
            return self.given[stage]
        folder = self.store.path(f"{IMPORTS}/{stage}", self.language)
        return folder if folder.is_dir() else None

    def user_file_name(self, stage: str) -> str:
        """Return the name under which the user gave the file for a stage; its own where that is not known."""
        name = self.store.path(import_name(stage), self.language)
        try:
            return name.read_text("utf-8") or stage
        except OSError:
            file = self.user_file(stage)
            return file.name if file else stage

    def artifact_digest(self, relative: str, language: str = "") -> str:
        """SHA-256 of a small artifact by its content on disk."""
        return self.store.artifact_digest(relative, language)

    def file_digest(self, stage: str, relative: str, item: str = "episode", language: str = "") -> str:
        """SHA-256 of a large artifact as recorded when it was written."""
        record: Record | None = self.store.record(stage, item, language)
        if record is None or record.error:
            return ""
        prefix = f"{language}/{relative}" if language else relative
        return next((ref.sha256 for ref in record.files if ref.path == prefix), "")

    @staticmethod
    def digest(value: Any) -> str:
        """SHA-256 of any value of `dubkit.types`."""
        return digest(value)


def finished_languages(context: Context) -> Sequence[str]:
    """Return the languages that an episode has a translation in."""
    root = context.store.root
    if not root.is_dir():
        return ()
    return tuple(sorted(path.parent.name for path in root.glob("*/translation.json")))
