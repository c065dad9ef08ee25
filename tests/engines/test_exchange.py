"""Clips as files for other programs, and whatever those write made to fit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from dubkit.engines.exchange import read_clip, write_clip, write_sound
from dubkit.errors import GeneratorError
from dubkit.types import SAMPLE_RATE
from tests.support.orders import number_of, order, picture, write_film


def codes(made: object) -> list[str]:
    return [told.code for told in made.remarks]  # type: ignore[attr-defined]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24_000, 1001), Fraction(30_000, 1001)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_clip_comes_back_as_it_was_written(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    asked = order(rate=rate)
    file = tmp_path / f"clip{suffix}"
    write_clip(asked, file)
    with av.open(str(file)) as film:
        assert abs(film.streams.video[0].average_rate / rate - 1) < Fraction(1, 1000)
        assert film.streams.audio[0].rate == SAMPLE_RATE
    made = read_clip(file, asked, "test")
    assert [number_of(image) for image in made.pictures] == list(range(17))
    assert made.remarks == ()
    assert made.sound is asked.given
    assert made.sound_rate == SAMPLE_RATE


def test_colours_survive_the_way_out_and_back(tmp_path: Path) -> None:
    image = np.zeros((64, 128, 3), np.uint8)
    image[:, :32], image[:, 32:64], image[:, 64:96] = (200, 40, 40), (40, 160, 60), (30, 50, 210)
    asked = replace(order(9), pictures=lambda: iter([image] * 9))
    for suffix, off in ((".mkv", 0), (".mp4", 4)):
        file = tmp_path / f"colours{suffix}"
        write_clip(asked, file)
        back = next(read_clip(file, asked, "test").pictures).astype(int)
        inner = np.abs(back - image)[8:56, [8, 48, 80, 112]]
        assert inner.max() <= off, suffix


def test_the_same_order_gives_the_same_file(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        first, second = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
        write_clip(order(), first)
        write_clip(order(), second)
        assert first.read_bytes() == second.read_bytes()


def test_the_sound_to_follow_is_the_given_speech_or_the_source(tmp_path: Path) -> None:
    for given, peak in ((True, 0.15), (False, 0.3)):
        write_sound(order(given=given), tmp_path / "sound.wav")
        sound, rate = soundfile.read(tmp_path / "sound.wav")
        assert (rate, len(sound)) == (SAMPLE_RATE, round(17 / 25 * SAMPLE_RATE))
        assert np.abs(sound).max() == pytest.approx(peak, abs=0.002)


def test_the_sound_of_a_room_becomes_stereo(tmp_path: Path) -> None:
    asked = order(given=False, channels=6)
    write_sound(asked, tmp_path / "sound.wav")
    write_clip(asked, tmp_path / "clip.mp4")
    assert soundfile.info(tmp_path / "sound.wav").channels == 2
    with av.open(str(tmp_path / "clip.mp4")) as film:
        assert film.streams.audio[0].channels == 2


def test_a_rounded_rate_keeps_every_picture(tmp_path: Path) -> None:
    asked = order(rate=Fraction(24_000, 1001))
    file = write_film(tmp_path / "made.mp4", [picture(n) for n in range(17)], rate=Fraction(23))
    made = read_clip(file, asked, "test")
    assert [number_of(image) for image in made.pictures] == list(range(17))
    assert made.remarks == ()


def test_another_rate_gives_the_pictures_nearest_in_time(tmp_path: Path) -> None:
    file = write_film(tmp_path / "made.mp4", [picture(n) for n in range(9)], rate=Fraction(25, 2))
    made = read_clip(file, order(), "test")
    assert [number_of(image) for image in made.pictures] == [n // 2 for n in range(17)]
    assert codes(made) == ["rate-evened"]


def test_uneven_times_give_the_pictures_nearest_in_time(tmp_path: Path) -> None:
    shown = (0, 1, 2, 9, 16)  # in frames of the clip
    file = write_film(
        tmp_path / "made.mp4", [picture(n) for n in shown], times=[Fraction(n, 25) for n in shown]
    )
    made = read_clip(file, order(), "test")
    found = [number_of(image) for image in made.pictures]
    assert found == [min(shown, key=lambda time: abs(time - n)) for n in range(17)]
    assert codes(made) == ["rate-evened"]


@pytest.mark.parametrize(
    ("size", "code"), [((64, 32), "clip-enlarged"), ((256, 128), "clip-scaled"), ((256, 130), "clip-scaled")]
)
def test_another_size_is_scaled(tmp_path: Path, size: tuple[int, int], code: str) -> None:
    file = write_film(tmp_path / "made.mp4", [picture(n, size) for n in range(17)])
    made = read_clip(file, order(), "test")
    pictures = list(made.pictures)
    assert {image.shape for image in pictures} == {(64, 128, 3)}
    assert [number_of(image) for image in pictures] == list(range(17))
    assert codes(made) == [code]


def test_a_little_that_is_missing_shows_the_last_picture(tmp_path: Path) -> None:
    file = write_film(tmp_path / "made.mp4", [picture(n) for n in range(14)])
    made = read_clip(file, order(), "test")
    assert [number_of(image) for image in made.pictures] == [*range(14), 13, 13, 13]
    assert codes(made) == ["clip-held"]


def test_what_is_too_long_ends_with_the_clip(tmp_path: Path) -> None:
    file = write_film(tmp_path / "made.mp4", [picture(n) for n in range(22)])
    made = read_clip(file, order(), "test")
    assert [number_of(image) for image in made.pictures] == list(range(17))
    assert made.remarks == ()


def broken(path: Path) -> None:
    write_film(path, [np.random.default_rng(n).integers(0, 255, (64, 128, 3), np.uint8) for n in range(17)])
    whole = bytearray(path.read_bytes())
    start = whole.index(b"mdat") + 4
    whole[start + 4000 : start + 60_000] = bytes(56_000)
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: write_film(path, [picture(0)] * 3), r"too short (3 pictures, 0.12 s)"),
        (lambda path: write_film(path, [picture(0, (64, 64))] * 17), "64x64, which is another shape"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b"no film at all" * 99), "not a media file"),
        (lambda path: None, "no such file"),
        (broken, "damaged"),
        (
            lambda path: soundfile.write(path, np.zeros(48_000), SAMPLE_RATE, format="WAV"),
            "it has no picture",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_is_needed(tmp_path: Path, make: object, said: str) -> None:
    file = tmp_path / "made.mp4"
    make(file)  # type: ignore[operator]
    with pytest.raises(GeneratorError) as problem:
        read_clip(file, order(), "test")
    message = str(problem.value)
    assert said in message
    assert message.startswith("test made a file for clip c0001 that cannot be used")
    assert "Needed are 17 pictures of 128x64 at 25 per second (0.68 s)" in message


def test_an_engine_that_makes_the_voice_must_make_a_sound(tmp_path: Path) -> None:
    images = [picture(n) for n in range(17)]
    asked = order(given=False)
    with pytest.raises(GeneratorError, match="it has no sound"):
        read_clip(write_film(tmp_path / "mute.mp4", images), asked, "test")
    silence = np.zeros((1, 32_640), np.float32)
    with pytest.raises(GeneratorError, match="its sound is silent"):
        read_clip(write_film(tmp_path / "silent.mp4", images, sound=silence), asked, "test")
    made = read_clip(write_film(tmp_path / "heard.mp4", images, sound=asked.sound), asked, "test")
    assert made.sound.shape == (1, 32_640)
    assert made.sound_rate == SAMPLE_RATE
    inner = slice(4800, 28_000)
    assert np.abs(made.sound[0, inner] - asked.sound[0, inner]).max() < 0.05
