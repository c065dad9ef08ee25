"""The benchmark of word times: what it takes from references, and how it counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.aligner import _pieces
from benchmarks.word_times import longest_silence, main, over_pauses, references
from dubkit.speech.sounding import Sounding
from dubkit.types import Word

HEARD = [Word(0.5, 0.8, " Set"), Word(0.8, 1.2, " white"), Word(1.2, 1.6, " P2"), Word(1.6, 2.3, " soon.")]
PLACED = [Word(0.5, 0.8, " Set"), Word(0.8, 1.2, " white"), Word(1.25, 1.6, " P2"), Word(1.7, 2.2, " soon.")]


def test_words_of_an_alignment_are_found_by_their_text(tmp_path: Path) -> None:
    rows = (
        "0 12250 sil\n12250 20000 set\n20000 30000 white\n31250 36000 p\n36000 42500 two\n42500 55000 soon\n"
    )
    (tmp_path / "grid.align").write_text(rows, "utf-8")
    points = list(references(tmp_path / "grid.mpg", HEARD, PLACED))
    assert [point[1:] for point in points] == [
        (0.49, 0.5, 0.5), (0.8, 0.8, 0.8), (1.25, 1.2, 1.25), (1.7, 1.6, 1.7),
    ]  # fmt: skip


def test_turns_give_the_start_of_the_first_word_and_the_end_of_the_last(tmp_path: Path) -> None:
    turns = [{"start": 0.55, "end": 2.19}, {"start": 9.0, "end": 9.5}]
    (tmp_path / "talk.turns.json").write_text(json.dumps({"turns": turns}), "utf-8")
    assert list(references(tmp_path / "talk.mp4", HEARD, PLACED)) == [
        ("starts of sentences", 0.55, 0.5, 0.5),
        ("ends of sentences", 2.19, 2.3, 2.2),
    ]


def test_a_turn_into_which_somebody_speaks_is_no_reference(tmp_path: Path) -> None:
    rows = ((0.5, 1.0, "a"), (1.1, 1.0, "b"), (9.0, 1.0, "a"))
    text = "".join(f"SPEAKER x 1 {start} {long} <NA> <NA> {who} <NA> <NA>\n" for start, long, who in rows)
    (tmp_path / "talk.rttm").write_text(text, "utf-8")
    assert [point[1] for point in references(tmp_path / "talk.wav", HEARD, PLACED)] == [0.5]


def test_a_word_over_a_pause_is_counted() -> None:
    speech = np.ones(300, dtype=np.bool_)
    speech[100:130] = False
    sound = Sounding(speech, speech.astype(np.float64))
    assert longest_silence(Word(0.9, 1.5, " so"), sound) == pytest.approx(0.3)
    assert over_pauses([Word(0.0, 1.0, " so"), Word(0.9, 1.5, " far"), Word(1.2, 1.35, " on")], sound) == 1


def test_sound_is_cut_for_aligning_where_nobody_speaks() -> None:
    words = [Word(0, 1, " a"), Word(1.1, 2, " b"), Word(3, 4, " c")]
    assert _pieces(words) == [(0, 1), (2, 2)]
    assert _pieces([]) == []


def test_a_folder_without_clips_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="no clip"):
        main(tmp_path, None)
