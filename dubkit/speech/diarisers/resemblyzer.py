"""Diarisation on the processor: voices as vectors of the Resemblyzer encoder, clustered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.speech.diarization import DiarizationEngine, DiarizationTask
from dubkit.types import Diarization
from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.types.models import ResolvedModel

ROLE = "speaker"

MODEL = ModelSpec(
    role=ROLE,
    name="resemblyzer",
    licence="Apache-2.0",
    licence_url="https://github.com/resemble-ai/Resemblyzer/blob/master/LICENSE",
    about="Resemblyzer voice encoder, tells speakers apart",
    does="who speaks",
    without="All lines get one speaker, unless the turns are given with --use.",
    setting="models.speaker",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "pretrained.pt", 17_090_379, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
        ),
    ),
    main="pretrained.pt",
    required=("pretrained.pt",),
    # Without --no-deps it brings librosa, numba and a compiler run; only its weights are read.
    in_package=InPackage("--no-deps resemblyzer==0.1.4", "resemblyzer"),
    needs=("torch",),
    runtime_pip="torch==2.13.0",
)


def _encoder(task: DiarizationTask) -> ResolvedModel:
    """Return the voice encoder. Raises ModelMissing, which names every way to get it."""
    return task.host.model(ROLE) or task.host.fetch_model(ROLE)


def _hindrance(task: DiarizationTask) -> str:
    if task.host.model(ROLE) is None:
        return f"its voice encoder is not on this machine. Run: pip install {MODEL.pip}"
    return ""


def _diarize(audio: NDArray[np.float32], task: DiarizationTask) -> Diarization:
    from dubkit.speech.diarize import diarize
    from dubkit.speech.embeddings import VoiceEncoder
    from dubkit.speech.turns import doubted, single_speaker
    from dubkit.speech.vad import speech_spans

    spans = speech_spans(audio)
    if not spans:
        return single_speaker(spans)
    encoder = VoiceEncoder(task.host.model_path(_encoder(task)))
    return diarize(audio, spans, encoder, task.settings, lambda why: task.tell(doubted(why)))


ENGINE = DiarizationEngine(
    name="resemblyzer",
    title="the Resemblyzer voice encoder and clustering",
    hindrance=_hindrance,
    identity=lambda task: _encoder(task).identity,
    diarize=_diarize,
    models=(MODEL,),
)
