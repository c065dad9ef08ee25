"""The joint transformer: noisy picture and sound tokens, text and noise levels in, velocities out.

One forward pass, in order: `text` projects the prompt once (and keeps every block's text keys and values),
`rotations` builds the rotary tables once for a clip and size, `forward` embeds the noise levels
(`modulation.py`), runs the blocks (`block.py`) and the two output heads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dubkit.ltx.attention import KeysValues
from dubkit.ltx.block import A2V_SCALE, FF_SCALE, SELF_SCALE, TEXT_SCALE, V2A_SCALE, Block, Cross, Side, Skip
from dubkit.ltx.config import StreamConfig, TransformerConfig
from dubkit.ltx.modulation import AdaLN, Levels, Rows
from dubkit.ltx.rope import RopeSpec, Rotation, middles

Generation = Literal["A", "B", "C"]
"""What modulates the attentions between picture and sound, from one release of the original to the next:
A, each token's own level (January and February 2026, JustDubit); B, the other stream's level; C, the
token's own level for scale and shift, the other stream's for the gate (Dub-It)."""


class Tokens(NamedTuple):
    """One stream's input."""

    latent: Tensor
    """[B, T, channels]."""
    levels: Levels
    sigma: float = 1.0
    """The step's noise level; generations B and C look at the other stream's (0 if that one is frozen)."""


class Rotations(NamedTuple):
    """Rotary tables of one clip at one size."""

    video: Rotation
    audio: Rotation
    cross_video: Rotation
    cross_audio: Rotation


class Text(NamedTuple):
    """A prompt as the blocks need it."""

    video: Tensor
    """[B, Nt, video width]."""
    audio: Tensor
    """[B, Nt, audio width]."""
    keys: tuple[tuple[KeysValues, KeysValues], ...] = ()
    """Every block's keys and values, where they do not depend on the noise level."""


