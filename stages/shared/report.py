"""Collect what the report shows, and write `report.html`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.chain.noticing import edit_remarks, stage_remarks
from dubkit.chain.stage import EPISODE
from dubkit.engines.engine import ENGINES
from dubkit.episode.context import Context
from dubkit.episode.line_states import LineState, line_states
from dubkit.episode.results import finished_dub, speech_receipt
from dubkit.episode.store import Record
from dubkit.types import SAMPLE_RATE, EpisodeQc, Line, Remark
from dubkit.types.telling import Noticed, in_order, told
from stages.shared.cloning.cloned_voices import cloning_words
from stages.shared.finished_dub import SOUND, picture_report
from stages.shared.nonverbal import kept_spans_of
from stages.shared.recording.recordings import ENGINE as RECORDING
from stages.shared.report_timing import with_timing
from stages.shared.songs import music

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

HEARING = "hearing the dub"
"""What the recogniser of the round trip does, as the report names it."""

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


def remarks(context: Context) -> list[Noticed]:
    """Return all that is to be said of the episode and the language, the heaviest first.

    What the checks of the whole dub found is left out: the page says it with its numbers.
    """
    from stages import chain

    said: list[Noticed] = []
    for stage in chain().taking_part(context):
        if stage.name == MEASURING:
            continue
        for language in ("", context.language):
            here = context.fresh(language)
            said += stage_remarks(stage, here, context.store.records(stage.name, language).values())
    return in_order([*said, *edit_remarks(context)])


def said_before(context: Context) -> list[str]:
    """Return what the records say that are there before the report is first written, for its key."""
    said: list[str] = []
    for stage, record in records(context, later=False):
        said += [f"{stage}: {note}" for note in record.degraded]
        said += [f"{stage}: {r.code} {r.place} {r.sentence}" for r in record.remarks]
        if record.error:
            said.append(f"{stage} {record.item} failed: {record.error.splitlines()[0]}")
    return list(dict.fromkeys(said))


def shown(context: Context, measured: EpisodeQc | None = None) -> str:
    """Return the digest of what the page says of lines and episode, to tell whether it is outdated."""
    lines = [
        (s.number, s.line.id, s.line.text, s.flags, s.to_look_at, s.accepted, s.locked, s.conflict)
        for s in line_states(context, measured=measured)
    ]
    cloned = cloning_words(context)
    return context.digest([lines, told(remarks(context)), *([cloned] if cloned else [])])


def renew_report(context: Context) -> None:
    """Write the page of a language again where people's decisions have changed what it says. Needs the lock.

    A page of an earlier version, which kept no digest, is written again once somebody has decided something.
    """
    store, language = context.store, context.language
    record = store.record(MEASURING, EPISODE, language)
    if record is None or record.error or not store.has("report.html", language):
        return
    now = shown(context)
    if record.value == now or (record.value is None and not context.placed.lines):
        return
    rewrite_report(context)
    record = store.record(MEASURING, EPISODE, language) or record
    store.save_record(replace(record, value=now), language)


def rewrite_report(context: Context) -> None:
    """Write the page of a language again, and note that it is dubkit's own."""
    store, language = context.store, context.language
    write_report(context)
    record = store.record(MEASURING, EPISODE, language)
    if record is None or record.error:
        return
    page = store.ref("report.html", language)
    files = tuple(page if ref.path == page.path else ref for ref in record.files)
    if files != record.files:
        store.save_record(replace(record, files=files), language)


def write_report(context: Context, measured: EpisodeQc | None = None) -> None:
    """Write the page from the finished artifacts; `measured` are measures that have no record yet."""
    from dubkit.qc.report.page import render_report

    page = render_report(collect(context, measured))
    context.store.write_bytes("report.html", page.encode(), context.language)


