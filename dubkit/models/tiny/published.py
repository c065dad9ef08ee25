"""The configurations of the published generator files, at their own sizes or at tiny ones.

Names and values are those in the metadata of the files themselves. Loaders read them from there; here they
serve to write test files in the same form, and to know a LoRA's layers when its base model is not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Generation = Literal["2", "2.3"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers in which a tiny model differs from a published one of the same generation."""

    layers: int = 3
    video_heads: tuple[int, int] = (4, 32)
    """Heads and their width."""
    audio_heads: tuple[int, int] = (4, 16)
    video_latent: int = 8
    audio_latent: int = 2
    """Channels; a token of sound has 16 times as many values, one per latent mel bin."""
    caption: int = 64
    connector_heads: tuple[int, int] = (4, 16)
    audio_connector_heads: tuple[int, int] = (4, 16)
    connector_layers: int = 2
    vae_base: int = 8
    vae_encoder_layers: tuple[int, int, int, int, int] = (1, 1, 1, 1, 1)
    vae_decoder_layers: tuple[int, ...] = (1, 1, 1, 1)
    audio_base: int = 32
    audio_multipliers: tuple[int, int, int] = (1, 2, 2)
    audio_res_blocks: int = 1
    vocoder_channels: int = 64
    extension_channels: int = 32
    upsampler_width: int = 64
    temporal_upsampler_width: int = 32
    upsampler_blocks: int = 1


TINY: dict[Generation, Sizes] = {
    "2": Sizes(),
    # The connectors' output enters the transformer as it is, so they have its widths.
    "2.3": Sizes(
        connector_heads=(4, 32),
        audio_connector_heads=(4, 16),
        vae_decoder_layers=(1, 1, 1, 1, 1),
        vocoder_channels=128,
    ),
}

PUBLISHED: dict[Generation, Sizes] = {
    "2": Sizes(
        layers=48,
        video_heads=(32, 128),
        audio_heads=(32, 64),
        video_latent=128,
        audio_latent=8,
        caption=3840,
        connector_heads=(30, 128),
        audio_connector_heads=(30, 128),
        vae_base=128,
        vae_encoder_layers=(4, 6, 6, 2, 2),
        vae_decoder_layers=(5, 5, 5, 5),
        audio_base=128,
        audio_multipliers=(1, 2, 4),
        audio_res_blocks=2,
        vocoder_channels=1024,
        upsampler_width=1024,
        temporal_upsampler_width=512,
        upsampler_blocks=4,
    ),
}
"""Sizes of the published files, as far as all of them are known."""


def checkpoint_values(sizes: Sizes, generation: Generation = "2") -> dict[str, Any]:
    """Return the JSON object that a single-file checkpoint has under `config` in its metadata."""
    return {
        "transformer": transformer_values(sizes, generation),
        "vae": _video_vae(sizes, generation),
        "audio_vae": _audio_vae(sizes),
        "vocoder": _vocoder(sizes, generation),
        "scheduler": {
            "_class_name": "RectifiedFlowScheduler",
            "num_train_timesteps": 1000,
            "shifting": None,
            "base_resolution": None,
            "target_shift_terminal": None,
            "sampler": "LinearQuadratic",
        },
    }


