"""People of a series for tests: made of numbers, or two of them cut from a real call into two episodes."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dubkit.series.people.matching import Heard
from dubkit.series.people.person import Sighting

CALL = "b_dialog/it_call_47s.flac"
CUT = 24.6
"""Seconds at which the call is cut into two episodes."""
TURNS = (
    (0.41, 9.0, "spk1"),
    (9.28, 12.45, "spk2"),
    (13.37, 24.45, "spk1"),
    (24.73, 29.48, "spk2"),
    (29.72, 34.47, "spk1"),
    (34.91, 39.08, "spk2"),
    (39.52, 46.5, "spk1"),
)
"""Who speaks when in the call; in the second episode the other one speaks first, and is `spk1` there."""


def embedding(degrees: float) -> tuple[float, ...]:
    """Return a voice as a unit vector: two are as alike as the cosine of the angle between them."""
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0


def heard(speaker: str, vector: Sequence[float], seconds: float = 10.0) -> Heard:
    """Return a speaker of an episode."""
    return Heard(speaker, seconds, 120.0, tuple(vector))


def sighting(episode: str, speaker: str, vector: Sequence[float], reference: str = "") -> Sighting:
    """Return a person as a speaker of an episode."""
    source = episode.ljust(64, "0")
    return Sighting(source, speaker, episode, f"/{episode}", 10.0, 120.0, "e 1", tuple(vector), reference)


def cut_call(media: Path, folder: Path) -> tuple[Path, Path]:
    """Cut the call into two episodes, each with its turns (.rttm) and its texts (.srt)."""
    made = []
    for name, start, end in (("ep1", 0.0, CUT), ("ep2", CUT, 47.0)):
        source = folder / f"{name}.wav"
        cut = ["-ss", str(start), "-to", str(end), "-i", str(media / CALL)]
        subprocess.run(["ffmpeg", "-v", "error", *cut, str(source)], check=True)
        turns = [(a - start, b - start, who) for a, b, who in TURNS if start <= a < end]
        first = turns[0][2]
        rows = [
            f"SPEAKER {name} 1 {a:.2f} {b - a:.2f} <NA> <NA> {'spk1' if who == first else 'spk2'} <NA> <NA>"
            for a, b, who in turns
        ]
        source.with_suffix(".rttm").write_text("\n".join(rows) + "\n")
        cues = [
            f"{n}\n{_stamp(a)} --> {_stamp(b)}\nParole di {who}.\n" for n, (a, b, who) in enumerate(turns, 1)
        ]
        source.with_suffix(".srt").write_text("\n".join(cues))
        made.append(source)
    return made[0], made[1]


def _stamp(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"00:00:{whole // 1000:02d},{whole % 1000:03d}"
