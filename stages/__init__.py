"""The stages of the chain, in the order they run."""

from __future__ import annotations

from dubkit.chain.stage import Stage
from stages.cast import STAGE as cast
from stages.clips import STAGE as clips
from stages.decode import STAGE as decode
from stages.denoise import STAGE as denoise
from stages.diarize import STAGE as diarize
from stages.embed import STAGE as embed
from stages.encode import STAGE as encode
from stages.extract import STAGE as extract
from stages.faces import STAGE as faces
from stages.mix import STAGE as mix
from stages.paste import STAGE as paste
from stages.prompt import STAGE as prompt
from stages.qc import STAGE as qc
from stages.refine import STAGE as refine
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
    faces,
    translate,
    cast,
    prompt,
    clips,
    embed,
    encode,
    denoise,
    refine,
    decode,
    paste,
    speak,
    mix,
    stitch,
    qc,
)
