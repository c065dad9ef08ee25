"""How right the times of words and lines are: python -m benchmarks.word_times FOLDER [--aligner]

Recognises every clip below FOLDER and compares the recogniser's own times ("heard") with those by the sound
("placed"). References are what stands beside a clip: `.align` (words, in 1/25000 s), `.turns.json` and
`.segments.json` (start of the first word and end of the last), `.rttm` (starts of turns before which nobody
spoke for 0.3 s). `--aligner` adds an independent aligner for English (see `benchmarks.aligner`).

Pauses inside words are told by the same loudness that moves the words, so that column says what was done, not
how right it is; the references and the aligner say that.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.aligner import Aligner
from benchmarks.diarization import _decoded, _weights
from dubkit.config import Settings
from dubkit.formats.reading import read_turns
from dubkit.speech.asr import WhisperRecogniser
from dubkit.speech.breaths import segments_by_sound
from dubkit.speech.diarize import diarize
from dubkit.speech.embeddings import VoiceEncoder
from dubkit.speech.refine import refined
from dubkit.speech.segments import build_segments
from dubkit.speech.settings import Transcribe
from dubkit.speech.sounding import TICK, Sounding, sounding
from dubkit.speech.sounds import shortest_line, shortest_word
from dubkit.speech.vad import speech_spans
from dubkit.speech.words import plain
from dubkit.studio import open_models
from dubkit.types import Segment, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = {".wav", ".flac", ".mp3", ".mp4", ".mpg", ".mkv", ".mov"}
CLEAR = 0.3
"""Seconds without speech before a turn that make its start a reference."""
NEAR = 1.0
"""Seconds beyond which a word is not the one that a reference means: then the recogniser did not hear it."""
WRONG = 0.15
LASTING = 0.15
"""Seconds of silence that make a pause inside a word."""

Point = tuple[str, float, float, float]
"""What is compared, the reference, the time that was heard, the placed one."""
SIDES = (2, 3)


@dataclass(frozen=True, slots=True)
class Clip:
    """What was found in one clip, before (0) and after (1)."""

    name: str
    lines: tuple[Sequence[Segment], Sequence[Segment]]
    words: tuple[Sequence[Word], Sequence[Word]]
    paused: tuple[int, int]
    """Words over a pause."""
    points: list[Point] = field(default_factory=list)


def main(folder: Path, aligner: Aligner | None) -> int:
    """Print errors by reference, and the lines of every clip; return 1 where nobody speaks in any."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    if not files:
        raise SystemExit(f"{folder}: there is no clip below it.")
    model = open_models(Settings()).fetch("asr", "base")
    recogniser, encoder = WhisperRecogniser(Path(model.path or "")), VoiceEncoder(_weights())
    clips = [clip for file in files if (clip := read(file, recogniser, encoder, aligner))]
    console = Console(width=140)
    console.print(errors([point for clip in clips for point in clip.points]), lines_table(clips))
    return 0 if clips else 1


def read(
    file: Path, recogniser: WhisperRecogniser, encoder: VoiceEncoder, aligner: Aligner | None
) -> Clip | None:
    """Recognise one clip and return what is compared in it, None where nobody speaks."""
    sound = _decoded(file)
    spans = speech_spans(sound)
    english = file.name.startswith(("en_", "ami_", "grid_"))
    found = recogniser.recognise(sound, spans, Transcribe(language="en" if english else ""))
    if not found.words:
        return None
    heard, heard_sound = list(found.words), sounding(sound)
    placed, _ = refined(heard, heard_sound)
    turns = diarize(sound, spans, encoder).turns
    lines = (
        build_segments(heard, turns, found.language, None, found.languages),
        segments_by_sound(placed, turns, found.language, None, found.languages),
    )
    paused = (over_pauses(heard, heard_sound), over_pauses(placed, heard_sound))
    points = [*references(file, heard, placed)]
    if aligner and found.language == "en" and not found.languages:
        points += aligned(aligner, sound, heard, placed)
    return Clip(file.name, lines, (heard, placed), paused, points)


def over_pauses(words: Sequence[Word], sound: Sounding) -> int:
    """Return how many words hold a silence that lasts."""
    return sum(longest_silence(word, sound) >= LASTING for word in words)


def longest_silence(word: Word, sound: Sounding) -> float:
    """Return the seconds of the longest silence inside a word."""
    longest = run = 0
    for speech in sound.speech[round(word.start / TICK) : round(word.end / TICK)]:
        run = 0 if speech else run + 1
        longest = max(longest, run)
    return longest * TICK


# --- references --------------------------------------------------------------------------------


def references(file: Path, heard: Sequence[Word], placed: Sequence[Word]) -> Iterator[Point]:
    """Yield what the files beside a clip say about the times of its words."""
    stem = file.with_suffix("")
    if (path := Path(f"{stem}.align")).exists():
        yield from _by_hand(path, heard, placed)
    for path in (Path(f"{stem}.turns.json"), Path(f"{stem}.segments.json")):
        if path.exists():
            table = json.loads(path.read_text("utf-8"))
            spans = table.get("turns") or table["segments"]
            yield from _nearest("starts of sentences", [span["start"] for span in spans], heard, placed)
            yield from _nearest(
                "ends of sentences", [span["end"] for span in spans], heard, placed, ends=True
            )
    if (path := Path(f"{stem}.rttm")).exists():
        turns = sorted(read_turns(path), key=lambda turn: turn.start)
        clear = [
            turn.start
            for turn in turns
            if not any(turn.start - CLEAR < other.end and other.start < turn.start for other in turns)
        ]
        yield from _nearest("starts of turns", clear, heard, placed)


