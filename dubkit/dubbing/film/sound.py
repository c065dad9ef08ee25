"""The sound of a generated clip on the episode's clock: placed to the sample, in time, as loud as the source.

Positions are whole samples of the episode clock, each computed on its own from an exact time, so clips laid
end to end neither drift nor overlap. Letters: C channels, N samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.dubbing.film.delay import Delay, find_delay
from dubkit.media.sound import loudness
from dubkit.media.sound.loudness import Span
from dubkit.types import SAMPLE_RATE, Clip, VideoStream, sample_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.floating]
    Floats = NDArray[np.float64]

JOIN = SAMPLE_RATE * 20 // 1000
"""Samples over which one clip of a shot gives way to the next: 20 ms, half on each side of the edge."""
EDGE = SAMPLE_RATE * 5 // 1000
"""Samples of the ramp at the ends of a dubbed span, inside it."""
LIFT_LIMIT_DB, CUT_LIMIT_DB = 15.0, 30.0
"""How far the level of generated sound is raised and lowered at most; raising lifts its noise too."""
PEAK = 10 ** (-1 / 20)
"""Largest sample that is handed out: -1 dB of full scale."""

_SILENT_LUFS = -50.0  # quieter is no speech but the noise of a room or a vocoder
_DEADBAND_MS = 5.0  # shorter delays are neither heard nor measured surely
_FULL_SCALE = 0.9995
_CLIPPED_RUN = 4  # that many samples in a row at full scale are a clipped wave, not a peak
_CANCELLED = 0.1  # power of the channels' mean against the mean power below which they cancel
_MISSING = SAMPLE_RATE // 100  # missing sound below 10 ms lies under a ramp
_DRIFT_MS = 40.0  # one frame of film; sound that is further off is seen


@dataclass(frozen=True, slots=True)
class SoundWindow:
    """Where a clip's sound lies on the episode clock."""

    start_sample: int
    """Of the clip's first frame, where its sound begins."""
    keep: Span
    """Samples of the kept frames."""
    joins_before: bool = False
    """Another clip of the same shot ends where `keep` begins."""
    joins_after: bool = False
    drift_ms: float = 0.0
    """Largest distance of a kept frame from where a constant rate would put it. The generator knows one rate;
    the sound of a source of variable rate fits its pictures only so well."""

    @classmethod
    def of(
        cls,
        clip: Clip,
        video: VideoStream,
        others: Sequence[Clip] = (),
        times: Sequence[Fraction] | None = None,
    ) -> SoundWindow:
        """Find the window of a clip among the `others` of its episode.

        `times` are the seconds of all frames of the source; without them the rate of `video` counts.

        Raises:
            ValueError: frames that the clip or the source does not have.
        """
        if not clip.start_frame <= clip.keep_start < clip.keep_end <= clip.start_frame + clip.real_frames:
            raise ValueError(
                f"Clip {clip.id} has frames {clip.start_frame} to {clip.start_frame + clip.real_frames}; "
                f"{clip.keep_start} to {clip.keep_end} cannot be kept."
            )
        if times is not None and clip.keep_end > len(times):
            raise ValueError(f"Clip {clip.id} keeps frames to {clip.keep_end}; the source has {len(times)}.")

        def at(frame: int) -> Fraction:
            if times is None:
                return video.start + frame / video.rate
            return times[frame] if frame < len(times) else video.end

        shot = [other for other in others if other.shot == clip.shot and other.id != clip.id]
        drift = max(
            abs(at(frame) - at(clip.start_frame) - (frame - clip.start_frame) / video.rate)
            for frame in range(clip.keep_start, clip.keep_end)
        )
        return cls(
            start_sample=sample_at(at(clip.start_frame)),
            keep=(sample_at(at(clip.keep_start)), sample_at(at(clip.keep_end))),
            joins_before=any(other.keep_end == clip.keep_start for other in shot),
            joins_after=any(other.keep_start == clip.keep_end for other in shot),
            drift_ms=float(drift * 1000),
        )


@dataclass(frozen=True, slots=True)
class SourceSound:
    """The source's sound around a clip, 48 kHz, (N,) or (2, N), and the spans of the clip's lines.

    The dialogue stem measures best; with music in it, music counts as speech.
    """

    samples: Sound
    start_sample: int
    spans: tuple[Span, ...]
    """Samples of the episode that are dubbed."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipSound:
    """Mono sound at 48 kHz from `start_sample` on; zero outside the dubbed spans."""

    samples: NDArray[np.float32]
    start_sample: int
    spans: tuple[Span, ...]
    """Samples that hold the clip's sound, with its ramps."""
    delay_ms: float
    """Delay that was taken out."""
    measured: Delay | None
    """What was measured, whether it was used or not; None where nothing could be measured."""
    gain_db: float
    flags: tuple[str, ...]
    """Why a person should listen: `silent`, `clipped`, `not-finite`, `cancelled`, `gain-bounded`,
    `peak-bounded`, `no-reference`, `short`, `drift`, `outside`."""


