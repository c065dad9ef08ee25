"""Storyboards: what they may say, and where a mistake is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dubkit.formats.toml_lines import field_lines
from dubkit.storyboard.reading import StoryboardUnfit, read_storyboard

BOARD = '''\
title = "The pier"
rate = "24000/1001"
style = """
Film grain,
frames = 3 are text here
"""

[elements.ana]
trigger = ["Ana", "the woman"]
look = "a woman of thirty"
still = "ana.png"

[[scenes]]
setting = "A pier at dawn."

[[scenes.shots]]
prompt = "Ana walks."
frames = 25

[[scenes.shots]]
prompt = "She stops."
seconds = 2

[[scenes]]
name = "inside"

[[scenes.shots]]
name = "door"
prompt = "A door opens."
'''


def written(folder: Path, text: str = BOARD) -> Path:
    path = folder / "storyboard.toml"
    path.write_text(text, "utf-8")
    (folder / "ana.png").write_bytes(b"png")
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(StoryboardUnfit) as caught:
        read_storyboard(written(folder, text))
    return str(caught.value)


def test_a_storyboard_is_read(tmp_path: Path) -> None:
    board = read_storyboard(written(tmp_path))
    assert board.exact_rate == Fraction(24000, 1001)
    assert [scene.name for scene in board.scenes] == [None, "inside"]
    first, second = board.scenes[0].shots
    assert board.frames_of(first) == 25
    assert board.frames_of(second) == 49  # 2 s are 47.95 frames; the nearest 8n+1
    assert board.frames_of(board.scenes[1].shots[0]) == 121
    assert board.elements["ana"].triggers == ("Ana", "the woman")
    assert board.folder == tmp_path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("frames = 25", "frames = 24", "line 18, scenes[1].shots[1].frames: 24 is not 8n+1; try 25"),
        ("frames = 25", "frames = 29", "line 18, scenes[1].shots[1].frames: 29 is not 8n+1; try 33"),
        ("frames = 25", 'frames = "many"', "line 18, scenes[1].shots[1].frames: expected `int | null`, got"),
        ("seconds = 2", "second = 2", "line 22, scenes[1].shots[2].second: there is no such field"),
        ("seconds = 2", "seconds = 2\nframes = 9", "line 22, scenes[1].shots[2].seconds: the shot has"),
        ('prompt = "She stops."', "", "line 20, scenes[1].shots[2].prompt: it is missing"),
        ('"She stops."', '"  "', "line 21, scenes[1].shots[2].prompt: it is empty"),
        ('name = "inside"', 'name = "In side"', "line 25, scenes[2].name: a name has lower-case letters"),
        ('name = "inside"', 'name = "1"', "line 25, scenes[2].name: '1' is the name of another one"),
        ("[[scenes.shots]]\nname", "x = 1\n[[scenes.shots]]\nname", "line 27, scenes[2].x: there is no such"),
        ('"ana.png"', '"eva.png"', "line 11, elements.ana.still: there is no picture 'eva.png'"),
        ('"the woman"]', '"Ana "]', "line 9, elements.ana.trigger: 'Ana' means another element, too"),
        ('"24000/1001"', '"fast"', "line 2, rate: 'fast' is no frame rate"),
        ('title = "The pier"', "height = 500", "line 1, height: 500 is no multiple of 32; try 512"),
        ('title = "The pier"', "loras = 'x.safetensors:2'", "line 1, loras: there is no file"),
        ('title = "The pier"', 'folder = "/etc"', "line 1, folder: there is no such field"),
        ("[[scenes]]\nname", "[[scenes]\nname", "line 24, column"),
        ('"A door opens."', '"A door opens.', "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_line_and_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert BOARD.count(old) >= 1
    assert said in refused(tmp_path, BOARD.replace(old, new, 1))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    told = refused(tmp_path, BOARD.replace("frames = 25", "frames = 24").replace('"ana.png"', '"eva.png"'))
    assert [line.split(",")[1].strip() for line in told.splitlines()] == ["line 11", "line 18"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "scenes: it is missing"), ("scenes = []", "there is no scene")]
)
def test_an_empty_film_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.toml", tmp_path):
        with pytest.raises(StoryboardUnfit, match="Give the path of a TOML file"):
            read_storyboard(path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(StoryboardUnfit, match="not UTF-8"):
        read_storyboard(tmp_path / "bytes.toml")


def test_lines_inside_long_texts_are_no_fields() -> None:
    lines = field_lines(BOARD)
    assert lines[("style",)] == 3
    assert ("frames",) not in lines
    assert lines[("scenes", 1, "shots", 0, "name")] == 28
