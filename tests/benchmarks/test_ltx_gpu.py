"""What the benchmark for graphics cards does with a card, and says without one."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import torch

from benchmarks.ltx_gpu import card, compare
from benchmarks.ltx_gpu import command as ltx_gpu
from benchmarks.pipeline.command import report
from benchmarks.pipeline.measure import Figure
from dubkit.cli.justdubit import command as justdubit
from dubkit.models.tiny.files import make_tiny
from tests.support.pretend_device import pretend_card

requires_no_card = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")


@requires_no_card
def test_without_a_card_it_says_so_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(card, "PAGE", tmp_path / "RESULTS.gpu.md")
    for arguments in ([], ["--compare", str(tmp_path)]):
        assert ltx_gpu.main(arguments) == 1
        assert "no graphics card" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_results_of_a_card_are_kept_that_no_card_gave() -> None:
    if card.PAGE.exists():
        assert "Written by `make gpu`" in card.PAGE.read_text("utf-8")


@pytest.mark.slow
def test_a_card_that_counts_like_the_processor_is_close_to_it_in_every_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tiny(tmp_path / "tiny")
    with pretend_card(capability=(8, 0)):
        assert ltx_gpu.main(["--compare", str(tmp_path / "tiny")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 12
    assert {line.rpartition(": ")[2] for line in shown[:-1]} == {"0.00e+00"}
    assert shown[-1] == "all within 0.02"


def test_a_distance_that_is_undefined_is_not_close() -> None:
    assert compare.Compared("x", 0.02).close
    assert not compare.Compared("x", 0.021).close
    assert not compare.Compared("x", float("nan")).close


def wanted(folder: Path, **changes: Path | None) -> card.Wanted:
    named = {"weights": None, "golden": None, "clip": card.SAMPLE} | changes
    return card.Wanted(**named, rounds=2, scratch=folder)  # type: ignore[arg-type]


def test_steps_are_commands_that_exist(tmp_path: Path) -> None:
    listed = card.steps(wanted(tmp_path))
    assert [step.title for step in listed if not step.command] == ["The original's numbers"]
    flags = {spelling for option in justdubit.params for spelling in option.opts}
    clips = [step.command for step in listed if step.title.startswith("A clip")]
    assert len(clips) == 3
    for command in clips:
        assert {part for part in command if part.startswith("--")} <= flags
        assert command[command.index("--device") + 1] == "cuda"
    assert len({command[command.index("--output-path") + 1] for command in clips}) == 3


def test_published_weights_and_reference_tensors_are_used_where_they_are_given(tmp_path: Path) -> None:
    listed = card.steps(wanted(tmp_path, weights=tmp_path / "ltx", golden=tmp_path / "golden"))
    said = [f"{step.title}: {shlex.join(step.command)}" for step in listed]
    assert any(f"benchmarks.parity {tmp_path / 'golden'}" in line for line in said)
    clips = [line for line in said if line.startswith("A clip with the published weights")]
    assert len(clips) == 3
    assert all(str(tmp_path / "ltx" / "ltx-2-19b-dev.safetensors") in line for line in clips)


def test_the_page_says_what_passed_what_failed_and_what_was_not_tried() -> None:
    good = card.run(card.Step("Good", ("echo", "fine")))
    bad = card.run(card.Step("Bad", ("sh", "-c", "echo broken; exit 3")))
    left = card.run(card.Step("Left", (), "Nothing was given."))
    page = card.page("Some card", [good, bad, left])
    assert "| Good | passed |" in page
    assert "| Bad | failed (3) |" in page
    assert "| Left | not tried |" in page
    assert "broken" in page
    assert "Nothing was given." in page
    assert "Some card" in page


def test_a_step_that_fails_fails_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "steps", lambda _wanted: [card.Step("Bad", ("false",)), card.Step("Left", ())])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "Some card")
    assert ltx_gpu.proved(wanted(tmp_path), tmp_path / "page.md") == 1
    monkeypatch.setattr(card, "steps", lambda _wanted: [card.Step("Good", ("true",)), card.Step("Left", ())])
    assert ltx_gpu.proved(wanted(tmp_path), tmp_path / "page.md") == 0
    assert "| Good | passed |" in (tmp_path / "page.md").read_text("utf-8")


def test_figures_that_have_no_processor_time_are_laid_out() -> None:
    """A card's figures are of the clock on the wall alone; they could not be printed before."""
    figure = Figure("12,288 picture tokens", "bf16, 1 block, eager", "wall", "TFLOP/s", 2.0, 1.0, 3.0, 5)
    assert "| 2.00 (1.00 to 3.00) |" in report([figure])
