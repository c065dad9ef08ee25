"""What a run is given besides the prompt: frames to keep, frames and sound to follow.

Items either replace target tokens or append tokens behind them, so cutting a state to its targets removes
every appended one. Strength 1 keeps an item as it is, 0 leaves it to be generated.
Letters: B batch, C channels, F latent frames, H and W latent rows and columns, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from dubkit.dubbing.diffusion.state import TokenState
from dubkit.ltx.block import Cross
from dubkit.ltx.latents import audio_positions, patchify_audio, patchify_video, video_positions


@dataclass(frozen=True, slots=True)
class Grid:
    """The target picture's latent size and frame rate."""

    frames: int
    height: int
    width: int
    fps: float


@dataclass(frozen=True, slots=True)
class Replacement:
    """Latent frames that take the place of the target's, from latent frame `frame` on.

    Only frame 0 stands for a single picture; a later latent frame stands for eight.
    """

    latent: Tensor
    """(B, C, F, H, W)."""
    frame: int = 0
    strength: float = 1.0

    def apply(self, state: TokenState, grid: Grid) -> TokenState:
        _check_strength("replacement", self.strength)
        frames, height, width = self.latent.shape[2:]
        if (height, width) != (grid.height, grid.width):
            raise ValueError(
                f"A replacement of {height}x{width} latents does not fit a target of "
                f"{grid.height}x{grid.width}; encode it at the target's size."
            )
        if self.frame < 0 or self.frame + frames > grid.frames:
            raise ValueError(
                f"Latent frames {self.frame} to {self.frame + frames - 1} are not all within the target's "
                f"{grid.frames}."
            )
        begin = self.frame * height * width
        tokens = patchify_video(self.latent).to(state.latent)
        end = begin + tokens.shape[1]
        latent, clean, mask = state.latent.clone(), state.clean.clone(), state.mask.clone()
        latent[:, begin:end] = tokens
        clean[:, begin:end] = tokens
        mask[:, begin:end] = 1.0 - self.strength
        return replace(state, latent=latent, clean=clean, mask=mask)


@dataclass(frozen=True, slots=True)
class Keyframes:
    """Pictures to look at, placed at pixel frame `frame` of the target's time, appended.

    Away from frame 0 every latent frame spans eight frames, a single picture too. `single` lets that one span
    one frame, as originals from April 2026 on do.
    """

    latent: Tensor
    """(B, C, F, H, W)."""
    frame: int = 0
    strength: float = 1.0
    single: bool = False

    def apply(self, state: TokenState, grid: Grid) -> TokenState:
        frames, height, width = self.latent.shape[2:]
        causal = self.frame == 0 or (self.single and frames == 1)
        positions = video_positions(frames, height, width, grid.fps, causal=causal, first=self.frame)
        return appended(state, patchify_video(self.latent), positions, self.strength)


@dataclass(frozen=True, slots=True)
class Reference:
    """A whole clip to look at, in step with the target, appended.

    `scale` is how many times smaller its picture is than the target's; its positions are stretched to match.
    """

    latent: Tensor
    """(B, C, F, H, W)."""
    strength: float = 1.0
    scale: int = 1

    def apply(self, state: TokenState, grid: Grid) -> TokenState:
        if self.scale < 1:
            raise ValueError(f"A reference is scaled down {self.scale} times; the factor is 1 or more.")
        frames, height, width = self.latent.shape[2:]
        positions = video_positions(frames, height, width, grid.fps)
        stretch = torch.tensor([1.0, self.scale, self.scale]).view(1, 3, 1, 1)
        return appended(state, patchify_video(self.latent), positions * stretch, self.strength)


@dataclass(frozen=True, slots=True)
class SoundReference:
    """Sound to listen to, at the same times as the target's or at those given, appended."""

    latent: Tensor
    """(B, C, F, M), M mel bins of the latent."""
    strength: float = 1.0
    positions: Tensor | None = None
    """(1, 1, F, 2) in seconds."""

    def apply(self, state: TokenState, grid: Grid | None = None) -> TokenState:
        positions = audio_positions(self.latent.shape[2]) if self.positions is None else self.positions
        return appended(state, patchify_audio(self.latent), positions, self.strength)


