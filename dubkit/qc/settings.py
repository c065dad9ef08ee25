"""Settings of the measures. What one check alone goes by stands beside it, in a table of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubkit.settings import Share, option


@dataclass(frozen=True, slots=True)
class Qc:
    """Measuring the result."""

    round_trip: bool = option(True, "Transcribe the dub and compare it with the lines.", job=True)
    listener: Literal["auto", "same", "other"] = option(
        "auto",
        "Which recogniser hears the dub: the same as transcribes, or another reading than any that chose a "
        "text or a take; auto is other wherever words or times are fitted.",
        job=True,
    )
    max_word_error: Share = option(0.25, "Word error of a line above which it is flagged.", job=True)
