"""What blends of Kokoro's packaged voices sound like: `python -m benchmarks.blends [--to en --to pt-BR]`.

Each blend speaks the same lines. Measured of the sound: the median pitch, the word error of whisper-base, the
pace against the mean of all, and the likeness to the nearest other blend, by the packaged voice encoder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.lengths.__main__ import opening_of, read_lines
from dubkit.config import Settings
from dubkit.qc.text import word_error
from dubkit.speech.pitch import median_pitch
from dubkit.studio import open_models
from dubkit.types import ASR_RATE
from dubkit.voice.engine import ENGINES

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIGH = ("jf_nezumi", "jf_gongitsune", "jf_alpha", "jf_tebukuro")
LOW = "jm_kumo"
SHARES = (15, 30, 40, 50, 60, 70, 85)
PAIRS = ("jf_alpha", "jf_tebukuro"), ("jf_nezumi", "jf_gongitsune"), ("jf_nezumi", "jf_tebukuro")
LINES = 6
"""Of each language: the longer ones, so that the pitch settles."""


@dataclass(frozen=True, slots=True)
class Blended:
    """A blend in one language."""

    name: str
    language: str
    pitch_hz: float
    word_error: float
    seconds: float
    vector: NDArray[np.float32]


def blends() -> list[str]:
    """Return the names of all blends that are measured."""
    mixed = [f"{share / 100:g}*{high}+{1 - share / 100:g}*{LOW}" for share in SHARES for high in HIGH]
    return [LOW, *HIGH, *mixed, *(f"0.5*{one}+0.5*{other}" for one, other in PAIRS)]


def measure(languages: Sequence[str], names: Sequence[str]) -> list[Blended]:
    """Speak and measure every blend in every language."""
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    from dubkit.speech.embeddings import VoiceEncoder

    models = open_models(Settings())
    engine = ENGINES.records["kokoro"]
    synthesiser = engine.open(opening_of(engine))
    listener = WhisperModel(
        str(models.fetch("asr", "base").path), device="cpu", compute_type="int8", cpu_threads=1
    )
    encoder = VoiceEncoder(models.fetch("speaker").path)
    found = []
    for language in languages:
        texts = [text for tag, text in read_lines() if tag.startswith(language.split("-")[0])]
        texts = sorted(texts, key=len)[-2 * LINES :: 2]
        for name in names:
            spoken = [synthesiser.speak(text, voice=name, language=language, speed=1.0) for text in texts]
            silence = np.zeros(round(0.4 * synthesiser.rate), np.float32)
            sound = np.concatenate([part for one in spoken for part in (one, silence)])
            heard_at = resample_poly(sound, ASR_RATE, synthesiser.rate).astype(np.float32)
            heard, _ = listener.transcribe(heard_at, language=language.split("-")[0], beam_size=5)
            text = " ".join(segment.text for segment in heard)
            found.append(
                Blended(
                    name,
                    language,
                    median_pitch(heard_at, [(0.0, len(heard_at) / ASR_RATE)]),
                    word_error(" ".join(texts), text, language),
                    sum(map(len, spoken)) / synthesiser.rate,
                    encoder.embed(heard_at),
                )
            )
            print(
                f"{language} {name}: {found[-1].pitch_hz:.0f} Hz, {found[-1].word_error:.3f}", file=sys.stderr
            )
    return found


def table(found: Sequence[Blended]) -> list[str]:
    """Return the rows of a table: each blend of each language, from low to high."""
    rows = [
        "| language | voice | Hz | word error | pace | nearest other |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for language in dict.fromkeys(one.language for one in found):
        here = sorted((one for one in found if one.language == language), key=lambda one: one.pitch_hz)
        mean = float(np.mean([one.seconds for one in here]))
        for one in here:
            likest = max(
                (other for other in here if other is not one), key=lambda o: float(one.vector @ o.vector)
            )
            measured = f"{one.pitch_hz:.0f} | {one.word_error:.3f} | {mean / one.seconds:.2f}"
            nearest = f"{likest.name} {float(one.vector @ likest.vector):.2f}"
            rows.append(f"| {language} | {one.name} | {measured} | {nearest} |")
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blends", description=__doc__)
    parser.add_argument("--to", action="append", metavar="LANG", help="language; several times for several")
    parser.add_argument("voices", nargs="*", help="voices and blends; all of those above without any")
    given = parser.parse_args(arguments)
    print("\n".join(table(measure(given.to or ["en", "pt-BR"], given.voices or blends()))))


if __name__ == "__main__":
    main()
