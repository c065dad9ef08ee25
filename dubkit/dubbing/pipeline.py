"""One clip from files to frames and sound: every model is opened once, one after the other.

A checkpoint's parts take turns in memory: text encoder, codecs' encoders, transformer, upsampler, transformer
with the second stage's LoRAs, decoders. Whole episodes go through the chain, which takes the same steps for
many clips at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dubkit.dubbing.clip.decode import decode_picture, decode_sound
from dubkit.dubbing.clip.encode import encode_clip, encode_frames, encode_prompt
from dubkit.dubbing.clip.media import GivenWave, uncovered
from dubkit.dubbing.continuation.continued import (
    OVERLAP,
    Before,
    DubbedFrames,
    clip_before,
    finished_clip,
    read_state,
    shown_sound,
)
from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import BlobStore
from dubkit.dubbing.diffusion.clip_latents import Carry, Contexts, EncodedClip, FirstStage, SecondStage
from dubkit.dubbing.diffusion.generate import ClipInputs, first_stage, second_stage, upsample
from dubkit.dubbing.diffusion.parts import AUTOMATIC, Files, GeneratorParts, best_device, explained
from dubkit.dubbing.diffusion.precision import Precision
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT, NEGATIVE_PROMPT, Recipe
from dubkit.dubbing.diffusion.refining import RefineOverride, RefinePreset
from dubkit.dubbing.enhance import Enhanced, enhance
from dubkit.dubbing.request import (
    DEFAULT_TILING,
    ClipOptions,
    ClipRequest,
    adjust_recipe,
    given_sound,
    rate_of,
    read_stills,
    source_from_prompt,
    source_of,
)
from dubkit.ltx import components
from dubkit.ltx.latents import latent_frames
from dubkit.ltx.lora import LoRA
from dubkit.ltx.memory import MemoryPlan, empty_caches
from dubkit.ltx.text import TextEncoder
from dubkit.ltx.tiling import Tiling
from dubkit.types import Remark, Tell

log = logging.getLogger(__name__)

OnProgress = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and out of how much."""


def _as_given(given: GivenWave, start: Before | None) -> Tensor:
    """Return the samples (2, N) of a given sound, from where the clip's sound begins."""
    lead = round(float(start.lead) * given.sample_rate) if start else 0
    return F.pad(given.wave.float().expand(2, -1), (lead, 0))


def _logged(remark: Remark) -> None:
    log.warning("%s", remark.sentence)


LoRALike = LoRA | tuple[Path | str, float] | tuple[Path | str, float, Any]


