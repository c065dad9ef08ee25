"""The generator's parts, opened by context managers and freed when the block ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.generate import LoadedTransformer
    from dubkit.dubbing.diffusion.parts import Files
    from dubkit.dubbing.diffusion.precision import Precision
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

StageName = Literal["first", "second"]


@dataclass(frozen=True, slots=True)
class Options:
    """How the files are used."""

    recipe: Recipe
    float8: bool = False
    memory: Literal["auto", "resident", "component", "streaming"] = "auto"
    precision: Precision | None = None
    """The number type of each part; None leaves all to the device."""


class Encoders(NamedTuple):
    """The encoders of a clip's picture and sound."""

    video: VideoEncoder
    audio: AudioEncoder


class Decoders(NamedTuple):
    """The decoders of latents into pictures and sound."""

    video: VideoDecoder
    audio: AudioDecoder
    vocoder: Vocoder | ExtendedVocoder


class Upscaling(NamedTuple):
    """The network that doubles the size of a picture's latents, and the statistics it needs."""

    model: LatentUpsampler
    statistics: ChannelStatistics


class DeviceGenerator:
    """The generator on one device. Nothing is loaded before a part is opened."""

    def __init__(self, files: Files, options: Options, device: str) -> None:
        import torch

        from dubkit.dubbing.diffusion.parts import AUTOMATIC, GeneratorParts

        self.options = options
        self.parts = GeneratorParts(
            files, torch.device(device), options.float8, precision=options.precision or AUTOMATIC
        )
        self.device, self.checkpoint = self.parts.device, self.parts.checkpoint
        self.parts.check(options.recipe)

    @contextmanager
    def text_encoder(self) -> Iterator[TextEncoder]:
        """Open the text encoder, on the CPU where the device cannot hold it."""
        import torch

        from dubkit.ltx.memory import card_memory
        from dubkit.ltx.text import TextEncoder

        fits = self.device.type == "cpu" or self.parts.text_bytes * 1.2 < card_memory(self.device)
        device = self.device if fits else torch.device("cpu")
        dtype = self.parts.dtype_of("text_encoder")
        with self._part(f"text encoder on {device}"):
            yield TextEncoder.open(self.checkpoint, self.parts.files.gemma, device, dtype)

    @contextmanager
    def encoders(self) -> Iterator[Encoders]:
        """Open the encoders."""
        from dubkit.ltx import components

        with self._part("encoders"):
            yield Encoders(
                components.open_video_encoder(*self.parts.place("video")),
                components.open_audio_encoder(*self.parts.place("audio")),
            )

    @contextmanager
    def audio_encoder(self) -> Iterator[AudioEncoder]:
        """Open the encoder of sound alone."""
        from dubkit.ltx import components

        with self._part("encoder of sound"):
            yield components.open_audio_encoder(*self.parts.place("audio"))

    @contextmanager
    def transformer(
        self, stage: StageName, tokens: int, mode: Mode | None = None
    ) -> Iterator[LoadedTransformer]:
        """Open the transformer with a stage's LoRAs, in `mode` or as memory beside `tokens` allows."""
        from dubkit.ltx.memory import MemoryPlan

        chosen = mode or self.memory_mode(tokens)
        recipe = self.options.recipe
        uses = recipe.first_loras if stage == "first" else recipe.second_loras
        with self._part(f"transformer of the {stage} stage, {chosen}"):
            yield self.parts.transformer(uses, MemoryPlan(chosen, True, ""))

    @contextmanager
    def upscaling(self) -> Iterator[Upscaling]:
        """Open the latent upscaler."""
        with self._part("upscaler"):
            yield Upscaling(*self.parts.upsampler())

    @contextmanager
    def video_decoder(self) -> Iterator[VideoDecoder]:
        """Open the decoder of pictures alone."""
        from dubkit.ltx import components

        with self._part("decoder of pictures"):
            yield components.open_video_decoder(*self.parts.place("video"))

    @contextmanager
    def decoders(self) -> Iterator[Decoders]:
        """Open the decoders."""
        from dubkit.ltx import components

        with self._part("decoders"):
            yield Decoders(
                components.open_video_decoder(*self.parts.place("video")),
                components.open_audio_decoder(*self.parts.place("audio")),
                components.open_vocoder(*self.parts.place("vocoder")),
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
        from dubkit.ltx.memory import empty_caches

        log.debug("Opening the %s", name)
        try:
            yield
        finally:
            empty_caches()