def place_sound(
    generated: Sound,
    rate: int,
    window: SoundWindow,
    source: SourceSound,
    *,
    follows: ClipSound | None = None,
) -> ClipSound:
    """Put the generated sound of a clip, (C, N) at `rate`, where it belongs in the episode.

    It becomes mono at 48 kHz. If it is surely later or earlier than the source's speech, that is taken out.
    Its loudness over the spans becomes that of the source. What lies outside the spans or the kept frames is
    dropped, with ramps; where clips of one shot join, both give sound beyond the edge and their ramps add up
    to 1. `follows` is the placed clip before this one in such a join: its delay and gain are taken over, so
    that the same sound meets itself.

    Raises:
        ValueError: sound of the wrong shape.
    """
    import numpy as np

    flags: list[str] = []
    sound = _resampled(_mono(generated, flags), rate)
    if follows is not None and (not follows.spans or "silent" in follows.flags):
        follows = None  # nothing was measured there
    measured = find_delay(_reference(source, window, len(sound)), sound, SAMPLE_RATE)
    delay = round(_delay_ms(measured, follows) * SAMPLE_RATE / 1000)
    spans = _kept_spans(window, source.spans)
    if window.drift_ms > _DRIFT_MS:
        flags.append("drift")
    if not spans:
        empty = np.zeros(0, np.float32)
        return ClipSound(empty, window.keep[0], (), 0.0, measured, 0.0, (*flags, "outside"))
    first, last = spans[0][0], max(end for _, end in spans)
    placed = _cut(sound, first - window.start_sample + delay, last - first)
    shape = _shape(window, source.spans, first, last)
    if _missing(shape, window.start_sample - delay - first, len(sound)) > _MISSING:
        flags.append("short")
    gain_db = _level(placed, first, spans, source, follows.gain_db if follows else None, flags)
    return ClipSound(
        samples=(placed * shape * 10 ** (gain_db / 20)).astype(np.float32),
        start_sample=first,
        spans=spans,
        delay_ms=delay * 1000 / SAMPLE_RATE,
        measured=measured,
        gain_db=gain_db,
        flags=tuple(flags),
    )


def _delay_ms(measured: Delay | None, follows: ClipSound | None) -> float:
    """The delay to take out: a neighbour's, or the measured one where it is certain and can be heard."""
    if follows is not None:
        return follows.delay_ms
    if measured is None or not measured.certain or abs(measured.ms) < _DEADBAND_MS:
        return 0.0
    return measured.ms


def _missing(shape: Floats, begin: int, length: int) -> int:
    """Samples that should be heard but lie before or after the `length` generated ones from `begin` on."""
    import numpy as np

    return int(np.count_nonzero(shape[: max(0, begin)]) + np.count_nonzero(shape[max(0, begin + length) :]))


# --- the wave -------------------------------------------------------------------------------------


def _mono(generated: Sound, flags: list[str]) -> Floats:
    """Mix (C, N) to (N,), without what no player could play."""
    import numpy as np

    if generated.ndim != 2 or not 1 <= generated.shape[0] <= 2 or not generated.shape[1]:
        raise ValueError(f"Generated sound is (1 or 2, N); got {tuple(generated.shape)}.")
    channels = generated.astype(np.float64)
    if not np.isfinite(channels).all():
        flags.append("not-finite")
        channels = np.where(np.isfinite(channels), channels, 0.0)
    if _longest_run(np.abs(channels).max(axis=0) >= _FULL_SCALE) >= _CLIPPED_RUN:
        flags.append("clipped")
    mixed: Floats = channels.mean(axis=0)
    power = np.square(channels).mean(axis=1)
    if np.square(mixed).mean() < _CANCELLED * power.mean():
        flags.append("cancelled")
        mixed = channels[int(power.argmax())]
    return mixed


