"""An episode that a paced stage works on with an executor, and what it left."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dubkit.chain.chain import Chain, Request
from dubkit.chain.executor import Workforce, open_executor
from dubkit.chain.run import Outcome, execute
from dubkit.config import Settings, configure
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.models.store import ModelStore
from dubkit.progress import Silent, Speeds
from tests.support.paced_stages import PACED, PIDS, REFERENCE, write_plan


def settings(executor: str, **more: Any) -> Settings:
    flags = {"execute.executor": executor, **{f"execute.{name}": value for name, value in more.items()}}
    return configure(flags, environment={}).settings


def context_at(root: Path, chosen: Settings) -> Context:
    source = root / "source.txt"
    root.mkdir(parents=True, exist_ok=True)
    source.write_text("a source", "utf-8")
    return Context(EpisodeStore(root), chosen, source, "0" * 64, ModelStore(root / "cache"))


def run_paced(
    root: Path,
    chosen: Settings,
    *plan: str,
    notes: list[str] | None = None,
    executor: Workforce | None = None,
) -> Outcome:
    """Run a plan once, with an executor that is open, or one that is opened and closed for it."""
    write_plan(root, *plan)
    progress, context = Silent(), context_at(root, chosen)
    with nullcontext(executor) if executor else open_executor(chosen, REFERENCE, progress.note) as opened:
        outcome = execute(Chain((PACED,)), context, Request(()), progress, Speeds(), opened)
    if notes is not None:
        notes += progress.notes
    return outcome


def artifacts(root: Path) -> dict[str, bytes]:
    """Return the results of an episode: what it was made with and when aside."""
    left = ("history.jsonl", "source.txt", "plan.txt")
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in left and PIDS not in path.parts and "died-" not in path.name
    }


def begun(root: Path) -> list[str]:
    """Return the items in the order in which workers began them; one that ran twice is there twice."""
    marks = sorted((root / PIDS).iterdir(), key=lambda mark: int(mark.name.split("-")[-1]))
    return [mark.name.split("-")[0] for mark in marks]


def workers(root: Path) -> set[int]:
    """Return the processes that worked."""
    return {int(mark.name.split("-")[1]) for mark in (root / PIDS).iterdir()}


def errors(root: Path) -> dict[str, str]:
    """Return item -> why it failed."""
    records = (json.loads(path.read_bytes()) for path in sorted((root / ".dubkit/items").rglob("*.json")))
    return {record["item"]: record["error"] for record in records if record.get("error")}
