"""Films from words: lengths, rates, and that one order is one film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import torch

from dubkit.generation import write_film
from tests.generation.conftest import Make, pictures_of


def test_words_become_pictures_and_sound_of_one_length(make: Make, tmp_path: Path) -> None:
    film = make(rate=Fraction(25))
    assert (film.frames, film.height, film.width, film.rate) == (9, 64, 64, 25)
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
