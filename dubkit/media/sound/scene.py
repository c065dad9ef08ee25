"""The lines of a dub over their source: what is heard between any two samples of the mix.

Everything is computed from absolute sample numbers, so a piece sounds the same whatever was asked
for before it, and memory does not grow with the episode. Samples are `(n, C)`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import MediaError
from dubkit.media.sound import loudness
from dubkit.media.sound.audio import RF64_BYTES, channel_roles, open_wav, read_open
from dubkit.media.sound.enhance import FOLLOW_SAMPLES, WAY_DB, follow_words
from dubkit.media.sound.lift import kept_sounds, lift, without
from dubkit.media.sound.limiter import smooth_gain
from dubkit.media.sound.settings import Mix
from dubkit.media.sound.voices import PlacedLine, Voices, pan_of
from dubkit.types import SAMPLE_RATE
from dubkit.types.nonverbal import KeptSound

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
    heard: bool = True
    """Whether somebody speaks in the source line: noise and music do not set the level of a voice."""
    louder_db: float = 0.0
    """How much louder a person wants it than its source line."""
    placed: bool = False
    """Whether the speech has the source's channels, and a place among them."""
    tail: int = 0
    """Samples at the end of the speech that are the echo of a room: the source is not ducked under them."""
    recorded: bool = False
    """Whether a person recorded it: its level is that of a microphone, and says nothing of other lines."""


_ENHANCED_IN_MS = 80.0
_ENHANCED_OUT_MS = 350.0


