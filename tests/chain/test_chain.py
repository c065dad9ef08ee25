"""The chain knows no stage: what it does with one stands on the stage."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.chain.chain import Chain, Request
from dubkit.chain.stage import Item, Sink, Stage
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.models.store import ModelStore
from dubkit.studio import chain
from dubkit.voice.settings import Timing
from stages import STAGES
from tests.support.paths import ROOT


def no_items(_context: Context) -> Sequence[Item]:
    return []


def no_work(_context: Context, _items: Sequence[Item], _sink: Sink) -> None:
    return None


def step(name: str, *needs: str) -> Stage:
    return Stage(name, 1, "episode", no_items, no_work, needs=needs)


class Here:
    """A setup of plain defaults, on a machine without models of its own."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings()
        self.models = ModelStore(folder)


def test_no_stage_is_named_where_stages_are_run() -> None:
    names = set(STAGES.names)
    rooms = [*(ROOT / "dubkit/chain").glob("*.py"), ROOT / "dubkit/progress.py", ROOT / "dubkit/studio.py"]
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value}"
        for path in rooms
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert found == []


def test_own_stages_run_in_the_order_of_the_list() -> None:
    assert chain().names == STAGES.names
    for place, stage in enumerate(chain().stages):
        assert set(stage.needs) <= set(chain().names[:place]), stage.name


def test_every_own_stage_says_what_it_is_and_does() -> None:
    for stage in STAGES:
        assert stage.title, stage.name
        assert stage.done, stage.name
        assert stage.light or stage.pace > 0 or stage.name == "paste", stage.name
        assert (stage.work is None) == (stage.weight == 0), stage.name


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        (("one",), ("one", "new", "two", "three")),
        (("one", "two"), ("one", "two", "new", "three")),
        ((), ("one", "two", "three", "new")),
    ],
)
def test_a_stage_of_another_package_runs_after_what_it_needs(
    needs: tuple[str, ...], order: tuple[str, ...]
) -> None:
    made = Chain.of([step("one"), step("two", "one"), step("three", "two")], [step("new", *needs)])
    assert made.names == order


def test_whether_a_stage_takes_part_is_asked_once_for_all_that_share_the_question(tmp_path: Path) -> None:
    asked = []

    def never(setup: object) -> bool:
        asked.append(setup)
        return False

    stages = (step("one"), Stage("a", 1, "episode", no_items, no_work, belongs=never))
    stages += (Stage("b", 1, "language", no_items, no_work, belongs=never),)
    scopes = list(Chain(stages).scopes(Request(("fr",)), Here(tmp_path)))
    assert [(language, [stage.name for stage in found]) for language, found in scopes] == [
        ("", ["one"]),
        ("fr", []),
    ]
    assert len(asked) == 1


def test_the_voice_route_has_no_stage_of_a_generator(tmp_path: Path) -> None:
    scopes = chain().scopes(Request(("fr",)), Here(tmp_path))
    names = {stage.name for _, stages in scopes for stage in stages}
    assert {"extract", "transcribe", "faces", "schedule", "speak", "qc"} <= names
    assert not names & {"embed", "encode", "denoise", "refine", "decode", "render", "paste"}


def test_without_a_schedule_nobody_looks_for_mouths(tmp_path: Path) -> None:
    here = Here(tmp_path)
    here.settings = replace(here.settings, timing=Timing(schedule="off"))
    names = {stage.name for _, stages in chain().scopes(Request(("fr",)), here) for stage in stages}
    assert not names & {"faces", "schedule"}


def test_an_alias_names_a_stage_and_an_unknown_name_lists_them() -> None:
    assert chain().find("translation", "--force").name == "translate"
    with pytest.raises(DubkitError, match=r"--force dance: no such stage\. Stages: extract, shots"):
        chain().find("dance", "--force")
