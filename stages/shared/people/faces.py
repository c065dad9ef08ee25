"""A picture of each speaker's face, where it was seen well while they spoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Sink
from dubkit.episode.context import Context
from stages.shared.ages import cut_face, speaking_faces
from stages.shared.cloning.found_pieces import file_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 256
"""Pixels that a kept picture has along its longer side, at most."""


def has_faces(context: Context) -> bool:
    """Tell whether faces were searched for, and there is a picture to show them."""
    return context.episode.video is not None and context.store.has("faces.json")


def write_faces(context: Context, sink: Sink) -> dict[str, str]:
    """Write the largest view of each speaker's face; return speaker -> file below the episode folder."""
    from dubkit.media.picture.faces import pictures, shrinking

    if not has_faces(context):
        return {}
    seen = {speaker: speaking_faces(context, speaker) for speaker in {s.speaker for s in context.segments}}
    best = {speaker: max(boxes, key=lambda box: box.height) for speaker, boxes in seen.items() if boxes}
    scale, files = shrinking(context.picture), dict[str, str]()
    for number, image in pictures(
        context.source, context.picture, sorted({box.frame for box in best.values()})
    ):
        for speaker in sorted(name for name, box in best.items() if box.frame == number):
            files[speaker] = f"people/{file_name(speaker)}.jpg"
            with sink.write(files[speaker]) as temporary:
                _write(cut_face(image, best[speaker], scale), temporary)
    return files


def _write(face: NDArray[np.uint8], target: Path) -> None:
    import cv2

    share = min(1.0, LARGEST / max(face.shape[:2]))
    size = (max(1, round(face.shape[1] * share)), max(1, round(face.shape[0] * share)))
    _, encoded = cv2.imencode(".jpg", cv2.resize(face, size, interpolation=cv2.INTER_AREA))
    target.write_bytes(encoded.tobytes())
