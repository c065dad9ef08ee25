"""The best pieces of each person's speech: scored by voice, noise, band, reverberation, music and length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dubkit.speech.pitch import median_pitch
from dubkit.speech.references.sound import (
    clipped_share,
    cut_levels,
    decay_seconds,
    high_band_db,
    levels,
    noise_level,
    speech_level,
)
from dubkit.speech.references.spoken import (
    ENOUGH,
    LEAST,
    MOST,
    SHORTEST,
    Piece,
    Span,
    others_of,
    pieces_of,
    sentences_of,
    with_margins,
)
from dubkit.types import ASR_RATE, Segment, Turn
from dubkit.types.references import ReferencePiece, RefusedPiece, SpeakerPieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.speech.embeddings import VoiceEncoder

WEIGHTS: Mapping[str, float] = {
    "voice": 3.0,
    "clean": 3.0,
    "music": 2.0,
    "length": 2.0,
    "sentence": 1.0,
    "dry": 1.0,
    "band": 1.0,
}
"""What a piece is scored by, and how much each counts."""

KEPT = 3
"""Pieces of a person that are kept; `MANY` where each line gets the nearest one."""
MANY = 8
HEARD = 12
"""Pieces of a person whose voice is compared: those that are best by all else."""
TOLD = 8
"""Refused pieces that are told of a person."""
CENTRE_SECONDS = 60.0
"""Seconds of a person's speech that settle how the voice is."""
AROUND = 1.0
"""Seconds before and after a piece whose pauses say how loud the noise is."""
MOST_MUSIC, MOST_CLIPPED = 0.3, 0.001
"""Shares of music and of clipped samples above which a piece is refused."""
LEAST_CLEAN_DB = 5.0
"""Decibels of speech above the noise below which a piece is refused."""
STRANGE = 0.34
"""Share of a piece that may sound more like another person."""

Read = Callable[[float, float], "NDArray[np.floating]"]


@dataclass(frozen=True, slots=True)
class Source:
    """The speech of an episode, and what is known of it."""

    audio: NDArray[np.float32]
    """(S,) mono at 16 kHz."""
    read: Read
    """Return the samples between two seconds at the full rate, mono."""
    segments: Sequence[Segment]
    turns: Sequence[Turn]
    heard_as: Mapping[str, str] = field(default_factory=dict)
    """Segment -> speaker as the diarisation found it."""
    music: Sequence[Span] = ()
    """Where music or singing is heard."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.audio) / ASR_RATE


@dataclass(frozen=True, slots=True)
class _Measured:
    """A piece with its scores, so far."""

    piece: Piece
    spans: tuple[Span, ...]
    scores: dict[str, float]
    loudness_db: float
    why: str = ""

    @property
    def score(self) -> float:
        """Weighted mean of the scores that are there."""
        whole = sum(WEIGHTS[name] for name in self.scores)
        return sum(WEIGHTS[name] * value for name, value in self.scores.items()) / whole


def find_pieces(source: Source, encoder: VoiceEncoder, most: int = KEPT) -> tuple[SpeakerPieces, ...]:
    """Return the best pieces of every speaker, in the order of their first line."""
    sentences = sentences_of(source.segments, source.heard_as)
    centres = _centres(source, encoder)
    heard = levels(source.audio)
    said = [(s.start, s.end) for s in source.segments]
    found = []
    for speaker, own in sentences.items():
        names = frozenset({speaker, *(sentence.heard_as for sentence in own)})
        others = others_of(speaker, source.segments, source.turns, names)
        measured = [_measure(source, piece, heard, said) for piece in pieces_of(own, others)]
        found.append(_choose(source, encoder, speaker, measured, centres, most))
    return tuple(found)


def _measure(source: Source, piece: Piece, heard: NDArray[np.float64], said: Sequence[Span]) -> _Measured:
    """Measure all of a piece but its voice."""
    inside = cut_levels(heard, piece.spans)
    noise = noise_level(inside, cut_levels(heard, _pauses(piece.spans, said, source.seconds)))
    level = speech_level(inside)
    clean = level - noise
    decay = decay_seconds(cut_levels(heard, [(a, b + 0.3) for a, b in piece.spans]))
    music = _share(piece.spans, source.music)
    scores = {
        "clean": _between(clean, 10.0, 35.0),
        "band": _between(high_band_db(_sound(source, piece.spans)), -55.0, -30.0),
        "dry": 0.5 if decay is None else _between(decay, 1.2, 0.35),
        "music": 1.0 - music,
        "length": _length_score(piece),
        "sentence": 1.0 if piece.whole else 0.4,
    }
    why = ""
    if music > MOST_MUSIC:
        why = f"music is heard in {music:.0%} of it"
    elif clean < LEAST_CLEAN_DB:
        why = f"it is only {max(clean, 0):.0f} dB above the noise"
    return _Measured(piece, with_margins(piece.spans, said, source.seconds), scores, round(level, 1), why)


def _pauses(spans: Sequence[Span], said: Sequence[Span], length: float) -> list[Span]:
    """Return what lies around some spans, and between them, in which nobody speaks."""
    pauses: list[Span] = []
    for start, end in spans:
        at = max(0.0, start - AROUND)
        for first, last in sorted(said):
            if last <= at or first >= end + AROUND:
                continue
            if first > at:
                pauses.append((at, min(first, end + AROUND)))
            at = max(at, last)
        if at < end + AROUND:
            pauses.append((at, min(end + AROUND, length)))
    # The edges of words sound on.
    return [(a + 0.1, b - 0.1) for a, b in pauses if b - a > 0.3]


def _choose(
    source: Source,
    encoder: VoiceEncoder,
    speaker: str,
    measured: Sequence[_Measured],
    centres: Mapping[str, NDArray[np.float32]],
    most: int,
) -> SpeakerPieces:
    """Compare the voice of the pieces that are best by all else, and keep the best of all."""
    refused = [one for one in measured if one.why]
    usable = sorted((one for one in measured if not one.why), key=lambda one: (-one.score, one.spans))
    voiced: list[_Measured] = []
    for one in _apart(usable, HEARD):
        compared = _with_voice(source, encoder, speaker, one, centres)
        (refused if compared.why else voiced).append(compared)
    best = _apart(sorted(voiced, key=lambda one: (-one.score, one.spans)), most)
    told = tuple(RefusedPiece(one.spans, one.why) for one in refused[:TOLD])
    pieces = tuple(_piece(source, number, one) for number, one in enumerate(best, 1))
    return SpeakerPieces(speaker, pieces, told, "" if pieces else _missing(source, speaker, refused))


def _missing(source: Source, speaker: str, refused: Sequence[_Measured]) -> str:
    if refused:
        reasons = dict.fromkeys(one.why for one in refused)
        return f"no piece of their speech is good enough: {'; '.join(list(reasons)[:3])}"
    seconds = sum(s.end - s.start for s in source.segments if s.speaker == speaker)
    if seconds < SHORTEST:
        return f"they speak for {seconds:.1f} s only; {SHORTEST:g} s is the least"
    return "they never speak alone for long enough"


def _with_voice(
    source: Source,
    encoder: VoiceEncoder,
    speaker: str,
    one: _Measured,
    centres: Mapping[str, NDArray[np.float32]],
) -> _Measured:
    """Add how near the voice is to the speaker's, and refuse a piece that sounds like somebody else."""
    import numpy as np

    vector = encoder.embed(_sound(source, one.piece.spans))
    near = float(vector @ centres[speaker])
    others = {name: float(vector @ centre) for name, centre in centres.items() if name != speaker}
    nearest = max(others, key=lambda name: others[name], default="")
    scores = {**one.scores, "voice": _between(near, 0.65, 0.92)}
    clipped = clipped_share(np.concatenate([source.read(a, b) for a, b in one.piece.spans]))
    why = f"{clipped:.1%} of its samples are clipped" if clipped > MOST_CLIPPED else ""
    if nearest and others[nearest] > near:
        why = f"it sounds more like {nearest}"
    elif nearest and len(one.piece.spans) == 1:
        _, windows = encoder.embed_windows(source.audio, one.piece.spans)
        strange = float(np.mean(windows @ centres[nearest] > windows @ centres[speaker]))
        if strange > STRANGE:
            why = f"{strange:.0%} of it sounds more like {nearest}"
    return _Measured(one.piece, one.spans, scores, one.loudness_db, why)


