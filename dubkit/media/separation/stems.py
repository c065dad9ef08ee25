"""The two stems of an episode: its voices, and its bed.

Samples are `(n, C)` at 48 kHz, with the channels of the source. Outside the spans in which somebody speaks
the bed has the source's samples, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import MediaError
from dubkit.media.separation.separator import Advance, Span, VoiceFinder
from dubkit.media.sound.audio import (
    RF64_BYTES,
    channel_roles,
    open_copy,
    open_wav,
    read_open,
    to_pcm,
)
from dubkit.types import SAMPLE_BYTES, SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]
    Block = NDArray[np.float32]

PIECE = 10 * SAMPLE_RATE
FADE = SAMPLE_RATE // 20
"""Samples over which the bed goes over into the source at the edge of a span, inside it."""

SIDES = (("FL", "FR"), ("BL", "BR"), ("SL", "SR"), ("FLC", "FRC"))


def channel_pairs(layout: str, channels: int) -> tuple[tuple[int, int], ...]:
    """Return the channels that are separated together; one that stands alone is its own partner.

    The channel of low effects is in none: nobody speaks there.

    >>> channel_pairs("stereo", 2), channel_pairs("mono", 1)
    (((0, 1),), ((0, 0),))
    """
    roles = channel_roles(layout, channels)
    place = {role: index for index, role in enumerate(roles) if role}
    pairs = [(place[left], place[right]) for left, right in SIDES if left in place and right in place]
    paired = {index for pair in pairs for index in pair}
    alone = [index for index, role in enumerate(roles) if index not in paired and not role.startswith("LFE")]
    return tuple(sorted([*pairs, *((index, index) for index in alone)]))


class Pair:
    """Two channels of an open sound file, as a separator reads them."""

    def __init__(self, file: sf.SoundFile, left: int, right: int) -> None:
        self._file, self._channels = file, [left, right]
        self.samples: int = file.frames

    def read(self, start: int, end: int) -> Block:
        """Return samples `start` to `end` as (n, 2); silence before the beginning and after the end."""
        import numpy as np

        first, last = (min(max(0, place), self.samples) for place in (start, end))
        found = read_open(self._file, first, last)[:, self._channels].astype(np.float32)
        before = min(max(0, -start), end - start)
        return np.pad(found, ((before, end - start - before - len(found)), (0, 0)))


def write_voice(
    source: Path, out: Path, finder: VoiceFinder, layout: str, spans: Sequence[Span], advance: Advance
) -> None:
    """Write the voices of `source` at `out`. Raises MediaError where the separator gives another length."""
    import soundfile as sf

    with open_wav(source) as file:
        if file.samplerate != SAMPLE_RATE:
            raise MediaError(
                source, f"has {file.samplerate} samples per second, not {SAMPLE_RATE}", "Run again."
            )
        pairs = channel_pairs(layout, file.channels)
        shares = [_share_of(advance, number, len(pairs)) for number in range(len(pairs))]
        voices = [
            Even(finder.voices(Pair(file, *pair), spans, share))
            for pair, share in zip(pairs, shares, strict=True)
        ]
        big = file.frames * file.channels * SAMPLE_BYTES >= RF64_BYTES
        form = {"subtype": "PCM_24", "format": "RF64" if big else "WAV"}
        with sf.SoundFile(out, "w", samplerate=SAMPLE_RATE, channels=file.channels, **form) as target:
            for start in range(0, file.frames, PIECE):
                target.write(_joined(voices, pairs, min(PIECE, file.frames - start), file.channels))


def _share_of(advance: Advance, number: int, count: int) -> Advance:
    """Return what reports the progress of one of several pairs, which advance together."""
    return advance if number == count - 1 else lambda _share: None


class Even:
    """Blocks of any lengths, taken in pieces of the lengths that are asked for."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        import numpy as np

        self._blocks, self._rest = blocks, np.zeros((0, 2), dtype=np.float32)

    def take(self, count: int) -> Block:
        """Return the next samples; silence after the last block, as a separator may end a little early."""
        import numpy as np

        parts, length = [self._rest], len(self._rest)
        while length < count:
            block = next(self._blocks, None)
            if block is None:
                parts.append(np.zeros((count - length, 2), dtype=np.float32))
                break
            parts.append(block)
            length += len(block)
        whole = np.concatenate(parts)
        self._rest = whole[count:]
        return whole[:count]


