"""Generated pictures back into the source: the exact inverse of how the source was laid on the canvas.

`lay` makes a canvas of a source frame, `Paster` puts a canvas back into one. Both resample every plane of the
source on its own, straight between canvas and plane, with a windowed sinc and with chroma where the format
has it; there is no picture of full chroma in between. An interlaced picture is treated as whole frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from dubkit.dubbing.film.colour import ColourMatch, PictureFormat
from dubkit.dubbing.film.mask import FaceMask
from dubkit.dubbing.planning.sizes import check_fit
from dubkit.types import FaceBox, Fit

if TYPE_CHECKING:
    import av
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Plane = NDArray[np.float32]
    Picture = NDArray[np.uint8]

Mode = Literal["full", "face"]

CANVAS_SCALE = 2
"""The second stage doubles every size of a `Fit`."""

_LOBES = 3  # of the sinc, on each side


def lay(frame: av.VideoFrame, form: PictureFormat, fit: Fit, scale: int = CANVAS_SCALE) -> Picture:
    """Lay a source frame on the canvas: upright, scaled, its edges repeated; (H, W, 3), R'G'B' of 0 to 255.

    `scale` is 1 for the first stage's canvas and 2 for the second's.

    Raises:
        ValueError: a frame of another format.
    """
    import cv2
    import numpy as np

    check_fit(fit)
    _check_frame(frame, form)
    width, height = _laid_size(form, fit, scale)
    planes = []
    for number, x, y in form.planes():
        rows = _taps(_towards_plane(height, form.height, y, form), _size(form.height, y))
        columns = _taps(_towards_plane(width, form.width, x, form, across=True), _size(form.width, x))
        planes.append(_resampled(samples(frame, number, form).astype(np.float32), rows, columns))
    matrix, offset = form.to_rgb()
    colours = cv2.transform(np.dstack(planes), np.column_stack((matrix, offset)))
    picture = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    upright = np.rot90(np.fliplr(picture) if form.mirrored else picture, form.quarter_turns)
    left, top = fit.left * scale, fit.top * scale
    below = fit.height * scale - top - upright.shape[0]
    beside = fit.width * scale - left - upright.shape[1]
    return np.pad(upright, ((top, below), (left, beside), (0, 0)), mode="edge")


class Paster:
    """Puts generated canvases of the second stage into frames of one source.

    `full` replaces the whole picture. `face` replaces the faces and fades around them; wherever its mask is
    0 the samples stay the source's own, bit for bit. `faces` holds the boxes of each face, in order.

    Raises:
        ValueError: a fit that reaches beyond its canvas, or `face` without boxes.
    """

    def __init__(
        self,
        source_format: PictureFormat,
        fit: Fit,
        mode: Mode = "full",
        faces: Sequence[Sequence[FaceBox]] = (),
        match: ColourMatch | None = None,
    ) -> None:
        import numpy as np

        check_fit(fit)
        self.form = source_format
        self.fit = fit
        self.mask = FaceMask(source_format, faces) if mode == "face" else None
        matrix, offset = source_format.from_rgb()
        change, shift = (match or ColourMatch()).affine()
        # The match and the colour matrix are one step: nothing is rounded between them.
        self._to_planes = np.column_stack((matrix @ change, matrix @ shift + offset))
        self._grids = [(number, _Grid(source_format, fit, x, y)) for number, x, y in source_format.planes()]

    def frame(self, number: int, source: av.VideoFrame, generated: Picture) -> av.VideoFrame:
        """Return frame `number` of the episode with the generated picture in it.

        `source` is used up: it becomes the result, so that its time, colour tags, side data and untouched
        samples stay. `generated` is (H, W, 3) R'G'B' on the canvas of the second stage.

        Raises:
            ValueError: a frame of another format, or a picture of another size than the canvas.
        """
        import cv2
        import numpy as np

        _check_frame(source, self.form)
        picture = self._cut_out(generated)
        values = cv2.transform(picture.astype(np.float32), self._to_planes)
        planes = np.moveaxis(values.reshape(*picture.shape[:2], -1), -1, 0)
        # A decoder may still need its frame to predict others from.
        source.make_writable()
        for (plane, grid), value, limits in zip(self._grids, planes, self.form.limits(), strict=True):
            self._replace(samples(source, plane, self.form), number, grid, value, limits)
        return source

    def _cut_out(self, generated: Picture) -> Picture:
        """The scaled picture of the canvas, turned as the source stores it."""
        import numpy as np

        fit, scale = self.fit, CANVAS_SCALE
        expected = (fit.height * scale, fit.width * scale, 3)
        if generated.shape != expected:
            raise ValueError(f"The generated picture is {generated.shape}; the canvas is {expected}.")
        rows = slice(fit.top * scale, (fit.top + fit.scaled_height) * scale)
        columns = slice(fit.left * scale, (fit.left + fit.scaled_width) * scale)
        stored = np.rot90(generated[rows, columns], -self.form.quarter_turns)
        return np.ascontiguousarray(np.fliplr(stored) if self.form.mirrored else stored)

    def _replace(
        self, plane: NDArray[Any], number: int, grid: _Grid, value: Plane, limits: tuple[int, int]
    ) -> None:
        import numpy as np

        if self.mask is None:
            new = np.clip(_resampled(value, grid.row_taps, grid.column_taps), *limits)
            plane[:] = np.rint(new)
            return
        rows, columns, weight = self.mask.plane(number, grid.rows, grid.columns)
        if not weight.size:
            return
        new = np.clip(_resampled(value, grid.row_taps[rows], grid.column_taps[columns]), *limits)
        old = plane[rows, columns].astype(np.float32)
        # A whole number plus 0 times anything finite is that number: no test for the mask is needed.
        plane[rows, columns] = np.rint(old + weight.astype(np.float32) * (new - old))


class _Grid:
    """Where the samples of one plane lie, and how each is made of the canvas's picture."""

    def __init__(self, form: PictureFormat, fit: Fit, x: int, y: int) -> None:
        width, height = _laid_size(form, fit, CANVAS_SCALE)
        self.rows = _centres(_size(form.height, y), y, cosited=form.siting == "topleft")
        self.columns = _centres(_size(form.width, x), x, cosited=form.siting != "centre")
        self.row_taps = _taps(self.rows * (height / form.height), height, y * height / form.height)
        self.column_taps = _taps(self.columns * (width / form.width), width, x * width / form.width)


