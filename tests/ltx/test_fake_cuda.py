"""The generator at its published widths on fake tensors that say they are on a card."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks.ltx_gpu import hollow, rehearsal
from benchmarks.ltx_gpu.fake import FakeGenerator, fake_card
from benchmarks.ltx_gpu.rehearsal import Case, Known, Precision, known_values, rehearse
from benchmarks.ltx_gpu.stand_ins import CARD, CardFacts
from benchmarks.ltx_gpu.table import Row, cases, counted, line, name_of
from dubkit.dubbing.diffusion.conditioning import Grid, cross_attention
from dubkit.dubbing.diffusion.generate import DiffusionStart
from dubkit.dubbing.diffusion.parts import GeneratorParts
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT
from dubkit.dubbing.diffusion.state import start_state
from dubkit.ltx.memory import Mode, measure_sizes
from dubkit.ltx.modulation import Levels
from dubkit.ltx.weights import Checkpoint
from dubkit.models.tiny.files import GEMMA, NAMES

BLOCKS = 3
"""All of the published width. The outer ones are whole in a float8 file, too; the others are all the same."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hollow")
    hollow.write_set(folder, layers=BLOCKS, gemma_layers=6)
    return folder


def budget(case: Case, folder: Path) -> dict[str, int]:
    files = hollow.files(folder, float8=case.precision == "float8 file")
    with fake_card(CardFacts()):
        return counted(case, GeneratorParts(files, CARD, case.precision == "float8 cast"))


def test_hollow_files_have_the_published_sizes_and_take_no_disk(tmp_path: Path) -> None:
    hollow.write_set(tmp_path)
    paths = [tmp_path / NAMES["2"][role] for role in ("checkpoint", "float8", "dubbing", "spatial")]
    sizes = [path.stat().st_size for path in (*paths, tmp_path / GEMMA / "model.safetensors")]
    assert [round(size / 1e9, 1) for size in sizes] == [43.3, 27.1, 2.5, 1.0, 23.5]
    assert sum(path.stat().st_blocks * 512 for path in paths) < 20e6
    parts = measure_sizes(Checkpoint(paths[0]))
    assert parts.largest_block == 772_149_248


@pytest.mark.slow
def test_a_clip_goes_through_every_part_on_the_card(folder: Path) -> None:
    case = Case(JUSTDUBIT, 9, 128, 128, mode="streaming")
    found = rehearse(case, hollow.files(folder))
    assert [part.part for part in found] == list(rehearsal.PARTS)
    kept = budget(case, folder)
    assert all(part.device > 0 for part in found)
    # So small a clip has next to no tokens: what prompts take has to be counted by itself.
    assert {part.part for part in found if part.device > kept[part.part]} == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "mode"),
    [("bf16", "resident"), ("float8 cast", "streaming"), ("float8 file", "streaming")],
    ids=["whole", "cast and streamed", "stored and streamed"],
)
def test_both_stages_at_the_usual_size_take_what_is_counted_on(
    folder: Path, precision: Precision, mode: Mode
) -> None:
    case = Case(JUSTDUBIT, 121, 512, 768, precision, mode, transformer_only=True)
    files = hollow.files(folder, float8=precision == "float8 file")
    found = {part.part: part for part in rehearse(case, files)}
    kept = budget(case, folder)
    for part in ("first stage", "second stage"):
        assert found[part].device <= kept[part]
    # Close to it, too: what is counted on in vain keeps clips from cards that could make them.
    assert found["second stage"].device > 0.9 * kept["second stage"]
    assert found["upsampler"].device < kept["upsampler"]


def test_tensors_of_two_devices_or_types_are_errors() -> None:
    with fake_card(CardFacts()):
        there, here = torch.empty(4, 8, device=CARD, dtype=torch.bfloat16), torch.empty(4, 8).bfloat16()
        with pytest.raises(RuntimeError, match="device"):
            there + here
        with pytest.raises(RuntimeError, match="dtype"):
            F.linear(there, torch.empty(8, 8, device=CARD))
        q = torch.empty(1, 2, 4, 8, device=CARD, dtype=torch.bfloat16)
        with pytest.raises(TypeError, match="mask"):
            F.scaled_dot_product_attention(q, q, q, attn_mask=torch.empty(4, 4, device=CARD))
        with pytest.raises(TypeError, match="bytes on the processor"):
            FakeGenerator(CARD).set_state(torch.empty(16, dtype=torch.uint8, device=CARD))


def test_bytes_alive_are_counted_by_storage() -> None:
    with fake_card(CardFacts()) as peaks:
        kept = torch.empty(1000, device=CARD)
        part = kept[:10]
        assert peaks.live["cuda"] == 4000
        gone = kept + 1
        assert peaks.live["cuda"] == 8000
        del gone
        peaks.restart()
        assert peaks.most == {"cuda": 4000, "cpu": 0}
        del kept, part
        assert peaks.live["cuda"] == 0


def test_values_that_decide_about_shapes_are_those_of_a_run_on_the_processor() -> None:
    known = known_values(Case(JUSTDUBIT, 9, 64, 64))
    targets, cells = 8, 4
    runs = known.levels[2 * targets].runs
    assert [(run.start, run.stop) for run in runs] == [(0, cells), (cells, targets), (targets, 2 * targets)]
    cross = known.cross_of(torch.ones(1, 2 * targets, 1), torch.ones(1, 2, 1), torch.float32)
    assert cross is not None
    assert cross.video == (cells, targets)
    mask = torch.ones(1, 2 * targets, 1)
    mask[:, :cells] = mask[:, targets:] = 0
    assert cross_attention(mask, torch.ones(1, 2, 1)).video == cross.video
    assert known.levels_of(mask).runs == Levels.of(mask).runs


def test_streams_of_one_length_must_keep_the_same_tokens() -> None:
    known = Known({16: Levels.uniform(1.0, 16)})
    start = DiffusionStart(
        (start_state(torch.zeros(1, 16, 4), torch.zeros(1, 3, 16, 2)),) * 2,
        None,
        torch.zeros(2),
        Grid(1, 4, 4, 25.0),
    )
    known.learn(start)
    known.levels[16] = Levels.of(torch.tensor([0.0, 1.0] * 8))
    with pytest.raises(ValueError, match="16 tokens"):
        known.learn(start)


def test_every_way_is_rehearsed() -> None:
    listed = cases()
    ways = {(c.recipe.name, c.frames, c.precision, c.mode) for c in listed}
    assert len(listed) == len(set(listed))
    for recipe in ("justdubit", "preview"):
        for precision in ("bf16", "float8 file", "float8 cast"):
            for mode in ("resident", "streaming"):
                assert {(recipe, frames, precision, mode) for frames in (121, 257)} <= ways
    assert sum(not c.transformer_only for c in listed) == 3


def test_a_part_that_takes_more_than_is_counted_on_shows() -> None:
    case = Case(JUSTDUBIT, 121, 512, 768)
    row = Row(case, rehearsal.Found("first stage", 2 * 10**9, 10**9), 10**9)
    assert not row.holds
    assert line(row) == f"| {name_of(case)} | first stage | 2.00 | 1.00 | 1.00 | too little |"
