"""Make a film: window after window, each from the true last frames of the one before."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from dubkit.dubbing.clip import pixels
from dubkit.dubbing.clip.media import GivenWave
from dubkit.dubbing.diffusion.parts import explained
from dubkit.dubbing.pipeline import OnProgress
from dubkit.generation.film import PIECE, Film, FrameStore
from dubkit.generation.order import FilmOrder, TimeRange
from dubkit.generation.parts import FilmParts
from dubkit.generation.plan import FilmPlan, plan_film, window_of
from dubkit.generation.sampling import StageWatch
from dubkit.generation.sounds import joined, wave_of
from dubkit.generation.window import MadeWindow, Tail, WindowMaker, WindowTask
from dubkit.ltx import latents, mel
from dubkit.types import remark

FADE = 0.02
"""Seconds in which one sound gives way to the next."""
SEEDS = 2**63


def generate(
    order: FilmOrder | FilmPlan,
    parts: FilmParts,
    *,
    progress: OnProgress | None = None,
    watch: StageWatch | None = None,
) -> Film:
    """Make the film of an order, or of a plan that `plan_film` made of it with the same parts.

    The same order, files and seed give the same film on the same kind of device.

    Args:
        progress: called with the name of a step, how much of it is done, and out of how much; what it raises
            ends the work.
        watch: is told the latents of each stage.

    Raises:
        MediaError: a picture, clip or sound cannot be read.
        DubkitError: a value, file or machine that does not fit; the message says which.
    """
    plan = order if isinstance(order, FilmPlan) else plan_film(order, parts)
    part = plan.order.retake
    with explained(), torch.inference_mode():
        _tell_sound(plan, parts)
        maker = WindowMaker(plan, parts, progress, watch)
        texts = maker.texts()
        growing = _Growing(plan, parts)
        for number, window in enumerate(plan.windows):
            seed = (plan.order.seed + number) % SEEDS
            made = maker.make(WindowTask(window, growing.tail(window.overlap), texts, seed))
            if part is not None:
                return _retaken(plan, maker, made, part)
            growing.grow(maker, made, number)
        return growing.finished()


class _Growing:
    """A film that grows by a window at a time."""

    def __init__(self, plan: FilmPlan, parts: FilmParts) -> None:
        self.plan, self.own_rate = plan, parts.sample_rate
        self.store = FrameStore()
        self.rate = plan.rate * plan.factor
        self.sample_rate = parts.sample_rate
        self.wave = torch.zeros(2, 0)
        if plan.source is not None:
            sound = wave_of(plan.source, parts.sample_rate)
            self.sample_rate = sound.sample_rate
            count = mel.sample_count(plan.source.real_frames, plan.rate, sound.sample_rate)
            self.wave = mel.fit(sound.wave.expand(2, -1), count)
            assert plan.source.pictures is not None
            for block in torch.split(plan.source.pictures, PIECE):
                self.store.append(_as_shown(block, plan))

    def tail(self, overlap: int) -> Tail | None:
        """Return the last frames of what is there, with their sound; None where nothing is."""
        if not overlap:
            return None
        count = self.plan.factor * (overlap - 1) + 1
        there = len(self.store)
        begin = mel.sample_count(there - count, self.rate, self.sample_rate)
        wave = self.wave[:, begin:]
        return Tail(self.store.read(there - count, there), GivenWave(wave, self.sample_rate))

    def grow(self, maker: WindowMaker, made: MadeWindow, number: int) -> None:
        """Add what a window shows after those before it."""
        plan, window = self.plan, self.plan.windows[number]
        factor = plan.factor
        total = factor * (plan.frames - 1) + 1
        hidden = factor * (window.overlap - 1) + 1 if window.overlap else 0
        begin = len(self.store) - hidden
        shown = min(factor * (window.frames - 1) + 1, total - begin)
        done = 0
        for piece in maker.pictures(made, shown):
            fresh = piece[max(0, hidden - done) :]
            done += len(piece)
            if len(fresh):
                self.store.append(fresh)
        if plan.sound is None:
            wave = mel.resample(maker.wave(made), self.own_rate, self.sample_rate)
            at = mel.sample_count(begin, self.rate, self.sample_rate)
            self.wave = joined(self.wave, wave, at, round(made.sound_kept * self.sample_rate), self.fade)
            self.wave = mel.fit(self.wave, mel.sample_count(len(self.store), self.rate, self.sample_rate))

    @property
    def fade(self) -> int:
        return round(FADE * self.sample_rate)

    def finished(self) -> Film:
        plan, wave, sample_rate = self.plan, self.wave, self.sample_rate
        if plan.sound is not None:
            sample_rate = plan.sound.sample_rate
            count = mel.sample_count(len(self.store), self.rate, sample_rate)
            wave = mel.fit(plan.sound.wave.float(), count)
        return Film(self.store, wave, sample_rate, self.rate, plan.pipeline.name, plan.why, len(plan.windows))


# --- a part of a clip made again ---------------------------------------------------------------


def _retaken(plan: FilmPlan, maker: WindowMaker, made: MadeWindow, part: TimeRange) -> Film:
    """Return a clip with the new part in it; what lies outside is the clip's own."""
    source, window = plan.source, plan.windows[0]
    assert source is not None
    assert source.pictures is not None
    begin, end = remade_frames(part, plan.rate, window.start, window.frames) if part.picture else (0, 0)
    begin, end = min(begin, source.real_frames), min(end, source.real_frames)
    store, at = FrameStore(), window.start
    for number in range(0, window.start, PIECE):
        store.append(_as_shown(source.pictures[number : min(number + PIECE, window.start)], plan))
    for piece in maker.pictures(made, min(window.frames, source.real_frames - window.start)):
        own = _as_shown(window_of(source.pictures, at, len(piece)), plan)
        inside = torch.arange(at, at + len(piece))
        new = ((inside >= begin) & (inside < end)).view(-1, 1, 1, 1)
        store.append(torch.where(new, piece, own))
        at += len(piece)
    for number in range(at, source.real_frames, PIECE):
        store.append(_as_shown(source.pictures[number : number + PIECE], plan))
    sound = plan.sound or wave_of(source, maker.parts.sample_rate)
    count = mel.sample_count(source.real_frames, plan.rate, sound.sample_rate)
    wave = mel.fit(sound.wave.float(), count)
    if plan.sound is None and part.sound:
        own_rate = maker.parts.sample_rate
        made_wave = mel.resample(maker.wave(made), own_rate, sound.sample_rate)
        wave = _spliced(wave.expand(2, -1), made_wave, plan, part, sound.sample_rate)
    remade = (begin, end) if part.picture else None
    return Film(store, wave, sound.sample_rate, plan.rate, plan.pipeline.name, plan.why, 1, remade)


