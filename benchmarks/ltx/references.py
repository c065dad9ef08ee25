"""The published packages' transformers with the weights of ours, where somebody has installed them.

`pip install --no-deps ltx-core==1.0.0 diffusers==0.37.0`; both need einops, requests and Pillow besides.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.ltx.models import Inputs, Size

DIFFUSERS_NAMES = (
    ("audio_patchify_proj", "audio_proj_in"),
    ("patchify_proj", "proj_in"),
    ("av_ca_video_scale_shift_adaln_single", "av_cross_attn_video_scale_shift"),
    ("av_ca_audio_scale_shift_adaln_single", "av_cross_attn_audio_scale_shift"),
    ("av_ca_a2v_gate_adaln_single", "av_cross_attn_video_a2v_gate"),
    ("av_ca_v2a_gate_adaln_single", "av_cross_attn_audio_v2a_gate"),
    ("adaln_single", "time_embed"),
    ("scale_shift_table_a2v_ca_video", "video_a2v_cross_attn_scale_shift_table"),
    ("scale_shift_table_a2v_ca_audio", "audio_a2v_cross_attn_scale_shift_table"),
    ("q_norm", "norm_q"),
    ("k_norm", "norm_k"),
)
"""Published names and those of diffusers, in the order in which they are replaced."""


def import_reference(name: str) -> Any:
    """Import a module of ltx-core (with an empty stand-in for torchaudio) or diffusers.

    Raises:
        ImportError: the package is not installed.
    """
    for stub in ("torchaudio", "torchaudio.transforms", "torchaudio.functional"):
        if stub not in sys.modules and importlib.util.find_spec(stub.split(".")[0]) is None:
            module = ModuleType(stub)
            module.__spec__ = ModuleSpec(stub, None)
            sys.modules[stub] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def reference(size: Size, weights: dict[str, Tensor], *, newer: bool = False) -> nn.Module:
    """Return ltx-core's transformer with the given weights."""
    module = import_reference("ltx_core.model.transformer")
    model: nn.Module = module.LTXModelConfigurator.from_config(size.published(newer=newer))
    model.to_empty(device="cpu")
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def run_reference(
    model: nn.Module, inputs: Inputs, sigma: float, audio_sigma: float | None = None
) -> tuple[Tensor, Tensor]:
    """Run ltx-core's transformer (generation B, which knows no masks between the streams)."""
    module = import_reference("ltx_core.model.transformer")
    perturbations = import_reference("ltx_core.guidance.perturbations")
    audio_sigma = sigma if audio_sigma is None else audio_sigma
    video = module.Modality(
        enabled=True,
        latent=inputs.video,
        sigma=torch.tensor([sigma]),
        timesteps=(inputs.video_mask * sigma)[None, :, None],
        positions=inputs.video_positions,
        context=inputs.video_text,
        context_mask=None,
    )
    audio = module.Modality(
        enabled=True,
        latent=inputs.audio,
        sigma=torch.tensor([audio_sigma]),
        timesteps=(inputs.audio_mask * audio_sigma)[None, :, None],
        positions=inputs.audio_positions,
        context=inputs.audio_text,
        context_mask=None,
    )
    result: tuple[Tensor, Tensor] = model(video, audio, perturbations.BatchedPerturbationConfig.empty(1))
    return result


def diffusers_model(size: Size, weights: dict[str, Tensor]) -> nn.Module:
    """Return the transformer of diffusers with the given weights; its 0.37 is generation A."""
    module = import_reference("diffusers.models.transformers.transformer_ltx2")
    video, audio = size.heads * size.video_head_dim, size.heads * size.audio_head_dim
    model: nn.Module = module.LTX2VideoTransformer3DModel(
        in_channels=size.channels,
        out_channels=size.channels,
        num_attention_heads=size.heads,
        attention_head_dim=size.video_head_dim,
        cross_attention_dim=video,
        audio_in_channels=size.channels,
        audio_out_channels=size.channels,
        audio_num_attention_heads=size.heads,
        audio_attention_head_dim=size.audio_head_dim,
        audio_cross_attention_dim=audio,
        num_layers=size.layers,
        caption_channels=video,
        rope_type="split",
    )
    renamed = {}
    for name, tensor in weights.items():
        for ours, theirs in DIFFUSERS_NAMES:
            if ours in name:
                name = name.replace(ours, theirs)
                if ours.endswith("adaln_single"):
                    break
        renamed[name] = tensor
    model.load_state_dict(renamed)
    return model.eval().requires_grad_(False)


def run_diffusers(model: nn.Module, inputs: Inputs, sigma: float) -> tuple[Tensor, Tensor]:
    """Run the transformer of diffusers with one noise level for each token."""
    result: tuple[Tensor, Tensor] = model(
        hidden_states=inputs.video,
        audio_hidden_states=inputs.audio,
        encoder_hidden_states=inputs.video_text,
        audio_encoder_hidden_states=inputs.audio_text,
        timestep=(inputs.video_mask * sigma * 1000)[None],
        audio_timestep=(inputs.audio_mask * sigma * 1000)[None],
        video_coords=inputs.video_positions,
        audio_coords=inputs.audio_positions,
        return_dict=False,
    )
    return result
