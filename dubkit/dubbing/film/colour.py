"""The colours of a source picture: what its samples mean, and how a generated picture is matched to them.

Generated pictures are R'G'B' of 0 to 255. The primaries and the transfer curve of the source are never
converted, in neither direction: they are tags that the picture keeps. Letters: H and W rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dubkit.errors import MediaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Picture = NDArray[np.uint8]

Siting = Literal["left", "centre", "topleft"]
"""Where a subsampled chroma sample lies: level with the left luma column (MPEG-2 and later), amid its luma
samples (MPEG-1, JPEG), or on the top left luma sample (BT.2020)."""

LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601 of 625 lines
    6: (0.299, 0.114),  # BT.601 of 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
}
"""Share of red and blue in luma by the number of a matrix in ITU-T H.273."""

_BT709, _BT601, _BT2020 = 1, 6, 9
_UNTAGGED = (0, 2)  # 0 says RGB, which samples of Y, Cb and Cr are not
_FULL = 2
_CENTRED = ("mjpeg", "mpeg1video")


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """How a picture is stored. The numbers are those of ITU-T H.273, 2 where nothing is said.

    Planar YUV, RGB and grey of 8 to 16 bits can be written, with any subsampling; an alpha plane is kept.

    Raises:
        ValueError: samples in another order, or a matrix without luma weights.
    """

    width: int
    """As stored, before `rotation`."""
    height: int
    pixel_format: str
    colour_range: int = 0
    """1 limited, 2 full, 0 untagged."""
    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    rotation: int = 0
    """Degrees that the picture is turned counter-clockwise to be shown, as in `VideoStream`."""
    siting: Siting = "left"
    mirrored: bool = False
    """Whether left and right change places before the picture is turned."""

    def __post_init__(self) -> None:
        if self.rotation % 90:
            raise ValueError(f"A picture is turned by a multiple of 90 degrees, not {self.rotation}.")
        if not self._planar():
            raise ValueError(f"samples in the format {self.pixel_format} cannot be replaced")
        if not self.is_rgb and self.matrix not in (*LUMA_WEIGHTS, *_UNTAGGED):
            raise ValueError(f"colours with matrix {self.matrix} of H.273 cannot be converted")

    @classmethod
    def of(
        cls, frame: Any, source: Path, *, rotation: int = 0, mirrored: bool = False, codec: str = ""
    ) -> PictureFormat:
        """Read the format off a decoded frame of `source`; `codec` tells where chroma lies.

        Raises:
            MediaError: a format that cannot be written back.
        """
        matrix = int(frame.colorspace)
        siting: Siting = "centre" if codec in _CENTRED else "topleft" if matrix == _BT2020 else "left"
        try:
            return cls(
                frame.width,
                frame.height,
                frame.format.name,
                int(frame.color_range),
                matrix,
                int(frame.color_primaries),
                int(frame.color_trc),
                rotation,
                siting,
                mirrored,
            )
        except ValueError as error:
            cure = "Convert it with: ffmpeg -i FILE -pix_fmt yuv420p -c:a copy OUT.mkv"
            raise MediaError(source, f"its picture cannot be dubbed ({error})", cure) from error

    def _planar(self) -> bool:
        form = self._form()
        alone = len({part.plane for part in form.components}) == len(form.components)
        bits = {part.bits for part in form.components}
        # Float, palette and shifted formats say so only in their names.
        named = self.pixel_format.startswith(("yuv", "gbr", "gray")) and "f" not in self.pixel_format
        return bool(named and alone and not form.is_big_endian and len(bits) == 1 and max(bits) <= 16)

    def _form(self) -> Any:
        import av

        return av.VideoFormat(self.pixel_format, self.width, self.height)

    @property
    def is_rgb(self) -> bool:
        return bool(self._form().is_rgb)

    @property
    def bits(self) -> int:
        return int(self._form().components[0].bits)

    @property
    def full_range(self) -> bool:
        """Whether black is 0. Untagged YUV is limited; RGB, grey and the old JPEG formats are full."""
        if self.colour_range:
            return self.colour_range == _FULL
        return self.is_rgb or self.pixel_format.startswith(("yuvj", "gray"))

    @property
    def luma_weights(self) -> tuple[float, float]:
        """Share of red and blue in luma. An untagged picture is BT.709 from HD on, BT.601 below.

        HD begins above 576 rows or from 1280 columns on, as players have it.
        """
        if self.matrix in LUMA_WEIGHTS:
            return LUMA_WEIGHTS[self.matrix]
        high = self.height > 576 or self.width >= 1280
        return LUMA_WEIGHTS[_BT709 if high else _BT601]

    @property
    def quarter_turns(self) -> int:
        """Quarter turns counter-clockwise from the stored to the shown picture."""
        return self.rotation // 90 % 4

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as shown."""
        size = self.width, self.height
        return size if self.quarter_turns % 2 == 0 else (size[1], size[0])

    def planes(self) -> tuple[tuple[int, int, int], ...]:
        """Number of each plane, and luma samples per sample of it in x and y.

        In the order Y Cb Cr or R G B; a grey picture has one, and alpha is left out.
        """
        import av

        # A probe of 16 x 16 samples divides evenly by every subsampling there is.
        parts = av.VideoFormat(self.pixel_format, 16, 16).components
        return tuple((part.plane, 16 // part.width, 16 // part.height) for part in parts if not part.is_alpha)

    def from_rgb(self) -> tuple[Floats, Floats]:
        """Matrix (P, 3) and offset (P,) from R'G'B' of 0 to 255 to the values of the P planes."""
        import numpy as np

        scale = 2.0 ** (self.bits - 8)
        top = 2**self.bits - 1
        span, black = (top, 0.0) if self.full_range else (219 * scale, 16 * scale)
        if self.is_rgb:
            return np.eye(3) * span / 255, np.full(3, black)
        red, blue = self.luma_weights
        luma = np.array([red, 1 - red - blue, blue])
        cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
        cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
        chroma_span = top if self.full_range else 224 * scale
        middle = 128 * scale
        rows = np.stack((luma * span, cb * chroma_span, cr * chroma_span)) / 255
        offsets = np.array([black, middle, middle])
        return rows[: len(self.planes())], offsets[: len(self.planes())]

    def to_rgb(self) -> tuple[Floats, Floats]:
        """Matrix (3, P) and offset (3,) from the values of the planes to R'G'B' of 0 to 255."""
        import numpy as np

        matrix, offset = self.from_rgb()
        # Grey is the same value three times.
        back = np.asarray(np.linalg.inv(matrix) if len(matrix) == 3 else np.full((3, 1), 1 / matrix.sum()))
        return back, -back @ offset

    def limits(self) -> tuple[tuple[int, int], ...]:
        """Lowest and highest value of each plane: the nominal range."""
        if self.full_range:
            return ((0, 2**self.bits - 1),) * len(self.planes())
        scale = 2 ** (self.bits - 8)
        luma = (16 * scale, 235 * scale)
        chroma = luma if self.is_rgb else (16 * scale, 240 * scale)
        return (luma, chroma, chroma)[: len(self.planes())]


# --- matching -------------------------------------------------------------------------------------

GAIN_LIMIT = 1.25
"""Contrast and colourfulness of a generated picture change by this factor at most, up or down."""
SHIFT_LIMIT = 24.0
"""Steps of 255 that the mean of a channel moves at most."""

_CELL = 16  # side of the squares that are compared, in pixels of the canvas
_TRIM = 0.25  # share of the squares that fit worst (mouth, jaw, what moves) and are left out
_PASSES = 4
_RIDGE = 4.0  # variance (of 255 squared) below which a direction of colour says nothing about its gain
_SAME = 1.0  # steps of 255 below which two pictures already match
_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ColourMatch:
    """One change of colour for a whole clip, so that nothing flickers: `matrix` x R'G'B' + `offset`."""

    matrix: tuple[Triple, Triple, Triple] = _IDENTITY
    offset: Triple = (0.0, 0.0, 0.0)

    @classmethod
    def between(cls, sources: Iterable[Picture], generated: Iterable[Picture]) -> ColourMatch:
        """Measure what brings generated pictures to the source's colours.

        Both give the same frames on the same canvas, (H, W, 3) R'G'B', and are read once, side by side; a
        dozen frames spread over the clip are enough. Compared are the means of 16 x 16 squares: a generated
        picture is softer than its source, and single pixels would answer that with contrast. The squares that
        fit worst are left out. Pictures that match within one step of 255 give the identity.

        Raises:
            ValueError: no frames, different sizes, or different numbers of frames.
        """
        import numpy as np

        wanted, found = [], []
        for number, (ours, theirs) in enumerate(zip(sources, generated, strict=True)):
            if ours.shape != theirs.shape:
                raise ValueError(f"Frame {number} of source and generated picture differ in size.")
            wanted.append(_squares(ours))
            found.append(_squares(theirs))
        if not wanted:
            raise ValueError("Colours cannot be matched without frames.")
        return cls._fit(np.concatenate(wanted), np.concatenate(found))

    @classmethod
    def _fit(cls, wanted: Floats, found: Floats) -> ColourMatch:
        import numpy as np

        kept = np.ones(len(found), dtype=bool)
        match = cls()
        for _ in range(_PASSES):
            match = cls._least_squares(wanted[kept], found[kept])
            error = np.abs(match._of(found) - wanted).max(axis=1)
            kept = error <= np.quantile(error, 1 - _TRIM)
        moved = np.abs(match._of(found[kept]) - found[kept])
        return match if moved.max() >= _SAME else cls()

    @classmethod
    def _least_squares(cls, wanted: Floats, found: Floats) -> ColourMatch:
        """The best affine change of (N, 3) colours, drawn towards the identity and kept within the limits."""
        import numpy as np

        middle, shift = found.mean(axis=0), (wanted - found).mean(axis=0)
        around = found - middle
        spread = around.T @ around / len(found)
        gap = (wanted - found - shift).T @ around / len(found)
        change = np.eye(3) + gap @ np.linalg.inv(spread + _RIDGE * np.eye(3))
        left, gains, right = np.linalg.svd(change)
        # Rounded, so that the last bits of a sum decide nothing.
        matrix = np.round(left * np.clip(gains, 1 / GAIN_LIMIT, GAIN_LIMIT) @ right, 6)
        offset = np.round(middle + np.clip(shift, -SHIFT_LIMIT, SHIFT_LIMIT) - matrix @ middle, 6)
        first, second, third = (_triple(row) for row in matrix)
        return cls((first, second, third), _triple(offset))

    def _of(self, colours: Floats) -> Floats:
        matrix, offset = self.affine()
        return colours @ matrix.T + offset

    @property
    def identity(self) -> bool:
        return self == ColourMatch()

    def affine(self) -> tuple[Floats, Floats]:
        """Matrix (3, 3) and offset (3,), to be applied to R'G'B' of 0 to 255."""
        import numpy as np

        return np.array(self.matrix), np.array(self.offset)

    def apply(self, picture: Picture) -> Picture:
        """Return a matched (H, W, 3) picture; the same one where nothing is to be done."""
        import cv2
        import numpy as np

        if self.identity:
            return picture
        changed = cv2.transform(picture.astype(np.float32), np.column_stack(self.affine()))
        return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


def _triple(values: Floats) -> Triple:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _squares(picture: Picture) -> Floats:
    """Mean colours of the squares of a picture, (N, 3)."""
    import cv2
    import numpy as np

    size = max(1, picture.shape[1] // _CELL), max(1, picture.shape[0] // _CELL)
    means = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return means.reshape(-1, 3).astype(np.float64)
