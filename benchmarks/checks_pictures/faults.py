"""Faults that a generator of pictures makes, seeded into real pictures; and changes that are no fault.

Each takes a window, windows of other people and a random source, and returns the window as a dub would have
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.checks_pictures.clips import RATE, SOUND_RATE, Image, Mesh, Window

Random = np.random.Generator
Change = Callable[[Window, Sequence[Window], Random], Window]

OVAL: tuple[int, ...] = (
    10,
    338,
    297,
    332,
    284,
    251,
    389,
    356,
    454,
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
)
OVAL += (176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)
LOWER: tuple[int, ...] = (
    205,
    425,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    2,
)
ANCHORS = (33, 133, 362, 263, 2, 168, 4, 70, 300)
GAP = (13, 14, 78, 308)
WORDS = (
    "SUBSCRIBE",
    "Hello there",
    "Breaking news",
    "www.news.tv",
    "THE END",
    "Guten Tag",
    "To be continued",
)


def _mask(shape: tuple[int, ...], points: NDArray[np.float32], soft: float) -> NDArray[np.float32]:
    mask = np.zeros(shape[:2], np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.int32)), (1.0,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(soft, 0.6)), np.float32)[..., None]


def _height(mesh: Mesh) -> float:
    return float(np.ptp(mesh[:, 1]))


def _mixed(below: Image, above: Image, mask: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(below * (1 - mask) + above * mask, 0, 255), np.uint8)


def _laid(image: Image, mesh: Mesh, onto: Mesh, shape: tuple[int, ...]) -> Image:
    """Lay a face onto another's place by its unmoved points."""
    turn, _ = cv2.estimateAffine2D(mesh[list(ANCHORS)], onto[list(ANCHORS)], method=cv2.LMEDS)
    return np.asarray(
        cv2.warpAffine(
            image, turn, (shape[1], shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


def _each(window: Window, change: Callable[[int, Image, Mesh], Image], first: int = 0) -> Window:
    """Change every frame that has a face, from `first` on."""
    images = [
        image if mesh is None or number < first else change(number, image, mesh)
        for number, (image, mesh) in enumerate(zip(window.images, window.meshes, strict=True))
    ]
    return window.shifted(images)


def face_lost(window: Window, _: Sequence[Window], random: Random) -> Window:
    """The face melts into its surroundings, into blocks, or into one colour, for most of the line."""
    way = random.integers(3)

    def melt(_: int, image: Image, mesh: Mesh) -> Image:
        height = _height(mesh)
        mask = _mask(image.shape, mesh[list(OVAL)], 0.04 * height)
        if way == 0:
            gone = cv2.GaussianBlur(image, (0, 0), 0.3 * height)
        elif way == 1:
            cells = [max(1, round(side / (0.25 * height))) for side in (image.shape[1], image.shape[0])]
            gone = cv2.resize(image, cells, interpolation=cv2.INTER_AREA)
            gone = cv2.resize(gone, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_NEAREST)
        else:
            gone = np.full_like(image, cv2.mean(image, (mask[..., 0] > 0.5).astype(np.uint8))[:3])
        return _mixed(image, np.asarray(gone, np.uint8), mask)

    return _each(window, melt, int(random.integers(0, 15)))


def face_frozen(window: Window, _: Sequence[Window], random: Random) -> Window:
    """The face, or the whole picture, stays as it was for 0.8 to 1.5 s."""
    first, last = _span(random, 0.8, 1.5)
    mesh = window.meshes[first]
    if mesh is None or random.integers(2):
        images = [window.images[first] if first <= n < last else i for n, i in enumerate(window.images)]
        return window.shifted(images)
    mask = _mask(window.images[0].shape, _grown(mesh[list(OVAL)], 1.25), 0.03 * _height(mesh))
    images = [
        _mixed(image, window.images[first], mask) if first <= number < last else image
        for number, image in enumerate(window.images)
    ]
    return window.shifted(images)


def _span(random: Random, least: float, most: float) -> tuple[int, int]:
    length = round(random.uniform(least, most) * RATE)
    first = int(random.integers(0, 2 * RATE - length))
    return first, first + length


def _grown(points: NDArray[np.float32], by: float) -> NDArray[np.float32]:
    return np.asarray((points - points.mean(0)) * by + points.mean(0), np.float32)


def face_changed(window: Window, others: Sequence[Window], random: Random) -> Window:
    """Another person's face stands in the place of this one, in its colours."""
    other = others[int(random.integers(len(others)))]
    theirs = next(n for n, mesh in enumerate(other.meshes) if mesh is not None)
    amount = float(random.uniform(0.85, 1.0))

    def swap(number: int, image: Image, mesh: Mesh) -> Image:
        at = number if other.meshes[number % len(other.meshes)] is not None else theirs
        at %= len(other.images)
        face = other.meshes[at]
        assert face is not None
        laid = _laid(other.images[at], face, mesh, image.shape)
        mask = _mask(image.shape, mesh[list(OVAL)], 0.06 * _height(mesh))
        inside = mask[..., 0] > 0.5
        shown = laid.astype(np.float32)
        shown += image[inside].mean(0) - shown[inside].mean(0)
        return _mixed(image, np.asarray(np.clip(shown, 0, 255), np.uint8), amount * mask)

    return _each(window, swap)


def face_soft(window: Window, _: Sequence[Window], random: Random) -> Window:
    """The face is washed out."""
    amount = float(random.uniform(0.02, 0.04))

    def wash(_: int, image: Image, mesh: Mesh) -> Image:
        height = _height(mesh)
        mask = _mask(image.shape, _grown(mesh[list(OVAL)], 1.1), 0.05 * height)
        soft = cv2.GaussianBlur(image, (0, 0), max(1.2, amount * height))
        return _mixed(image, np.asarray(soft, np.uint8), mask)

    return _each(window, wash)


def mouth_still(window: Window, _: Sequence[Window], __: Random) -> Window:
    """The lower face is that of the moment with the closest lips, while the sound goes on."""
    closed = int(np.nanargmin([_opening(mesh) for mesh in window.meshes]))
    return _with_mouth_of(window, lambda number: closed)


def mouth_busy(window: Window, _: Sequence[Window], __: Random) -> Window:
    """The mouth goes on while the sound is silent for the part in which the mouth moves most."""
    return window.shifted(window.images, _silent(window, *_busiest(window)))


def rests(window: Window, _: Sequence[Window], __: Random) -> Window:
    """The mouth stands still while the sound is silent, as in a pause: no fault."""
    first, last = _busiest(window)
    closed = int(np.nanargmin([_opening(mesh) for mesh in window.meshes]))
    made = _with_mouth_of(window, lambda number: closed if first <= number < last else number)
    return made.shifted(made.images, _silent(window, first, last))


def _busiest(window: Window) -> tuple[int, int]:
    """Return the 0.9 s in which the mouth opens and closes most, as frames."""
    length = round(0.9 * RATE)
    openings = np.array([_opening(mesh) for mesh in window.meshes])
    spreads = [float(np.nanstd(openings[n : n + length])) for n in range(len(openings) - length + 1)]
    first = int(np.argmax(spreads))
    return first, first + length


def _silent(window: Window, first: int, last: int) -> NDArray[np.float64]:
    sound = window.sound.copy()
    pad = round(0.16 * SOUND_RATE)
    sound[max(0, first * SOUND_RATE // RATE - pad) : last * SOUND_RATE // RATE + pad] *= 0.0005
    return sound


def letters(window: Window, _: Sequence[Window], random: Random) -> Window:
    """Words stand in the picture for 0.9 s and more."""
    from PIL import Image as Pictures
    from PIL import ImageDraw, ImageFont

    height, width = window.images[0].shape[:2]
    size = round(float(random.uniform(0.045, 0.09)) * height)
    word = str(random.choice(WORDS))
    try:
        font = ImageFont.truetype("DejaVuSans-Bold.ttf", size)
    except OSError:
        font = ImageFont.load_default(size)  # type: ignore[assignment]
    left = int(random.uniform(0.03, 0.3) * width)
    top = int(random.choice([0.05, 0.8, 0.88]) * height)
    bright = 255 if random.integers(2) else 0
    first, last = _span(random, 0.9, 1.9)

    def drawn(image: Image) -> Image:
        picture = Pictures.fromarray(image)
        ImageDraw.Draw(picture).text(
            (left, top), word, font=font, fill=(bright,) * 3, stroke_width=1, stroke_fill=(255 - bright,) * 3
        )
        return np.array(picture)

    return window.shifted([drawn(i) if first <= n < last else i for n, i in enumerate(window.images)])


def colour_seam(window: Window, _: Sequence[Window], random: Random) -> Window:
    """Brightness, warmth or contrast of the made pictures is another."""
    way, sign = random.integers(3), 1 if random.integers(2) else -1
    amount = float(random.uniform(0.07, 0.14)) * sign

    def tinted(image: Image) -> Image:
        shown: NDArray[np.float32] = image.astype(np.float32)
        if way == 0:
            shown *= 1 + amount
        elif way == 1:
            shown = shown * np.array([1 - amount, 1.0, 1 + amount], np.float32)
        else:
            shown = np.asarray(255 * (shown / 255) ** (1 - 2 * amount), np.float32)
        return np.asarray(np.clip(shown, 0, 255), np.uint8)

    return window.shifted([tinted(i) if MADE[0] <= n < MADE[1] else i for n, i in enumerate(window.images)])


MADE = (8, 42)
"""Frames of a window that are made where only borders are looked at: both lie in the window."""


def _opening(mesh: Mesh | None) -> float:
    if mesh is None:
        return float("nan")
    upper, lower, left, right = (mesh[point] for point in GAP)
    return float(np.linalg.norm(lower - upper)) / max(float(np.linalg.norm(right - left)), 1e-6)


def _with_mouth_of(window: Window, which: Callable[[int], int]) -> Window:
    """Give every frame the lower face of another one of the same person, laid by the unmoved points."""

    def change(number: int, image: Image, mesh: Mesh) -> Image:
        other = window.meshes[which(number)]
        if other is None:
            return image
        laid = _laid(window.images[which(number)], other, mesh, image.shape)
        return _mixed(image, laid, _mask(image.shape, mesh[list(LOWER)], 0.03 * _height(mesh)))

    return _each(window, change)


def as_it_is(window: Window, _: Sequence[Window], __: Random) -> Window:
    return window


def other_mouth(window: Window, _: Sequence[Window], random: Random) -> Window:
    """What a good dub is: the same face with the lips of another moment, and the sound of that moment."""
    shift = int(random.integers(8, 40))
    count = len(window.images)
    sound = np.roll(window.sound, -round(shift / RATE * SOUND_RATE))
    made = _with_mouth_of(window, lambda number: (number + shift) % count)
    return made.shifted(made.images, sound)


def mild(window: Window, _: Sequence[Window], random: Random) -> Window:
    """A little softer, a little brighter, with another grain: what coding and a decoder of latents leave."""
    gain = 1 + float(random.uniform(-0.012, 0.012))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        small = cv2.resize(image, (width * 4 // 5, height * 4 // 5), interpolation=cv2.INTER_AREA)
        back = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        grain = random.normal(0, 1.5, (height, width, 1))
        return np.asarray(np.clip(back * gain + grain, 0, 255), np.uint8)

    return window.shifted([change(image) for image in window.images])


FAULTS: Mapping[str, Change] = {
    "face-lost": face_lost,
    "face-frozen": face_frozen,
    "face-changed": face_changed,
    "face-soft": face_soft,
    "mouth-still": mouth_still,
    "mouth-busy": mouth_busy,
    "letters": letters,
    "colour-seam": colour_seam,
}
CLEAN: Mapping[str, Change] = {"as it is": as_it_is, "other mouth": other_mouth, "mild": mild, "rests": rests}