def collect(context: Context, measured: EpisodeQc | None = None) -> ReportModel:
    """Collect what the page shows; paths are relative to the language's folder."""
    from dubkit.media.sound.audio import waveform_peaks
    from dubkit.qc.report.model import ReportModel, ShotCard, SpeakerCard
    from dubkit.translate.language import language_name

    prompts, cloned = {prompt.id: prompt.text for prompt in context.prompts.prompts}, cloning_words(context)
    whole = measured or context.store.read("qc.json", EpisodeQc, context.language)
    dub, states = finished_dub(context.store, context.language), line_states(context, measured=measured)
    model = ReportModel(
        title=context.episode.name,
        source_language=language_name(context.source_language) if context.source_language else "unknown",
        target_language=language_name(context.language),
        source_tag=context.source_language,
        target_tag=context.language,
        duration=float(context.episode.duration),
        measured=whole,
        video=dub.name if dub else "",
        audio_only=context.episode.video is None,
        models=(*models_used(context), *_listener(context, whole)),
        remarks=tuple(told(remarks(context))),
        speakers=tuple(
            SpeakerCard(s.id, s.name, s.description, s.voice, cloned.get(s.id, ""))
            for s in context.cast.speakers
        ),
        shots=tuple(ShotCard(s.id, s.start, s.end, f"../thumbnails/{s.id}.jpg") for s in context.shots.shots),
        lines=tuple(_line(context, state, prompts.get(state.line.id, "")) for state in states),
        sounds=music(context),
        kept=kept_spans_of(context.mix_report),
        source_wave=waveform_peaks(context.audio, WAVE),
        dub_wave=waveform_peaks(context.store.path(SOUND, context.language), WAVE),
        frames=frame_spans(context),
        tokens_in=context.translation.tokens_in,
        tokens_out=context.translation.tokens_out,
        speech=speech_receipt(context.store, context.language),
    )
    return with_timing(context, model, states)


def frame_spans(context: Context) -> tuple[FrameSpan, ...]:
    """Return the stretches of frames as the page counts them, from 1."""
    from dubkit.qc.report.model import FrameSpan

    picture = picture_report(context)
    return tuple(FrameSpan(a + 1, b, origin) for a, b, origin in picture.spans) if picture else ()


def _line(context: Context, state: LineState, prompt: str) -> LineCard:
    from dubkit.qc.report.model import LineCard

    segment, line = state.segment, state.line
    card = LineCard(
        id=line.id,
        number=state.number,
        start=segment.start,
        end=segment.end,
        speaker=segment.speaker,
        source_text=segment.text,
        target_text=line.text,
        dub_start=segment.start,
        dub_end=segment.end,
        prompt=prompt,
        provider=line.provider,
        route=_route(context, line),
        flags=state.flags,
        to_look_at=state.to_look_at,
        failed=state.failed,
        accepted=state.accepted,
        locked=state.locked,
        conflict=state.conflict,
    )
    file, take = context.take_file(line.id), state.take
    if file is None or take is None or not line.text or line.route == "keep":
        return card
    spoken = replace(
        card,
        dub_start=take.start_sample / SAMPLE_RATE,
        dub_end=(take.start_sample + take.samples) / SAMPLE_RATE,
        engine="recorded" if take.engine == RECORDING else take.engine,
        voice=take.voice,
        speed=take.speed,
        fit=take.fit,
        speech=file.relative_to(context.store.path("", context.language)).as_posix(),
    )
    measured = state.measured
    if measured is None:
        return spoken
    from dubkit.qc.check import shown_measures

    return replace(
        spoken,
        heard=measured.heard if measured.word_error is not None else None,
        word_error=measured.word_error,
        start_error=measured.start_error,
        loudness_error=measured.loudness_error,
        measures=shown_measures(measured.measures, measured.flags),
    )


def _route(context: Context, line: Line) -> str:
    """Say how a line got into the dub; nothing where every line is simply spoken."""
    if not _generates(context):
        return ""
    words = {
        "lipdub": "Lips and voice generated",
        "drive": "Lips driven by the voice",
        "voice": "Voice only",
        "keep": "Left as it was",
    }
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
                used.setdefault((use, identity), _model(context, use, identity, record.said))
    return ModelUsed(ENGINE, name, what, ""), *used.values()


def _listener(context: Context, measured: EpisodeQc) -> tuple[ModelUsed, ...]:
    """Return what heard the dub, where it is another reading than the one that transcribed."""
    from dubkit.qc.report.model import ModelUsed

    heard = measured.listener
    if not heard:
        return ()
    spec = next((spec for spec in context.models.catalogue if heard.name.startswith(spec.name)), None)
    licence = spec.licence if spec else ""
    return (ModelUsed(HEARING, spec.name if spec else heard.name, heard.name, licence, heard.lacks),)


def _model(context: Context, use: str, identity: str, remarks: tuple[Remark, ...]) -> ModelUsed:
    from dubkit.qc.report.model import ModelUsed

    lost = [r.sentence for r in remarks if r.weight != "note"]
    fallback = lost[0] if lost and use in FALLING_BACK else ""
    spec = next((spec for spec in context.models.catalogue if spec.name in identity), None)
    if spec is not None:
        return ModelUsed(spec.does, spec.name, identity, spec.licence, fallback)
    same = (spec.does for spec in context.models.of_role(use))
    return ModelUsed(next(same, USES.get(use, use)), identity, "", "", fallback)
