"""Latent upsamplers against reference tensors, the published package and their own promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from dubkit.ltx.codec_config import read_upsampler
from dubkit.ltx.metadata import parse_metadata
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.upsampler import LatentUpsampler, upsample
from tests.ltx.test_video_vae import STATISTICS, fill
from tests.support.golden import GOLDEN, assert_close, checkpoint_tensors, golden, requires_golden
from tests.support.upstream import import_upstream

FILE = GOLDEN / "models" / "tiny-spatial-upscaler-x2.safetensors"

KINDS: dict[str, dict[str, Any]] = {
    "rational": {"spatial_upsample": True, "temporal_upsample": False, "rational_resampler": True},
    "plain": {"spatial_upsample": True, "temporal_upsample": False, "rational_resampler": False},
    "temporal": {"spatial_upsample": False, "temporal_upsample": True},
}


def values(kind: str, **changes: Any) -> dict[str, Any]:
    base = {"in_channels": 8, "mid_channels": 64, "num_blocks_per_stage": 2, "dims": 3, "spatial_scale": 2.0}
    return base | KINDS[kind] | changes


def tiny(kind: str) -> LatentUpsampler:
    module = LatentUpsampler(read_upsampler(values(kind)))
    fill(module, spread=0.1)
    return module


@pytest.fixture(scope="module")
def published() -> LatentUpsampler:
    with safe_open(FILE, "pt") as file:
        module = LatentUpsampler(read_upsampler(parse_metadata(file.metadata(), FILE.name)))
    module.load_state_dict(load_file(FILE), strict=True)
    return module.float()


@pytest.fixture(scope="module")
def statistics() -> ChannelStatistics:
    shared = checkpoint_tensors("vae.per_channel_statistics.")
    module = ChannelStatistics(8)
    module.load_state_dict({name: shared[name] for name in STATISTICS}, strict=True)
    return module


@requires_golden
def test_gives_the_reference(published: LatentUpsampler, statistics: ChannelStatistics) -> None:
    tensors = golden("unit_upsampler")
    assert_close(published(tensors["latent"]), tensors["raw"])
    assert_close(upsample(tensors["latent"], published, statistics), tensors["with_statistics"])


@requires_golden
def test_gives_the_second_stage_of_the_dub(published: LatentUpsampler, statistics: ChannelStatistics) -> None:
    tensors = golden("e2e_justdubit")
    upsampled = upsample(tensors["stage1.final_video_latent"], published, statistics)
    assert_close(upsampled, tensors["upsampled_latent"])


@pytest.mark.parametrize("kind", KINDS)
def test_equals_ltx_core(kind: str) -> None:
    upstream = import_upstream("ltx_core.model.upsampler")
    ours = tiny(kind)
    theirs = upstream.LatentUpsamplerConfigurator.from_config(values(kind))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    latent = torch.randn(2, 8, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert_close(ours(latent), theirs(latent), 1e-6)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("rational", (1, 8, 3, 4, 10)), ("plain", (1, 8, 3, 4, 10)), ("temporal", (1, 8, 5, 2, 5))],
)
def test_doubles_space_or_time(kind: str, shape: tuple[int, ...]) -> None:
    assert tiny(kind)(torch.zeros(1, 8, 3, 2, 5)).shape == shape


@pytest.mark.parametrize(("kind", "generation"), [("rational", "19B"), ("plain", "2.3"), ("temporal", None)])
def test_kind_tells_the_generation_of_the_model(kind: str, generation: str | None) -> None:
    assert read_upsampler(values(kind)).generation == generation


def test_works_in_the_scale_of_the_autoencoder() -> None:
    model, statistics = tiny("plain"), ChannelStatistics(8)
    fill(statistics)
    latent = torch.randn(1, 8, 2, 2, 2)
    expected = statistics.normalize(model(statistics.un_normalize(latent)))
    assert torch.equal(upsample(latent, model, statistics), expected)
    assert not torch.allclose(model(latent), expected, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 16, 2, 2, 2), (8, 2, 2, 2)])
def test_refuses_other_channels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"8 channels.*not \("):
        tiny("plain")(torch.zeros(shape))


@pytest.mark.parametrize(
    "changes",
    [{"temporal_upsample": True}, {"spatial_upsample": False}, {"spatial_scale": 1.5}, {"dims": 2}],
)
def test_refuses_other_kinds(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Only upsamplers that double space or time"):
        LatentUpsampler(read_upsampler(values("rational", **changes)))


def test_modules_are_built_without_memory() -> None:
    with torch.device("meta"):
        module = LatentUpsampler(read_upsampler(values("rational")))
    assert all(tensor.is_meta for tensor in module.state_dict().values())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_any_float_dtype_passes_through(dtype: torch.dtype) -> None:
    model = tiny("rational").to(dtype)
    assert model(torch.zeros(1, 8, 1, 2, 2, dtype=dtype)).dtype == dtype
