"""One episode from the outside: open its folder, take its lock, plan or run the chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dubkit.chain import Outcome, execute
from dubkit.config import Settings
from dubkit.context import Context, Fetching
from dubkit.episodes import Opened, locked, open_episode, remember_source
from dubkit.estimates import Estimate, estimate
from dubkit.ops.models import ModelStore
from dubkit.planning import Request, StagePlan, plan
from dubkit.progress import Progress, Speeds


@dataclass(frozen=True, slots=True)
class Session:
    """Everything a run needs besides the source and the request."""

    settings: Settings
    output: Path
    models: ModelStore
    speeds: Speeds


def dub(
    session: Session, source: Path, request: Request, progress: Progress, *, wait: bool = True
) -> Outcome:
    """Run the chain on `source`. Raises DubkitError when the source cannot be opened or is in use."""
    opened = open_episode(session.output, source)
    if opened.note:
        progress.note(opened.note)
    with locked(opened.store, wait=wait, on_wait=progress.note):
        remember_source(opened)
        return execute(_context(session, opened, progress.fetching), request, progress, session.speeds)


def plan_episode(session: Session, source: Path, request: Request) -> tuple[list[StagePlan], Estimate | None]:
    """Say what `dub` would do and what it would need; nothing is written."""
    context = _context(session, open_episode(session.output, source))
    plans = plan(context, request, session.speeds)
    return plans, estimate(context, plans)


def episode_context(session: Session, source: Path, language: str = "") -> Context:
    """Open an episode to read it."""
    return _context(session, open_episode(session.output, source)).fresh(language)


def finished_languages(context: Context) -> Sequence[str]:
    """Languages the episode has a translation in."""
    root = context.store.root
    if not root.is_dir():
        return ()
    return tuple(sorted(p.parent.name for p in root.glob("*/translation.json")))


def _context(session: Session, opened: Opened, fetching: Fetching | None = None) -> Context:
    return Context(
        opened.store, session.settings, opened.source, opened.sha256, session.models, fetching=fetching
    )
