"""What a room costs in words: `python -m benchmarks.rooms.words [--to en --to pt-BR]`.

Kokoro speaks the same lines; whisper-base hears them dry, and as `--room auto` would put them into rooms.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.lengths.__main__ import opening_of, read_lines
from dubkit.config import Settings
from dubkit.media.sound.decay import Decay
from dubkit.media.sound.place import Place
from dubkit.media.sound.room import stand_in
from dubkit.qc.text import word_error
from dubkit.studio import open_models
from dubkit.types import ASR_RATE, SAMPLE_RATE
from dubkit.voice.engine import ENGINES

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINES = 20
"""Of each language: the longest ones."""
VOICES = {"en": "jf_alpha", "pt-BR": "jf_alpha"}
ROOMS = [(seconds, direct) for seconds in (0.4, 0.8) for direct in (9.0, 6.0, 3.0, 0.0)]
"""Reverberation times, and the direct against the reverberant sound in dB."""
MIDDLE = Place((0.5**0.5, 0.5**0.5), (0.0, 0.0), (0.5**0.5, 0.5**0.5))


def rooms() -> Iterator[tuple[str, Decay | None]]:
    """Yield the name of each room with its figures; None is no room."""
    yield "dry", None
    for seconds, direct in ROOMS:
        yield f"{seconds} s, {direct:.0f} dB", Decay((seconds, seconds, 0.7 * seconds), direct, 0.0)


def measure(language: str) -> Iterator[tuple[str, float, int]]:
    """Yield each room with the word error over all lines, and the number of lines that got worse."""
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    engine = ENGINES.records["kokoro"]
    synthesiser = engine.open(opening_of(engine))
    model = open_models(Settings()).fetch("asr", "base").path
    listener = WhisperModel(str(model), device="cpu", compute_type="int8")
    texts = [text for tag, text in read_lines() if tag.startswith(language.split("-")[0])]
    texts = sorted(texts, key=len)[-LINES:]
    spoken = [synthesiser.speak(text, voice=VOICES[language], language=language, speed=1.0) for text in texts]
    dry = [resample_poly(one, SAMPLE_RATE, synthesiser.rate).astype(np.float64) for one in spoken]

    def errors(sound: NDArray[np.float64], text: str) -> float:
        heard_at = resample_poly(sound, ASR_RATE, SAMPLE_RATE).astype(np.float32)
        heard, _ = listener.transcribe(heard_at, language=language.split("-")[0], beam_size=5)
        return word_error(text, " ".join(segment.text for segment in heard), language) * len(text.split())

    words, before = sum(len(text.split()) for text in texts), [0.0] * len(texts)
    for name, decay in rooms():
        sounds = [one if decay is None else stand_in(one, MIDDLE, decay).mean(axis=1) for one in dry]
        wrong = [errors(sound, text) for sound, text in zip(sounds, texts, strict=True)]
        before = wrong if decay is None else before
        yield name, sum(wrong) / words, sum(b > a + 1e-9 for a, b in zip(before, wrong, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rooms.words", description=__doc__)
    parser.add_argument("--to", action="append", metavar="LANG", help="language; several times for several")
    print("| language | room | word error | lines that got worse |\n| --- | --- | --- | --- |")
    for language in parser.parse_args(arguments).to or list(VOICES):
        for name, error, worse in measure(language):
            print(f"| {language} | {name} | {error:.1%} | {worse} of {LINES} |", flush=True)


if __name__ == "__main__":
    main()
