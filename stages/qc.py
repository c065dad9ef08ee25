"""Measure the finished dub, line by line and as a file, and write the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.context import Context
from dubkit.stage import EPISODE, Item, Sink, Stage
from dubkit.store import canonical, decoded
from dubkit.types import ASR_RATE, SAMPLE_RATE, DubbedSpan, EpisodeQc, Line, LineQc, Segment
from stages.mix import SOUND
from stages.report import degraded_notes, write_report
from stages.speak import spoken
from stages.stitch import dub_name
from stages.transcribe import identity, open_recogniser

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARGIN = 0.25
"""Seconds of the dub heard before and after a line."""


def items(context: Context) -> Sequence[Item]:
    model = {"asr": identity(context)} if context.settings.qc.round_trip else {}
    spans = {span.id: span for span in context.mix_report.spans}
    found = [
        Item(line.id, inputs=_line_inputs(context, segment, line, spans[line.id]), models=model)
        for segment, line in spoken(context)
        if line.id in spans
    ]
    shown = context.digest([context.lines, context.cast, context.prompts, degraded_notes(context)])
    dub = context.file_digest("stitch", dub_name(context), language=context.language)
    whole = {"stitch/dub": dub, "report": shown, "shots.json": context.artifact_digest("shots.json")}
    return [*found, Item(EPISODE, inputs=whole, models=model)]


def _line_inputs(context: Context, segment: Segment, line: Line, span: DubbedSpan) -> dict[str, str]:
    record = context.store.record("speak", line.id, context.language)
    sound = [ref.sha256 for ref in record.files] if record else []
    # The mix fits all lines to one loudness, so another line moves this one's gain by a hair: whole
    # decibels keep its measures valid.
    level = [span.start_sample, span.end_sample, round(span.gain_db)]
    return {
        f"speak/{line.id}": context.digest([line.text, sound]),
        f"transcribe/{line.id}": context.digest([segment.start, segment.end]),
        f"mix/{line.id}": context.digest(level),
        "extract/audio.wav": context.file_digest("extract", "audio.wav"),
    }


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    due = {item.id for item in items}
    lines = [(segment, line) for segment, line in spoken(context) if line.id in due]
    heard = _listen(context, lines, sink) if lines and context.settings.qc.round_trip else {}
    for segment, line in lines:
        sink.done(line.id, value=_measure(context, segment, line, heard.get(line.id)))
    if EPISODE in due:
        sink.write_json("qc.json", _episode(context))
        write_report(context.fresh())
        sink.done(EPISODE, files=["qc.json", "report.html"])


def _listen(context: Context, lines: Sequence[tuple[Segment, Line]], sink: Sink) -> dict[str, str]:
    """Recognise the dub where the lines are spoken; return what was heard for each line."""
    from dubkit.qc.measures import align_heard
    from dubkit.speech.asr import AsrSettings

    wanted = context.settings.transcribe
    windows = [_window(context, line.id) for _, line in lines]
    recogniser, _ = open_recogniser(context)
    audio = _windowed(context.store.path(SOUND, context.language), windows, context.episode.samples)
    language = context.language.split("-")[0]
    found = recogniser.recognise(
        audio,
        windows,
        AsrSettings(beam=wanted.beam, batch_size=wanted.batch_size, language=language),
        sink.advance,
    )
    places = [(line.id, *window) for (_, line), window in zip(lines, windows, strict=True)]
    return align_heard(found.words, places)


def _windowed(sound: Path, windows: Sequence[tuple[float, float]], samples: int) -> NDArray[np.float32]:
    """Read the mix as the recogniser needs it: mono, 16 kHz, silent outside the windows."""
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    from dubkit.media.audio import read_span

    found = np.zeros(samples * ASR_RATE // SAMPLE_RATE + 1, dtype=np.float32)
    step = SAMPLE_RATE // ASR_RATE
    for start, end in windows:
        first = round(start * ASR_RATE)
        heard = read_span(sound, first * step, round(end * ASR_RATE) * step).mean(axis=1)
        low = resample_poly(heard, 1, step).astype(np.float32)[: len(found) - first]
        found[first : first + len(low)] = low
    return found


def _window(context: Context, line: str) -> tuple[float, float]:
    take = context.spoken_line(line)
    start, end = take.start_sample / SAMPLE_RATE, (take.start_sample + take.samples) / SAMPLE_RATE
    return max(0.0, start - MARGIN), min(float(context.episode.duration), end + MARGIN)


def _measure(context: Context, segment: Segment, line: Line, heard: str | None) -> LineQc:
    from dubkit.media.audio import read_span
    from dubkit.media.loudness import dialogue_loudness
    from dubkit.qc.measures import QcSettings, line_qc

    take = context.spoken_line(line.id)
    speech = context.take_file(line.id)
    assert speech is not None
    span = (take.start_sample, take.start_sample + take.samples)
    source = (round(segment.start * SAMPLE_RATE), round(segment.end * SAMPLE_RATE))
    rate = context.episode.video.rate if context.episode.video else None
    return line_qc(
        line=line,
        take=take,
        language=context.language,
        heard=heard,
        speech=read_span(speech, 0, take.samples),
        start_sample=round(segment.start * SAMPLE_RATE),
        source_lufs=dialogue_loudness(context.audio, [source]),
        dub_lufs=dialogue_loudness(context.store.path(SOUND, context.language), [span]),
        settings=QcSettings(
            max_word_error=context.settings.qc.max_word_error,
            max_start_error=float(1 / rate) if rate else 0.04,
        ),
    )


def read_lines(context: Context) -> tuple[LineQc, ...]:
    """Return the measures of all lines as recorded."""
    records = context.store.records("qc", context.language)
    return tuple(
        decoded(canonical(records[line.id].value), LineQc)
        for _, line in spoken(context)
        if line.id in records and not records[line.id].error
    )


def _episode(context: Context) -> EpisodeQc:
    from dubkit.qc.measures import episode_flags, episode_word_error

    from dubkit.media.stitch import verify_delivery

    lines = read_lines(context)
    texts = {line.id: line.text for _, line in spoken(context)}
    mix = context.mix_report
    delivered = verify_delivery(
        context.source, context.store.path(dub_name(context), context.language), context.episode
    )
    measured = EpisodeQc(
        lines=lines,
        word_error=episode_word_error(
            [(texts[q.id], q.heard) for q in lines if q.word_error is not None], context.language
        ),
        source_lufs=mix.source_lufs,
        dub_lufs=mix.dub_lufs,
        true_peak_db=mix.true_peak_db,
        frames=delivered.frames,
        source_frames=delivered.source_frames,
        identical_packets=delivered.identical_packets,
        drift_ms=delivered.drift_ms,
    )
    return replace(measured, flags=episode_flags(measured))


STAGE = Stage(
    name="qc",
    version=1,
    scope="language",
    items=items,
    run=run,
    needs=("stitch",),
    settings=("qc.round_trip", "qc.max_word_error"),
    artifact="qc.json",
)