class CaptionProjection(nn.Module):
    """Text features to a stream's width."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(channels, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, text: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(text), approximate="tanh"))  # type: ignore[no-any-return]


class AVTransformer(nn.Module):
    """The network of LTX-2 and LTX-2.3, named as in published checkpoints after their prefix."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        v, a = config.video, config.audio
        rows = 9 if config.text_modulation else 6
        self.patchify_proj = nn.Linear(v.in_channels, v.width)
        self.audio_patchify_proj = nn.Linear(a.in_channels, a.width)
        self.adaln_single = AdaLN(v.width, rows)
        self.audio_adaln_single = AdaLN(a.width, rows)
        self.av_ca_video_scale_shift_adaln_single = AdaLN(v.width, 4)
        self.av_ca_audio_scale_shift_adaln_single = AdaLN(a.width, 4)
        self.av_ca_a2v_gate_adaln_single = AdaLN(v.width, 1)
        self.av_ca_v2a_gate_adaln_single = AdaLN(a.width, 1)
        if config.text_modulation:
            self.prompt_adaln_single = AdaLN(v.width, 2)
            self.audio_prompt_adaln_single = AdaLN(a.width, 2)
        if config.caption_projection:
            self.caption_projection = CaptionProjection(config.caption_channels, v.width)
            self.audio_caption_projection = CaptionProjection(config.caption_channels, a.width)
        self.transformer_blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.scale_shift_table = nn.Parameter(torch.empty(2, v.width))
        self.audio_scale_shift_table = nn.Parameter(torch.empty(2, a.width))
        self.proj_out = nn.Linear(v.width, v.out_channels)
        self.audio_proj_out = nn.Linear(a.width, a.out_channels)

    @torch.no_grad()
    def text(self, video: Tensor, audio: Tensor, *, blocks: Iterable[Block] | None = None) -> Text:
        """Project text contexts [B, Nt, channels] and compute every block's text keys and values.

        Pass `blocks=()` to keep none: they are then computed in each forward pass, which saves memory
        (1.2 GB for a 19B prompt in bfloat16) and costs about one per cent.
        """
        if self.config.caption_projection:
            video, audio = self.caption_projection(video), self.audio_caption_projection(audio)
        if self.config.text_modulation:
            return Text(video, audio)
        keys = tuple(
            (block.attn2.keys_values(video), block.audio_attn2.keys_values(audio))
            for block in (self._blocks() if blocks is None else blocks)
        )
        return Text(video, audio, keys)

    def rotations(self, video: Tensor, audio: Tensor) -> Rotations:
        """Build the rotary tables of position bounds [B, 3, Tv, 2] and [B, 1, Ta, 2].

        Between the streams only time counts, and both use the sound stream's heads.
        """
        config, dtype = self.config, self.patchify_proj.bias.dtype

        def spec(stream: StreamConfig, axes: tuple[float, ...]) -> RopeSpec:
            return RopeSpec(
                stream.heads, stream.head_dim, axes, config.theta, config.rope, config.float64_grid
            )

        shared = spec(config.audio, (max(config.video.max_positions[0], config.audio.max_positions[0]),))
        video, audio = middles(video), middles(audio)
        return Rotations(
            spec(config.video, config.video.max_positions).tables(video, dtype),
            spec(config.audio, config.audio.max_positions).tables(audio, dtype),
            shared.tables(video[:, :1], dtype),
            shared.tables(audio, dtype),
        )

    @torch.no_grad()
    def forward(
        self,
        video: Tokens,
        audio: Tokens,
        text: Text,
        rotations: Rotations,
        *,
        cross: Cross | None = None,
        generation: Generation = "A",
        skip: dict[int, Skip] | None = None,
        blocks: Iterable[Block] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the velocities [B, Tv, channels] and [B, Ta, channels].

        `cross` limits who sees whom between the streams (all see all by default); `skip` perturbs single
        blocks; `blocks` takes them from elsewhere than this module, in order.

        Raises:
            ValueError: tokens, noise levels and positions do not fit each other.
        """
        self._check(video, audio, rotations)
        v = self.patchify_proj(video.latent)
        a = self.audio_patchify_proj(audio.latent)
        video_side, audio_side, embedded = self._sides(video, audio, text, rotations, generation)
        cross = cross or Cross((0, v.shape[1]), (0, a.shape[1]))
        for index, block in enumerate(self._blocks() if blocks is None else blocks):
            keys = text.keys[index] if text.keys else block.text_keys(video_side, audio_side)
            block(v, a, video_side, audio_side, keys, cross, (skip or {}).get(index, Skip()))
        v = _head(v, self.scale_shift_table, Rows(embedded[0], video.levels))
        a = _head(a, self.audio_scale_shift_table, Rows(embedded[1], audio.levels))
        return self.proj_out(v), self.audio_proj_out(a)

    def _sides(
        self, video: Tokens, audio: Tokens, text: Text, rotations: Rotations, generation: Generation
    ) -> tuple[Side, Side, tuple[Tensor, Tensor]]:
        """Embed the noise levels; return both streams' constants and the output heads' embeddings."""
        scale = self.config.timestep_scale
        gate_scale = self.config.av_gate_timestep_scale
        rows = (SELF_SCALE, FF_SCALE, *((TEXT_SCALE,) if self.config.text_modulation else ()))

        def side(own: Tokens, other: Tokens, name: str, gate_name: str, text: Tensor) -> tuple[Side, Tensor]:
            prefix = "" if name == "video" else "audio_"
            adaln = getattr(self, f"{prefix}adaln_single")
            cross_adaln = getattr(self, f"av_ca_{name}_scale_shift_adaln_single")
            cross = gate = own.levels
            if generation != "A":
                gate = Levels.uniform(other.sigma, own.latent.shape[1], own.latent.device)
                cross = gate if generation == "B" else cross
            table, embedded = adaln(own.levels.values * scale, rows)
            cross_table, _ = cross_adaln(cross.values * scale, (A2V_SCALE, V2A_SCALE))
            gates, _ = getattr(self, f"av_ca_{gate_name}_gate_adaln_single")(gate.values * gate_scale)
            cross_table = torch.cat((cross_table, gates.expand(cross_table.shape[0], -1, -1)), dim=1)
            text_rows = None
            if self.config.text_modulation:
                step = Levels.uniform(own.sigma, text.shape[1], text.device)
                vectors, _ = getattr(self, f"{prefix}prompt_adaln_single")(step.values * scale, (1,))
                text_rows = Rows(vectors, step)
            return Side(
                getattr(rotations, name),
                getattr(rotations, f"cross_{name}"),
                Rows(table, own.levels),
                Rows(cross_table, cross),
                text,
                text_rows,
            ), embedded

        video_side, video_embedded = side(video, audio, "video", "a2v", text.video)
        audio_side, audio_embedded = side(audio, video, "audio", "v2a", text.audio)
        return video_side, audio_side, (video_embedded[:, None], audio_embedded[:, None])

    def _blocks(self) -> Iterable[Block]:
        return self.transformer_blocks  # type: ignore[return-value]

    def _check(self, video: Tokens, audio: Tokens, rotations: Rotations) -> None:
        for name, tokens, stream, table in (
            ("picture", video, self.config.video, rotations.video),
            ("sound", audio, self.config.audio, rotations.audio),
        ):
            shape, levels = tuple(tokens.latent.shape), tokens.levels.rows.shape[0]
            if len(shape) != 3 or shape[2] != stream.in_channels:
                raise ValueError(f"The {name} tokens are {shape}; expected [B, T, {stream.in_channels}].")
            if levels != shape[1] or table.cos.shape[1] != shape[1]:
                raise ValueError(
                    f"There are {shape[1]} {name} tokens, {levels} noise levels and "
                    f"{table.cos.shape[1]} positions; their numbers must agree."
                )


def _head(x: Tensor, table: Tensor, rows: Rows) -> Tensor:
    """Normalise (LayerNorm without weights) and modulate by the output table: shift, then scale."""
    normed = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    vectors = rows.table + table
    vectors[:, 1] += 1
    return rows._replace(table=vectors).modulate(normed, shift=0, scale=1)
