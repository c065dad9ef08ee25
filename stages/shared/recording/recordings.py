"""Lines that people recorded: how long each recording is once it is trimmed, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.episode.recordings import Recording
from dubkit.episode.store import canonical, decode_json
from dubkit.errors import DubkitError, MediaError
from dubkit.types import SAMPLE_RATE, SpokenLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dubkit.voice.recorded import RecordedSpeech

ENGINE = "recording"
"""What spoke a take that is a person's recording."""

INPUT = "recordings/"
"""Beginning of the input under which the content of a recording enters the key of its line."""

REMAKE = "Record the line again, or remove the file: the voice engine speaks the line then."


@dataclass(frozen=True, slots=True)
class Measured:
    """Samples at 48 kHz of a recording: cut before its sound, up to its first word, and from there on."""

    cut: int
    lead: int
    spoken: int
    clipped: bool


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """A line that a person recorded."""

    line: str
    recording: Recording | None = None
    measured: Measured | None = None
    problem: str = ""
    """Why its recording cannot be used, with the cure."""

    @property
    def spoken_ms(self) -> int:
        """Milliseconds from the first word to the end."""
        return round(1000 * self.measured.spoken / SAMPLE_RATE) if self.measured else 0

    @property
    def start_ms(self) -> int | None:
        """When its first word is spoken, where it was recorded to the picture."""
        if self.recording is None or self.measured is None or self.recording.at is None:
            return None
        ahead = (self.measured.cut + self.measured.lead) / SAMPLE_RATE
        return round(1000 * (self.recording.at + ahead))

    @property
    def content(self) -> list[str]:
        """What of the recording enters the key of the line."""
        assert self.recording is not None
        at = self.recording.at
        return [self.recording.sha256, "" if at is None else f"{at:.3f}"]


def recorded_line(context: Context, line: str) -> RecordedLine | None:
    """Return the recording of a line; None where nobody recorded it."""
    if problem := context.recordings.problems.get(line):
        return RecordedLine(line, problem=problem)
    recording = context.recordings.of.get(line)
    if recording is None:
        return None
    try:
        measured = _measured(recording.path, recording.sha256)
    except DubkitError as error:
        return RecordedLine(line, recording, problem=f"{line}: {error}")
    return RecordedLine(line, recording, measured)


def read_speech(path: Path) -> RecordedSpeech:
    """Return the trimmed speech of a recording. Raises MediaError where it holds none."""
    from dubkit.media.sound.foreign import read_recording
    from dubkit.voice.recorded import trimmed_recording

    speech = trimmed_recording(read_recording(path))
    if not len(speech.samples):
        raise MediaError(path, "is silent", REMAKE)
    return speech


@lru_cache(maxsize=8192)
def _measured(path: Path, _content: str) -> Measured:
    speech = read_speech(path)
    return Measured(speech.cut, speech.lead, speech.spoken, speech.clipped)


# --- its time -----------------------------------------------------------------------------------


def rooms_ms(context: Context) -> Mapping[str, int]:
    """Return the milliseconds that every line may take without moving another."""
    from dubkit.translate.adaptation.room import rooms
    from stages.shared.mouths import mouths_seen

    seen = frozenset(line for line, is_seen in mouths_seen(context).items() if is_seen is not False)
    found = rooms(context.segments, float(context.episode.duration), seen)
    return {line: round(1000 * room.most) for line, room in found.items()}


def given_ms(context: Context, recorded: RecordedLine, room: int) -> int:
    """Return the milliseconds that a recording takes: its own, or fewer where it may be spoken faster."""
    length = recorded.spoken_ms
    if not context.settings.speak.stretch_recordings or length <= room:
        return length
    return max(room, ceil(length / context.settings.timing.max_pace))


def time_settings(context: Context) -> tuple[str, ...]:
    """Return the settings that change how long recordings take; none by default."""
    if not context.settings.speak.stretch_recordings:
        return ()
    return ("speak.stretch_recordings", "timing.max_pace")


# --- takes that were recorded before --------------------------------------------------------------


def recorded_takes(context: Context, line: str) -> Iterator[tuple[str, SpokenLine]]:
    """Yield the recorded takes of a line, oldest first: the content of the recording, and the take."""
    for folder in context.store.take_folders(line, context.language):
        record = context.store.take_record(f"{line}/{folder.name}", context.language)
        for name, content in record.parts.inputs.items() if record else ():
            if name.startswith(INPUT) and record is not None and record.value:
                yield content, decode_json(canonical(record.value), SpokenLine)
