"""Describe each speaker for the prompt, measure the voice, and choose a voice for the dub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.media.picture.face_ages import FACE_AGES
from dubkit.types import Age, Cast, Remark, Segment, Speaker, remark, sample_at
from stages.shared.ages import Mark, ages_problem, joined, looks_at_faces, seen_ages
from stages.shared.cast_file import edited_notes, read_cast_file
from stages.shared.machine_code import COMMON, NETWORKS, PICTURE
from stages.shared.people.enrolling import learn
from stages.shared.people.memory import remembers, series_inputs
from stages.shared.people.modes import clones_speaker
from stages.shared.people.series_cast import SeriesCast, series_cast
from stages.shared.voices import (
    choose_voice,
    own_table,
    voice_hindrance,
    voice_identity,
    voice_names,
    voice_settings,
    voiceless,
    voices_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.progress import Progress
    from dubkit.voice.casting import Role
    from dubkit.voice.engine import VoiceChoice, VoiceEngine

SETTINGS = ("speak.provider",)

CLONING = "Set speak.provider to an engine that clones; `dubkit voices` lists them."


def items(context: Context) -> Sequence[Item]:
    from dubkit.speech.pitch import estimator

    speaks = bool(context.segments) and not voiceless(context)
    own = voice_settings(context) if speaks else ()
    engine = choose_voice(context).engine.name if speaks else ""
    spoken = [(s.id, s.start, s.end, s.speaker) for s in context.segments]
    return [
        Item(
            EPISODE,
            inputs={
                "extract/audio.wav": context.file_digest("extract", "audio.wav"),
                "transcribe/segments": context.digest(spoken),
                "cast.toml": context.digest(read_cast_file(context)),
                **({"faces": context.artifact_digest("faces.json")} if looks_at_faces(context) else {}),
                **series_inputs(context, context.people, engine),
            },
            edits=_edits(context),
            models={
                **(
                    {"face ages": _face_ages(context)} if context.segments and looks_at_faces(context) else {}
                ),
                **({"voice": voice_identity(context)} if speaks else {}),
                **({"pitch": estimator()} if context.segments else {}),
            },
            settings=(*SETTINGS, *_ages(context), *_mode(context), *own),
        )
    ]


def _ages(context: Context) -> tuple[str, ...]:
    """Return what ages are guessed from as a setting that enters the key; off, it is in no old key."""
    return ("cast.ages",) if context.segments and context.settings.cast.ages != "off" else ()


def _face_ages(context: Context) -> str:
    model = context.model(FACE_AGES.role)
    return model.identity if model and not ages_problem(context) else ""


def _mode(context: Context) -> tuple[str, ...]:
    """Return the mode as a setting that enters the key: only where it is another than that of old keys."""
    return ("cast.voice_mode",) if context.settings.cast.voice_mode != "preset" else ()


def _edits(context: Context) -> dict[str, Any]:
    return {
        f"{speaker}.{name}": value
        for speaker in context.speaker_edits
        for name, value in edited_notes(context, speaker).items()
    }


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.media.sound.loudness import dialogue_loudness

    audio = read_mono16(context.speech)
    if not context.segments:
        sink.write_json("cast.json", Cast(context.language, ()))
        return sink.done(EPISODE, files=["cast.json"])
    choice = None if voiceless(context) else choose_voice(context)
    sink.say(f"voice {context.language}: {_named(choice)}")
    groups = _by_speaker(context.segments)
    alone = _alone(groups)
    pitches = _pitches(audio, alone)
    series = series_cast(context, choice.engine if choice else None)
    voices = _voices(context, choice.engine, groups, pitches, series) if choice else {}
    seen = seen_ages(context) if looks_at_faces(context) and not ages_problem(context) else {}
    speakers: list[Speaker] = []
    for rank, (speaker, segments) in enumerate(groups.items(), 1):
        notes, spans = series.notes(speaker), _spans(segments)
        described = Speaker(
            id=speaker,
            name=notes.name or f"Speaker {rank}",
            description=notes.description,
            guessed=series.guessed(speaker),
            pitch_hz=round(pitches[speaker], 1),
            loudness=_loudness(dialogue_loudness(context.audio, _samples(spans))),
            voice=voices.get(speaker, notes.voice),
            age=notes.age or UNSET,
        )
        speakers.append(_described(context, described, audio, alone[speaker], seen.get(speaker, "")))
    sink.write_json("cast.json", Cast(context.language, tuple(speakers)))
    remarks = list(series.remarks)
    if choice:
        remarks += [*_fall_back(context, choice), *_castings(context, choice.engine, speakers, series)]
    sink.done(EPISODE, files=["cast.json"], remarks=[*remarks, *_ages_unseen(context)])


def _named(choice: VoiceChoice | None) -> str:
    return f"{choice.engine.label}, {choice.reason}" if choice else "the recordings of people, and no engine"


def _described(
    context: Context,
    speaker: Speaker,
    audio: NDArray[np.float32],
    spans: Sequence[tuple[float, float]],
    seen: Age,
) -> Speaker:
    """Return a speaker with a guess at age and description, as far as nobody said them."""
    from dubkit.speech.description import describe_voice, guess_age

    if speaker.description:
        return speaker
    if speaker.age:
        return replace(speaker, description=describe_voice(speaker.pitch_hz, speaker.age))
    guess: Age = ""
    mark: Mark | None = None
    if context.settings.cast.ages != "off":
        guess, mark = joined(guess_age(audio, spans, speaker.pitch_hz), seen, speaker.pitch_hz)
    words = describe_voice(speaker.pitch_hz, guess)
    return replace(speaker, age=guess or UNSET, age_guess=mark or UNSET, description=words)


def _ages_unseen(context: Context) -> list[Remark]:
    """Say that ages come from voices alone, where faces were asked for."""
    problem = ages_problem(context) if looks_at_faces(context) else ""
    return [remark("ages-unseen", f"Faces say nothing of ages here: {problem}")] if problem else []


def _alone(groups: Mapping[str, Sequence[Segment]]) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds in which each speaker speaks, and nobody else."""
    from dubkit.speech.pitch import alone

    spans = {speaker: _spans(segments) for speaker, segments in groups.items()}
    others = {speaker: [one for name in spans if name != speaker for one in spans[name]] for speaker in spans}
    return {speaker: alone(spans[speaker], others[speaker]) for speaker in spans}


