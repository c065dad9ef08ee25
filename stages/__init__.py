"""The stages of the chain, in the order they run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from dubkit.chain.chain import Chain
from dubkit.chain.stage import Stage
from dubkit.registry import Registry


def _lacking(stage: Stage, stages: Mapping[str, Stage]) -> str:
    missing = [name for name in stage.needs if name not in stages]
    return f"it needs the stage {', '.join(missing)}, which is not there" if missing else ""


STAGES = Registry(
    "stage",
    "dubkit.stages",
    Stage,
    (
        "stages.extract:STAGE",
        "stages.shots:STAGE",
        "stages.diarize:STAGE",
        "stages.transcribe:STAGE",
        "stages.faces:STAGE",
        "stages.translate:STAGE",
        "stages.cast:STAGE",
        "stages.prompt:STAGE",
        "stages.clips:STAGE",
        "stages.embed:STAGE",
        "stages.encode:STAGE",
        "stages.denoise:STAGE",
        "stages.refine:STAGE",
        "stages.decode:STAGE",
        "stages.render:STAGE",
        "stages.paste:STAGE",
        "stages.speak:STAGE",
        "stages.mix:STAGE",
        "stages.stitch:STAGE",
        "stages.qc:STAGE",
    ),
    table="",
    check=_lacking,
)


@cache
def chain() -> Chain:
    """Return the chain of this installation: dubkit's own stages, and those of other packages."""
    others = STAGES.others
    return Chain.of((stage for stage in STAGES if stage not in others), others)
