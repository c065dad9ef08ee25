"""What the checks are given: all that is known of a finished line, and of the delivered dub.

Samples are `(n,)` or `(n, C)` floating point with full scale 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dubkit.qc.alignment import Difference
from dubkit.qc.settings import Qc

if TYPE_CHECKING:
    from dubkit.qc.pictures.looks import LinePictures
    from dubkit.qc.sound import Samples
    from dubkit.types.reports import DeliveredLevels

DELIVERED_AROUND = 0.5
"""Seconds of the dub before and after a take in which the take is looked for."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing measured of the dub and of the source."""

    dub: float
    source: float


@dataclass(frozen=True, eq=False)  # without slots, so that what is worked out once is kept
class LineEvidence:
    """All that is known of one finished line; None for what was not measured or not asked for."""

    id: str
    text: str
    language: str
    heard: str | None
    """What the recogniser heard in the dub; None when nobody listened."""
    line_start: float
    """Seconds on the episode clock where the line should start."""
    speech_start: float
    """Seconds on the episode clock where the take was placed."""
    speech: Samples
    """The take, `(n,)`."""
    rate: int
    """Samples per second of all samples here."""
    frame: float = 1 / 24
    """Seconds that a picture of the source is shown."""
    start_allowance: float | None = None
    """Seconds that the schedule allows the start to be off; None where there is no schedule."""
    source_lufs: float | None = None
    dub_lufs: float | None = None
    sound: Samples | None = None
    """The dub during the source line, `(n, C)`."""
    source: Samples | None = None
    """The source during the source line, `(n, C)`."""
    likeness: float | None = None
    """How like a cloned voice is to its reference, 1 for the same; None where the line is not cloned."""
    old_voice_db: float | None = None
    """Level of the old voice in the bed, against itself in the source, in dB; None without such a bed."""
    fit: Literal["fits", "faster", "borrowed", "cut"] = "fits"
    source_text: str = ""
    """What the source says; empty where nobody knows."""
    source_language: str = ""
    """Tag of the language that the source speaks there; empty where nobody knows."""
    line_end: float | None = None
    """Seconds on the episode clock where the source's line ends."""
    scheduled_end: float | None = None
    """Seconds where the schedule lets the line end; None where there is no schedule."""
    seen: bool = False
    """Whether the picture shows the speaker's mouth."""
    talked_over: float | None = None
    """Seconds that somebody else speaks at the same time, beyond what they do in the source."""
    syllables: int | None = None
    """Syllables of the text, counted from its letters."""
    usual_rate: float | None = None
    """Syllables a second at which people speak the language, pauses left out."""
    source_words: str | None = None
    """Words of the source that the text still has, in the source's language; empty for none."""
    delivered: Samples | None = None
    """The dub from `DELIVERED_AROUND` seconds before the take to as long after it, `(n, C)`."""
    alike: float | None = None
    """How like the voice is to that of the speaker's other lines, 1 for the same; None without enough."""
    melody: Pair | None = None
    """Semitones between the lower and the upper tenth of the melody of the take, and of the source line."""
    quality: Pair | None = None
    """How good the take and the source line sound, from 1 (bad) to 5."""
    flags: tuple[str, ...] = ()
    """Flags of earlier stages, which are kept."""
    settings: Qc = field(default_factory=Qc)
    text_known: bool = True
    """Whether `text` is what the line should say; False where nobody told what a dub should say, and `text`
    is what the source says."""
    making_known: bool = True
    """Whether it is known how the dub was made: its schedule, how takes were fitted, what its bed holds."""
    pictures: LinePictures | None = None
    """What the dub's picture shows during the line; None where it is the source's own."""
    letters: float | None = None
    """Height of the largest letters that the dub shows and the source does not, as a share of the picture's,
    0 without any; None where nothing looked for them."""

    terms: tuple[str, ...] | None = None
    """What the line has wrong of the terms of its series, as clauses; None where it has none of them."""
    address: str | None = None
    """How it addresses somebody otherwise than its series has it, as a clause, empty where it does not; None
    where that cannot be told."""

    def has(self, need: str) -> bool:
        """Tell whether something that a check needs is there."""
        known = {"text": self.text_known, "making": self.making_known}
        return known[need] if need in known else getattr(self, need) is not None

    @cached_property
    def first_sound(self) -> float | None:
        """Seconds from the start of the take to its first sound; None when all of it is silent."""
        from dubkit.qc.sound import first_sound

        return first_sound(self.speech, self.rate)

    @property
    def start_error(self) -> float:
        """Seconds from the line's start to the first sound of the speech."""
        return self.speech_start + (self.first_sound or 0.0) - self.line_start

    @property
    def start_tolerance(self) -> float:
        """Seconds that the start may be off: one picture, or what the schedule allows."""
        return self.frame if self.start_allowance is None else self.start_allowance

    @cached_property
    def last_sound(self) -> float | None:
        """Seconds from the start of the take to the end of its last sound; None when all of it is silent."""
        from dubkit.qc.sound import last_sound

        return last_sound(self.speech, self.rate)

    @property
    def end_error(self) -> float | None:
        """Seconds from the end of the source's line to that of the speech; None where either is not known."""
        if self.line_end is None or self.last_sound is None:
            return None
        return self.speech_start + self.last_sound - self.line_end

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Where other words were heard than the line has; empty when nobody listened."""
        from dubkit.qc.alignment import differences
        from dubkit.qc.text import units

        if self.heard is None:
            return ()
        return differences(units(self.text, self.language), units(self.heard, self.language))

    @cached_property
    def word_error(self) -> float | None:
        """Word error of what was heard against the line; None when nobody listened."""
        from dubkit.qc.text import word_error

        return None if self.heard is None else word_error(self.text, self.heard, self.language)

    @property
    def loudness_error(self) -> float | None:
        """LU between the dubbed and the source dialogue of the line."""
        if self.source_lufs is None or self.dub_lufs is None:
            return None
        return self.dub_lufs - self.source_lufs

    @cached_property
    def has_words(self) -> bool:
        """Whether the line has anything to say."""
        from dubkit.qc.text import units

        return bool(units(self.text, self.language))

    @cached_property
    def unheard(self) -> bool:
        """Whether somebody listened and heard nothing of a line that has words."""
        from dubkit.qc.text import units

        return self.has_words and self.heard is not None and not units(self.heard, self.language)


@dataclass(frozen=True, eq=False)
class EpisodeEvidence:
    """What was read back from the delivered file; None for what was not measured."""

    texts: tuple[tuple[str, str], ...]
    """`(line, heard)` of every line that was listened to."""
    language: str
    source_lufs: float | None
    dub_lufs: float | None
    true_peak_db: float | None
    source_peak_db: float | None
    frames: int
    source_frames: int
    identical_packets: int
    drift_ms: float
    dubbed_frames: int = 0
    """Frames that were generated."""
    recoded_frames: int = 0
    """Frames beside them that were encoded again."""
    changed_outside: int = 0
    """Frames that differ from the source's although they should not."""
    sound: Path | None = None
    """The sound of the dub, a 48 kHz WAV."""
    source: Path | None = None
    """The sound of the source, a 48 kHz WAV."""
    settings: Qc = field(default_factory=Qc)
    levels: DeliveredLevels | None = None
    """Loudness and peaks against the delivery profile; None without one."""

    lines: int | None = None
    """Lines that were to be spoken; None where nobody knows."""
    spoken: tuple[tuple[str, float, float], ...] = ()
    """`(id, source start, dub start)` in seconds of every line that is in the dub."""
    untouched: tuple[tuple[int, int], ...] = ()
    """Spans of samples at 48 kHz in which nothing was dubbed."""
    gain_db: float = 0.0
    """Decibels by which all samples of the dub differ from the source's."""

    def has(self, need: str) -> bool:
        """Tell whether something that a check needs is there."""
        return bool(self.texts) if need in ("heard", "text") else getattr(self, need, None) is not None

    @cached_property
    def word_error(self) -> float | None:
        """Word error over all lines that were listened to; None without any."""
        from dubkit.qc.text import pooled_word_error

        return pooled_word_error(self.texts, self.language)
