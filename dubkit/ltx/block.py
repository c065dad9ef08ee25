"""One of the transformer's blocks: picture and sound attend to themselves, to the text, to each other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from dubkit.ltx.attention import Attention, FeedForward, KeysValues, Projection, attend, project_pair, rms
from dubkit.ltx.config import TransformerConfig
from dubkit.ltx.modulation import Rows
from dubkit.ltx.rope import Rotation

SELF_SHIFT, SELF_SCALE, SELF_GATE, FF_SHIFT, FF_SCALE, FF_GATE, TEXT_SHIFT, TEXT_SCALE, TEXT_GATE = range(9)
"""Rows of the AdaLN tables; the last three exist in 2.3 only."""
A2V_SCALE, A2V_SHIFT, V2A_SCALE, V2A_SHIFT, CROSS_GATE = range(5)
"""Rows of the cross-modal tables, where scale comes before shift."""


class Cross(NamedTuple):
    """Which tokens take part in the attentions between picture and sound.

    Either the rows `video` and `audio` (start, stop) alone see each other, which is what a dub's masks
    say and costs half, or additive masks [Tv, Ta] and [Ta, Tv] are applied to all. A query that sees
    nothing gets the output projection's bias times its gate in both forms.
    """

    video: tuple[int, int]
    audio: tuple[int, int]
    a2v_mask: Tensor | None = None
    v2a_mask: Tensor | None = None


class Skip(NamedTuple):
    """What a block leaves out: the perturbed passes of guidance."""

    video_self: bool = False
    audio_self: bool = False
    across: bool = False
    values: bool = False
    """Keep a skipped self-attention's values (generation B and later) instead of dropping its update."""


class Side(NamedTuple):
    """One stream's constants of a forward pass; `Rows` without the block's own tables."""

    rotation: Rotation
    cross_rotation: Rotation
    rows: Rows
    cross_rows: Rows
    text: Tensor
    """Projected text [B, Nt, width]."""
    text_rows: Rows | None = None
    """2.3: modulation of the text by the noise level."""


