"""A finished dub as it is heard: its lines, its speech and its words, measured from files and takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.listening import Listener, Span, read_sound, sounding, speech_spans
from dubkit.episode.context import Context
from dubkit.episode.results import finished_dub
from dubkit.qc.measures import align_heard
from dubkit.qc.text import units, word_error
from dubkit.qc.timing import TimedLine, TimingFigures, timing_figures
from dubkit.types import SAMPLE_RATE, Segment, SpokenLine

if TYPE_CHECKING:
    from dubkit.voice.engine import Synthesiser

OPENS = 0.4
"""Seconds around the start of a line in which the source's voice sets in, if it opens its speech."""
GAP = 60.0
"""Seconds between clips that are counted together, so that no line meets one of another clip."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One line of a dub as it is heard."""

    timed: TimedLine
    text: str
    heard: str
    word_error: float
    claimed_pace: float
    """As its take has it."""
    onset_error: float | None = None
    """Seconds from where the source's voice sets in; None for a line that does not open its speech."""

    @property
    def badness(self) -> float:
        """How much a listener is troubled by it: words that are not understood, then haste, then cuts."""
        hurried = max(0.0, (self.timed.pace or 1.0) - 1.1)
        return self.word_error + 5 * hurried + 2 * self.timed.cut


@dataclass(frozen=True, slots=True)
class Measured:
    """One dub."""

    clip: str
    lines: tuple[Heard, ...]
    source_speech: tuple[Span, ...]
    dub_speech: tuple[Span, ...]
    errors: int
    words: int
    """Word errors of the whole dub, and the words of its lines."""
    listener: str
    source_error: float | None = None
    """Word error of the same recogniser on the source; None without a reference."""
    too_dense: float = 0.0
    """Seconds, added up, that lines are too long wherever they are placed, as the schedule says."""

    @property
    def figures(self) -> TimingFigures:
        """The figures of the clip."""
        timed = [line.timed for line in self.lines]
        return timing_figures(timed, source_speech=self.source_speech, dub_speech=self.dub_speech)

    @property
    def round_trip(self) -> float | None:
        """Word error of the dub against its lines."""
        return self.errors / self.words if self.words else None

    @property
    def onsets(self) -> list[float]:
        """Distances of the starts from where the source's voice sets in."""
        return [abs(line.onset_error) for line in self.lines if line.onset_error is not None]


class Paces:
    """How long lines take at their voice's own pace: each is spoken once; what is known is kept in a file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, float] = {}
        self._synthesiser: Synthesiser | None = None
        if file is not None and file.exists():
            self._known = json.loads(file.read_text("utf-8"))

    def natural(self, context: Context, take: SpokenLine) -> float:
        """Return seconds from the first to the last sound of a line's text; 0 for one without words."""
        from dubkit.voice.text.spoken import spoken_text

        key = f"{take.engine} {take.voice} {context.language} {take.seed} {take.text}"
        if key not in self._known:
            said = spoken_text(take.text, context.language)
            self._known[key] = self._spoken(context, take, said) if said else 0.0
            if self._file is not None:
                self._file.write_text(json.dumps(self._known, ensure_ascii=False, indent=1), "utf-8")
        return self._known[key]

    def _spoken(self, context: Context, take: SpokenLine, text: str) -> float:
        from stages.shared.voices import choose_voice, open_voice

        if self._synthesiser is None:
            self._synthesiser = open_voice(context, choose_voice(context).engine)
        voice = self._synthesiser
        sound = voice.speak(text, voice=take.voice, language=context.language, speed=1.0, seed=take.seed)
        span = sounding(sound, voice.rate)
        return span[1] - span[0] if span else 0.0


def measure(context: Context, paces: Paces, listener: Listener, reference: str = "") -> Measured:
    """Measure the finished dub of an episode. Raises SystemExit where there is none."""
    delivered = finished_dub(context.store, context.language)
    if delivered is None:
        raise SystemExit(f"{context.store.root}: no finished dub in {context.language}.")
    source, sound = read_sound(context.source), read_sound(delivered)
    said = speech_spans(source)
    takes = list(_takes(context))
    heard = listener.words(sound, context.language)
    spans = [(take.id, *_placed(context, take)) for _, take in takes]
    by_line = align_heard(heard, spans)
    lines = [
        _line(context, paces, segment, take, by_line[take.id], said, [s for s, _ in takes])
        for segment, take in takes
    ]
    text = " ".join(line.text for line in sorted(lines, key=lambda line: line.timed.dub or (0.0, 0.0)))
    words = len(units(text, context.language))
    error = word_error(text, " ".join(word.text for word in heard), context.language)
    own = None
    if reference:
        language = context.source_language
        again = " ".join(word.text for word in listener.words(source, language))
        own = word_error(reference, again, language)
    return Measured(
        context.source.name,
        tuple(lines),
        tuple(said),
        tuple(speech_spans(sound)),
        round(error * words),
        words,
        listener.name,
        own,
        sum(line.timed.too_long for line in lines),
    )


