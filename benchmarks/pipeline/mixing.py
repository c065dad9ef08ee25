"""Mixing a made-up episode with a line every few seconds: processor time for each minute of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.pipeline.measure import Contender, Figure, interleaved
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.media.sound.scene import Placement

LEVELS = {"soft": 0.02, "usual": 0.1, "loud, with peaks at the ceiling": 0.4}
"""Level of the source's voices, of full scale."""
_EVERY = 4 * SAMPLE_RATE
_LASTS = 3 * SAMPLE_RATE
_TAKES = 8


def measure(folder: Path, minutes: float, rounds: int) -> list[Figure]:
    """Mix stereo episodes of that length below `folder`, one for each of `LEVELS`."""
    from dubkit.media.sound.mix import mix
    from dubkit.media.sound.settings import Mix

    contenders, lines = {}, _lines(folder, minutes)
    for number, (name, level) in enumerate(LEVELS.items()):
        source = folder / f"source{number}.wav"
        _write_source(source, minutes, level)
        work = partial(mix, source, lines, folder / "mix.wav", Mix(), channels=2, layout="stereo")
        contenders[name] = Contender(work)
    costs = interleaved(contenders, rounds)
    part = f"mix, {minutes:g} minutes, {len(lines)} lines"
    figures: list[Figure] = []
    for name, found in costs.items():
        for clock in ("wall", "cpu"):
            values = sorted(getattr(cost, clock) / minutes for cost in found)
            middle = values[len(values) // 2]
            figures.append(
                Figure(part, name, clock, "s per minute", middle, values[0], values[-1], len(values))
            )
    return figures


def _voice(seed: int, samples: int) -> NDArray[np.float64]:
    """Noise in syllables, with peaks of 1: as uneven as speech."""
    import numpy as np

    at = np.arange(samples) / SAMPLE_RATE
    noise = np.random.default_rng(seed).laplace(size=samples)
    sound: NDArray[np.float64] = noise * np.maximum(0.0, np.sin(2 * np.pi * 2.3 * at)) ** 2
    sound /= np.abs(sound).max()
    return sound


def _write_source(path: Path, minutes: float, level: float) -> None:
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]

    voices = [_voice(100 + take, _LASTS) for take in range(_TAKES)]
    random = np.random.default_rng(1)
    with sf.SoundFile(path, "w", SAMPLE_RATE, 2, subtype="PCM_24") as file:
        for number in range(round(minutes * 60 * SAMPLE_RATE) // _EVERY):
            sound = 0.02 * level * random.standard_normal((_EVERY, 2))
            sound[:_LASTS] += level * voices[number % _TAKES][:, None]
            file.write(np.clip(sound, -1.0, 1.0))


def _lines(folder: Path, minutes: float) -> Sequence[Placement]:
    import soundfile as sf

    from dubkit.media.sound.scene import Placement

    for take in range(_TAKES):
        sf.write(folder / f"take{take}.wav", 0.5 * _voice(take, _LASTS), SAMPLE_RATE, subtype="PCM_24")
    count = round(minutes * 60 * SAMPLE_RATE) // _EVERY
    first = Placement("s0000", folder / "take0.wav", 0, (0, _LASTS), "a")
    return [
        replace(
            first,
            id=f"s{number:04d}",
            speech=folder / f"take{number % _TAKES}.wav",
            start_sample=number * _EVERY,
            source_span=(number * _EVERY, number * _EVERY + _LASTS),
            speaker=f"speaker {number % 3}",
        )
        for number in range(count)
    ]
