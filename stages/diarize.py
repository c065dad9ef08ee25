"""Find out who speaks when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.formats.format import readable
from dubkit.types import Diarization
from stages.shared.devices import device

if TYPE_CHECKING:
    from pathlib import Path

    from dubkit.models.spec import ResolvedModel

NO_ENCODER = "no speaker model found, so the whole episode counts as one speaker"


def items(context: Context) -> Sequence[Item]:
    method, model = choose(context)
    identity = model.identity if model else method
    speech = context.file_digest("extract", "speech16k.wav")
    return [Item(EPISODE, inputs={"extract/speech16k.wav": speech}, models={"speaker": identity})]


def choose(context: Context) -> tuple[str, ResolvedModel | None]:
    """Return the method and its model: pyannote when its weights are reachable, else the built-in one."""
    from dubkit.speech.pyannote import pyannote_available

    wanted = context.settings.diarize.method
    named = context.settings.models
    if wanted == "pyannote" or (
        wanted == "auto" and (named.pyannote or named.token) and pyannote_available()
    ):
        return "pyannote", None
    encoder = context.model("speaker")
    if wanted == "single" or (wanted == "auto" and encoder is None):
        return "single", None
    if encoder is None:
        encoder = context.models.fetch("speaker")  # raises, naming every way to get it
    return "resemblyzer", encoder


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.formats.content import Heading
    from dubkit.formats.rttm import write_rttm

    method, model = choose(context)
    imported = context.imported("diarize")
    degraded: list[str] = []
    if imported is not None:
        found = _import(imported)
    else:
        found = _diarize(context, method, model)
        if method == "single" and context.settings.diarize.method == "auto":
            degraded.append(NO_ENCODER)
    sink.write_json("diarization.json", found)
    with sink.write("diarization.rttm") as temporary:
        temporary.write_bytes(write_rttm(found.turns, Heading(context.episode.name)))
    sink.done(EPISODE, files=["diarization.json", "diarization.rttm"], degraded=degraded)


def _import(file: Path) -> Diarization:
    from dubkit.formats.reading import read_turns

    return Diarization(turns=read_turns(file), method="import", embeddings={})


def _diarize(context: Context, method: str, model: ResolvedModel | None) -> Diarization:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.diarize import DiarizeSettings, diarize, single_speaker
    from dubkit.speech.vad import speech_spans

    wanted = context.settings.diarize
    settings = DiarizeSettings(speakers=wanted.speakers, max_speakers=wanted.max_speakers)
    audio = read_mono16(context.speech)
    if method == "pyannote":
        from dubkit.speech.pyannote import diarize_pyannote

        named = context.settings.models
        source = named.pyannote or "pyannote/speaker-diarization-community-1"
        return diarize_pyannote(audio, source, named.token or None, settings, device(context))
    spans = speech_spans(audio)
    if model is None or not spans:
        return single_speaker(spans)
    from dubkit.speech.embeddings import VoiceEncoder

    return diarize(audio, spans, VoiceEncoder(context.model_path(model)), settings)


STAGE = Stage(
    name="diarize",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Finding out who speaks when",
    done="searched for speakers",
    aliases=("diarization",),
    pace=0.35,
    needs=("extract",),
    depends=("diarize.method", "diarize.speakers", "diarize.max_speakers"),
    artifact="diarization.json",
    accepts=lambda: readable("turns"),
)
