"""References: the pieces of each person's speech that voices are cloned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["picked", "uploaded", "folder", "beside", "found"]
"""Where a reference comes from, the first that there is: a piece of the source that a person picked, a file
that a person gave in the review, a file of `cast.voice_ref_dir`, one of a folder `voices`, or the best piece
of the source."""

FOLDER = "references"
"""Folder of the references in that of the episode."""


@dataclass(frozen=True, slots=True)
class ReferencePiece:
    """A piece of the source in which one person speaks alone."""

    number: int
    """From 1, the best first."""
    spans: tuple[tuple[float, float], ...]
    """Seconds on the episode clock; several are joined with a short pause."""
    text: str
    score: float
    """0 to 1: the weighted mean of `scores`."""
    scores: Mapping[str, float]
    """What was measured, each 0 to 1: `voice`, `clean`, `band`, `dry`, `music`, `length`."""
    loudness_db: float
    """Level of the speech, in dB of full scale."""
    pitch_hz: float
    """Median pitch; 0 where it could not be measured."""
    rate: float
    """Letters a second."""
    file: str
    """WAV file below the episode folder: mono, 48 kHz."""

    @property
    def seconds(self) -> float:
        """How long it lasts, pauses between its spans left out."""
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class RefusedPiece:
    """A piece of the source that is no reference, and why."""

    spans: tuple[tuple[float, float], ...]
    why: str


@dataclass(frozen=True, slots=True)
class SpeakerPieces:
    """What the source holds of one person's voice."""

    speaker: str
    pieces: tuple[ReferencePiece, ...]
    """The best ones, which a person may choose among."""
    refused: tuple[RefusedPiece, ...] = ()
    missing: str = ""
    """Why there is no piece; empty where there is one."""


@dataclass(frozen=True, slots=True)
class SpeakerReference:
    """The reference of one person."""

    speaker: str
    origin: Origin | Literal[""]
    """Empty where there is none: a voice of the engine speaks."""
    file: str = ""
    """WAV file below the episode folder: mono, 48 kHz."""
    text: str = ""
    """What is said in it; empty where nobody knows."""
    language: str = ""
    seconds: float = 0.0
    piece: int = 0
    """Number of the piece of the source; 0 where it is a file."""
    notes: tuple[str, ...] = ()
    """What was changed about a file, or why there is no reference."""
    chosen: str = ""
    """The hand edit that chose it, as in `edits.json`; empty where nobody did."""


@dataclass(frozen=True, slots=True)
class References:
    """Artifact `references.json`: whose voice is cloned, and from what."""

    speakers: tuple[SpeakerReference, ...]
    nearest: Mapping[str, int] = field(default_factory=dict)
    """Line -> number of the piece of its speaker that is most like it, where each line has its own."""
    pieces: tuple[SpeakerPieces, ...] = ()
    """What the source holds, with scores, and why the rest of it was refused."""

    def of(self, speaker: str) -> SpeakerReference | None:
        """Return the reference of a speaker; None where there is none."""
        return next((one for one in self.speakers if one.speaker == speaker and one.file), None)

    def pieces_of(self, speaker: str) -> tuple[ReferencePiece, ...]:
        """Return the pieces of the source that a person may choose among for a speaker."""
        return next((one.pieces for one in self.pieces if one.speaker == speaker), ())
