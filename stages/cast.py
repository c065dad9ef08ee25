"""Describe each speaker for the prompt, measure the voice, and choose a voice for the dub."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.errors import ArtifactDamaged
from dubkit.types import Cast, Segment, Speaker, sample_at
from stages.shared.voices import choose_voice, own_table, voice_identity, voice_settings

CURE = (
    'Its form is [spk1] name = "Ana" description = "The young woman" voice = "…"; all three may be left out.'
)


@dataclass(frozen=True, slots=True)
class SpeakerNotes:
    """What `cast.toml` and the edits say about a speaker."""

    name: str = ""
    description: str = ""
    voice: str = ""


SETTINGS = ("speak.provider",)


def items(context: Context) -> Sequence[Item]:
    own = voice_settings(context) if context.segments else ()
    spoken = [(s.id, s.start, s.end, s.speaker) for s in context.segments]
    return [
        Item(
            EPISODE,
            inputs={
                "extract/audio.wav": context.file_digest("extract", "audio.wav"),
                "transcribe/segments": context.digest(spoken),
                "cast.toml": context.digest(_read_file(context)),
            },
            edits=_edits(context),
            models={"voice": voice_identity(context)} if context.segments else {},
            settings=(*SETTINGS, *own),
        )
    ]


def _edits(context: Context) -> dict[str, Any]:
    return {
        f"{speaker}.{name}": value
        for speaker, edit in context.speaker_edits.items()
        for name, value in edit_fields(edit).items()
    }


def _read_file(context: Context) -> dict[str, dict[str, str]]:
    """Read `cast.toml`: the file named in the settings, or the one beside the source."""
    file = context.user_file("cast") or (
        Path(context.settings.cast.file)
        if context.settings.cast.file
        else context.source.with_name("cast.toml")
    )
    if not file.is_file():
        if context.settings.cast.file:
            raise ArtifactDamaged(file, "", "no such file", "Set cast.file to your cast.toml.")
        return {}
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArtifactDamaged(file, "", str(error), CURE) from None
    for speaker, fields in table.items():
        if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
            raise ArtifactDamaged(file, speaker, "is not a table of texts", CURE)
        for name in fields:
            if name not in SpeakerNotes.__dataclass_fields__:
                raise ArtifactDamaged(file, f"{speaker}.{name}", "no such field", CURE)
    return table


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.media.sound.loudness import dialogue_loudness
    from dubkit.speech.pitch import describe_voice, median_pitch
    from dubkit.voice.engine import SpeakerTraits
    from dubkit.voice.guard import cast_voice

    audio = read_mono16(context.speech)
    if not context.segments:
        sink.write_json("cast.json", Cast(context.language, ()))
        return sink.done(EPISODE, files=["cast.json"])
    choice = choose_voice(context)
    engine, table = choice.engine, own_table(context, choice.engine)
    sink.say(f"voice {context.language}: {engine.label}, {choice.reason}")
    speakers: list[Speaker] = []
    for rank, (speaker, segments) in enumerate(_by_speaker(context.segments).items()):
        spans = [(s.start, s.end) for s in segments]
        pitch = median_pitch(audio, spans)
        notes = _notes(context, speaker)
        voices = tuple(other.voice for other in speakers)
        speakers.append(
            Speaker(
                id=speaker,
                name=notes.name or f"Speaker {rank + 1}",
                description=notes.description or describe_voice(pitch),
                guessed=not notes.description,
                pitch_hz=round(pitch, 1),
                loudness=_loudness(dialogue_loudness(context.audio, _samples(spans))),
                voice=notes.voice
                or cast_voice(engine, SpeakerTraits(context.language, pitch, table), voices),
            )
        )
    sink.write_json("cast.json", Cast(context.language, tuple(speakers)))
    degraded = [choice.reason] if choice.degraded else []
    sink.done(EPISODE, files=["cast.json"], degraded=degraded)


def _by_speaker(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    groups: dict[str, list[Segment]] = {}
    for segment in segments:
        groups.setdefault(segment.speaker, []).append(segment)
    return groups


def _notes(context: Context, speaker: str) -> SpeakerNotes:
    return SpeakerNotes(
        **(_read_file(context).get(speaker, {}) | edit_fields(context.speaker_edits.get(speaker)))
    )


def _samples(spans: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    return [(sample_at(start), sample_at(end)) for start, end in spans]


def _loudness(measured: float | None) -> float:
    return round(measured, 2) if measured is not None else -70.0


STAGE = Stage(
    name="cast",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Choosing voices",
    done="voices chosen",
    pace=0.05,
    needs=("transcribe",),
    depends=SETTINGS,
    artifact="cast.json",
    accepts=lambda: (".toml",),
)
