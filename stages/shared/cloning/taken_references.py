"""Which recording each speaker's voice is cloned from: the first that there is, in the order of `Origin`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.chain.stage import Sink
from dubkit.episode.context import Context
from dubkit.errors import ArtifactDamaged
from dubkit.types import SAMPLE_RATE, Remark, Segment, remark
from dubkit.types.references import FOLDER, Origin, ReferencePiece, SpeakerPieces, SpeakerReference
from stages.shared.cast_file import read_cast_file
from stages.shared.cloning.found_pieces import file_name, write_piece
from stages.shared.cloning.voice_files import UPLOADED, VoiceFile, given_files, unused_files, voice_sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Span = tuple[float, float]

FILE, PIECE = "file:", "piece:"
"""How edits name a recording that was given in the review, and a piece of the source."""
SHORT = 3.0
"""Seconds below which a cloned voice is likely to be unlike the person's."""


def speaker_names(context: Context) -> dict[str, tuple[str, ...]]:
    """Return what each speaker may be called: the id, the name that people gave, that of `cast.toml`."""
    notes = read_cast_file(context)
    names = {}
    for speaker in dict.fromkeys(segment.speaker for segment in context.segments):
        edit = context.speaker_edits.get(speaker)
        called = (speaker, (edit and edit.name) or "", notes.get(speaker, {}).get("name", ""))
        names[speaker] = tuple(dict.fromkeys(name for name in called if name))
    return names


def reference_edits(context: Context) -> dict[str, str]:
    """Return speaker -> the reference that a person chose in the review."""
    return {name: edit.reference for name, edit in context.speaker_edits.items() if edit.reference}


def chosen_piece(spans: Sequence[Span]) -> str:
    """Return how an edit names a piece of the source.

    >>> chosen_piece([(1.7, 3.9)])
    'piece:1.700-3.900'
    """
    return PIECE + ",".join(f"{start:.3f}-{end:.3f}" for start, end in spans)


def spans_of(edit: str) -> tuple[Span, ...]:
    """Return the spans that an edit names."""
    pairs = (span.partition("-") for span in edit.removeprefix(PIECE).split(","))
    return tuple((float(start), float(end)) for start, _, end in pairs)


def take_references(
    context: Context, found: Sequence[SpeakerPieces], sink: Sink
) -> tuple[tuple[SpeakerReference, ...], list[Remark]]:
    """Write the reference of every speaker, and return them with what was noticed.

    Raises MediaError, ArtifactDamaged or SettingError for a recording that a person gave and that cannot be
    used: another one in its place would not be what was asked for.
    """
    names = speaker_names(context)
    given, chosen = given_files(context, names), reference_edits(context)
    pieces = {one.speaker: one for one in found}
    taken = []
    for speaker in names:
        one = pieces.get(speaker, SpeakerPieces(speaker, (), missing="they were not searched for"))
        if speaker in chosen:
            by_hand = _by_hand(context, speaker, chosen[speaker], one, sink)
            taken.append(replace(by_hand, chosen=chosen[speaker]))
        elif speaker in given:
            taken.append(_of_file(context, speaker, given[speaker], sink))
        else:
            taken.append(_found(context, speaker, one, sink))
    remarks = [said for one in taken for said in _remarks(one, names[one.speaker][-1])]
    for path in unused_files(context, names):
        known = ", ".join(called[-1] for called in names.values())
        said = f"{path.name} belongs to nobody here: there are {known}."
        remarks.append(remark("reference-unused", said))
    return tuple(taken), remarks


def _by_hand(context: Context, speaker: str, edit: str, found: SpeakerPieces, sink: Sink) -> SpeakerReference:
    if edit.startswith(FILE):
        path = context.store.path(f"{UPLOADED}/{edit.removeprefix(FILE)}.wav")
        if not path.is_file():
            cure = "Give the recording again on the characters page or with: dubkit review reference"
            raise ArtifactDamaged(path, "", f"the recording that was given for {speaker} is gone", cure)
        beside = path.with_suffix(".txt")
        words = beside.read_text("utf-8") if beside.is_file() else ""
        return _of_file(context, speaker, VoiceFile(path, "uploaded", words), sink)
    spans = spans_of(edit)
    same = next((piece for piece in found.pieces if piece.spans == spans), None)
    text = same.text if same else _said(context.segments, spans)
    return _of_spans(context, speaker, spans, text, sink, origin="picked", piece=same.number if same else 0)