PictureItem = Replacement | Keyframes | Reference


def condition_picture(state: TokenState, items: Iterable[PictureItem], grid: Grid) -> TokenState:
    """Apply items in order; the order of appended ones decides which noise each of them is given.

    Raises:
        ValueError: an item of another size than the target, or a strength outside 0 to 1.
    """
    for item in items:
        state = item.apply(state, grid)
    return state


def appended(state: TokenState, tokens: Tensor, positions: Tensor, strength: float) -> TokenState:
    """Return the state with conditioning tokens behind its own.

    Args:
        tokens: (B, T, C).
        positions: (1 or B, A, T, 2).
    """
    _check_strength("conditioning item", strength)
    batch, count, features = tokens.shape
    if features != state.latent.shape[2] or batch != state.latent.shape[0]:
        raise ValueError(
            f"Conditioning tokens are {batch} x {features} values, the target's "
            f"{state.latent.shape[0]} x {state.latent.shape[2]}."
        )
    tokens = tokens.to(state.latent)
    mask = torch.full((batch, count, 1), 1.0 - strength, device=state.mask.device)
    positions = positions.to(state.positions).expand(batch, -1, -1, -1)
    return replace(
        state,
        latent=torch.cat([state.latent, tokens], dim=1),
        clean=torch.cat([state.clean, tokens], dim=1),
        mask=torch.cat([state.mask, mask], dim=1),
        positions=torch.cat([state.positions, positions], dim=2),
    )


def target_rows(mask: Tensor) -> Tensor:
    """Return which tokens of a denoise mask (B, T, 1) count as targets of cross-modal attention, (T,) bool.

    Only a mask of exactly 1 counts: kept frames of the target do not, at any strength above 0.

    Raises:
        ValueError: samples of one batch disagree, so that no single choice of rows serves them.
    """
    rows = mask[..., 0] == 1.0
    if not bool((rows == rows[:1]).all()):
        raise ValueError("Samples of one batch keep different tokens; run them one by one.")
    return rows[0]


def cross_masks(picture: Tensor, sound: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return additive masks for picture queries (Tv, Ta) and for sound queries (Ta, Tv).

    0 between targets, -inf elsewhere: the long form of `target_rows`, for comparison with it. Rows that are
    -inf throughout give attention output 0, to which the output projection's bias is still added.

    Args:
        picture: denoise mask (B, Tv, 1).
        sound: denoise mask (B, Ta, 1), before the sound is frozen.
    """
    both = target_rows(picture)[:, None] & target_rows(sound)[None, :]
    mask = torch.zeros(both.shape, dtype=dtype, device=both.device).masked_fill(~both, float("-inf"))
    return mask, mask.T.contiguous()


def cross_attention(picture: Tensor, sound: Tensor, dtype: torch.dtype = torch.float32) -> Cross:
    """Return which tokens see each other across streams: targets see targets.

    That is one run of rows in each stream, which costs half; additive masks of `dtype` where it is not.

    Args:
        picture: denoise mask (B, Tv, 1).
        sound: denoise mask (B, Ta, 1), before the sound is frozen.
    """
    video, audio = (_run(target_rows(mask)) for mask in (picture, sound))
    if video and audio:
        return Cross(video, audio)
    return Cross((0, picture.shape[1]), (0, sound.shape[1]), *cross_masks(picture, sound, dtype))


def _run(rows: Tensor) -> tuple[int, int] | None:
    """Return start and stop of the true rows, where they are one run."""
    index = rows.nonzero().flatten().tolist()
    whole = bool(index) and len(index) == index[-1] - index[0] + 1
    return (index[0], index[-1] + 1) if whole else None


def _check_strength(name: str, strength: float) -> None:
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"The strength of a {name} is {strength}; choose a value from 0 to 1.")