class JustDubitPipeline:
    """Dub one clip with JustDubit, as the original's class of this name does.

    Differences from it: rate and proportions come from the clip where the call names none, and the tail
    beyond 8k+1 frames is dubbed too, so that the result is as long as the clip.

    Files are checked when it is built and opened when they are needed. `loras` are the dubbing LoRA and any
    others, for both stages: `LoRA(path, strength)`, or tuples whose third value is not used, because names
    are matched here without a renaming map. `refine` sets the second stage up for all calls, and `precision`
    gives each part its number type. `distilled_weights` says whether the checkpoint is a distilled one, where
    its name does not.

    Raises:
        ModelMissing: a file is not there; names it and how to get it.
        GeneratorUnfit: the checkpoint is damaged.
    """

    def __init__(
        self,
        checkpoint_path: Path | str,
        distilled_lora_path: Path | str | None,
        distilled_lora_strength: float,
        spatial_upsampler_path: Path | str,
        gemma_root: Path | str,
        loras: Sequence[LoRALike],
        device: torch.device | str | None = None,
        fp8transformer: bool = False,
        *,
        refine: RefinePreset | None = None,
        precision: Precision | None = None,
        distilled_weights: bool | None = None,
    ) -> None:
        distilled = distilled_lora_path and LoRA(Path(distilled_lora_path), distilled_lora_strength)
        files = Files(
            Path(checkpoint_path),
            Path(spatial_upsampler_path),
            Path(gemma_root),
            tuple(LoRA(Path(lora[0]), float(lora[1])) for lora in loras),
            distilled or None,
            distilled_weights,
        )
        self.parts = GeneratorParts(
            files,
            torch.device(device or best_device()),
            fp8transformer,
            lambda remark: self.tell(remark),
            precision or AUTOMATIC,
        )
        self.refine = refine or RefinePreset()
        """How the second stage of every call is set up."""
        self.tell: Tell = _logged
        """Takes remarks, such as that a picture is cropped; at first they are logged."""
        self.progress: OnProgress | None = None
        """Called between the steps; what it raises ends the call."""
        self.enhancing: Callable[[Enhanced], None] | None = None
        """Where it is set, prompts are enhanced with the Gemma that is open anyway; told what came of it."""

    @property
    def audio_sample_rate(self) -> int:
        """Samples per second of the sound it returns: 24 kHz, and 48 kHz of LTX-2.3."""
        with explained():
            return self.parts.checkpoint.config.vocoder.output_rate

    def __call__(
        self,
        prompt: str,
        negative_prompt: str = NEGATIVE_PROMPT,
        seed: int = 42,
        height: int | None = None,
        width: int | None = None,
        num_frames: int = 121,
        frame_rate: Fraction | float | None = None,
        num_inference_steps: int | None = None,
        cfg_guidance_scale: float | None = None,
        images: Sequence[tuple[str | Path, int, float]] = (),
        video_conditioning: Sequence[tuple[str | Path, float]] = (),
        tiling_config: Tiling | None = DEFAULT_TILING,
        *,
        recipe: Recipe = JUSTDUBIT,
        audio: str | Path | None = None,
        first_frame: bool = True,
        continuation: ContinuationState | None = None,
        blob_store: BlobStore | None = None,
        overlap: int = OVERLAP,
        refine: RefineOverride | None = None,
    ) -> tuple[DubbedFrames, Tensor]:
        """Return the dub's frames, (n, H, W, 3) uint8 a piece, and its sound, (2, N) float32.

        A shot too long for one clip is dubbed in several that overlap. When all frames have been taken,
        `frames.continuation()` gives the state for the next call, whose clip is the source from `overlap`
        frames before this one's end. That call returns what comes after the overlap, so the frames and sounds
        of all calls, put together, are as long as the source.

        Args:
            height, width: the first stage's, multiples of 32, or the result's where the recipe says so. Given
                one or both, the picture is scaled and cropped to them; else it is kept whole.
            num_frames: without a clip only: the clip's own number wins, as in the original.
            frame_rate: in the clip's place; 25 where there is no clip.
            num_inference_steps, cfg_guidance_scale: in the recipe's place.
            images: stills as (path, latent frame, strength). Without any, the clip's first frame is taken,
                with the clip's strength, unless `first_frame` is False.
            video_conditioning: the clip to dub as (path, strength); none makes a film from the prompt alone.
            tiling_config: of the video autoencoder; None works on whole pictures.
            audio: a sound file that the picture is made for, from the clip's first frame on. It is cut, or
                followed by silence, to the clip's end, and comes back sample by sample at its own rate, which
                is `frames.sample_rate`. The recipe's `given` and `given_reference` say how it drives the
                picture. The prompt says what is spoken.
            continuation: what the clip before left: its last frames take the place of this clip's first ones,
                at the state's strengths, and of `first_frame`. Read with `blob_store`.
            overlap: frames at the end that are kept for the next clip, 8k+1.
            refine: how this clip is refined, in the recipe's place.

        Raises:
            MediaError: the clip cannot be read, or has no sound.
            DubkitError: a value, file or machine that does not fit; the message says which.
        """
        recipe = self.refine.applied(adjust_recipe(recipe, num_inference_steps, cfg_guidance_scale))
        recipe = recipe if refine is None else refine.applied(recipe)
        options = ClipOptions(recipe, rate_of(frame_rate), height, width, read_stills(images), self.tell)
        if video_conditioning:
            loras = self.parts.files.loras
            source = source_of(options, video_conditioning, loras, first_frame=first_frame)
        else:
            source = source_from_prompt(options, num_frames)
        if audio is not None:
            given = given_sound(Path(audio), source.media, self.tell)
            source = source._replace(media=replace(source.media, given=given))
        state = None if continuation is None else read_state(continuation, blob_store)
        texts, size = (prompt, negative_prompt), (source.height, source.width)
        return self.generate(
            ClipRequest(source.media, *texts, seed, *size, source.recipe, tiling_config, state, overlap)
        )

    def generate(self, request: ClipRequest) -> tuple[DubbedFrames, Tensor]:
        """Return the frames and the sound of one clip, as long as its real frames.

        A continuation leaves out the frames that it begins with.
        """
        recipe, media = request.recipe, request.media
        self.parts.check(recipe)
        with explained("overlap"):
            latent_frames(request.overlap)
        state = request.continuation
        start = None if state is None else clip_before(state, media, self.audio_sample_rate)
        with explained(), torch.inference_mode():
            references = media.pictures is not None
            plan = self.parts.plan(media.frames, request.height, request.width, references=references)
            positive, negative = self._embed(request, plan)
            encoded, carries = self._encode(request, start)
            inputs = [ClipInputs(recipe, encoded, media.rate, carry) for carry in carries]
            first = self._first(inputs[0], positive, negative, request.seed, plan)
            second = self._second(inputs[1], positive, negative, first, plan)
            if media.given is None:
                wave, sample_rate = self._sound(second)
            else:
                wave, sample_rate = _as_given(media.given, start), media.given.sample_rate
        clip = finished_clip(media, second.audio, self.audio_sample_rate, start)
        hidden = start.overlap if start else 0
        frames = DubbedFrames(self._frames(request, second), hidden, request.overlap, clip, sample_rate)
        return frames, shown_sound(wave, replace(clip, sample_rate=sample_rate), start)

    # --- the work, one model at a time

    def _embed(self, request: ClipRequest, plan: MemoryPlan) -> tuple[Contexts, Contexts | None]:
        self._tell("text", 0, 1)
        encoder = self.parts.text(plan)
        positive = encode_prompt(encoder, self._enhanced(encoder, request))
        negative = encode_prompt(encoder, request.negative_prompt) if request.recipe.negative_prompt else None
        self._tell("text", 1, 1)
        return positive, negative

    def _enhanced(self, encoder: TextEncoder, request: ClipRequest) -> str:
        if self.enhancing is None:
            return request.prompt
        media = request.media
        picture = next((still.picture for still in media.stills or ()), None)
        if picture is None and media.pictures is not None:
            picture = media.pictures[0]
        still = None if picture is None else picture.cpu().numpy()
        folder = self.parts.files.gemma
        enhanced = enhance(encoder.tokenizer, encoder.gemma, folder, request.prompt, still)
        self.enhancing(enhanced)
        return enhanced.prompt

    def _encode(
        self, request: ClipRequest, start: Before | None
    ) -> tuple[EncodedClip, tuple[Carry | None, Carry | None]]:
        empty_caches()
        self._tell("encode", 0, 1)
        video, audio = self.parts.place("video"), self.parts.place("audio")
        codecs = components.open_video_encoder(*video), components.open_audio_encoder(*audio)
        size, media, pair = (request.width, request.height), request.media, None
        if start is not None and start.end.picture_hold:
            frames = start.end.frames
            pair = encode_frames(frames, media, *size, codecs[0], request.tiling)
            media = replace(media, stills=media.stills or ())
        lead = float(start.lead) if start else 0.0
        encoded = encode_clip(media, request.recipe, *size, *codecs, request.tiling, lead=lead)
        self._tell("encode", 1, 1)
        return (encoded, (None, None)) if start is None else start.taken_over(encoded, pair)

    def _first(
        self,
        clip: ClipInputs,
        positive: Contexts,
        negative: Contexts | None,
        seed: int,
        plan: MemoryPlan,
    ) -> FirstStage:
        empty_caches()
        self._tell("first stage", 0, clip.recipe.steps)
        return first_stage(
            self.parts.transformer(clip.recipe.first_loras, plan),
            clip,
            positive,
            negative,
            seed,
            on_step=lambda done, total: self._tell("first stage", done, total),
        )

    def _second(
        self,
        clip: ClipInputs,
        positive: Contexts,
        negative: Contexts | None,
        first: FirstStage,
        plan: MemoryPlan,
    ) -> SecondStage:
        empty_caches()
        recipe, parts = clip.recipe, self.parts
        if recipe.refine:
            self._tell("second stage", 0, recipe.second_steps)
        model, statistics = parts.upsampler()
        upsampled = upsample(first, model, statistics)
        del model
        empty_caches()
        if not recipe.refine:
            return SecondStage(upsampled, first.audio)
        return second_stage(
            parts.transformer(recipe.second_loras, plan),
            clip,
            positive,
            first,
            upsampled,
            negative=negative,
            on_step=lambda done, total: self._tell("second stage", done, total),
        )

    def _sound(self, second: SecondStage) -> tuple[Tensor, int]:
        empty_caches()
        vocoder = components.open_vocoder(*self.parts.place("vocoder"))
        decoder = components.open_audio_decoder(*self.parts.place("audio"))
        return decode_sound(second.audio, decoder, vocoder), vocoder.sample_rate

    def _frames(self, request: ClipRequest, second: SecondStage) -> Iterator[Tensor]:
        """Yield the real frames; the decoder is open from the first piece to the last."""
        media, done, parts = request.media, 0, self.parts
        with explained():
            empty_caches()
            decoder = components.open_video_decoder(*parts.place("video"))
            for piece in decode_picture(second.video, decoder, request.tiling):
                kept = uncovered(piece, media.fit)[: media.real_frames - done]
                done += len(kept)
                if len(kept):
                    self._tell("decode", done, media.real_frames)
                    yield kept

    def _tell(self, step: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(step, done, total)
