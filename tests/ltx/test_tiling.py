"""Tiled encoding and decoding: layout, blending, and what may not depend on tiles."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from dubkit.ltx.codec_config import read_video_vae
from dubkit.ltx.tiling import Span, Tiling, decode_tiled, encode_tiled, layout, spans, trapezoid
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder
from tests.ltx.test_video_vae import config, fill, published, signed
from tests.support.golden import assert_close, checkpoint_config, golden, requires_golden

SMALL = Tiling(pixels=64, overlap_pixels=32, frames=16, overlap_frames=8)
STRIDES = (8, 32, 32)


@pytest.fixture(scope="module")
def encoder() -> VideoEncoder:
    module = VideoEncoder(config())
    fill(module, spread=0.1)
    return module


@pytest.fixture(scope="module")
def decoder() -> VideoDecoder:
    module = VideoDecoder(config())
    fill(module, spread=0.1)
    return module


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def clip(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3)) * 2 - 1


@requires_golden
@pytest.mark.parametrize("table", ["decode", "encode"])
def test_default_tiles_are_those_of_the_reference_in_order(table: str) -> None:
    expected = golden("unit_video_vae")[f"tiles.{table}_default_16_17_30"]
    rows = [
        [edge for part in ("latents", "pixels") for s in tile for edge in _edges(getattr(s, part))]
        for tile in product(*layout((16, 17, 30), Tiling(), STRIDES))
    ]
    assert torch.equal(torch.tensor(rows), expected)


def _edges(part: slice) -> tuple[int, int]:
    return part.start, part.stop


@requires_golden
def test_ramps_are_those_of_the_reference() -> None:
    ramps = {k: v for k, v in golden("unit_video_vae").items() if k.startswith("ramp.")}
    assert ramps
    for name, expected in ramps.items():
        length, left, right, from_zero = (int(n) for n in name.removeprefix("ramp.").split("_"))
        assert_close(trapezoid(length, left, right, from_zero=bool(from_zero)), expected, 1e-6)


@requires_golden
def test_tiled_decode_gives_the_reference() -> None:
    tensors = golden("unit_video_vae")
    decoder = VideoDecoder(read_video_vae(checkpoint_config()))
    decoder.load_state_dict(published("decoder"), strict=True)
    pieces = list(decode_tiled(decoder, tensors["tiled.latent"], SMALL))
    assert [piece.shape[2] for piece in pieces] == tensors["tiled.decode_chunk_frames"].tolist()
    for name, pixels in (
        ("tiled", torch.cat(pieces, dim=2)),
        ("untiled", decoder(tensors["tiled.latent"])),
    ):
        assert_close(F.avg_pool3d(pixels, (1, 4, 4)), tensors[f"tiled.decode_{name}_pooled4"])
        assert_close(pixels[:, :, 9], tensors[f"tiled.decode_{name}_frame9"])


@requires_golden
def test_tiled_encode_gives_the_reference() -> None:
    tensors = golden("unit_video_vae")
    encoder = VideoEncoder(read_video_vae(checkpoint_config()))
    encoder.load_state_dict(published("encoder"), strict=True)
    pixels = signed(tensors["tiled.pixels_u8"])
    assert_close(encoder(pixels), tensors["tiled.encode_untiled"])
    assert_close(encode_tiled(encoder, pixels, SMALL), tensors["tiled.encode_tiled"])


@pytest.mark.parametrize("grid", [(1, 2, 2), (2, 3, 2), (3, 2, 3), (4, 3, 3)])
def test_small_videos_are_one_tile_and_equal_the_plain_call(
    grid: tuple[int, int, int], encoder: VideoEncoder, decoder: VideoDecoder
) -> None:
    latent = noise(1, 16, *grid)
    (pixels,) = decode_tiled(decoder, latent, Tiling())
    assert torch.equal(pixels, decoder(latent))
    assert torch.equal(encode_tiled(encoder, pixels, Tiling()), encoder(pixels))


def test_one_tile_equals_the_plain_call_in_bfloat16() -> None:
    decoder = VideoDecoder(config())
    fill(decoder)
    decoder.bfloat16()
    latent = noise(1, 16, 2, 2, 2).bfloat16()
    (pixels,) = decode_tiled(decoder, latent, Tiling())
    assert torch.equal(pixels, decoder(latent))


def test_single_latent_decodes_in_tiles_with_zero_padding() -> None:
    settings = config(spatial_padding_mode="zeros")
    encoder, decoder = VideoEncoder(settings), VideoDecoder(settings)
    fill(encoder)
    fill(decoder)
    (pixels,) = decode_tiled(decoder, noise(1, 16, 1, 1, 1), SMALL)
    assert pixels.shape == (1, 3, 1, 32, 32)
    assert encode_tiled(encoder, pixels, SMALL).shape == (1, 16, 1, 1, 1)


@pytest.mark.parametrize("size", range(2, 12))
@pytest.mark.parametrize("causal", [False, True])
def test_tiles_cover_every_axis_with_weights_that_add_up_to_one(size: int, causal: bool) -> None:
    for length, overlap in product(range(1, 40), range(size)):
        found = spans(length, size, overlap, 8, causal=causal)
        frames = (length - 1) * 8 + 1 if causal else length * 8
        for part, total in (("latent", torch.zeros(length)), ("pixel", torch.zeros(frames))):
            for span in found:
                total[span.latents if part == "latent" else span.pixels] += getattr(span, f"{part}_weights")
            assert torch.allclose(total, torch.ones(()), atol=1e-6), (length, overlap, part)
        assert len(found) == 1 or length > size
        assert all(later.latents.start >= earlier.latents.start for earlier, later in pairwise(found))


def test_overlaps_add_up_to_one_before_any_division() -> None:
    """A trap of the time axis: the rise is one latent longer than the fall, and both still fit."""
    fall, rise = trapezoid(57, 0, 24, from_zero=True), trapezoid(65, 25, 24, from_zero=True)
    assert torch.allclose(fall[32:] + rise[:25], torch.ones(25))


def test_first_latent_of_a_later_tile_does_not_count() -> None:
    tiles: list[Span] = layout((16, 2, 2), Tiling(), STRIDES)[0]
    assert [int(tile.latent_weights[0]) for tile in tiles] == [1, 0, 0]


def test_pieces_join_to_the_blend_of_all_tiles(decoder: VideoDecoder) -> None:
    """Three tiles share some frames here; the running sum must not lose the earliest."""
    tiling = Tiling(pixels=64, overlap_pixels=32, frames=24, overlap_frames=16)
    latent = noise(1, 16, 6, 2, 3)
    whole, weight = torch.zeros(1, 3, 41, 64, 96), torch.zeros(41, 64, 96)
    for t, r, c in product(*layout((6, 2, 3), tiling, STRIDES)):
        mask = t.pixel_weights[:, None, None] * r.pixel_weights[:, None] * c.pixel_weights
        part = decoder(latent[:, :, t.latents, r.latents, c.latents])
        whole[:, :, t.pixels, r.pixels, c.pixels] += part * mask
        weight[t.pixels, r.pixels, c.pixels] += mask
    pieces = list(decode_tiled(decoder, latent, tiling))
    assert [piece.shape[2] for piece in pieces] == [0, 8, 8, 25]
    assert_close(torch.cat(pieces, dim=2), whole / weight, 1e-6)


def test_frames_are_given_before_later_tiles_are_decoded(decoder: VideoDecoder) -> None:
    calls = []
    handle = decoder.register_forward_hook(lambda _m, _i, out: calls.append(out.shape))
    try:
        pieces = decode_tiled(decoder, noise(1, 16, 5, 2, 2), SMALL)
        assert not calls
        next(pieces)
        assert len(calls) == 1
        assert sum(piece.shape[2] for piece in pieces) == 33
    finally:
        handle.remove()


def test_conditioned_decoder_draws_tile_after_tile() -> None:
    decoder = VideoDecoder(config(timestep_conditioning=True))
    fill(decoder)
    latent = noise(1, 16, 1, 2, 2)
    (pixels,) = decode_tiled(decoder, latent, SMALL, torch.Generator().manual_seed(5))
    assert torch.equal(pixels, decoder(latent, torch.Generator().manual_seed(5)))


@pytest.mark.parametrize(
    ("tiling", "message"),
    [
        (Tiling(pixels=500), r"Tiles of 500 pixels with overlap 64 do not fit: use multiples of 32"),
        (Tiling(overlap_pixels=16), r"512 pixels with overlap 16"),
        (Tiling(frames=60), r"60 frames with overlap 24 do not fit: use multiples of 8"),
    ],
)
def test_refuses_tiles_off_the_grid(tiling: Tiling, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layout((4, 4, 4), tiling, STRIDES)


@pytest.mark.parametrize("overlap", [-8, 64, 72])
def test_refuses_overlaps_of_a_whole_tile(overlap: int) -> None:
    with pytest.raises(ValueError, match=f"64 frames with overlap {overlap} do not fit"):
        layout((4, 4, 4), Tiling(overlap_frames=overlap), STRIDES)


def test_tiled_encode_refuses_sizes_off_the_grid(encoder: VideoEncoder) -> None:
    with pytest.raises(ValueError, match="10 frames; use 9 or 17"):
        encode_tiled(encoder, clip(1, 3, 10, 64, 64), SMALL)
