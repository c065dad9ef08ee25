"""The sound of one chunk: its lines over the source, at levels that need no line of another chunk.

The whole dub is levelled over all its lines. A chunk is made before most of them are spoken, so its speech is
brought to the loudness of the source's voices in the same lines: its level differs a little from the dub's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.media.sound.audio import open_wav, read_open
from dubkit.media.sound.dress import dress
from dubkit.media.sound.master import Master, measured_spans
from dubkit.media.sound.scene import MixRules, Placement, Scene
from dubkit.media.sound.settings import Mix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

QUIETEST_TARGET = -23.0
"""LUFS that speech is brought to where nobody is heard in the source."""

_PASSES = 3
_CLOSE = 0.1  # LU
_MICROPHONE_DB = 36.0


@dataclass(frozen=True, slots=True)
class SourceVoices:
    """How loud the voices of a source are, in LUFS; None for silence."""

    dialogue: float | None
    speakers: Mapping[str, float | None]
    programme: float | None = None
    """What the delivery level is measured on, where there is one."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the source: who speaks when, in samples."""

    span: loudness.Span
    speaker: str
    heard: bool = True


@dataclass(frozen=True, slots=True)
class ChunkSound:
    """What the sound of a chunk is made from."""

    source: Path
    layout: str
    settings: Mix
    background: Path | None
    sounds: Sequence[loudness.Span] | None
    """Sounds of the source that are to be heard; None: none is kept."""
    voices: SourceVoices


def measure_voices(source: Path, layout: str, lines: Sequence[SourceLine], settings: Mix) -> SourceVoices:
    """Measure the voices of a source, once for all chunks."""
    with open_wav(source) as file:
        weights = loudness.channel_weights(layout, file.channels)
        read, rate = partial(read_open, file), file.samplerate

        def level(spans: Sequence[loudness.Span]) -> float | None:
            return loudness.gated(read, spans, rate, weights)

        voiced = [line for line in lines if line.heard]
        names = sorted({line.speaker for line in lines})
        speakers = {name: level([line.span for line in voiced if line.speaker == name]) for name in names}
        spans = [line.span for line in voiced]
        programme = None
        if settings.levels is not None:
            programme = level(measured_spans(settings.levels, spans, file.frames))
        return SourceVoices(level(spans), speakers, programme)


def chunk_samples(
    sound: ChunkSound, placements: Sequence[Placement], start: int, end: int, folder: Path
) -> Samples:
    """Return the mix between two samples, `(n, C)`; `placements` are the lines of the chunk.

    Raises `MediaError` for sound files of the wrong form.
    """
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(TemporaryDirectory(dir=folder)))
        dressed = dress(placements, temporary, sound.settings, sound.source, sound.layout)
        scene = Scene(
            *(stack, sound.source, dressed.placements, sound.settings),
            *(MixRules(), sound.layout, sound.background),
        )
        scene.keep([span for span in sound.sounds or () if span[0] < end and span[1] > start])
        render = partial(scene.render, _gains(scene, sound.voices))
        return _master(sound).render(render, start, end)


def _master(sound: ChunkSound) -> Master:
    """Return what brings the dub near its delivery level, as far as the source tells it."""
    levels = sound.settings.levels
    if levels is None or sound.voices.programme is None:
        return Master()
    ceiling = levels.true_peak_db if sound.settings.limiter == "on" else None
    # Where nobody is heard in the source, the dub's voices are what is loud.
    silent = sound.voices.dialogue is None
    level = max(sound.voices.programme, QUIETEST_TARGET) if silent else sound.voices.programme
    return Master(levels.lufs - level, ceiling)


def _gains(scene: Scene, voices: SourceVoices) -> dict[str, float]:
    """Return the gain of each line in dB: near its source line, and all of them as loud as the source's."""
    usual = QUIETEST_TARGET if voices.dialogue is None else voices.dialogue
    wished: dict[str, float] = {}
    for line in scene.lines:
        speaker = voices.speakers.get(line.speaker)
        middle, reach = usual if speaker is None else speaker, scene.rules.line_range_lu
        own = scene.source_loudness([line.source]) if line.heard else None
        target = middle if own is None else min(max(own, middle - reach), middle + reach)
        spoken = loudness.programme_loudness(line.speech, scene.layout if line.placed else "")
        if spoken is not None:
            wished[line.id] = target - spoken
    level = median(wished.values()) if wished else 0.0
    gains = {}
    for line in scene.lines:
        limit = _MICROPHONE_DB if line.recorded else scene.rules.speech_gain_limit_db
        gain = min(max(wished.get(line.id, level), level - limit), level + limit)
        gains[line.id] = gain + line.louder_db
    heard = [line.source for line in scene.lines if line.heard]
    source = scene.source_loudness(heard) if heard else None
    return _shifted(scene, gains, usual if source is None else source)


def _shifted(scene: Scene, gains: dict[str, float], target: float) -> dict[str, float]:
    """Shift gains together until the lines of the chunk are as loud as their source lines."""
    limit = scene.rules.speech_gain_limit_db
    shift, best, least = 0.0, 0.0, float("inf")
    for _ in range(_PASSES if gains else 0):
        heard = scene.heard({line: gain + shift for line, gain in gains.items()})
        if heard is None or abs(target - heard) >= least:
            break
        best, least = shift, abs(target - heard)
        if least < _CLOSE:
            break
        shift = min(max(shift + target - heard, -limit), limit)
    return {line: gain + best for line, gain in gains.items()}
