"""When each line of a language is spoken and how fast: in the source, as planned, and as spoken.

The one place that puts it together: the plan, the review, the pages, the report and the records of
`--timing-debug` ask here. Nothing is loaded for it, so that it may be asked at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from dubkit.episode.context import Context
from dubkit.episode.line_states import LineState, line_states
from dubkit.errors import DubkitError
from dubkit.types import SAMPLE_RATE, AdaptedLine, Length, ScheduledLine, SpokenLine
from dubkit.types.timing import CandidateOrigin

Reckon = Callable[[str, str], "Length | None"]
"""Reckons how long a text takes in the voice of a line (its id), without loading anything; None where nothing
tells."""

COMPARED = 40
"""Scheduled lines of a speaker that tell how far reckoned lengths are off for the voice."""

DOUBT = 10.0
"""Seconds of speech that count as reckoned rightly, because single texts are off more than voices are."""

Basis = Literal["schedule", "candidate", "take", "reckoned", ""]
"""Where a predicted length is from: the schedule; the candidate that has the same text; the take of that
text; syllables, where nothing was asked about it yet; nowhere."""


@dataclass(frozen=True, slots=True)
class OwnText:
    """One text that a line may have, and how long it takes."""

    number: int
    """From 1; the first translation is 1."""
    text: str
    seconds: float
    """Predicted at the voice's own pace."""
    pace: float
    """Pace against the voice's own at which it fills what the line may take without moving another."""
    origin: CandidateOrigin
    changes: tuple[str, ...]
    losses: tuple[str, ...]
    fidelity: float
    chosen: bool
    """Whether it was chosen for the time of the line."""
    used: bool
    """Whether the line has it now."""


@dataclass(frozen=True, slots=True)
class LineTiming:
    """When one line is spoken. Times are seconds on the episode clock, None where they are not known."""

    id: str
    start: float
    """Of the source line, as its end."""
    end: float
    predicted: float | None
    """Seconds that its text takes at the voice's own pace."""
    spread: float
    """Share by which nine of ten lines are longer or shorter than predicted, at most."""
    basis: Basis
    stale: bool
    """Whether the text or the times were changed since the line was scheduled."""
    given_start: float | None
    """Where the schedule places it."""
    given: float | None
    """Seconds that the schedule gives it."""
    room: float
    """Seconds that it may take: those given, unless that is stale; else those that its words were fitted to;
    else the source's."""
    pace: float | None
    """Pace against the voice's own at which the text fills its room: 1.2 is a fifth faster."""
    too_long: float
    """Seconds that its text is too long for the fastest acceptable pace, wherever it is placed."""
    seen: bool
    """Whether the picture shows the speaker's mouth."""
    fixed: bool
    """Whether a person set its times, or a generated clip holds it."""
    block: str
    """First line of the lines that it is scheduled with."""
    why: str
    """Why its text was chosen, as a sentence; empty where nothing fitted it or a person wrote it."""
    texts: tuple[OwnText, ...]
    """Texts that it may have; none where its words were not fitted."""
    spoken_start: float | None
    spoken: float | None
    """Seconds of its take."""
    spoken_pace: float | None
    """Pace of its take against the voice's own."""
    cut: bool
    """Whether words of its take are lost."""
    start_error: float | None
    """Seconds that it starts late, below 0 early: as measured in the dub, else as planned."""

    @property
    def first(self) -> str:
        """The first translation; empty where its words were not fitted."""
        return self.texts[0].text if self.texts else ""

    @property
    def says(self) -> str:
        """What is predicted, as plans and lists print it: `4.2 s of 3.9 s, 1.08x`; empty where nothing is.

        What is only reckoned from syllables begins with `about`.
        """
        if self.predicted is None or self.pace is None:
            return ""
        about = "about " if self.basis == "reckoned" else ""
        return f"{about}{self.predicted:.1f} s of {self.room:.1f} s, {self.pace:.2f}x"

    @property
    def in_short(self) -> str:
        """What is predicted, for a column of a table: `4.2s 1.08x`; `~` before what is only reckoned."""
        if self.predicted is None or self.pace is None:
            return ""
        return f"{'~' if self.basis == 'reckoned' else ''}{self.predicted:.1f}s {self.pace:.2f}x"

    def is_over(self, max_pace: float) -> bool:
        """Tell whether the line has to be spoken faster than it should be."""
        return self.too_long > 0 or (self.pace is not None and round(self.pace, 2) > max_pace)


def line_timings(
    context: Context, states: Iterable[LineState] | None = None, *, reckon: Reckon | None = None
) -> dict[str, LineTiming]:
    """Return the timing of the lines of a language, or of those whose `states` are given, by their ids.

    `reckon` is asked about a text that was written since the last run, whose length nothing else predicts.
    """
    reader = _Reader(context, reckon)
    return {state.line.id: reader.timing(state) for state in (states or line_states(context))}


