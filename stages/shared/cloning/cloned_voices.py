"""Whose voices a dub clones, from what, and with which consent: for people, not for keys."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import Remark, remark
from dubkit.types.references import References
from stages.shared.cloning.consent import consent_of, lacking
from stages.shared.cloning.likeness import cloned_lines
from stages.shared.cloning.taken_references import speaker_names

ORIGINS = {
    "picked": "a piece of the source that was picked",
    "uploaded": "a recording given in the review",
    "folder": "a recording given for the run",
    "beside": "a recording beside the source",
    "found": "the source",
}
"""Where a reference comes from, in words."""


def cloned_speakers(context: Context) -> tuple[str, ...]:
    """Return the speakers whose voices a language clones, in the order of their first line."""
    cloned = cloned_lines(context)
    return tuple(dict.fromkeys(segment.speaker for segment in context.segments if segment.id in cloned))


def cloning_words(context: Context) -> dict[str, str]:
    """Return speaker -> from what the voice was cloned and who agreed, of those who are cloned.

    Where the consents cannot be read, the words say so.
    """
    speakers = cloned_speakers(context)
    return {
        speaker: f"cloned from {origin_words(context.references, speaker)}; {words}"
        for speaker, words in _consent_words(context, speakers).items()
    }


def origin_words(references: References, speaker: str) -> str:
    """Return where a speaker's reference comes from: `the source at 0:12.70, 5.4 s, score 0.98`."""
    own = references.of(speaker)
    if own is None:
        return "nothing"
    words = ORIGINS.get(own.origin, own.origin)
    piece = next((p for p in references.pieces_of(speaker) if p.number == own.piece), None)
    if piece is not None:
        words += f" at {_clock(piece.spans[0][0])}"
    words += f", {own.seconds:.1f} s"
    return f"{words}, score {piece.score:.2f}" if piece is not None else words


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:05.2f}"


def _consent_words(context: Context, speakers: tuple[str, ...]) -> dict[str, str]:
    if not speakers:
        return {}
    try:
        recorded = consent_of(context)
        refused = lacking(context, speakers, [context.language])
    except DubkitError as error:
        return dict.fromkeys(speakers, f"the consents cannot be read: {str(error).splitlines()[0]}")
    words = {}
    for speaker in speakers:
        consent = recorded.get(speaker)
        held = f"consent of {consent.who} until {consent.until}: {consent.purpose}" if consent else ""
        words[speaker] = refused.get(speaker, held)
    return words


def consent_remarks(context: Context) -> list[Remark]:
    """Return a note on each voice that is cloned without a consent that holds today."""
    speakers = cloned_speakers(context) if context.language else ()
    if not speakers:
        return []
    try:
        missing = lacking(context, speakers, [context.language])
    except DubkitError:
        return []  # the stage reports what cannot be read
    names = speaker_names(context)
    return [remark("consent-missing", f"{names[name][-1]}: {why}.") for name, why in missing.items()]
