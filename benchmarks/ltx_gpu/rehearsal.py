"""A clip at full size through every part of the generator, on fake tensors: `--rehearse`.

It is `JustDubitPipeline` itself that runs, on files without content (`hollow`), with one step in each stage:
all steps of a stage do the same. Values that decide about shapes are given: which tokens are kept, the noise
levels, the prompt's length. They come from the same functions, run on the processor at the same token counts.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple, cast
from unittest import mock

import torch
from torch import Tensor, nn

from benchmarks.ltx_gpu.fake import Peaks, fake_card
from benchmarks.ltx_gpu.stand_ins import CARD, CardFacts
from dubkit.dubbing import pipeline as whole
from dubkit.dubbing.clip.media import ClipMedia
from dubkit.dubbing.diffusion import conditioning, generate
from dubkit.dubbing.diffusion.clip_latents import Contexts, EncodedClip, FirstStage, View
from dubkit.dubbing.diffusion.generate import ClipInputs, DiffusionStart
from dubkit.dubbing.diffusion.parts import Files, GeneratorParts
from dubkit.dubbing.diffusion.recipes import Recipe
from dubkit.dubbing.request import DEFAULT_TILING, ClipRequest
from dubkit.ltx import text
from dubkit.ltx.block import Cross
from dubkit.ltx.latents import audio_latents, latent_frames, latent_size
from dubkit.ltx.memory import MemoryPlan, Mode
from dubkit.ltx.modulation import Levels

CHANNELS, SOUND_CHANNELS, BINS = 128, 8, 16
"""Of the latents of picture and sound."""
PARTS = ("text encoder", "encoders", "first stage", "upsampler", "second stage", "sound", "picture")
"""What is measured apart: between two of them the pipeline empties its caches."""
RATE = Fraction(25)
PROMPT_TOKENS = 1024
"""The longest prompt, which takes most memory."""
Precision = Literal["bf16", "float8 file", "float8 cast"]


@dataclass(frozen=True, slots=True)
class Case:
    """One run: what is dubbed how."""

    recipe: Recipe
    frames: int
    height: int
    """Of the first stage in pixels, as the width is."""
    width: int
    precision: Precision = "bf16"
    mode: Mode = "resident"
    transformer_only: bool = False
    """Leave out the text encoder and the codecs, which do not depend on precision and mode."""

    @property
    def one_step(self) -> Recipe:
        """The recipe with one step in each stage, its guidance as it is."""
        levels = (*self.recipe.first_levels[:1], 0.0) if self.recipe.first_levels else ()
        second = (*self.recipe.second_levels[:1], 0.0)
        return self.recipe.with_(steps=1, first_levels=levels, second_levels=second, still_crf=0)


class Found(NamedTuple):
    """The most bytes alive in one part of a run."""

    part: str
    device: int
    host: int


@dataclass
class Known:
    """Values that fake tensors do not have, by the number of tokens that they are about."""

    levels: dict[int, Levels] = field(default_factory=dict)
    cross: dict[int, Cross | None] = field(default_factory=dict)

    def learn(self, start: DiffusionStart) -> None:
        """Take the noise levels and the cross-modal rows of a stage that was begun on the processor."""
        for state in start.states:
            levels = Levels.of(state.mask)
            kept = self.levels.setdefault(state.mask.shape[1], levels)
            if kept.runs != levels.runs:
                raise ValueError(f"Two streams of {state.mask.shape[1]} tokens keep different ones.")
        self.cross[start.states[0].mask.shape[1]] = start.cross

    def levels_of(self, timesteps: Tensor) -> Levels:
        """Stand for `Levels.of`."""
        known = self.levels[timesteps.numel()]
        values = torch.empty(len(known.values), device=timesteps.device)
        return Levels(values, known.runs, torch.empty_like(timesteps.flatten(), dtype=torch.long))

    def cross_of(self, picture: Tensor, sound: Tensor, _dtype: torch.dtype) -> Cross | None:
        """Stand for `cross_attention`, which has both masks on one device."""
        if picture.device != sound.device:
            raise RuntimeError(f"Masks are on {picture.device} and {sound.device}.")
        return self.cross[picture.shape[1]]


class Sigmas(list[float]):
    """Noise levels whose values are known."""

    def tolist(self) -> list[float]:
        return list(self)


def known_values(case: Case) -> Known:
    """Begin both stages on the processor, with nothing in the latents, and note what decides about shapes."""
    network = cast(
        Any,
        SimpleNamespace(
            config=SimpleNamespace(video=SimpleNamespace(in_channels=CHANNELS)),
            patchify_proj=nn.Linear(1, 1).requires_grad_(False),
        ),
    )
    clip, draw, known = ClipInputs(case.one_step, empty_clip(case), RATE), torch.Generator(), Known()
    known.learn(generate.start_first(network, clip, draw))
    video, sound = clip.encoded.first.reference, clip.encoded.sound
    upsampled = clip.encoded.second.reference
    assert video is not None
    assert sound is not None
    assert upsampled is not None
    first = FirstStage(video, sound, draw.get_state())
    known.learn(generate.start_second(network, clip, first, upsampled, draw))
    return known


@contextmanager
def given(known: Known, case: Case) -> Iterator[None]:
    """Give fake tensors the values that decide about shapes."""
    recipe = case.one_step
    sigmas = [Sigmas(x.tolist()) for x in (recipe.first_sigmas(), recipe.second_sigmas())]

    def own_tokens(_tokens: object) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(torch.zeros(1, PROMPT_TOKENS, dtype=torch.long) for _ in range(3))  # type: ignore[return-value]

    with ExitStack() as stack:
        for owner, name, value in (
            (Levels, "of", known.levels_of),
            (conditioning, "cross_attention", known.cross_of),
            (Recipe, "first_sigmas", lambda _self: sigmas[0]),
            (Recipe, "second_sigmas", lambda _self: sigmas[1]),
            (text, "own_tokens", own_tokens),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


def rehearse(case: Case, files: Files, facts: CardFacts | None = None) -> list[Found]:
    """Run a clip from files to frames and return the most bytes alive in each part.

    Raises:
        RuntimeError: devices or types of an operation's inputs differ, or its shapes do not fit.
    """
    known, found = known_values(case), Parts()
    with given(known, case), fake_card(facts or CardFacts()) as peaks, found.told_apart(case, peaks):
        pipeline = open_pipeline(case, files)
        if case.transformer_only:
            _transformer(case, pipeline)
        else:
            _whole(case, pipeline)
        found.next_part()
    return found.found[1:] if case.transformer_only else found.found


@dataclass
class Parts:
    """Tells the parts of a run apart: between two of them the pipeline empties its caches."""

    found: list[Found] = field(default_factory=list)
    peaks: Peaks | None = None
    left: Iterator[str] = field(default_factory=lambda: iter(()))

    @contextmanager
    def told_apart(self, case: Case, peaks: Peaks) -> Iterator[None]:
        """Note a part's peak whenever the pipeline goes on to the next; its mode is the case's."""
        self.peaks, self.left = peaks, iter(PARTS[1:5] if case.transformer_only else PARTS)
        plan = MemoryPlan(case.mode, True, "")
        with (
            mock.patch.object(whole, "empty_caches", self.next_part),
            mock.patch.object(GeneratorParts, "plan", return_value=plan),
        ):
            yield

    def next_part(self) -> None:
        assert self.peaks is not None
        gc.collect()
        self.found.append(Found(next(self.left), self.peaks.most["cuda"], self.peaks.most["cpu"]))
        self.peaks.restart()


def open_pipeline(case: Case, files: Files) -> whole.JustDubitPipeline:
    """Return the pipeline of a case's files on the card."""
    assert files.distilled is not None
    assert files.upsampler is not None
    float8 = case.precision == "float8 cast"
    return whole.JustDubitPipeline(
        files.checkpoint, files.distilled.path, 1.0, files.upsampler, files.gemma, files.loras, CARD, float8
    )


