"""Settings of the measures. What one check alone goes by stands beside it, in a table of its own."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.settings import Share, option


@dataclass(frozen=True, slots=True)
class Qc:
    """Measuring the result."""

    round_trip: bool = option(True, "Transcribe the dub and compare it with the lines.", job=True)
    max_word_error: Share = option(0.25, "Word error of a line above which it is flagged.", job=True)
