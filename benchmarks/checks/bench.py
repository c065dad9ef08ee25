"""Lines as the checks are given them: a take over a stretch of real speech, heard and measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.checks.material import Half, SourceLine, Spoken
from dubkit.qc.evidence import DELIVERED_AROUND, LineEvidence, Pair
from dubkit.qc.text import join_words
from dubkit.speech.quality import at_16k, open_quality
from dubkit.types import SAMPLE_RATE, Word
from dubkit.voice.syllables import published_rate, syllables
from stages.shared.line_measures import likeness_to_others, melodies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.listening import Listener
    from dubkit.speech.embeddings import VoiceEncoder
    from dubkit.speech.quality import SpeechQuality

START = 1.0
"""Seconds on the clock of a case where its line begins."""
BED_DB = -20.0
"""The source's own sound under a line, as a dub has it."""
MARGIN = 0.3


@dataclass
class Bench:
    """Hears and measures; what is slow is kept in a file of the cache."""

    cache: Path
    models: Path
    listener: Listener
    encoder: VoiceEncoder
    known: dict[str, object] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Where what was heard and judged is kept."""
        return self.cache / "measured.json"

    def load(self) -> None:
        """Read what is known from earlier."""
        if self.file.is_file():
            self.known = json.loads(self.file.read_text("utf-8"))

    def save(self) -> None:
        """Keep what is known."""
        self.file.write_text(json.dumps(self.known, ensure_ascii=False), "utf-8")

    def _keep(self) -> None:
        if len(self.known) % 10 == 0:
            self.save()

    @cached_property
    def network(self) -> SpeechQuality:
        """What judges how good speech sounds."""
        return open_quality(self.models)

    def words(self, sound: NDArray[np.float64], language: str) -> list[Word]:
        """Return what is heard in (N,) sound at 48 kHz, with its times."""
        key = f"words {language} {_digest(sound)}"
        if key not in self.known:
            silence = np.zeros(round(MARGIN * SAMPLE_RATE))
            narrow = at_16k(np.concatenate((silence, sound, silence)), SAMPLE_RATE)
            heard = self.listener.words(narrow, language)
            self.known[key] = [[w.start - MARGIN, w.end - MARGIN, w.text] for w in heard]
            self._keep()
        return [Word(*word) for word in self.known[key]]  # type: ignore[attr-defined]

    def heard(self, sound: NDArray[np.float64], language: str) -> str:
        """Return what is heard as text."""
        return join_words([word.text for word in self.words(sound, language)])

    def quality(self, sound: NDArray[np.float64]) -> float:
        """Return how good (N,) sound at 48 kHz is."""
        key = f"quality {_digest(sound)}"
        if key not in self.known:
            self.known[key] = self.network.score(at_16k(sound, SAMPLE_RATE))
            self._keep()
        return float(self.known[key])  # type: ignore[arg-type]

    def voice(self, sound: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the vector of a voice."""
        return self.encoder.embed(at_16k(sound, SAMPLE_RATE))


def _digest(sound: NDArray[np.float64]) -> str:
    return hashlib.sha256(np.rint(sound * 2**23).astype("<i4").tobytes()).hexdigest()[:20]


@dataclass(frozen=True)
class CleanLine:
    """A take over a source line, with nothing wrong."""

    spoken: Spoken
    source: SourceLine
    sound: NDArray[np.float64]
    """The take, (N,) at 48 kHz."""
    evidence: LineEvidence

    @property
    def half(self) -> Half:
        """The half that it is in."""
        return self.spoken.half


def clean_lines(bench: Bench, lines: list[Spoken], sources: list[SourceLine], half: Half) -> list[CleanLine]:
    """Return the lines of a half, each over the source line of that half whose length is nearest."""
    from benchmarks.checks.material import half_of

    own = [line for line in lines if line.half == half]
    places = [source for source in sources if half_of(source.clip) == half]
    sounds = {line.file: line.sound for line in own}
    vectors = {line.file: bench.voice(sounds[line.file]) for line in own}
    found = []
    for line in own:
        sound = sounds[line.file]
        source = min(places, key=lambda place: abs(len(place.sound) - len(sound)))
        others = [vectors[o.file] for o in own if o is not line and o.voice == line.voice]
        found.append(CleanLine(line, source, sound, _evidence(bench, line, source, sound, others)))
    return found


def _evidence(
    bench: Bench,
    line: Spoken,
    source: SourceLine,
    sound: NDArray[np.float64],
    others: list[NDArray[np.float32]],
) -> LineEvidence:
    long = len(sound) >= SAMPLE_RATE
    made = LineEvidence(
        id="s0001",
        text=line.text,
        language=line.language,
        heard=bench.heard(sound, line.language),
        line_start=START,
        speech_start=START,
        speech=sound,
        rate=SAMPLE_RATE,
        source_lufs=-23.0,
        dub_lufs=-23.0,
        source_language="en" if line.language != "en" else "pt",
        line_end=START + len(sound) / SAMPLE_RATE,
        talked_over=0.0,
        syllables=syllables(line.text, line.language),
        usual_rate=published_rate(line.language),
        source_words="",
        alike=likeness_to_others(bench.voice(sound), others) if long else None,
        melody=melodies(at_16k(sound, SAMPLE_RATE), at_16k(source.sound, SAMPLE_RATE)),
        quality=Pair(bench.quality(sound), bench.quality(source.sound)) if long else None,
    )
    return replace(made, delivered=laid(sound, source.sound), sound=laid(sound, source.sound, 0.0))


def laid(
    sound: NDArray[np.float64], bed: NDArray[np.float64], around: float = DELIVERED_AROUND, late: float = 0.0
) -> NDArray[np.float64]:
    """Return a take over a bed, (N, 1), with `around` seconds at either side; `late` moves the take."""
    beside = round(around * SAMPLE_RATE)
    whole = np.resize(bed, len(sound) + 2 * beside) * 10 ** (BED_DB / 20)
    first = beside + round(late * SAMPLE_RATE)
    whole[first : first + len(sound)] += sound[: len(whole) - first]
    return whole[:, None]


def with_sound(line: CleanLine, sound: NDArray[np.float64], **changes: object) -> LineEvidence:
    """Return the evidence of a line whose take sounds otherwise."""
    return replace(
        line.evidence,
        speech=sound,
        delivered=laid(sound, line.source.sound),
        sound=laid(sound, line.source.sound, 0.0),
        **changes,  # type: ignore[arg-type]
    )
