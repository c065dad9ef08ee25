"""Find the cuts of the picture, on the source's own frame numbers."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.media.picture.frames import clock_of, iter_frames
from dubkit.media.picture.settings import ShotDetection
from dubkit.types import Episode, Shot, Shots, Tell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    clock = clock_of(path, episode.video)
    times = clock.times
    shortest = max(1, round(settings.min_seconds * episode.video.rate))
    edges = [0]
    for cut in _cuts(iter_frames(path, episode, width=_WIDTH, tell=tell, clock=clock), settings):
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


def _cuts(frames: Iterable[tuple[int, NDArray[np.uint8]]], settings: ShotDetection) -> list[int]:
    """First frames of new shots, in order.

    The detector compares a change with those around it, so a moving camera or a flash-lit face is not
    a cut; it works on the frames we decode, because its own reader drops the exact numbers. Its own limit
    on the length of shots counts from a frame it has not judged yet, so that is done by the caller.
    """
    detector = _detector(settings)
    cuts: set[int] = set()
    last = 0
    for number, image in frames:
        cuts.update(int(cut) for cut in detector.process_frame(number, image))
        last = number
    cuts.update(int(cut) for cut in detector.post_process(last))
    return sorted(cuts)


def _detector(settings: ShotDetection) -> Any:
    """Return PySceneDetect's detector, which compares frames by a call of OpenCV here.

    The changes are the same; its own way, by way of 32-bit arrays, takes several times as long.
    """
    import cv2
    from scenedetect.detectors import AdaptiveDetector  # type: ignore[import-untyped]

    class Detector(AdaptiveDetector):  # type: ignore[misc]
        before: Any = None

        def _calculate_frame_score(self, frame_num: int, frame_img: NDArray[np.uint8]) -> float:
            now = cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV)
            change = 0.0 if self.before is None else cv2.norm(now, self.before, cv2.NORM_L1) / now.size
            self.before = now
            return change

    return Detector(adaptive_threshold=settings.threshold, min_scene_len=1, min_content_val=_LEAST_CHANGE)