def samples(frame: av.VideoFrame, plane: int, form: PictureFormat) -> NDArray[Any]:
    """The samples of one plane of a frame, (rows, columns), as a view that can be written."""
    import numpy as np

    stored = frame.planes[plane]
    kind = np.dtype(np.uint8 if form.bits == 8 else "<u2")
    lines = np.frombuffer(memoryview(stored), kind)
    lines = lines[: stored.height * (stored.line_size // kind.itemsize)]
    view: NDArray[Any] = lines.reshape(stored.height, -1)[:, : stored.width]
    return view


def _check_frame(frame: av.VideoFrame, form: PictureFormat) -> None:
    found = (frame.width, frame.height, frame.format.name)
    expected = (form.width, form.height, form.pixel_format)
    if found != expected:
        raise ValueError(f"The frame is {found}; the source is {expected}.")


def _laid_size(form: PictureFormat, fit: Fit, scale: int) -> tuple[int, int]:
    """Width and height of the picture on the canvas, turned as the source stores it."""
    size = fit.scaled_width * scale, fit.scaled_height * scale
    return size if form.quarter_turns % 2 == 0 else (size[1], size[0])


def _size(samples: int, step: int) -> int:
    return -(-samples // step)


def _centres(count: int, step: int, *, cosited: bool) -> Floats:
    """Centres of a plane's samples in luma pixels; the first luma sample is centred on 0.5."""
    import numpy as np

    return np.arange(count, dtype=np.float64) * step + (0.5 if cosited else step / 2)


def _towards_plane(count: int, size: int, step: int, form: PictureFormat, *, across: bool = False) -> Floats:
    """Where `count` samples of the laid picture lie on an axis of a plane, its first sample at 0.5."""
    import numpy as np

    cosited = form.siting != "centre" if across else form.siting == "topleft"
    luma: Floats = (np.arange(count, dtype=np.float64) + 0.5) * (size / count)
    return (luma - (0.5 if cosited else step / 2)) / step + 0.5


def _taps(centres: Floats, size: int, spacing: float | None = None) -> Any:
    """Weights (targets, size) that take samples at `centres` out of `size` samples, the first at 0.5.

    Targets further apart than one sample are averaged over as much more, so that nothing aliases. What lies
    beyond the ends repeats the end.
    """
    import numpy as np
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

    if spacing is None:
        spacing = (centres[-1] - centres[0]) / (len(centres) - 1) if len(centres) > 1 else float(size)
    stretch = max(1.0, float(spacing))
    reach = _LOBES * stretch
    first = np.floor(centres - reach).astype(int)
    index = first[:, None] + np.arange(2 * int(np.ceil(reach)) + 2)
    away = (index + 0.5 - centres[:, None]) / stretch
    weight = np.where(np.abs(away) < _LOBES, np.sinc(away) * np.sinc(away / _LOBES), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    # A whole source frame on a canvas of its own size then keeps every sample exactly.
    weight[np.abs(weight) < 1e-7] = 0.0
    rows = np.repeat(np.arange(len(centres)), index.shape[1])
    entries = (weight.ravel().astype(np.float32), (rows, np.clip(index, 0, size - 1).ravel()))
    taps = csr_array(entries, shape=(len(centres), size))
    taps.sum_duplicates()
    taps.eliminate_zeros()
    return taps


def _resampled(plane: Plane, row_taps: Any, column_taps: Any) -> Plane:
    import numpy as np

    down = np.ascontiguousarray((row_taps @ np.ascontiguousarray(plane)).T)
    return np.ascontiguousarray((column_taps @ down).T)
