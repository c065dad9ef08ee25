"""Collect everything that made one line: words, texts, models, settings, edits, checks, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dubkit.chain.stage import EPISODE, Stage
from dubkit.episode.context import Context
from dubkit.episode.edits.events import undone_numbers
from dubkit.episode.edits.log import EditLog
from dubkit.episode.line_timing import OwnText
from dubkit.episode.store import Record
from dubkit.models.catalogue import catalogue
from dubkit.qc.check import flag_words
from dubkit.review.history import line_of, sentence
from dubkit.review.lines import ReviewLine, review_lines
from dubkit.review.provenance import explain as provenance
from dubkit.review.takes import TakeRow, clips_of, line_takes
from dubkit.review.tries import Try, read_tries, scores
from dubkit.studio import chain
from dubkit.types import Speaker


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of the source with its times in seconds of the episode."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Step:
    """One record that has a part in the line. Times are UTC: `2026-11-21T10:15:00+00:00`."""

    stage: str
    item: str
    at: str
    """When the record was written; in a copied folder perhaps when it was copied."""
    key: str
    settings: dict[str, Any]
    """Settings that it depends on, with their values."""
    models: dict[str, str]
    inputs: dict[str, str]
    edits: dict[str, Any]
    degraded: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model, engine or service that had a part in the line."""

    role: str
    identity: str
    """Name and digest of its content; of a service its name alone."""
    licence: str
    """Empty where it is none of the listed models."""
    files: dict[str, str]
    """File -> SHA-256, of a listed model."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the line, or of its speaker, by a person or in the name of dubkit."""

    number: int
    at: str
    who: str
    action: str
    what: str
    undone: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check says of the line."""

    name: str
    title: str
    meaning: str
    measure: str
    """What was measured, with its unit; empty where it is flagged without a measure."""
    flagged: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """One of several takes that were compared."""

    takes: tuple[str, ...]
    flags: tuple[str, ...]
    score: float
    """0 to 1; -1 where it failed."""
    parts: dict[str, float]


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything that made a line."""

    line: ReviewLine
    language: str
    speaker: Speaker | None
    reference: str
    """What the speaker's voice is cloned from; empty where it is not."""
    words: tuple[SpokenWord, ...]
    translated: str
    """The first translation."""
    texts: tuple[OwnText, ...]
    prompt: str
    seed: int | None
    takes: tuple[TakeRow, ...]
    tried: tuple[Tried, ...]
    models: tuple[Model, ...]
    settings: dict[str, Any]
    """Setting -> value, of all steps."""
    edits: tuple[Edit, ...]
    checks: tuple[Checked, ...]
    measured: dict[str, str]
    """What was measured of the line, whatever checks make of it."""
    checked_at: str
    steps: tuple[Step, ...]


def explain_line(context: Context, name: str) -> Explained:
    """Return everything that made a line. Nothing is loaded or written."""
    (line,) = review_lines(context, frozenset([name]))
    segment = next(segment for segment in context.segments if segment.id == name)
    has_cast = context.store.has("cast.json", context.language)
    speakers = context.cast.speakers if has_cast else ()
    speaker = next((one for one in speakers if one.id == segment.speaker), None)
    steps = tuple(_steps(context, name))
    made = provenance(context, name)
    return Explained(
        line=line,
        language=context.language,
        speaker=speaker,
        reference=_reference(context, segment.speaker),
        words=tuple(SpokenWord(w.text, w.start, w.end) for w in segment.words),
        translated=next((one.text for one in context.translation.lines if one.id == name), ""),
        texts=line.timing.texts,
        prompt=made.prompt,
        seed=made.seed,
        takes=tuple(line_takes(context, name)),
        tried=tuple(_tried(context, name)),
        models=tuple(_models(steps)),
        settings={key: step.settings[key] for step in steps for key in sorted(step.settings)},
        edits=tuple(_edits(context, name, segment.speaker)),
        checks=tuple(_checks(line)),
        measured=dict(_measured(line)),
        checked_at=next((step.at for step in reversed(steps) if step.stage == "qc"), ""),
        steps=steps,
    )


