"""Find out who speaks when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.errors import ModelMissing
from dubkit.formats.format import readable
from dubkit.speech.diarization import (
    DIARISERS,
    DiarizationEngine,
    DiarizationTask,
    choose_diariser,
)
from dubkit.types import Diarization
from stages.shared.host import RunHost, part_identity, part_settings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = ("diarize.method", "diarize.speakers", "diarize.max_speakers")


def items(context: Context) -> Sequence[Item]:
    engine, task = diariser(context)
    speech = context.file_digest("extract", "speech16k.wav")
    return [
        Item(
            EPISODE,
            inputs={"extract/speech16k.wav": speech},
            models={"speaker": part_identity(DIARISERS, engine, engine.identity(task))},
            settings=SETTINGS + part_settings(context, engine.settings, engine.table),
        )
    ]


def diariser(context: Context) -> tuple[DiarizationEngine, DiarizationTask]:
    """Return the diariser of this run, and its task."""
    task = DiarizationTask(context.settings.diarize, RunHost(context))
    engine = choose_diariser(task)
    return engine, task.for_engine(engine)


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.formats.content import Heading
    from dubkit.formats.rttm import write_rttm

    imported = context.user_file("diarize")
    diarization, degraded = _diarize(context) if imported is None else (_import(imported), [])
    sink.write_json("diarization.json", diarization)
    with sink.write("diarization.rttm") as temporary:
        temporary.write_bytes(write_rttm(diarization.turns, Heading(context.episode.name)))
    sink.done(EPISODE, files=["diarization.json", "diarization.rttm"], degraded=degraded)


def _import(file: Path) -> Diarization:
    from dubkit.formats.reading import read_turns

    return Diarization(turns=read_turns(file), method="import", embeddings={})


def _diarize(context: Context) -> tuple[Diarization, list[str]]:
    """Return the turns, and what is lost where `auto` found nothing better."""
    from dubkit.media.sound.audio import read_mono16

    engine, task = diariser(context)
    hindrance = engine.hindrance(task)
    if hindrance:
        raise ModelMissing(f"diarize.method is {task.settings.method!r}, but {hindrance}")
    lost = [engine.degraded] if engine.degraded and task.settings.method == "auto" else []
    return engine.diarize(read_mono16(context.speech), task), lost


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
    depends=SETTINGS,
    artifact="diarization.json",
    accepts=lambda: readable("turns"),
)
