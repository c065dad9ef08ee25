"""Settings of recognition and of speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from dubkit.registry import names_of
from dubkit.settings import Count, Positive, check_bounds, option


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
        "Language spoken in the source; empty detects it.",
        flag="--src-lang",
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

    def __post_init__(self) -> None:
        check_bounds(self, "transcribe")
