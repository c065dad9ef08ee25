"""Films on tiny weights: what is made has the length, size, sound and frames that were asked for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from torch import Tensor

from dubkit.dubbing.clip.media import ClipMedia, GivenWave
from dubkit.dubbing.diffusion.generate import DiffusionStart, velocities
from dubkit.dubbing.diffusion.parts import GeneratorUnfit
from dubkit.errors import ModelMissing
from dubkit.generation import FilmFiles, FilmStill, TimeRange, write_film
from dubkit.generation.sampling import StageWatch
from dubkit.types import Remark
from tests.generation.conftest import Make, picture, pictures_of

RATE = Fraction(25)


class Starts(StageWatch):
    """Keeps how each stage of each window begins."""

    def __init__(self) -> None:
        self.starts: list[DiffusionStart] = []

    def began(self, stage: int, start: DiffusionStart) -> None:
        self.starts.append(start)


def clip(frames: int, height: int = 64, width: int = 64, *, sound: bool = True) -> ClipMedia:
    """Return a clip that pans over a gradient, with a tone."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shown = [
        torch.stack((rows * 3 % 256, (columns + 4 * n) % 256, torch.full_like(rows, 90)), dim=-1)
        for n in range(frames)
    ]
    wave = 0.3 * torch.sin(torch.arange(frames * 1920) / 35).expand(2, -1) if sound else None
    long = -(-(frames - 1) // 8) * 8 + 1
    return ClipMedia(torch.stack(shown).to(torch.uint8), wave, 48_000, RATE, long)


def test_words_become_pictures_and_sound_of_one_length(make: Make, tmp_path: Path) -> None:
    film = make(rate=RATE)
    assert (film.frames, film.height, film.width, film.rate) == (9, 64, 64, RATE)
    assert film.sound.shape == (2, 9 * film.sample_rate // 25)
    assert film.pipeline == "two-stages"
    shown = pictures_of(film)
    assert shown.shape == (9, 64, 64, 3)
    assert shown.float().std() > 1
    assert torch.equal(film.frame(-1), shown[-1])
    assert write_film(film, tmp_path / "out" / "film.mp4") == 9
    with av.open(str(tmp_path / "out" / "film.mp4")) as written:
        assert len(list(written.decode(video=0))) == 9
        assert written.streams.audio[0].rate == film.sample_rate


def test_one_order_is_one_film_and_another_seed_another(make: Make) -> None:
    first, again, other = (make(pipeline="one-stage", seed=seed) for seed in (7, 7, 8))
    assert torch.equal(pictures_of(first), pictures_of(again))
    assert torch.equal(first.sound, again.sound)
    assert not torch.equal(pictures_of(first), pictures_of(other))


def test_a_chained_film_has_exactly_the_frames_asked_for(make: Make) -> None:
    watch = Starts()
    film = make(frames=20, window=17, overlap=9, watch=watch, rate=RATE)
    assert (film.pipeline, film.windows, film.frames) == ("chained", 2, 20)
    assert "20 frames are more than the 17" in film.why
    assert film.sound.shape[1] == 20 * film.sample_rate // 25
    # Both stages of the second window keep the first two latent frames: the true frames 8 to 16.
    for start in watch.starts[2:]:
        picture_, sound = start.states
        cells = start.grid.height * start.grid.width
        assert picture_.mask[0, : 2 * cells].eq(0).all()
        assert picture_.mask[0, 2 * cells :].eq(1).all()
        kept = int(sound.mask.eq(0).sum())
        assert kept == 7  # 0.36 s, less the 0.08 s that are not handed on
        assert torch.equal(sound.latent[:, :kept], sound.clean[:, :kept])


def test_each_window_goes_on_from_the_true_last_frames(make: Make) -> None:
    whole = pictures_of(make(frames=20, window=17, overlap=9))
    first = pictures_of(make(frames=17))
    assert torch.equal(whole[:17], first)
    assert not torch.equal(whole[17], whole[16])


def test_doubling_makes_2n_minus_1_frames_at_twice_the_rate(make: Make) -> None:
    film = make(rate=RATE, double_rate=True)
    assert (film.frames, film.rate) == (17, 2 * RATE)
    assert film.sound.shape[1] == 17 * film.sample_rate // 50


def test_without_the_network_that_doubles_the_error_says_how_to_get_it(make: Make, files: FilmFiles) -> None:
    with pytest.raises(ModelMissing, match=r"dubkit models get ltx-2-temporal-upscaler-x2-1\.0"):
        make(double_rate=True, files=replace(files, temporal=None))
    with pytest.raises(GeneratorUnfit, match="makes larger frames"):
        make(double_rate=True, files=replace(files, temporal=files.upsampler))
    with pytest.raises(GeneratorUnfit, match="one-stage has one"):
        make(double_rate=True, pipeline="one-stage")


def test_a_film_goes_on_from_a_clip_whose_frames_and_sound_stay(make: Make) -> None:
    source = clip(12, 48, 80)
    film = make(source=source, frames=3, height=None, width=None, overlap=9)
    assert (film.frames, film.height, film.width, film.sample_rate) == (15, 48, 80, 48_000)
    assert source.pictures is not None
    assert torch.equal(pictures_of(film)[:12], source.pictures)
    assert film.sound.shape == (2, 15 * 1920)
    assert source.wave is not None
    # The clip's sound is kept until shortly before its end, where the new one takes over.
    assert torch.equal(film.sound[:, : 8 * 1920], source.wave[:, : 8 * 1920])
    assert film.sound[:, 12 * 1920 :].abs().max() > 0


def test_a_silent_clip_is_gone_on_from_and_retaken(make: Make) -> None:
    silent = clip(9, sound=False)
    film = make(source=silent, frames=8, overlap=9, height=None, width=None)
    assert film.sound.shape[1] == 17 * film.sample_rate // 25
    film = make(source=silent, retake=TimeRange(0.1, 0.3), frames=None, height=None, width=None)
    assert film.sound[:, -100:].abs().max() == 0


def test_a_retake_leaves_everything_outside_the_range_as_it_was(make: Make) -> None:
    source = clip(27, 40, 72)
    assert source.pictures is not None
    assert source.wave is not None
    part = TimeRange(0.45, 0.6)
    film = make(source=source, retake=part, frames=None, height=None, width=None)
    assert film.remade == (9, 17)  # whole latent frames of eight
    assert (film.pipeline, film.frames, film.height, film.width) == ("retake", 27, 40, 72)
    same = (pictures_of(film) == source.pictures).flatten(1).all(dim=1)
    assert same.tolist() == [not 9 <= n < 17 for n in range(27)]
    inside = slice(int(0.45 * 48_000), int(0.6 * 48_000))
    changed = film.sound != source.wave
    assert changed[:, inside].float().mean() > 0.9
    changed[:, inside] = False
    assert not changed.any()


def test_a_retake_of_one_stream_keeps_the_other(make: Make) -> None:
    source = clip(17)
    sizes = {"frames": None, "height": None, "width": None}
    watch = Starts()
    heard = make(source=source, retake=TimeRange(0.2, 0.4, picture=False), watch=watch, **sizes)
    assert source.pictures is not None
    assert source.wave is not None
    assert torch.equal(pictures_of(heard), source.pictures)
    assert not torch.equal(heard.sound, source.wave)
    assert watch.starts[0].states[0].mask.eq(0).all()
    watch = Starts()
    seen = make(source=source, retake=TimeRange(0.2, 0.4, sound=False), watch=watch, **sizes)
    assert torch.equal(seen.sound, source.wave)
    sound = watch.starts[0].states[1]
    # A sound that stays is never noised: noise that is declared clean would be heard by the picture.
    assert torch.equal(sound.latent, sound.clean)
    assert sound.mask.eq(0).all()


def test_a_retake_in_a_long_clip_works_in_a_window_around_the_range(make: Make) -> None:
    source = clip(40)
    assert source.pictures is not None
    film = make(source=source, retake=TimeRange(1.2, 1.3), window=17, overlap=9, frames=None)
    assert film.remade is not None
    first, after = film.remade
    assert first <= 30 < after
    shown = pictures_of(film)
    assert torch.equal(shown[:first], source.pictures[:first])
    assert torch.equal(shown[after:], source.pictures[after:])
    with pytest.raises(GeneratorUnfit, match="25 frames, and 17 are made at once"):
        make(source=source, retake=TimeRange(0.0, 1.0), window=17, overlap=9, frames=None)


def test_a_given_sound_comes_back_as_it_is_and_is_never_noised(make: Make, said: list[Remark]) -> None:
    wave = torch.linspace(-0.5, 0.5, 44_100 // 4)[None]
    watch = Starts()
    film = make(audio=GivenWave(wave, 44_100), frames=9, rate=RATE, watch=watch)
    assert film.pipeline == "audio"
    assert film.sample_rate == 44_100
    assert film.sound.shape == (1, 9 * 44_100 // 25)
    assert torch.equal(film.sound[:, : wave.shape[1]], wave)
    assert film.sound[:, wave.shape[1] :].eq(0).all()
    assert [remark.code for remark in said] == ["given-sound-short"]
    assert len(watch.starts) == 2
    for start in watch.starts:
        sound = start.states[1]
        assert sound.mask.eq(0).all()
        assert torch.equal(sound.latent, sound.clean)
        assert start.frozen_sound
        assert start.cross is None  # the picture hears all of it


def test_the_beginning_of_a_given_sound_can_be_left_out(make: Make) -> None:
    wave = torch.rand(2, 48_000) - 0.5
    film = make(audio=GivenWave(wave, 48_000), audio_start=0.25, frames=9, rate=RATE)
    assert torch.equal(film.sound, wave[:, 12_000 : 12_000 + 9 * 1920])
    with pytest.raises(GeneratorUnfit, match=r"lasts 1\.00 s, and 1\.50 s are left out"):
        make(audio=GivenWave(wave, 48_000), audio_start=1.5)


def test_stills_are_latents_of_their_frames_or_key_frames(make: Make) -> None:
    stills = FilmStill(picture(200)), FilmStill(picture(90), 8, 0.6)
    watch = Starts()
    film = make(stills=stills, watch=watch)
    assert film.pipeline == "keyframes"
    appended = watch.starts[0].states[0]
    assert appended.latent.shape[1] == appended.targets + 2  # one cell each, at half the size
    assert appended.mask[0, :, 0].tolist() == pytest.approx([1.0] * appended.targets + [0.0, 0.4])
    watch = Starts()
    make(stills=stills, pipeline="two-stages", watch=watch)
    replaced = watch.starts[0].states[0]
    assert replaced.mask[0, :, 0].tolist() == pytest.approx([0.0, 0.4])


def test_a_distilled_checkpoint_runs_in_eight_steps_without_guidance_and_lora(
    make: Make, files: FilmFiles, tmp_path: Path
) -> None:
    named = tmp_path / "ltx-2-19b-distilled.safetensors"
    shutil.copy(files.checkpoint, named)
    watch = Starts()
    own = FilmFiles(named, files.gemma, files.upsampler)
    film = make(files=own, steps=None, guidance=None, watch=watch)
    assert film.pipeline == "distilled"
    assert [len(start.sigmas) - 1 for start in watch.starts] == [8, 3]
    with pytest.raises(GeneratorUnfit, match="8 fixed steps, not 20"):
        make(files=own, steps=20, guidance=None)


def test_the_distilled_pipeline_on_a_full_checkpoint_needs_the_distilled_lora(
    make: Make, files: FilmFiles
) -> None:
    with pytest.raises(ModelMissing, match="distilled needs the distilled LoRA"):
        make(pipeline="distilled", steps=None, guidance=None, files=replace(files, distilled_lora=None))
    with pytest.raises(ModelMissing, match="spatial upsampler"):
        make(files=replace(files, upsampler=None))
    assert make(pipeline="one-stage", files=replace(files, upsampler=None, distilled_lora=None)).frames == 9


def test_guidance_takes_the_passes_that_it_needs(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[float] = []
    real = velocities

    def counting(*call: Any) -> tuple[Tensor, Tensor]:
        counted.append(call[4])
        return real(*call)

    monkeypatch.setattr("dubkit.generation.sampling.velocities", counting)

    def passes(guidance: float | None, **order: Any) -> int:
        counted.clear()
        make(guidance=guidance, frames=None if "source" in order else 9, **order)
        return len(counted)

    assert passes(1.0, pipeline="one-stage") == 1
    assert passes(3.0, pipeline="one-stage") == 2
    # With the negative prompt, with a perturbed block, and with picture and sound apart.
    assert passes(None, source=clip(9), retake=TimeRange(0.1, 0.3)) == 4
