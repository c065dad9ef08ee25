"""Pictures on their way into the autoencoder."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
import torch

from dubkit.dubbing.clip.pixels import compressed, cover, read_still, to_signed
from tests.support.golden import GOLDEN, assert_close, golden, requires_golden


@requires_golden
@pytest.mark.parametrize("size", [(64, 64), (32, 96), (96, 32), (20, 20)])
def test_scaling_and_cropping_equal_the_original(size: tuple[int, int]) -> None:
    unit = golden("unit_media")
    assert_close(cover(unit["frames"], *size), unit[f"crop_{size[0]}x{size[1]}"])


@requires_golden
@pytest.mark.parametrize("name", ["image_a", "image_b"])
def test_the_round_trip_looks_like_the_originals(name: str) -> None:
    still = compressed(read_still(GOLDEN / "media" / f"{name}.png"))
    expected = golden("unit_media")[f"{name}_after_crf"]
    # Encoder builds differ by a little; another quality or colour conversion would be far off.
    assert (still.float() - expected.float()).abs().mean() < 1.0


def test_an_odd_picture_is_cut_to_even_sides() -> None:
    still = torch.full((31, 45, 3), 128, dtype=torch.uint8)
    assert compressed(still).shape == (30, 44, 3)


def test_quality_zero_leaves_the_picture_alone() -> None:
    still = torch.randint(0, 256, (32, 32, 3), dtype=torch.uint8)
    assert compressed(still, 0) is still


def test_a_lower_quality_changes_more() -> None:
    torch.manual_seed(0)
    still = torch.randint(0, 256, (64, 64, 3), dtype=torch.uint8)
    errors = [(compressed(still, crf).float() - still.float()).abs().mean() for crf in (5, 29, 45)]
    assert errors == sorted(errors)


@pytest.mark.parametrize("size", [(64, 96), (96, 64), (32, 32), (200, 10)])
def test_frames_cover_any_size_exactly(size: tuple[int, int]) -> None:
    frames = torch.full((2, 31, 47, 3), 200, dtype=torch.uint8)
    covered = cover(frames, *size)
    assert covered.shape == (1, 3, 2, *size)
    assert_close(covered, torch.full_like(covered, 200.0))


def test_the_crop_is_from_the_centre() -> None:
    frames = torch.zeros(1, 32, 96, 3, dtype=torch.uint8)
    frames[:, :, 32:64] = 255
    assert bool((cover(frames, 32, 32) == 255).all())


def test_signed_pixels_reach_from_minus_one_to_one() -> None:
    assert to_signed(torch.tensor([0.0, 127.5, 255.0])).tolist() == [-1.0, 0.0, 1.0]


def test_a_still_is_read_as_it_was_written(tmp_path: Path) -> None:
    torch.manual_seed(0)
    still = torch.randint(0, 256, (17, 23, 3), dtype=torch.uint8)
    path = tmp_path / "still.png"
    with av.open(str(path), "w", format="image2") as file:
        stream = file.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 23, 17, "rgb24"
        for packet in stream.encode(av.VideoFrame.from_ndarray(still.numpy(), format="rgb24")):
            file.mux(packet)
    assert torch.equal(read_still(path), still)


def test_a_file_without_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"no\.png"):
        read_still(path)


def test_shapes_that_are_no_frames_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(F, H, W, 3\)"):
        cover(torch.zeros(3, 8, 8), 32, 32)
    with pytest.raises(ValueError, match="too small"):
        compressed(torch.zeros(1, 8, 3, dtype=torch.uint8))