class _Reader:
    """Reads the timing of lines, each artifact once."""

    def __init__(self, context: Context, reckon: Reckon | None) -> None:
        self._reckon = reckon
        self._speakers = {segment.id: segment.speaker for segment in context.segments}
        self._scales: dict[str, float] = {}
        self._scheduled = {line.id: line for line in _schedule(context)}
        first = {line.id: line.text for line in context.translation.lines}
        self._adapted = {
            line.id: line
            for line in context.adaptation.lines
            if line.candidates and line.first == first.get(line.id)
        }

    def timing(self, state: LineState) -> LineTiming:
        segment, line, take = state.segment, state.line, state.take
        planned, adapted = self._scheduled.get(line.id), self._adapted.get(line.id)
        stale = planned is not None and _is_stale(planned, state)
        room = _room(segment.end - segment.start, None if stale else planned, adapted)
        texts = own_texts(adapted, line.text)
        length, basis = self._length(state, None if stale else planned, texts)
        return LineTiming(
            id=line.id,
            start=segment.start,
            end=segment.end,
            predicted=length.seconds if length else None,
            spread=length.spread if length else 0.0,
            basis=basis,
            stale=stale,
            given_start=planned.start_ms / 1000 if planned else None,
            given=planned.length_ms / 1000 if planned else None,
            room=room,
            pace=round(length.seconds / room, 3) if length and room > 0 else None,
            too_long=planned.too_long_ms / 1000 if planned and not stale else 0.0,
            seen=planned.seen if planned else False,
            fixed=planned.fixed if planned else False,
            block=planned.block if planned else "",
            why=adapted.why if adapted and any(text.used for text in texts) else "",
            texts=texts,
            spoken_start=_seconds(take.start_sample) if take else None,
            spoken=_seconds(take.samples) if take else None,
            spoken_pace=take.speed if take else None,
            cut=take is not None and take.fit == "cut",
            start_error=_start_error(state, planned, take),
        )

    def _length(
        self, state: LineState, planned: ScheduledLine | None, texts: tuple[OwnText, ...]
    ) -> tuple[Length | None, Basis]:
        """Return the predicted length of the text that a line has now, and where it is from."""
        planned_route = state.route.route if state.route else ""
        if not state.line.text or "keep" in (state.line.route, planned_route):
            return None, ""
        if planned is not None:
            return Length(planned.natural_ms / 1000, planned.spread, "network"), "schedule"
        used = next((text for text in texts if text.used), None)
        if used is not None:
            return Length(used.seconds, 0.0, "network"), "candidate"
        take = state.take
        if take is not None and take.text == state.line.text and take.fit != "cut":
            return Length(round(_seconds(take.samples) * take.speed, 3), 0.0, "measured"), "take"
        length = self._reckoned(state.line.text, state.line.id)
        return length, "reckoned" if length else ""

    def _reckoned(self, text: str, line: str) -> Length | None:
        """Return the reckoned length of a text, as far off as those of the speaker's other lines are."""
        length = self._reckon(text, line) if self._reckon else None
        if length is None:
            return None
        speaker = self._speakers.get(line, "")
        if speaker not in self._scales:
            self._scales[speaker] = self._scale(speaker)
        return replace(length, seconds=round(length.seconds * self._scales[speaker], 3))

    def _scale(self, speaker: str) -> float:
        """Return how many times longer than reckoned the lines of a speaker are."""
        assert self._reckon is not None, "asked only where something reckons"
        told = reckoned = DOUBT
        known = (one for one in self._scheduled.values() if one.text and not one.fixed)
        for one in islice((one for one in known if self._speakers.get(one.id) == speaker), COMPARED):
            length = self._reckon(one.text, one.id)
            if length is not None:
                told += one.natural_ms / 1000
                reckoned += length.seconds
        return told / reckoned


def _schedule(context: Context) -> Iterable[ScheduledLine]:
    if not context.settings.timing.scheduled or not context.store.has("schedule.json", context.language):
        return ()
    try:
        return context.schedule.lines
    except DubkitError:
        return ()  # the run names the damage; the lines can still be looked at


def _room(source: float, planned: ScheduledLine | None, adapted: AdaptedLine | None) -> float:
    if planned is not None and planned.length_ms:
        return planned.length_ms / 1000
    return adapted.room if adapted is not None else source


def _is_stale(planned: ScheduledLine, state: LineState) -> bool:
    """Tell whether a line has another text or other source times than it was scheduled with."""
    if planned.text and planned.text != state.line.text:
        return True
    source = planned.source_start_ms, planned.source_end_ms
    return source != (round(1000 * state.segment.start), round(1000 * state.segment.end))


def own_texts(adapted: AdaptedLine | None, now: str) -> tuple[OwnText, ...]:
    """Return the texts that a line may have; of two that are the same, the chosen one is the one in use."""
    if adapted is None:
        return ()
    texts = [candidate.text for candidate in adapted.candidates]
    used = adapted.chosen if adapted.text == now else texts.index(now) if now in texts else -1
    return tuple(
        OwnText(
            number=at + 1,
            text=candidate.text,
            seconds=candidate.seconds,
            pace=round(candidate.seconds / adapted.room, 3) if adapted.room > 0 else 0.0,
            origin=candidate.origin,
            changes=candidate.changes,
            losses=candidate.losses,
            fidelity=candidate.fidelity,
            chosen=at == adapted.chosen,
            used=at == used,
        )
        for at, candidate in enumerate(adapted.candidates)
    )


def _start_error(state: LineState, planned: ScheduledLine | None, take: SpokenLine | None) -> float | None:
    if state.measured is not None and take is not None:
        return state.measured.start_error
    if take is not None:
        return round(_seconds(take.start_sample) - state.segment.start, 3)
    return round(planned.start_ms / 1000 - state.segment.start, 3) if planned else None


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)
