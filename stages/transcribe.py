"""Recognise the speech and cut it into segments by turn and sentence.

Two items: `words` is the costly recognition, `segments` the cheap cutting, so that other turns or another
pause length need no new recognition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.formats.format import readable
from dubkit.types import Recognised, Remark, Transcript, Word, remark
from stages.shared.captions import spoken_of
from stages.shared.recogniser import open_recogniser, recogniser_identity, recogniser_settings
from stages.shared.subtitles import after_transcription

WORDS = "words"
SEGMENTS = "segments"
RECOGNITION = ("transcribe.language", "transcribe.beam", "transcribe.batch_size", "transcribe.hints")
IMPORT = ("transcribe.language", "transcribe.labels", "transcribe.encoding", "diarize.speakers")
CUTTING = ("transcribe.max_seconds", "transcribe.pause")


SENTENCE_RULES = 2
"""Raised when `dubkit.speech.segments` cuts words otherwise."""

TIME_RULES = 1
"""Raised when `dubkit.speech` places words by their sound otherwise, or cuts those otherwise."""


def by_sound(context: Context) -> bool:
    """Whether words get the times at which they sound, and segments end where a speaker would breathe."""
    times = context.settings.transcribe.times
    return times == "sound" or (times == "auto" and context.settings.timing.scheduled)


def items(context: Context) -> Sequence[Item]:
    speech = {"extract/speech16k.wav": context.file_digest("extract", "speech16k.wav")}
    turns = {"diarization.json": context.artifact_digest("diarization.json")}
    if context.user_file("transcribe"):
        length = {"episode.json": context.digest(float(context.episode.duration))}
        return [Item(SEGMENTS, inputs=turns | length, settings=IMPORT)]
    # Where sentences end has changed: segments are cut anew, and the words stay as they were heard.
    rules = {"rules of sentences": context.digest(SENTENCE_RULES)}
    if by_sound(context):
        rules["times of words"] = context.digest(f"as they sound, {TIME_RULES}")
    model, settings = {"asr": recogniser_identity(context)}, RECOGNITION + recogniser_settings(context)
    return [
        Item(WORDS, inputs=speech, models=model, settings=settings),
        Item(SEGMENTS, inputs=speech | turns | rules, models=model, settings=settings + CUTTING),
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    imported = context.user_file("transcribe")
    remarks: list[Remark] = []
    files = ["transcript.json"]
    if imported is not None:
        transcript, remarks = _import(context, imported)
    else:
        if any(item.id == WORDS for item in items):
            _recognise(context, sink)
        heard = context.store.read("words.json", Recognised)
        words = heard.words
        if by_sound(context):
            words = _by_sound(context, words, sink)
            files.append("word-times.json")
        transcript = _cut(context, replace(heard, words=words))
    if not transcript.segments:
        remarks.append(remark("no-speech", "No speech was found: the dub carries the source's own sound."))
    if any(item.id == SEGMENTS for item in items):
        sink.write_json("transcript.json", transcript)
        sink.done(SEGMENTS, files=files, remarks=remarks)


def _recognise(context: Context, sink: Sink) -> None:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.vad import speech_spans

    audio = read_mono16(context.speech)
    spans = speech_spans(audio)
    opened = open_recogniser(context, sum(end - start for start, end in spans))
    heard = opened.recognise(audio, spans, context.settings.transcribe, sink.advance)
    words = Recognised(
        heard.language, heard.language_probability, heard.words, opened.name, heard.flags, heard.languages
    )
    sink.write_json("words.json", words)
    sink.done(WORDS, files=["words.json"])


def _by_sound(context: Context, words: tuple[Word, ...], sink: Sink) -> tuple[Word, ...]:
    """Return the words at the times at which they sound, and record which were moved."""
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.refine import refined
    from dubkit.speech.sounding import sounding

    placed, times = refined(words, sounding(read_mono16(context.speech)))
    sink.write_json("word-times.json", times)
    return tuple(placed)


def _cut(context: Context, heard: Recognised) -> Transcript:
    from dubkit.speech.breaths import segments_by_sound
    from dubkit.speech.segments import build_segments

    build = segments_by_sound if by_sound(context) else build_segments
    segments = build(
        heard.words,
        context.diarization.turns,
        heard.language,
        context.settings.transcribe,
        heard.languages,
    )
    return Transcript(heard.language, heard.language_probability, segments, heard.model)


def _import(context: Context, file: Path) -> tuple[Transcript, list[Remark]]:
    from dubkit.speech.captions.speakers import speakers_of
    from dubkit.speech.segments import segments_from_cues

    settings = context.settings.transcribe
    spoken, language, remarks = spoken_of(context, "transcribe", settings.language, settings.encoding)
    turns = context.diarization.turns
    speakers = speakers_of(spoken, turns, single=context.settings.diarize.speakers == 1)
    cues = [
        (part.start, part.end, part.text, speaker) for part, speaker in zip(spoken, speakers, strict=True)
    ]
    segments = segments_from_cues(cues, turns, language)
    # The name that the file has in the episode: its own name must not change what is made from it.
    return Transcript(language, 1.0, segments, f"file {file.name}"), remarks


STAGE = Stage(
    name="transcribe",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Recognising speech",
    done="transcribed",
    aliases=("transcript",),
    after=after_transcription,
    pace=0.45,
    needs=("extract", "diarize"),
    beside=True,
    artifact="transcript.json",
    accepts=lambda: readable("cues"),
)