def _joined(
    voices: Sequence[Even], pairs: Sequence[tuple[int, int]], count: int, channels: int
) -> NDArray[np.int32]:
    import numpy as np

    sound = np.zeros((count, channels))
    for voice, (left, right) in zip(voices, pairs, strict=True):
        block = np.nan_to_num(voice.take(count).astype(np.float64), posinf=0.0, neginf=0.0)
        if left == right:
            sound[:, left] = block.mean(axis=1)
        else:
            sound[:, [left, right]] = block
    return to_pcm(sound)


def low_effects(layout: str, channels: int) -> tuple[int, ...]:
    """Return the channels of low effects, in which nobody speaks.

    >>> low_effects("5.1", 6), low_effects("stereo", 2)
    ((3,), ())
    """
    roles = channel_roles(layout, channels)
    return tuple(index for index, role in enumerate(roles) if role.startswith("LFE"))


def write_bed(
    source: Path,
    voice: Path,
    out: Path,
    spans: Sequence[Span],
    ducked: Sequence[Span],
    duck_db: float,
    *,
    spared: Sequence[int] = (),
) -> None:
    """Write the bed of `source` at `out`: without the voices of `voice` inside `spans`, else the source.

    Inside `ducked` the source is turned down by `duck_db` instead. Spans are in order and do not overlap.
    Channels that are `spared` stay the source's.
    """
    with open_wav(source) as mixed, open_wav(voice) as voices, open_copy(source, out) as copy:
        for start, end in spans:
            copy.through(start)
            for first in range(start, end, PIECE):
                last = min(first + PIECE, end)
                bed = _piece(mixed, voices, (start, end), (first, last), ducked, duck_db)
                bed[:, list(spared)] = read_open(mixed, first, last)[:, list(spared)]
                copy.replace(bed)


def _piece(
    mixed: sf.SoundFile,
    voices: sf.SoundFile,
    span: Span,
    piece: Span,
    ducked: Sequence[Span],
    duck_db: float,
) -> Samples:
    """Return the bed of one piece of a span."""
    from dubkit.media.separation.bed import CONTEXT, bed_of

    first, last = piece
    before, after = max(0, first - CONTEXT), last + CONTEXT
    whole = read_open(mixed, before, after)
    inside = slice(first - before, last - before)
    bed = bed_of(whole, read_open(voices, before, after))[inside]
    sound = whole[inside]
    down = _wet(ducked, first, last)[:, None]
    bed = bed + down * (sound * 10 ** (duck_db / 20) - bed)
    return sound + _wet([span], first, last)[:, None] * (bed - sound)


def _wet(spans: Sequence[Span], first: int, last: int) -> NDArray[np.float64]:
    """Return how far inside any span each sample of a piece is, (n,): 0 at its edges, 1 after a short
    ramp."""
    import numpy as np

    wet = np.zeros(last - first)
    for start, end in spans:
        a, b = max(start, first), min(end, last)
        if a < b:
            at = np.arange(a, b)
            ramp = np.minimum(at - start, end - 1 - at) / FADE
            wet[a - first : b - first] = 0.5 - 0.5 * np.cos(np.pi * np.minimum(ramp, 1.0))
    return wet


def speech_spans(
    speech: Sequence[tuple[float, float]], samples: int, *, pad: float, bridged: float
) -> list[Span]:
    """Return stretches of speech (seconds) as spans of samples, widened by `pad` and joined over short
    gaps."""
    spans: list[Span] = []
    for start, end in sorted(speech):
        first = max(0, round((start - pad) * SAMPLE_RATE))
        last = min(samples, round((end + pad) * SAMPLE_RATE))
        if spans and first <= spans[-1][1] + round(bridged * SAMPLE_RATE):
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        elif first < last:
            spans.append((first, last))
    return spans
