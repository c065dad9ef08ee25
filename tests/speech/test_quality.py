"""How good speech sounds: the network of distillmos from its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dubkit.errors import ModelDamaged
from dubkit.models.packaged import package_folder
from dubkit.speech.quality import SAMPLES, SpeechQuality, _windows, at_16k, open_quality

PACKAGE = package_folder("distillmos")
REFERENCE = {3_000: 2.206462860107422, SAMPLES: 1.2308696508407593, 200_001: 1.2590402364730835}
"""What distillmos 0.9.1 itself answers to the noise of `noise`, by its length in samples."""


def noise(length: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    generator = np.random.default_rng(0)
    for known in REFERENCE:
        made = generator.standard_normal(known).astype("f4") * 0.1
        if known == length:
            return made.astype(np.float32)
    raise AssertionError(length)


@pytest.mark.skipif(PACKAGE is None, reason="distillmos is not installed")
@pytest.mark.parametrize("length", REFERENCE)
def test_a_score_is_that_of_the_package(length: int) -> None:
    assert PACKAGE is not None
    network = open_quality(PACKAGE / "weights" / "distill_mos_v7.pt")
    assert network.score(noise(length)) == pytest.approx(REFERENCE[length], abs=1e-4)


def test_long_sound_is_heard_to_its_end() -> None:
    windows = _windows(torch.arange(SAMPLES + 20_000, dtype=torch.float32))
    assert windows.shape == (3, SAMPLES)
    assert windows[0, 0] == 0
    assert windows[-1, -1] == SAMPLES + 19_999
    short = _windows(torch.ones(10))
    assert short.shape == (1, SAMPLES)
    assert short.sum() == 10


def test_the_level_does_not_count() -> None:
    torch.manual_seed(0)
    network = SpeechQuality().eval()
    sound = np.sin(np.arange(16_000) * 0.1).astype(np.float32)
    assert network.score(sound) == pytest.approx(network.score(0.1 * sound), abs=1e-4)


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    torch.save({"model": {}}, file)
    with pytest.raises(ModelDamaged, match="not the weights of distillmos"):
        open_quality(file)
    file.write_bytes(b"nothing")
    with pytest.raises(ModelDamaged):
        open_quality(file)


def test_sound_is_brought_to_16_khz() -> None:
    assert len(at_16k(np.zeros(48_000), 48_000)) == 16_000