def _of_file(context: Context, speaker: str, file: VoiceFile, sink: Sink) -> SpeakerReference:
    sample = voice_sample(file)
    name = _write(speaker, sample.samples, file.text if not sample.cut else "", sink)
    notes = (f"{file.path.name}: {sample.cut}",) if sample.cut else ()
    text = "" if sample.cut else file.text
    # Nobody says in which language it is spoken; most people have one voice in all of them.
    return SpeakerReference(speaker, file.origin, name, text, "", round(sample.seconds, 2), notes=notes)


def _found(context: Context, speaker: str, found: SpeakerPieces, sink: Sink) -> SpeakerReference:
    if not found.pieces:
        return SpeakerReference(speaker, "", notes=(found.missing,))
    best = found.pieces[0]
    return _of_spans(context, speaker, best.spans, best.text, sink, origin="found", piece=best.number)


def _of_spans(
    context: Context,
    speaker: str,
    spans: tuple[Span, ...],
    text: str,
    sink: Sink,
    *,
    origin: Origin,
    piece: int,
) -> SpeakerReference:
    name = f"{FOLDER}/{file_name(speaker)}.wav"
    with sink.write(name) as temporary:
        seconds = write_piece(context, spans, temporary)
    _write_text(speaker, text, sink)
    middle = spans[0][0]
    language = _language(context, speaker, middle)
    return SpeakerReference(speaker, origin, name, text, language, round(seconds, 2), piece)


def _write(speaker: str, samples: NDArray[np.float64], text: str, sink: Sink) -> str:
    from dubkit.media.sound.audio import write_wav

    name = f"{FOLDER}/{file_name(speaker)}.wav"
    with sink.write(name) as temporary:
        write_wav(temporary, samples, SAMPLE_RATE)
    _write_text(speaker, text, sink)
    return name


def _write_text(speaker: str, text: str, sink: Sink) -> None:
    with sink.write(f"{FOLDER}/{file_name(speaker)}.txt") as temporary:
        temporary.write_text(f"{text}\n" if text else "", "utf-8")


def written_files(taken: Sequence[SpeakerReference]) -> list[str]:
    """Return the files of some references."""
    return [name for one in taken if one.file for name in (one.file, one.file.removesuffix(".wav") + ".txt")]


def _language(context: Context, speaker: str, at: float) -> str:
    own = [segment for segment in context.segments if segment.speaker == speaker]
    here = next((segment for segment in own if segment.start - 0.5 <= at <= segment.end), None)
    return (here.language if here else "") or context.source_language


def _said(segments: Sequence[Segment], spans: Sequence[Span]) -> str:
    """Return the words that lie inside some spans."""
    words = [word for segment in segments for word in segment.words]
    inside = [w.text for w in words if any(a <= (w.start + w.end) / 2 <= b for a, b in spans)]
    return "".join(inside).strip()


def _remarks(one: SpeakerReference, name: str) -> list[Remark]:
    if not one.file:
        said = f"{name} has no reference, because {'; '.join(one.notes)}. Give a recording of the voice."
        return [remark("reference-missing", said)]
    remarks = [remark("reference-changed", f"{name}: {note}.") for note in one.notes]
    if one.seconds < SHORT and one.origin == "found":
        said = f"The reference of {name} has {one.seconds:.1f} s; {SHORT:g} s or more clone a voice well."
        remarks.append(remark("reference-short", said))
    return remarks


def _manner(piece: ReferencePiece) -> tuple[float, float, float]:
    return piece.loudness_db, piece.pitch_hz, piece.rate


def nearest_pieces(context: Context, found: Sequence[SpeakerPieces]) -> Mapping[str, int]:
    """Return line -> the piece of its speaker that is nearest in loudness, pitch and pace."""
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.references.likeness import manner, unlikeness

    if not context.settings.cast.reference_per_line:
        return {}
    audio = read_mono16(context.speech)
    pieces = {one.speaker: one.pieces for one in found if len(one.pieces) > 1}
    nearest = {}
    for segment in context.segments:
        if segment.speaker not in pieces:
            continue
        own = manner(audio, segment)
        far = [(unlikeness(own, _manner(piece)), piece.number) for piece in pieces[segment.speaker]]
        nearest[segment.id] = min(far)[1]
    return nearest
