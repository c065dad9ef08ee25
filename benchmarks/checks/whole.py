"""Faults of a whole dub: lines lost or out of order, and sound that is not the source's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.checks.material import decoded
from dubkit.media.sound.audio import write_wav
from dubkit.qc.evidence import EpisodeEvidence
from dubkit.qc.measures import episode_qc
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDED = 12
SECONDS, LEAST = 6, 2.5
CLEAN = EpisodeEvidence(
    texts=(),
    language="pt",
    source_lufs=-23,
    dub_lufs=-23,
    true_peak_db=-3,
    source_peak_db=-3,
    frames=100,
    source_frames=100,
    identical_packets=100,
    drift_ms=0,
)


def episode_rows(cache: Path) -> Iterator[tuple[str, int, int]]:
    """Yield a row of the table, with seeded and found, for each kind of fault of a whole dub."""
    for name, check, cases in (
        ("a line lost", "lines-lost", list(_lost())),
        ("lines in another order", "order", list(_moved())),
        ("other sound where nothing was dubbed", "sound-changed", list(_changed(cache))),
    ):
        found = sum(check in episode_qc((), case).flags for case in cases)
        share = f"{found / len(cases):.0%}"
        yield f"| {name} | `{check}` | {len(cases)} | {found} | {share} |", len(cases), found


def clean_dubs(cache: Path) -> tuple[int, int]:
    """Return how many dubs that were only coded with a loss are flagged, and how many there are."""
    flagged = 0
    for number, clip in enumerate(_clips(cache)):
        source = decoded(clip).astype("f8")[: SECONDS * SAMPLE_RATE]
        case = evidence(cache, f"clean-{number}", source, coded(source, cache / "coded.m4a"))
        flagged += bool(episode_qc((), case).flags)
    return flagged, len(_clips(cache))


def _spoken(count: int) -> list[tuple[str, float, float]]:
    return [(f"s{n:04d}", 3.0 * n, 3.0 * n + 0.1) for n in range(count)]


def _lost() -> Iterator[EpisodeEvidence]:
    for number in range(SEEDED):
        spoken = _spoken(5 + number)
        del spoken[number % len(spoken)]
        yield replace(CLEAN, lines=5 + number, spoken=tuple(spoken))


def _moved() -> Iterator[EpisodeEvidence]:
    for number in range(SEEDED):
        spoken = _spoken(5 + number)
        one, two = spoken[number % 4], spoken[number % 4 + 1]
        spoken[number % 4], spoken[number % 4 + 1] = (one[0], one[1], two[2]), (two[0], two[1], one[2])
        yield replace(CLEAN, lines=len(spoken), spoken=tuple(spoken))


def _changed(cache: Path) -> Iterator[EpisodeEvidence]:
    """Yield dubs, coded with a loss, of which a second is louder, silent, late or of another moment."""
    for number, clip in enumerate(_clips(cache)):
        source = decoded(clip).astype("f8")[: SECONDS * SAMPLE_RATE]
        dub = coded(source, cache / "coded.m4a")
        part = slice(len(source) // 2 - SAMPLE_RATE // 2, len(source) // 2 + SAMPLE_RATE // 2)
        dub[part] = (
            2.2 * dub[part],
            0 * dub[part],
            np.roll(dub, 400)[part],
            np.roll(dub, SAMPLE_RATE)[part],
        )[number % 4]
        yield evidence(cache, f"{number}", source, dub)


def _clips(cache: Path) -> list[Path]:
    import soundfile as sf  # type: ignore[import-untyped]

    takes = sorted((cache / "takes").glob("*.wav"))
    return [take for take in takes if sf.info(take).duration >= LEAST][:SEEDED]


def coded(sound: NDArray[np.float64], file: Path) -> NDArray[np.float64]:
    """Return sound as it comes back from AAC, at its own moments and of the same length."""
    import av
    from scipy.signal import correlate  # type: ignore[import-untyped]

    with av.open(str(file), "w") as out:
        stream = out.add_stream("aac", rate=SAMPLE_RATE)
        stream.bit_rate = 192_000
        frame = av.AudioFrame.from_ndarray(sound.astype("f4")[None], format="fltp", layout="mono")
        frame.rate = SAMPLE_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    back = decoded(file).astype("f8")
    # A decoder that does not read edit lists gives the coder's own start, too.
    late = max(0, int(np.argmax(correlate(back, sound, mode="full", method="fft"))) - len(sound) + 1)
    return np.pad(back[late:], (0, len(sound)))[: len(sound)]


def evidence(
    cache: Path, name: str, source: NDArray[np.float64], dub: NDArray[np.float64]
) -> EpisodeEvidence:
    """Return what is known of a dub in which nothing was to be changed."""
    files = cache / f"source-{name}.wav", cache / f"dub-{name}.wav"
    for file, sound in zip(files, (source, dub), strict=True):
        write_wav(file, sound[:, None], SAMPLE_RATE)
    return replace(CLEAN, source=files[0], sound=files[1], untouched=((0, len(source)),))
