"""The pieces of the source that voices may be cloned from: searched once, whatever people choose later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Sink
from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Remark, remark, sample_at
from dubkit.types.references import FOLDER, ReferencePiece, SpeakerPieces
from stages.shared.host import RunHost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.speech.embeddings import VoiceEncoder

ROLE = "speaker"
"""Role of the model that compares voices."""
JOINT_SECONDS = 0.2
"""Silence between spans that are joined."""


def heard_as(context: Context) -> dict[str, str]:
    """Return segment -> the speaker whom the diarisation heard, before anybody corrected it."""
    return {segment.id: segment.speaker for segment in context.transcript.segments}


def encoder_identity(context: Context) -> str:
    """Return the identity of what compares voices, as it enters keys. Raises ModelMissing."""
    host = RunHost(context)
    return (host.model(ROLE) or host.fetch_model(ROLE)).identity


def open_encoder(context: Context) -> VoiceEncoder:
    """Load what compares voices. Raises ModelMissing or ModelDamaged."""
    from dubkit.speech.embeddings import VoiceEncoder

    host = RunHost(context)
    return VoiceEncoder(host.model_path(host.model(ROLE) or host.fetch_model(ROLE)))


def find_all(context: Context, sink: Sink) -> tuple[tuple[SpeakerPieces, ...], list[str], list[Remark]]:
    """Return the best pieces of every speaker, the files that hold them, and what was noticed."""
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.references.search import KEPT, MANY, Source, find_pieces

    audio = read_mono16(context.speech)
    music, remarks = _music(context, audio)
    source = Source(
        audio,
        lambda start, end: _read(context, start, end),
        context.segments,
        context.diarization.turns,
        heard_as(context),
        music,
    )
    most = MANY if context.settings.cast.reference_per_line else KEPT
    found = find_pieces(source, open_encoder(context), most) if context.segments else ()
    files: list[str] = []
    kept = []
    for speaker in found:
        pieces = [_write(context, speaker.speaker, piece, sink) for piece in speaker.pieces]
        files += [piece.file for piece in pieces]
        kept.append(replace(speaker, pieces=tuple(pieces)))
    return tuple(kept), files, remarks


def _write(context: Context, speaker: str, piece: ReferencePiece, sink: Sink) -> ReferencePiece:
    name = f"{FOLDER}/pieces/{file_name(speaker)}-{piece.number}.wav"
    with sink.write(name) as temporary:
        write_piece(context, piece.spans, temporary)
    return replace(piece, file=name)


def write_piece(context: Context, spans: tuple[tuple[float, float], ...], target: Path) -> float:
    """Write spans of the source as one recording, joined by short pauses; return its seconds."""
    import numpy as np

    from dubkit.media.sound.audio import write_wav
    from dubkit.media.sound.voice_sample import levelled

    pause = np.zeros(sample_at(JOINT_SECONDS))
    parts: list[NDArray[np.float64]] = []
    for start, end in spans:
        parts += [*([pause] if parts else []), _faded(_read(context, start, end))]
    samples = levelled(np.concatenate(parts))
    write_wav(target, samples, SAMPLE_RATE)
    return len(samples) / SAMPLE_RATE


def _faded(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fade 10 ms in and out, so that nothing clicks where a span was cut."""
    import numpy as np

    count = min(sample_at(0.01), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, count)
    faded = samples.copy()
    faded[:count] *= ramp
    faded[len(faded) - count :] *= ramp[::-1]
    return faded


def _read(context: Context, start: float, end: float) -> NDArray[np.float64]:
    from dubkit.media.sound.voice_sample import read_mono

    return read_mono(context.audio, sample_at(start), sample_at(end), context.layout)


def file_name(speaker: str) -> str:
    """Return a speaker's name as that of a file: other letters than those of a word become `_`.

    >>> file_name("spk1"), file_name("a/b")[:4]
    ('spk1', 'a_b-')
    """
    from hashlib import sha256

    plain = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in speaker)[:60]
    return plain if plain == speaker else f"{plain}-{sha256(speaker.encode()).hexdigest()[:6]}"


MUSIC = "music.json"


def music_input(context: Context) -> Mapping[str, str]:
    """Return what is known of music in the source, as it enters the key."""
    there = context.store.has(MUSIC)
    return {MUSIC: context.artifact_digest(MUSIC)} if there else {}


def _music(context: Context, audio: NDArray[np.float32]) -> tuple[list[tuple[float, float]], list[Remark]]:
    """Return where music or singing is heard; nothing, and a remark, where nothing here can hear it."""
    from dubkit.speech.marks import hindrance, sound_spans
    from dubkit.types.music import Music

    if context.store.has(MUSIC):
        spans = context.store.read(MUSIC, Music).spans
    elif why := hindrance():
        said = f"Pieces with music were not told from others, to clone voices from: {why}"
        return [], [remark("fall-back", said)]
    else:
        spans = sound_spans(audio)
    return [(span.start, span.end) for span in spans if span.kind != "speech"], []