def transformer_values(sizes: Sizes, generation: Generation = "2") -> dict[str, Any]:
    """Return the transformer's part, which holds the text connectors' fields too."""
    video_heads, video_dim = sizes.video_heads
    audio_heads, audio_dim = sizes.audio_heads
    connector_heads, connector_dim = sizes.connector_heads
    values: dict[str, Any] = {
        "_class_name": "AVTransformer3DModel",
        "activation_fn": "gelu-approximate",
        "attention_bias": True,
        "attention_head_dim": video_dim,
        "attention_type": "default",
        "caption_channels": sizes.caption,
        "cross_attention_dim": video_heads * video_dim,
        "cross_attention_norm": True,
        "double_self_attention": False,
        "dropout": 0.0,
        "in_channels": sizes.video_latent,
        "out_channels": sizes.video_latent,
        "norm_elementwise_affine": False,
        "norm_eps": 1e-6,
        "num_attention_heads": video_heads,
        "num_embeds_ada_norm": 1000,
        "num_layers": sizes.layers,
        "num_vector_embeds": None,
        "only_cross_attention": False,
        "upcast_attention": False,
        "use_linear_projection": False,
        "qk_norm": "rms_norm",
        "standardization_norm": "rms_norm",
        "positional_embedding_type": "rope",
        "positional_embedding_theta": 10000.0,
        "positional_embedding_max_pos": [20, 2048, 2048],
        "timestep_scale_multiplier": 1000,
        "use_audio_video_cross_attention": True,
        "share_ff": False,
        "av_cross_ada_norm": True,
        "use_middle_indices_grid": True,
        "causal_temporal_positioning": True,
        "connector_norm_output": True,
        "audio_num_attention_heads": audio_heads,
        "audio_attention_head_dim": audio_dim,
        "audio_in_channels": sizes.audio_latent * 16,
        "audio_out_channels": sizes.audio_latent * 16,
        "audio_cross_attention_dim": audio_heads * audio_dim,
        "audio_positional_embedding_max_pos": [20],
        "av_ca_timestep_scale_multiplier": 1000.0,
        "rope_type": "split",
        "frequencies_precision": "float64",
        "use_embeddings_connector": True,
        "connector_attention_head_dim": connector_dim,
        "connector_num_attention_heads": connector_heads,
        "connector_num_layers": sizes.connector_layers,
        "connector_num_learnable_registers": 128,
        "connector_positional_embedding_max_pos": [4096],
    }
    return values | (_values_of_2_3(sizes) if generation == "2.3" else {})


def _values_of_2_3(sizes: Sizes) -> dict[str, Any]:
    audio_heads, audio_dim = sizes.audio_connector_heads
    return {
        "apply_gated_attention": True,
        "connector_apply_gated_attention": True,
        "cross_attention_adaln": True,
        "caption_proj_before_connector": True,
        "caption_projection_first_linear": False,
        "caption_projection_second_linear": False,
        "caption_proj_input_norm": False,
        "text_encoder_norm_type": "per_token_rms",
        "audio_connector_attention_head_dim": audio_dim,
        "audio_connector_num_attention_heads": audio_heads,
    }


def _video_vae(sizes: Sizes, generation: Generation) -> dict[str, Any]:
    e, d = sizes.vae_encoder_layers, sizes.vae_decoder_layers
    ups: list[tuple[str, dict[str, Any]]]
    if generation == "2":
        ups = [("compress_all", {"residual": True, "multiplier": 2})] * 3
    else:
        axes = (("space", 2), ("time", 2), ("all", 1), ("all", 2))
        ups = [(f"compress_{name}", {"multiplier": multiplier}) for name, multiplier in axes]
    decoder: list[list[Any]] = [["res_x", {"num_layers": d[0], "inject_noise": False}]]
    for (kind, values), layers in zip(ups, d[1:], strict=True):
        decoder += [[kind, dict(values)], ["res_x", {"num_layers": layers, "inject_noise": False}]]
    return {
        "_class_name": "CausalVideoAutoencoder",
        "dims": 3,
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": sizes.video_latent,
        "encoder_blocks": [
            ["res_x", {"num_layers": e[0]}],
            ["compress_space_res", {"multiplier": 2}],
            ["res_x", {"num_layers": e[1]}],
            ["compress_time_res", {"multiplier": 2}],
            ["res_x", {"num_layers": e[2]}],
            ["compress_all_res", {"multiplier": 2}],
            ["res_x", {"num_layers": e[3]}],
            ["compress_all_res", {"multiplier": 2}],
            ["res_x", {"num_layers": e[4]}],
        ],
        "decoder_blocks": decoder,
        "scaling_factor": 1.0,
        "norm_layer": "pixel_norm",
        "patch_size": 4,
        "latent_log_var": "uniform",
        "use_quant_conv": False,
        "causal_decoder": False,
        "timestep_conditioning": False,
        "normalize_latent_channels": False,
        "decoder_base_channels": sizes.vae_base,
        **(
            {"encoder_spatial_padding_mode": "zeros", "decoder_spatial_padding_mode": "reflect"}
            if generation == "2"
            else {"spatial_padding_mode": "zeros"}
        ),
    }