def _takes(context: Context) -> Iterator[tuple[Segment, SpokenLine]]:
    """Yield the lines that are in the mix, with their takes."""
    mixed = {span.id for span in context.mix_report.spans}
    for segment in context.segments:
        if segment.id in mixed:
            yield segment, context.spoken_line(segment.id)


def _sound_in(context: Context, take: SpokenLine) -> Span | None:
    file = context.take_file(take.id)
    assert file is not None, "a line in the mix has a take"
    return sounding(read_sound(file, SAMPLE_RATE)[: take.samples], SAMPLE_RATE)


def _placed(context: Context, take: SpokenLine) -> Span:
    start = take.start_sample / SAMPLE_RATE
    span = _sound_in(context, take) or (0.0, take.samples / SAMPLE_RATE)
    return start + span[0], start + span[1]


def _line(
    context: Context,
    paces: Paces,
    segment: Segment,
    take: SpokenLine,
    heard: str,
    said: Sequence[Span],
    segments: Sequence[Segment],
) -> Heard:
    placed, natural = _placed(context, take), paces.natural(context, take)
    length = placed[1] - placed[0]
    first = _first_texts(context).get(take.id, take.text)
    planned = _planned(context).get(take.id, (False, 0.0))
    spoken = segment.words or ()
    start = spoken[0].start if spoken else segment.start
    end = spoken[-1].end if spoken else segment.end
    timed = TimedLine(
        take.id,
        source=(start, end),
        dub=placed if natural else None,
        pace=natural / length if natural and length else None,
        cut=take.fit == "cut" or "cut" in take.flags,
        too_long=planned[1],
        seen=planned[0],
        first_words=len(units(first, context.language)),
        words=len(units(take.text, context.language)),
    )
    onset = _onset(segment, said, segments)
    return Heard(
        timed,
        take.text,
        heard,
        word_error(take.text, heard, context.language),
        take.speed,
        None if onset is None or not natural else placed[0] - onset,
    )


def _onset(segment: Segment, said: Sequence[Span], segments: Sequence[Segment]) -> float | None:
    """Return where the source's voice sets in for a line that opens a stretch of speech."""
    near = [start for start, _ in said if abs(start - segment.start) <= OPENS]
    others = (s for s in segments if s.id != segment.id)
    if not near or any(s.start < segment.start < s.end for s in others):
        return None
    return min(near, key=lambda start: abs(start - segment.start))


def _first_texts(context: Context) -> dict[str, str]:
    """Return line -> the first translation, where the words were fitted."""
    if not context.store.has("adaptation.json", context.language):
        return {}
    return {line.id: line.first for line in context.adaptation.lines}


def _planned(context: Context) -> dict[str, tuple[bool, float]]:
    """Return line -> whether its speaker is seen, and seconds it is too long, as the schedule says."""
    if not context.store.has("schedule.json", context.language):
        return {}
    return {line.id: (line.seen, line.too_long_ms / 1000) for line in context.schedule.lines}


def together(results: Sequence[Measured]) -> Measured:
    """Return all dubs as if they were one, its clips one after the other."""
    lines: list[Heard] = []
    source: list[Span] = []
    dubbed: list[Span] = []
    at = 0.0
    for result in results:
        lines += [replace(line, timed=_moved(line.timed, at)) for line in result.lines]
        source += [(a + at, b + at) for a, b in result.source_speech]
        dubbed += [(a + at, b + at) for a, b in result.dub_speech]
        ends = [end for _, end in (*result.source_speech, *result.dub_speech)]
        at += max([*ends, *(line.timed.source[1] for line in result.lines)], default=0.0) + GAP
    heard = [r.source_error for r in results if r.source_error is not None]
    return Measured(
        "all",
        tuple(lines),
        tuple(source),
        tuple(dubbed),
        sum(r.errors for r in results),
        sum(r.words for r in results),
        ", ".join(dict.fromkeys(r.listener for r in results)),
        sum(heard) / len(heard) if heard else None,
        sum(r.too_dense for r in results),
    )


def _moved(line: TimedLine, by: float) -> TimedLine:
    moved = None if line.dub is None else (line.dub[0] + by, line.dub[1] + by)
    return replace(line, source=(line.source[0] + by, line.source[1] + by), dub=moved)