def _whole(case: Case, pipeline: whole.JustDubitPipeline) -> None:
    size = 2 * case.height, 2 * case.width
    pictures = torch.empty(case.frames, *size, 3, dtype=torch.uint8)
    wave = torch.empty(2, int(case.frames / RATE * 48_000))
    media = ClipMedia(pictures, wave, 48_000, RATE, case.frames)
    texts = "a prompt", "another"
    frames, sound = pipeline.generate(
        ClipRequest(media, *texts, 1, case.height, case.width, case.one_step, DEFAULT_TILING)
    )
    shown, heard = sum(len(piece) for piece in frames), sound.shape[1]
    if shown != case.frames or heard != int(case.frames / RATE * 24_000):
        raise RuntimeError(f"{shown} frames and {heard} samples came of {case.frames} frames.")


def _transformer(case: Case, pipeline: whole.JustDubitPipeline) -> None:
    """Run both stages and the upsampler alone, with a prompt and latents that were made before."""
    plan = pipeline.parts.plan(case.frames, case.height, case.width, references=True)
    clip, half = ClipInputs(case.one_step, empty_clip(case, torch.bfloat16), RATE), torch.bfloat16
    contexts = [Contexts(*(torch.empty(1, PROMPT_TOKENS, 3840, dtype=half) for _ in range(2))) for _ in "pn"]
    negative = contexts[1] if case.recipe.negative_prompt else None
    with torch.inference_mode():
        first = pipeline._first(clip, contexts[0], negative, 1, plan)
        second = pipeline._second(clip, contexts[0], negative, first, plan)
    if second.video.shape[3:] != (case.height // 16, case.width // 16):
        raise RuntimeError(f"The second stage made latents of {tuple(second.video.shape)}.")


def empty_clip(case: Case, dtype: torch.dtype = torch.float32) -> EncodedClip:
    """Return a clip's latents at both sizes, all zeros."""
    rows, columns = latent_size(case.height, case.width)
    still = case.recipe.first_frame

    def view(factor: int) -> View:
        size = rows * factor, columns * factor
        stills = (torch.zeros(1, CHANNELS, 1, *size, dtype=dtype),) if still else ()
        return View(stills, torch.zeros(1, CHANNELS, latent_frames(case.frames), *size, dtype=dtype))

    sound = torch.zeros(1, SOUND_CHANNELS, audio_latents(case.frames, RATE) + 1, BINS, dtype=dtype)
    places = ((0, 1.0),) if still else ()
    sizes = case.frames, case.height, case.width, SOUND_CHANNELS, BINS
    return EncodedClip(*sizes, view(1), view(2), places, sound)
