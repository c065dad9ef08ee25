"""The wheel holds everything and works away from the checkout."""

from __future__ import annotations

import json
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

SHIPPED = ("dubkit", "stages", "prompts")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy, so that no build folder of the checkout can lend a file."""
    copy = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    target = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone in a new environment that sees the dependencies of this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    scripts = home / ("Scripts" if sys.platform == "win32" else "bin")
    packages = next(home.rglob("site-packages"))
    # A path in a .pth is searched, but its own .pth files are not read: an editable install of the
    # checkout beside the dependencies stays unseen.
    lines = [path for path in site.getsitepackages() if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    python = str(scripts / "python")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return scripts


def ask(program: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(program / arguments[0]), *arguments[1:]], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_all_code_prompts_and_templates_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for folder in SHIPPED
        for pattern in ("*.py", "*.txt", "*.npz", "*.j2", "*.html", "*.css", "py.typed")
        for path in (ROOT / folder).rglob(pattern)
    }
    # Scripts and pictures of the pages, and the licences of those that others wrote.
    pages = (path for path in (ROOT / "dubkit/web/static").rglob("*") if path.is_file())
    assert names == wanted | {path.relative_to(ROOT).as_posix() for path in pages}
    assert any(name.endswith("migrations/versions/0001_jobs.py") for name in names)
    assert sum(name.endswith("/LICENSE") and "/vendor/" in name for name in names) == 4


def test_installed_wheel_is_what_is_imported(program: Path, tmp_path: Path) -> None:
    code = "import dubkit, stages; print(dubkit.__file__); print(stages.__file__)"
    for line in ask(program, tmp_path, "python", "-c", code).split():
        assert Path(line).is_relative_to(program.parent)


def test_prompts_and_templates_can_be_read_from_anywhere(program: Path, tmp_path: Path) -> None:
    code = (
        "import json\nfrom importlib.resources import files\n"
        "read = lambda folder, end: {p.name: p.read_text(encoding='utf-8')"
        " for p in folder.iterdir() if p.name.endswith(end)}\n"
        "print(json.dumps([read(files('prompts'), '.txt'), read(files('dubkit.qc.report'), '.j2')]))"
    )
    prompts, templates = json.loads(ask(program, tmp_path, "python", "-c", code))
    assert prompts == {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "prompts").glob("*.txt")}
    assert set(templates) == {p.name for p in (ROOT / "dubkit" / "qc" / "report").glob("*.j2")}
    assert prompts


def test_every_module_can_be_imported(program: Path, tmp_path: Path) -> None:
    code = (
        "import importlib, pkgutil, dubkit, stages\n"
        "for package in (dubkit, stages):\n"
        "    for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not found.name.endswith('__main__'):\n"
        "            importlib.import_module(found.name)\n"
    )
    ask(program, tmp_path, "python", "-c", code)


def test_the_command_works_in_another_folder(program: Path, tmp_path: Path) -> None:
    assert "run" in ask(program, tmp_path, "dubkit", "--help")
    shutil.copy(ROOT / "Input" / "sample.mp4", tmp_path / "sample.mp4")
    ask(program, tmp_path, "dubkit", "run", "sample.mp4", "--to", "pt-BR", "--until", "shots", "--quiet")
    assert (tmp_path / "Output" / "sample" / "shots.json").is_file()
