"""Collect what the report shows, and write `report.html`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.engines.justdubit.record import ROLES as GENERATOR
from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, EpisodeQc, Line, LineQc, PictureReport, Segment
from stages.mix import SOUND
from stages.paste import REPORT as PICTURE_REPORT
from stages.stitch import dub_name, film

if TYPE_CHECKING:
    from dubkit.qc.report import FrameSpan, LineCard, ModelUsed, ReportModel, Summary

NAMED = (
    "extract", "shots", "diarize", "transcribe", "faces", "translate", "cast", "embed", "encode", "denoise",
    "refine", "decode", "paste", "speak", "mix", "stitch",
)  # fmt: skip
GENERATING = frozenset({"faces", "embed", "encode", "denoise", "refine", "decode", "paste"})
WAVE = 1200
"""Peaks of each waveform in the timeline."""

# What a model does, as the stages name it in their keys -> its role in the catalogue.
ROLES = {"asr": ("asr",), "speaker": ("speaker",), "voice": ("tts", "tts-en"), "translator": ("nmt",)}
ROLES |= {role: (role,) for role in GENERATOR}
DOES = {
    "checkpoint": "picture and voice",
    "text-encoder": "reads the prompt",
    "dubbing-lora": "dubbing",
    "distilled-lora": "refinement",
    "spatial-upscaler": "refinement",
    "faces": "faces that speak",
    "asr": "speech recognition",
    "speaker": "who speaks",
    "voice": "voice",
    "translator": "translation",
}


def degraded_notes(context: Context) -> list[str]:
    """Every fall-back and failed item of the episode and the language, each once."""
    notes: list[str] = []
    for stage in (s for s in NAMED if context.clips.engine != "voice" or s not in GENERATING):
        for language in ("", context.language):
            for record in context.store.records(stage, language).values():
                notes.extend(f"{stage}: {note}" for note in record.degraded)
                if record.error:
                    notes.append(f"{stage} {record.item} failed: {record.error.splitlines()[0]}")
    return list(dict.fromkeys(notes))


def write_report(context: Context) -> None:
    """Write the page from the finished artifacts."""
    from dubkit.qc.report import render_report

    page = render_report(collect(context))
    context.store.write_bytes("report.html", page.encode(), context.language)


def collect(context: Context) -> ReportModel:
    """Put together what the page shows; paths are relative to the language's folder."""
    from dubkit.media.sound.audio import waveform_peaks
    from dubkit.qc.report import ReportModel, ShotCard, SpeakerCard
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
        summary=_summary(context, measured),
    )


def picture_report(context: Context) -> PictureReport | None:
    """Return where the frames of the dub come from; None where the picture is the source's own."""
    if film(context) is None:
        return None
    return context.store.read(PICTURE_REPORT, PictureReport, context.language)


def frame_spans(context: Context) -> tuple[FrameSpan, ...]:
    """Return the stretches of frames as the page counts them, from 1."""
    from dubkit.qc.report import FrameSpan

    picture = picture_report(context)
    return tuple(FrameSpan(a + 1, b, origin) for a, b, origin in picture.spans) if picture else ()


def _line(context: Context, segment: Segment, line: Line, measured: LineQc | None) -> LineCard:
    from dubkit.qc.report import LineCard

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
    from dataclasses import replace

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
    return replace(
        spoken,
        heard=measured.heard if measured.word_error is not None else None,
        word_error=measured.word_error,
        start_error=measured.start_error,
        loudness_error=measured.loudness_error,
        flags=tuple(dict.fromkeys((*line.flags, *measured.flags))),
    )


def _route(context: Context, line: Line) -> str:
    """Say how a line got into the dub; nothing where every line is simply spoken."""
    if context.clips.engine == "voice":
        return ""
    words = {"lipdub": "Lips and voice generated", "voice": "Voice only", "keep": "Left as it was"}
    found = next((r for r in context.clips.routes if r.line == line.id), None)
    return f"{words[found.route]}: {found.reason}." if found else ""


def _summary(context: Context, measured: EpisodeQc) -> Summary:
    from dubkit.qc.report import Summary

    return Summary(
        frames=measured.frames,
        source_frames=measured.source_frames,
        identical_packets=measured.identical_packets,
        dubbed_frames=measured.dubbed_frames,
        recoded_frames=measured.recoded_frames,
        drift_ms=measured.drift_ms,
        source_lufs=measured.source_lufs,
        dub_lufs=measured.dub_lufs,
        true_peak_db=measured.true_peak_db,
        word_error=measured.word_error,
        tokens_in=context.translation.tokens_in,
        tokens_out=context.translation.tokens_out,
        flags=measured.flags,
    )


def models_used(context: Context) -> tuple[ModelUsed, ...]:
    """Return what did the work, from the records of the stages, each once."""

    from dubkit.qc.report import ModelUsed

    name = context.clips.engine
    what = "speech in the exact slot, picture untouched" if name == "voice" else "picture and voice together"
    found: dict[tuple[str, str], ModelUsed] = {("engine", name): ModelUsed("engine", name, what, "")}
    for stage in (s for s in NAMED if name != "voice" or s not in GENERATING):
        for language in ("", context.language):
            for record in context.store.records(stage, language).values():
                for use, identity in record.parts.models.items():
                    found.setdefault((use, identity), _model(context, use, identity, record.degraded))
    return tuple(found.values())


def _model(context: Context, use: str, identity: str, degraded: tuple[str, ...]) -> ModelUsed:
    from dubkit.qc.report import ModelUsed

    fallback = degraded[0] if degraded and use in ("speaker", "voice") else ""
    for role in ROLES.get(use, ()):
        for spec in context.models.of_role(role):
            if spec.name in identity:
                return ModelUsed(DOES.get(use, use), spec.name, identity, spec.licence, fallback)
    return ModelUsed(DOES.get(use, use), identity, "", "", fallback)
