"""Comparisons of dubs whose sound is given: whole runs, step by step."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import soundfile as sf  # type: ignore[import-untyped]
import torch
from torch import Tensor

from benchmarks.parity.dub import Models, noise_of
from benchmarks.parity.report import BYTE, DEFAULT, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity.runs import Call, DubRun
from benchmarks.parity.stages import STREAMS, WALK
from dubkit.dubbing.clip.encode import encode_given
from dubkit.dubbing.clip.media import GivenWave
from dubkit.dubbing.diffusion.clip_latents import Contexts, FirstStage
from dubkit.dubbing.diffusion.generate import (
    DiffusionStart,
    Plan,
    denoiser,
    first_stage,
    second_stage,
    start_first,
    start_second,
    upsample,
)
from dubkit.dubbing.diffusion.sampler import States, sample
from dubkit.ltx import mel
from dubkit.ltx.components import OpenedTransformer

FOLLOWING = "following"
DUBS = "justdubit_"
"""How the names of runs of the dubbing pipeline begin; the others are films."""


class GivenRun(DubRun):
    """A call of the dubbing pipeline with a given sound, by the library's own stages."""

    def __init__(self, models: Models, part: Part, name: str, run: Call) -> None:
        super().__init__(models, run["call"])
        self.part, self.name = part, name
        samples, rate = sf.read(str(part.folder / run["given"]), dtype="float32", always_2d=True)
        self.given = GivenWave(torch.from_numpy(samples.T.copy()), rate)
        heard = bool(run["source_sound_as_reference"])
        self.recipe = self.recipe.with_(
            given=FOLLOWING if name.endswith(FOLLOWING) else "frozen", given_reference=heard
        )
        latent = encode_given(self.given, self.encoded.frames, self.rate, models.audio_encoder)
        self.source_sound = self.encoded.sound
        self.encoded = replace(self.encoded, given=latent, sound=self.encoded.sound if heard else None)

    def check(self, name: str, result: Tensor, tolerance: Tolerance = DEFAULT) -> None:
        """Compare a result with the reference of this run."""
        self.part.check(f"{self.name}.{name}", result, tolerance)

    def compare(self) -> None:
        """Compare everything that the reference holds of the run."""
        self._media()
        texts = self.contexts()
        generator = torch.Generator().manual_seed(self.call["seed"])
        first = self._first(texts, generator)
        self._second(texts[0], first, generator)
        frames = self.frames()
        self.check("output_frame0", frames[0], BYTE)
        self.check("output_frame_last", frames[-1], BYTE)
        # The original decodes the given latent; the product hands on the given samples instead.
        self.check("output_audio_first4800", self.wave()[:, :4800], WALK)

    def contexts(self) -> list[Contexts]:
        """Return the stored contexts, which these runs of the original were handed."""
        text = self.models.folder.part("e2e_text")
        return [
            Contexts(text.input(f"{name}.video_context"), text.input(f"{name}.audio_context"))
            for name in ("pos", "neg")
        ]

    def _media(self) -> None:
        encoded, encoder = self.encoded, self.models.audio_encoder
        for stage, view in (("stage1", encoded.first), ("stage2", encoded.second)):
            assert view.reference is not None
            self.check(f"{stage}.image_latent", view.stills[0])
            self.check(f"{stage}.ref_video_latent", view.reference)
        assert encoded.given is not None
        assert self.source_sound is not None
        self.check("source_sound.latent", self.source_sound)
        self.check("given.latent", encoded.given)
        rate = self.given.sample_rate
        wave = mel.fit(self.given.wave, mel.sample_count(encoded.frames, Fraction(self.rate), rate))
        self.check("given.mel", encoder.mel(wave[None], rate))

    def _first(self, texts: list[Contexts], generator: torch.Generator) -> FirstStage:
        opened = self.models.transformer(self.loras[0])
        start = start_first(opened.network, self.inputs, generator.clone_state())
        self._begin("stage1", start, generator)
        plan = Plan(self.recipe.generation, self.recipe.guidance, None)
        self._steps("stage1", opened, start, texts, plan)
        first = first_stage(opened, self.inputs, texts[0], texts[1], self.call["seed"])
        self._end("stage1", first.video, first.audio)
        return first

    def _second(self, text: Contexts, first: FirstStage, generator: torch.Generator) -> None:
        opened = self.models.transformer(self.loras[1])
        enlarged = upsample(first, self.models.upsampler, self.models.statistics)
        # What a second stage starts from is the end of a first one.
        self.check("upsampled_latent", enlarged, WALK)
        generator.set_state(first.generator)
        start = start_second(opened.network, self.inputs, first, enlarged, generator.clone_state())
        self._begin("stage2", start, generator)
        self._steps("stage2", opened, start, [text], Plan(self.recipe.generation, 1.0, None))
        second = second_stage(opened, self.inputs, text, first, enlarged)
        self._end("stage2", second.video, second.audio)
        self.done = second.video, second.audio

    def _begin(self, stage: str, start: DiffusionStart, generator: torch.Generator) -> None:
        close = DEFAULT if stage == "stage1" else WALK
        self.check(f"{stage}.sigmas", start.sigmas, TABLE)
        for stream, state, noise in zip(
            STREAMS, start.states, noise_of(start.states, generator), strict=True
        ):
            self.check(f"{stage}.noise_{stream}", noise, EXACT)
            self.check(f"{stage}.{stream}.start_latent", state.latent, close)
            self.check(f"{stage}.{stream}.denoise_mask", state.mask, EXACT)
            self.check(f"{stage}.{stream}.positions", state.positions, TABLE)
        assert start.cross is not None
        for kind, run, state in zip(
            ("rows", "columns"), (start.cross.video, start.cross.audio), start.states, strict=True
        ):
            seen = torch.zeros(state.latent.shape[1], dtype=torch.uint8)
            seen[slice(*run)] = 1
            self.check(f"{stage}.mask_a2v_{kind}", seen, EXACT)

    def _steps(
        self, stage: str, opened: OpenedTransformer, start: DiffusionStart, texts: list[Contexts], plan: Plan
    ) -> None:
        def note(step: int, states: States) -> None:
            self.check(f"{stage}.video.after_step{step + 1}", states[0].latent, WALK)
            heard = f"{stage}.audio.before_step{step + 2}"
            if f"{self.name}.{heard}" in self.part:
                self.check(heard, states[1].latent, WALK)

        network = opened.network
        read: list[Any] = [network.text(*text) for text in texts]
        sample(denoiser(opened, start, read, plan), start.states, start.sigmas, on_step=note)

    def _end(self, stage: str, video: Tensor, audio: Tensor) -> None:
        self.check(f"{stage}.final_video_latent", video, WALK)
        self.check(f"{stage}.final_audio_latent", audio, WALK)


def given(folder: Folder) -> None:
    """The dubbing pipeline with a given sound, in each way that the product offers."""
    part, models = folder.part("audio_driven"), Models(folder)
    for name, run in folder.params["audio_driven"].items():
        if name.startswith(DUBS):
            GivenRun(models, part, name, run).compare()
