"""The generator's canvas: the whole picture, its own aspect, sides that the network takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.dubbing.planning.sizes import (
    DEFAULT_PIXELS,
    LONGEST_SIDE,
    Rect,
    check_fit,
    choose_size,
    max_frames_for,
    picture_rect,
    pixels_for,
)
from dubkit.errors import SettingError
from dubkit.types import Fit

SIDES = st.integers(1, 8192)


@settings(deadline=None)
@given(SIDES, SIDES, st.integers(1024, 2 * DEFAULT_PIXELS))
def test_every_picture_gets_a_canvas_that_holds_all_of_it(width: int, height: int, pixels: int) -> None:
    fit = choose_size(width, height, pixels=pixels)
    check_fit(fit)
    assert fit.width * fit.height <= pixels
    assert max(fit.width, fit.height) <= LONGEST_SIDE
    # The picture meets two opposite sides of the canvas, and the other length is its own, rounded.
    across = fit.scaled_width - fit.scaled_height * width / height
    down = fit.scaled_height - fit.scaled_width * height / width
    meets_width = fit.scaled_width == fit.width and (abs(down) <= 0.5 or fit.scaled_height == 1)
    meets_height = fit.scaled_height == fit.height and (abs(across) <= 0.5 or fit.scaled_width == 1)
    assert meets_width or meets_height


@settings(deadline=None)
@given(SIDES, SIDES)
def test_forward_and_back_meet_at_both_stages(across: int, down: int) -> None:
    fit = choose_size(across, down)
    for stage in (1, 2):
        width, height = fit.width * stage, fit.height * stage
        assert (width % (32 * stage), height % (32 * stage)) == (0, 0)
        rect = picture_rect(fit, stage)
        right, below = width - rect.left - rect.width, height - rect.top - rect.height
        assert min(rect.left, right, rect.top, below) >= 0
        assert abs(rect.left - right) <= stage
        assert abs(rect.top - below) <= stage


@pytest.mark.parametrize(
    ("source", "canvas", "scaled"),
    [
        ((1920, 1080), (800, 448), (796, 448)),
        ((3840, 2160), (800, 448), (796, 448)),
        ((1080, 1920), (448, 800), (448, 796)),
        ((1920, 804), (928, 384), (917, 384)),
        ((640, 480), (672, 512), (672, 504)),
        ((768, 512), (768, 512), (768, 512)),
        ((64, 36), (800, 448), (796, 448)),
        ((1, 1), (608, 608), (608, 608)),
        ((10000, 10), (1024, 32), (1024, 1)),
    ],
)
def test_usual_and_odd_pictures(
    source: tuple[int, int], canvas: tuple[int, int], scaled: tuple[int, int]
) -> None:
    fit = choose_size(*source)
    assert (fit.width, fit.height) == canvas
    assert (fit.scaled_width, fit.scaled_height) == scaled


def test_a_usual_picture_loses_nothing_and_is_hardly_padded() -> None:
    # 512 x 768 with a centre crop would lose 15.6 % of the width of a 16:9 picture.
    for width, height in ((1920, 1080), (1440, 1080), (1998, 1080), (2048, 858), (1080, 1920), (720, 576)):
        fit = choose_size(width, height)
        assert fit.scaled_width * fit.scaled_height >= 0.98 * fit.width * fit.height
        assert fit.scaled_width * fit.scaled_height >= 0.8 * DEFAULT_PIXELS
        assert fit.scaled_width / fit.scaled_height == pytest.approx(width / height, rel=0.002)


def test_a_side_of_432_pixels_is_never_chosen_and_refused() -> None:
    assert choose_size(768, 432).height == 448
    with pytest.raises(ValueError, match="height is a multiple of 32, not 432; 448 is the nearest"):
        check_fit(Fit(768, 432, 0, 0, 768, 432))


def test_the_inverse_rectangle_doubles_at_stage_2() -> None:
    fit = choose_size(1920, 1080)
    assert picture_rect(fit, 1) == Rect(2, 0, 796, 448)
    assert picture_rect(fit, 2) == Rect(4, 0, 1592, 896)


@pytest.mark.parametrize(
    "change",
    [{"width": 0}, {"width": -32}, {"left": -1}, {"left": 5}, {"scaled_height": 0}, {"top": 1}],
)
def test_a_broken_fit_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"canvas"):
        check_fit(replace(choose_size(1920, 1080), **change))


@pytest.mark.parametrize(("size", "words"), [((0, 10), "0x10"), ((10, -1), "10x-1")])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        choose_size(*size)


def test_a_budget_below_one_latent_is_refused() -> None:
    with pytest.raises(ValueError, match="1024 pixels, not 1023"):
        choose_size(16, 9, pixels=1023)


def test_the_size_setting_is_an_area() -> None:
    assert pixels_for(512) == DEFAULT_PIXELS
    fit = choose_size(1920, 1080, pixels=pixels_for(64))
    assert (fit.width, fit.height) == (96, 64)
    for size in (31, 1025):
        with pytest.raises(SettingError, match=r"dub\.size"):
            pixels_for(size)


@pytest.mark.parametrize(
    ("gigabytes", "size", "frames"),
    [(24, (768, 512), 201), (25.3, (768, 512), 201), (23.5, (768, 512), 201), (141, (768, 512), 257),
     (8, (768, 512), 9), (6, (768, 512), 0), (24, (1536, 1024), 41), (80, (1536, 1024), 209)],
)  # fmt: skip
def test_the_longest_clip_follows_the_memory_of_the_card(
    gigabytes: float, size: tuple[int, int], frames: int
) -> None:
    assert max_frames_for(int(gigabytes * 1e9), *size) == frames
    assert frames == 0 or frames % 8 == 1
