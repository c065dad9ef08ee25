"""One window of a film: what is given becomes latents, one or two stages make it, decoders show it.

Letters: C latent channels, F latent frames, H and W rows and columns, T sound latents, M mel bins, N samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dubkit.dubbing.clip.decode import decode_picture, decode_sound
from dubkit.dubbing.clip.media import GivenWave, laid
from dubkit.dubbing.clip.pixels import compressed
from dubkit.dubbing.diffusion import conditioning
from dubkit.dubbing.diffusion.clip_latents import Contexts
from dubkit.dubbing.diffusion.generate import finished
from dubkit.dubbing.pipeline import OnProgress
from dubkit.generation.order import FilmStill
from dubkit.generation.parts import FilmParts
from dubkit.generation.plan import FilmPlan, window_of
from dubkit.generation.sampling import Guides, StageInputs, StageWatch, begin_stage, run_stage
from dubkit.generation.sizes import FilmWindow
from dubkit.generation.sounds import cut_wave, sound_before, sound_latent, wave_of
from dubkit.ltx import components, latents
from dubkit.ltx.components import OpenedTransformer
from dubkit.ltx.memory import MemoryPlan, empty_caches
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.tiling import encode_tiled
from dubkit.ltx.upsampler import LatentUpsampler, upsample
from dubkit.ltx.video_vae import VideoEncoder


class Tail(NamedTuple):
    """The end of what is there already, with which a window begins."""

    pictures: Tensor
    """(n, H, W, 3) uint8, at the film's final rate: 2n - 1 of them where frames are doubled."""
    sound: GivenWave
    """As long as the pictures."""


class WindowTask(NamedTuple):
    """One window and what only it has."""

    window: FilmWindow
    tail: Tail | None
    texts: tuple[Contexts, Contexts | None]
    seed: int


@dataclass(frozen=True, slots=True)
class MadeWindow:
    """A window's latents."""

    video: Tensor
    """(1, C, F, H, W)."""
    audio: Tensor
    """(1, C, T, M)."""
    sound_kept: float = 0.0
    """Seconds at the beginning for which the sound is that of the tail."""


class _Encoded(NamedTuple):
    """What a window is given, as latents."""

    items: tuple[tuple[conditioning.PictureItem, ...], ...]
    """Of each stage."""
    video: Tensor | None
    """(1, C, F, H, W) of a clip of which a part is made again."""
    audio: Tensor
    """(1, C, T, M): zeros, or the sound of that clip, or a given one."""
    sound_before: Tensor | None
    """(1, C, n, M)."""


