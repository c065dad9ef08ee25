"""Recognise the people of the series among the speakers, and enrol those whom it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import ASR_RATE, Remark, Segment
from stages.shared.cloning.found_pieces import encoder_identity, file_name, open_encoder, write_piece
from stages.shared.machine_code import COMMON, NETWORKS, PICTURE
from stages.shared.people.enrolling import enrol
from stages.shared.people.faces import has_faces, write_faces
from stages.shared.people.memory import ARTIFACT, open_book, remembers
from stages.shared.people.remarks import people_remarks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.progress import Progress
    from dubkit.series.people.matching import Heard, Match
    from dubkit.series.people.person import Person
    from dubkit.speech.embeddings import VoiceEncoder

SETTINGS = ("cast.match_threshold", "cast.auto_enroll")

ENOUGH = 60.0
"""Seconds of speech of which a voice is known as well as of more."""
PIECE = (1.0, 8.0)
"""The least and the most seconds of a piece of speech that the series keeps."""

Span = tuple[float, float]


def items(context: Context) -> Sequence[Item]:
    spoken = [(s.id, s.start, s.end, s.speaker) for s in context.segments]
    return [
        Item(
            EPISODE,
            inputs={
                "extract/audio.wav": context.file_digest("extract", "audio.wav"),
                "transcribe/segments": context.digest(spoken),
                **({"faces": context.artifact_digest("faces.json")} if has_faces(context) else {}),
            },
            models={"speaker": encoder_identity(context)} if context.segments else {},
        )
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.series.people.matching import Recalled, match_speakers

    if not context.segments:
        sink.write_json(ARTIFACT, Recalled("", (), {}))
        return sink.done(EPISODE, files=[ARTIFACT])
    audio, encoder = read_mono16(context.speech), open_encoder(context)
    spans = _alone(context.segments)
    heard = [_heard(audio, encoder, speaker, spans[speaker]) for speaker in spans]
    people, identity = open_book(context).people(), encoder_identity(context)
    settings = context.settings.cast
    gallery = _gallery(context, people, encoder, identity)
    found = match_speakers(
        context.sha256, heard, gallery, settings.match_threshold, settings.auto_enroll, _here(context, people)
    )
    files: dict[str, str] = {}
    for speaker in spans:
        piece = _piece(spans[speaker])
        if piece is not None:
            files[speaker] = f"people/{file_name(speaker)}.wav"
            with sink.write(files[speaker]) as temporary:
                write_piece(context, (piece,), temporary)
    faces = write_faces(context, sink)
    sink.write_json(ARTIFACT, Recalled(identity, tuple(_called(found, people)), files, faces))
    sink.done(EPISODE, files=[ARTIFACT, *files.values(), *faces.values()])


def _alone(segments: Sequence[Segment]) -> dict[str, list[Span]]:
    """Return the seconds in which each speaker speaks, and nobody else; by first speech."""
    from dubkit.speech.pitch import alone

    spans: dict[str, list[Span]] = {}
    for segment in segments:
        spans.setdefault(segment.speaker, []).append((segment.start, segment.end))
    others = {name: [one for other in spans if other != name for one in spans[other]] for name in spans}
    return {name: alone(spans[name], others[name]) for name in spans}


def _heard(audio: NDArray[np.float32], encoder: VoiceEncoder, speaker: str, spans: Sequence[Span]) -> Heard:
    """Return how a speaker sounds: of much speech, the longest stretches count."""
    import numpy as np

    from dubkit.series.people.matching import Heard
    from dubkit.speech.pitch import median_pitch

    seconds = sum(end - start for start, end in spans)
    chosen: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if sum(b - a for a, b in chosen) < ENOUGH:
            chosen.append((start, end))
    pieces = [audio[int(start * ASR_RATE) : int(end * ASR_RATE)] for start, end in sorted(chosen)]
    vector = encoder.embed(np.concatenate([*pieces, np.zeros(0, np.float32)]))
    embedding = tuple(round(float(value), 5) for value in vector)
    return Heard(speaker, round(seconds, 2), round(median_pitch(audio, spans), 1), embedding)


def _gallery(
    context: Context, people: Mapping[str, Person], encoder: VoiceEncoder, identity: str
) -> dict[str, list[tuple[float, ...]]]:
    """Return how people sound to this encoder; those whom another one heard are heard again from a piece."""
    from dubkit.media.sound.audio import read_mono16
    from dubkit.series.people.matching import gallery_of

    book, gallery = open_book(context), gallery_of(people, identity)
    for name, person in people.items():
        files = [book.file(name, s.reference) for s in person.sightings.values() if s.reference]
        for path in files if name not in gallery else ():
            if path.is_file():
                vector = encoder.embed(read_mono16(path))
                gallery.setdefault(name, []).append(tuple(float(value) for value in vector))
    return {name: gallery[name] for name in people if name in gallery}


def _here(context: Context, people: Mapping[str, Person]) -> frozenset[str]:
    """Return the people whom only this episode knows, from a run before."""
    return frozenset(
        name
        for name, person in people.items()
        if all(sighting.source == context.sha256 for sighting in person.sightings.values())
    )


def _piece(spans: Sequence[Span]) -> Span | None:
    """Return the longest stretch of somebody alone, as far as the series keeps it; None for a short one."""
    start, end = max(spans, key=lambda span: (span[1] - span[0], -span[0]), default=(0.0, 0.0))
    shortest, longest = PIECE
    return (start, min(end, start + longest)) if end - start >= shortest else None


def _called(found: Sequence[Match], people: Mapping[str, Person]) -> list[Match]:
    """Give everybody new a name that nobody of the series has: `Speaker 3`."""
    taken = {person.called for person in people.values()}
    named, number = [], 0
    for match in found:
        if match.verdict == "known":
            named.append(match)
            continue
        number += 1
        while f"Speaker {number}" in taken:
            number += 1
        named.append(replace(match, called=f"Speaker {number}"))
    return named


def after(context: Context, _languages: Sequence[str], _progress: Progress) -> None:
    """Note in the series who is in the episode."""
    enrol(context)


def notices(context: Context) -> Sequence[Remark]:
    return people_remarks(context) if remembers(context) else ()


STAGE = Stage(
    name="people",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Recognising the people of the series",
    done="people recognised",
    belongs=remembers,
    after=after,
    notices=notices,
    pace=0.05,
    needs=("extract", "transcribe", "faces"),
    cores=1,
    loads=(*COMMON, *PICTURE, *NETWORKS),
    depends=SETTINGS,
    artifact=ARTIFACT,
)
