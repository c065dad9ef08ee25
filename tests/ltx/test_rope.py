"""Rotary tables: the original's numbers to the last bit where the arithmetic allows it."""

from __future__ import annotations

import pytest
import torch

from dubkit.ltx.rope import RopeSpec, frequency_grid, middles
from tests.support.golden import assert_close, golden, requires_golden

GRIDS = {
    "video_4096": (4096, 3),
    "audio_2048": (2048, 1),
    "connector_3840": (3840, 1),
    "tiny_video": (128, 3),
    "tiny_audio": (64, 1),
}
USES = {
    "video": ("positions_video", 3, 32, (20.0, 2048.0, 2048.0)),
    "audio": ("positions_audio", 1, 16, (20.0,)),
    "cross_video": ("positions_video", 1, 16, (20.0,)),
    "cross_audio": ("positions_audio", 1, 16, (20.0,)),
}


@requires_golden
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", GRIDS)
def test_frequencies_equal_the_reference(name: str, precision: str) -> None:
    dim, axes = GRIDS[name]
    expected = golden("unit_rope")[f"freq_grid.{name}.{precision}"]
    torch.testing.assert_close(
        frequency_grid(dim, axes, 10000.0, float64=precision == "float64"), expected, rtol=1e-6, atol=0
    )


@requires_golden
@pytest.mark.parametrize("kind", ["split", "interleaved"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("use", USES)
def test_tables_equal_the_reference(kind: str, precision: str, use: str) -> None:
    stored = golden("unit_rope")
    if f"{kind}.{precision}.{use}.cos" not in stored:
        pytest.skip("the reference has no such table")
    bounds, axes, head_dim, tops = USES[use]
    spec = RopeSpec(4, head_dim, tops, 10000.0, kind, precision == "float64")  # type: ignore[arg-type]
    tables = spec.tables(middles(stored[bounds][:, :axes]), torch.float32)
    for name, table in (("cos", tables.cos), ("sin", tables.sin)):
        flat = table.flatten(2).repeat_interleave(2, -1)
        ours = table.transpose(1, 2) if kind == "split" else flat
        assert_close(ours, stored[f"{kind}.{precision}.{use}.{name}"], 1e-6)


@requires_golden
@pytest.mark.parametrize("kind", ["split", "interleaved"])
def test_rotation_equals_the_reference(kind: str) -> None:
    stored = golden("unit_rope")
    spec = RopeSpec(4, 32, (20.0, 2048.0, 2048.0), 10000.0, kind, True)  # type: ignore[arg-type]
    tables = spec.tables(middles(stored["positions_video"]), torch.float32)
    rotated = tables.apply(stored["apply.x"].unflatten(-1, (4, 32))).flatten(2)
    assert_close(rotated, stored[f"apply.{kind}"], 1e-6)


@requires_golden
def test_connector_positions_are_used_as_they_are() -> None:
    stored = golden("unit_rope")
    tables = RopeSpec(4, 16, (4096.0,), 10000.0, "split", True).tables(
        torch.arange(128.0)[None, None], torch.float32
    )
    assert_close(tables.cos.transpose(1, 2), stored["connector.cos"], 1e-6)
    assert_close(tables.sin.transpose(1, 2), stored["connector.sin"], 1e-6)


def test_angles_that_do_not_fill_the_width_are_padded_in_front() -> None:
    spec = RopeSpec(4, 32, (20.0, 2048.0, 2048.0), 10000.0, "split", True)
    tables = spec.tables(torch.full((1, 3, 2), 7.0), torch.float32)
    cos, sin = tables.cos.flatten(2), tables.sin.flatten(2)
    assert torch.equal(cos[..., :1], torch.ones(1, 2, 1))
    assert torch.equal(sin[..., :1], torch.zeros(1, 2, 1))
    assert (sin[..., 1:] != 0).all()


def test_times_before_zero_and_beyond_the_maximum_continue_the_formula() -> None:
    spec = RopeSpec(1, 4, (20.0,), 10000.0, "split", True)
    tables = spec.tables(torch.tensor([[[-20.0, 40.0]]]), torch.float64)
    slow = torch.tensor(torch.pi / 2, dtype=torch.float32)
    torch.testing.assert_close(tables.cos[0, :, 0, 0], torch.cos(slow * torch.tensor([-3.0, 3.0])).double())


def test_bfloat16_positions_snap_the_first_frame_to_39_milliseconds() -> None:
    spec = RopeSpec(1, 4, (20.0,), 10000.0, "split", True)
    bounds = torch.tensor([[[[0.0, 0.04]]]])
    exact = spec.tables(middles(bounds), torch.float32)
    snapped = spec.tables(middles(bounds.bfloat16()), torch.float32)
    later = spec.tables(torch.tensor([[[0.0390625]]]), torch.float32)
    assert not torch.equal(exact.cos, snapped.cos)
    torch.testing.assert_close(snapped.cos[..., 0], later.cos[..., 0])


def test_wrong_number_of_axes_is_named() -> None:
    with pytest.raises(ValueError, match=r"expected \[B, 1, T\]"):
        RopeSpec(1, 4, (20.0,), 10000.0, "split", True).tables(torch.zeros(1, 3, 5), torch.float32)
