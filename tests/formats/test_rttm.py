"""Turns as RTTM and CSV: what is written is read back, and errors name the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.errors import MediaError
from dubkit.formats.content import Heading
from dubkit.formats.reading import read_turns
from dubkit.formats.rttm import write_rttm
from dubkit.types import Turn
from tests.support.paths import MEDIA, require


def test_turns_survive_rttm(tmp_path: Path) -> None:
    turns = (Turn(0.5, 2.25, "spk1"), Turn(2.0, 3.125, "MÉO069"))
    path = tmp_path / "turns.rttm"
    path.write_bytes(write_rttm(turns, Heading("día 1")))
    assert read_turns(path) == turns


def test_rttm_names_never_hold_blanks() -> None:
    line = write_rttm([Turn(0, 1, "The old\tman")], Heading("my  film №1")).decode().split()
    assert len(line) == 10
    assert line[1] == "my_film_№1"
    assert line[7] == "The_old_man"


def test_published_rttm_is_read() -> None:
    path = require(MEDIA / "b_dialog" / "ami_trñ00_3spk.rttm")
    turns = read_turns(path)
    assert {turn.speaker for turn in turns} == {"MÉO069", "MEE067", "MEE068"}
    assert [turn.start for turn in turns] == sorted(turn.start for turn in turns)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SPEAKER a 1 0.0 1.0 <NA> <NA> x <NA> <NA>\nSPEAKER a 1 zero 1.0 <NA> <NA> x\n",
            "line 2: start is 'zero'",
        ),
        ("SPEAKER a 1 0.0\n", "line 1: 4 fields"),
        ("SPEAKER a 1 nan 1.0 <NA> <NA> x\n", "line 1: start is 'nan'"),
        ("SPEAKER a 1 1.0 -1.0 <NA> <NA> x\n", "duration is '-1.0'"),
        ("SPKR-INFO a 1\n", "no SPEAKER line"),
    ],
)
def test_broken_rttm_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.rttm"
    path.write_text(text)
    with pytest.raises(MediaError) as error:
        read_turns(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_unreadable_files_say_why(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        read_turns(tmp_path / "absent.rttm")
    (tmp_path / "latin.rttm").write_bytes(b"SPEAKER caf\xe9 \x81\x8d")
    with pytest.raises(MediaError, match="not UTF-8"):
        read_turns(tmp_path / "latin.rttm")


def test_csv_takes_seconds_and_clock_times(tmp_path: Path) -> None:
    path = tmp_path / "turns.csv"
    path.write_text("\ufeffSpeaker;Start;End\nThe man;0:01:02,5;1:03\nx;1.5;2\n", encoding="utf-8")
    assert read_turns(path) == (Turn(1.5, 2.0, "x"), Turn(62.5, 63.0, "The_man"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start,speaker\n1,x\n", "line 1: no column end"),
        ("", "no column start, end, speaker"),
        ("start,end,speaker\n1,2,x\n3,2,x\n", "line 3: the turn ends at 2 s"),
        ("start,end,speaker\n1,2,\n", "line 2: no speaker"),
        ("start,end,speaker\n1\n", "line 2: end is ''"),
    ],
)
def test_broken_csv_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "turns.csv"
    path.write_text(text)
    with pytest.raises(MediaError) as error:
        read_turns(path)
    assert message in str(error.value)
