"""Attention kernels agree, and masked rows are exactly empty."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from dubkit.ltx.attention import (
    Attention,
    FeedForward,
    Projection,
    attend,
    flash3_available,
    project_pair,
    rms,
)
from dubkit.ltx.rope import RopeSpec
from tests.support.golden import assert_close, checkpoint_tensors, golden, requires_golden


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def qkv() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return draw(2, 9, 4, 8, seed=1), draw(2, 13, 4, 8, seed=2), draw(2, 13, 4, 8, seed=3)


@pytest.mark.parametrize("masked", [False, True])
def test_kernels_agree(masked: bool) -> None:
    mask = torch.zeros(9, 13)
    mask[:, 5:] = float("-inf")
    fast = attend(*qkv(), mask if masked else None, "sdpa")
    plain = attend(*qkv(), mask if masked else None, "math")
    assert fast.shape == (2, 9, 32)
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", ["auto", "sdpa", "math"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_query_that_sees_nothing_gets_exactly_zero(kernel: str, dtype: torch.dtype) -> None:
    mask = torch.zeros(9, 13, dtype=dtype)
    mask[4] = float("-inf")
    out = attend(*(x.to(dtype) for x in qkv()), mask, kernel)  # type: ignore[arg-type]
    assert torch.equal(out[:, 4], torch.zeros(2, 32, dtype=dtype))
    assert torch.isfinite(out).all()


def test_flash3_refuses_masks() -> None:
    with pytest.raises(ValueError, match="takes no attention mask"):
        attend(*qkv(), torch.zeros(9, 13), "flash3")


@pytest.mark.skipif(flash3_available(), reason="FlashAttention-3 is installed here")
def test_flash3_that_is_absent_is_named() -> None:
    with pytest.raises(ValueError, match="flash_attn_interface"):
        attend(*qkv(), None, "flash3")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
def test_rms_equals_the_library_also_where_eps_matters(dtype: torch.dtype, scale: float) -> None:
    x, weight = (draw(3, 5, 64) * scale).to(dtype), draw(64, seed=4).to(dtype)
    rtol = 1e-2 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(rms(x, 1e-6, weight), F.rms_norm(x, (64,), weight, 1e-6), rtol=rtol, atol=1e-6)
    torch.testing.assert_close(rms(x, 1e-6), F.rms_norm(x, (64,), None, 1e-6), rtol=rtol, atol=1e-6)


def attention(gated: bool = False) -> Attention:
    torch.manual_seed(0)
    return Attention(32, 32, 4, 8, 1e-6, gated).requires_grad_(False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_pair_in_one_buffer_equals_two_projections(dtype: torch.dtype) -> None:
    layer = attention().to(dtype)
    rotation = RopeSpec(4, 8, (20.0,), 10000.0, "split", True).tables(
        torch.arange(5.0)[None, None], torch.float32
    )
    x, y = draw(1, 5, 32).to(dtype), draw(1, 5, 32, seed=1).to(dtype)
    pair = project_pair(
        Projection(x, layer.to_q, layer.q_norm), Projection(y, layer.to_k, layer.k_norm), 4, 1e-6, rotation
    )
    for found, (linear, norm, tokens) in zip(
        pair, ((layer.to_q, layer.q_norm, x), (layer.to_k, layer.k_norm, y)), strict=True
    ):
        alone = rotation.apply(norm(linear(tokens)).unflatten(-1, (4, 8)))
        torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-6)


def test_another_sequence_is_attended_as_by_the_plain_formula() -> None:
    layer = attention()
    x, context = draw(1, 5, 32), draw(1, 7, 32, seed=1)
    q, k = layer.q_norm(layer.to_q(x)), layer.k_norm(layer.to_k(context))
    heads = (t.unflatten(-1, (4, 8)) for t in (q, k, layer.to_v(context)))
    expected = layer.to_out[0](attend(*heads, None, "math"))
    torch.testing.assert_close(layer(x, layer.keys_values(context)), expected, rtol=1e-5, atol=1e-6)


def test_gates_multiply_each_head_by_twice_a_sigmoid() -> None:
    layer = attention(gated=True)
    x = draw(1, 5, 32)
    layer.to_gate_logits.weight.zero_()  # type: ignore[union-attr, operator]
    layer.to_gate_logits.bias.zero_()  # type: ignore[union-attr, operator]
    plain = attention()
    plain.load_state_dict({k: v for k, v in layer.state_dict().items() if "gate" not in k})
    torch.testing.assert_close(layer(x), plain(x))
    layer.to_gate_logits.bias.fill_(-100.0)  # type: ignore[union-attr, operator]
    torch.testing.assert_close(layer(x), layer.to_out[0].bias.expand(1, 5, 32))


def test_values_only_is_attention_to_oneself() -> None:
    layer = attention()
    x = draw(1, 1, 32)
    torch.testing.assert_close(layer.values_only(x), layer(x), rtol=1e-5, atol=1e-6)


@requires_golden
def test_layers_equal_the_reference() -> None:
    stored, rope = golden("unit_transformer"), golden("unit_rope")
    layer = Attention(128, 128, 4, 32, 1e-6)
    layer.load_state_dict(checkpoint_tensors("model.diffusion_model.transformer_blocks.0.attn1."))
    spec = RopeSpec(4, 32, (20.0, 2048.0, 2048.0), 10000.0, "split", True)
    rotation = spec.tables(rope["positions_video"].mean(-1), torch.float32)
    with torch.no_grad():
        assert_close(layer(stored["attn.q_in"], rotation=rotation), stored["attn.block0_attn1"])
        ff = FeedForward(128)
        ff.load_state_dict(checkpoint_tensors("model.diffusion_model.transformer_blocks.0.ff."))
        assert_close(ff(stored["attn.q_in"]), stored["ff.block0"])
