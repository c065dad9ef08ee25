"""The faults: each makes a line wrong in one way, and names the checks of which one must find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.checks.bench import Bench, CleanLine, laid, with_sound
from dubkit.qc.evidence import LineEvidence, Pair
from dubkit.qc.timing import TimedLine, talked_over
from dubkit.speech.pitch import pitch_contour
from dubkit.speech.quality import at_16k
from dubkit.types import SAMPLE_RATE, Word
from dubkit.voice.stretch import stretched
from stages.shared.line_measures import likeness_to_others, melodies, words_left

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS = Path(__file__).parent / "pairs.tsv"
LEAST_LETTERS = 8
"""Letters of the words that are cut out of a line, or put into it."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    name: str
    checks: tuple[str, ...]
    """One of them must flag the line."""
    seed: Callable[[Bench, Sequence[CleanLine]], Iterator[LineEvidence]]
    """Yields lines that have the fault."""


def _long(lines: Sequence[CleanLine], seconds: float = 1.5) -> list[CleanLine]:
    return [line for line in lines if len(line.sound) >= seconds * SAMPLE_RATE]


def _piece(words: Sequence[Word]) -> tuple[float, float] | None:
    """Return where two neighbouring words inside a line are that have enough letters."""
    for one, two in pairwise(words[1:-1]):
        if sum(c.isalnum() for c in one.text + two.text) >= LEAST_LETTERS:
            return one.start, two.end
    return None


