"""Find out who speaks when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from dubkit.speech.turns import hardly_heard
from dubkit.types import Diarization, Remark, remark
from stages.shared.host import RunHost, part_identity, part_settings
from stages.shared.machine_code import COMMON, NETWORKS

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
    diarization, remarks = _diarize(context) if imported is None else _import(imported)
    sink.write_json("diarization.json", diarization)
    with sink.write("diarization.rttm") as temporary:
        temporary.write_bytes(write_rttm(diarization.turns, Heading(context.episode.name)))
    sink.done(EPISODE, files=["diarization.json", "diarization.rttm"], remarks=remarks)


def _import(file: Path) -> tuple[Diarization, list[Remark]]:
    from dubkit.formats.reading import read_turns

    remarks: list[Remark] = []
    turns = read_turns(file, tell=remarks.append)
    return Diarization(turns=turns, method="import", embeddings={}), remarks


def _diarize(context: Context) -> tuple[Diarization, list[Remark]]:
    """Return the turns, what is lost where `auto` found nothing better, and doubts about their number."""
    from dubkit.media.sound.audio import read_mono16

    engine, task = diariser(context)
    hindrance = engine.hindrance(task)
    if hindrance:
        raise ModelMissing(f"diarize.method is {task.settings.method!r}, but {hindrance}")
    chosen = task.settings.method != "auto" or task.settings.speakers == 1
    remarks = [remark("one-speaker", engine.degraded)] if engine.degraded and not chosen else []
    found = engine.diarize(read_mono16(context.speech), replace(task, tell=remarks.append))
    if not task.settings.speakers and not remarks:
        remarks += hardly_heard(found.turns)
    return found, remarks


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
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS),
    depends=SETTINGS,
    artifact="diarization.json",
    accepts=lambda: readable("turns"),
)
