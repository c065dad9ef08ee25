"""Where the fields of a TOML file stand: the line of each, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Keys, and numbers in arrays of tables: ("scenes", 0, "shots", 1, "frames")."""

HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"""\s*([A-Za-z0-9_-]+|"[^"]*"|'[^']*')(\s*\.\s*[A-Za-z0-9_-]+)*\s*=""")
TRIPLE = re.compile(r'"""|\'\'\'')


def field_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table and key of a valid TOML text that stands on one of its own."""
    found: dict[Path, int] = {(): 1}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in _outside_long_texts(text):
        if header := HEADER.match(line):
            table = _table(header[2], header[1] == "[[", counts)
            found.setdefault(table, number)
        elif key := KEY.match(line):
            names = [part.strip().strip("\"'") for part in line[: key.end() - 1].split(".")]
            for end in range(1, len(names) + 1):
                found.setdefault((*table, *names[:end]), number)
    return found


def _outside_long_texts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that do not begin inside a text of several lines."""
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not closing:
            yield number, line
        for mark in TRIPLE.findall(line.partition("#")[0] if not closing and "=" not in line else line):
            closing = mark if not closing else "" if mark == closing else closing


def _table(name: str, one_of_many: bool, counts: dict[Path, int]) -> Path:
    """Return the path of a header; inside an array of tables it is that of the newest table."""
    path: Path = ()
    parts = [part.strip().strip("\"'") for part in name.split(".")]
    for place, part in enumerate(parts):
        path = (*path, part)
        last = place == len(parts) - 1
        if last and one_of_many:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def line_of(path: Path, lines: dict[Path, int]) -> int:
    """Return the line of a field, else of the nearest table around it."""
    while path not in lines:
        path = path[:-1]
    return lines[path]
