"""What is measured of a finished line beside its words and its level, for the checks that ask for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.qc.checks.sounding import QUALITY_ROLE
from dubkit.types import ASR_RATE, SAMPLE_RATE, Segment
from stages.shared.cloning.found_pieces import ROLE as VOICES
from stages.shared.cloning.found_pieces import open_encoder
from stages.shared.mouths import mouths_seen
from stages.shared.whole_dub import mixed_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.qc.evidence import LineEvidence, Pair
    from dubkit.speech.embeddings import VoiceEncoder
    from dubkit.speech.quality import SpeechQuality

EDITION = 1
"""Of the measures here, as it enters the key of the episode."""
LEAST_OTHERS = 2
"""Lines of a speaker beside one that its voice is compared with."""
LEAST_SECONDS = 1.0
"""Length from which a line's voice, and its quality, can be told."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def measuring_models(context: Context, needs: Collection[str]) -> dict[str, str]:
    """Return what measures lines, as it enters the key."""
    from dubkit.speech.pitch import estimator

    models = {"pitch": estimator()} if "melody" in needs else {}
    for need, role in (("alike", VOICES), ("quality", QUALITY_ROLE)):
        if need in needs and (model := context.model(role)) is not None:
            models[role] = model.identity
    return models


def read_take(context: Context, line: str) -> NDArray[np.float64]:
    """Return the take of a line that is in the dub, (N,) at 48 kHz."""
    from dubkit.media.sound.audio import read_span

    speech = context.take_file(line)
    assert speech is not None, "only lines with a take are measured"
    return read_span(speech, 0, context.spoken_line(line).samples)[:, 0]


class LineMeasures:
    """Measures the lines of an episode; what is heavy is loaded and heard once, with the first that asks."""

    def __init__(self, context: Context, needs: Collection[str]) -> None:
        self._context, self._needs = context, needs
        self._lines = {line.id: (segment, line) for segment, line in mixed_lines(context)}
        self._seen = mouths_seen(context)
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def added_to(self, evidence: LineEvidence) -> LineEvidence:
        """Return what is known of a line, with what is measured here."""
        from dubkit.speech.quality import at_16k
        from dubkit.voice.syllables import published_rate, syllables

        segment, line = self._lines[evidence.id]
        placed = self._context.scheduled_line(line.id)
        take = at_16k(evidence.speech, evidence.rate)
        source_language = segment.language or self._context.source_language
        return replace(
            evidence,
            source_text=segment.text,
            source_language=source_language,
            line_end=segment.end,
            scheduled_end=None if placed is None else (placed.start_ms + placed.length_ms) / 1000,
            seen=bool(self._seen.get(segment.id)),
            talked_over=self._talked_over.get(line.id),
            syllables=syllables(line.text, evidence.language),
            usual_rate=published_rate(evidence.language),
            source_words=words_left(segment.text, line.text, source_language, evidence.language),
            alike=self._alike(line.id) if "alike" in self._needs else None,
            melody=melodies(take, self._part(segment)) if "melody" in self._needs else None,
            quality=self._quality(segment, take) if "quality" in self._needs else None,
        )

    @cached_property
    def _talked_over(self) -> dict[str, float]:
        from dubkit.qc.timing import TimedLine, talked_over

        timed, speakers = [], {}
        for name, (segment, _) in self._lines.items():
            take = self._context.spoken_line(name)
            begin = take.start_sample / SAMPLE_RATE
            dub = (begin, begin + take.samples / SAMPLE_RATE)
            timed.append(TimedLine(name, (segment.start, segment.end), dub))
            speakers[name] = segment.speaker
        return talked_over(timed, speakers)

    def _alike(self, line: str) -> float | None:
        """Return how like a line's voice is to its speaker's other lines; None without enough."""
        if self._context.model(VOICES) is None or not self._is_compared(line):
            return None
        speaker = self._lines[line][0].speaker
        others = [
            other
            for other in self._lines
            if other != line and self._lines[other][0].speaker == speaker and self._is_compared(other)
        ]
        return likeness_to_others(self._vector(line), [self._vector(other) for other in others])

    def _is_compared(self, line: str) -> bool:
        """Tell whether a line is long enough, no person spoke it, and nobody gave it a voice of its own."""
        from stages.shared.recording.recordings import ENGINE

        edit, take = self._context.placed.lines.get(line), self._context.spoken_line(line)
        long = take.samples >= LEAST_SECONDS * SAMPLE_RATE
        return long and take.engine != ENGINE and not (edit and edit.voice)

    @cached_property
    def _encoder(self) -> VoiceEncoder:
        return open_encoder(self._context)

    def _vector(self, line: str) -> NDArray[np.float32]:
        from dubkit.speech.quality import at_16k

        if line not in self._vectors:
            self._vectors[line] = self._encoder.embed(at_16k(read_take(self._context, line), SAMPLE_RATE))
        return self._vectors[line]

    def _part(self, segment: Segment) -> NDArray[np.float32]:
        """Return the source's sound during a line, (N,) at 16 kHz."""
        import numpy as np

        from dubkit.media.sound.audio import read_span

        first, last = int(segment.start * ASR_RATE), int(segment.end * ASR_RATE)
        return np.asarray(read_span(self._context.speech, first, last)[:, 0], np.float32)

    @cached_property
    def _network(self) -> SpeechQuality | None:
        from dubkit.speech.quality import open_quality

        model = self._context.model(QUALITY_ROLE)
        return open_quality(self._context.model_path(model)) if model else None

    def _quality(self, segment: Segment, take: NDArray[np.float32]) -> Pair | None:
        from dubkit.qc.evidence import Pair

        source = self._part(segment)
        if self._network is None or min(len(source), len(take)) < LEAST_SECONDS * ASR_RATE:
            return None
        return Pair(self._network.score(take), self._network.score(source))


def likeness_to_others(voice: NDArray[np.float32], others: Sequence[NDArray[np.float32]]) -> float | None:
    """Return how like a voice, as a unit vector, is to the mean of others; None with too few of them."""
    import numpy as np

    if len(others) < LEAST_OTHERS:
        return None
    mean = np.mean(others, axis=0)
    return float(voice @ mean / max(float(np.linalg.norm(mean)), 1e-9))


def melodies(take: NDArray[np.float32], source: NDArray[np.float32]) -> Pair | None:
    """Return the semitones of the melody of take and source line, (N,) at 16 kHz; None for hardly any."""
    from dubkit.qc.evidence import Pair
    from dubkit.speech.manner import measure_manner
    from dubkit.speech.pitch import pitch_contour

    found = [
        measure_manner(sound, pitch_contour(sound), 0.0, len(sound) / ASR_RATE, "").range
        for sound in (take, source)
    ]
    return Pair(*found) if all(found) else None


def words_left(source: str, text: str, source_language: str, language: str) -> str:
    """Return the words of a source line that a text still has though they are none of its own language.

    A word with a capital inside a sentence is a name, which stays.
    """
    from dubkit.qc.text import base_language
    from dubkit.translate.wordlists import is_foreign

    own, other = base_language(source_language), base_language(language)
    if own == other:
        return ""
    said = {word for word in _WORD.findall(source) if word[0].islower()}
    said |= {word.lower() for word in _WORD.findall(source)[:1]}
    found = [word for word in _WORD.findall(text) if word.lower() in said and word[1:].islower()]
    return " ".join(dict.fromkeys(word for word in found if is_foreign(word.lower(), own, other)))
