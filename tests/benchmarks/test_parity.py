"""The parity runner: nothing that is wrong, missing or left out may look like success."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.parity import command as parity
from benchmarks.parity.report import EXACT, GOOD, Folder, Tolerance, compare
from benchmarks.parity.units import number
from tests.support.golden import GOLDEN, requires_golden

UNIT = "unit_schedule.safetensors"


def write(folder: Path, tensors: dict[str, Tensor], manifest: dict[str, Any]) -> Path:
    save_file(tensors, folder / UNIT)
    (folder / "manifest.json").write_text(json.dumps({UNIT: manifest}), "utf-8")
    (folder / "params.json").write_text(json.dumps({"params": {}}), "utf-8")
    return folder


@pytest.fixture
def schedules(tmp_path: Path) -> Path:
    """A folder with one file of the reference, changeable."""
    manifest = json.loads((GOLDEN / "manifest.json").read_text("utf-8"))[UNIT]
    return write(tmp_path, load_file(GOLDEN / UNIT), manifest)


def change(folder: Path, name: str, tensor: Tensor | None) -> None:
    tensors = load_file(folder / UNIT)
    if tensor is None:
        del tensors[name]
    else:
        tensors[name] = tensor.contiguous()
    save_file(tensors, folder / UNIT)


def verdicts(folder: Path) -> dict[str, str]:
    rows, _ = parity.run(Folder(folder))
    return {row.tensor: row.verdict for row in rows}


@requires_golden
def test_a_matching_folder_passes_and_lists_every_tensor(
    schedules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity.main([str(schedules)]) == 0
    printed = capsys.readouterr().out
    for name in load_file(schedules / UNIT):
        assert f"unit_schedule/{name} " in printed
    assert set(verdicts(schedules).values()) == {"ok", "input"}


@requires_golden
@pytest.mark.parametrize(
    "name", ["ltx2.steps8.tokens48", "guide.apg", "loop.euler.audio", "distilled.stage1"]
)
def test_a_tampered_tensor_is_outside_and_fails(
    schedules: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(schedules, name, load_file(schedules / UNIT)[name] + 1e-4)
    assert parity.main([str(schedules), "--bad"]) == 1
    printed = capsys.readouterr().out
    assert "OUTSIDE" in printed
    assert name in printed
    assert verdicts(schedules)[name] == "OUTSIDE"


@requires_golden
def test_a_tensor_that_the_manifest_lists_and_the_file_lacks_fails(schedules: Path) -> None:
    change(schedules, "beta.steps8", None)
    assert verdicts(schedules)["beta.steps8"] == "MISSING"
    assert parity.main([str(schedules)]) == 1


@requires_golden
def test_a_tensor_that_nothing_compares_fails(schedules: Path) -> None:
    manifest = json.loads((schedules / "manifest.json").read_text("utf-8"))
    manifest[UNIT]["cosine.steps8"] = {"shape": [9], "dtype": "float32", "about": "8 steps"}
    (schedules / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    change(schedules, "cosine.steps8", torch.zeros(9))
    assert verdicts(schedules)["cosine.steps8"] == "MISSING"
    assert parity.main([str(schedules)]) == 1


@requires_golden
def test_a_tensor_that_the_manifest_does_not_list_fails(schedules: Path) -> None:
    change(schedules, "cosine.steps8", torch.zeros(9))
    assert verdicts(schedules)["cosine.steps8"] == "UNKNOWN"
    assert parity.main([str(schedules)]) == 1


@requires_golden
def test_a_missing_file_fails_with_all_its_tensors(schedules: Path) -> None:
    (schedules / UNIT).unlink()
    assert set(verdicts(schedules).values()) == {"MISSING"}
    assert parity.main([str(schedules)]) == 1


@requires_golden
def test_groups_left_out_by_choice_do_not_look_like_success(schedules: Path) -> None:
    assert parity.main([str(schedules), "--only", "rope"]) == 1


@requires_golden
def test_a_group_that_raises_is_reported_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(GOLDEN / "manifest.json", tmp_path)
    shutil.copy(GOLDEN / "params.json", tmp_path)
    for name in ("unit_media.safetensors", UNIT, "unit_patchify.safetensors"):
        shutil.copy(GOLDEN / name, tmp_path)
    rows, failures = parity.run(Folder(tmp_path), ["units:media", "units:sampling", "positions:patchify"])
    assert [failure.group for failure in failures] == ["units:media"]
    assert "image_a.png" in failures[0].error
    done = {row.file for row in rows if row.verdict == "ok"}
    assert {"unit_schedule", "unit_patchify"} <= done
    assert parity.main([str(tmp_path), "--only", "units", "--trace"]) == 1
    assert "Traceback" in capsys.readouterr().out


@requires_golden
@pytest.mark.slow
def test_the_reference_folder_passes_whole() -> None:
    rows, failures = parity.run(Folder(GOLDEN))
    assert failures == []
    assert [row for row in rows if row.verdict not in GOOD] == []
    manifests = [GOLDEN / "manifest.json", *GOLDEN.glob("*/manifest.json")]
    listed = [json.loads(manifest.read_text("utf-8")) for manifest in manifests]
    assert len(rows) == sum(len(tensors) for files in listed for tensors in files.values())


def test_an_undefined_one_step_schedule_is_a_warning_with_a_reason(tmp_path: Path) -> None:
    from benchmarks.parity.units import schedules_and_lists
    from dubkit.dubbing.diffusion.recipes import DISTILLED, SECOND_STAGE

    name = "ltx2.steps1.default"
    tensors = {
        name: torch.tensor([float("nan"), 0.0]),
        "distilled.stage1": torch.tensor(DISTILLED),
        "distilled.stage2": torch.tensor(SECOND_STAGE),
    }
    manifest = {key: {"about": ""} for key in tensors}
    manifest[name] = {"about": "1 step; NaN in the original, listed only as a warning"}
    folder = Folder(write(tmp_path, tensors, manifest))
    schedules_and_lists(folder.part("unit_schedule"))
    rows = {row.tensor: row for row in folder.part("unit_schedule").finish()}
    assert rows[name].verdict == "warning"
    assert "one step" in rows[name].note


def test_a_folder_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main([str(tmp_path)]) == 1
    assert "manifest.json" in capsys.readouterr().err


def test_an_empty_manifest_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    (tmp_path / "params.json").write_text('{"params": {}}', "utf-8")
    assert parity.main([str(tmp_path)]) == 1


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("actual", "expected", "tolerance", "verdict"),
    [
        ([1.0, 2.0], [1.0, 2.0], EXACT, "ok"),
        ([1.0, 2.0 + 1e-6], [1.0, 2.0], EXACT, "OUTSIDE"),
        ([1.0, 2.0 + 1e-6], [1.0, 2.0], Tolerance(1e-5), "ok"),
        ([1.0, 2.0 + 1e-4], [1.0, 2.0], Tolerance(1e-5), "OUTSIDE"),
        ([100.01], [100.0], Tolerance(1e-3), "ok"),
        ([100.01], [100.0], Tolerance(1e-3, "absolute"), "OUTSIDE"),
        ([0.0, -INF], [0.0, -INF], EXACT, "ok"),
        ([0.0, INF], [0.0, -INF], EXACT, "OUTSIDE"),
        ([0.0, 0.0], [0.0, -INF], Tolerance(1e-5), "OUTSIDE"),
        ([NAN, 1.0], [0.0, 1.0], Tolerance(1e-5), "OUTSIDE"),
        ([1.0], [1.0, 1.0], Tolerance(1e-5), "OUTSIDE"),
        ([0.0], [0.0], Tolerance(1e-5), "ok"),
        ([1e-9], [0.0], Tolerance(1e-5), "OUTSIDE"),
        ([3.0, 4.1], [3.0, 4.0], Tolerance(0.05, "distance"), "ok"),
        ([3.0, 4.5], [3.0, 4.0], Tolerance(0.05, "distance"), "OUTSIDE"),
    ],
)
def test_verdicts(actual: list[float], expected: list[float], tolerance: Tolerance, verdict: str) -> None:
    row = compare("file", "name", torch.tensor(actual), torch.tensor(expected), tolerance)
    assert row.verdict == verdict


def test_an_exact_comparison_includes_the_dtype() -> None:
    ids = torch.tensor([1, 2])
    assert compare("file", "name", ids, ids.float(), EXACT).verdict == "OUTSIDE"


def test_numbers_are_read_from_descriptions() -> None:
    assert number(r"strength #", "appended at frame 9, strength 0.6") == 0.6
    with pytest.raises(ValueError, match="strength"):
        number(r"strength #", "nothing")
