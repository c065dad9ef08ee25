"""The model files that films are made with: found, checked, and opened one part at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dubkit.dubbing.clip.encode import encode_prompt
from dubkit.dubbing.diffusion.clip_latents import Contexts
from dubkit.dubbing.diffusion.parts import (
    PUBLISHED,
    Files,
    GeneratorParts,
    GeneratorUnfit,
    best_device,
    explained,
    need,
    told_to_nobody,
)
from dubkit.dubbing.enhance import Enhanced, enhance
from dubkit.dubbing.request import DEFAULT_TILING
from dubkit.errors import ModelMissing
from dubkit.generation.pipelines import DISTILLED_FILM, FilmPipeline
from dubkit.ltx import components
from dubkit.ltx.audio_vae import AudioEncoder
from dubkit.ltx.components import OpenedTransformer
from dubkit.ltx.lora import LoRA
from dubkit.ltx.memory import MemoryPlan
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.tiling import Tiling
from dubkit.ltx.upsampler import LatentUpsampler
from dubkit.ltx.video_vae import VideoEncoder
from dubkit.ltx.weights import Checkpoint
from dubkit.types import Tell

if TYPE_CHECKING:
    from dubkit.models.store import ModelStore

TEMPORAL = PUBLISHED["temporal upsampler"]


@dataclass(frozen=True, slots=True)
class FilmFiles:
    """Where the parts lie; those that are None are needed by some pipelines only."""

    checkpoint: Path
    gemma: Path
    upsampler: Path | None = None
    """Doubles the picture's sides between two stages."""
    distilled_lora: LoRA | None = None
    """Second stages, and the distilled pipeline on a full checkpoint."""
    temporal: Path | None = None
    """Doubles the frames between two stages."""
    loras: tuple[LoRA, ...] = ()
    """For both stages of every film."""
    distilled: bool | None = None
    """Whether the checkpoint is a distilled one; None tells by its name."""


