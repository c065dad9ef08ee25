"""The embedded generator: one part of the model at a time, opened once and used for every clip.

Parts are opened by context managers and freed when the block ends. Results of each step are files, so that
a step can be repeated, moved to another machine, or left out.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from dubkit.errors import DubkitError
from dubkit.types import Clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from dubkit.dubbing.clip.encode import Text
    from dubkit.dubbing.diffusion.clip_latents import Carry, Encoded, FirstStage, SecondStage
    from dubkit.dubbing.diffusion.generate import Opened
    from dubkit.dubbing.diffusion.parts import Files
    from dubkit.dubbing.diffusion.recipes import Recipe
    from dubkit.ltx.audio_vae import AudioDecoder, AudioEncoder
    from dubkit.ltx.bigvgan import ExtendedVocoder
    from dubkit.ltx.memory import Mode
    from dubkit.ltx.statistics import ChannelStatistics
    from dubkit.ltx.text import TextEncoder
    from dubkit.ltx.upsampler import LatentUpsampler
    from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder
    from dubkit.ltx.vocoder import Vocoder

log = logging.getLogger(__name__)

T = TypeVar("T")
StageName = Literal["first", "second"]
ENGINE = "justdubit"


@dataclass(frozen=True, slots=True)
class Options:
    """How the files are used."""

    recipe: Recipe
    float8: bool = False
    memory: Literal["auto", "resident", "component", "streaming"] = "auto"


class Encoders(NamedTuple):
    """What makes latents of a clip."""

    video: VideoEncoder
    audio: AudioEncoder


class Decoders(NamedTuple):
    """What makes pictures and sound of latents."""

    video: VideoDecoder
    audio: AudioDecoder
    vocoder: Vocoder | ExtendedVocoder


class Upscaling(NamedTuple):
    """What doubles a picture's latents."""

    model: LatentUpsampler
    statistics: ChannelStatistics


class Generator:
    """The generator on one device. Nothing is loaded before a part is opened."""

    def __init__(self, files: Files, options: Options, device: str) -> None:
        import torch

        from dubkit.dubbing.diffusion.parts import Parts

        self.options = options
        self.parts = Parts(files, torch.device(device), options.float8)
        self.device, self.dtype, self.checkpoint = self.parts.device, self.parts.dtype, self.parts.checkpoint
        self.parts.check(options.recipe)

    @contextmanager
    def text_encoder(self) -> Iterator[TextEncoder]:
        """Open the text encoder, on the CPU where the device cannot hold it."""
        import torch

        from dubkit.ltx.memory import free_memory
        from dubkit.ltx.text import TextEncoder

        folder = self.parts.files.gemma
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        fits = self.device.type == "cpu" or size * 1.2 < free_memory(self.device)
        device = self.device if fits else torch.device("cpu")
        with self._part(f"text encoder on {device}"):
            yield TextEncoder.open(self.checkpoint, folder, device, self.dtype)

    @contextmanager
    def encoders(self) -> Iterator[Encoders]:
        """Open what makes latents."""
        from dubkit.ltx import components

        with self._part("encoders"):
            yield Encoders(
                components.open_video_encoder(self.checkpoint, self.device, self.dtype),
                components.open_audio_encoder(self.checkpoint, self.device, self.dtype),
            )

    @contextmanager
    def transformer(self, stage: StageName, tokens: int, mode: Mode | None = None) -> Iterator[Opened]:
        """Open the transformer with a stage's LoRAs, in `mode` or in what `tokens` leave room for."""
        from dubkit.ltx.memory import MemoryPlan

        chosen = mode or self.memory_mode(tokens)
        recipe = self.options.recipe
        uses = recipe.first_loras if stage == "first" else recipe.second_loras
        with self._part(f"transformer of the {stage} stage, {chosen}"):
            yield self.parts.transformer(uses, MemoryPlan(chosen, True, ""))

    @contextmanager
    def upscaling(self) -> Iterator[Upscaling]:
        """Open the latent upscaler."""
        from dubkit.ltx import components

        with self._part("upscaler"):
            yield Upscaling(
                components.open_upsampler(
                    self.parts.files.upsampler, self.checkpoint, self.device, self.dtype
                ),
                components.open_statistics(self.checkpoint, self.device, self.dtype),
            )

    @contextmanager
    def decoders(self) -> Iterator[Decoders]:
        """Open what makes pictures and sound."""
        from dubkit.ltx import components

        with self._part("decoders"):
            yield Decoders(
                components.open_video_decoder(self.checkpoint, self.device, self.dtype),
                components.open_audio_decoder(self.checkpoint, self.device, self.dtype),
                components.open_vocoder(self.checkpoint, self.device, self.dtype),
            )

    def memory_mode(self, tokens: int) -> Mode:
        """Choose how much of the transformer is on the device, from what is free now.

        Raises:
            ValueError: not even two blocks at a time fit.
        """
        if self.options.memory != "auto":
            return self.options.memory
        return self.parts.plan_for(tokens).mode

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        import torch

        log.info("Opening the %s", name)
        try:
            yield
        finally:
            gc.collect()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()


