"""What stands on `docs/extend.md`: its examples, as packages to install, and its tables of fields."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "extend.md"

_MODULE = re.compile(r"^```python\n# (\w+)\.py\n(.*?)^```\n+```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PROJECT = re.compile(r"^```toml\n# pyproject\.toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ENTRY_POINTS = re.compile(r'^\[project\.entry-points\."([\w.]+)"\]\n.*\Z', re.MULTILINE | re.DOTALL)
_TABLE = re.compile(
    r"^`(\w+)`[^\n]*\n\n\| field \| meaning \|\n\| --- \| --- \|\n((?:\|.*\n)+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Example:
    """One example of the page."""

    module: str
    code: str
    entry_points: str
    """Last lines of its `pyproject.toml`."""

    @property
    def group(self) -> str:
        """Entry-point group that it adds to."""
        return _found(_ENTRY_POINTS, self.entry_points)[1]

    @property
    def lines(self) -> int:
        """Lines that are not blank."""
        return sum(bool(line.strip()) for line in self.code.splitlines())

    def write(self, folder: Path) -> Path:
        """Write the package into a folder of its own below `folder`, and return that."""
        package = folder / self.module
        package.mkdir(parents=True)
        (package / f"{self.module}.py").write_text(self.code, "utf-8")
        project = _found(_PROJECT, text())[1]
        shown = _found(re.compile(r'^name = "([\w-]+)"$', re.MULTILINE), project)[1]
        project = project.replace(f'"{shown}"', f'"{self.module.replace("_", "-")}"')
        (package / "pyproject.toml").write_text(_ENTRY_POINTS.sub("", project) + self.entry_points, "utf-8")
        return package


def text() -> str:
    """Return the page."""
    return PAGE.read_text("utf-8")


def examples() -> list[Example]:
    """Return the examples in the order of the page."""
    return [Example(*match.groups()) for match in _MODULE.finditer(text())]


def tables() -> dict[str, list[str]]:
    """Return the fields that the page explains, by class."""
    return {
        match[1]: [row.split("|")[1].strip().strip("`") for row in match[2].splitlines()]
        for match in _TABLE.finditer(text())
    }


def install(packages: Sequence[Path], target: Path) -> None:
    """Install packages into a folder that is put on `PYTHONPATH`, without a network."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    subprocess.run([*command, *alone, *map(str, packages)], check=True, capture_output=True, text=True)


def _found(pattern: re.Pattern[str], where: str) -> re.Match[str]:
    match = pattern.search(where)
    assert match is not None, f"{PAGE.name}: nothing matches {pattern.pattern!r}"
    return match
