"""Take over what somebody recorded of a line: checked as sound, kept with the episode, used from now on."""

from __future__ import annotations

import shutil
from pathlib import Path

from dubkit.episode.edits.events import Change, Event
from dubkit.episode.recordings import FOLDER, MICROPHONE, SUFFIXES
from dubkit.episode.store import file_digest
from dubkit.errors import EditRefused, MediaError
from dubkit.review.changes import Desk
from dubkit.review.rules import Rules


def check_recordable(rules: Rules, line: str) -> None:
    """Refuse a line that no recording can be heard in, with what to do about it. Raises EditRefused."""
    rules.check_unlocked(line)
    rules.check_spoken(line)
    if rules.context.routes.get(line) == "lipdub":
        raise EditRefused(f"{line} is spoken in its generated clip. Give it the route voice first.")


def take_recording(desk: Desk, line: str, file: Path, at: float | None = None) -> Event | None:
    """Keep a recording of a line and use it; earlier takes stay, and come back by undo.

    `at` is the second of the episode at which the file begins, where it was spoken to the picture. Raises
    EditRefused when the line is locked or not spoken, or the file holds no speech.
    """
    from stages.shared.recording.recordings import read_speech

    check_recordable(desk.rules, line)
    try:
        read_speech(file)
    except MediaError as error:
        raise EditRefused(
            f"{line}: {str(error).removeprefix(f'{file}: ').removeprefix(f'{file} ')}"
        ) from None
    name = _name(line, file, at)
    store = desk.context.store
    with store.writing(f"{FOLDER}/{name}", desk.context.language, beside=True) as temporary:
        shutil.copyfile(file, temporary)
    return desk.make(record_changes(desk, line, name), "record")


def record_changes(desk: Desk, line: str, name: str) -> list[Change]:
    """Return the changes by which a line is spoken by a file in `recordings/`."""
    return [desk.change_of(line, "recording", name), desk.change_of(line, "takes", None)]


def _name(line: str, file: Path, at: float | None) -> str:
    suffix = file.suffix.lower() if file.suffix.lower() in SUFFIXES else ".wav"
    placed = "" if at is None else f"@{max(0.0, at):.3f}"
    return f"{MICROPHONE}/{line}-{file_digest(file)[:8]}{placed}{suffix}"
