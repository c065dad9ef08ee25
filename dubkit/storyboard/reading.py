"""Read `storyboard.toml`: every mistake is named with its line and field."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dubkit.dubbing.loras import read_loras
from dubkit.errors import DubkitError, SettingError
from dubkit.formats.toml_lines import Path as Field
from dubkit.formats.toml_lines import field_lines, line_of
from dubkit.storyboard.board import Storyboard

LARGEST = 1 << 20
"""Bytes of a storyboard."""
GRID = 32


class StoryboardUnfit(DubkitError):
    """A storyboard cannot be used as it is; the message names file, line and field."""


def read_storyboard(path: Path, *, files: bool = True) -> Storyboard:
    """Read and check a storyboard. Raises StoryboardUnfit, with all mistakes of the file.

    With `files` the stills and LoRAs that it names must be there.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise StoryboardUnfit(f"{path} is larger than 1 MiB, so it is no storyboard.")
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise StoryboardUnfit(f"There is no storyboard at {path}.\nGive the path of a TOML file.") from None
    except IsADirectoryError:
        raise StoryboardUnfit(f"{path} is a folder.\nGive the path of a TOML file.") from None
    except UnicodeDecodeError as error:
        raise StoryboardUnfit(f"{path} is not UTF-8 ({error}).\nSave it as UTF-8.") from None
    except OSError as error:
        raise StoryboardUnfit(f"{path} cannot be read: {error.strerror}.") from error
    return parse_storyboard(text, str(path), path.parent, files=files)


def parse_storyboard(text: str, name: str, folder: Path, *, files: bool = True) -> Storyboard:
    """Read a storyboard from its text; `name` stands in messages, `folder` is where its files lie."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StoryboardUnfit(f"{name}: {_syntax(str(error))}") from None
    lines = field_lines(text)
    if "folder" in values:
        raise StoryboardUnfit(_told(name, lines, [(("folder",), "there is no such field")]))
    try:
        board = msgspec.structs.replace(msgspec.convert(values, Storyboard), folder=folder)
    except msgspec.ValidationError as error:
        raise StoryboardUnfit(_told(name, lines, [_misfit(str(error))])) from None
    mistakes = [*_mistakes(board), *(_missing(board) if files else ())]
    if mistakes:
        raise StoryboardUnfit(_told(name, lines, mistakes))
    return board


def _told(name: str, lines: dict[Field, int], mistakes: list[tuple[Field, str]]) -> str:
    rows = sorted((line_of(field, lines), _named(field), said) for field, said in mistakes)
    return "\n".join(f"{name}, line {line}{field}: {said}." for line, field, said in rows)


def _named(field: Field) -> str:
    """Return a field in words: `, scenes[1].shots[2].frames`, counted from 1."""
    shown = ""
    for part in field:
        shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if shown else part
    return f", {shown}" if shown else ""


def _syntax(said: str) -> str:
    place = re.search(r"\(at (?:line (\d+), column (\d+)|end of document)\)", said)
    plain = said.partition(" (at")[0]
    if place is None or place[1] is None:
        return f"{plain} at its end."
    return f"line {place[1]}, column {place[2]}: not valid TOML: {plain}."


def _misfit(said: str) -> tuple[Field, str]:
    """Return field and sentence of an error of the data library."""
    plain, _, place = said.partition(" - at `$")
    field: Field = tuple(
        int(part[1:-1]) if part.startswith("[") else part
        for part in re.findall(r"\[\d+\]|[^.\[\]`]+", place)
        if part != "[...]"
    )
    named = re.search(r"(unknown|missing required) field `([^`]+)`", plain)
    if named is not None:
        unknown = named[1] == "unknown"
        field = (*field, named[2])
        return field, "there is no such field" if unknown else "it is missing"
    if "matching regex" in plain:
        plain = "a name has lower-case letters, digits, - and _, at most 40"
    return field, plain[:1].lower() + plain[1:]


def _mistakes(board: Storyboard) -> Iterator[tuple[Field, str]]:
    """Yield what does not fit together, with its field."""
    for side in ("height", "width"):
        value = getattr(board, side)
        if value % GRID:
            yield (side,), f"{value} is no multiple of {GRID}; try {max(1, round(value / GRID)) * GRID}"
    try:
        _ = board.exact_rate
    except (ValueError, ZeroDivisionError):
        yield ("rate",), f'{board.rate!r} is no frame rate; write 24, 23.976 or "24000/1001"'
    yield from _uneven(("frames",), board.frames)
    if not board.scenes:
        yield ("scenes",), "there is no scene"
    yield from _doubled(("scenes",), [scene.name for scene in board.scenes])
    triggers = Counter(t.casefold() for element in board.elements.values() for t in element.triggers)
    for name, element in board.elements.items():
        at = ("elements", name, "trigger")
        if not element.triggers:
            yield at, "it has no word"
        for trigger in element.triggers:
            if triggers[trigger.casefold()] > 1:
                yield at, f"{trigger!r} means another element, too"
    for number, scene in enumerate(board.scenes):
        at_scene: Field = ("scenes", number)
        if not scene.shots:
            yield (*at_scene, "shots"), "the scene has no shot"
        yield from _doubled((*at_scene, "shots"), [shot.name for shot in scene.shots])
        for place, shot in enumerate(scene.shots):
            at_shot: Field = (*at_scene, "shots", place)
            if not shot.prompt.strip():
                yield (*at_shot, "prompt"), "it is empty"
            if shot.frames is not None:
                yield from _uneven((*at_shot, "frames"), shot.frames)
            if shot.frames is not None and shot.seconds is not None:
                yield (*at_shot, "seconds"), "the shot has frames, too; leave one of them out"


def _uneven(field: Field, frames: int) -> Iterator[tuple[Field, str]]:
    if frames % 8 != 1:
        below = (frames - 1) // 8 * 8 + 1
        yield field, f"{frames} is not 8n+1; try {below if frames - below < 4 else below + 8}"


def _doubled(field: Field, names: list[str | None]) -> Iterator[tuple[Field, str]]:
    """Yield names that are there twice; a number stands for who has none."""
    full = [name or str(number) for number, name in enumerate(names, 1)]
    for number, name in enumerate(full):
        if name in full[:number]:
            yield (*field, number, "name"), f"{name!r} is the name of another one, too"


def _missing(board: Storyboard) -> Iterator[tuple[Field, str]]:
    """Yield files that are not there."""
    stills: list[tuple[Field, str]] = [
        (("elements", name, "still"), element.still) for name, element in board.elements.items()
    ]
    loras: list[tuple[Field, str]] = [(("loras",), board.loras)]
    loras += [(("elements", name, "loras"), element.loras) for name, element in board.elements.items()]
    for number, scene in enumerate(board.scenes):
        stills += [
            (("scenes", number, "shots", place, "still"), shot.still)
            for place, shot in enumerate(scene.shots)
        ]
    for field, still in stills:
        if still and not (board.folder / Path(still).expanduser()).is_file():
            yield field, f"there is no picture {still!r} in {board.folder}"
    for field, text in loras:
        try:
            read_loras(text, "loras", board.folder)
        except SettingError as error:
            yield field, str(error).partition(": ")[2].rstrip(".")


def as_values(board: Storyboard) -> dict[str, Any]:
    """Return a storyboard as plain values, without its folder."""
    values: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(board, folder=Path()), enc_hook=str)
    del values["folder"]
    return values
