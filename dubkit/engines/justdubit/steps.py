"""One clip's steps, from prompt and media to latents and back.

Results of each step are files, so that a step can be repeated, moved to another machine, or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.types import Clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from dubkit.dubbing.diffusion.clip_latents import (
        Carry,
        Contexts,
        EncodedClip,
        FirstStage,
        SecondStage,
    )
    from dubkit.dubbing.diffusion.generate import LoadedTransformer
    from dubkit.dubbing.diffusion.recipes import Recipe
    from dubkit.engines.justdubit.opening import Decoders, Encoders, Upscaling
    from dubkit.ltx.audio_vae import AudioEncoder
    from dubkit.ltx.text import TextEncoder
    from dubkit.ltx.video_vae import VideoDecoder


def save(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors; the same tensors give the same bytes."""
    from safetensors.torch import save as packed

    path.write_bytes(packed({name: tensors[name].contiguous() for name in sorted(tensors)}))


def read(path: Path) -> dict[str, Tensor]:
    """Read what `save` wrote."""
    from safetensors.torch import load_file

    return load_file(path)


@dataclass(frozen=True, slots=True)
class ClipSource:
    """Picture and sound of a clip in the source: (F, H, W, 3) uint8 and (C, N) float32."""

    pictures: NDArray[np.uint8]
    sound: NDArray[np.float32]
    sample_rate: int
    rate: Fraction


def embed(encoder: TextEncoder, prompt: str, out: Path) -> None:
    """Write a prompt's contexts. Raises PromptTooLong."""
    from dubkit.dubbing.clip.encode import encode_prompt

    save(encode_prompt(encoder, prompt).tensors(), out)


def encode(encoders: Encoders, recipe: Recipe, clip: Clip, source: ClipSource, out: Path) -> None:
    """Write the latents of a clip's picture and sound."""
    import torch

    from dubkit.dubbing.clip.encode import encode_clip
    from dubkit.dubbing.clip.media import ClipMedia
    from dubkit.ltx.tiling import Tiling

    media = ClipMedia(
        torch.from_numpy(source.pictures),
        torch.from_numpy(source.sound),
        source.sample_rate,
        source.rate,
        clip.frames,
        clip.fit,
        name=f"clip {clip.window}",
    )
    size = clip.fit.width, clip.fit.height
    save(encode_clip(media, recipe, *size, encoders.video, encoders.audio, Tiling()).tensors(), out)


def encode_sound(
    encoder: AudioEncoder, clip: Clip, sound: NDArray[np.float32], sample_rate: int, rate: Fraction, out: Path
) -> None:
    """Write the latent of a sound (1 or 2, N) that the picture of a clip is made for."""
    import torch

    from dubkit.dubbing.clip.encode import encode_given
    from dubkit.dubbing.clip.media import GivenWave

    given = GivenWave(torch.from_numpy(sound), sample_rate)
    save({"given": encode_given(given, clip.frames, rate, encoder)}, out)


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """Files that a clip is generated from."""

    text: Path
    negative: Path | None
    encoded: Path
    previous: tuple[Clip, Path] | None
    """The clip that this one follows, and its latents of the same stage."""
    given: Path | None = None
    """The sound that the picture is made for."""

    def contexts(self) -> tuple[Contexts, Contexts | None]:
        from dubkit.dubbing.diffusion.clip_latents import Contexts

        negative = Contexts.from_tensors(read(self.negative)) if self.negative else None
        return Contexts.from_tensors(read(self.text)), negative

    def latents(self, recipe: Recipe) -> EncodedClip:
        """Return the latents of the clip, and of a given sound with the recipe's references beside one."""
        from dubkit.dubbing.diffusion.clip_latents import EncodedClip

        encoded = EncodedClip.from_tensors(read(self.encoded))
        if self.given is None:
            return encoded
        heard = encoded.sound if recipe.given_reference else None
        return replace(encoded, given=read(self.given)["given"], sound=heard)


