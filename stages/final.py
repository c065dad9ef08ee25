"""Lay the finished dub beside the chunks that were played while it was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubkit.chain.stage import EPISODE, Item, Setup, Sink, Stage
from dubkit.episode.context import Context
from stages.shared.playout import FINAL, FOLDER, LAST, publish, streams


def items(context: Context) -> Sequence[Item]:
    return [Item(EPISODE, inputs={"stitch": _dub(context)[1]})] if _dub(context)[0] else []


def _dub(context: Context) -> tuple[str, str]:
    """Return name and SHA-256 of the finished dub; empty while there is none."""
    record = context.record("stitch", EPISODE)
    ref = record.files[0] if record is not None and not record.error and record.files else None
    return (Path(ref.path).name, ref.sha256) if ref else ("", "")


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    """Lay the finished dub beside the chunks: the same file under a second name, else a copy."""
    import os
    import shutil

    name = _dub(context)[0]
    dub, final = context.store.path(name, context.language), f"{FOLDER}/{FINAL}{Path(name).suffix}"
    with sink.write(final) as temporary:
        try:
            os.link(dub, temporary)
        except OSError:  # not every file system has links
            shutil.copyfile(dub, temporary)
    sink.done(EPISODE, files=[final])


def _keeps_final(setup: Setup) -> bool:
    return streams(setup) and setup.settings.stream.output == "final"


STAGE = Stage(
    name=LAST,
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Laying the finished dub beside its chunks",
    done="laid",
    belongs=_keeps_final,
    pace=0.001,
    needs=("chunks", "stitch"),
    after=publish,
)
