"""Two seconds of a film with a face that speaks, as pictures and sound, and back into a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dubkit.media.files.probe import probe
from dubkit.media.picture.face_finders import MeshFinder
from dubkit.media.picture.faces import find_faces
from dubkit.media.picture.frames import frame_times
from dubkit.types import FaceBox, Segment

RATE = 25
SECONDS = 2.0
MOST_SIDE = 480
SOUND_RATE = 48_000
LEAST_FACE = 60

Image = NDArray[np.uint8]
Mesh = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """A stretch of a film; `boxes` are the face that speaks, by frame."""

    name: str
    images: tuple[Image, ...]
    sound: NDArray[np.float64]
    meshes: tuple[Mesh | None, ...]
    boxes: tuple[FaceBox, ...]

    def shifted(self, images: Sequence[Image], sound: NDArray[np.float64] | None = None) -> Window:
        """Return the window with other pictures, and maybe another sound."""
        return replace(self, images=tuple(images), sound=self.sound if sound is None else sound)


def windows(path: Path, finder: MeshFinder, most: int) -> list[Window]:
    """Return evenly spread stretches of a film in which a face is large enough and there all the time."""
    episode = probe(path)
    assert episode.video is not None
    times = [float(time) for time in frame_times(path, episode.video.index)]
    length = times[-1] if times else 0.0
    count = int(length // SECONDS)
    chosen = sorted({round(i * (count - 1) / max(min(count, most) - 1, 1)) for i in range(min(count, most))})
    segments = [Segment(f"s{i:04d}", i * SECONDS + 0.02, (i + 1) * SECONDS - 0.02, "a", "") for i in chosen]
    sound = _sound(path)
    found = []
    for segment, face in zip(segments, find_faces(path, episode, segments).faces, strict=True):
        if face.visible < 0.95 or not face.boxes or min(box.height for box in face.boxes) < LEAST_FACE:
            continue
        made = _window(path, segment.start, sound, finder, face.boxes)
        if made is not None:
            found.append(made)
    return found


def _window(
    path: Path, start: float, sound: NDArray[np.float64], finder: MeshFinder, faces: Sequence[FaceBox]
) -> Window | None:
    images, scale = _images(path, start)
    if len(images) < RATE * SECONDS - 1:
        return None
    last = len(images) - 1
    near = [faces[round(number * (len(faces) - 1) / last)] for number in range(len(images))]
    meshes = [_mesh(finder, image, box, scale) for image, box in zip(images, near, strict=True)]
    if sum(mesh is None for mesh in meshes) > 1:
        return None
    first = round(start * SOUND_RATE)
    boxes = tuple(
        FaceBox(number, *(round(float(v)) for v in (*mesh.min(0), *(mesh.max(0) - mesh.min(0)))))
        for number, mesh in enumerate(meshes)
        if mesh is not None and number % 3 == 0
    )
    part = sound[first : first + round(SECONDS * SOUND_RATE)]
    return Window(f"{path.stem}@{start:.0f}", tuple(images), part, tuple(meshes), boxes)


def _mesh(finder: MeshFinder, image: Image, near: FaceBox, scale: float) -> Mesh | None:
    """Return the mesh of the face that lies near a box of the film, of which `scale` pixels are one here."""
    left, top, width, height = (scale * edge for edge in (near.left, near.top, near.width, near.height))
    room = 0.6 * max(width, height)
    x, y = max(0, round(left - room)), max(0, round(top - room))
    crop = image[y : round(top + height + room), x : round(left + width + room)]
    meshes = finder.meshes(np.ascontiguousarray(crop))
    return np.asarray(meshes[0] + np.array([x, y], np.float32), np.float32) if meshes else None


def _images(path: Path, start: float) -> tuple[list[Image], float]:
    """Return pictures at 25 a second from a moment on, upright and small, and their scale."""
    from dubkit.media.picture.faces import pictures, shrinking

    episode = probe(path)
    assert episode.video is not None
    times = [float(time) for time in frame_times(path, episode.video.index)]
    moments = [start + i / RATE for i in range(round(RATE * SECONDS))]
    numbers = [int(np.argmin(np.abs(np.array(times) - moment))) for moment in moments]
    shown = dict(pictures(path, episode.video, sorted(set(numbers))))
    images, scale = [], 1.0
    for number in numbers:
        if number not in shown:
            return [], 1.0
        image = shown[number]
        scale = min(1.0, MOST_SIDE / max(image.shape[:2]))
        size = [max(2, round(side * scale) // 2 * 2) for side in (image.shape[1], image.shape[0])]
        images.append(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8))
    return images, scale * shrinking(episode.video)


def _sound(path: Path) -> NDArray[np.float64]:
    """Return the sound at 48 kHz, mono."""
    with av.open(str(path)) as film:
        if not film.streams.audio:
            return np.zeros(0)
        maker = av.AudioResampler("flt", "mono", SOUND_RATE)
        parts = [part.to_ndarray()[0] for frame in film.decode(audio=0) for part in maker.resample(frame)]
    return np.concatenate(parts).astype(np.float64)


def write(path: Path, images: Sequence[Image], quality: int) -> Path:
    """Encode pictures with H.264."""
    with av.open(str(path), "w") as film:
        stream: Any = film.add_stream(
            "libx264", rate=Fraction(RATE), options={"crf": str(quality), "preset": "veryfast"}
        )
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, RATE)
        stream.thread_count = 1
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path
