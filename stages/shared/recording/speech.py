"""Takes from people's recordings: laid into their time, and faster only where that is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink
from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Line, Remark, Segment, SpokenLine, remark, sample_at
from stages.shared.recording.recordings import (
    ENGINE,
    INPUT,
    RecordedLine,
    given_ms,
    read_speech,
    recorded_line,
    recorded_takes,
    rooms_ms,
    time_settings,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOO_LONG, CUT = "runs-over", "cut"
"""Flags: the recording takes more time than there is; the episode ends before it does."""

OVER_MS = 50
"""Milliseconds over its time that are no matter."""

ROUNDED_MS = 2
"""Milliseconds by which a length differs through rounding alone."""


def recorded_item(context: Context, recorded: RecordedLine, line: Line, time: Mapping[str, str]) -> Item:
    """Return the item of a line that a person recorded; `time` is when it is spoken, as it enters keys."""
    inputs = {f"translate/{line.id}": context.digest([context.language, line.text]), **time}
    if recorded.measured is not None:
        inputs[f"{INPUT}{line.id}"] = context.digest(recorded.content)
    settings = time_settings(context)
    return Item(line.id, inputs=inputs, models={"voice": ENGINE}, settings=settings, problem=recorded.problem)


def write_recorded(
    context: Context, lines: Sequence[tuple[Segment, Line]], starts: Mapping[str, int], sink: Sink
) -> None:
    """Make the takes of recorded lines; `starts` is when the first word of each is due, in samples."""
    from dubkit.media.sound.audio import write_wav

    rooms = rooms_ms(context)
    for _, line in lines:
        with sink.attempt(line.id):
            recorded = recorded_line(context, line.id)
            assert recorded is not None
            assert recorded.recording is not None
            placed = _placed(context, recorded, starts[line.id], rooms[line.id])
            with sink.take(line.id) as take:
                write_wav(take.folder / "speech.wav", placed.samples, SAMPLE_RATE)
                text = _text(context, recorded, line)
                take.value = SpokenLine(
                    id=line.id,
                    engine=ENGINE,
                    voice=recorded.recording.name,
                    start_sample=placed.start,
                    samples=len(placed.samples),
                    speed=placed.speed,
                    fit="cut" if placed.cut else "faster" if placed.speed > 1 else "fits",
                    flags=placed.flags,
                    text=text,
                )
                take.remarks.extend(_remarks(recorded, placed, text, line))


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A recording in its time: (N,) mono at 48 kHz from sample `start` of the episode on."""

    samples: NDArray[np.float32]
    start: int
    speed: float
    over_ms: int
    """Milliseconds that it takes more than there are."""
    cut: bool

    @property
    def flags(self) -> tuple[str, ...]:
        return (*((TOO_LONG,) if self.over_ms > OVER_MS else ()), *((CUT,) if self.cut else ()))


def _placed(context: Context, recorded: RecordedLine, word: int, room: int) -> _Placed:
    """Lay a recording so that its first word is spoken at sample `word`."""
    from dubkit.voice.stretch import stretched
    from dubkit.voice.trim import faded

    assert recorded.recording is not None
    speech = read_speech(recorded.recording.path)
    samples, lead, speed = speech.samples, speech.lead, 1.0
    wanted = given_ms(context, recorded, room)
    if recorded.spoken_ms - wanted > ROUNDED_MS:
        speed = recorded.spoken_ms / wanted
        samples, lead = stretched(samples, speed, SAMPLE_RATE), round(lead / speed)
    if recorded.recording.at is not None:
        word = sample_at(recorded.recording.at) + speech.cut + speech.lead
    start = word - lead
    if start < 0:  # the episode begins within the breath
        samples, start = faded(samples[-start:], SAMPLE_RATE, 0.005, 0.0), 0
    left = context.episode.samples - start
    cut = len(samples) > max(left, 0)
    if cut:
        samples = faded(samples[: max(left, 0)], SAMPLE_RATE, 0.0, 0.015)
    return _Placed(samples, start, round(speed, 3), wanted - room, cut)


def _text(context: Context, recorded: RecordedLine, line: Line) -> str:
    """Return the text that a recording was first used for: what is heard in it."""
    content = context.digest(recorded.content)
    texts = (spoken.text for made_from, spoken in recorded_takes(context, line.id) if made_from == content)
    return next(texts, "") or line.text


def _remarks(recorded: RecordedLine, placed: _Placed, text: str, line: Line) -> Iterator[Remark]:
    assert recorded.recording is not None
    assert recorded.measured is not None
    name = recorded.recording.name
    if placed.cut:
        yield remark("line-cut", f"The episode ends before {name} does, and cuts it off.", line.id)
    if placed.speed > 1:
        said = f"{name} is played {placed.speed:.2f} times as fast, because it is too long for its time."
        yield remark("recording-faster", said, line.id)
    if placed.over_ms > OVER_MS:
        said = f"{name} is {placed.over_ms / 1000:.1f} s longer than the time that the line has."
        yield remark("recording-too-long", said, line.id)
    if recorded.measured.clipped:
        yield remark("recording-clipped", f"{name} was recorded too loud: its peaks are cut off.", line.id)
    if text != line.text:
        said = f"{name} was recorded for “{text}”, and the line says “{line.text}” now."
        yield remark("recording-other-words", said, line.id)
