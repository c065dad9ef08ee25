"""The lines of a dub over their source: what is heard between any two samples of the mix.

Everything is computed from absolute sample numbers, so a piece sounds the same whatever was asked
for before it, and memory does not grow with the episode. Samples are `(n, C)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import MediaError
from dubkit.media.sound import loudness
from dubkit.media.sound.audio import RF64_BYTES, channel_roles, open_wav, read_open
from dubkit.media.sound.settings import Mix
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

_LOOK = SAMPLE_RATE // 200  # the limiter looks 5 ms each way and smooths over as much again
_REMAKE = "Delete it and run the same command again to remake it."


@dataclass(frozen=True, slots=True)
class MixRules:
    """How speech and bed come together, beside the settings. Levels in dB, loudness in LU."""

    fade_ms: float = 20.0
    """Length of the ramps into and out of the ducked level, outside the line."""
    hold_ms: float = 120.0
    """A gap up to this long between two lines stays ducked, so that the bed does not pump."""
    speech_gain_limit_db: float = 12.0
    """How far the gain of one line may leave the median of all lines."""
    line_range_lu: float = 6.0
    """How far a line's target may leave its speaker's loudness, however loud its source line is."""
    programme_share_lu: float = 0.6
    """How much the dialogue's loudness may give way to that of the whole programme."""
    rf64_bytes: int = RF64_BYTES

    def __post_init__(self) -> None:
        """Refuse what no mix can be made with."""
        limits = {
            "fade_ms": (self.fade_ms >= 1, "1 or more"),
            "hold_ms": (self.hold_ms >= 0, "0 or more"),
            "speech_gain_limit_db": (self.speech_gain_limit_db >= 0, "0 or more"),
            "line_range_lu": (self.line_range_lu >= 0, "0 or more"),
            "programme_share_lu": (self.programme_share_lu >= 0, "0 or more"),
        }
        for name, (good, expected) in limits.items():
            if not good:
                raise ValueError(f"{name} of a mix is {expected}, not {getattr(self, name)}.")