def read_carry(
    clip: Clip, previous: tuple[Clip, Path] | None, rate: Fraction, *, sound: bool
) -> Carry | None:
    """Return the latents that a clip takes over from the one before it, where both show the same frames.

    Latent frame i of a clip stands for frames 8i-7 to 8i of it, so two clips whose starts are 8j frames
    apart share latents: the later one's frame i is the earlier one's i + j, for i of 1 and more.
    """
    from dubkit.dubbing.diffusion.clip_latents import Carry
    from dubkit.ltx.latents import AUDIO_LATENTS_PER_SECOND, FRAMES_PER_LATENT

    if previous is None:
        return None
    before, path = previous
    shift, off = divmod(clip.start_frame - before.start_frame, FRAMES_PER_LATENT)
    tensors = read(path)
    video = tensors["video"][:, :, shift + 1 :]
    if off or shift < 1 or not video.shape[2]:
        raise ValueError(
            f"Clip {clip.id} follows {before.id}, but they share no latents: plan the clips again."
        )
    seconds = Fraction(clip.start_frame - before.start_frame) / rate
    offset = seconds * AUDIO_LATENTS_PER_SECOND
    # Sound latents are 40 ms long: they are taken over only where both clips have the same grid.
    whole = offset.denominator == 1
    audio = tensors["audio"][:, :, int(offset) + 1 :] if sound and whole else None
    overlap = audio if audio is not None and audio.shape[2] else None
    return Carry(video, 1, overlap, 1)


@dataclass(frozen=True, slots=True)
class ClipJob:
    """One clip's work in a stage of the transformer; it pickles."""

    clip: Clip
    files: ClipFiles
    rate: Fraction
    seed: int
    out: Path
    halfway: tuple[Path, Path] | None = None
    """Files of the first stage's result and of its enlarged picture: the second stage begins there."""


def make_clip(
    loaded: LoadedTransformer, recipe: Recipe, job: ClipJob, on_step: Callable[[int, int], None]
) -> None:
    """Generate a clip at the first stage's size, or refine it, and write its latents."""
    from dubkit.dubbing.diffusion.clip_latents import FirstStage
    from dubkit.dubbing.diffusion.generate import ClipInputs, first_stage, second_stage

    positive, negative = job.files.contexts()
    carry = read_carry(job.clip, job.files.previous, job.rate, sound=job.halfway is None)
    inputs = ClipInputs(recipe, job.files.latents(recipe), job.rate, carry)
    stage: FirstStage | SecondStage
    if job.halfway is None:
        stage = first_stage(loaded, inputs, positive, negative, job.seed, on_step=on_step)
    else:
        first, enlarged = FirstStage.from_tensors(read(job.halfway[0])), read(job.halfway[1])["video"]
        stage = second_stage(loaded, inputs, positive, first, enlarged, negative=negative, on_step=on_step)
    save(stage.tensors(), job.out)


def enlarge(upscaling: Upscaling, first: Path, out: Path) -> None:
    """Write the first stage's picture with twice the rows and columns."""
    from dubkit.dubbing.diffusion.clip_latents import FirstStage
    from dubkit.dubbing.diffusion.generate import upsample

    video = upsample(FirstStage.from_tensors(read(first)), upscaling.model, upscaling.statistics)
    save({"video": video}, out)


def join_enlarged(first: Path, enlarged: Path, out: Path) -> None:
    """Write a clip whose enlarged picture is not refined, with the first stage's sound."""
    from dubkit.dubbing.diffusion.clip_latents import FirstStage, SecondStage

    sound = FirstStage.from_tensors(read(first)).audio
    save(SecondStage(read(enlarged)["video"], sound).tensors(), out)


def decode_frames(decoder: VideoDecoder, latents: Path) -> Iterator[Tensor]:
    """Return a clip's frames in pieces (n, H, W, 3) uint8; its sound was given."""
    from dubkit.dubbing.clip.decode import decode_picture
    from dubkit.ltx.tiling import Tiling

    return decode_picture(read(latents)["video"], decoder, Tiling())


def decode(decoders: Decoders, latents: Path) -> tuple[Iterator[Tensor], Tensor, int]:
    """Return a clip's frames in pieces (n, H, W, 3) uint8, its sound (2, N) float32 and the rate in Hz."""
    from dubkit.dubbing.clip.decode import decode_clip
    from dubkit.dubbing.diffusion.clip_latents import SecondStage
    from dubkit.ltx.tiling import Tiling

    return decode_clip(SecondStage.from_tensors(read(latents)), *decoders, Tiling())
