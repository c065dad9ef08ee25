"""One episode from the outside, also for library callers: open its folder, take its lock, run the chain.

The only place that joins settings, models, stages and an episode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dubkit.chain.chain import Chain, Request
from dubkit.chain.estimate import estimate
from dubkit.chain.plan import StagePlan, plan
from dubkit.chain.run import Outcome, execute
from dubkit.chain.stage import Needs
from dubkit.chain.summary import Summary, keep_summary, last_summary, summarise
from dubkit.config import Settings, all_settings, changed_settings, with_settings
from dubkit.episode.context import Context, Fetching
from dubkit.episode.folders import OpenEpisode, hold_lock, open_episode, remember_source
from dubkit.episode.store import HIDDEN, EpisodeStore, canonical, decode_json
from dubkit.models.store import ModelStore
from dubkit.progress import Progress, Speeds

__all__ = [
    "Request",
    "Session",
    "cache_folder",
    "chain",
    "context_of",
    "dub",
    "episode_context",
    "episode_summary",
    "open_models",
    "open_session",
    "open_speeds",
    "plan_episode",
    "with_last_settings",
]


@dataclass(frozen=True, slots=True)
class Session:
    """Everything a run needs besides the source and the request."""

    settings: Settings
    output: Path
    models: ModelStore
    speeds: Speeds
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where each setting came from; one that is a default may be taken from an episode's last run."""


def chain() -> Chain:
    """Return the chain of this installation: dubkit's own stages, and those of other packages."""
    import stages

    return stages.chain()


def episode_summary(context: Context, *, kept: bool = False) -> Summary:
    """Return the state of an episode: collected anew, or (`kept`) as its last run wrote it, if current."""
    return last_summary(chain(), context) if kept else summarise(chain(), context)


def open_session(settings: Settings, output: Path, origins: Mapping[str, str] | None = None) -> Session:
    """Open a session with the models and the measured speeds of this machine."""
    return Session(settings, output, open_models(settings), open_speeds(settings), origins or {})


def open_speeds(settings: Settings) -> Speeds:
    """Open the speeds of past runs on this machine."""
    return Speeds(cache_folder(settings) / "speeds.json")


def cache_folder(settings: Settings) -> Path:
    """Return the folder of joined and downloaded models."""
    import platformdirs

    return Path(settings.models.cache or platformdirs.user_cache_dir("dubkit"))


def open_models(settings: Settings) -> ModelStore:
    """Open the models as the settings say."""
    from dubkit.models.catalogue import catalogue
    from dubkit.models.catalogue_generator import in_folder

    own = settings.models
    paths = in_folder(Path(own.generator).expanduser()) if own.generator else {}
    names = {entry.name for entry in all_settings()}
    for spec in catalogue():
        # A model of another package may name a setting that is not there; the doctor reports it.
        if spec.setting in names and not spec.setting_takes_repository:
            # Of a role's settings the first with a value counts: dubkit's own before other packages'.
            paths[spec.role] = paths.get(spec.role) or settings.value(spec.setting)
    return ModelStore(
        cache_folder(settings),
        paths,
        hub_endpoint=own.hub or None,
        offline=own.offline,
        token=own.token or None,
    )


def dub(
    session: Session, source: Path, request: Request, progress: Progress, *, wait: bool = True
) -> Outcome:
    """Run the chain on `source`. Raises DubkitError when the source cannot be opened or is in use."""
    opened = open_episode(session.output, source)
    if opened.note:
        progress.note(opened.note)
    with hold_lock(opened.store, wait=wait, on_wait=progress.note):
        remember_source(opened)
        _remember_settings(opened.store, session.settings)
        context = context_of(session, opened, progress.fetching)
        outcome = execute(chain(), context, request, progress, session.speeds)
        if outcome.ran or outcome.errors:
            keep_summary(chain(), context)
        return outcome


def plan_episode(session: Session, source: Path, request: Request) -> tuple[list[StagePlan], Needs | None]:
    """Say what `dub` would do and what it would need; nothing is written."""
    context = context_of(session, open_episode(session.output, source))
    plans = plan(chain(), context, request, session.speeds)
    return plans, estimate(chain(), context, plans)


def episode_context(session: Session, source: Path, language: str = "") -> Context:
    """Open an episode to read it."""
    return context_of(session, open_episode(session.output, source)).fresh(language)


SETTINGS = f"{HIDDEN}/settings.json"
"""Settings of the last run that are not the defaults, so that a single line is made again like the rest."""


def _remember_settings(store: EpisodeStore, settings: Settings) -> None:
    raw = canonical(changed_settings(settings))
    try:
        if store.path(SETTINGS).read_bytes() == raw:
            return
    except OSError:
        pass
    store.write_bytes(SETTINGS, raw)


def with_last_settings(session: Session, store: EpisodeStore, *, to_run: bool = False) -> Session:
    """Return the session with the settings of the episode's last run, except where others were set.

    Settings that are no more are left out. With `to_run`, a part that is no longer there, such as the voice
    engine of a package that was removed, is a SettingError: nothing is made anew with another one unsaid.
    """
    try:
        values = decode_json(store.path(SETTINGS).read_bytes(), dict[str, Any])
    except (OSError, ValueError):
        return session
    defaults = Settings()
    known = {entry.name: entry for entry in all_settings()}
    unset = {
        name: value
        for name, value in values.items()
        if name in known
        and session.origins.get(name, "default") == "default"
        and session.settings.value(name) == defaults.value(name)
    }
    for name, value in unset.items():
        if to_run and known[name].named_choices is not None:
            known[name].converted(value, "the episode's last run; set another, or install it again")
    settings = with_settings(session.settings, unset)
    if settings == session.settings:
        return session
    return replace(session, settings=settings, models=open_models(settings))


def context_of(session: Session, opened: OpenEpisode, fetching: Fetching | None = None) -> Context:
    """Return an episode folder as stages see it, with the settings and models of a session."""
    return Context(
        opened.store, session.settings, opened.source, opened.sha256, session.models, fetching=fetching
    )
