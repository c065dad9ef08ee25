"""Recognise the speech and cut it into segments by turn and sentence.

Two items: `words` is the costly recognition, `segments` the cheap cutting, so that other turns or another
pause length do not recognise again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.subtitles import write_source_subtitles
from dubkit.formats.format import readable
from dubkit.speech.language import LanguageSpan
from dubkit.types import Transcript, Word
from stages.shared.anchoring import anchor_edits
from stages.shared.devices import device

if TYPE_CHECKING:
    from pathlib import Path

    from dubkit.models.spec import ResolvedModel
    from dubkit.speech.asr import Recogniser

WORDS = "words"
SEGMENTS = "segments"
RECOGNITION = ("transcribe.language", "transcribe.beam", "transcribe.batch_size", "transcribe.hints")
BEST_FIRST = ("large-v3", "medium", "small", "base")
CUTTING = ("transcribe.max_seconds", "transcribe.pause")


@dataclass(frozen=True, slots=True)
class Recognised:
    """Artifact `words.json`: what was heard, before it is cut into segments."""

    language: str
    language_probability: float
    words: tuple[Word, ...]
    model: str
    flags: tuple[str, ...] = ()
    languages: tuple[LanguageSpan, ...] = ()


def items(context: Context) -> Sequence[Item]:
    speech = {"extract/speech16k.wav": context.file_digest("extract", "speech16k.wav")}
    turns = {"diarization.json": context.artifact_digest("diarization.json")}
    if context.imported("transcribe"):
        return [Item(SEGMENTS, inputs=turns, settings=("transcribe.language",))]
    model = {"asr": identity(context)}
    return [
        Item(WORDS, inputs=speech, models=model, settings=RECOGNITION),
        Item(SEGMENTS, inputs=speech | turns, models=model, settings=RECOGNITION + CUTTING),
    ]


def choose(context: Context) -> ResolvedModel | None:
    """Return the Whisper model: the one named, else the default; with mode `high` the best that is here.

    None means that the named model is yet to be fetched. Raises ModelMissing when there is none to be had.
    """
    wanted = context.settings.transcribe.model
    if wanted != "auto":
        return context.model("asr", wanted)
    if context.settings.mode == "high" and not context.settings.models.asr:
        for name in BEST_FIRST:
            better = context.models.find("asr", name)
            if better is not None:
                return better
    # fetch finds what is here, and otherwise raises and names every way to get a model.
    return context.model("asr") or context.models.fetch("asr")


def identity(context: Context) -> str:
    """Return the identity of the Whisper model, as it enters keys."""
    model = choose(context)
    return model.identity if model else f"{context.settings.transcribe.model}, to be fetched"


def open_recogniser(context: Context) -> tuple[Recogniser, str]:
    """Load the Whisper model; return it with its name."""
    from dubkit.speech.asr import Recogniser

    model = choose(context)
    assert model is not None, "within a run a model is fetched before it is opened"
    return Recogniser(context.model_path(model), device=device(context)), model.name


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    imported = context.imported("transcribe")
    if imported is not None:
        transcript = _import(context, imported)
    else:
        if any(item.id == WORDS for item in items):
            _recognise(context, sink)
        transcript = _cut(context)
    if not transcript.segments:
        sink.say("No speech was found: the dub will carry the source's own sound.")
    if any(item.id == SEGMENTS for item in items):
        sink.write_json("transcript.json", transcript)
        sink.done(SEGMENTS, files=["transcript.json"])
        write_source_subtitles(context.fresh())


def _recognise(context: Context, sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.asr import AsrSettings
    from dubkit.speech.vad import speech_spans

    wanted = context.settings.transcribe
    audio = read_mono16(context.speech)
    spans = speech_spans(audio)
    recogniser, model = open_recogniser(context)
    heard = recogniser.recognise(
        audio,
        spans,
        AsrSettings(wanted.beam, wanted.batch_size, wanted.language, wanted.hints),
        sink.advance,
    )
    sink.write_json(
        "words.json",
        Recognised(
            heard.language, heard.language_probability, heard.words, model, heard.flags, heard.languages
        ),
    )
    sink.done(WORDS, files=["words.json"])


def _cut(context: Context) -> Transcript:
    from dubkit.speech.segments import SegmentSettings, build_segments

    wanted = context.settings.transcribe
    heard = context.store.read("words.json", Recognised)
    segments = build_segments(
        heard.words,
        context.diarization.turns,
        heard.language,
        SegmentSettings(max_seconds=wanted.max_seconds, pause=wanted.pause),
        heard.languages,
    )
    return Transcript(heard.language, heard.language_probability, segments, heard.model)


def _import(context: Context, file: Path) -> Transcript:
    from dubkit.formats.reading import read_cues
    from dubkit.speech.segments import segments_from_cues

    language = context.settings.transcribe.language
    cues = [(cue.start, cue.end, cue.text, cue.speaker) for cue in read_cues(file)]
    if not language:
        import py3langid  # type: ignore[import-untyped]

        language, _ = py3langid.classify(" ".join(text for _, _, text, _ in cues))
    segments = segments_from_cues(cues, context.diarization.turns, language)
    return Transcript(language, 1.0, segments, f"file {file.name}")


STAGE = Stage(
    name="transcribe",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Recognising speech",
    done="transcribed",
    aliases=("transcript",),
    after=anchor_edits,
    pace=0.45,
    needs=("extract", "diarize"),
    artifact="transcript.json",
    accepts=lambda: readable("cues"),
)
