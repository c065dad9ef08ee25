"""The network's benchmark counts what it says, and holds the bounds that do not depend on a clock."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.ltx import command as ltx
from benchmarks.ltx import costs as ltx_costs
from benchmarks.ltx import gpu as ltx_gpu
from benchmarks.ltx.models import FULL, MEDIUM, TINY

requires_upstream = pytest.mark.skipif(
    importlib.util.find_spec("ltx_core") is None,
    reason="ltx-core is not installed; it is for comparison only",
)


@pytest.mark.parametrize("references", [False, True])
def test_a_block_stays_below_its_bounds(references: bool) -> None:
    cost = ltx_costs.our_block_cost(TINY, references=references)
    assert cost.operators <= 130
    assert cost.tensors_written <= 50


@requires_upstream
def test_a_block_does_less_than_the_published_one() -> None:
    ours = ltx_costs.our_block_cost(TINY, references=True)
    theirs = ltx_costs.reference_block_cost(TINY, references=True)
    assert ours.operators < theirs.operators
    assert ours.tensors_written < theirs.tensors_written


@pytest.mark.parametrize("size", [TINY, MEDIUM, replace(FULL, layers=2)], ids=["tiny", "medium", "19B"])
@pytest.mark.parametrize("references", [False, True])
def test_counted_operations_are_the_closed_form(size: ltx_costs.Size, references: bool) -> None:
    found = ltx_costs.flops(size, references=references)
    assert found.counted == found.formula
    assert found.text_counted == found.text_formula


def test_tables_are_built_once_for_a_clip_and_levels_once_for_a_step() -> None:
    found = ltx_costs.our_repeats(TINY, 5)
    assert found.tables == 4
    assert found.rows == 5 * 6 * 2


@pytest.mark.slow
def test_loading_takes_the_model_and_its_largest_tensor(tmp_path: Path) -> None:
    found = {figure.name: figure.median for figure in ltx.loading(tmp_path)}
    assert found["peak memory above before"] <= found["weights"] + 4 * found["largest tensor"]


@pytest.mark.slow
@requires_upstream
def test_the_benchmark_prints_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        assert ltx.main(["--parts", "blocks", "repeats"]) == 0
    finally:
        torch.set_num_threads(threads)
    shown = capsys.readouterr().out
    assert "one block, medium, dub with references" in shown
    assert "rotary tables built" in shown


def test_a_device_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(SystemExit) as stopped:
        ltx.main(["--device", "cuda"])
    assert stopped.value.code == 2
    assert "no device cuda" in capsys.readouterr().err


@pytest.mark.slow
def test_rates_are_measured_beside_ceilings() -> None:
    small = replace(TINY, channels=8, grid=(2, 2, 2))
    bench = ltx_gpu.Bench(torch.device("cpu"), rounds=1, size=small, pictures=((2, 2),))
    found = list(ltx_gpu.measure(bench, compiled=False))
    assert [f.name for f in found] == [
        "ceiling: matrix product",
        "ceiling: attention",
        "bf16, 1 block, eager",
        "bf16, 2 blocks, eager",
        "encode",
        "decode",
    ]
    assert all(f.median > 0 for f in found)
