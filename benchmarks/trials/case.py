"""The form of `cases.toml`; `docs/cases.md` describes it for people."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

FILE = "cases.toml"


class BadCase(Exception):
    """A file of cases that cannot be read: which file, which case, and why."""


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value and what it must be. Exactly one comparison is given."""

    of: str = "output"
    """`output`, `stdout`, `stderr`, `value`, `file:PATH`, `json:PATH`, `media:PATH`; PATH may be a glob."""
    at: str = ""
    """A JMESPath expression into the value."""
    equals: Any = msgspec.UNSET
    contains: Any = msgspec.UNSET
    lacks: Any = msgspec.UNSET
    matches: str | msgspec.UnsetType = msgspec.UNSET
    one_of: list[Any] | msgspec.UnsetType = msgspec.UNSET
    near: float | msgspec.UnsetType = msgspec.UNSET
    within: float = 0.0
    """How far from `near` a number may be."""
    exists: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether there is such a file; `of` names it."""

    @property
    def comparison(self) -> str:
        """The comparison that is given."""
        return next(name for name in COMPARISONS if getattr(self, name) is not msgspec.UNSET)

    def __post_init__(self) -> None:
        given = [name for name in COMPARISONS if getattr(self, name) is not msgspec.UNSET]
        if len(given) != 1:
            raise ValueError(f"an expectation has one of {', '.join(COMPARISONS)}, not {given or 'none'}")


COMPARISONS = ("equals", "contains", "lacks", "matches", "one_of", "near", "exists")


class Interrupt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal for a command that runs."""

    when: str
    """Text of its output that the signal waits for."""
    signal: str = "INT"
    after: float = 0.0
    """Seconds from that text to the signal."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command line or a call, and what must come of it."""

    run: str = ""
    call: str = ""
    """A function, `package.module.function`."""
    arguments: list[Any] = []
    keywords: dict[str, Any] = {}
    environment: dict[str, str] = {}
    exit: int | list[int] = 0
    raises: str = ""
    """Name of the exception that the call must end with."""
    interrupt: Interrupt | None = None
    expect: list[Expect] = []

    @property
    def codes(self) -> tuple[int, ...]:
        """The exit codes that are right."""
        return (self.exit,) if isinstance(self.exit, int) else tuple(self.exit)

    def __post_init__(self) -> None:
        if bool(self.run) == bool(self.call):
            raise ValueError("a step has either `run` or `call`")


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody does with dubkit. A case of one step may have the fields of the step itself."""

    name: str
    about: str = ""
    files: list[str] = []
    """Files, or globs, beside `cases.toml`, of which the case gets copies in a folder of its own."""
    table: str = ""
    """A file of tab-separated values: each of its rows is a case, and `{column}` stands for its cells."""
    needs: list[str] = []
    """Programs without which the case is left out."""
    service: str = ""
    """A command that serves while the case runs; it prints a line when it is ready."""
    seconds: float = 300.0
    """The most that a step may take."""
    steps: list[Step] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    case: list[dict[str, Any]]
    words: dict[str, str] = {}
    """`{NAME}` in any string of a case stands for the text given here."""


def read_cases(folder: Path) -> list[Case]:
    """Read the cases of a folder. Raises BadCase naming the file, the case and what is wrong."""
    path = folder / FILE
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        raise BadCase(f"{folder} has no {FILE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCase(f"{path}: {error}") from None
    cases = []
    for number, table in enumerate(file.case, 1):
        place = f"{path}, case {table.get('name') or number}"
        try:
            for row in _rows(folder, table):
                cases.append(msgspec.convert(_with_steps(_filled(table, {**file.words, **row})), Case))
        except FileNotFoundError as error:
            raise BadCase(f"{place}: {error.filename} is not there") from None
        except ValueError as error:  # of which msgspec.ValidationError is one
            raise BadCase(f"{place}: {error}") from None
    twice = {case.name for case in cases if [c.name for c in cases].count(case.name) > 1}
    if twice:
        raise BadCase(f"{path}: two cases are called {min(twice)}")
    return cases


def _with_steps(table: dict[str, Any]) -> dict[str, Any]:
    """Put the fields of a case that is written as one step into its step."""
    names = {field.name for field in msgspec.structs.fields(Step)}
    step = {name: value for name, value in table.items() if name in names}
    if bool(step) == bool(table.get("steps")):
        raise ValueError("a case has either `steps`, or the fields of one step with `run` or `call`")
    return (
        {**{name: value for name, value in table.items() if name not in names}, "steps": [step]}
        if step
        else table
    )


def _rows(folder: Path, table: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if not table.get("table"):
        yield {}
        return
    with (folder / str(table["table"])).open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
            yield {**{key: value or "" for key, value in row.items() if key}, "row": str(number)}


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    """Put words for their `{NAME}`; braces around anything else stay."""
    if isinstance(value, str):
        for _ in range(2):  # a word may hold others
            for name, word in words.items():
                value = value.replace(f"{{{name}}}", word)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, words) for inner in value]
    return value
