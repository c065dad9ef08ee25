"""The video autoencoder against reference tensors, the published package and its own promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dubkit.dubbing.clip.pixels import cover, to_signed
from dubkit.ltx.codec_config import VideoVAEConfig, read_video_vae
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.tiling import Tiling, encode_tiled
from dubkit.ltx.video_layers import depth_to_space, normalized, space_to_depth
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder, patchify, to_uint8, unpatchify
from tests.support.golden import assert_close, checkpoint_config, checkpoint_tensors, golden, requires_golden
from tests.support.upstream import import_upstream

STATISTICS = ("mean-of-means", "std-of-means")

# The block lists of the two released generations, one res block each, at tiny width.
ENCODER = [
    ["res_x", {"num_layers": 1}],
    ["compress_space_res", {"multiplier": 2}],
    ["res_x", {"num_layers": 2}],
    ["compress_time_res", {"multiplier": 2}],
    ["compress_all_res", {"multiplier": 2}],
    ["compress_all_res", {}],
    ["res_x", {"num_layers": 1}],
]
DECODER_19B = [
    ["res_x", {"num_layers": 1}],
    *[
        ["compress_all", {"residual": True, "multiplier": 2}],
        ["res_x", {"num_layers": 1}],
    ]
    * 3,
]
DECODER_23 = [
    ["res_x", {"num_layers": 1}],
    ["compress_space", {"multiplier": 2}],
    ["res_x", {"num_layers": 1}],
    ["compress_time", {"multiplier": 2}],
    ["compress_all", {}],
    ["res_x", {"num_layers": 2}],
    ["compress_all", {"multiplier": 2}],
]
PLAIN_ENCODER = [
    ["compress_space", {}],
    ["compress_time", {}],
    ["res_x", 1],
    ["compress_all", {"multiplier": 2}],
]


def values(**changes: Any) -> dict[str, Any]:
    """A tiny configuration in the file's own form."""
    base = {
        "dims": 3,
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 16,
        "patch_size": 4,
        "norm_layer": "pixel_norm",
        "latent_log_var": "uniform",
        "encoder_blocks": ENCODER,
        "decoder_blocks": DECODER_19B,
        "decoder_base_channels": 4,
        "causal_decoder": False,
        "timestep_conditioning": False,
    }
    return {"vae": base | changes}


def config(**changes: Any) -> VideoVAEConfig:
    return read_video_vae(values(**changes))


