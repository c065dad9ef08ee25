"""The stages of the chain, in the order they run."""

from __future__ import annotations

from dubkit.stage import Stage
from stages.cast import STAGE as cast
from stages.diarize import STAGE as diarize
from stages.extract import STAGE as extract
from stages.mix import STAGE as mix
from stages.prompt import STAGE as prompt
from stages.qc import STAGE as qc
from stages.shots import STAGE as shots
from stages.speak import STAGE as speak
from stages.stitch import STAGE as stitch
from stages.transcribe import STAGE as transcribe
from stages.translate import STAGE as translate

STAGES: tuple[Stage, ...] = (
    extract,
    shots,
    diarize,
    transcribe,
    translate,
    cast,
    prompt,
    speak,
    mix,
    stitch,
    qc,
)