def _audio_vae(sizes: Sizes) -> dict[str, Any]:
    return {
        "model": {
            "params": {
                "sampling_rate": 16000,
                "ddconfig": {
                    "double_z": True,
                    "mel_bins": 64,
                    "z_channels": sizes.audio_latent,
                    "resolution": 256,
                    "downsample_time": False,
                    "in_channels": 2,
                    "out_ch": 2,
                    "ch": sizes.audio_base,
                    "ch_mult": list(sizes.audio_multipliers),
                    "num_res_blocks": sizes.audio_res_blocks,
                    "attn_resolutions": [],
                    "dropout": 0.0,
                    "mid_block_add_attention": False,
                    "norm_type": "pixel",
                    "causality_axis": "height",
                    "resamp_with_conv": True,
                    "attn_type": "vanilla",
                },
            }
        },
        "preprocessing": {
            "audio": {"sampling_rate": 16000, "max_wav_value": 32768.0, "duration": 5.12, "stereo": True},
            "stft": {"filter_length": 1024, "hop_length": 160, "win_length": 1024, "causal": True},
            "mel": {"n_mel_channels": 64, "mel_fmin": 0, "mel_fmax": 8000},
        },
        "variables": {"mel_bins": 64},
    }


def _vocoder(sizes: Sizes, generation: Generation) -> dict[str, Any]:
    blocks = {"resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3, "stereo": True}
    if generation == "2":
        return {
            "upsample_rates": [6, 5, 2, 2, 2],
            "upsample_kernel_sizes": [16, 15, 8, 4, 4],
            "upsample_initial_channel": sizes.vocoder_channels,
            "resblock": "1",
            **blocks,
            "output_sample_rate": 24000,
            "output_sampling_rate": 24000,
        }
    amp = {**blocks, "resblock": "AMP1", "activation": "snakebeta", "use_bias_at_final": False}
    return {
        "vocoder": {
            **amp,
            "upsample_rates": [5, 2, 2, 2, 2, 2],
            "upsample_kernel_sizes": [11, 4, 4, 4, 4, 4],
            "upsample_initial_channel": sizes.vocoder_channels,
            "use_tanh_at_final": False,
        },
        "bwe": {
            **amp,
            "upsample_rates": [6, 5, 2, 2, 2],
            "upsample_kernel_sizes": [12, 11, 4, 4, 4],
            "upsample_initial_channel": sizes.extension_channels,
            "use_tanh_at_final": False,
            "apply_final_activation": False,
            "input_sampling_rate": 16000,
            "output_sampling_rate": 48000,
            "hop_length": 80,
            "n_fft": 512,
            "num_mels": 64,
        },
    }


def upsampler_values(
    sizes: Sizes, kind: Literal["spatial", "temporal"], generation: Generation
) -> dict[str, Any]:
    """Return the flat configuration of a latent upscaler."""
    spatial = kind == "spatial"
    return {
        "_class_name": "LatentUpsampler",
        "in_channels": sizes.video_latent,
        "mid_channels": sizes.upsampler_width if spatial else sizes.temporal_upsampler_width,
        "num_blocks_per_stage": sizes.upsampler_blocks,
        "dims": 3,
        "spatial_upsample": spatial,
        "temporal_upsample": not spatial,
        "spatial_scale": 2.0,
        "rational_resampler": spatial and generation == "2",
    }
