"""Generated pictures back into the source's planes: colours, geometry, faces, and what must not change."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.dubbing.film.colour import GAIN_LIMIT, SHIFT_LIMIT, ColourMatch, PictureFormat
from dubkit.dubbing.film.mask import FaceMask
from dubkit.dubbing.film.paste import Paster, lay, samples
from dubkit.dubbing.planning.sizes import choose_size
from dubkit.errors import MediaError
from dubkit.types import FaceBox, Fit
from tests.support.paths import MEDIA, require

Picture = NDArray[np.uint8]

BARS = {  # 75 % colour bars, limited range, as printed in tables of the two standards
    "white": ((191, 191, 191), (180, 128, 128), (180, 128, 128)),
    "yellow": ((191, 191, 0), (168, 44, 136), (162, 44, 142)),
    "cyan": ((0, 191, 191), (145, 147, 44), (131, 156, 44)),
    "green": ((0, 191, 0), (133, 63, 52), (112, 72, 58)),
    "magenta": ((191, 0, 191), (63, 193, 204), (84, 184, 198)),
    "red": ((191, 0, 0), (51, 109, 212), (65, 100, 212)),
    "blue": ((0, 0, 191), (28, 212, 120), (35, 212, 114)),
}


def canvas_for(form: PictureFormat) -> Fit:
    return choose_size(*form.shown, pixels=96 * 64)


def scene(width: int, height: int, seed: int = 0) -> Picture:
    """A smooth picture in moderate colours, (H, W, 3)."""
    import cv2

    rough = np.random.default_rng(seed).integers(60, 196, (9, 13, 3)).astype(np.float32)
    picture = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def source_frame(form: PictureFormat, fit: Fit | None = None, seed: int = 0) -> av.VideoFrame:
    """A frame of the format with a smooth scene in it."""
    frame = av.VideoFrame(form.width, form.height, form.pixel_format)
    for plane in range(len(frame.planes)):
        part = frame.planes[plane]
        kind = np.uint8 if form.bits == 8 else np.uint16
        line = part.line_size // np.dtype(kind).itemsize
        part.update(np.full((part.buffer_size // part.line_size, line), 77, kind).tobytes())
    frame.pts, frame.time_base = 1001, Fraction(1, 24000)
    frame.colorspace, frame.color_range = form.matrix, form.colour_range
    fit = fit or canvas_for(form)
    return Paster(form, fit).frame(0, frame, scene(fit.width * 2, fit.height * 2, seed))


def copies(frame: av.VideoFrame, form: PictureFormat) -> list[NDArray[np.int64]]:
    return [samples(frame, plane, form).astype(np.int64) for plane, _, _ in form.planes()]


def psnr(a: NDArray[np.int64], b: NDArray[np.int64], bits: int) -> float:
    error = float(np.square(a - b).mean())
    return 99.0 if error == 0 else 10 * float(np.log10((2**bits - 1) ** 2 / error))


# --- colour ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("matrix", "column"), [(1, 1), (5, 2), (6, 2)])
@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("bits", [8, 10])
def test_colour_bars_have_the_published_values_both_ways(
    name: str, matrix: int, column: int, bits: int
) -> None:
    form = PictureFormat(64, 48, "yuv420p" if bits == 8 else "yuv420p10le", 1, matrix)
    fit = canvas_for(form)
    bar = np.broadcast_to(np.array(BARS[name][0], np.uint8), (fit.height * 2, fit.width * 2, 3))
    frame = Paster(form, fit).frame(0, av.VideoFrame(64, 48, form.pixel_format), bar)
    scale = 2 ** (bits - 8)
    for plane, value in zip(copies(frame, form), BARS[name][column], strict=True):
        assert np.abs(plane - value * scale).max() <= scale  # 191 is not quite 75 %
    assert np.abs(lay(frame, form, fit).astype(int) - bar).max() <= 1


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("full", [False, True])
def test_flat_colours_mean_the_same_to_the_scaler_of_ffmpeg(matrix: int, full: bool) -> None:
    form = PictureFormat(64, 64, "yuv444p", 2 if full else 1, matrix)
    fit = canvas_for(form)
    for colour in [(30, 200, 90), (250, 4, 128), (0, 0, 0), (255, 255, 255)]:
        canvas = np.broadcast_to(np.array(colour, np.uint8), (fit.height * 2, fit.width * 2, 3))
        frame = Paster(form, fit).frame(0, source_frame(form), canvas)
        seen = frame.reformat(format="rgb24").to_ndarray()
        assert np.abs(seen.astype(int) - colour).max() <= 3


def test_full_range_black_is_zero_and_limited_black_is_sixteen() -> None:
    canvas = None
    for code, black, white in [(2, 0, 255), (1, 16, 235), (0, 16, 235)]:
        form = PictureFormat(64, 64, "yuv420p", code, 1)
        fit = canvas_for(form)
        for value, expected in ((0, black), (255, white)):
            canvas = np.full((fit.height * 2, fit.width * 2, 3), value, np.uint8)
            frame = Paster(form, fit).frame(0, source_frame(form), canvas)
            assert set(np.unique(copies(frame, form)[0])) == {expected}


@pytest.mark.parametrize(
    ("size", "matrix", "red"),
    [
        ((720, 576), 2, 0.299),
        ((640, 480), 0, 0.299),
        ((1280, 720), 2, 0.2126),
        ((1280, 536), 2, 0.2126),  # wide pictures of few rows are HD all the same
        ((700, 700), 2, 0.2126),
        ((1920, 1080), 6, 0.299),  # a tag beats the size
        ((320, 240), 1, 0.2126),
        ((3840, 2160), 9, 0.2627),
    ],
)
def test_untagged_pictures_take_their_matrix_from_their_size(
    size: tuple[int, int], matrix: int, red: float
) -> None:
    assert PictureFormat(*size, "yuv420p", matrix=matrix).luma_weights[0] == red


@pytest.mark.parametrize(
    ("name", "code", "full"),
    [
        ("yuv420p", 0, False),
        ("yuvj420p", 0, True),
        ("yuvj420p", 1, False),
        ("yuv420p10le", 2, True),
        ("gbrp", 0, True),
        ("gray", 0, True),
    ],
)
def test_untagged_range_follows_the_format(name: str, code: int, full: bool) -> None:
    assert PictureFormat(64, 64, name, code).full_range is full


@pytest.mark.parametrize("name", ["nv12", "rgb24", "yuyv422", "yuv420p10be", "pal8", "gbrpf32le", "p010le"])
def test_formats_that_cannot_be_written_are_refused_with_a_cure(name: str) -> None:
    frame = av.VideoFrame(64, 64, name)
    with pytest.raises(MediaError, match=rf"film\.mov.*{name}(?s:.*)-pix_fmt yuv420p"):
        PictureFormat.of(frame, Path("film.mov"))


def test_a_matrix_without_luma_weights_is_refused() -> None:
    with pytest.raises(ValueError, match=r"matrix 8 of H\.273"):
        PictureFormat(64, 64, "yuv420p", matrix=8)


def test_a_crooked_rotation_is_refused() -> None:
    with pytest.raises(ValueError, match="90 degrees, not 45"):
        PictureFormat(64, 64, "yuv420p", rotation=45)


def test_the_codec_tells_where_chroma_lies() -> None:
    frame = av.VideoFrame(64, 64, "yuv420p")
    sitings = [PictureFormat.of(frame, Path("x"), codec=codec).siting for codec in ("h264", "mpeg1video")]
    frame.colorspace = 9
    assert [*sitings, PictureFormat.of(frame, Path("x"), codec="hevc").siting] == [
        "left",
        "centre",
        "topleft",
    ]


@pytest.mark.parametrize("siting", ["left", "centre", "topleft"])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv411p"])
def test_chroma_lies_where_the_format_says(siting: str, pixel_format: str) -> None:
    """A ramp of blue across the picture: each chroma sample shows the ramp at its own place."""
    form = PictureFormat(128, 128, pixel_format, 1, 6, siting=siting)  # type: ignore[arg-type]
    fit = Fit(64, 64, 0, 0, 64, 64)
    canvas = np.zeros((128, 128, 3), np.uint8)
    canvas[..., 2] = np.arange(128) + 40
    frame = Paster(form, fit).frame(0, source_frame(form), canvas)
    step = form.planes()[1][1]
    place = np.arange(128 // step) * step + (0 if siting != "centre" else (step - 1) / 2)
    expected = 128 + 0.5 * 224 / 255 * (place + 40)
    row = copies(frame, form)[1][20]
    assert np.abs(row - expected)[4:-4].max() <= 0.51


# --- geometry -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotation", [0, 90, 180, 270, -90])
@pytest.mark.parametrize(
    "pixel_format",
    [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuvj420p",
        "yuv420p10le",
        "yuv422p10le",
        "yuv444p12le",
        "gbrp",
        "gray",
    ],
)
def test_pasting_the_sources_own_picture_changes_next_to_nothing(pixel_format: str, rotation: int) -> None:
    form = PictureFormat(101, 75, pixel_format, rotation=rotation)
    fit = canvas_for(form)
    frame = source_frame(form)
    before = copies(frame, form)
    after = copies(Paster(form, fit).frame(0, frame, lay(frame, form, fit)), form)
    for old, new in zip(before, after, strict=True):
        assert old.std() > 1
        assert psnr(old, new, form.bits) > 48


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pasting_the_sources_own_picture_changes_next_to_nothing_of_a_mirrored_film(rotation: int) -> None:
    form = PictureFormat(101, 75, "yuv420p", rotation=rotation, mirrored=True)
    fit = canvas_for(form)
    frame = source_frame(form)
    before = copies(frame, form)
    after = copies(Paster(form, fit).frame(0, frame, lay(frame, form, fit)), form)
    assert min(psnr(old, new, 8) for old, new in zip(before, after, strict=True)) > 48


def test_a_canvas_of_the_sources_size_loses_rounding_only() -> None:
    form = PictureFormat(128, 96, "yuv444p", 1, 1)
    fit = Fit(64, 64, 0, 8, 64, 48)
    frame = source_frame(form)
    before = copies(frame, form)
    after = copies(Paster(form, fit).frame(0, frame, lay(frame, form, fit)), form)
    assert max(np.abs(old - new).max() for old, new in zip(before, after, strict=True)) <= 1


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_canvas_shows_the_picture_upright(rotation: int, mirrored: bool) -> None:
    form = PictureFormat(96, 64, "yuv444p", 1, 1, rotation=rotation, mirrored=mirrored)
    frame = source_frame(form)
    luma = samples(frame, 0, form)
    luma[:] = 60
    luma[:16, :24] = 200  # the corner of the stored picture
    fit = canvas_for(form)
    upright = np.rot90(np.fliplr(luma) if mirrored else luma, rotation // 90)
    canvas = lay(frame, form, fit, 1)
    picture = canvas[fit.top : fit.top + fit.scaled_height, fit.left : fit.left + fit.scaled_width]
    corner = [picture[0, 0], picture[0, -1], picture[-1, 0], picture[-1, -1]]
    expected = [upright[0, 0], upright[0, -1], upright[-1, 0], upright[-1, -1]]
    assert [bool(c[1] > 150) for c in corner] == [bool(e > 150) for e in expected]


def test_the_canvas_repeats_the_edge_around_the_picture() -> None:
    form = PictureFormat(160, 64, "yuv420p")
    fit = Fit(64, 64, 0, 20, 64, 26)
    canvas = lay(source_frame(form, fit), form, fit)
    assert canvas.shape == (128, 128, 3)
    assert (canvas[:40] == canvas[40]).all()
    assert (canvas[92:] == canvas[91]).all()


def test_nothing_of_the_canvas_outside_the_picture_comes_back() -> None:
    form = PictureFormat(160, 64, "yuv420p")
    fit = Fit(64, 64, 0, 20, 64, 26)
    canvas = lay(source_frame(form, fit), form, fit)
    paster = Paster(form, fit)
    clean = copies(paster.frame(0, source_frame(form, fit), canvas), form)
    canvas[:40] = canvas[92:] = (255, 0, 255)
    dirty = copies(paster.frame(0, source_frame(form, fit), canvas), form)
    assert all(np.array_equal(a, b) for a, b in zip(clean, dirty, strict=True))


def test_time_tags_and_alpha_stay() -> None:
    form = PictureFormat(64, 48, "yuva420p", 2, 1)
    frame = source_frame(form)
    frame.color_primaries, frame.color_trc = 1, 13
    samples(frame, 3, form)[:] = 99
    pasted = Paster(form, canvas_for(form)).frame(0, frame, scene(*_canvas(form), seed=4))
    assert (pasted.pts, pasted.time_base) == (1001, Fraction(1, 24000))
    assert (pasted.colorspace, pasted.color_range) == (1, 2)
    assert (pasted.color_primaries, pasted.color_trc) == (1, 13)
    assert (samples(pasted, 3, form) == 99).all()


def _canvas(form: PictureFormat) -> tuple[int, int]:
    fit = canvas_for(form)
    return fit.width * 2, fit.height * 2


def test_a_frame_of_another_format_is_refused() -> None:
    form = PictureFormat(64, 48, "yuv420p")
    fit = canvas_for(form)
    canvas = scene(*_canvas(form))
    with pytest.raises(ValueError, match=r"\(64, 48, 'yuv444p'\); the source is \(64, 48, 'yuv420p'\)"):
        Paster(form, fit).frame(0, av.VideoFrame(64, 48, "yuv444p"), canvas)
    with pytest.raises(ValueError, match="the source is"):
        lay(av.VideoFrame(66, 48, "yuv420p"), form, fit)
    with pytest.raises(ValueError, match="the canvas is"):
        Paster(form, fit).frame(0, av.VideoFrame(64, 48, "yuv420p"), canvas[1:])


# --- faces ----------------------------------------------------------------------------------------

FACE = (FaceBox(10, 40, 20, 30, 36), FaceBox(20, 60, 24, 30, 36))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "yuv444p", "yuv411p", "gbrp"])
def test_outside_the_face_every_sample_stays(pixel_format: str, rotation: int, mirrored: bool) -> None:
    form = PictureFormat(161, 123, pixel_format, rotation=rotation, mirrored=mirrored)
    frame = source_frame(form)
    for plane, _, _ in form.planes():  # values that no conversion would give back
        view = samples(frame, plane, form)
        view[:] = np.random.default_rng(plane).integers(0, 2**form.bits, view.shape)
    before = copies(frame, form)
    paster = Paster(form, canvas_for(form), "face", [FACE])
    after = copies(paster.frame(15, frame, scene(*_canvas(form), seed=9)), form)
    differ = [old != new for old, new in zip(before, after, strict=True)]
    turned = [np.rot90(np.fliplr(old) if mirrored else old, rotation // 90) for old in differ]
    for (_, x, y), changed in zip(form.planes(), turned, strict=True):
        x, y = (x, y) if rotation % 180 == 0 else (y, x)
        rows, columns = np.nonzero(changed)
        # Midway the face is at 50 to 80, 22 to 58; with padding and feather it reaches this far, no farther.
        assert columns.min() * x + x >= 38
        assert columns.max() * x <= 92
        assert rows.min() * y + y >= 11
        assert rows.max() * y <= 76
        assert changed[24 // y : 56 // y, 52 // x : 78 // x].mean() > 0.8


def test_the_face_is_the_generated_one_inside_and_fades_without_a_step() -> None:
    form = PictureFormat(160, 120, "yuv444p", 1, 1)
    frame = source_frame(form)
    luma = samples(frame, 0, form)
    luma[:] = 50
    canvas = np.full((*_canvas(form)[::-1], 3), 255, np.uint8)
    after = copies(Paster(form, canvas_for(form), "face", [FACE]).frame(10, frame, canvas), form)[0]
    assert (after[25:50, 42:68] == 235).all()
    assert np.abs(np.diff(after, axis=0)).max() < 45
    assert np.abs(np.diff(after, axis=1)).max() < 45


def test_a_face_stays_before_its_first_and_after_its_last_box_and_moves_evenly_between() -> None:
    mask = FaceMask(PictureFormat(160, 120, "yuv420p"), [FACE])
    rows, columns = np.arange(120) + 0.5, np.arange(160) + 0.5
    lefts = [mask.plane(frame, rows, columns)[1].start for frame in (0, 10, 12, 14, 16, 18, 20, 99)]
    assert lefts[0] == lefts[1]
    assert lefts[-1] == lefts[-2]
    assert list(np.diff(lefts[1:-1])) == [4, 4, 4, 4, 4]


def test_two_faces_are_both_dubbed_and_what_lies_between_stays() -> None:
    form = PictureFormat(320, 120, "yuv444p", 1, 1)
    faces = [[FaceBox(0, 30, 30, 40, 40)], [FaceBox(0, 240, 30, 40, 40)]]
    frame = source_frame(form)
    before = copies(frame, form)[0]
    canvas = np.full((*_canvas(form)[::-1], 3), 255, np.uint8)
    after = copies(Paster(form, canvas_for(form), "face", faces).frame(0, frame, canvas), form)[0]
    assert (after[40:60, 40:60] == 235).all()
    assert (after[40:60, 250:270] == 235).all()
    assert np.array_equal(before[:, 90:220], after[:, 90:220])


def test_a_face_outside_the_picture_changes_nothing() -> None:
    form = PictureFormat(160, 120, "yuv420p")
    frame = source_frame(form)
    before = copies(frame, form)
    paster = Paster(form, canvas_for(form), "face", [[FaceBox(0, 500, 500, 40, 40)]])
    after = copies(paster.frame(0, frame, scene(*_canvas(form), seed=2)), form)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        ([], "at least one box"),
        ([[]], "at least one box"),
        ([FACE[::-1]], "not in the order"),
        ([FACE[:1] * 2], "order"),
    ],
)
def test_faces_without_boxes_or_order_are_refused(faces: list[list[FaceBox]], message: str) -> None:
    form = PictureFormat(160, 120, "yuv420p")
    with pytest.raises(ValueError, match=message):
        Paster(form, canvas_for(form), "face", faces)


# --- real clips -----------------------------------------------------------------------------------

REAL = {  # lowest PSNR in dB of luma and chroma after one way to the canvas and back
    "a_talk/en_jordi_10s.mp4": (53, 60),  # 1080x720, tagged BT.601 in an HD size
    "a_talk/en_office_6s_vfr.mp4": (60, 75),  # untagged
    "a_talk/ru_contracted_10s_1080x1920_hevc.mp4": (50, 75),
    "d_odd/made/en_10bit_hevc.mp4": (48, 56),
    "d_odd/made/en_rotate90.mp4": (47, 56),
    "d_odd/made/en_odd_541x361_444.mp4": (47, 54),
}


def decoded(path: Path, count: int) -> Iterator[tuple[av.VideoFrame, PictureFormat]]:
    require(path)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for number, frame in enumerate(container.decode(stream)):
            if number == count:
                return
            name = stream.codec_context.name
            yield frame, PictureFormat.of(frame, path, rotation=frame.rotation, codec=name)


@pytest.mark.parametrize("name", REAL)
def test_real_pictures_survive_the_way_to_the_canvas_and_back(name: str) -> None:
    frame, form = next(decoded(MEDIA / name, 1))
    fit = choose_size(*form.shown)
    before = copies(frame, form)
    after = copies(Paster(form, fit).frame(0, frame, lay(frame, form, fit)), form)
    losses = [psnr(old, new, form.bits) for old, new in zip(before, after, strict=True)]
    assert losses[0] > REAL[name][0]
    assert min(losses[1:]) > REAL[name][1]


def test_pasting_does_not_reach_the_frames_that_the_decoder_still_needs() -> None:
    path = MEDIA / "d_odd/made/en_2997.mp4"
    untouched = [copies(frame, form) for frame, form in decoded(path, 12)]
    for number, (frame, form) in enumerate(decoded(path, 12)):
        assert all(np.array_equal(a, b) for a, b in zip(untouched[number], copies(frame, form), strict=True))
        canvas = np.zeros((*_canvas(form)[::-1], 3), np.uint8)
        Paster(form, canvas_for(form)).frame(number, frame, canvas)


# --- matching -------------------------------------------------------------------------------------


def clip(seed: int, count: int = 3) -> list[Picture]:
    return [scene(128, 96, seed + number) for number in range(count)]


def test_pictures_that_match_are_left_alone() -> None:
    ours = clip(0)
    noisy = [
        np.clip(p + np.random.default_rng(1).integers(-1, 2, p.shape), 0, 255).astype(np.uint8) for p in ours
    ]
    match = ColourMatch.between(ours, noisy)
    assert match.identity
    assert match.apply(noisy[0]) is noisy[0]
    assert match == ColourMatch()


def test_a_cast_and_a_loss_of_contrast_are_taken_back() -> None:
    ours = clip(0)
    theirs = [np.clip(p * 0.88 + np.array([14, 2, 10]), 0, 255).astype(np.uint8) for p in ours]
    match = ColourMatch.between(ours, theirs)
    before = np.mean([np.abs(a.astype(float) - b).mean() for a, b in zip(ours, theirs, strict=True)])
    after = np.mean(
        [np.abs(match.apply(b).astype(float) - a).mean() for a, b in zip(ours, theirs, strict=True)]
    )
    assert before > 5
    assert after < 0.8
    assert match == ColourMatch.between(ours, theirs)


def test_a_mouth_that_speaks_other_words_does_not_count() -> None:
    ours, theirs = clip(0), clip(0)
    for picture in theirs:
        picture[60:90, 40:80] = (180, 20, 20)  # a tenth of the picture
    assert ColourMatch.between(ours, theirs).identity


def test_a_softer_picture_is_not_answered_with_contrast() -> None:
    import cv2

    grain = np.random.default_rng(0).normal(0, 25, (3, 192, 256, 1))
    ours = [np.clip(scene(256, 192, n) + grain[n], 0, 255).astype(np.uint8) for n in range(3)]
    soft = [np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8) for picture in ours]
    match = ColourMatch.between(ours, soft)
    assert np.linalg.svd(match.matrix)[1].max() < 1.03


def test_the_match_stays_within_its_bounds() -> None:
    ours = clip(0)
    match = ColourMatch.between(ours, [(picture // 4).astype(np.uint8) for picture in ours])
    gains = np.linalg.svd(match.matrix)[1]
    assert gains.max() <= GAIN_LIMIT + 1e-5
    assert gains.min() >= 1 / GAIN_LIMIT - 1e-5
    mean = np.mean(ours, axis=(0, 1, 2)) / 4
    matrix, offset = match.affine()
    assert np.abs(matrix @ mean + offset - mean).max() <= SHIFT_LIMIT + 1
    grey = [np.full((64, 64, 3), value, np.uint8) for value in (120, 110)]
    flat = ColourMatch.between(grey[:1], grey[1:])
    assert flat.matrix == ColourMatch().matrix
    assert flat.offset == (10, 10, 10)


def test_a_loss_of_colour_is_taken_back() -> None:
    ours = clip(0)
    theirs = [np.clip(p * 0.85 + p.mean(axis=2, keepdims=True) * 0.15, 0, 255).astype(np.uint8) for p in ours]
    match = ColourMatch.between(ours, theirs)
    assert (
        np.mean([np.abs(match.apply(b).astype(float) - a).mean() for a, b in zip(ours, theirs, strict=True)])
        < 0.8
    )


def test_a_paster_applies_the_match_of_its_clip() -> None:
    form = PictureFormat(101, 75, "yuv444p", 1, 1)
    fit = canvas_for(form)
    ours = lay(source_frame(form), form, fit)
    theirs = np.clip(ours * 0.9 + np.array([12, 0, 6]), 0, 255).astype(np.uint8)
    match = ColourMatch.between([ours], [theirs])
    wanted = copies(source_frame(form), form)
    plain = copies(Paster(form, fit).frame(0, source_frame(form), theirs), form)
    matched = copies(Paster(form, fit, match=match).frame(0, source_frame(form), theirs), form)
    assert psnr(wanted[0], matched[0], 8) > psnr(wanted[0], plain[0], 8) + 10


def test_colours_are_not_matched_without_equal_frames() -> None:
    with pytest.raises(ValueError, match="without frames"):
        ColourMatch.between([], [])
    with pytest.raises(ValueError, match="shorter"):
        ColourMatch.between(clip(0), clip(0, 2))
    with pytest.raises(ValueError, match=r"Frame 0 .* differ in size"):
        ColourMatch.between([scene(64, 64)], [scene(128, 64)])
