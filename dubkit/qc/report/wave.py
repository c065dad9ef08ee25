"""Waveforms as the report draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PEAKS = 500
"""Of one SVG: browsers draw no single picture wider than about 32,000 pixels."""


@dataclass(frozen=True, slots=True)
class WavePart:
    """A stretch of a waveform: place in percent of the whole, peaks, and SVG path (one unit per peak)."""

    left: float
    width: float
    peaks: int
    path: str


def wave_parts(peaks: Sequence[float]) -> list[WavePart]:
    """Draw a waveform, mirrored about 0 and 2 units high, in parts that a browser can show at any zoom.

    The square root lifts speech at its usual level to a height one can see.
    """
    heights = [max(0.015, min(1.0, peak) ** 0.5) for peak in peaks]
    parts = []
    for first in range(0, len(heights), PEAKS):
        part = heights[first : first + PEAKS]
        outline = [
            (0.0, part[0]),
            *((x + 0.5, height) for x, height in enumerate(part)),
            (len(part), part[-1]),
        ]
        upper = [f"{x:g},{-height:.2f}" for x, height in outline]
        lower = [f"{x:g},{height:.2f}" for x, height in reversed(outline)]
        left, width = 100 * first / len(heights), 100 * len(part) / len(heights)
        path = f"M{' '.join(upper + lower)}Z"
        parts.append(WavePart(round(left, 4), round(width, 4), len(part), path))
    return parts
