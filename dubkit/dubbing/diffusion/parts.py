"""The generator's model files: checked at once, opened one part at a time, in the memory that is free."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch

from dubkit.dubbing.diffusion.precision import PartName, Precision
from dubkit.dubbing.diffusion.recipes import LoRARole, Recipe
from dubkit.errors import DubkitError, ModelMissing
from dubkit.ltx import components
from dubkit.ltx.latents import FRAMES_PER_LATENT, PIXELS_PER_LATENT
from dubkit.ltx.lora import LoRA
from dubkit.ltx.memory import (
    MemoryPlan,
    PartSizes,
    card_memory,
    choose_mode,
    devices_here,
    feature_bytes,
    fusing_bytes,
    measure_sizes,
    prompt_bytes,
    text_key_bytes,
    tile_bytes,
    working_bytes,
)
from dubkit.ltx.quantize import holds_float8
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.text import TOKENS, TextEncoder
from dubkit.ltx.upsampler import LatentUpsampler
from dubkit.ltx.weights import Checkpoint
from dubkit.memory import free_memory
from dubkit.types import Remark, Tell, remark

log = logging.getLogger(__name__)

PUBLISHED = {
    "checkpoint": "ltx-2-19b-dev",
    "text encoder": "gemma-3-12b-it-qat-q4_0-unquantized",
    "distilled LoRA": "ltx-2-19b-distilled-lora-384",
    "spatial upsampler": "ltx-2-spatial-upscaler-x2-1.0",
    "temporal upsampler": "ltx-2-temporal-upscaler-x2-1.0",
    "dubbing LoRA": "ltx-2-19b-ic-lora-lipdubbing",
}
"""What `dubkit models get` calls the published file of each part."""


PROMPTS = 2
"""Whose keys and values a guided stage keeps: the prompt's and the negative one's."""


def told_to_nobody(_remark: Remark) -> None:
    """Drop a remark."""


class GeneratorUnfit(DubkitError):
    """Files, sizes and machine do not fit each other; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the parts lie. `loras` are used in both stages, with their own strengths."""

    checkpoint: Path
    upsampler: Path | None
    """Without one there is no second stage."""
    gemma: Path
    loras: tuple[LoRA, ...] = ()
    distilled: LoRA | None = None
    distilled_weights: bool | None = None
    """Whether the checkpoint is a distilled one; None tells by its name."""

    def check(self) -> None:
        """Raise `ModelMissing` for the first file that is not there."""
        need("checkpoint", self.checkpoint)
        if self.upsampler is not None:
            need("spatial upsampler", self.upsampler)
        need("text encoder", self.gemma, folder=True)
        for lora in self.loras:
            need("dubbing LoRA", lora.path)
        if self.distilled is not None:
            need("distilled LoRA", self.distilled.path)


def need(part: str, path: Path, *, folder: bool = False) -> None:
    """Raise `ModelMissing`, which names a part's file and how to get it, where it is not there."""
    if path.is_dir() if folder else path.is_file():
        return
    raise ModelMissing(
        f"No {part} at {path}.\nGive the path of yours, or run: dubkit models get {PUBLISHED[part]}"
    )


class MemoryNeeds(NamedTuple):
    """Bytes that a device needs beside weights; what each is, `choose_mode` says."""

    working: int
    keys: int
    tile: int
    features: int


AUTOMATIC = Precision()


