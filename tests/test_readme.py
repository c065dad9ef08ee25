"""The README and the docs say what the program does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dubkit.cli import codes
from dubkit.models.catalogue import catalogue
from tests.support.desks import UNHEARD
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return [
        line for block in blocks("sh") for line in block.splitlines() if line and not line.startswith("make ")
    ]


def test_the_reference_is_the_help_of_every_command() -> None:
    written = (ROOT / "docs" / "cli.md").read_text("utf-8")
    # In a process of its own: click keeps the help option of a command called before without its group.
    printed = subprocess.run(
        [sys.executable, "-m", "dubkit.cli.reference"], capture_output=True, text=True, check=True
    )
    assert written == printed.stdout, "run: python -m dubkit.cli.reference > docs/cli.md"


def test_the_page_of_remarks_is_the_table_of_codes() -> None:
    written = (ROOT / "docs" / "remarks.md").read_text("utf-8")
    assert written == codes.page(), "run: python -m dubkit.cli.codes > docs/remarks.md"


def test_the_make_targets_of_the_readme_exist() -> None:
    named = {
        line.split()[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("make ")
    }
    assert named == {"demo", "test"}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)


def test_the_packaged_models_and_their_licences_are_those_of_the_catalogue() -> None:
    table = README.partition("| for | model | licence |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    models = [spec for spec in catalogue() if spec.default]
    models += [
        spec for spec in catalogue() if spec.name == "whisper-tiny.en"
    ]  # what hears, but never transcribes
    # The last row, of the faces, is a package that no setting can replace.
    for (_, name, licence), spec in zip(rows[:-1], models, strict=True):
        assert re.sub(r"\W", "", name.split()[0].lower()) in re.sub(r"\W", "", spec.name), spec.name
        assert licence.partition(" (")[0] == spec.licence.partition(" (")[0], spec.name


def test_every_file_the_readme_links_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "Input").mkdir()
    shutil.copy(ROOT / "Input" / "sample.mp4", folder / "Input")
    # That the dub is understood is a claim of tests/stages/test_pipeline.py.
    (folder / "dubkit.toml").write_text(UNHEARD)
    return folder


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DUBKIT_", "OPENAI_"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.slow
def test_the_examples_of_the_readme_run_in_order(desk: Path) -> None:
    edited = False
    for command in commands():
        done = subprocess.run(
            ["bash", "-c", command], cwd=desk, env=environment(), capture_output=True, text=True, timeout=600
        )
        # 3 would mean that the packaged models were not enough for the sample.
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if "review edit" in command:
            edited = True
    assert (desk / "Output/sample/pt-BR/dub.mp4").is_file()
    assert edited
    assert "Bom dia, eu sou o Jordi Mas." in (desk / "Output/sample/pt-BR/sample.pt-BR.srt").read_text(
        "utf-8"
    )


@pytest.mark.slow
def test_the_library_example_runs(desk: Path) -> None:
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=desk,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(" 0"), done.stdout