def _pitches(
    audio: NDArray[np.float32], spans: Mapping[str, Sequence[tuple[float, float]]]
) -> dict[str, float]:
    """Return the pitch of every speaker in Hz."""
    from dubkit.speech.pitch import median_pitch

    return {speaker: median_pitch(audio, spans[speaker]) for speaker in spans}


def _voices(
    context: Context,
    engine: VoiceEngine,
    groups: Mapping[str, Sequence[Segment]],
    pitches: Mapping[str, float],
    series: SeriesCast,
) -> dict[str, str]:
    """Return the voice of every speaker: that of a person's choice, else the one that the casting gives."""
    from dubkit.voice.casting import Role, cast_voices
    from dubkit.voice.engine import SpeakerTraits
    from dubkit.voice.guard import cast_voice

    table, names = own_table(context, engine), voice_names(context, engine)

    def ask(pitch_hz: float, taken: Sequence[str]) -> str:
        return cast_voice(engine, SpeakerTraits(context.language, pitch_hz, table, names), taken)

    roles = [
        Role(speaker, pitches[speaker], _seconds(segments), notes.voice, series.held)
        for speaker, segments in groups.items()
        for notes in (series.notes(speaker),)
    ]
    if context.settings.cast.voice_mode == "single":
        return _one_voice(roles, ask)
    return cast_voices(roles, voices_of(context, engine), context.language, ask)


def _one_voice(roles: Sequence[Role], ask: Callable[[float, Sequence[str]], str]) -> dict[str, str]:
    """Return one voice for everybody, the one that suits who comes first; a person's choice stands."""
    first = next((role for role in roles if not role.voice), None)
    voice = ask(first.pitch_hz, ()) if first else ""
    return {role.id: role.voice or voice for role in roles}


def _castings(
    context: Context, engine: VoiceEngine, speakers: Sequence[Speaker], series: SeriesCast
) -> list[Remark]:
    """Return remarks on voices that are shared or unlike their speaker, or are not cloned.

    One voice for everybody was somebody's choice, and a cloned voice is the speaker's own.
    """
    from dubkit.voice.casting_remarks import CastVoice, casting_remarks

    if context.settings.cast.voice_mode == "single":
        return []
    own = {speaker.id for speaker in speakers if clones_speaker(context, speaker.id)}
    cloned = own if "clone" in engine.abilities else set()
    cast = [
        CastVoice(speaker.name, speaker.pitch_hz, speaker.voice, series.chosen(speaker.id))
        for speaker in _each_person(context, speakers)
        if speaker.id not in cloned
    ]
    remarks = casting_remarks(cast, engine.sentence_name, voices_of(context, engine))
    if own - cloned:
        said = f"{engine.sentence_name} cannot clone a voice, so its own voices speak. {CLONING}"
        remarks.insert(0, remark("voice-not-cloned", said))
    if context.settings.speak.provider == "auto":
        return remarks
    # The engine was somebody's choice, but so was the cloning.
    return [r if r.code == "voice-not-cloned" else replace(r, weight="note") for r in remarks]


def _each_person(context: Context, speakers: Sequence[Speaker]) -> list[Speaker]:
    """Return the speakers, each person of the series once: who is two speakers has one voice."""
    people = context.people
    return list({people[s.id].id if s.id in people else s.id: s for s in reversed(speakers)}.values())[::-1]


def _fall_back(context: Context, choice: VoiceChoice) -> list[Remark]:
    """Return why the voice is a plainer one; a person's own choice is none."""
    if not choice.degraded:
        return []
    if context.settings.speak.provider == "auto":
        return [remark("voice-fall-back", choice.reason)]
    engine = choice.engine
    return [remark("voice-chosen", f"{engine.label}, {engine.degraded}, speaks, as speak.provider says.")]


def _by_speaker(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    groups: dict[str, list[Segment]] = {}
    for segment in segments:
        groups.setdefault(segment.speaker, []).append(segment)
    return groups


def _seconds(segments: Sequence[Segment]) -> float:
    return sum(segment.end - segment.start for segment in segments)


def _spans(segments: Sequence[Segment]) -> list[tuple[float, float]]:
    return [(segment.start, segment.end) for segment in segments]


def _samples(spans: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    return [(sample_at(start), sample_at(end)) for start, end in spans]


def _loudness(measured: float | None) -> float:
    return round(measured, 2) if measured is not None else -70.0


def after(context: Context, _languages: Sequence[str], _progress: Progress) -> None:
    """Let the series learn the names and voices of the cast."""
    if remembers(context):
        learn(context, "" if voiceless(context) else choose_voice(context).engine.name)


STAGE = Stage(
    name="cast",
    version=3,
    scope="language",
    items=items,
    run=run,
    title="Choosing voices",
    done="voices chosen",
    pace=0.05,
    after=after,
    needs=("transcribe", "faces", "people"),
    beside=True,
    cores=1,
    loads=(*COMMON, *PICTURE, *NETWORKS),
    models=(FACE_AGES,),
    depends=SETTINGS,
    artifact="cast.json",
    hindrance=voice_hindrance,
    accepts=lambda: (".toml",),
)
