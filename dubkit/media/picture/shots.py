"""Find the cuts of the picture, on the source's own frame numbers."""

from __future__ import annotations

import logging
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from dubkit.media.picture.frames import frame_times, iter_frames
from dubkit.media.picture.settings import ShotDetection
from dubkit.types import Episode, Shot, Shots, Tell

log = logging.getLogger(__name__)

_WIDTH = 256
"""Pixels across of the pictures that are compared: cuts survive it, noise and time do not."""

_LEAST_CHANGE = 21.0
"""Mean change of hue, saturation and value (0-255) below which nothing is a cut. Key frames of thrifty
encoders jump by 15 to 20; the faintest real cut measured, two people before one backdrop, by 24."""


def find_shots(path: Path, episode: Episode, settings: ShotDetection, tell: Tell | None = None) -> Shots:
    """Return shots that tile frames 0 to the last without gap; none when there is no picture.

    Times are those of the frames themselves, so they are right at variable frame rates too; the last
    shot ends with the picture. `tell` takes a remark on damaged frames.
    """
    if episode.video is None:
        return Shots(())
    times = frame_times(path, episode.video.index)
    shortest = max(1, round(settings.min_seconds * episode.video.rate))
    edges = [0]
    for cut in _cuts(path, episode, settings, tell):
        if cut - edges[-1] >= shortest and len(times) - cut >= shortest:
            edges.append(cut)
    edges.append(len(times))
    ends = [*times, episode.video.end]
    shots = [
        _shot(number, first, last, ends) for number, (first, last) in enumerate(pairwise(edges), start=1)
    ]
    log.debug("%s: %d shots in %d frames", path.name, len(shots), len(times))
    return Shots(tuple(shots))


def _shot(number: int, first: int, last: int, ends: list[Fraction]) -> Shot:
    return Shot(f"shot{number:03d}", first, last, float(ends[first]), float(ends[last]))


def _cuts(path: Path, episode: Episode, settings: ShotDetection, tell: Tell | None) -> list[int]:
    """First frames of new shots, in order.

    The detector compares a change with those around it, so a moving camera or a flash-lit face is not
    a cut; it works on the frames we decode, because its own reader drops the exact numbers. Its own limit
    on the length of shots counts from a frame it has not judged yet, so that is done by the caller.
    """
    from scenedetect.detectors import AdaptiveDetector  # type: ignore[import-untyped]

    detector = AdaptiveDetector(
        adaptive_threshold=settings.threshold, min_scene_len=1, min_content_val=_LEAST_CHANGE
    )
    cuts: set[int] = set()
    last = 0
    for number, image in iter_frames(path, episode, width=_WIDTH, tell=tell):
        cuts.update(int(cut) for cut in detector.process_frame(number, image))
        last = number
    cuts.update(int(cut) for cut in detector.post_process(last))
    return sorted(cuts)