def fill(module: nn.Module, seed: int = 0, spread: float = 0.05) -> None:
    """Give every tensor seeded values, by sorted name."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(module.state_dict(keep_vars=True).items()):
        with torch.no_grad():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * spread)
            if name.endswith("std-of-means"):
                tensor.abs_().add_(0.5)
            if name == "timestep_scale_multiplier":
                tensor.fill_(1000)


def published(part: str) -> dict[str, Tensor]:
    """The tensors of `encoder` or `decoder` under their published names, statistics included."""
    tensors = checkpoint_tensors(f"vae.{part}.")
    shared = checkpoint_tensors("vae.per_channel_statistics.")
    return tensors | {f"per_channel_statistics.{name}": shared[name] for name in STATISTICS}


@pytest.fixture(scope="module")
def encoder() -> VideoEncoder:
    module = VideoEncoder(read_video_vae(checkpoint_config()))
    module.load_state_dict(published("encoder"), strict=True)
    return module


@pytest.fixture(scope="module")
def decoder() -> VideoDecoder:
    module = VideoDecoder(read_video_vae(checkpoint_config()))
    module.load_state_dict(published("decoder"), strict=True)
    return module


@pytest.fixture
def stages() -> Iterator[Any]:
    """Record what the published submodules give: `stages(module)` returns the growing record."""
    handles = []

    def record(module: nn.Module) -> dict[str, Tensor]:
        seen: dict[str, Tensor] = {}
        for name, part in module.named_modules():
            if name in ("conv_in", "conv_out") or name.split(".")[:-1] in (["down_blocks"], ["up_blocks"]):
                handles.append(part.register_forward_hook(lambda _m, _i, out, n=name: seen.update({n: out})))
        return seen

    yield record
    for handle in handles:
        handle.remove()


def signed(pixels: Tensor) -> Tensor:
    return pixels.float()[None] / 127.5 - 1


@requires_golden
def test_encoder_gives_the_reference_at_every_stage(encoder: VideoEncoder, stages: Any) -> None:
    tensors = golden("unit_video_vae")
    seen = stages(encoder)
    latent = encoder(signed(tensors["encode.pixels_u8"]))
    names = [name.removeprefix("encode.") for name in tensors if name.startswith("encode.")]
    assert set(seen) == set(names) - {"pixels_u8", "latent"}
    for name, out in seen.items():
        assert_close(out, tensors[f"encode.{name}"])
    assert_close(latent, tensors["encode.latent"])


@requires_golden
def test_one_frame_encodes_as_the_reference(encoder: VideoEncoder) -> None:
    tensors = golden("unit_video_vae")
    assert_close(encoder(tensors["encode1.pixels"]), tensors["encode1.latent"])


@requires_golden
def test_decoder_gives_the_reference_at_every_stage(decoder: VideoDecoder, stages: Any) -> None:
    tensors = golden("unit_video_vae")
    seen = stages(decoder)
    pixels = decoder(tensors["decode.latent"])
    assert_close(seen.pop("conv_out")[:, :, 4], tensors["decode.conv_out.frame4"])
    assert len(seen) == 8
    for name, out in seen.items():
        assert_close(out, tensors[f"decode.{name}"])
    assert_close(pixels, tensors["decode.pixels"])


@requires_golden
def test_statistics_give_the_reference(decoder: VideoDecoder) -> None:
    tensors, statistics = golden("unit_video_vae"), decoder.per_channel_statistics
    assert_close(statistics.un_normalize(tensors["decode.latent"]), tensors["stats.un_normalize"])
    assert_close(statistics.normalize(tensors["decode.latent"]), tensors["stats.normalize"])


SIZES = {1: (96, 128), 2: (192, 256)}


@requires_golden
@pytest.mark.parametrize("stage", SIZES)
def test_dub_encodes_its_first_frame_as_the_reference(encoder: VideoEncoder, stage: int) -> None:
    pixels = to_signed(cover(golden("e2e_media")["image_after_crf"][None], *SIZES[stage]))
    assert_close(encoder(pixels), golden("e2e_justdubit")[f"stage{stage}.image_latent"])


@requires_golden
@pytest.mark.parametrize("stage", SIZES)
def test_dub_encodes_its_clip_as_the_reference(encoder: VideoEncoder, stage: int) -> None:
    pixels = to_signed(cover(golden("e2e_media")["clip_frames"][:25], *SIZES[stage]))
    latent = encode_tiled(encoder, pixels, Tiling())
    assert_close(latent, golden("e2e_justdubit")[f"stage{stage}.ref_video_latent"])


@requires_golden
def test_dub_decodes_its_latent_to_the_reference_frames(decoder: VideoDecoder) -> None:
    media = golden("e2e_media")
    pixels = decoder(golden("e2e_justdubit")["stage2.final_video_latent"])
    assert_close(pixels[:, :, :1, 32:128, 32:160], media["output_frame0_float_crop"])
    assert_close(nn.functional.avg_pool3d(pixels, (1, 8, 8)), media["output_pooled8"])
    frames = to_uint8(pixels)[0, [8, 24]]
    difference = (frames.int() - media["output_frames_u8"].int()).abs()
    assert difference.max() <= 1  # A value on the edge of two bytes may fall to either side.
    assert (difference > 0).float().mean() < 1e-4


CASES: dict[str, dict[str, Any]] = {
    "19B": {"encoder_spatial_padding_mode": "zeros", "decoder_spatial_padding_mode": "reflect"},
    "2.3": {"decoder_blocks": DECODER_23, "spatial_padding_mode": "zeros"},
    "reflect both": {"spatial_padding_mode": "reflect", "causal_decoder": True},
    "replicate": {"spatial_padding_mode": "replicate", "decoder_blocks": DECODER_23},
    "plain encoder": {"encoder_blocks": PLAIN_ENCODER, "spatial_padding_mode": "zeros"},
}


@pytest.mark.parametrize("case", CASES)
def test_encoder_equals_ltx_core(case: str) -> None:
    upstream = import_upstream("ltx_core.model.video_vae")
    ours = VideoEncoder(config(**CASES[case]))
    fill(ours)
    theirs = upstream.VideoEncoderConfigurator.from_config(values(**CASES[case]))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    pixels = torch.rand(2, 3, 17, 64, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        assert_close(ours(pixels), theirs(pixels), 1e-6)


@pytest.mark.parametrize("conditioned", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_decoder_equals_ltx_core(case: str, conditioned: bool) -> None:
    upstream = import_upstream("ltx_core.model.video_vae")
    changes = CASES[case] | {"timestep_conditioning": conditioned}
    ours = VideoDecoder(config(**changes))
    fill(ours)
    theirs = upstream.VideoDecoderConfigurator.from_config(values(**changes))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    latent = torch.randn(1, 16, 3, 2, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(latent, None, torch.Generator().manual_seed(7))
    assert_close(ours(latent, torch.Generator().manual_seed(7)), expected, 1e-6)


def test_sizes_follow_from_the_block_lists() -> None:
    encoder, decoder = VideoEncoder(config()), VideoDecoder(config(decoder_blocks=DECODER_23))
    fill(encoder)
    fill(decoder)
    assert encoder.strides == decoder.strides == (8, 32, 32)
    latent = encoder(torch.zeros(1, 3, 9, 64, 96))
    assert latent.shape == (1, 16, 2, 2, 3)
    assert decoder(latent).shape == (1, 3, 9, 64, 96)


def test_encoder_does_not_look_ahead() -> None:
    encoder = VideoEncoder(config())
    fill(encoder)
    pixels = torch.rand(1, 3, 17, 64, 64, generator=torch.Generator().manual_seed(1))
    latent = encoder(pixels)
    pixels[:, :, 9:] = 0
    assert torch.equal(encoder(pixels)[:, :, :2], latent[:, :, :2])
    assert_close(encoder(pixels[:, :, :1]), latent[:, :, :1])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 8, 64, 64), r"8 frames; use 1 or 9 \(a multiple of 8 plus 1\)"),
        ((1, 3, 9, 70, 64), r"70 rows; use 64 or 96 \(a multiple of 32\)"),
        ((1, 3, 9, 64, 31), r"31 columns; use 32 \("),
        ((1, 3, 0, 64, 64), r"0 frames; use 1 \("),
        ((1, 3, 9, 0, 64), r"0 rows; use 32 \("),
        ((1, 4, 9, 64, 64), r"3 channels, frames, rows, columns\), not \(1, 4, 9, 64, 64\)"),
        ((3, 9, 64, 64), r"not \(3, 9, 64, 64\)"),
    ],
)
def test_encoder_refuses_sizes_off_the_grid(shape: tuple[int, ...], message: str) -> None:
    encoder = VideoEncoder(config())
    with pytest.raises(ValueError, match=message):
        encoder(torch.zeros(shape))


def test_decoder_refuses_other_channels() -> None:
    with pytest.raises(ValueError, match=r"16 channels.*not \(1, 8, 2, 2, 2\)"):
        VideoDecoder(config())(torch.zeros(1, 8, 2, 2, 2))


@pytest.mark.parametrize("rows_columns", [(1, 4), (4, 1)])
def test_mirrored_edges_need_two_latents(rows_columns: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"at least 2 of each"):
        VideoDecoder(config())(torch.zeros(1, 16, 2, *rows_columns))
    mirrored = VideoEncoder(config(spatial_padding_mode="reflect"))
    with pytest.raises(ValueError, match=r"at least 2 of each"):
        mirrored(torch.zeros(1, 3, 1, 32 * rows_columns[0], 32 * rows_columns[1]))


def test_zero_padding_takes_one_latent() -> None:
    decoder = VideoDecoder(config(spatial_padding_mode="zeros"))
    fill(decoder)
    assert decoder(torch.zeros(1, 16, 1, 1, 1)).shape == (1, 3, 1, 32, 32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_blocks": [["attn_res_x", {"num_layers": 1}]]}, r"encoder_blocks has a 'attn_res_x'"),
        ({"decoder_blocks": [["compress_all_res", {}]]}, r"decoder_blocks has a 'compress_all_res'"),
        ({"decoder_blocks": [["compress_all", {"multiplier": 3}]]}, r"multiplier 3 does not fit 32 channels"),
        ({"encoder_blocks": [["compress_time_res", {"multiplier": 4}]]}, r"multiplier 4 does not fit 16"),
        ({"encoder_blocks": [["res_x", {}]]}, r"res_x in vae.encoder_blocks without num_layers"),
        ({"decoder_blocks": [["res_x", {"num_layers": 1, "inject_noise": True}]]}, r"inject_noise"),
        ({"latent_log_var": "per_channel"}, r"vae.latent_log_var is 'per_channel'; only 'uniform'"),
        ({"norm_layer": "group_norm"}, r"vae.norm_layer is 'group_norm'"),
        ({"spatial_padding_mode": "circular"}, r"spatial_padding_mode is 'circular'"),
    ],
)
def test_refuses_configurations_that_are_not_implemented(changes: dict[str, Any], message: str) -> None:
    def build() -> None:
        read = config(**changes)
        VideoEncoder(read)
        VideoDecoder(read)

    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_float_dtype_passes_through(dtype: torch.dtype) -> None:
    settings = config(timestep_conditioning=True)
    encoder, decoder = VideoEncoder(settings), VideoDecoder(settings)
    fill(encoder)
    fill(decoder)
    pixels = torch.rand(1, 3, 9, 64, 64, generator=torch.Generator().manual_seed(1))
    single = encoder(pixels)
    latent = encoder.to(dtype)(pixels.to(dtype))
    assert latent.dtype == dtype
    assert_close(latent.float(), single, 0.05)
    assert decoder.to(dtype)(latent).dtype == dtype


def test_modules_are_built_without_memory() -> None:
    with torch.device("meta"):
        modules = (VideoEncoder(config()), VideoDecoder(config(timestep_conditioning=True)))
    assert all(t.is_meta for module in modules for t in module.state_dict().values())


def test_published_sizes_of_19b() -> None:
    """694.10 M and 528.38 M values: the size of the published file of the autoencoder alone."""

    def layers(counts: list[int], kinds: list[str], **more: Any) -> list[Any]:
        blocks: list[Any] = [["res_x", {"num_layers": counts[0]}]]
        for kind, count in zip(kinds, counts[1:], strict=True):
            blocks += [[kind, {"multiplier": 2, **more}], ["res_x", {"num_layers": count}]]
        return blocks

    down = [f"compress_{name}_res" for name in ("space", "time", "all", "all")]
    full = config(
        latent_channels=128,
        decoder_base_channels=128,
        encoder_blocks=layers([4, 6, 6, 2, 2], down),
        decoder_blocks=layers([5, 5, 5, 5], ["compress_all"] * 3, residual=True),
    )
    with torch.device("meta"):
        sizes = [sum(p.numel() for p in m.parameters()) for m in (VideoEncoder(full), VideoDecoder(full))]
    assert [round(size / 1e6, 2) for size in sizes] == [694.10, 528.38]


def test_patches_put_the_column_before_the_row() -> None:
    pixels = torch.arange(2 * 4 * 8.0).view(1, 2, 1, 4, 8)
    patches = patchify(pixels, 4)
    assert patches.shape == (1, 32, 1, 1, 2)
    # Channel 1, column offset 2, row offset 3 of the second patch.
    assert patches[0, 16 + 2 * 4 + 3, 0, 0, 1] == pixels[0, 1, 0, 3, 4 + 2]
    assert torch.equal(unpatchify(patches, 4), pixels)


def test_space_moves_into_channels_in_order_time_row_column() -> None:
    x = torch.arange(2 * 4 * 4 * 6.0).view(1, 2, 4, 4, 6)
    moved = space_to_depth(x, (2, 2, 2))
    assert moved[0, 1 * 8 + 1 * 4 + 0 * 2 + 1, 1, 0, 2] == x[0, 1, 3, 0, 5]
    assert torch.equal(depth_to_space(moved, (2, 2, 2)), x[:, :, 1:])
    assert torch.equal(depth_to_space(space_to_depth(x, (1, 2, 2)), (1, 2, 2)), x)


def test_pixel_norm_has_its_own_epsilon() -> None:
    x = torch.full((1, 4, 1, 1, 1), 1e-4)
    assert_close(normalized(x), nn.functional.silu(x / (1e-8 + 1e-8) ** 0.5))


def test_bytes_are_cut_off_not_rounded() -> None:
    pixels = torch.tensor([-2.0, -1.0, 0.0, 0.999, 1.0, 3.0]).view(1, 1, 1, 1, 6).expand(1, 3, 1, 1, 6)
    frames = to_uint8(pixels)
    assert frames.shape == (1, 1, 1, 6, 3)
    assert frames.is_contiguous()
    assert frames[0, 0, 0, :, 0].tolist() == [0, 0, 127, 254, 255, 255]


def test_statistics_reach_any_axis() -> None:
    statistics = ChannelStatistics(3)
    fill(statistics)
    x = torch.randn(2, 5, 3)
    assert torch.equal(statistics.normalize(x, -1), statistics.normalize(x.transpose(1, 2)).transpose(1, 2))
    assert_close(statistics.un_normalize(statistics.normalize(x, -1), -1), x, 1e-6)


def test_keys_decide_where_conditioning_is_not_stated() -> None:
    stated = values()
    del stated["vae"]["timestep_conditioning"]
    assert not read_video_vae(json.loads(json.dumps(stated))).timestep_conditioning
    keys = frozenset({"vae.decoder.last_scale_shift_table"})
    assert read_video_vae(stated, keys).timestep_conditioning
