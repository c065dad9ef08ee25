"""Settings of recognition and of speakers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.errors import SettingError
from dubkit.registry import names_of
from dubkit.settings import Count, Positive, check_bounds, check_encoding, option


@dataclass(frozen=True, slots=True)
class Songs:
    """Songs and music of the source."""

    marks: Literal["auto", "off"] = option(
        "auto",
        "Whether songs and music are marked, and lines that are sung keep the source's sound.",
        job=True,
    )
    keep: str = option(
        "",
        "Passages that keep the source's sound, such as opening and ending: 0:00-1:30, 21:10-22:40.",
        flag="--keep",
        job=True,
    )

    def __post_init__(self) -> None:
        passages(self.keep)


def passages(text: str) -> tuple[tuple[float, float], ...]:
    """Return the passages that `music.keep` names, in seconds. Raises SettingError for what is none.

    >>> passages("0:00-1:30, 21:10-22:40")
    ((0.0, 90.0), (1270.0, 1360.0))
    """
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _PASSAGE.fullmatch(part)
        start, end = (_seconds(match[name]) for name in ("start", "end")) if match else (0.0, 0.0)
        if start >= end:
            raise SettingError("music.keep", text, f"{part!r} is no passage; write 0:00-1:30, 21:10-22:40")
        found.append((start, end))
    return tuple(found)


_TIME = r"(?:\d+:)?(?:\d+:)?\d+(?:\.\d+)?"
_PASSAGE = re.compile(rf"(?P<start>{_TIME})\s*[-\u2013]\s*(?P<end>{_TIME})")


def _seconds(time: str) -> float:
    seconds = 0.0
    for part in time.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


@dataclass(frozen=True, slots=True)
class Diarize:
    """Finding out who speaks when."""

    method: str = option(
        "auto",
        "How speakers are found.",
        job=True,
        choices=names_of("dubkit.speech.diarization:DIARISERS", "auto"),
    )
    speakers: Count = option(
        0, "Number of speakers; 0 finds it.", flag="--speakers", job=True, label="Number of speakers"
    )
    max_speakers: Annotated[int, msgspec.Meta(ge=1, le=1000)] = option(
        8, "Upper bound when the number is found.", job=True
    )

    def __post_init__(self) -> None:
        check_bounds(self, "diarize")


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Recognising speech."""

    engine: str = option(
        "auto",
        "What recognises speech.",
        job=True,
        choices=names_of("dubkit.speech.recognition:RECOGNISERS", "auto"),
    )
    model: str = option(
        "auto",
        "Whisper model: auto, tiny, base, small, medium, large-v3, or a folder.",
        flag="--asr-model",
        job=True,
        job_choices=("auto", "tiny", "base", "small", "medium", "large-v3"),
    )
    language: str = option(
        "",
        "Language spoken in the source; empty or auto detects it.",
        flag="--src-lang",
        language=True,
        job=True,
        label="Spoken in the source",
    )
    beam: Annotated[int, msgspec.Meta(ge=1, le=20)] = option(5, "Beam width of the recogniser.", job=True)
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = option(
        8, "Stretches of speech recognised at once.", job=True
    )
    hints: str = option("", "Names and terms the recogniser should expect.", job=True)
    max_seconds: Annotated[float, msgspec.Meta(ge=1.0, le=1e6)] = option(12.0, "Longest segment.", job=True)
    pause: Positive = option(0.8, "Silence in seconds that always ends a segment.", job=True)
    times: Literal["auto", "sound", "recogniser"] = option(
        "auto",
        "Times of words: as they sound, or as the recogniser gives them; auto: as they sound where lines are "
        "scheduled.",
        job=True,
    )
    labels: bool = option(
        True, "Whether `NAME:`, dashes and `>>` in your own subtitles say who speaks.", job=True
    )
    encoding: str = option(
        "", "Encoding of your own subtitles, such as cp1251; empty recognises it.", job=True
    )

    def __post_init__(self) -> None:
        if self.language.lower() == "auto":  # as other tools call it
            object.__setattr__(self, "language", "")
        check_bounds(self, "transcribe")
        check_encoding(self.encoding, "transcribe.encoding")
