"""Record against the film: write a video with a count-in, and cut what was recorded against it into lines."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.episode.cue_sheet import cues, speaker_names
from dubkit.episode.recordings import FOLDER, is_sound, named_line, recording_files
from dubkit.episode.store import read_json
from dubkit.errors import EditRefused, MediaError
from dubkit.media.delivery.count_in import (
    BEEP_HERTZ,
    BEEP_SECONDS,
    CountedCue,
    CountIn,
    plan_count_in,
    write_count_in,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VIDEOS = "count-in"
"""Folder of the videos and their plans in that of a language."""

EARLY, LATE = 0.6, 2.0
"""Seconds before and after a cue in which its words are looked for, where no other cue is nearer."""

LONGEST = 4 * 3600.0
"""Seconds of a recording of many lines."""

EARLIER = "earlier"
"""Folder of the recordings that a new one has replaced."""


@dataclass(frozen=True, slots=True)
class WrittenCountIn:
    """A video to record against."""

    file: Path
    cues: int
    seconds: float
    unlettered: str
    """Why the texts are not on the picture; empty where they are."""


def make_count_in(
    context: Context, lines: Sequence[str] = (), speaker: str = "", font: str = "", out: Path | None = None
) -> WrittenCountIn:
    """Write the video for some lines, for one speaker's, or for all. Raises EditRefused where nothing is."""
    chosen = [(s, line) for s, line in cues(context, speaker) if not lines or line.id in lines]
    if not chosen:
        raise EditRefused("None of these lines is spoken, so there is nothing to record.")
    names = speaker_names(context)
    counted = [
        CountedCue(line.id, s.start, s.end, names.get(s.speaker, s.speaker), line.text) for s, line in chosen
    ]
    plan = plan_count_in(counted, float(context.episode.duration))
    font, why = _font(" ".join(f"{cue.character} {cue.text}" for cue in counted), font)
    name = _name(
        speaker or ("-".join(dict.fromkeys((counted[0].line, counted[-1].line))) if lines else "all")
    )
    video, store = context.episode.video, context.store
    with store.writing(f"{VIDEOS}/{name}.mp4", context.language, beside=True) as temporary:
        write_count_in(
            plan, context.source, context.audio, temporary, picture=video.index if video else None, font=font
        )
        if out is not None:
            out.write_bytes(temporary.read_bytes())
    store.write_by_hand(f"{VIDEOS}/{name}.json", plan, context.language)
    file = out or store.path(f"{VIDEOS}/{name}.mp4", context.language)
    return WrittenCountIn(file, len(counted), round(plan.end - plan.start, 1), why)


def _name(text: str) -> str:
    return re.sub(r"\W+", "-", text).strip("-") or "all"


def _font(text: str, asked: str) -> tuple[str, str]:
    """Return the font of the texts, or why they cannot be on the picture."""
    from dubkit.media.delivery.lettering import can_letter, find_font, has_letters

    if not can_letter():
        return "", "The package pillow is not installed: pip install pillow"
    if asked:
        if not has_letters(asked, sorted({letter for letter in text if letter.isalnum()})):
            raise MediaError(Path(asked), "has not all letters of these lines", "Name another font.")
        return asked, ""
    found = find_font(text)
    return found, "" if found else "No font here has all letters of these lines: name one with --font."


# --- cutting ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CutRecording:
    """What became of a recording that was made against a count-in video."""

    kept: dict[str, str]
    """Line -> name of its file in `recordings/`."""
    silent: tuple[str, ...]
    """Lines in whose time nothing was heard."""
    offset: float | None
    """Seconds by which the recording began earlier than the video, by its beeps; None without beeps."""


def take_long_recording(context: Context, file: Path, video: str = "") -> CutRecording:
    """Cut a recording into the lines of a count-in video. Earlier recordings of them are kept aside.

    Raises EditRefused where it is not known which video it was made against, MediaError for no sound.
    """
    from dubkit.media.sound.audio import write_wav
    from dubkit.media.sound.beeps import beeps_offset
    from dubkit.media.sound.foreign import read_recording
    from dubkit.types import SAMPLE_RATE
    from dubkit.voice.recorded import trimmed_recording

    plan = _plan(context, video)
    samples = read_recording(file, LONGEST)
    offset = beeps_offset(samples, [at - plan.start for at in plan.beeps], BEEP_SECONDS, BEEP_HERTZ)
    begin = plan.start - (offset or 0.0)
    kept: dict[str, str] = {}
    silent: list[str] = []
    for cue, (first, last) in zip(plan.cues, windows(plan), strict=True):
        piece, at = _piece(samples, first - begin, last - begin)
        if not len(trimmed_recording(piece).samples):
            silent.append(cue.line)
            continue
        name = f"{cue.line}@{max(0.0, begin + at):.3f}.wav"
        _set_aside(context, cue.line)
        with context.store.writing(f"{FOLDER}/{name}", context.language, beside=True) as temporary:
            write_wav(temporary, piece, SAMPLE_RATE)
        kept[cue.line] = name
    return CutRecording(kept, tuple(silent), offset)


def windows(plan: CountIn) -> list[tuple[float, float]]:
    """Return in which seconds of the episode the words of each cue are; no two have any in common."""
    found = []
    for number, cue in enumerate(plan.cues):
        before = plan.cues[number - 1].end if number else cue.start - 2 * EARLY
        after = plan.cues[number + 1].start if number + 1 < len(plan.cues) else cue.end + 2 * LATE
        first = max(cue.start - EARLY, min(cue.start, (before + cue.start) / 2))
        last = min(cue.end + LATE, max(cue.end, (cue.end + after) / 2))
        found.append((first, last))
    return found


def _piece(samples: NDArray[np.float32], first: float, last: float) -> tuple[NDArray[np.float32], float]:
    """Return the part of a recording between two of its seconds, and the second at which it begins."""
    from dubkit.types import sample_at

    begin = min(max(0, sample_at(first)), len(samples))
    return samples[begin : max(begin, sample_at(last))], begin / 48_000


def _plan(context: Context, video: str) -> CountIn:
    folder = context.store.path(VIDEOS, context.language)
    there = {path.stem: path for path in sorted(folder.glob("*.json"))} if folder.is_dir() else {}
    if not there:
        raise EditRefused(
            "There is no count-in video to record against.\nFirst: dubkit review count-in EPISODE"
        )
    name = _name(video) if video else "all" if "all" in there else next(iter(there))
    if name not in there or (not video and len(there) > 1 and "all" not in there):
        raise EditRefused(f"Which count-in video was it recorded against? --video {' or '.join(there)}.")
    return read_json(there[name], CountIn, cure="Write the video again: dubkit review count-in EPISODE")


def _set_aside(context: Context, line: str) -> None:
    """Move earlier recordings of a line out of the way."""
    folder = context.store.path(FOLDER, context.language)
    for file in recording_files(folder):
        if is_sound(file) and named_line(file.stem, {line.casefold(): line}):
            target = folder / EARLIER / file.name
            number = 1
            while target.exists():
                number += 1
                target = target.with_name(f"{file.stem} {number}{file.suffix}")
            target.parent.mkdir(exist_ok=True)
            os.rename(file, target)