def _longest_run(there: NDArray[np.bool_]) -> int:
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([False], there, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _resampled(sound: Floats, rate: int) -> Floats:
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    if rate <= 0:
        raise ValueError(f"Sound has a positive number of samples per second, not {rate}.")
    if rate == SAMPLE_RATE:
        return sound
    ratio = Fraction(SAMPLE_RATE, rate)
    # Of linear phase and centred: it adds no delay. The window keeps images 90 dB down.
    result: Floats = resample_poly(sound, ratio.numerator, ratio.denominator, window=("kaiser", 9.0))
    return result


def _cut(sound: Floats, start: int, length: int) -> Floats:
    """Samples `start` to `start + length`, zeros where there are none."""
    import numpy as np

    cut = np.zeros(length)
    low, high = max(0, start), min(len(sound), start + length)
    if low < high:
        cut[low - start : high - start] = sound[low:high]
    return cut


def _reference(source: SourceSound, window: SoundWindow, length: int) -> Floats:
    """The source's sound where the clip lies, mono."""
    return _cut(_channels(source.samples).mean(axis=1), window.start_sample - source.start_sample, length)


def _channels(samples: Sound) -> Floats:
    """(N,) or (C, N) as (N, C)."""
    import numpy as np

    if samples.ndim not in (1, 2):
        raise ValueError(f"Source sound is (N,) or (C, N); got {tuple(samples.shape)}.")
    return np.atleast_2d(samples).T.astype(np.float64)


# --- where it is heard ----------------------------------------------------------------------------


def _limits(window: SoundWindow) -> Span:
    """Samples that may hold sound of the clip: the kept ones, and half a ramp beyond a join."""
    before = JOIN // 2 if window.joins_before else 0
    after = JOIN // 2 if window.joins_after else 0
    return window.keep[0] - before, window.keep[1] + after


def _kept_spans(window: SoundWindow, spans: Sequence[Span]) -> tuple[Span, ...]:
    low, high = _limits(window)
    merged = loudness.merge_spans(spans)
    return tuple((max(a, low), min(b, high)) for a, b in merged if max(a, low) < min(b, high))


def _shape(window: SoundWindow, spans: Sequence[Span], first: int, last: int) -> Floats:
    """Gain of every sample, 0 to 1, without the level.

    The ramps of a span depend on the span alone and those of a join on the join alone, so two clips that
    join have the same product but for the join's ramps, and these add up to 1.
    """
    import numpy as np

    low = window.keep[0] if not window.joins_before else -(2**62)
    high = window.keep[1] if not window.joins_after else 2**62
    at = np.arange(first, last) + 0.5
    shape = np.zeros(last - first)
    for a, b in loudness.merge_spans(spans):
        start, end = max(a, low), min(b, high)
        if start < end:
            ramp = min(EDGE, (end - start) // 2) or 1
            inside = np.minimum((at - start) / ramp, (end - at) / ramp)
            shape = np.maximum(shape, _smooth(inside))
    if window.joins_before:
        shape *= _smooth((at - window.keep[0]) / JOIN + 0.5)
    if window.joins_after:
        shape *= 1 - _smooth((at - window.keep[1]) / JOIN + 0.5)
    return shape


def _smooth(ramp: Floats) -> Floats:
    """0 to 1 without a corner; at mirrored places the values add up to 1.

    Two clips that join were generated from the same latents there, so their samples agree and gains that add
    up to 1 keep the wave; gains of constant power would lift it by 3 dB.
    """
    import numpy as np

    level: Floats = 0.5 - 0.5 * np.cos(np.pi * np.clip(ramp, 0.0, 1.0))
    return level


# --- level ----------------------------------------------------------------------------------------


def _level(
    placed: Floats,
    first: int,
    spans: Sequence[Span],
    source: SourceSound,
    given_db: float | None,
    flags: list[str],
) -> float:
    """Gain in dB that brings the placed sound to the source's loudness over `spans`, or `given_db`."""
    import numpy as np

    heard = _loudness(placed[:, None], first, spans)
    if heard is None or heard < _SILENT_LUFS:
        flags.append("silent")
        return 0.0 if given_db is None else given_db
    gain_db = given_db
    if gain_db is None:
        wanted = _loudness(_channels(source.samples), source.start_sample, spans)
        if wanted is None or wanted < _SILENT_LUFS:
            flags.append("no-reference")
            wanted = heard
        gain_db = float(np.clip(wanted - heard, -CUT_LIMIT_DB, LIFT_LIMIT_DB))
        if gain_db != wanted - heard:
            flags.append("gain-bounded")
    peak = max(float(np.abs(placed[a - first : b - first]).max(initial=0.0)) for a, b in spans)
    room_db = 20 * float(np.log10(PEAK / max(peak, 1e-9)))
    if gain_db > room_db:
        flags.append("peak-bounded")
        gain_db = room_db
    return gain_db


def _loudness(sound: Floats, start: int, spans: Sequence[Span]) -> float | None:
    """Gated loudness in LUFS of (N, C) sound that begins at `start`, over spans of the episode."""
    inside = [(max(0, a - start), min(len(sound), b - start)) for a, b in spans]
    weights = (1.0,) * sound.shape[1]
    return loudness.gated(lambda a, b: sound[a:b], inside, SAMPLE_RATE, weights)
