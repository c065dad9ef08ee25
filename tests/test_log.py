"""What people should know is a remark: code that runs in a stage logs for developers only, at DEBUG."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LOUD = {"info", "warning", "warn", "error", "exception", "critical"}
TOLD_AS_THEY_GO = {
    "dubkit.models.hub": "a download that is tried again is seen in its progress, and ends in an error",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by name."""
    found = {}
    for top in ("dubkit", "stages"):
        for path in (ROOT / top).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: imports for the type checker do not."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from running(child)


def imported(name: str) -> Iterator[str]:
    """The modules of the product that a module imports, inside functions too, or names in a registry."""
    for node in running(ast.parse(modules()[name].read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            names = [node.value.partition(":")[0]]
        yield from (found for found in names if found in modules())


@cache
def in_a_run() -> frozenset[str]:
    """Every module that a stage can come to."""
    reached: set[str] = set()
    open_ones = [name for name in modules() if name == "stages" or name.startswith("stages.")]
    while open_ones:
        name = open_ones.pop()
        if name not in reached:
            reached.add(name)
            open_ones += imported(name)
    return frozenset(reached)


def loud_calls(path: Path) -> list[str]:
    """Calls that log above DEBUG, or warn: file and line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value)
        logs = owner.split(".")[-1] in ("log", "logger", "logging") or "getLogger" in owner
        if (logs and node.func.attr in LOUD) or (owner == "warnings" and node.func.attr == "warn"):
            found.append(f"{path.name}:{node.lineno}: {ast.unparse(node)[:60]}")
    return found


def test_a_stage_comes_to_the_rooms_that_do_its_work() -> None:
    rooms = {name.split(".")[1] for name in in_a_run() if name.startswith("dubkit.")}
    assert {"media", "speech", "translate", "voice", "qc", "formats", "models", "engines"} <= rooms
    assert "dubkit.translate.engines.nmt" in in_a_run()  # named in a registry
    assert not {name for name in in_a_run() if name.startswith(("dubkit.web.", "dubkit.cli."))}


def test_code_in_a_run_logs_for_developers_only() -> None:
    quiet = in_a_run() - TOLD_AS_THEY_GO.keys()
    assert [call for name in sorted(quiet) for call in loud_calls(modules()[name])] == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("log.warning('x')", 1),
        ("logging.getLogger(__name__).info('x')", 1),
        ("self.log.error('x')", 1),
        ("import warnings\nwarnings.warn('x')", 1),
        ("log.debug('x')", 0),
        ("progress.error('x')", 0),
    ],
)
def test_loud_calls_are_found(tmp_path: Path, code: str, count: int) -> None:
    (tmp_path / "x.py").write_text(code)
    assert len(loud_calls(tmp_path / "x.py")) == count
