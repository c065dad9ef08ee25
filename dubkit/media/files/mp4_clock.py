"""Which clock an mp4 counts in, so that it states the source's times and rate exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from dubkit.media.files.container import PacketTrack
from dubkit.types import VideoStream

_MOST_TICKS = 1_000_000
"""Ticks per second that the 32-bit fields of an mp4 hold for more than an hour."""


def mp4_clock(
    video: VideoStream | None, track: PacketTrack | None, zero: Fraction, *, exact: bool
) -> dict[str, Any]:
    """Return ffmpeg options that keep the source's own ticks, so that no frame time is rounded.

    `exact` sources (mp4, mov) state each time in both orders. Late starts are stored in ticks of the
    whole film, which ffmpeg counts as milliseconds by default.
    """
    if video is None or track is None:
        return {}
    if not exact and not video.variable and _on_grid(track, video.rate):
        return _grid_options(track, video.rate, zero)
    ticks = track.time_base.denominator
    if track.time_base.numerator != 1 or not 1 <= ticks <= _MOST_TICKS:
        return {}
    return {"video_track_timescale": ticks, "movie_timescale": ticks}


def _on_grid(track: PacketTrack, rate: Fraction) -> bool:
    """Tell whether every frame lies within a tick of where the rate puts it."""
    stamps = sorted(track.keys)
    step = 1 / rate / track.time_base
    return all(abs(stamp - stamps[0] - number * step) <= 1 for number, stamp in enumerate(stamps))


def _grid_options(track: PacketTrack, rate: Fraction, zero: Fraction) -> dict[str, Any]:
    """Options that move time stamps by at most a tick of the source onto the exact frame grid.

    Matroska rounds to milliseconds and program streams leave decoding times out: an mp4 made of those
    would state another frame rate than the source.
    """
    scale = math.lcm(rate.numerator, track.time_base.denominator)
    if scale > _MOST_TICKS:
        scale = rate.numerator * max(1, 90_000 // rate.numerator)
    step = Fraction(scale) / rate
    rank = {stamp: number for number, stamp in enumerate(sorted(track.keys))}
    delay = max(number - rank[stamp] for number, stamp in enumerate(track.keys))
    start = round((min(track.keys) * track.time_base - zero) * scale)
    # With `prescale` the expressions count in ticks of the new clock; the frame's place on the grid is the
    # nearest one.
    place = f"round((PTS-{start})*{step.denominator}/{step.numerator})"
    pts, dts = (f"{start}+({at})*{step.numerator}/{step.denominator}" for at in (place, f"N-{delay}"))
    return {
        "bsf:v:0": (
            f"setts=time_base=1/{scale}:prescale=1:pts=round({pts}):dts=round({dts}):duration={round(step)}"
        ),
        "video_track_timescale": scale,
        "movie_timescale": scale,
    }