def _centres(source: Source, encoder: VoiceEncoder) -> dict[str, NDArray[np.float32]]:
    """Return how each speaker sounds: the mean of the longest lines, up to a minute."""
    import numpy as np

    centres = {}
    for speaker in dict.fromkeys(segment.speaker for segment in source.segments):
        own = [(s.start, s.end) for s in source.segments if s.speaker == speaker]
        taken: list[Span] = []
        for start, end in sorted(own, key=lambda span: span[0] - span[1]):
            taken.append((start, min(end, start + CENTRE_SECONDS)))
            if sum(b - a for a, b in taken) >= CENTRE_SECONDS:
                break
        _, vectors = encoder.embed_windows(source.audio, sorted(taken), hop=0.75)
        mean = vectors.mean(axis=0)
        centres[speaker] = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)
    return centres


def _piece(source: Source, number: int, one: _Measured) -> ReferencePiece:
    letters = sum(character.isalnum() for character in one.piece.text)
    return ReferencePiece(
        number,
        one.spans,
        one.piece.text,
        round(one.score, 3),
        {name: round(one.scores[name], 3) for name in WEIGHTS if name in one.scores},
        one.loudness_db,
        round(median_pitch(source.audio, one.piece.spans), 1),
        round(letters / max(one.piece.seconds, 0.1), 2),
        "",
    )


def _apart(ordered: Sequence[_Measured], most: int) -> list[_Measured]:
    """Return the first pieces that share less than half of their time with one before."""
    taken: list[_Measured] = []
    for one in ordered:
        if len(taken) == most:
            break
        if all(_share(one.spans, other.spans) < 0.5 for other in taken):
            taken.append(one)
    return taken


def _sound(source: Source, spans: Sequence[Span]) -> NDArray[np.float32]:
    import numpy as np

    return np.concatenate([source.audio[int(a * ASR_RATE) : int(b * ASR_RATE)] for a, b in spans])


def _share(spans: Sequence[Span], others: Sequence[Span]) -> float:
    """Return which share of some spans lies in others."""
    whole = sum(end - start for start, end in spans)
    common = sum(max(0.0, min(b, d) - max(a, c)) for a, b in spans for c, d in others)
    return min(1.0, common / whole) if whole > 0 else 0.0


def _length_score(piece: Piece) -> float:
    seconds = piece.seconds
    if seconds < LEAST:
        score = 0.4 * seconds / LEAST
    elif seconds < ENOUGH:
        score = 0.5 + 0.5 * (seconds - LEAST) / (ENOUGH - LEAST)
    else:
        score = 1.0 - 0.1 * (seconds - ENOUGH) / (MOST - ENOUGH)
    return score * (0.85 if len(piece.spans) > 1 else 1.0)


def _between(value: float, low: float, high: float) -> float:
    """Return 0 at `low`, 1 at `high`, in proportion between; `low` may be the greater one."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
