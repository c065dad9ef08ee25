"""Collect what the report shows, and write `report.html`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.engines.engine import ENGINES
from dubkit.episode.context import Context
from dubkit.episode.store import Record
from dubkit.types import SAMPLE_RATE, EpisodeQc, Line, LineQc, Segment
from stages.shared.delivery import SOUND, dub_name, picture_report

if TYPE_CHECKING:
    from dubkit.qc.report.model import FrameSpan, LineCard, ModelUsed, ReportModel

WAVE = 1200
"""Peaks of each waveform in the timeline."""

MEASURING = "qc"
"""The stage that writes the report. It is written again after a stage of another package that runs later."""

ENGINE = "engine"
"""What the stages name the engine in their keys; the report names it first."""

VOICE_ALONE = "speech in the exact slot, picture untouched"
PICTURE_AND_VOICE = "picture and voice together"
"""What the engine did."""

USES = {"translator": "translation", "faces": "faces that speak"}
"""What something outside the catalogue does, by its name in the keys of the stages."""

FALLING_BACK = ("speaker", "voice")
"""Uses, as the keys name them, whose record has a note where a fall-back did the work: why it was taken."""


def records(context: Context, *, later: bool = True) -> Iterator[tuple[str, Record]]:
    """Yield the records of every stage that takes part, with the stage's name.

    Without `later`, only of those that run before the report is first written.
    """
    from stages import chain

    for stage in chain().taking_part(context):
        if stage.name == MEASURING:
            if later:
                continue
            return
        for language in ("", context.language):
            for record in context.store.records(stage.name, language).values():
                yield stage.name, record


def degraded_notes(context: Context, *, later: bool = True) -> list[str]:
    """Return every fall-back and failed item of the episode and the language, each once."""
    notes: list[str] = []
    for stage, record in records(context, later=later):
        notes.extend(f"{stage}: {note}" for note in record.degraded)
        if record.error:
            notes.append(f"{stage} {record.item} failed: {record.error.splitlines()[0]}")
    return list(dict.fromkeys(notes))


def write_report(context: Context) -> None:
    """Write the page from the finished artifacts."""
    from dubkit.qc.report.page import render_report

    page = render_report(collect(context))
    context.store.write_bytes("report.html", page.encode(), context.language)


def collect(context: Context) -> ReportModel:
    """Collect what the page shows; paths are relative to the language's folder."""
    from dubkit.media.sound.audio import waveform_peaks
    from dubkit.qc.report.model import ReportModel, ShotCard, SpeakerCard
    from dubkit.translate.language import language_name

    measured = context.store.read("qc.json", EpisodeQc, context.language)
    by_line = {q.id: q for q in measured.lines}
    return ReportModel(
        title=context.episode.name,
        source_language=language_name(context.source_language) if context.source_language else "unknown",
        target_language=language_name(context.language),
        source_tag=context.source_language,
        target_tag=context.language,
        duration=float(context.episode.duration),
        measured=measured,
        video=dub_name(context),
        audio_only=context.episode.video is None,
        models=models_used(context),
        degraded=tuple(degraded_notes(context)),
        speakers=tuple(SpeakerCard(s.id, s.name, s.description, s.voice) for s in context.cast.speakers),
        shots=tuple(ShotCard(s.id, s.start, s.end, f"../thumbnails/{s.id}.jpg") for s in context.shots.shots),
        lines=tuple(_line(context, segment, line, by_line.get(line.id)) for segment, line in context.lines),
        source_wave=waveform_peaks(context.audio, WAVE),
        dub_wave=waveform_peaks(context.store.path(SOUND, context.language), WAVE),
        frames=frame_spans(context),
        tokens_in=context.translation.tokens_in,
        tokens_out=context.translation.tokens_out,
    )


def frame_spans(context: Context) -> tuple[FrameSpan, ...]:
    """Return the stretches of frames as the page counts them, from 1."""
    from dubkit.qc.report.model import FrameSpan

    picture = picture_report(context)
    return tuple(FrameSpan(a + 1, b, origin) for a, b, origin in picture.spans) if picture else ()


def _line(context: Context, segment: Segment, line: Line, measured: LineQc | None) -> LineCard:
    from dubkit.qc.report.model import LineCard

    prompts = {prompt.id: prompt.text for prompt in context.prompts.prompts}
    card = LineCard(
        id=line.id,
        start=segment.start,
        end=segment.end,
        speaker=segment.speaker,
        source_text=segment.text,
        target_text=line.text,
        dub_start=segment.start,
        dub_end=segment.end,
        prompt=prompts.get(line.id, ""),
        provider=line.provider,
        route=_route(context, line),
        flags=line.flags,
    )
    file = context.take_file(line.id)
    if file is None or not line.text or line.route == "keep":
        return card
    take = context.spoken_line(line.id)
    spoken = replace(
        card,
        dub_start=take.start_sample / SAMPLE_RATE,
        dub_end=(take.start_sample + take.samples) / SAMPLE_RATE,
        engine=take.engine,
        voice=take.voice,
        speed=take.speed,
        fit=take.fit,
        speech=file.relative_to(context.store.path("", context.language)).as_posix(),
    )
    if measured is None:
        return spoken
    from dubkit.qc.check import shown_measures

    return replace(
        spoken,
        heard=measured.heard if measured.word_error is not None else None,
        word_error=measured.word_error,
        start_error=measured.start_error,
        loudness_error=measured.loudness_error,
        measures=shown_measures(measured.measures),
        flags=tuple(dict.fromkeys((*line.flags, *measured.flags))),
    )


def _route(context: Context, line: Line) -> str:
    """Say how a line got into the dub; nothing where every line is simply spoken."""
    if not _generates(context):
        return ""
    words = {"lipdub": "Lips and voice generated", "voice": "Voice only", "keep": "Left as it was"}
    planned = next((route for route in context.clips.routes if route.line == line.id), None)
    return f"{words[planned.route]}: {planned.reason}." if planned else ""


def _generates(context: Context) -> bool:
    """Tell whether the engine of the dub makes pictures; one no longer installed counts as if it did."""
    engine = ENGINES.get(context.clips.engine)
    return engine is None or engine.generates


def models_used(context: Context) -> tuple[ModelUsed, ...]:
    """Return every model that did some of the work, each once, from the records of the stages."""
    from dubkit.qc.report.model import ModelUsed

    name = context.clips.engine
    what = PICTURE_AND_VOICE if _generates(context) else VOICE_ALONE
    used: dict[tuple[str, str], ModelUsed] = {}
    for _, record in records(context):
        for use, identity in record.parts.models.items():
            if use != ENGINE:
                used.setdefault((use, identity), _model(context, use, identity, record.degraded))
    return ModelUsed(ENGINE, name, what, ""), *used.values()


def _model(context: Context, use: str, identity: str, degraded: tuple[str, ...]) -> ModelUsed:
    from dubkit.qc.report.model import ModelUsed

    fallback = degraded[0] if degraded and use in FALLING_BACK else ""
    spec = next((spec for spec in context.models.catalogue if spec.name in identity), None)
    if spec is not None:
        return ModelUsed(spec.does, spec.name, identity, spec.licence, fallback)
    same = (spec.does for spec in context.models.of_role(use))
    return ModelUsed(next(same, USES.get(use, use)), identity, "", "", fallback)