class Block(nn.Module):
    """A joint block. `forward` updates both streams in place."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        v, a, eps, gated = config.video, config.audio, config.norm_eps, config.gated_attention
        rows = 9 if config.text_modulation else 6
        self.eps = eps
        self.attn1 = Attention(v.width, v.width, v.heads, v.head_dim, eps, gated)
        self.attn2 = Attention(v.width, v.width, v.heads, v.head_dim, eps, gated)
        self.ff = FeedForward(v.width)
        self.audio_attn1 = Attention(a.width, a.width, a.heads, a.head_dim, eps, gated)
        self.audio_attn2 = Attention(a.width, a.width, a.heads, a.head_dim, eps, gated)
        self.audio_ff = FeedForward(a.width)
        self.audio_to_video_attn = Attention(v.width, a.width, a.heads, a.head_dim, eps, gated)
        self.video_to_audio_attn = Attention(a.width, v.width, a.heads, a.head_dim, eps, gated)
        self.scale_shift_table = nn.Parameter(torch.empty(rows, v.width))
        self.audio_scale_shift_table = nn.Parameter(torch.empty(rows, a.width))
        self.scale_shift_table_a2v_ca_video = nn.Parameter(torch.empty(5, v.width))
        self.scale_shift_table_a2v_ca_audio = nn.Parameter(torch.empty(5, a.width))
        if config.text_modulation:
            self.prompt_scale_shift_table = nn.Parameter(torch.empty(2, v.width))
            self.audio_prompt_scale_shift_table = nn.Parameter(torch.empty(2, a.width))

    def text_keys(self, video: Side, audio: Side) -> tuple[KeysValues, KeysValues]:
        """Return both streams' text keys and values; without text modulation they hold for a whole clip."""
        video_text, audio_text = video.text, audio.text
        if video.text_rows and audio.text_rows:
            rows = video.text_rows.plus(self.prompt_scale_shift_table)
            video_text = rows.modulate(video_text, shift=0, scale=1)
            rows = audio.text_rows.plus(self.audio_prompt_scale_shift_table)
            audio_text = rows.modulate(audio_text, shift=0, scale=1)
        return self.attn2.keys_values(video_text), self.audio_attn2.keys_values(audio_text)

    def forward(
        self,
        v: Tensor,
        a: Tensor,
        video: Side,
        audio: Side,
        text: tuple[KeysValues, KeysValues],
        cross: Cross,
        skip: Skip,
    ) -> None:
        """Update picture tokens v [B, Tv, width] and sound tokens a [B, Ta, width]."""
        v_rows = video.rows.plus(self.scale_shift_table)
        a_rows = audio.rows.plus(self.audio_scale_shift_table)
        self._attend_self(v, self.attn1, v_rows, video.rotation, skip.video_self, skip.values)
        self._attend_text(v, self.attn2, v_rows, text[0])
        self._attend_self(a, self.audio_attn1, a_rows, audio.rotation, skip.audio_self, skip.values)
        self._attend_text(a, self.audio_attn2, a_rows, text[1])
        if not skip.across:
            self._attend_across(v, a, video, audio, cross)
        for x, ff, rows in ((v, self.ff, v_rows), (a, self.audio_ff, a_rows)):
            hidden = rows.modulate(rms(x, self.eps), scale=FF_SCALE, shift=FF_SHIFT)
            rows.add_gated(x, ff(hidden), gate=FF_GATE)

    def _attend_self(
        self, x: Tensor, attention: Attention, rows: Rows, rotation: Rotation, skip: bool, values: bool
    ) -> None:
        if skip and not values:
            return
        hidden = rows.modulate(rms(x, self.eps), scale=SELF_SCALE, shift=SELF_SHIFT)
        update = attention.values_only(hidden) if skip else attention(hidden, rotation=rotation)
        rows.add_gated(x, update, gate=SELF_GATE)

    def _attend_text(self, x: Tensor, attention: Attention, rows: Rows, text: KeysValues) -> None:
        hidden = rms(x, self.eps)
        if rows.table.shape[1] > TEXT_GATE:
            hidden = rows.modulate(hidden, scale=TEXT_SCALE, shift=TEXT_SHIFT)
            rows.add_gated(x, attention(hidden, text), gate=TEXT_GATE)
        else:
            x += attention(hidden, text)

    def _attend_across(self, v: Tensor, a: Tensor, video: Side, audio: Side, cross: Cross) -> None:
        """Let the streams attend to each other; both norms come before either update."""
        hears, sees = self.audio_to_video_attn, self.video_to_audio_attn
        v_rows = video.cross_rows.plus(self.scale_shift_table_a2v_ca_video)
        a_rows = audio.cross_rows.plus(self.scale_shift_table_a2v_ca_audio)
        v_hear, v_seen = self._crossing(v, v_rows, cross.video)
        a_heard, a_see = self._crossing(a, a_rows, cross.audio)
        v_query, v_key = project_pair(
            Projection(v_hear, hears.to_q, hears.q_norm), Projection(v_seen, sees.to_k, sees.k_norm),
            hears.heads, self.eps, video.cross_rotation.rows(*cross.video),
        )  # fmt: skip
        a_query, a_key = project_pair(
            Projection(a_see, sees.to_q, sees.q_norm), Projection(a_heard, hears.to_k, hears.k_norm),
            hears.heads, self.eps, audio.cross_rotation.rows(*cross.audio),
        )  # fmt: skip
        heard = attend(v_query, a_key, hears.split_heads(hears.to_v(a_heard)), cross.a2v_mask)
        seen = attend(a_query, v_key, sees.split_heads(sees.to_v(v_seen)), cross.v2a_mask)
        self._add_across(v, hears.project(heard, v_hear), hears, v_rows, cross.video)
        self._add_across(a, sees.project(seen, a_see), sees, a_rows, cross.audio)

    def _crossing(self, x: Tensor, rows: Rows, part: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return the tokens that take part, modulated for the picture's queries and for the sound's."""
        normed, rows = rms(x[:, slice(*part)], self.eps), rows.within(*part)
        return (
            rows.modulate(normed, scale=A2V_SCALE, shift=A2V_SHIFT),
            rows.modulate(normed, scale=V2A_SCALE, shift=V2A_SHIFT),
        )

    @staticmethod
    def _add_across(
        x: Tensor, update: Tensor, attention: Attention, rows: Rows, part: tuple[int, int]
    ) -> None:
        start, stop = part
        rows.within(start, stop).add_gated(x[:, start:stop], update, gate=CROSS_GATE)
        # A token outside sees nothing, so its attention is 0 and the output projection leaves its bias.
        bias: Tensor = attention.to_out[0].bias  # type: ignore[assignment]
        for first, last in ((0, start), (stop, x.shape[1])):
            if first < last:
                rows.within(first, last).add_gated(x[:, first:last], bias, gate=CROSS_GATE)
