"""What a person's voice is cloned from: shown with its score, and chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dubkit.episode.context import Context
from dubkit.episode.edits.events import Change, Event
from dubkit.episode.store import file_digest
from dubkit.errors import EditRefused, MediaError
from dubkit.review.changes import Desk
from dubkit.types.references import ReferencePiece, SpeakerReference
from stages.shared.cloning.cloned_voices import origin_words
from stages.shared.cloning.taken_references import FILE, chosen_piece
from stages.shared.cloning.voice_files import LONGEST_TEXT, UPLOADED

FIELD = "reference"


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A piece of the source that a person's voice may be cloned from."""

    number: int
    text: str
    start: float
    seconds: float
    score: float
    scores: Mapping[str, float]
    file: str
    """WAV file below the episode folder."""
    chosen: bool
    """Whether a person chose it, with the next render where it is not in use yet."""


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """What a person's voice is cloned from."""

    file: str
    """WAV file below the episode folder; empty where there is none."""
    about: str
    """Where it comes from, how long it is and its score, in words; or why there is none."""
    text: str
    seconds: float
    by_hand: bool
    """Whether a person chose it."""
    waiting: bool
    """Whether the next render takes another one, which a person chose."""
    pieces: tuple[PieceRow, ...]


def reference_row(context: Context, speaker: str) -> ReferenceRow | None:
    """Return what a speaker's voice is cloned from; None before references were looked for."""
    references = context.references
    own = next((one for one in references.speakers if one.speaker == speaker), None)
    if own is None:
        return None
    edit = context.speaker_edits.get(speaker)
    chosen = (edit.reference or "") if edit else ""
    return ReferenceRow(
        own.file,
        _about(context, own),
        own.text,
        own.seconds,
        bool(chosen),
        chosen != own.chosen,
        tuple(_piece(piece, chosen) for piece in references.pieces_of(speaker)),
    )


def _about(context: Context, own: SpeakerReference) -> str:
    if not own.file:
        return f"No reference, because {'; '.join(own.notes)}"
    words = "; ".join((origin_words(context.references, own.speaker), *own.notes))
    return words[0].upper() + words[1:]


def _piece(piece: ReferencePiece, chosen: str) -> PieceRow:
    return PieceRow(
        piece.number,
        piece.text,
        piece.spans[0][0],
        round(piece.seconds, 2),
        piece.score,
        piece.scores,
        piece.file,
        chosen_piece(piece.spans) == chosen,
    )


def choose_reference(desk: Desk, speaker: str, number: int) -> Event | None:
    """Clone a speaker's voice from a piece of the source, by its number. Raises EditRefused."""
    desk.rules.check_speaker(speaker)
    pieces = desk.context.references.pieces_of(speaker)
    piece = next((piece for piece in pieces if piece.number == number), None)
    if piece is None:
        there = ", ".join(str(piece.number) for piece in pieces) or "none"
        raise EditRefused(f"{speaker} has no piece {number} to clone the voice from; there are: {there}.")
    return desk.make([Change("speakers", speaker, FIELD, chosen_piece(piece.spans))], FIELD)


def give_reference(desk: Desk, speaker: str, file: Path, text: str = "") -> Event | None:
    """Clone a speaker's voice from a recording, which is kept with the episode; `text` is what it says.

    Raises EditRefused for a recording that cannot be used.
    """
    from dubkit.media.sound.audio import write_wav
    from dubkit.media.sound.voice_sample import sample_of_file
    from dubkit.types import SAMPLE_RATE

    desk.rules.check_speaker(speaker)
    words = " ".join(text.split())
    if len(words) > LONGEST_TEXT:
        raise EditRefused(f"The text of the recording has {len(words)} letters; {LONGEST_TEXT} are the most.")
    try:
        sample = sample_of_file(file)
    except MediaError as error:
        raise EditRefused(f"{speaker}: {str(error).removeprefix(f'{file}: ')}") from None
    store, name = desk.context.store, file_digest(file)[:12]
    with store.writing(f"{UPLOADED}/{name}.wav", beside=True) as temporary:
        write_wav(temporary, sample.samples, SAMPLE_RATE)
    with store.writing(f"{UPLOADED}/{name}.txt", beside=True) as temporary:
        temporary.write_text("" if sample.cut else words, "utf-8")
    return desk.make([Change("speakers", speaker, FIELD, f"{FILE}{name}")], FIELD)


def reset_reference(desk: Desk, speaker: str) -> Event | None:
    """Take back what a person chose: the best reference that there is counts again."""
    desk.rules.check_speaker(speaker)
    return desk.make([Change("speakers", speaker, FIELD, None)], FIELD)
