"""Settings of reading the source."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.settings import Count, option


@dataclass(frozen=True, slots=True)
class Extract:
    """Reading the source."""

    audio_track: Count = option(
        0, "Sound track to dub, counted from 1; 0 chooses.", flag="--audio-track", job=True
    )
    audio_language: str = option(
        "", "Prefer the sound track with this language.", flag="--audio-language", job=True
    )
