"""All speech is one speaker's: for machines without a voice model, and for a recording of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.speech.diarization import DiarizationEngine, DiarizationTask
from dubkit.speech.turns import single_speaker
from dubkit.types import Diarization

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "single"


def _diarize(audio: NDArray[np.float32], task: DiarizationTask) -> Diarization:
    from dubkit.speech.vad import speech_spans

    return single_speaker(speech_spans(audio))


ENGINE = DiarizationEngine(
    name=NAME,
    title="one speaker",
    hindrance=lambda task: "",
    identity=lambda task: NAME,
    diarize=_diarize,
    degraded="no speaker model found, so the whole episode counts as one speaker",
)
