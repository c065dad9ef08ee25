"""Packages for dubkit as other people write them, put into a folder as pip would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT


def install(folder: Path, package: str, body: str, points: str, group: str, version: str = "1.0") -> None:
    """Put a package with one module and its entry points of a group into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{package}.py").write_text(body)
    info = folder / f"{package}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{points}\n")


def dubkit(folder: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run dubkit in a process that sees the packages of a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DUBKIT_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
    command = [sys.executable, "-m", "dubkit", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
