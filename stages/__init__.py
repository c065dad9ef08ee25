"""The stages of the chain, in the order they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from dubkit.chain.chain import Chain
from dubkit.chain.stage import Stage
from dubkit.registry import Registry

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.progress import Progress


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
        "stages.music:STAGE",
        "stages.nonverbal:STAGE",
        "stages.separate:STAGE",
        "stages.references:STAGE",
        "stages.faces:STAGE",
        "stages.people:STAGE",
        "stages.translate:STAGE",
        "stages.cast:STAGE",
        "stages.adapt:STAGE",
        "stages.prompt:STAGE",
        "stages.clips:STAGE",
        "stages.express:STAGE",
        "stages.schedule:STAGE",
        "stages.speak:DRIVE",
        "stages.given:STAGE",
        "stages.embed:STAGE",
        "stages.encode:STAGE",
        "stages.denoise:STAGE",
        "stages.refine:STAGE",
        "stages.decode:STAGE",
        "stages.render:STAGE",
        "stages.paste:STAGE",
        "stages.borders:STAGE",
        "stages.speak:BY_CHUNK",
        "stages.speak:STAGE",
        "stages.chunks:STAGE",
        "stages.mix:STAGE",
        "stages.stitch:STAGE",
        "stages.final:STAGE",
        "stages.qc:STAGE",
    ),
    table="",
    check=_lacking,
)


@cache
def chain() -> Chain:
    """Return the chain of this installation: dubkit's own stages, and those of other packages."""
    from stages.shared.report import MEASURING

    others = STAGES.others
    ordered = Chain.of((stage for stage in STAGES if stage not in others), others).stages
    measured = next(place for place, stage in enumerate(ordered) if stage.name == MEASURING)
    return Chain((*ordered[: measured + 1], *(_reported(stage) for stage in ordered[measured + 1 :])))


def _reported(stage: Stage) -> Stage:
    """Return a stage that runs after the report was written, so that the report is written again after it."""

    def after(context: Context, languages: Sequence[str], progress: Progress) -> None:
        from stages.shared.report import rewrite_report

        if stage.after is not None:
            stage.after(context, languages, progress)
        if context.store.has("qc.json", context.language):
            rewrite_report(context)

    return replace(stage, after=after)