def remade_frames(part: TimeRange, rate: Fraction, start: int, frames: int) -> tuple[int, int]:
    """Return the first frame that is made again, and the first after it: whole latent frames of eight.

    >>> remade_frames(TimeRange(0.25, 0.70), Fraction(25), 0, 25)
    (1, 25)
    """
    bounds = latents.video_bounds(latents.latent_frames(frames), 1, 1)[0, 0] + start
    begin, end = bounds[:, 0].double() / float(rate), bounds[:, 1].double() / float(rate)
    touched = bounds[(end > part.start) & (begin < part.end)]
    if not len(touched):
        return 0, 0
    return int(touched[0, 0]), int(touched[-1, 1])


def _spliced(wave: Tensor, made: Tensor, plan: FilmPlan, part: TimeRange, sample_rate: int) -> Tensor:
    """Return a clip's sound (2, N) with the new one in the range, faded in and out."""
    at = mel.sample_count(plan.windows[0].start, plan.rate, sample_rate)
    begin, end = round(part.start * sample_rate), min(round(part.end * sample_rate), wave.shape[1])
    end = min(end, at + made.shape[1])
    if end <= begin:
        return wave
    fade = min(round(FADE * sample_rate), (end - begin) // 2)
    share = torch.ones(end - begin)
    if fade:
        rise = (torch.arange(fade) + 1) / (fade + 1)
        share[:fade] = rise
        if end < wave.shape[1]:
            share[-fade:] = rise.flip(0)
    mixed = wave.clone()
    mixed[:, begin:end] = wave[:, begin:end] * (1 - share) + made[:, begin - at : end - at] * share
    return mixed


def _as_shown(pictures: Tensor, plan: FilmPlan) -> Tensor:
    """Return a clip's pictures as the film shows them: its own, or covering the film's size."""
    if plan.fit is not None or tuple(pictures.shape[1:3]) == (plan.height, plan.width):
        return pictures
    covered = pixels.cover(pictures, plan.height, plan.width)[0]
    return covered.permute(1, 2, 3, 0).round().to(torch.uint8)


def _tell_sound(plan: FilmPlan, parts: FilmParts) -> None:
    """Say where a given sound and the film are not equally long."""
    sound: GivenWave | None = plan.sound
    if sound is None:
        return
    heard, seen = sound.wave.shape[1] / sound.sample_rate, float(plan.frames / plan.rate)
    near = float(1 / plan.rate)
    lasts = f"The sound lasts {heard:.2f} s and the film {seen:.2f} s"
    if heard > seen + near:
        parts.tell(remark("given-sound-cut", f"{lasts}: the rest of the sound is cut off."))
    elif heard < seen - near:
        parts.tell(remark("given-sound-short", f"{lasts}: silence follows it."))