# --- files of one step ------------------------------------------------------------------------


def save(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors so that the same ones give the same bytes."""
    from safetensors.torch import save as packed

    path.write_bytes(packed({name: tensors[name].contiguous() for name in sorted(tensors)}))


def read(path: Path) -> dict[str, Tensor]:
    """Read what `save` wrote."""
    from safetensors.torch import load_file

    return load_file(path)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a clip shows and lets hear: frames (F, H, W, 3) uint8 and sound (C, N) float32."""

    pictures: NDArray[np.uint8]
    sound: NDArray[np.float32]
    sample_rate: int
    rate: Fraction


def embed(encoder: TextEncoder, prompt: str, out: Path) -> None:
    """Read a prompt. Raises PromptTooLong."""
    from dubkit.dubbing.clip.encode import encode_prompt

    save(encode_prompt(encoder, prompt).tensors(), out)


def encode(encoders: Encoders, recipe: Recipe, clip: Clip, sight: Sight, out: Path) -> None:
    """Make latents of what a clip shows and lets hear."""
    import torch

    from dubkit.dubbing.clip.encode import encode_clip
    from dubkit.dubbing.clip.media import ClipMedia
    from dubkit.ltx.tiling import Tiling

    media = ClipMedia(
        torch.from_numpy(sight.pictures),
        torch.from_numpy(sight.sound),
        sight.sample_rate,
        sight.rate,
        clip.frames,
        clip.fit,
        name=f"clip {clip.window}",
    )
    size = clip.fit.width, clip.fit.height
    save(encode_clip(media, recipe, *size, encoders.video, encoders.audio, Tiling()).tensors(), out)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files that a clip's generation reads."""

    text: Path
    negative: Path | None
    encoded: Path
    previous: tuple[Clip, Path] | None
    """The clip that this one follows, and its latents of the same stage."""

    def contexts(self) -> tuple[Text, Text | None]:
        from dubkit.dubbing.clip.encode import Text

        negative = Text.from_tensors(read(self.negative)) if self.negative else None
        return Text.from_tensors(read(self.text)), negative

    def latents(self) -> Encoded:
        from dubkit.dubbing.diffusion.clip_latents import Encoded

        return Encoded.from_tensors(read(self.encoded))


def carried(clip: Clip, previous: tuple[Clip, Path] | None, rate: Fraction, *, sound: bool) -> Carry | None:
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
    # Sound latents are 40 ms long: they are taken over where they fall on the same grid, else left alone.
    whole = offset.denominator == 1
    audio = tensors["audio"][:, :, int(offset) + 1 :] if sound and whole else None
    kept = audio if audio is not None and audio.shape[2] else None
    return Carry(video, 1, kept, 1)


@dataclass(frozen=True, slots=True)
class ClipJob:
    """One clip's work in a stage of the transformer; it pickles."""

    clip: Clip
    inputs: Inputs
    rate: Fraction
    seed: int
    out: Path
    halfway: tuple[Path, Path] | None = None
    """Files of the first stage's result and of its enlarged picture: the second stage begins there."""


def make_clip(opened: Opened, recipe: Recipe, job: ClipJob, on_step: Callable[[int, int], None]) -> None:
    """Generate a clip at the first stage's size, or refine it, and write its latents."""
    from dubkit.dubbing.diffusion.clip_latents import FirstStage
    from dubkit.dubbing.diffusion.generate import first_stage, second_stage

    positive, negative = job.inputs.contexts()
    encoded = job.inputs.latents()
    carry = carried(job.clip, job.inputs.previous, job.rate, sound=job.halfway is None)
    made: FirstStage | SecondStage
    if job.halfway is None:
        made = first_stage(
            recipe, opened, positive, negative, encoded, job.rate, job.seed, carry=carry, on_step=on_step
        )
    else:
        first, enlarged = FirstStage.from_tensors(read(job.halfway[0])), read(job.halfway[1])["video"]
        made = second_stage(
            recipe, opened, positive, encoded, first, enlarged, job.rate, carry=carry, on_step=on_step
        )
    save(made.tensors(), job.out)


def enlarge(upscaling: Upscaling, first: Path, out: Path) -> None:
    """Write the first stage's picture with twice the rows and columns."""
    from dubkit.dubbing.diffusion.clip_latents import FirstStage
    from dubkit.dubbing.diffusion.generate import upsample

    video = upsample(FirstStage.from_tensors(read(first)), upscaling.model, upscaling.statistics)
    save({"video": video}, out)


def decode(decoders: Decoders, latents: Path) -> tuple[Iterator[Tensor], Tensor, int]:
    """Return a clip's frames in pieces (n, H, W, 3) uint8, its sound (2, N) float32 and the rate in Hz."""
    from dubkit.dubbing.clip.decode import decode_clip
    from dubkit.dubbing.diffusion.clip_latents import SecondStage
    from dubkit.ltx.tiling import Tiling

    return decode_clip(SecondStage.from_tensors(read(latents)), *decoders, Tiling())


def token_count(clip: Clip, stage: StageName) -> int:
    """Return the picture tokens of a clip with its reference."""
    from dubkit.ltx.latents import FRAMES_PER_LATENT, PIXELS_PER_LATENT

    factor = 1 if stage == "first" else 2
    area = clip.fit.width * clip.fit.height * factor**2 // PIXELS_PER_LATENT**2
    return 2 * ((clip.frames - 1) // FRAMES_PER_LATENT + 1) * area


def out_of_memory(error: BaseException) -> bool:
    """Tell whether a device ran out of memory."""
    import torch

    return isinstance(error, torch.OutOfMemoryError)


class Attempt(NamedTuple):
    """How the work on a clip ended: a note on how it was made, or why it was not."""

    clip: str
    note: str
    error: Exception | None


@dataclass(frozen=True, slots=True)
class Work:
    """A stage of the transformer on a number of clips; it pickles."""

    files: Files
    options: Options
    stage: StageName
    tokens: int
    """Most picture tokens of a clip, which decide how much memory is left for weights."""

    def over(
        self, device: str, jobs: Sequence[ClipJob], on_step: Callable[[ClipJob, int, int], None]
    ) -> Iterator[Attempt]:
        """Do the jobs one after the other, the transformer opened once.

        When the device runs out of memory the transformer is opened again in a mode that takes less, once,
        and the clip at which it happened is tried again. Raises ValueError when the files do not work.
        """
        generator = Generator(self.files, self.options, device)
        mode, note, pending = generator.memory_mode(self.tokens), "", list(jobs)
        while pending:
            with generator.transformer(self.stage, self.tokens, mode) as opened:
                while pending:
                    error = self._try(opened, pending[0], on_step)
                    if error is not None and out_of_memory(error) and not note and mode != "streaming":
                        break
                    yield Attempt(pending.pop(0).clip.id, note, error)
            if pending:
                note, mode = f"streaming, after {mode} ran out of memory", "streaming"
                log.warning(
                    "%s ran out of memory in mode %s; going on with streaming", device, note.split()[2]
                )

    def _try(
        self, opened: Opened, job: ClipJob, on_step: Callable[[ClipJob, int, int], None]
    ) -> Exception | None:
        try:
            make_clip(opened, self.options.recipe, job, lambda step, of: on_step(job, step, of))
        except (DubkitError, ValueError, FileNotFoundError) as error:
            return error
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return error
        return None


class ChainWorker:
    """Does chains of clips on one device of several; the transformer stays open between them."""

    def __init__(self, work: Work, device: str) -> None:
        self.work, self.device = work, device

    def __call__(self, chain: tuple[ClipJob, ...], tell: Callable[[int, int], None]) -> list[Attempt]:
        """Return how each clip of the chain ended."""

        def step(job: ClipJob, done: int, of: int) -> None:
            tell(chain.index(job) * of + done, len(chain) * of)

        return list(self.work.over(self.device, chain, step))
