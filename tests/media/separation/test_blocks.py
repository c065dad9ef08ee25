"""Separation block by block: every sample stays where it is, and memory does not grow with the sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dubkit.media.separation.blocks import InBlocks
from dubkit.media.separation.stems import channel_pairs, speech_spans, write_bed, write_voice

RATE = 48_000
Block = NDArray[np.float32]


class Sound:
    """Sound in memory, as a separator reads it."""

    def __init__(self, samples: NDArray[np.floating]) -> None:
        self.sound, self.samples = samples.astype(np.float32), len(samples)

    def read(self, start: int, end: int) -> Block:
        found = self.sound[start:end]
        return np.pad(found, ((0, end - start - len(found)), (0, 0)))


class Finder:
    """A separator that takes everything for voice, in blocks of an odd length."""

    def voices(self, sound: Sound, spans: object, advance: Callable[[float], None]) -> Iterator[Block]:
        for start in range(0, sound.samples, 10_007):
            yield sound.read(start, min(start + 10_007, sound.samples))


def same(block: Block) -> Block:
    return block


def voices(blocks: InBlocks, sound: NDArray[np.floating], spans: object = None) -> Block:
    found = blocks.voices(Sound(sound), spans or [(0, len(sound))], lambda share: None)  # type: ignore[arg-type]
    return np.concatenate(list(found))


@pytest.mark.parametrize("seconds", [0.01, 0.9, 1.0, 2.5, 7.3])
@pytest.mark.parametrize("rate", [44_100, 48_000, 16_000])
def test_an_impulse_stays_on_its_sample(seconds: float, rate: int) -> None:
    sound = np.zeros((round(seconds * RATE), 2))
    places = [len(sound) // 7, len(sound) // 2, len(sound) * 6 // 7]
    sound[places] = 0.5
    found = voices(InBlocks(same, rate, seconds=1.0, overlap=0.2), sound)
    assert len(found) == len(sound)
    for place in places:
        near = found[max(0, place - 20) : place + 20, 0]
        assert int(np.argmax(near)) == min(place, 20)


def test_what_a_network_takes_for_voice_cancels_out_of_the_sound() -> None:
    time = np.arange(5 * RATE) / RATE
    tone = 0.3 * np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 3000 * time)], axis=1)
    rest = tone - voices(InBlocks(same, 44_100, seconds=1.0, overlap=0.2), tone)
    inside = rest[RATE // 10 : -RATE // 10]
    assert 20 * np.log10(np.abs(inside).max() / 0.3) < -80


def test_blocks_without_speech_are_not_worked_on() -> None:
    seen: list[int] = []

    def network(block: Block) -> Block:
        seen.append(len(block))
        return block

    sound = 0.1 * np.ones((20 * RATE, 2))
    found = voices(InBlocks(network, RATE, seconds=1.0, overlap=0.25), sound, [(10 * RATE, 11 * RATE)])
    assert len(seen) == 2
    assert set(seen) == {RATE}  # a block is as long however long the sound is
    assert np.allclose(found[10 * RATE : 11 * RATE], 0.1)
    assert not found[: 9 * RATE].any()


def test_silence_is_not_worked_on() -> None:
    def network(block: Block) -> Block:
        raise AssertionError("there is nothing to take out")

    assert not voices(InBlocks(network, 44_100, seconds=1.0, overlap=0.2), np.zeros((3 * RATE, 2))).any()


def test_blocks_that_overlap_too_far_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        InBlocks(same, RATE, seconds=1.0, overlap=0.6)


# --- channels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "channels", "pairs"),
    [
        ("mono", 1, ((0, 0),)),
        ("stereo", 2, ((0, 1),)),
        ("5.1", 6, ((0, 1), (2, 2), (4, 5))),
        ("5.1(side)", 6, ((0, 1), (2, 2), (4, 5))),
        ("2.1", 3, ((0, 1),)),
        ("", 9, tuple((n, n) for n in range(9))),
    ],
)
def test_channels_are_separated_in_pairs_and_low_effects_never(
    layout: str, channels: int, pairs: tuple[tuple[int, int], ...]
) -> None:
    assert channel_pairs(layout, channels) == pairs


def test_every_channel_gets_its_own_voice_and_low_effects_none(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (3 * RATE, 6))
    source, out = tmp_path / "source.wav", tmp_path / "voice.wav"
    soundfile.write(source, sound, RATE, subtype="PCM_24")
    write_voice(source, out, Finder(), "5.1", [(0, len(sound))], lambda share: None)
    found, _ = soundfile.read(out)
    assert found.shape == sound.shape
    assert not found[:, 3].any()
    others = [0, 1, 2, 4, 5]
    assert np.abs(found[:, others] - sound[:, others]).max() < 1e-6


# --- the bed --------------------------------------------------------------------------------------


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    """Six seconds of noise, with a voice between seconds 2 and 4."""
    chance = np.random.default_rng(0)
    noise, voice = chance.normal(0, 0.05, (6 * RATE, 2)), np.zeros((6 * RATE, 2))
    voice[2 * RATE : 4 * RATE] = 0.2 * np.sin(2 * np.pi * 300 * np.arange(2 * RATE) / RATE)[:, None]
    soundfile.write(tmp_path / "source.wav", noise + voice, RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "voice.wav", voice, RATE, subtype="PCM_24")
    soundfile.write(tmp_path / "noise.wav", noise, RATE, subtype="PCM_24")
    return tmp_path


def made_bed(folder: Path, spans: list[tuple[int, int]], ducked: list[tuple[int, int]] | None = None) -> Path:
    out = folder / "bed.wav"
    write_bed(folder / "source.wav", folder / "voice.wav", out, spans, ducked or [], -24.0)
    return out


def pcm(file: Path) -> NDArray[np.int32]:
    samples: NDArray[np.int32] = soundfile.read(file, dtype="int32")[0]
    return samples


def test_outside_the_spans_the_bed_is_the_source_bit_for_bit(stems: Path) -> None:
    bed = pcm(made_bed(stems, [(2 * RATE, 4 * RATE)]))
    source = pcm(stems / "source.wav")
    assert len(bed) == len(source)
    outside = np.r_[0 : 2 * RATE, 4 * RATE : 6 * RATE]
    assert np.array_equal(bed[outside], source[outside])
    assert not np.array_equal(bed, source)


def test_the_voice_is_gone_and_the_noise_keeps_its_level(stems: Path) -> None:
    bed, _ = soundfile.read(made_bed(stems, [(RATE * 7 // 4, RATE * 17 // 4)]))
    noise, _ = soundfile.read(stems / "noise.wav")
    tone = np.exp(-2j * np.pi * 300 * np.arange(2 * RATE) / RATE)
    inside = slice(2 * RATE, 4 * RATE)
    left = 2 * abs(np.mean(bed[inside, 0] * tone))
    assert 20 * np.log10(left / 0.2) < -30
    level = 10 * np.log10(np.mean(bed[inside] ** 2) / np.mean(noise[inside] ** 2))
    assert abs(level) < 1.0


def test_low_effects_are_left_as_they_are_where_the_rest_is_turned_down(stems: Path) -> None:
    spans = [(RATE, 5 * RATE)]
    files = (stems / "source.wav", stems / "voice.wav", stems / "bed.wav")
    write_bed(*files, spans, spans, -24.0, spared=(1,))
    bed, source = pcm(files[2]), pcm(files[0])
    assert np.array_equal(bed[:, 1], source[:, 1])
    assert np.abs(bed[2 * RATE : 4 * RATE, 0]).max() < np.abs(source[2 * RATE : 4 * RATE, 0]).max() / 10


def test_a_ducked_stretch_is_the_source_turned_down(stems: Path) -> None:
    bed, _ = soundfile.read(made_bed(stems, [(RATE, 5 * RATE)], [(2 * RATE, 4 * RATE)]))
    source, _ = soundfile.read(stems / "source.wav")
    inside = slice(RATE * 9 // 4, RATE * 15 // 4)
    assert np.abs(bed[inside] - source[inside] * 10 ** (-24 / 20)).max() < 1e-6


def test_the_bed_does_not_depend_on_where_pieces_are_cut(
    stems: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pcm(made_bed(stems, [(RATE, 5 * RATE)]))
    monkeypatch.setattr("dubkit.media.separation.stems.PIECE", RATE * 3 // 2 // 512 * 512)
    pieces = pcm(made_bed(stems, [(RATE, 5 * RATE)]))
    assert np.abs(whole - pieces).max() / 2**31 < 2e-3


def test_spans_of_speech_are_padded_and_joined() -> None:
    spans = speech_spans([(5.0, 6.0), (1.0, 2.0), (2.5, 3.0)], 6 * RATE, pad=0.1, bridged=0.5)
    assert spans == [(43_200, 148_800), (235_200, 288_000)]
