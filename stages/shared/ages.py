"""How old the speakers are: heard in the voice and, where asked for, seen in the face that speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import quantiles
from typing import TYPE_CHECKING, Literal

from dubkit.dubbing.planning.routes import LEAST_MOUTH, LEAST_VISIBLE
from dubkit.episode.context import Context
from dubkit.media.picture.face_ages import FACE_AGES, LEAST_FACES, SMALLEST
from dubkit.types import Age, FaceBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_FACES = 15
"""Pictures that are looked at for each speaker."""
MARGIN = 0.5
"""What is seen around a face, as a share of its height: the finder needs the whole head."""
RANGES: Mapping[Age, tuple[float, float]] = {
    "child": (0, 10),
    "young": (15, 27),
    "adult": (35, 54),
    "elderly": (66, 120),
}
"""Years that a face looks, and the word. Between them nothing is claimed: the network errs by ten years."""
MOST_SPREAD = 12.0
"""Years between the quarters of all looks from which nothing is claimed."""
CHILD_LEAST_HZ = 170.0
"""Pitch below which a voice is nobody's whose face looks like a child's."""

Mark = Literal["voice", "face"]


def looks_at_faces(context: Context) -> bool:
    """Tell whether ages are taken from faces too."""
    return context.settings.cast.ages == "face" and context.episode.video is not None


def ages_problem(context: Context) -> str:
    """Return why faces say nothing of ages here, with the cure; empty where they can."""
    from dubkit.media.picture.face_finders import mediapipe_models

    if context.model(FACE_AGES.role) is None:
        return f"the network is not on this machine. Run: pip install {FACE_AGES.pip}"
    if mediapipe_models() is None:
        return "eyes are found by MediaPipe's networks alone. Run: pip install --no-deps mediapipe==0.10.14"
    return ""


def joined(heard: Age, seen: Age, pitch_hz: float) -> tuple[Age, Mark | None]:
    """Return the age that voice and face leave, and what it rests on; nothing where they contradict.

    >>> joined("", "elderly", 120), joined("child", "child", 280), joined("child", "adult", 280)
    (('elderly', 'face'), ('child', 'face'), ('', None))
    """
    if not seen:
        return heard, "voice" if heard else None
    if heard == "child" and seen != "child":
        return "", None
    if seen == "child" and 0 < pitch_hz < CHILD_LEAST_HZ:
        return "", None
    return seen, "face"


def seen_ages(context: Context) -> dict[str, Age]:
    """Return the age of every speaker whose face was seen well enough while they spoke."""
    from dubkit.media.picture.face_ages import open_face_ages
    from dubkit.media.picture.faces import pictures, shrinking

    model = context.model(FACE_AGES.role)
    network = open_face_ages(model.path) if model else None
    wanted = {speaker: speaking_faces(context, speaker) for speaker in {s.speaker for s in context.segments}}
    if network is None or not any(wanted.values()):
        return {}
    scale = shrinking(context.picture)
    at: dict[int, list[tuple[str, FaceBox]]] = {}
    for speaker, boxes in sorted(wanted.items()):
        for box in boxes:
            at.setdefault(box.frame, []).append((speaker, box))
    years: dict[str, list[float]] = {}
    for number, image in pictures(context.source, context.picture, sorted(at)):
        for speaker, box in at[number]:
            looked = network.years(cut_face(image, box, scale)) if box.height * scale >= SMALLEST else None
            if looked is not None:
                years.setdefault(speaker, []).append(looked)
    return {speaker: age for speaker, found in years.items() if (age := age_of(found))}


def age_of(years: Sequence[float]) -> Age:
    """Return the word for the ages that one person looked; empty where they are few or far apart.

    >>> age_of([70, 68, 71, 74, 69]), age_of([70, 68, 71]), age_of([20, 45, 70, 30, 60]), age_of([30] * 9)
    ('elderly', '', '', '')
    """
    if len(years) < LEAST_FACES:
        return ""
    low, middle, high = quantiles(years, n=4)
    if high - low > MOST_SPREAD:
        return ""
    return next((age for age, (least, most) in RANGES.items() if least <= middle <= most), "")


def speaking_faces(context: Context, speaker: str) -> list[FaceBox]:
    """Return where the face of a speaker is seen while it speaks, evenly over all that it says."""
    faces = {face.segment: face for face in context.faces.faces}
    spoken = [faces[s.id] for s in context.segments if s.speaker == speaker and s.id in faces]
    boxes = [
        box
        for face in spoken
        if face.mouth >= LEAST_MOUTH and face.visible >= LEAST_VISIBLE
        for box in face.boxes
    ]
    return list(_evenly(boxes, MOST_FACES))


def _evenly(boxes: Sequence[FaceBox], count: int) -> Iterator[FaceBox]:
    places = {round(n * (len(boxes) - 1) / max(count - 1, 1)) for n in range(count)} if boxes else set()
    yield from (boxes[place] for place in sorted(places))


def cut_face(image: NDArray[np.uint8], box: FaceBox, scale: float) -> NDArray[np.uint8]:
    """Return the part of a picture around a face."""
    edge = MARGIN * box.height
    top, left = (max(0, round((side - edge) * scale)) for side in (box.top, box.left))
    bottom = round((box.top + box.height + edge) * scale)
    right = round((box.left + box.width + edge) * scale)
    return image[top:bottom, left:right]
