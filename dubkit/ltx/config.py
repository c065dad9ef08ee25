"""What a checkpoint says about itself: sizes and variants, read from the JSON in the file's metadata.

Nothing is guessed: where the original's code has a default that is wrong for the released files, a
missing key is an error. One reader serves LTX-2 (19B) and LTX-2.3; they differ only in these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dubkit.ltx.codec_config import (
    AudioVAEConfig,
    VideoVAEConfig,
    VocoderConfig,
    read_audio_vae,
    read_video_vae,
    read_vocoder,
)
from dubkit.ltx.metadata import Section, parse_metadata

RopeKind = Literal["split", "interleaved"]

FIXED: dict[str, object] = {
    "dropout": 0.0,
    "attention_bias": True,
    "num_vector_embeds": None,
    "activation_fn": "gelu-approximate",
    "num_embeds_ada_norm": 1000,
    "use_linear_projection": False,
    "only_cross_attention": False,
    "cross_attention_norm": True,
    "double_self_attention": False,
    "upcast_attention": False,
    "standardization_norm": "rms_norm",
    "norm_elementwise_affine": False,
    "qk_norm": "rms_norm",
    "positional_embedding_type": "rope",
    "use_audio_video_cross_attention": True,
    "share_ff": False,
    "av_cross_ada_norm": True,
    "use_middle_indices_grid": True,
}
"""Transformer fields for which one value is implemented; every released file has these."""
RMS_TEXT = "per_token_rms"
V2_ABSENT = ("caption_projection_first_linear", "caption_projection_second_linear", "caption_proj_input_norm")
"""Parts of the 2.3 text path that no released file has."""


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """One of the two token streams of the transformer, picture or sound."""

    heads: int
    head_dim: int
    in_channels: int
    out_channels: int
    max_positions: tuple[float, ...]
    """Where a rotary angle completes its range, per axis: seconds, then pixel rows and columns."""

    @property
    def width(self) -> int:
        return self.heads * self.head_dim


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """The joint picture and sound transformer."""

    layers: int
    video: StreamConfig
    audio: StreamConfig
    caption_channels: int
    norm_eps: float
    theta: float
    rope: RopeKind
    float64_grid: bool
    """Whether the rotary frequency grid is computed in float64 before it is rounded to float32."""
    timestep_scale: float
    av_gate_timestep_scale: float
    """What noise levels are multiplied with for the gates of the cross-modal attentions."""
    gated_attention: bool = False
    text_modulation: bool = False
    """LTX-2.3: nine AdaLN rows, and the text's keys and values depend on the noise level."""
    caption_projection: bool = True


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """One of the two small transformers between the text features and the main transformer."""

    heads: int
    head_dim: int
    layers: int
    registers: int
    max_position: float
    rope: RopeKind
    float64_grid: bool
    theta: float = 10000.0
    """A constant of the connectors, whatever the main transformer's is."""
    gated_attention: bool = False

    @property
    def width(self) -> int:
        return self.heads * self.head_dim


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How text features are made of the encoder's hidden states: V1 (19B) or V2 (2.3)."""

    version: Literal[1, 2]
    video: ConnectorConfig
    audio: ConnectorConfig


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """Everything a single-file checkpoint holds."""

    transformer: TransformerConfig
    text: TextConfig
    video_vae: VideoVAEConfig
    audio_vae: AudioVAEConfig
    vocoder: VocoderConfig
    version: str
    """The file's `model_version`; empty for LTX-2 (19B), which has none."""


def read_transformer(values: Mapping[str, Any]) -> TransformerConfig:
    """Read the transformer from the checkpoint's configuration."""
    s = Section(values.get("transformer"), "transformer")
    for key, only in FIXED.items():
        if s.need(key) != only:
            raise ValueError(f"transformer.{key} is {s.values[key]!r}; only {only!r} is implemented.")
    return TransformerConfig(
        layers=s.need("num_layers"),
        video=StreamConfig(
            heads=s.need("num_attention_heads"),
            head_dim=s.need("attention_head_dim"),
            in_channels=s.need("in_channels"),
            out_channels=s.need("out_channels"),
            max_positions=tuple(s.need("positional_embedding_max_pos")),
        ),
        audio=StreamConfig(
            heads=s.need("audio_num_attention_heads"),
            head_dim=s.need("audio_attention_head_dim"),
            in_channels=s.need("audio_in_channels"),
            out_channels=s.need("audio_out_channels"),
            max_positions=tuple(s.need("audio_positional_embedding_max_pos")),
        ),
        caption_channels=s.get("caption_channels", 3840),
        norm_eps=s.get("norm_eps", 1e-6),
        theta=s.need("positional_embedding_theta"),
        rope=s.choice("rope_type", s.need("rope_type"), ("split", "interleaved")),
        float64_grid=s.need("frequencies_precision") == "float64",
        timestep_scale=s.need("timestep_scale_multiplier"),
        av_gate_timestep_scale=s.need("av_ca_timestep_scale_multiplier"),
        gated_attention=bool(s.get("apply_gated_attention", False)),
        text_modulation=bool(s.get("cross_attention_adaln", False)),
        caption_projection=not s.get("caption_proj_before_connector", False),
    )


def read_text(values: Mapping[str, Any]) -> TextConfig:
    """Read the text path, whose fields lie among the transformer's."""
    s = Section(values.get("transformer"), "transformer")
    version: Literal[1, 2] = 2 if s.get("caption_proj_before_connector", False) else 1
    if version == 2:
        s.choice("text_encoder_norm_type", s.get("text_encoder_norm_type", RMS_TEXT), (RMS_TEXT,))
        for key in V2_ABSENT:
            if s.get(key, False):
                raise ValueError(f"transformer.{key} is {s.values[key]!r}; only False is implemented.")
    positions = s.need("connector_positional_embedding_max_pos")
    if len(positions) != 1:
        raise ValueError(
            f"{s.name}.connector_positional_embedding_max_pos is {positions!r}; text has one axis."
        )

    def connector(modality: str) -> ConnectorConfig:
        def size(name: str) -> int:
            # Without fields of its own the sound's connector has the picture's sizes.
            return int(s.get(f"{modality}connector_{name}", None) or s.need(f"connector_{name}"))

        return ConnectorConfig(
            heads=size("num_attention_heads"),
            head_dim=size("attention_head_dim"),
            layers=size("num_layers"),
            registers=s.get("connector_num_learnable_registers", 128),
            max_position=positions[0],
            rope=s.choice("rope_type", s.need("rope_type"), ("split", "interleaved")),
            float64_grid=s.need("frequencies_precision") == "float64",
            gated_attention=bool(s.get("connector_apply_gated_attention", False)),
        )

    return TextConfig(version, connector(""), connector("audio_"))


def read_checkpoint(metadata: Mapping[str, str] | None, keys: frozenset[str], where: str) -> CheckpointConfig:
    """Read every part of a single-file checkpoint from its header.

    Raises:
        ValueError: a part or field is missing, or has a value that is not implemented.
    """
    values = parse_metadata(metadata, where)
    return CheckpointConfig(
        transformer=read_transformer(values),
        text=read_text(values),
        video_vae=read_video_vae(values, keys),
        audio_vae=read_audio_vae(values),
        vocoder=read_vocoder(values),
        version=(metadata or {}).get("model_version", ""),
    )