@dataclass(frozen=True, slots=True)
class Placement:
    """One spoken line on the episode clock."""

    id: str
    speech: Path
    """Mono, 48 kHz."""
    start_sample: int
    source_span: tuple[int, int]
    """Samples of the source line that the speech replaces."""
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A placement with the samples it covers."""

    id: str
    speaker: str
    speech: Path
    start: int
    end: int
    source: loudness.Span
    core: loudness.Span
    """Speech and source line together."""


class Scene:
    """The open source, the lines, and the sound of the mix between any two samples.

    `regions` are the fully ducked samples: the lines, joined where too little lies between them for
    two ramps. Ramps lie outside the regions, and `ramped` are all samples that may differ from the
    source. Gains are dB by line id.
    """

    def __init__(
        self,
        stack: ExitStack,
        source: Path,
        placements: Sequence[Placement],
        settings: Mix,
        rules: MixRules,
        layout: str,
        background: Path | None,
    ) -> None:
        self.source = stack.enter_context(_open(source))
        self.samples: int = self.source.frames
        self.channels: int = self.source.channels
        self.background = stack.enter_context(_open(background)) if background else None
        if background and self.background:
            self._check_background(background, self.background)
        self.settings, self.rules = settings, rules
        self.fade = round(rules.fade_ms * SAMPLE_RATE / 1000)
        self.weights = loudness.channel_weights(layout, self.channels)
        roles = channel_roles(layout, self.channels)
        self.pan = _pan(roles)
        self.ducked = [index for index, role in enumerate(roles) if not role.startswith("LFE")]
        self.lines = tuple(self._line(source, placement) for placement in placements)
        gap = 2 * self.fade + round(rules.hold_ms * SAMPLE_RATE / 1000)
        self.regions = loudness.merge_spans((line.core for line in self.lines), gap)
        self.ramped = [(max(0, a - self.fade), min(self.samples, b + self.fade)) for a, b in self.regions]
        self.reduction_db = 0.0

    def _check_background(self, path: Path, file: sf.SoundFile) -> None:
        # A tenth of a second allows for the padding of a lossy codec.
        if file.channels != self.channels or abs(file.frames - self.samples) > SAMPLE_RATE // 10:
            raise MediaError(
                path,
                f"has {file.channels} channels and {file.frames} samples; the source has {self.channels} "
                f"and {self.samples}",
                "Give a music-and-effects track of the same length and layout as the source.",
            )

    def _line(self, source: Path, placement: Placement) -> PlacedLine:
        with _open(placement.speech) as speech:
            if speech.channels != 1:
                raise MediaError(placement.speech, f"has {speech.channels} channels, not one", _REMAKE)
            start, end = placement.start_sample, placement.start_sample + int(speech.frames)
        first, last = placement.source_span
        core = (max(0, min(start, first)), min(self.samples, max(end, last)))
        if start < 0 or core[0] >= core[1]:
            raise MediaError(
                source,
                f"line {placement.id} at {start / SAMPLE_RATE:.3f} s lies outside its "
                f"{self.samples / SAMPLE_RATE:.3f} s",
                "Correct the times of the line, or remove it.",
            )
        span = (max(0, first), min(self.samples, last))
        return PlacedLine(placement.id, placement.speaker, placement.speech, start, end, span, core)

    def heard(self, gains: Mapping[str, float], span: loudness.Span | None = None) -> float | None:
        """Loudness of the mix over all lines, or over `span`."""
        spans = [span] if span else [line.core for line in self.lines]
        return loudness.gated(partial(self.render, gains), spans, SAMPLE_RATE, self.weights)

    def source_loudness(self, spans: Sequence[loudness.Span]) -> float | None:
        return loudness.gated(partial(read_open, self.source), spans, SAMPLE_RATE, self.weights)

    def render(self, gains: Mapping[str, float], start: int, end: int) -> Samples:
        """The mix between two samples, with its limiter, `(n, C)`.

        Peaks are limited in the regions only. What the limiter does spreads over at most one ramp
        beyond them, so its gain is 1 where the untouched source begins.
        """
        import numpy as np

        look = min(_LOOK, self.fade // 2)
        context = 2 * look + loudness.PEAK_CONTEXT
        first, last = max(0, start - context), min(self.samples, end + context)
        wet = self._wet(first, last)
        sound = self._unlimited(gains, first, last, wet)
        ceiling = 10 ** (self.settings.true_peak_db / 20)
        # Between samples sound rises above them by less than 6 dB, so quiet pieces need no oversampling.
        if wet.any() and np.abs(sound).max() > ceiling / 2:
            needed = np.where(wet == 1, ceiling / np.maximum(loudness.peak_envelope(sound), ceiling), 1.0)
            self.reduction_db = max(self.reduction_db, -loudness.decibels(float(needed.min())))
            sound *= _smooth(needed, look)[:, None]
        return sound[start - first : min(end, last) - first]

    def _wet(self, start: int, end: int) -> NDArray[np.float64]:
        """How far the source gives way, `(n,)`: 0 outside the ramps, 1 in the regions."""
        import numpy as np

        wet = np.zeros(end - start)
        for first, last in self.regions:
            a, b = max(start, first - self.fade), min(end, last + self.fade)
            if a < b:
                at = np.arange(a, b)
                ramp = np.minimum(at - (first - self.fade), last - 1 + self.fade - at) / self.fade
                wet[a - start : b - start] = 0.5 - 0.5 * np.cos(np.pi * np.minimum(ramp, 1.0))
        return wet

    def _unlimited(
        self, gains: Mapping[str, float], start: int, end: int, wet: NDArray[np.float64]
    ) -> Samples:
        import numpy as np

        sound = read_open(self.source, start, end)
        if not wet.any():
            return sound
        if self.background is None:
            level = np.power(10.0, wet * (self.settings.duck_db / 20))
            sound[:, self.ducked] *= level[:, None]
        else:
            other = np.zeros_like(sound)
            there = read_open(self.background, start, end)
            other[: len(there)] = there
            # The two carry the same music, so a crossfade of equal gain keeps its level.
            sound += wet[:, None] * (other - sound)
        for line in self.lines:
            a, b = max(start, line.start), min(end, line.end)
            if a < b:
                with open_wav(line.speech) as file:
                    speech = read_open(file, a - line.start, b - line.start)
                sound[a - start : b - start] += speech * (10 ** (gains[line.id] / 20) * self.pan)
        return sound


@contextmanager
def _open(path: Path) -> Iterator[sf.SoundFile]:
    with open_wav(path) as file:
        if file.samplerate != SAMPLE_RATE:
            raise MediaError(path, f"has {file.samplerate} samples per second, not {SAMPLE_RATE}", _REMAKE)
        yield file


def _pan(roles: Sequence[str]) -> NDArray[np.float64]:
    """Gain of mono speech in each channel, with a total power of 1 so that its loudness is that of mono."""
    import numpy as np

    for wanted in (("FC",), ("FL", "FR"), tuple(roles)):
        if all(role in roles for role in wanted):
            break
    level = len(wanted) ** -0.5
    return np.array([level if role in wanted else 0.0 for role in roles])


def _smooth(needed: NDArray[np.float64], look: int) -> NDArray[np.float64]:
    """Turn the gain that each sample needs into one that glides and is nowhere higher."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d  # type: ignore[import-untyped]

    held = minimum_filter1d(needed, 2 * look + 1, mode="nearest")
    # Two running means of half the width reach as far as the minimum was held.
    width = max(1, look - 1 + look % 2)
    gain: NDArray[np.float64] = uniform_filter1d(uniform_filter1d(held, width), width)
    return gain