class FilmParts:
    """Opens each part when it is needed, in bfloat16 on CUDA and float32 elsewhere; nothing is kept.

    Args:
        device: where networks run; None takes the best one here.
        float8: round the transformer's linears to float8 while it is loaded.
        tell: takes remarks, such as that a picture is cropped.
        tiling: of the video autoencoder; None works on whole pictures.

    Raises:
        ModelMissing: a file is not there; names it and how to get it.
        GeneratorUnfit: the checkpoint is damaged, or the device is not here.
    """

    def __init__(
        self,
        files: FilmFiles,
        device: torch.device | str | None = None,
        *,
        float8: bool = False,
        tell: Tell = told_to_nobody,
        tiling: Tiling | None = DEFAULT_TILING,
    ) -> None:
        self.files, self.tell, self.tiling = files, tell, tiling
        check_loras(files.loras)
        self.generator = GeneratorParts(
            Files(
                files.checkpoint,
                files.upsampler,
                files.gemma,
                files.loras,
                files.distilled_lora,
                files.distilled,
            ),
            torch.device(device or best_device()),
            float8,
            lambda remark: self.tell(remark),
        )
        if files.temporal is not None:
            need("temporal upsampler", files.temporal)
        self.distilled = self.generator.distilled
        """Whether the checkpoint runs in few steps without guidance."""
        self.enhancing: Callable[[Enhanced], None] | None = None
        """Where it is set, prompts are enhanced with the Gemma that is open anyway; told what came of it."""

    @property
    def place(self) -> tuple[Checkpoint, torch.device, torch.dtype]:
        """Checkpoint, device and dtype, as the openers of single parts take them."""
        return self.generator.checkpoint, self.generator.device, self.generator.dtype

    @property
    def sample_rate(self) -> int:
        """Samples per second of the sound that is generated."""
        return self.generator.checkpoint.config.vocoder.output_rate

    def fitted(self, pipeline: FilmPipeline) -> FilmPipeline:
        """Return the pipeline as these weights run it.

        Distilled weights take eight steps and no guidance; those of LTX-2.3 were made for generation C.
        """
        if self.distilled and not pipeline.distilled:
            pipeline = pipeline.on_distilled_weights()
        first = self.generator.checkpoint.config.text.version == 1
        return pipeline if first or pipeline.generation == "C" else pipeline.with_(generation="C")

    def check(self, pipeline: FilmPipeline, *, double_rate: bool) -> None:
        """Refuse a pipeline that these files cannot serve.

        Raises:
            ModelMissing: a file that it needs is not named or not there.
            GeneratorUnfit: a file of another kind.
        """
        if pipeline.stages == 2:
            self.generator.check_upsampler()
        if self._distilled_lora_in(pipeline, pipeline.stages) and self.files.distilled_lora is None:
            name = PUBLISHED["distilled LoRA"]
            raise ModelMissing(
                f"{pipeline.name} needs the distilled LoRA.\nGive its path, or run: dubkit models get {name}"
            )
        if double_rate:
            self._check_temporal(pipeline)

    def _check_temporal(self, pipeline: FilmPipeline) -> None:
        if pipeline.stages == 1:
            raise GeneratorUnfit(
                f"Frames are doubled between two stages, and {pipeline.name} has one.\n"
                "Leave the doubling out, or choose a pipeline with two stages."
            )
        path = self.files.temporal
        if path is None:
            raise ModelMissing(
                "Doubling the frames needs the temporal upsampler, and it is not here.\n"
                f"Give its path, or run: dubkit models get {TEMPORAL}"
            )
        with explained():
            if not components.upsampler_config(path, self.generator.checkpoint).temporal:
                raise GeneratorUnfit(
                    f"{path} makes larger frames, and a file that makes more of them is needed.\n"
                    f"Name a temporal upscaler, or run: dubkit models get {TEMPORAL}"
                )

    def _distilled_lora_in(self, pipeline: FilmPipeline, stage: int) -> bool:
        """Whether a stage runs with the distilled LoRA: second stages, and all of the distilled pipeline."""
        return not self.distilled and (stage == 2 or pipeline.distilled)

    # --- opening

    def embed(self, prompts: Sequence[str], plan: MemoryPlan, still: Tensor | None = None) -> list[Contexts]:
        """Return the contexts of prompts; only the first is ever enhanced, with `still` (H, W, 3) in view."""
        encoder = self.generator.text(plan)
        if self.enhancing is not None:
            picture = None if still is None else still.cpu().numpy()
            folder = self.files.gemma
            enhanced = enhance(encoder.tokenizer, encoder.gemma, folder, prompts[0], picture)
            self.enhancing(enhanced)
            prompts = [enhanced.prompt, *prompts[1:]]
        return [encode_prompt(encoder, prompt) for prompt in prompts]

    def transformer(
        self, pipeline: FilmPipeline, stage: int, loras: Sequence[LoRA], plan: MemoryPlan
    ) -> OpenedTransformer:
        """Open the transformer of stage 1 or 2, with `loras` beside those of the files."""
        parts = self.generator
        if loras:
            parts = replace(parts, files=replace(parts.files, loras=(*parts.files.loras, *loras)))
        both = [("dubbing-lora", 1.0)]
        if self._distilled_lora_in(pipeline, stage):
            both.append(("distilled-lora", 1.0))
        return parts.transformer(both, plan)  # type: ignore[arg-type]

    def same_weights(self, pipeline: FilmPipeline) -> bool:
        """Whether both stages run on one opened transformer."""
        return self._distilled_lora_in(pipeline, 1) == self._distilled_lora_in(pipeline, 2)

    def video_encoder(self) -> VideoEncoder:
        return components.open_video_encoder(*self.place)

    def audio_encoder(self) -> AudioEncoder:
        return components.open_audio_encoder(*self.place)

    def upsampler(self) -> tuple[LatentUpsampler, ChannelStatistics]:
        return self.generator.upsampler()

    def temporal_upsampler(self) -> tuple[LatentUpsampler, ChannelStatistics]:
        assert self.files.temporal is not None
        return components.open_upsampler(self.files.temporal, *self.place), components.open_statistics(
            *self.place
        )


def check_loras(loras: Sequence[LoRA]) -> None:
    """Raise `ModelMissing` for the first file that is not there."""
    for lora in loras:
        if not lora.path.is_file():
            raise ModelMissing(f"No LoRA at {lora.path}.\nGive the path of yours.")


def film_files(
    store: ModelStore, pipeline: str = "auto", *, checkpoint: Path | None = None, gemma: Path | None = None
) -> FilmFiles:
    """Return the files of the model store that films are made with, full precision before 8 bit.

    The distilled pipeline takes a distilled checkpoint where there is one, else the full one with the
    distilled LoRA. Where there is no full checkpoint, a distilled one serves every pipeline. A `checkpoint`
    or `gemma` of your own takes the store's place.

    Raises:
        ModelMissing: no checkpoint or no text encoder; says how to get it.
    """

    def path(role: str) -> Path | None:
        model = store.find(role)
        return None if model is None else model.path

    use = None
    if checkpoint is None:
        distilled, full = path("distilled-checkpoint"), path("checkpoint")
        use = distilled if pipeline == DISTILLED_FILM.name or full is None else None
        checkpoint = use or store.fetch("checkpoint").path
    lora = path("distilled-lora")
    return FilmFiles(
        checkpoint,
        gemma or store.fetch("text-encoder").path,
        path("spatial-upscaler"),
        None if lora is None else LoRA(lora),
        path("temporal-upscaler"),
        distilled=True if use else None,
    )