def _reference(context: Context, speaker: str) -> str:
    found = next((one for one in context.references.speakers if one.speaker == speaker), None)
    return "" if found is None else f"{found.origin}: {found.file}"


def _steps(context: Context, name: str) -> Iterator[Step]:
    """Yield the records that have a part in a line, in the order of the chain."""
    own = clips_of(context, name) if context.has_clips else []
    windows = [clip.window for clip in context.planned_clips if clip.id in own]
    wanted = {name, EPISODE, *own, *windows}
    for stage in chain().stages:
        if stage.part_of:
            continue
        home = stage.result_language(context.language) if stage.scope == "language" else ""
        for item, record in context.store.records(stage.name, home).items():
            if record.key and (item in wanted or _is_whole(stage, record, name)):
                yield _step(context, stage, record, home)


def _is_whole(stage: Stage, record: Record, name: str) -> bool:
    """Tell whether a record is about the line although it has another name.

    An episode's stage has few records, each about all lines; what was heard together has the lines inside.
    """
    inside = isinstance(record.value, dict) and name in record.value
    return stage.scope == "episode" or inside


def _step(context: Context, stage: Stage, record: Record, home: str) -> Step:
    stamp = context.store.record_stamp(stage.name, record.item, home)
    taken = record.parts.edits.get("take")
    made = context.store.take_record(taken, home) if taken else None
    parts = (made or record).parts
    return Step(
        stage.name, record.item, _utc(stamp[1] / 1e9) if stamp else "", record.key,
        parts.settings, parts.models, parts.inputs, record.parts.edits | parts.edits,
        tuple(said.sentence for said in record.said if said.weight != "note"), record.error,
    )  # fmt: skip


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _models(steps: Sequence[Step]) -> Iterator[Model]:
    specs = {spec.name: spec for spec in catalogue()}
    found = {(role, identity) for step in steps for role, identity in step.models.items()}
    for role, identity in sorted(found):
        names = [name for name in specs if identity.startswith(name)]
        spec = specs[max(names, key=len)] if names else None
        files = {file.name: file.sha256 for file in spec.files if file.sha256} if spec else {}
        yield Model(role, identity, spec.licence if spec else "", files)


def _edits(context: Context, name: str, speaker: str) -> Iterator[Edit]:
    events = EditLog(context.store).events()
    back = undone_numbers(events)
    homes = context.placed.homes if events else {}
    for event in events:
        said = [
            sentence(change, homes)
            for change in event.changes
            if change.language in ("", context.language)
            and line_of(change, homes) == (speaker if change.section == "speakers" else name)
        ]
        if said:
            yield Edit(
                event.number, _utc(event.at), event.who, event.action, "; ".join(said),
                event.number in back,
            )  # fmt: skip


def _checks(line: ReviewLine) -> Iterator[Checked]:
    """Yield the checks that flag the line or measured something of it."""
    for name in dict.fromkeys((*line.flags, *line.measures)):
        yield Checked(name, *flag_words(name), line.measures.get(name, ""), name in line.flags)


def _measured(line: ReviewLine) -> Iterator[tuple[str, str]]:
    """Yield the numbers that every measured line has, with what they are."""
    if line.word_error is not None:
        yield "word error", f"{line.word_error:.2f}"
    if line.start_error is not None:
        yield "start", f"{1000 * line.start_error:+.0f} ms against its time"
    if line.loudness_error is not None:
        yield "level", f"{line.loudness_error:+.1f} LU against the source"


def _tried(context: Context, name: str) -> Iterator[Tried]:
    units = (unit for unit in read_tries(context).units.values() if name in unit.lines)
    tries: Sequence[Try] = next((unit.tries for unit in units), ())
    for one, score in zip(tries, scores(tries), strict=True):
        if one.measured:
            yield Tried(one.takes, one.marks[name].flags, score, one.marks[name].parts)
