"""Recognise the speech and cut it into segments by turn and sentence.

Two items: `words` is the costly recognition, `segments` the cheap cutting, so that other turns or another
pause length need no new recognition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.subtitles import write_source_subtitles
from dubkit.formats.format import readable
from dubkit.types import Recognised, Transcript
from stages.shared.anchoring import anchor_edits
from stages.shared.recogniser import open_recogniser, recogniser_identity, recogniser_settings

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "words"
SEGMENTS = "segments"
RECOGNITION = ("transcribe.language", "transcribe.beam", "transcribe.batch_size", "transcribe.hints")
CUTTING = ("transcribe.max_seconds", "transcribe.pause")


def items(context: Context) -> Sequence[Item]:
    speech = {"extract/speech16k.wav": context.file_digest("extract", "speech16k.wav")}
    turns = {"diarization.json": context.artifact_digest("diarization.json")}
    if context.user_file("transcribe"):
        return [Item(SEGMENTS, inputs=turns, settings=("transcribe.language",))]
    model, settings = {"asr": recogniser_identity(context)}, RECOGNITION + recogniser_settings(context)
    return [
        Item(WORDS, inputs=speech, models=model, settings=settings),
        Item(SEGMENTS, inputs=speech | turns, models=model, settings=settings + CUTTING),
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    imported = context.user_file("transcribe")
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
    from dubkit.speech.vad import speech_spans

    audio = read_mono16(context.speech)
    spans = speech_spans(audio)
    opened = open_recogniser(context)
    heard = opened.recognise(audio, spans, context.settings.transcribe, sink.advance)
    words = Recognised(
        heard.language, heard.language_probability, heard.words, opened.name, heard.flags, heard.languages
    )
    sink.write_json("words.json", words)
    sink.done(WORDS, files=["words.json"])


def _cut(context: Context) -> Transcript:
    from dubkit.speech.segments import build_segments

    heard = context.store.read("words.json", Recognised)
    segments = build_segments(
        heard.words,
        context.diarization.turns,
        heard.language,
        context.settings.transcribe,
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
