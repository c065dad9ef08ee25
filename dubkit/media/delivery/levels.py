"""Hold the dub to its delivery level as it will be heard: coded, decoded and measured again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dubkit.media.delivery.plan import StitchInputs
from dubkit.media.delivery.tracks import dub_coding
from dubkit.media.files.command import media_input
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.files.probe import probe
from dubkit.media.sound import loudness
from dubkit.media.sound.master import Master, measured_spans, write_master
from dubkit.media.sound.profiles import Levels

log = logging.getLogger(__name__)

_TRIES = 5
_CLOSE = 0.1  # LU
_SLOPE, _LEAST_SLOPE = 0.8, 0.25  # LU for each dB of gain
_SPARE_DB = 0.05
_STALL_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class CodedSound:
    """The sound that is coded so that it keeps its level, and what was changed for that."""

    file: Path
    true_peak_db: float
    """True peak of the sound as it was handed in, once it was coded."""
    change: Master | None = None
    """Gain and ceiling beyond those of the mix; None where it is coded as it was handed in."""


def keep_levels(
    inputs: StitchInputs,
    levels: Levels,
    folder: Path,
    spoken: Sequence[loudness.Span] = (),
    *,
    limiter: bool = True,
) -> CodedSound:
    """Return the dubbed sound such that it has its level and keeps its true peak after coding.

    A lossy codec raises peaks and moves the loudness a little. Where that is too much, gain and ceiling are
    corrected and the sound is coded again, five times at most. `folder` is for sounds on their way.
    """
    sound, ceiling, gain = inputs.dub_audio, levels.true_peak_db, 0.0
    change: Master | None = None
    before: tuple[float, float] | None = None
    peaks: list[float] = []
    best = (float("inf"), sound, change)
    for number in range(_TRIES):
        heard, peak = _coded(inputs, sound, folder, levels, spoken)
        log.debug("Coded sound: %s LUFS, %.2f dBTP", heard, peak)
        peaks.append(peak)
        off = 0.0 if heard is None else levels.lufs - heard
        over = max(0.0, peak - levels.true_peak_db) if limiter else 0.0
        missed = max(0.0, abs(off) - _CLOSE) + over
        if missed < best[0]:
            best = missed, sound, change
        if not missed or heard is None:
            break
        slope = _slope(gain, heard, before)
        before = gain, heard
        gain += off / slope if abs(off) > _CLOSE else 0.0
        ceiling -= over + _SPARE_DB if over else 0.0
        change = Master(gain, ceiling if limiter else None)
        sound = folder / f"levelled{number}.wav"
        write_master(inputs.dub_audio, sound, change)
    return CodedSound(best[1], peaks[0], best[2])


def _slope(gain: float, heard: float, before: tuple[float, float] | None) -> float:
    """Return the LU that a decibel of gain gives: less than one where the limiter works hard."""
    if before is None or gain == before[0]:
        return _SLOPE
    return min(max((heard - before[1]) / (gain - before[0]), _LEAST_SLOPE), 1.0)


def _coded(
    inputs: StitchInputs, sound: Path, folder: Path, levels: Levels, spoken: Sequence[loudness.Span]
) -> tuple[float | None, float]:
    """Code a sound and measure what a player decodes: loudness in LUFS, None for silence, and dBTP."""
    coded, full, speech = folder / "coded.m4a", folder / "decoded.wav", folder / "decoded16k.wav"
    options = {f"{name}:a": value for name, value in dub_coding(inputs).items()}
    options |= {"f": "mp4", "fflags": "+bitexact", "flags:a": "+bitexact"}
    timeout = max(_STALL_SECONDS, 2 * float(inputs.episode.duration))
    run_ffmpeg([media_input(sound)["a:0"]], coded, options, timeout=timeout)
    episode = probe(coded, audio_track=1)
    decode_audio(coded, episode, full, speech)
    spans = measured_spans(levels, spoken, episode.samples)
    layout = episode.audio[0].layout
    return loudness.dialogue_loudness(full, spans, layout), loudness.true_peak_of_file(full)
