"""What readers and writers answer: every cue, turn and row is checked in one place."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubkit.errors import MediaError
from dubkit.formats.content import Cue, TableRow
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, Format
from dubkit.formats.reading import cues_of, read_turns, rows_of
from dubkit.types import Turn
from tests.support.paths import ROOT
from tests.test_layers import sources, tree_of

FILE = Document(Path("said.odd"), b"")


def odd(answer: Any) -> Format:
    """Return a format whose readers answer with something."""
    return Format(
        name="odd",
        title="Odd",
        suffixes=(".odd",),
        media_type="text/plain",
        read_cues=lambda _: answer,
        read_turns=lambda _: answer,
        read_rows=lambda _: answer,
    )


@pytest.mark.parametrize(
    ("cue", "problem"),
    [
        (Cue(3.0, 1.0, "Olá."), r"it runs from 3\.0 to 1\.0"),
        (Cue(-1.0, 1.0, "Olá."), r"it runs from -1\.0 to 1\.0"),
        (Cue(float("nan"), 1.0, "Olá."), r"it runs from nan to 1\.0"),
        (Cue(0.0, float("inf"), "Olá."), r"it runs from 0\.0 to inf"),
        (Cue(0, 10**400, "Olá."), r"it runs from 0 to 1000"),
        (Cue("0", 1.0, "Olá."), r"it runs from '0' to 1\.0"),  # type: ignore[arg-type]
        (Cue(False, True, "Olá."), r"it runs from False to True"),
        (Cue(0.0, 1.0, None), r"its text is None, not a text"),  # type: ignore[arg-type]
        (Cue(0.0, 1.0, "Olá.", None), r"its speaker is None, not a text"),  # type: ignore[arg-type]
        (None, r"None is not a Cue"),
        ("Olá.", r"'Olá\.' is not a Cue"),
        (Turn(0.0, 1.0, "ana"), r"Turn.* is not a Cue"),
    ],
)
def test_an_impossible_cue_is_refused_by_number(cue: Any, problem: str) -> None:
    with pytest.raises(MediaError, match=rf"said\.odd: read as odd, cue 2: {problem}"):
        cues_of(FILE, odd([Cue(0.0, 1.0, "Sim."), cue]))


@pytest.mark.parametrize("answer", [None, "Olá.", iter(())])
def test_what_is_no_list_is_refused(answer: Any) -> None:
    with pytest.raises(MediaError, match=r"read as odd: its reader returned .*, not a list of cues"):
        cues_of(FILE, odd(answer))


def test_numbers_of_numpy_become_plain() -> None:
    (cue,) = cues_of(FILE, odd((Cue(np.float32(0.5), np.int64(2), np.str_("Olá.")),)))  # type: ignore[arg-type]
    assert cue == Cue(0.5, 2.0, "Olá.")
    assert [type(value) for value in (cue.start, cue.end, cue.text)] == [float, float, str]


def test_turns_and_rows_are_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "said.odd"
    file.touch()
    monkeypatch.setitem(FORMATS.records, "odd", odd([Turn(2.0, 1.0, "ana")]))
    with pytest.raises(MediaError, match=r"read as odd, turn 1: it runs from 2\.0 to 1\.0"):
        read_turns(file)
    monkeypatch.setitem(FORMATS.records, "odd", odd([Turn(np.float64(1), 2, "ana")]))
    assert read_turns(file) == (Turn(1.0, 2.0, "ana"),)
    for row in (None, TableRow("row 2", {"text": 1}), TableRow("row 2", None)):  # type: ignore[dict-item, arg-type]
        with pytest.raises(
            MediaError, match=r"read as odd, row 1: .* is not a TableRow whose cells are texts"
        ):
            rows_of(FILE, odd([row]))


def test_no_reader_or_writer_is_called_anywhere_else() -> None:
    """Fail where a function of a record is called beside the check of what it answers."""
    functions = {
        f"{verb}_{content}"
        for verb in ("read", "write")
        for content in ("cues", "turns", "rows", "script", "timeline")
    }
    places = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in functions
    }
    assert places == {"dubkit/formats/reading.py"}