@dataclass
class GeneratorParts:
    """Opens each part on the device, in bfloat16 on CUDA and float32 elsewhere unless `precision` says more.

    Nothing is kept: a part's memory is free again when the caller lets go of it.
    """

    files: Files
    device: torch.device
    float8: bool = False
    """Round the transformer's linears to float8; a file that holds them so already is used as it is."""

    tell: Tell = told_to_nobody
    """Takes remarks on how the files are used."""

    precision: Precision = AUTOMATIC
    """The number type of each part."""

    def __post_init__(self) -> None:
        here = devices_here()
        if str(self.device) not in here and not (self.device.type == "cuda" and here[0] == "cuda:0"):
            raise GeneratorUnfit(
                f"The device {self.device} is not here; there is {', '.join(here)}.\n"
                "Name one of these, or leave the device out."
            )
        if self.device.type == "mps" and (self.float8 or self.precision.float8):
            raise GeneratorUnfit(
                "Apple's graphics cards have no float8. Give the transformer float32 or bfloat16."
            )
        if self.float8 and self.precision.transformer not in ("auto", "float8"):
            raise GeneratorUnfit(
                f"The transformer is to be rounded to float8 and to work in {self.precision.transformer}. "
                "Leave one of the two out."
            )
        self.files.check()
        named = "distilled" in self.files.checkpoint.name
        self.distilled = named if self.files.distilled_weights is None else self.files.distilled_weights
        """Whether the checkpoint is a distilled one, which needs no distilled LoRA."""
        self.dtype = self.dtype_of("transformer")
        with explained():
            self.checkpoint = Checkpoint(self.files.checkpoint)

    def dtype_of(self, part: PartName) -> torch.dtype:
        """Return what a part's tensors are in."""
        return self.precision.dtype(part, self.device)

    def place(self, part: PartName) -> tuple[Checkpoint, torch.device, torch.dtype]:
        """Return what the openers of `dubkit.ltx.components` take for a part."""
        return self.checkpoint, self.device, self.dtype_of(part)

    def check(self, recipe: Recipe) -> None:
        """Refuse a recipe that these files cannot serve."""
        with explained():
            files = "LTX-2 (19B)" if self.checkpoint.config.text.version == 1 else "LTX-2.3"
        if files != recipe.files:
            raise GeneratorUnfit(
                f"{recipe.name} needs the files of {recipe.files}, and {self.checkpoint.path} is {files}.\n"
                "Name a checkpoint, upsampler and LoRA of that generation, or choose another recipe."
            )
        if "distilled-lora" in recipe.lora_roles and self.files.distilled is None and not self.distilled:
            name = PUBLISHED["distilled LoRA"]
            raise ModelMissing(
                f"{recipe.name} needs the distilled LoRA.\nGive its path, or run: dubkit models get {name}"
            )
        if self.distilled and not recipe.runs_distilled:
            raise GeneratorUnfit(
                f"{recipe.name} takes {recipe.steps} guided steps, and {self.checkpoint.path} holds "
                "distilled weights, which know 8 steps without guidance.\n"
                "Choose the recipe distilled or preview, or name a full checkpoint."
            )
        self.check_upsampler()
        if not self.files.loras:
            sentence = "There is no dubbing LoRA: nothing ties lips and speech to the source."
            self.tell(remark("lora-missing", sentence))

    def check_upsampler(self) -> Path:
        """Return the spatial upsampler's file, or refuse one that is missing or does something else."""
        path = self.files.upsampler
        if path is None:
            name = PUBLISHED["spatial upsampler"]
            raise ModelMissing(
                "A second stage needs the spatial upsampler.\n"
                f"Give its path, or run: dubkit models get {name}"
            )
        with explained():
            spatial = components.upsampler_config(path, self.checkpoint).spatial
        if not spatial:
            raise GeneratorUnfit(
                f"{path} makes more frames, and a file that makes larger ones is needed.\n"
                f"Name a spatial upscaler, or run: dubkit models get {PUBLISHED['spatial upsampler']}"
            )
        return path

    def plan(self, frames: int, height: int, width: int, *, references: bool) -> MemoryPlan:
        """Choose how much of the transformer is on the device at a time, and say why.

        `height` and `width` are the first stage's pixels; the second stage has four times as many tokens.
        """
        cells = (height // PIXELS_PER_LATENT) * (width // PIXELS_PER_LATENT)
        return self.plan_for(4 * cells * ((frames - 1) // FRAMES_PER_LATENT + 1) * (2 if references else 1))

    def plan_for(self, tokens: int) -> MemoryPlan:
        """Choose how much of the transformer is on the device beside so many picture tokens.

        Raises:
            ValueError: not even two blocks at a time fit.
        """
        host = free_memory()
        free = host if self.device.type == "cpu" else card_memory(self.device)
        plan = choose_mode(free, self.sizes, free_host=host, **self.needs(tokens)._asdict())
        log.debug("%s, %s: %s", self.device, str(self.dtype).removeprefix("torch."), plan.reason)
        return plan

    def needs(self, tokens: int) -> MemoryNeeds:
        """Return what work on so many picture tokens takes beside weights."""
        config, itemsize = self.checkpoint.config, self.dtype.itemsize
        transformer = config.transformer
        working = working_bytes(tokens, transformer.video.width, itemsize)
        working += prompt_bytes(transformer, PROMPTS, TOKENS, itemsize)
        return MemoryNeeds(
            working,
            # A LoRA is added before there are any keys.
            keys=max(
                text_key_bytes(transformer, PROMPTS, TOKENS, itemsize),
                fusing_bytes(transformer, itemsize, scaled=holds_float8(self.checkpoint)) - working,
            ),
            tile=tile_bytes(config.video_vae.decoder_base_channels, self.dtype_of("video").itemsize),
            features=feature_bytes(self.checkpoint, TOKENS),
        )

    @cached_property
    def sizes(self) -> PartSizes:
        """Bytes of the parts' weights on the device."""
        sizes = measure_sizes(
            self.checkpoint, widening=self._widening("transformer"), text_encoder=self.text_bytes
        )
        sound = max(self._widening("audio"), self._widening("vocoder"))
        codecs = (("vae.",), self._widening("video")), (("audio_vae.", "vocoder."), sound)
        sizes = sizes._replace(
            others=tuple(int(self.checkpoint.size(*prefixes) * times) for prefixes, times in codecs)
        )
        if not self._casts:
            return sizes
        blocks = sizes.blocks // self.dtype.itemsize
        return sizes._replace(
            transformer=sizes.transformer - sizes.blocks + blocks,
            blocks=blocks,
            largest_block=sizes.largest_block // self.dtype.itemsize,
        )

    @property
    def text_bytes(self) -> int:
        """Bytes of the text encoder's weights in memory."""
        stored = sum(file.stat().st_size for file in self.files.gemma.glob("*.safetensors"))
        return int(stored * self._widening("text_encoder"))

    def _widening(self, part: PartName) -> float:
        """Return how much larger a part is in memory than in its file."""
        stored = self.checkpoint.dtype("model.diffusion_model.patchify_proj.weight")
        return self.dtype_of(part).itemsize / stored.itemsize

    @cached_property
    def _casts(self) -> bool:
        return (self.float8 or self.precision.float8) and not holds_float8(self.checkpoint)

    # --- opening

    def text(self, plan: MemoryPlan) -> TextEncoder:
        device = self.device if plan.text_on_device else torch.device("cpu")
        return TextEncoder.open(self.checkpoint, self.files.gemma, device, self.dtype_of("text_encoder"))

    def upsampler(self) -> tuple[LatentUpsampler, ChannelStatistics]:
        """Open the spatial upsampler, and the statistics of the latents it works on."""
        path, place = self.check_upsampler(), self.place("upsampler")
        return components.open_upsampler(path, *place), components.open_statistics(*place)

    def transformer(
        self, uses: Sequence[tuple[LoRARole, float]], plan: MemoryPlan
    ) -> components.OpenedTransformer:
        """Open the transformer with a stage's LoRAs added; distilled weights take no distilled LoRA."""
        lora = None if self.distilled else self.files.distilled
        distilled = () if lora is None else (lora,)
        loras = [
            lora._replace(strength=lora.strength * strength)
            for role, strength in uses
            for lora in (self.files.loras if role == "dubbing-lora" else distilled)
        ]
        opened = components.open_transformer(
            self.checkpoint,
            self.device,
            self.dtype,
            loras=loras,
            cast_float8=self._casts,
            stream=plan.mode == "streaming",
        )
        for report in opened.loras:
            if report.unmatched:
                count = len(report.unmatched)
                sentence = f"{report.path}: {count} tensors fit nowhere in the transformer and are not used."
                self.tell(remark("lora-unused", sentence))
        return opened


def best_device() -> torch.device:
    """Return CUDA or MPS where there is one, else the CPU."""
    best = devices_here()[0]
    return torch.device("cuda" if best == "cuda:0" else best)


@contextmanager
def explained(argument: str = "") -> Iterator[None]:
    """Turn errors about values, files and memory into `GeneratorUnfit`, whose message is for the user.

    `argument` names the value.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GeneratorUnfit(
            f"The device ran out of memory: {str(error).splitlines()[0]}\n"
            "Use a shorter clip, a smaller height and width, or float8 (--enable_fp8)."
        ) from error
    except ValueError as error:
        raise GeneratorUnfit(f"{argument}: {error}" if argument else str(error)) from error
