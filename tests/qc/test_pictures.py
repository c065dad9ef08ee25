"""Checks of generated pictures: what each flags, what it leaves alone, and what it is not asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubkit.qc.check import CHECKS
from dubkit.qc.checks.faces import LEAST_HEIGHT, frozen_seconds
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.measures import line_qc
from dubkit.qc.pictures.letters import appeared
from dubkit.qc.pictures.looks import FaceLook, LinePictures
from dubkit.qc.pictures.seams import cells, seam
from tests.support.tones import RATE, quiet, tone

FACES = {"face-lost", "face-frozen", "face-changed", "face-soft", "mouth-still", "mouth-busy"}
KINDS = FACES | {"letters", "colour-seam"}


def looks(count: int = 20, **given: Any) -> tuple[FaceLook, ...]:
    """Looks at a face that talks, ten a second, as a good dub shows it."""
    good = [
        FaceLook(
            time=number / 10,
            found=True,
            height=120,
            likeness=0.95,
            opening=0.1 + 0.15 * (number % 3),
            source_opening=0.1 + 0.1 * (number % 3),
            change=3.0 if number else None,
            source_change=3.0 if number else None,
        )
        for number in range(count)
    ]
    return tuple(replace(look, **given) for look in good)


def flags(pictures: LinePictures | None, letters: float | None = None, speech: Any = None) -> set[str]:
    line = LineEvidence(
        "s1", "Oi", "pt", None, 0.0, 0.0, tone(2.0) if speech is None else speech, RATE,
        pictures=pictures, letters=letters,
    )  # fmt: skip
    return set(line_qc(line, switched(on=True)).flags) & KINDS


def switched(*, on: bool) -> dict[str, Any]:
    """The settings of every check of pictures, all on or all off."""
    return {name: CHECKS.records[name].settings(on=on) for name in KINDS}  # type: ignore[misc]


def test_kinds_that_were_not_found_well_enough_are_off() -> None:
    off = {name for name in KINDS if not CHECKS.records[name].settings().on}  # type: ignore[misc]
    assert off == {"face-frozen", "mouth-still", "mouth-busy"}


def test_a_good_face_has_no_flag() -> None:
    assert flags(LinePictures(looks(), seam=0.4), letters=0.0) == set()


def test_without_generated_pictures_no_check_of_pictures_is_asked() -> None:
    line = LineEvidence("s1", "Oi", "pt", None, 0.0, 0.0, tone(2.0), RATE)
    assert not KINDS & set(line_qc(line).measures or {})


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        (lambda seen: [replace(look, found=look.time > 1.0) for look in seen], "face-lost"),
        (lambda seen: [replace(look, likeness=0.4) for look in seen], "face-changed"),
        (lambda seen: [replace(look, sharpness=0.3) for look in seen], "face-soft"),
        (lambda seen: [replace(look, opening=0.1) for look in seen], "mouth-still"),
    ],
)
def test_a_fault_of_the_face_is_flagged(change: Callable[[Any], list[FaceLook]], flag: str) -> None:
    assert flags(LinePictures(tuple(change(looks())))) == {flag}


def test_a_face_that_stands_still_while_the_source_moves_is_frozen() -> None:
    still = [replace(look, change=0.1) if 0.5 <= look.time <= 1.5 else look for look in looks()]
    assert frozen_seconds(still) == pytest.approx(1.1)
    assert "face-frozen" in flags(LinePictures(tuple(still)))


def test_a_face_that_is_as_still_as_the_source_is_not_frozen() -> None:
    assert frozen_seconds([replace(look, change=0.1, source_change=0.1) for look in looks()]) == 0


def test_a_mouth_that_moves_in_silence_is_flagged_and_one_that_rests_is_not() -> None:
    speech = np.concatenate([tone(0.8), quiet(1.2)])
    assert "mouth-busy" in flags(LinePictures(looks()), speech=speech)
    rests = tuple(replace(look, opening=0.1) if look.time > 0.7 else look for look in looks())
    assert "mouth-busy" not in flags(LinePictures(rests), speech=speech)


def test_few_looks_and_small_faces_say_nothing() -> None:
    bad: dict[str, Any] = {"likeness": 0.1, "sharpness": 0.1, "opening": 0.1, "found": True}
    assert flags(LinePictures(looks(3, **bad))) == set()
    assert flags(LinePictures(looks(20, **bad, height=LEAST_HEIGHT - 1))) == set()


def test_letters_and_seams_are_flagged_above_their_limits() -> None:
    assert flags(LinePictures((), seam=6.0), letters=0.05) == {"letters", "colour-seam"}
    assert flags(LinePictures((), seam=None), letters=None) == set()


@pytest.mark.parametrize("flag", sorted(KINDS))
def test_a_check_can_be_switched_off(flag: str) -> None:
    bad = tuple(
        replace(look, found=look.time > 1.0, likeness=0.2, sharpness=0.2, opening=0.1, change=0.1)
        for look in looks()
    )
    check = CHECKS.records[flag]
    assert check.settings is not None
    line = LineEvidence(
        "s1", "Oi", "pt", None, 0.0, 0.0, tone(2.0), RATE,
        pictures=LinePictures(bad, seam=9.0), letters=0.1,
    )  # fmt: skip
    off = switched(on=True) | {flag: switched(on=False)[flag]}
    assert flag not in line_qc(line, off).flags
    assert KINDS - {flag, "mouth-busy"} <= set(line_qc(line, off).flags) | {"face-frozen"}


class Piece:
    def __init__(self, left: float, top: float, width: float, height: float) -> None:
        self.left, self.top, self.width, self.height = left, top, width, height


def test_writing_of_the_source_and_squares_are_no_letters_that_appear() -> None:
    sign, face, new = Piece(0.1, 0.1, 0.3, 0.05), Piece(0.5, 0.4, 0.1, 0.1), Piece(0.2, 0.8, 0.4, 0.06)
    shape = (100, 100, 3)
    assert appeared([sign], [sign, face], shape) == 0
    assert appeared([sign], [sign, face, new], shape) == 0.06


def test_a_seam_is_what_jumps_in_the_dub_alone() -> None:
    random = np.random.default_rng(1)
    before = random.integers(40, 200, (90, 160, 3)).astype(np.uint8)
    cut = random.integers(40, 200, (90, 160, 3)).astype(np.uint8)  # the source itself cuts to another shot
    brighter = np.clip(cut * 1.15, 0, 255).astype(np.uint8)
    moved = cut.copy()
    moved[20:50, 40:80] = 30  # a fifth of the picture has other content
    same = seam((cells(before), cells(before)), (cells(cut), cells(cut)))
    assert same == 0
    assert seam((cells(before), cells(before)), (cells(cut), cells(brighter))) > 4
    assert seam((cells(before), cells(before)), (cells(cut), cells(moved))) < 1
    # A dub that is graded otherwise as a whole has no seam.
    all_brighter = np.clip(before * 1.15, 0, 255).astype(np.uint8)
    assert seam((cells(before), cells(all_brighter)), (cells(cut), cells(brighter))) < 1.5


def test_writing_is_found_by_the_packaged_network() -> None:
    import cv2

    from dubkit.media.picture.text_finder import TEXT_FINDER, TextFinder
    from dubkit.models.packaged import model_folder

    assert TEXT_FINDER.in_package is not None
    folder = model_folder(TEXT_FINDER.in_package)
    if folder is None:
        pytest.skip("rapidocr-onnxruntime is not installed")
    finder = TextFinder(folder / TEXT_FINDER.main)
    picture = np.full((180, 320, 3), 90, np.uint8)
    assert finder.find(picture) == []
    cv2.putText(picture, "Hello there", (40, 150), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    found = finder.find(picture)
    assert len(found) >= 1
    assert appeared([], found, picture.shape) == pytest.approx(24 / 180, abs=0.05)
    assert appeared(found, found, picture.shape) == 0


def test_the_package_of_the_network_is_never_imported() -> None:
    from dubkit.media.picture import text_finder

    assert "import rapidocr" not in Path(text_finder.__file__).read_text("utf-8")
