"""Frames that cannot be decoded keep their numbers, and are named once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.media.files.probe import probe
from dubkit.media.picture.settings import ShotDetection
from dubkit.media.picture.shots import find_shots
from dubkit.types import Remark
from tests.support.clips import write_film


def said(path: Path) -> list[Remark]:
    remarks: list[Remark] = []
    find_shots(path, probe(path), ShotDetection(), remarks.append)
    return remarks


@pytest.mark.parametrize("kind", ["zeroed", "turned over"])
def test_a_damaged_picture_is_named_with_its_place(kind: str, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", 75)
    assert said(film) == []
    content = bytearray(film.read_bytes())
    start = content.index(b"mdat") + len(content) // 3
    for place in range(start, start + 2000, 1 if kind == "zeroed" else 97):
        content[place] = 0 if kind == "zeroed" else content[place] ^ 0xFF
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(content)
    (remark,) = said(damaged)
    assert remark.code == "source-damaged"
    assert " of 75 frames of the picture are damaged, the first of them about " in remark.sentence
    assert 0 < float(remark.place.split()[0]) < 3