def missing(bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """Two words are cut out."""
    for line in _long(lines):
        place = _piece(bench.words(line.sound, line.spoken.language))
        if place:
            first, last = (round(second * SAMPLE_RATE) for second in place)
            sound = np.concatenate((line.sound[:first], line.sound[last:]))
            yield with_sound(line, sound, heard=bench.heard(sound, line.spoken.language))


def added(bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """Two words of another line are put in."""
    for line in _long(lines):
        for other in lines:
            place = _piece(bench.words(other.sound, other.spoken.language))
            if other is line or other.spoken.language != line.spoken.language or not place:
                continue
            words = bench.words(line.sound, line.spoken.language)
            if len(words) < 3:
                break
            middle = round(words[len(words) // 2].start * SAMPLE_RATE)
            first, last = (round(second * SAMPLE_RATE) for second in place)
            sound = np.concatenate((line.sound[:middle], other.sound[first:last], line.sound[middle:]))
            yield with_sound(line, sound, heard=bench.heard(sound, line.spoken.language))
            break


def other_text(bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """Another line is spoken."""
    for line, other in zip(lines, (*lines[1:], *lines[:1]), strict=True):
        if line.spoken.language == other.spoken.language:
            yield with_sound(line, other.sound, heard=bench.heard(other.sound, line.spoken.language))


def leak(bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The line is spoken in another language, which the source speaks."""
    lines = _long(lines)
    for number, line in enumerate(lines):
        other = lines[(number + len(lines) // 2) % len(lines)]
        if other.spoken.language == line.spoken.language:
            continue
        yield with_sound(
            line,
            other.sound,
            heard=bench.heard(other.sound, line.spoken.language),
            source_text=other.spoken.text,
            source_language=other.spoken.language,
        )


def read_pairs() -> list[tuple[str, str, str]]:
    """Return target language, English sentence and its translation."""
    rows = (row.split("\t") for row in PAIRS.read_text("utf-8").splitlines())
    return [(language, source, text) for language, source, text in rows]


def left_words(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """A word of the source stands in the text instead of its translation."""
    for number, (language, source, text) in enumerate(read_pairs()):
        words, own = source.rstrip(".").split(), text.split()
        # What stands in the translation, too, is a word of both languages.
        word = sorted((w for w in words if w.islower() and w not in text), key=len)[-1 - number % 2]
        own[len(own) // 2] = word
        left = words_left(source, " ".join(own), "en", language)
        yield replace(lines[0].evidence, text=" ".join(own), source_words=left, heard=None)


def late(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The line begins late."""
    for number, line in enumerate(lines):
        yield replace(line.evidence, speech_start=line.evidence.speech_start + 0.1 + 0.02 * number)


def early(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The line begins early."""
    for number, line in enumerate(lines):
        yield replace(line.evidence, speech_start=line.evidence.speech_start - 0.1 - 0.02 * number)


def ends_late(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The line is spoken slowly, and ends more than a second after the source's."""
    for line in _long(lines, 2.0):
        sound = _stretched(line.sound, 0.6)
        yield with_sound(line, sound)


def ends_early(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The source's line goes on for three seconds."""
    for number, line in enumerate(lines):
        end = line.evidence.line_end or 0.0
        yield replace(line.evidence, line_end=end + 2.7 + 0.1 * number)


def elsewhere(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The take stands elsewhere in the finished file."""
    for number, line in enumerate(lines):
        late = (-1) ** number * (0.05 + 0.01 * (number % 30))
        yield replace(line.evidence, delivered=laid(line.sound, line.source.sound, late=late))


def hurried(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The line is spoken at nearly twice its pace, or at half of it."""
    for number, line in enumerate(_long(lines)):
        yield with_sound(line, _stretched(line.sound, 0.42 if number % 3 == 0 else 1.9))


def together(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The next line, of somebody else, begins before this one ends."""
    for number, line in enumerate(_long(lines)):
        end = len(line.sound) / SAMPLE_RATE
        over = 0.35 + 0.03 * number
        timed = [
            TimedLine("a", (0.0, end), (0.0, end)),
            TimedLine("b", (end + 0.1, end + 3), (end - over, end + 3 - over)),
        ]
        over = talked_over(timed, {"a": "one", "b": "two"}).get("a", 0.0)
        yield replace(line.evidence, talked_over=over)


def silent(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The take holds nothing."""
    for line in lines:
        yield with_sound(line, np.zeros(len(line.sound)), heard="")


def paused(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The take stops for a second or more."""
    for number, line in enumerate(lines):
        middle = len(line.sound) // 2
        hole = np.zeros(round((1.0 + 0.05 * number) * SAMPLE_RATE))
        sound = np.concatenate((line.sound[:middle], hole, line.sound[middle:]))
        yield with_sound(line, sound)


def dropped(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """A moment of 20 to 100 ms is cut out, where the line is loud."""
    for number, line in enumerate(lines):
        sound = line.sound.copy()
        length = round((0.02 + 0.005 * (number % 17)) * SAMPLE_RATE)
        beside = SAMPLE_RATE // 250
        level = np.abs(sound) > 0.15 * np.abs(sound).max()
        for first in range(beside, len(sound) - length - beside, 480):
            if level[first - beside : first].any() and level[first + length : first + length + beside].any():
                sound[first : first + length] = 0
                yield with_sound(line, sound)
                break


def clipped(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The take is 8 to 14 dB too loud for full scale, and turned down afterwards in every second line."""
    for number, line in enumerate(lines):
        gain = 10 ** ((8 + number % 7) / 20) / np.abs(line.sound).max()
        yield with_sound(line, np.clip(line.sound * gain, -1, 1) * (0.4 if number % 2 else 1.0))


def loud(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The line is 7 dB or more louder or softer than the source."""
    for number, line in enumerate(lines):
        yield replace(line.evidence, dub_lufs=-23.0 + (-1) ** number * (7 + 0.2 * number))


def other_voice(bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """A person of the clips speaks, and not the voice of the speaker's other lines."""
    for line in _long(lines, 1.0):
        same = [o.sound for o in lines if o.spoken.voice == line.spoken.voice and o is not line][:5]
        if len(same) < 2 or len(line.source.sound) < SAMPLE_RATE:
            continue
        alike = likeness_to_others(bench.voice(line.source.sound), [bench.voice(sound) for sound in same])
        yield with_sound(line, line.source.sound, alike=alike)


def flattened(_bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """The melody is taken away."""
    for line in _long(lines):
        melody = line.evidence.melody
        if melody is None or melody.source < 4:
            continue
        flat = on_one_note(line.sound)
        source = at_16k(line.source.sound, SAMPLE_RATE)
        yield with_sound(line, flat, melody=melodies(at_16k(flat, SAMPLE_RATE), source))


def spoiled(bench: Bench, lines: Sequence[CleanLine]) -> Iterator[LineEvidence]:
    """Loud noise, or hard clipping, spoils the take."""
    generator = np.random.default_rng(16)
    for number, line in enumerate(_long(lines)):
        quality = line.evidence.quality
        if quality is None or quality.source < 3.5:
            continue
        if number % 2:
            sound = np.clip(line.sound * 12 / np.abs(line.sound).max(), -1, 1) * 0.3
        else:
            level = float(np.sqrt(np.mean(line.sound**2))) * 10 ** (-5 / 20)
            sound = line.sound + level * generator.standard_normal(len(line.sound))
        yield with_sound(line, sound, quality=Pair(bench.quality(sound), quality.source))


def on_one_note(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return speech at 48 kHz whose voice has one pitch throughout, its periods laid at equal distances."""
    from dubkit.voice.melody import _lay, _marks

    contour = pitch_contour(at_16k(sound, SAMPLE_RATE))
    voiced = contour.hz[contour.hz > 0]
    if not len(voiced):
        return sound
    period = SAMPLE_RATE / float(np.median(voiced))
    marks, periods = _marks(sound, SAMPLE_RATE, contour.hz, contour.step)
    out, weight = np.zeros(len(sound)), np.zeros(len(sound))
    place = 0.0
    for number, mark in enumerate(marks):
        if not periods[number]:
            _lay(sound, out, weight, mark, mark, round(0.005 * SAMPLE_RATE))
            place = float(mark)
            continue
        while place <= mark:
            _lay(sound, out, weight, mark, round(place), round(periods[number]))
            place += period
    bare = weight < 1e-3
    out[bare], weight[bare] = sound[bare], 1.0
    return np.asarray(out / weight)


def _stretched(sound: NDArray[np.float64], tempo: float) -> NDArray[np.float64]:
    parts = (0.6, tempo / 0.6) if tempo < 0.5 else (tempo,)
    for part in parts:
        sound = stretched(sound.astype(np.float32), part, SAMPLE_RATE).astype(np.float64)
    return sound


KINDS = (
    Kind("words cut out", ("missing-words",), missing),
    Kind("words put in", ("added-words",), added),
    Kind("another text spoken", ("letter-error", "words"), other_text),
    Kind("the source's language heard", ("source-language",), leak),
    Kind("a word left in the source's language", ("source-words",), left_words),
    Kind("begins late", ("late",), late),
    Kind("begins early", ("early",), early),
    Kind("ends late", ("ends-late",), ends_late),
    Kind("ends early", ("ends-early",), ends_early),
    Kind("placed elsewhere in the file", ("elsewhere",), elsewhere),
    Kind("too fast or too slow", ("pace",), hurried),
    Kind("two people at once", ("talked-over",), together),
    Kind("no sound", ("silent", "not-heard"), silent),
    Kind("a long pause", ("pause",), paused),
    Kind("a moment cut out", ("drop-out",), dropped),
    Kind("clipped, also below full scale", ("clipped", "distorted"), clipped),
    Kind("too loud or too soft", ("loudness",), loud),
    Kind("another voice", ("voice-changed",), other_voice),
    Kind("on one note", ("flat",), flattened),
    Kind("noise or hard clipping", ("quality",), spoiled),
)
