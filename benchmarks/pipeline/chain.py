"""What the chain and the store cost around a stage's own work: trivial stages over a real episode folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import dubkit.chain.plan as planning
from benchmarks.pipeline.measure import Comparison, Contender, Figure, interleaved, single
from dubkit.chain.chain import Chain, Request
from dubkit.chain.run import execute
from dubkit.chain.stage import Item, Sink, Stage
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.models.store import ModelStore
from dubkit.progress import Silent, Speeds

LANGUAGE = "fr"
SOUND = b"\0" * 4096
"""What a take holds: small, so that the disk's speed for large files stays out of the figure."""

REQUEST = Request((LANGUAGE,))


def measure(folder: Path, counts: Sequence[int], rounds: int) -> list[Figure]:
    """Return the costs per item for each number of items, below `folder`."""
    figures = []
    for count in counts:
        contenders = {"bare": Contender(partial(_bare_writes, folder / "bare", count))}
        for kind in ("values", "takes"):
            contenders |= _contenders(folder / kind, kind, count)
        compared = Comparison(f"chain, {count} items", interleaved(contenders, rounds))
        figures += compared.each("bare durable write, one file", "bare", count)
        for kind, what in (("values", "lines as records"), ("takes", "takes with a file")):
            figures += compared.each(f"{what}: first run", f"{kind} first", count)
            figures += compared.ratio(f"{what}: first run to bare write", f"{kind} first", "bare")
            syncs = _syncs(contenders[f"{kind} first"]) / count
            figures.append(single(compared.part, f"{what}: first run, syncs", "per item", syncs))
            figures += compared.each(f"{what}: run again, nothing to do", f"{kind} again", count)
            figures += compared.each(f"{what}: plan, nothing to do", f"{kind} plan", count)
    return figures


def trivial_stage(kind: str, count: int) -> Stage:
    """Return a stage of `count` items without work: its results are values, or takes with one small file."""
    due = [Item(f"s{number:04d}", inputs={"source": f"{number:064x}"}) for number in range(count)]

    def run_values(context: Context, items: Sequence[Item], sink: Sink) -> None:
        for item in items:
            sink.done(item.id, value={"text": item.id})

    def run_takes(context: Context, items: Sequence[Item], sink: Sink) -> None:
        for item in items:
            with sink.take(item.id) as take:
                (take.folder / "speech.wav").write_bytes(SOUND)

    def assemble(context: Context) -> None:
        found = context.store.records(kind, context.language)
        context.store.write_json("lines.json", [record.value for record in found.values()], context.language)

    takes = kind == "takes"
    return Stage(
        kind,
        1,
        "language",
        lambda context: due,
        run_takes if takes else run_values,
        depends=("mix.duck_db",),
        artifact="" if takes else "lines.json",
        assemble=None if takes else assemble,
        takes=takes,
    )


def _contenders(folder: Path, kind: str, count: int) -> dict[str, Contender]:
    first, again = _context(folder / "first"), _context(folder / "again")
    chain = Chain((trivial_stage(kind, count),))

    def run(context: Context) -> None:
        outcome = execute(chain, context, REQUEST, Silent(), Speeds())
        assert outcome.exit_code == 0, outcome.errors

    def plan() -> None:
        (planned,) = planning.plan(chain, again, REQUEST, Speeds())
        assert not planned.reasons, planned.reasons

    shutil.rmtree(again.store.root, ignore_errors=True)
    run(again)
    return {
        f"{kind} first": Contender(
            lambda: run(first), lambda: shutil.rmtree(first.store.root, ignore_errors=True)
        ),
        f"{kind} again": Contender(lambda: run(again)),
        f"{kind} plan": Contender(plan),
    }


def _syncs(contender: Contender) -> int:
    """Count how often the work waits for the disk, which costs what the disk makes it cost."""
    contender.prepare()
    with mock.patch.object(os, "fsync", wraps=os.fsync) as counted:
        contender.run()
    return counted.call_count


def _context(folder: Path) -> Context:
    store = EpisodeStore(folder)
    return Context(store, Settings(), folder / "source.mp4", "0" * 64, ModelStore(folder / "models"))


def _bare_writes(folder: Path, count: int) -> None:
    """Write `count` files as safely as can be with the fewest calls: write, sync, rename, sync the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        temporary, final = folder / "temporary", folder / f"{number}.json"
        with temporary.open("wb") as stream:
            stream.write(b"{}")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, final)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