def _by_hand(path: Path, heard: Sequence[Word], placed: Sequence[Word]) -> Iterator[Point]:
    """Yield the start of each word of an alignment that was heard; `p two` is heard as one word, `P2`."""
    rows = [line.split() for line in path.read_text("utf-8").splitlines() if line.split()[-1] != "sil"]
    for before, after in zip(heard, placed, strict=True):
        text = plain(before.text)
        while rows and text != rows[0][2] and text[:1] != rows[0][2]:
            del rows[0]
        if rows:
            yield "word starts, by hand", int(rows[0][0]) / 25000, before.start, after.start
            del rows[0]


def _nearest(
    name: str,
    times: Sequence[float],
    heard: Sequence[Word],
    placed: Sequence[Word],
    *,
    ends: bool = False,
) -> Iterator[Point]:
    """Yield each reference with the word that was heard nearest to it, which is the same one when placed."""
    for time in times:
        index = min(range(len(heard)), key=lambda i: abs((heard[i].end if ends else heard[i].start) - time))
        before, after = heard[index], placed[index]
        first, second = (before.end, after.end) if ends else (before.start, after.start)
        if abs(first - time) <= NEAR:
            yield name, time, first, second


def aligned(
    aligner: Aligner, sound: NDArray[np.float32], heard: Sequence[Word], placed: Sequence[Word]
) -> Iterator[Point]:
    """Yield the starts of all words, and the edges of those beside a pause, as the aligner sees them."""
    times = aligner.align(sound, heard)
    for index, time in enumerate(times):
        if time is None:
            continue
        before, after = heard[index], placed[index]
        yield "all words, aligner", time[0], before.start, after.start
        last = times[index - 1] if index else (0.0, 0.0)
        if last and time[0] - last[1] >= CLEAR:
            yield "words after a pause, aligner", time[0], before.start, after.start
        following = times[index + 1] if index + 1 < len(times) else None
        if index + 1 == len(times) or (following and following[0] - time[1] >= CLEAR):
            yield "ends before a pause, aligner", time[1], before.end, after.end


# --- tables ------------------------------------------------------------------------------------


def errors(points: Sequence[Point]) -> Table:
    """Return the errors by reference."""
    table = Table(title="Seconds between reference and word")
    for name in ("reference", "points", "heard: median", "90 %", f"over {WRONG}"):
        table.add_column(name)
    for name in ("placed: median", "90 %", f"over {WRONG}"):
        table.add_column(name)
    for name in dict.fromkeys(point[0] for point in points):
        own = [point for point in points if point[0] == name]
        row = [name, str(len(own))]
        for side in SIDES:
            away = [abs(times[side - 1] - times[0]) for _, *times in own]
            most = quantiles(away, n=10)[-1] if len(away) > 1 else away[0]
            row += [f"{median(away):.3f}", f"{most:.3f}", f"{sum(a > WRONG for a in away) / len(away):.0%}"]
        table.add_row(*row)
    return table


def lines_table(clips: Sequence[Clip]) -> Table:
    """Return the lines and words of every clip, before and after."""
    table = Table(title="Lines and words, heard → placed")
    columns = (
        "clip",
        "lines",
        "shortest line, s",
        "lines too short",
        "words too short",
        "words over a pause",
    )
    for name in columns:
        table.add_column(name)
    for clip in clips:
        before, after = (_counted(clip, side) for side in (0, 1))
        table.add_row(clip.name, *(f"{a} → {b}" for a, b in zip(before, after, strict=True)))
    totals = [[sum(_counts(clip, side)[at] for clip in clips) for side in (0, 1)] for at in range(4)]
    lines, short, words, paused = (f"{a} → {b}" for a, b in totals)
    table.add_row("all", lines, "", short, words, paused)
    return table


def _counted(clip: Clip, side: int) -> tuple[str, str, str, str, str]:
    lines, short, words, paused = _counts(clip, side)
    shortest = min(line.end - line.start for line in clip.lines[side])
    return str(lines), f"{shortest:.2f}", str(short), str(words), str(paused)


def _counts(clip: Clip, side: int) -> tuple[int, int, int, int]:
    """Return how many lines there are, lines and words shorter than they can be said, words over a pause."""
    lines, words = clip.lines[side], clip.words[side]
    short = sum(line.end - line.start < shortest_line(line.text) for line in lines)
    # A half tick: times are rounded to milliseconds.
    words_short = sum(word.end - word.start < shortest_word(word.text) - TICK / 2 for word in words)
    return len(lines), short, words_short, clip.paused[side]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--aligner", action="store_true", help="compare with an independent aligner, too")
    given = parser.parse_args()
    raise SystemExit(main(given.folder, Aligner() if given.aligner else None))