class WindowMaker:
    """Makes the windows of one plan; models are opened in turn, each only while it works."""

    def __init__(
        self, plan: FilmPlan, parts: FilmParts, progress: OnProgress | None, watch: StageWatch | None
    ) -> None:
        self.plan, self.parts, self.progress, self.watch = plan, parts, progress, watch
        self.memory = self._memory()
        self.prefix = ""

    def _memory(self) -> MemoryPlan:
        """Choose how much of the transformer is on the device, by the picture tokens of the largest pass."""
        plan = self.plan
        rows, columns = latents.latent_size(plan.height, plan.width)
        most = max(window.frames for window in plan.windows)
        frames = latents.latent_frames(plan.factor * (most - 1) + 1)
        tokens = rows * columns * (frames + len(plan.stills))
        return self.parts.generator.plan_for(tokens)

    def texts(self) -> tuple[Contexts, Contexts | None]:
        """Return the contexts of both prompts; that of the negative one where guidance needs it."""
        order, pipeline = self.plan.order, self.plan.pipeline
        guided = pipeline.guidance.cfg != 1.0 or pipeline.sound_guidance.cfg != 1.0
        prompts = [order.prompt, order.negative_prompt] if guided else [order.prompt]
        self._tell("text", 0, 1)
        stills = (still.picture for still in self.plan.stills if still.frame == 0)
        first = next((picture for picture in stills if isinstance(picture, torch.Tensor)), None)
        positive, *rest = self.parts.embed(prompts, self.memory, first)
        self._tell("text", 1, 1)
        return positive, (rest[0] if rest else None)

    # --- one window

    def make(self, task: WindowTask) -> MadeWindow:
        """Return a window's latents.

        Raises:
            ValueError: parts that do not fit each other.
        """
        plan = self.plan
        many = len(plan.windows) > 1
        number = plan.windows.index(task.window) + 1
        self.prefix = f"window {number} of {len(plan.windows)}: " if many else ""
        self._tell("encode", 0, 1)
        given = self._encode(task)
        self._tell("encode", 1, 1)
        generator = torch.Generator(self.parts.generator.device).manual_seed(task.seed)
        opened: OpenedTransformer | None = self._transformer(1)
        assert opened is not None
        video, audio = self._stage(1, opened, self._first_inputs(given, task), task, generator)
        if plan.pipeline.stages == 2:
            if not self.parts.same_weights(plan.pipeline):
                opened = None
            inputs = self._second_inputs(given, video, audio)
            opened = opened or self._transformer(2)
            video, audio = self._stage(2, opened, inputs, task, generator)
        kept = 0.0
        if given.sound_before is not None:
            kept = float(latents.audio_positions(given.sound_before.shape[2])[0, 0, -1, 1])
        return MadeWindow(video, audio, kept)

    def _transformer(self, stage: int) -> OpenedTransformer:
        empty_caches()
        return self.parts.transformer(self.plan.pipeline, stage, self.plan.order.loras, self.memory)

    def _stage(
        self,
        number: int,
        opened: OpenedTransformer,
        inputs: StageInputs,
        task: WindowTask,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        pipeline, version = self.plan.pipeline, self.parts.generator.checkpoint.config.text.version
        guides = Guides.of(pipeline, opened.network, version) if number == 1 else Guides.none()
        step = "first stage" if number == 1 else "second stage"
        self._tell(step, 0, len(inputs.sigmas) - 1)
        start = begin_stage(opened.network, inputs, generator)
        if self.watch is not None:
            self.watch.began(number, start)
        states = run_stage(
            opened,
            start,
            task.texts,
            guides,
            pipeline.generation,
            on_step=lambda done, total: self._tell(step, done, total),
            watch=None if self.watch is None else (number, self.watch),
        )
        video, audio = finished(states, start.grid, inputs.audio.shape[1])
        if self.watch is not None:
            self.watch.ended(number, video, audio)
        return video, audio

    def _first_inputs(self, given: _Encoded, task: WindowTask) -> StageInputs:
        plan = self.plan
        video, part = given.video, plan.order.retake
        if video is None:
            config = self.parts.generator.checkpoint.config
            rows, columns = latents.latent_size(*self._size(1))
            frames = latents.latent_frames(task.window.frames)
            video = torch.zeros(1, config.video_vae.latent_channels, frames, rows, columns)
        picture_range = sound_range = None
        if part is not None:
            offset = float(task.window.start / plan.rate)
            seconds = part.start - offset, part.end - offset
            picture_range = seconds if part.picture else (0.0, 0.0)
            sound_range = seconds if part.sound else None
        return StageInputs(
            video,
            given.audio,
            self._sigmas(),
            plan.rate,
            given.items[0],
            given.sound_before,
            picture_range,
            sound_range,
            frozen_sound=self._frozen,
        )

    def _sigmas(self) -> Tensor:
        from dubkit.dubbing.diffusion.schedules import ltx2_sigmas

        pipeline = self.plan.pipeline
        return torch.tensor(pipeline.levels) if pipeline.levels else ltx2_sigmas(pipeline.steps)

    @property
    def _frozen(self) -> bool:
        """Whether the sound takes part without changing: a given one, or a clip's that stays."""
        part = self.plan.order.retake
        return self.plan.sound is not None or (part is not None and not part.sound)

    def _second_inputs(self, given: _Encoded, video: Tensor, audio: Tensor) -> StageInputs:
        """Return what the second stage begins with: the picture at twice the size, at twice the rate too."""
        plan = self.plan
        empty_caches()
        model, statistics = self.parts.upsampler()
        video = _upsampled(video, model, statistics)
        if plan.order.double_rate:
            del model
            empty_caches()
            video = _upsampled(video, *self.parts.temporal_upsampler())
        if self.watch is not None:
            self.watch.upsampled(video)
        sigmas = torch.tensor(plan.pipeline.second_levels)
        rate = plan.rate * plan.factor
        return StageInputs(
            video,
            given.audio if self._frozen else audio,
            sigmas,
            rate,
            given.items[1],
            given.sound_before,
            frozen_sound=self._frozen,
            noise=float(sigmas[0]),
        )

    # --- what is given, as latents

    def _size(self, stage: int) -> tuple[int, int]:
        """Return a stage's height and width in pixels."""
        times = 2 if stage < self.plan.pipeline.stages else 1
        return self.plan.height // times, self.plan.width // times

    def _encode(self, task: WindowTask) -> _Encoded:
        plan, window = self.plan, task.window
        empty_caches()
        encoder = self.parts.video_encoder()
        stages = range(1, plan.pipeline.stages + 1)
        items = tuple(tuple(self._items(task, stage, encoder)) for stage in stages)
        video, source = None, plan.source
        if plan.order.retake is not None and source is not None:
            assert source.pictures is not None
            pictures = window_of(source.pictures, window.start, window.frames)
            video = self._pictures(pictures, 1, encoder)
        del encoder
        empty_caches()
        ears = self.parts.audio_encoder()
        wave = self._own_wave(window)
        before = None if task.tail is None or plan.sound is not None else sound_before(task.tail.sound, ears)
        count = latents.audio_latents(window.frames, plan.rate)
        if wave is None:
            audio = torch.zeros(1, ears.config.latent_channels, count, ears.bins)
        else:
            audio = sound_latent(wave, window.frames, plan.rate, ears)
        return _Encoded(items, video, audio, before)

    def _own_wave(self, window: FilmWindow) -> GivenWave | None:
        """Return the sound that a window is given, from its first frame on."""
        plan = self.plan
        if plan.sound is not None:
            return cut_wave(plan.sound, plan.rate, window.start)
        if plan.order.retake is None or plan.source is None:
            return None
        return cut_wave(wave_of(plan.source, self.parts.sample_rate), plan.rate, window.start)

    def _items(
        self, task: WindowTask, stage: int, encoder: VideoEncoder
    ) -> Iterator[conditioning.PictureItem]:
        """Yield what a stage's picture is given: the tail, stills, and in the first stage the reference."""
        plan, window = self.plan, task.window
        factor = plan.factor if stage == 2 else 1
        if task.tail is not None:
            every = plan.factor // factor
            yield conditioning.Replacement(self._pictures(task.tail.pictures[::every], stage, encoder))
        end = window.start + window.frames
        for still in plan.stills:
            if window.start + window.overlap <= still.frame < end:
                yield self._still(still, (still.frame - window.start) * factor, stage, encoder)
        if plan.reference is not None and stage == 1:
            height, width = (side // plan.reference_scale for side in self._size(1))
            pictures = window_of(plan.reference, window.start, window.frames)
            latent = _encoded(laid(pictures, None, height, width, torch.float32), encoder, self.parts)
            yield conditioning.Reference(latent, plan.order.reference_strength, plan.reference_scale)

    def _still(
        self, still: FilmStill, frame: int, stage: int, encoder: VideoEncoder
    ) -> conditioning.PictureItem:
        assert isinstance(still.picture, Tensor)
        pipeline = self.plan.pipeline
        picture = compressed(still.picture, pipeline.still_crf)[None]
        pixels = laid(picture, None, *self._size(stage), torch.float32)
        latent = _encoded(pixels, encoder, None)
        if pipeline.stills == "append" or (pipeline.stills == "mixed" and frame):
            return conditioning.Keyframes(latent, frame, still.strength, pipeline.single_frames)
        place = -(-frame // latents.FRAMES_PER_LATENT)
        return conditioning.Replacement(latent, place, still.strength)

    def _pictures(self, pictures: Tensor, stage: int, encoder: VideoEncoder) -> Tensor:
        return _encoded(laid(pictures, self.plan.fit, *self._size(stage), torch.float32), encoder, self.parts)

    # --- pictures and sound

    def pictures(self, made: MadeWindow, shown: int) -> Iterator[Tensor]:
        """Yield the first `shown` pictures (n, H, W, 3) uint8 of a window, without what lies beside them."""
        empty_caches()
        decoder, done = components.open_video_decoder(*self.parts.place), 0
        for piece in decode_picture(made.video, decoder, self.parts.tiling):
            kept = self._uncovered(piece)[: shown - done]
            done += len(kept)
            if len(kept):
                yield kept
                self._tell("decode", done, shown)

    def _uncovered(self, pictures: Tensor) -> Tensor:
        fit = self.plan.fit
        if fit is None:
            return pictures
        rows = slice(fit.top, fit.top + fit.scaled_height)
        return pictures[:, rows, fit.left : fit.left + fit.scaled_width]

    def wave(self, made: MadeWindow) -> Tensor:
        """Return a window's sound (2, N) at the rate of the model files; its last 30 ms are not there."""
        empty_caches()
        decoder = components.open_audio_decoder(*self.parts.place)
        return decode_sound(made.audio, decoder, components.open_vocoder(*self.parts.place))

    def _tell(self, step: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(f"{self.prefix}{step}", done, total)


def _encoded(pixels: Tensor, encoder: VideoEncoder, parts: FilmParts | None) -> Tensor:
    """Return pixels (1, 3, F, H, W) as latents on the CPU; in tiles where `parts` says so."""
    weight = next(encoder.parameters())
    pixels = pixels.to(weight)
    tiling = None if parts is None else parts.tiling
    return (encoder(pixels) if tiling is None else encode_tiled(encoder, pixels, tiling)).cpu().contiguous()


def _upsampled(video: Tensor, model: LatentUpsampler, statistics: ChannelStatistics) -> Tensor:
    return upsample(video.to(next(model.parameters())), model, statistics).cpu().contiguous()
