"""How long voices take against what was told of them: `python -m benchmarks.lengths`.

Thirty everyday lines in each of six languages (`lines.tsv`), in voices and at speeds that go round. `cost` is
the processor time of asking against that of speaking. With `--paces` the measured paces are fitted anew
instead: what the records of the engines hold, each line judged by a fit to the others of its language.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dubkit.chain.host import SettingsHost
from dubkit.cli.options import load
from dubkit.ops.parts import voice_need
from dubkit.studio import open_models
from dubkit.voice.engine import ENGINES, VoiceEngine, VoiceOpening
from dubkit.voice.length import MARKS, open_lengths
from dubkit.voice.syllables import syllables
from dubkit.voice.text.spoken import spoken_text
from dubkit.voice.trim import trimmed

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINES = Path(__file__).parent / "lines.tsv"
SPEEDS = (1.0, 0.9, 1.0, 0.95)


@dataclass(frozen=True, slots=True)
class Told:
    """One line: seconds as told and as spoken, and what either cost."""

    language: str
    told: float
    spoken: float
    asking: float
    speaking: float

    @property
    def error(self) -> float:
        """Share by which it is longer or shorter than told."""
        return abs(self.told - self.spoken) / self.spoken


def read_lines() -> list[tuple[str, str]]:
    """Return language and text of every line."""
    rows = (row.split("\t") for row in LINES.read_text("utf-8").splitlines())
    return [(language, text) for language, text in rows]


def opening_of(engine: VoiceEngine) -> VoiceOpening:
    """Return what an engine is opened with here."""
    store = open_models(load({}).settings)
    model = store.fetch(engine.role) if engine.role else None
    return VoiceOpening(model.folder if model else None, cache=store.cache)


def speaks_here(engine: VoiceEngine, language: str) -> bool:
    """Say whether an engine speaks a language on this machine."""
    settings = load({}).settings
    store = open_models(settings)
    return not engine.refusal(voice_need(SettingsHost(settings, store), store, engine, language))


def measure(engine: VoiceEngine, step: int) -> list[Told]:
    """Ask and speak every line of the languages of an engine, or every so many."""
    opening = opening_of(engine)
    lengths, synthesiser = open_lengths(engine, opening), engine.open(opening)
    listed = engine.voices(opening).voices if engine.voices else ()
    voices, speeds = cycle([voice.name for voice in listed] or [""]), cycle(SPEEDS)
    found = []
    spoken = [(language, text) for language, text in read_lines()[::step] if speaks_here(engine, language)]
    for language, text in [*spoken[:1], *spoken]:  # the first one loads what both need, and does not count
        voice, speed = next(voices), next(speeds)
        begin = time.process_time()
        told = lengths.ask(text, voice=voice, language=language, speed=speed)
        asked = time.process_time()
        said = spoken_text(text, language)
        sound = trimmed(
            synthesiser.speak(said, voice=voice, language=language, speed=speed), synthesiser.rate
        )
        done = time.process_time() - asked
        found.append(Told(language, told.seconds, len(sound) / synthesiser.rate, asked - begin, done))
    return found[1:]


def table(engine: VoiceEngine, found: Sequence[Told]) -> str:
    """Return the errors of an engine, language by language."""
    rows = []
    for language in ("all", *dict.fromkeys(line.language for line in found)):
        lines = [line for line in found if language in ("all", line.language)]
        errors = np.array([line.error for line in lines])
        cost = sum(line.asking for line in lines) / max(1e-9, sum(line.speaking for line in lines))
        median, nine, most = (f"{100 * np.quantile(errors, share):.1f} %" for share in (0.5, 0.9, 0.95))
        rows.append(
            f"| {engine.name} | {language} | {len(lines)} | {median} | {nine} | {most} | {cost:.1%} |"
        )
    return "\n".join(rows)


def paces(engine: VoiceEngine) -> str:
    """Return the measured paces of an engine in the plain voice, as its record holds them."""
    lengths, lines = open_lengths(engine, opening_of(engine), speaking=True), read_lines()
    rows = []
    for language in dict.fromkeys(language for language, _ in lines):
        if not speaks_here(engine, language):
            continue
        texts = [text for name, text in lines if name == language]
        said = [spoken_text(text, language) for text in texts]
        counts = np.array(
            [[syllables(s, language), sum(c in MARKS for c in s.rstrip()[:-1]), 1] for s in said], float
        )
        seconds = np.array([lengths.ask(text, voice="", language=language).seconds for text in texts])
        others = [np.arange(len(texts)) != n for n in range(len(texts))]
        judged = [counts[n] @ _fit(counts[rest], seconds[rest]) for n, rest in enumerate(others)]
        spread = np.quantile(np.abs(np.array(judged) - seconds) / seconds, 0.9)
        letters = sum(map(len, texts)) / counts[:, 0].sum()
        fitted = ", ".join(f"{value:.3f}" for value in _fit(counts, seconds))
        rows.append(f'"{language}": MeasuredPace({fitted}, {spread:.2f}, {letters:.2f}),  # {engine.name}')
    return "\n".join(rows)


def _fit(counts: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the seconds of each count, none below 0, whose relative error is least."""
    from scipy.optimize import nnls  # type: ignore[import-untyped]

    weight = 1 / seconds
    return np.asarray(nnls(counts * weight[:, None], seconds * weight)[0])


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lengths", description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES.names, default=list(ENGINES.names))
    parser.add_argument("--step", type=int, default=1, metavar="N", help="Only every Nth line (1: all).")
    parser.add_argument("--paces", action="store_true", help="Fit the paces of the engines anew.")
    chosen = parser.parse_args(arguments)
    if not chosen.paces:
        sys.stdout.write("| engine | language | lines | median | 9 of 10 | 95 of 100 | cost |\n")
        sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    for name in chosen.engines:
        engine = ENGINES.records[name]
        shown = paces(engine) if chosen.paces else table(engine, measure(engine, chosen.step))
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