class Scene:
    """The open source, the lines, and the sound of the mix between any two samples.

    `regions` are the fully ducked samples: the lines, joined where too little lies between them for
    two ramps. Ramps lie outside the regions, and `ramped` are all samples that may differ from the
    source; peaks are limited in `bounded`, the regions and the echoes after lines. Gains are dB by line id.
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
        self.enhanced = settings.style == "enhanced"
        ramps = (_ENHANCED_IN_MS, _ENHANCED_OUT_MS) if self.enhanced else (rules.fade_ms, rules.fade_ms)
        self.fade_in, self.fade_out = (round(ms * SAMPLE_RATE / 1000) for ms in ramps)
        self.layout = layout
        self.weights = loudness.channel_weights(layout, self.channels)
        roles = channel_roles(layout, self.channels)
        self.ducked = [index for index, role in enumerate(roles) if not role.startswith("LFE")]
        self.lines = tuple(self._line(source, placement) for placement in placements)
        self.voices = Voices(stack, self.lines, pan_of(roles))
        gap = self.fade_in + self.fade_out + round(rules.hold_ms * SAMPLE_RATE / 1000)
        self.regions = loudness.merge_spans((line.core for line in self.lines), gap)
        self.bounded = loudness.merge_spans([*self.regions, *(line.reach for line in self.lines)])
        self._bounded_ends = [last for _, last in self.bounded]
        ramped = ((max(0, a - self.fade_in), min(self.samples, b + self.fade_out)) for a, b in self.bounded)
        self.ramped = loudness.merge_spans(ramped)
        self.kept: tuple[KeptSound, ...] = ()
        self.lifts: tuple[loudness.Span, ...] = ()
        self._follow: dict[str, NDArray[np.float64]] = {}
        self._measured: dict[loudness.Span, NDArray[np.float64]] = {}
        self._source_hops: NDArray[np.float64] | None = None
        self._ends = [last for _, last in self.regions]
        self.reduction_db = 0.0

    def keep(self, sounds: Sequence[loudness.Span]) -> None:
        """Let sounds of the source be heard at its level wherever no line speaks.

        Peaks are not limited where they alone are heard.
        """
        inside = [(max(0, start), min(end, self.samples)) for start, end in sounds]
        self.kept = kept_sounds(loudness.merge_spans(inside), self.lines, self.ramped)
        self.lifts = tuple(span for sound in self.kept for span in sound.kept)
        takes = loudness.merge_spans((line.start, line.end) for line in self.lines)
        self.bounded = without(self.bounded, without(self.lifts, takes))
        self._bounded_ends = [last for _, last in self.bounded]

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
            if speech.channels != (self.channels if placement.placed else 1):
                raise MediaError(placement.speech, f"has {speech.channels} channels, not one", _REMAKE)
            start, end = placement.start_sample, placement.start_sample + int(speech.frames)
        first, last = placement.source_span
        core = (max(0, min(start, first)), min(self.samples, max(end - placement.tail, last)))
        if start < 0 or core[0] >= core[1]:
            raise MediaError(
                source,
                f"line {placement.id} at {start / SAMPLE_RATE:.3f} s lies outside its "
                f"{self.samples / SAMPLE_RATE:.3f} s",
                "Correct the times of the line, or remove it.",
            )
        span = (max(0, first), min(self.samples, last))
        return PlacedLine(
            placement.id,
            placement.speaker,
            placement.speech,
            start,
            min(end, self.samples),
            span,
            core,
            placement.heard,
            placement.louder_db,
            placement.placed,
            placement.tail,
            placement.recorded,
        )

    def heard(self, gains: Mapping[str, float], span: loudness.Span | None = None) -> float | None:
        """Loudness of the mix over all lines, or over `span`."""
        spans = loudness.merge_spans([span] if span else [line.core for line in self.lines])
        return loudness.gated_level([self.energies(gains, one) for one in spans])

    def energies(self, gains: Mapping[str, float], span: loudness.Span) -> NDArray[np.float64]:
        """Energies of the mix's gating blocks in a span."""
        return loudness.block_energies(partial(self.render, gains), span, SAMPLE_RATE, self.weights)

    def source_loudness(self, spans: Sequence[loudness.Span]) -> float | None:
        """Loudness of the source over spans; each is filtered once, however often it is asked for."""
        return loudness.gated_level([self._source_energies(span) for span in loudness.merge_spans(spans)])

    def measure_source(self, spans: Iterable[loudness.Span]) -> None:
        """Measure the source over spans, each as a whole, and filter it once for all of them."""
        new = {span for span in spans if span not in self._measured}
        read = partial(read_open, self.source)
        for span, sums in loudness.sums_of_spans(read, new, SAMPLE_RATE, self.weights).items():
            self._measured[span] = sums.energies()
            if span == (0, self.samples):
                self._source_hops = sums.hops()

    def source_hops(self) -> NDArray[np.float64]:
        """Return the weighted power of the whole source, summed over every 100 ms."""
        if self._source_hops is None:
            self._measured.pop((0, self.samples), None)
            self.measure_source([(0, self.samples)])
        assert self._source_hops is not None, "a source has samples"
        return self._source_hops

    def _source_energies(self, span: loudness.Span) -> NDArray[np.float64]:
        if span not in self._measured:
            read = partial(read_open, self.source)
            self._measured[span] = loudness.block_energies(read, span, SAMPLE_RATE, self.weights)
        return self._measured[span]

    def render(self, gains: Mapping[str, float], start: int, end: int) -> Samples:
        """The mix between two samples, with its limiter, `(n, C)`.

        Peaks are limited in the regions only. What the limiter does spreads over at most one ramp
        beyond them, so its gain is 1 where the untouched source begins.
        """
        look = self._look
        context = 2 * look + loudness.PEAK_CONTEXT
        first, last = max(0, start - context), min(self.samples, end + context)
        sound = self._unlimited(gains, first, last)
        limiting = self._limiting(sound, first, last)
        if limiting is not None:
            sound *= limiting[:, None]
        return sound[start - first : min(end, last) - first]

    def parts(self, gains: Mapping[str, float], start: int, end: int) -> tuple[Samples, Samples]:
        """The mix between two samples in two: what is under the voices, and the voices; `(n, C)` each.

        Their sum is `render`, the gain of its limiter on both.
        """
        import numpy as np

        context = 2 * self._look + loudness.PEAK_CONTEXT
        first, last = max(0, start - context), min(self.samples, end + context)
        under = self.under(first, last)
        voices = self.voices.add(np.zeros_like(under), gains, first, last)
        limiting = self._limiting(under + voices, first, last)
        inside = slice(start - first, min(end, last) - first)
        if limiting is None:
            return under[inside], voices[inside]
        return (under * limiting[:, None])[inside], (voices * limiting[:, None])[inside]

    @property
    def ceiling(self) -> float | None:
        """Linear true peak that the limiter keeps to in `bounded`; None without a limiter."""
        return None if self.settings.limiter == "off" else float(10 ** (self.settings.true_peak_db / 20))

    @property
    def _look(self) -> int:
        return min(_LOOK, self.fade_in // 2, self.fade_out // 2)

    def _limiting(self, sound: Samples, start: int, end: int) -> NDArray[np.float64] | None:
        """The gain of the limiter, `(n,)`; None where nothing is limited."""
        import numpy as np

        ceiling = self.ceiling
        # Between samples sound rises above them by less than 6 dB, so quiet pieces need no oversampling.
        if ceiling is None or not len(sound) or np.abs(sound).max() <= ceiling / 2:
            return None
        bounded = self.is_bounded(start, end)
        if not bounded.any():
            return None
        peaks = loudness.peak_envelope(sound, above=ceiling)
        needed = np.where(bounded, ceiling / np.maximum(peaks, ceiling), 1.0)
        if needed.min() == 1.0:
            return None
        self.reduction_db = max(self.reduction_db, -loudness.decibels(float(needed.min())))
        return smooth_gain(needed, self._look)

    def is_bounded(self, start: int, end: int) -> NDArray[np.bool_]:
        """Where peaks are limited: in the regions and their echoes, not in the ramps, `(n,)`."""
        import numpy as np

        bounded = np.zeros(end - start, dtype=bool)
        for first, last in self.bounded[bisect_right(self._bounded_ends, start) :]:
            if first >= end:
                break
            bounded[max(0, first - start) : last - start] = True
        return bounded

    def wet(self, start: int, end: int) -> NDArray[np.float64]:
        """How far the source gives way, `(n,)`: 0 outside the ramps and in what is kept, 1 in the regions."""
        import numpy as np

        wet = np.zeros(end - start)
        for a, b, share in self._giving_way(start, end):
            wet[a - start : b - start] = share
        return wet * (1.0 - lift(self.lifts, start, end)) if self.lifts else wet

    def _giving_way(self, start: int, end: int) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
        """Yield stretches where the source gives way, and how far: `(n,)` on a ramp, `(1,)` between two."""
        import numpy as np

        for first, last in self.regions[bisect_right(self._ends, start - self.fade_out) :]:
            if first - self.fade_in >= end:
                break
            a, b = max(start, first - self.fade_in), min(end, first)
            if a < b:
                yield a, b, _eased((np.arange(a, b) - (first - self.fade_in)) / self.fade_in)
            a, b = max(start, first), min(end, last)
            if a < b:
                yield a, b, np.ones(1)
            a, b = max(start, last), min(end, last + self.fade_out)
            if a < b:
                yield a, b, _eased((last - 1 + self.fade_out - np.arange(a, b)) / self.fade_out)

    def _unlimited(self, gains: Mapping[str, float], start: int, end: int) -> Samples:
        return self.voices.add(self.under(start, end), gains, start, end)

    def under(self, start: int, end: int) -> Samples:
        """Return what is heard under the voices, `(n, C)`."""
        import numpy as np

        sound = read_open(self.source, start, end)
        end = start + len(sound)
        if self.background is None and not self.lifts:
            for a, b, share in self._giving_way(start, end):
                level = np.power(10.0, share * (self.settings.depth_db / 20))
                for channel in self.ducked:
                    sound[a - start : b - start, channel] *= level
            return sound
        wet = self.wet(start, end)
        if not wet.any():
            return sound
        if self.background is None:
            level = np.power(10.0, wet * (self.settings.depth_db / 20))
            sound[:, self.ducked] *= level[:, None]
        else:
            other = self.bed(start, end)
            if self.enhanced and self.settings.ducking == "on":
                other *= self._making_way(start, end)[:, None]
            # The two carry the same music, so a crossfade of equal gain keeps its level.
            sound += wet[:, None] * (other - sound)
        return sound

    def bed(self, start: int, end: int) -> Samples:
        """The source without its voices, as far as there is such a track: silence without one."""
        import numpy as np

        other = np.zeros((min(end, self.samples) - start, self.channels))
        if self.background is not None:
            there = read_open(self.background, start, min(end, self.samples))
            other[: len(there)] = there
        return other

    def _making_way(self, start: int, end: int) -> NDArray[np.float64]:
        """Gain of a bed that makes way for the words, `(n,)`."""
        import numpy as np

        presence = np.zeros(end - start)
        for line in self.voices.between(start, end):
            if line.id not in self._follow:
                with open_wav(line.speech) as file:
                    self._follow[line.id] = follow_words(read_open(file, 0, file.frames))
            a, b = max(start, line.start), min(end, line.end)
            if a < b:
                steps = self._follow[line.id]
                at = (np.arange(a, b) - line.start) / FOLLOW_SAMPLES
                words = np.interp(at, np.arange(len(steps)), steps)
                presence[a - start : b - start] = np.maximum(presence[a - start : b - start], words)
        return np.power(10.0, presence * (WAY_DB / 20))


def _eased(ramp: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a ramp from 0 to 1 that begins and ends gently."""
    import numpy as np

    eased: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.pi * ramp)
    return eased


@contextmanager
def _open(path: Path) -> Iterator[sf.SoundFile]:
    with open_wav(path) as file:
        if file.samplerate != SAMPLE_RATE:
            raise MediaError(path, f"has {file.samplerate} samples per second, not {SAMPLE_RATE}", _REMAKE)
        yield file
