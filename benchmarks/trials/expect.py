"""Hold what came of a step against what is expected."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jmespath
import jmespath.exceptions

from benchmarks.trials.case import BadCase, Expect
from benchmarks.trials.facts import media_facts


@dataclass(frozen=True, slots=True)
class Done:
    """What a step left."""

    stdout: str = ""
    stderr: str = ""
    value: Any = None

    def text(self, name: str) -> Any:
        """Return what `of` names of it."""
        return {
            "stdout": self.stdout,
            "stderr": self.stderr,
            "output": self.stdout + self.stderr,
            "value": self.value,
        }[name]


def shortcomings(expected: Sequence[Expect], done: Done, folder: Path) -> list[str]:
    """Return a sentence for each expectation that is not met."""
    return [sentence for each in expected if (sentence := _shortcoming(each, done, folder))]


def _shortcoming(expect: Expect, done: Done, folder: Path) -> str:
    label = f"{expect.of} at {expect.at}" if expect.at else expect.of
    if expect.comparison == "exists":
        there = bool(_files(expect.of, folder))
        return "" if there == expect.exists else f"{label} is {'there' if there else 'not there'}"
    try:
        value = _value(expect, done, folder)
    except (OSError, ValueError) as error:
        return f"{label} cannot be read: {error}"
    if _holds(expect, value):
        return ""
    wanted = getattr(expect, expect.comparison)
    if expect.comparison == "near":
        wanted = f"{wanted} within {expect.within}"
    return f"{label}: expected {expect.comparison} {_short(wanted)}, got {_short(value)}"


def _value(expect: Expect, done: Done, folder: Path) -> Any:
    kind, _, _ = expect.of.partition(":")
    if kind in ("file", "json", "media"):
        found = _files(expect.of, folder)
        if len(found) != 1:
            raise ValueError(f"{len(found)} files have that name: {', '.join(f.name for f in found) or '-'}")
        value = _read(kind, found[0])
    else:
        try:
            value = done.text(expect.of)
        except KeyError:
            raise BadCase(f"`of` cannot be {expect.of!r}") from None
        if expect.at and isinstance(value, str):
            value = json.loads(value)
    if not expect.at:
        return value
    try:
        return jmespath.search(expect.at, value)
    except jmespath.exceptions.JMESPathError as error:
        raise BadCase(f"at {expect.at!r}: {error}") from None


def _files(of: str, folder: Path) -> list[Path]:
    _, _, pattern = of.partition(":")
    return sorted(folder.glob(pattern))


def _read(kind: str, path: Path) -> Any:
    if kind == "json":
        return json.loads(path.read_bytes())
    return media_facts(path) if kind == "media" else path.read_text("utf-8")


def _holds(expect: Expect, value: Any) -> bool:
    wanted = getattr(expect, expect.comparison)
    match expect.comparison:
        case "equals":
            return bool(value == wanted)
        case "contains":
            return value is not None and all(part in value for part in _list(wanted))
        case "lacks":
            return value is None or not any(part in value for part in _list(wanted))
        case "matches":
            return re.search(wanted, str(value), re.DOTALL) is not None
        case "one_of":
            return value in wanted
        case _:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and math.isclose(value, wanted, rel_tol=0, abs_tol=expect.within)


def _list(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text.strip()
    return repr(text if len(text) <= 400 else f"{text[:200]} … {text[-200:]}")
