"""One episode from the outside, also for library callers: open its folder, take its lock, run the chain.

The only place that joins settings, models, stages and an episode.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.chain.chain import Chain, Request
from dubkit.chain.estimate import estimate
from dubkit.chain.executor import open_executor
from dubkit.chain.plan import StagePlan, plan, with_folders
from dubkit.chain.run import LanguageFailure, Outcome, execute
from dubkit.chain.stage import Needs
from dubkit.chain.summary import SUMMARY_FILE, Summary, is_current, keep_summary, last_summary, summarise
from dubkit.config import Settings, all_settings, changed_settings, with_settings
from dubkit.episode.context import Context, Fetching, finished_languages
from dubkit.episode.folders import OpenEpisode, hold_episode, hold_lock, open_episode, reopen
from dubkit.episode.line_timing import LineTiming, line_timings
from dubkit.episode.store import HIDDEN, EpisodeStore, canonical, decode_json
from dubkit.errors import ArtifactDamaged, DubkitError, EpisodeBusy, places_explained
from dubkit.models.store import ModelStore
from dubkit.progress import Progress, Speeds
from dubkit.series.place import series_of

if TYPE_CHECKING:
    from dubkit.remote.places import RemoteOutput

__all__ = [
    "Request",
    "Session",
    "cache_folder",
    "chain",
    "context_of",
    "doubtful",
    "dub",
    "episode_context",
    "episode_summary",
    "fetch_source",
    "open_models",
    "open_place",
    "open_session",
    "open_speeds",
    "plan_episode",
    "planned_lengths",
    "renew",
    "unserved",
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
    remote: RemoteOutput | None = None
    """The store that the output folder stands for, where its place is a URL."""


def chain() -> Chain:
    """Return the chain of this installation: dubkit's own stages, and those of other packages."""
    import stages

    return stages.chain()


def episode_summary(context: Context, *, kept: bool = False) -> Summary:
    """Return the state of an episode: collected anew, or (`kept`) as it was last collected, if current."""
    return last_summary(chain(), context) if kept else summarise(chain(), context)


def open_session(settings: Settings, output: Path | str, origins: Mapping[str, str] | None = None) -> Session:
    """Open a session with the models and the measured speeds of this machine.

    `output` is a folder, or as text the URL of a store: episodes are then worked on in the cache folder.
    Raises StoreError where the store cannot be used.
    """
    remote = None
    if isinstance(output, str):
        from dubkit.remote.places import open_output

        remote = open_output(output, settings.store, cache_folder(settings))
        output = remote.folder
    return Session(settings, output, open_models(settings), open_speeds(settings), origins or {}, remote)


def fetch_source(settings: Settings, url: str) -> Path:
    """Return a file of this machine that is the source at a URL; it is fetched once."""
    from dubkit.remote.places import fetch_source

    return fetch_source(url, settings.store, cache_folder(settings))


def _open(session: Session, source: Path, *, look: bool = True) -> OpenEpisode:
    """Choose the folder of a source; in a store with what is there now, unless a run is to look later."""
    if session.remote is not None:
        return session.remote.open(source, look=look)
    return open_episode(session.output, source)


def open_place(output: Path | str, name: str, settings: Settings) -> Context:
    """Open an episode by the name of its folder in an output folder or, by URL, in a store.

    For a worker on another machine: it holds nothing itself, so only a run that holds the episode starts it.
    What it records goes into the store at once, files first. The source must be where the run found it.
    """
    session = open_session(settings, output)
    if session.remote is None:
        return context_of(session, reopen(session.output / name))
    store = session.remote.store(name)
    return context_of(session, replace(reopen(store.root), store=store))


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
    with places_explained():
        return _dub(session, source, request, progress, wait=wait)


def _dub(session: Session, source: Path, request: Request, progress: Progress, *, wait: bool) -> Outcome:
    def choose() -> OpenEpisode:
        return _open(session, source, look=False)

    with hold_episode(choose, wait=wait, on_wait=progress.note) as opened:
        if opened.note:
            progress.note(opened.note)
        _remember_settings(opened.store, session.settings)
        context = context_of(session, opened, progress.fetching)
        if context.series is not None:
            _ = context.series.words  # one that cannot be used stops a run before any work
        hindered = _unserved_here(context, request)
        served = tuple(language for language in request.languages if language not in hindered)
        _refuse(context, request)
        if hindered and not served:
            return Outcome(opened.store, errors=list(hindered.values()), failures=_failures(hindered))
        work = replace(request, languages=served)
        with open_executor(session.settings, tell=progress.note) as executor:
            outcome = execute(chain(), context, work, progress, session.speeds, executor)
        outcome.errors += hindered.values()
        outcome.failures += _failures(hindered)
        if outcome.ran or outcome.errors or not is_current(opened.store):
            _renew(context)
        return outcome


def _failures(hindered: Mapping[str, str]) -> list[LanguageFailure]:
    return [LanguageFailure(language, reason) for language, reason in hindered.items()]


def _refuse(context: Context, request: Request) -> None:
    """Raise before any work what a stage that takes part says may not be done."""
    for stage in (stage for _, part in chain().scopes(request, context) for stage in part):
        if stage.refuse is not None:
            stage.refuse(context, request.languages)


def renew(context: Context) -> None:
    """Bring reports and summary of an episode up to what people decided since the last run.

    Where a run goes on, or the folder can only be read, they are left: the run renews them when it ends.
    """
    if is_current(context.store):
        return
    with suppress(EpisodeBusy, OSError), hold_lock(context.store, wait=False, on_wait=lambda _: None):
        _renew(context)


def _renew(context: Context) -> None:
    from stages.shared.report import renew_report

    try:
        for language in finished_languages(context):
            renew_report(context.fresh(language))
        keep_summary(chain(), context)
    except DubkitError:
        context.store.path(SUMMARY_FILE).unlink(missing_ok=True)  # reading the episode reports the damage


def plan_episode(session: Session, source: Path, request: Request) -> tuple[list[StagePlan], Needs | None]:
    """Say what `dub` would do and what it would need; nothing is written."""
    from dubkit.media.files.probe import claimed_seconds

    context = context_of(session, _open(session, source))
    length = 0.0 if context.store.has("episode.json") else claimed_seconds(source)
    plans = plan(chain(), context, request, session.speeds, length)
    return plans, estimate(chain(), context, plans)


def planned_lengths(session: Session, source: Path, request: Request) -> dict[str, list[LineTiming]]:
    """Return language -> what is known of the timing of its lines, as far as they have texts already.

    Nothing is written and no model is loaded.
    """
    from stages.shared.reckoning import reckoner

    context = context_of(session, _open(session, source))
    found: dict[str, list[LineTiming]] = {}
    for language in request.languages:
        here = context.fresh(language)
        if here.store.has(TRANSCRIPT) and here.store.has("translation.json", language):
            with suppress(ArtifactDamaged):  # the run names the damage
                found[language] = list(line_timings(here, reckon=reckoner(here)).values())
    return found


def unserved(
    session: Session, request: Request, *, source_language: str = "", source: Path | None = None
) -> dict[str, str]:
    """Return target language -> why no translator or no voice here can serve it; asked before any work.

    Empty when every language of the request can be served. Nothing is written and no model is loaded, so it
    is cheap enough to ask when a job is submitted. The source's language is `source_language`, else the one
    that the settings name, else that of the transcript where `source` has an episode; while it is not known,
    only voices are judged. Raises SettingError for a language or a provider that does not exist.
    """
    if source is not None and not source_language:
        return _unserved_here(context_of(session, _open(session, source)), request)
    setup = _Setup(session.settings, session.models)
    return chain().hindrances(setup, request, source_language or _named_language(session.settings))


TRANSCRIPT = "transcript.json"
PROBES = ("en", "es", "fr", "de", "pt", "ja")
"""What a source of unknown language is tried as, to see whether anything translates into a target."""


def doubtful(session: Session, request: Request, source: Path) -> dict[str, str]:
    """Return target language -> what a run will stop at unless the source is in that language already.

    Only while the language of the source is not known; the others are judged by `unserved`.
    """
    context = context_of(session, _open(session, source))
    if _source_language(context, request):
        return {}
    surely = _unserved_here(context, request)
    found: dict[str, str] = {}
    for language in request.languages:
        others = [probe for probe in PROBES if probe != language.partition("-")[0]]
        one = replace(request, languages=(language,))
        reasons = [_hindrances(context, one, probe).get(language, "") for probe in others]
        if language not in surely and all(reasons):
            found[language] = reasons[0]
    return found


@dataclass(frozen=True, slots=True)
class _Setup:
    settings: Settings
    models: ModelStore


def _unserved_here(context: Context, request: Request) -> dict[str, str]:
    return _hindrances(context, request, _source_language(context, request))


def _hindrances(context: Context, request: Request, source: str) -> dict[str, str]:
    if _transcribed(context, request) and not context.transcript.segments:
        return {}  # nobody speaks, so nothing is translated or spoken
    context = with_folders(chain(), context, request)
    return chain().hindrances(
        context,
        request,
        source,
        given=lambda stage, language: context.fresh(language).user_file(stage.name) is not None,
    )


def _source_language(context: Context, request: Request) -> str:
    """Return the tag of the source's language by settings or transcript; empty while it is not known."""
    named = _named_language(context.settings)
    return named or (context.source_language if _transcribed(context, request) else "")


def _transcribed(context: Context, request: Request) -> bool:
    """Tell whether there is a transcript, and the request gives no file that a new one is made from."""
    new = any(chain().find(name, "--use").artifact == TRANSCRIPT for name in request.uses)
    return context.store.has(TRANSCRIPT) and not new


def _named_language(settings: Settings) -> str:
    named = settings.transcribe.language
    return "" if named == "auto" else named


def episode_context(session: Session, source: Path, language: str = "") -> Context:
    """Open an episode to read it."""
    return context_of(session, _open(session, source)).fresh(language)


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
    named = session.settings.series.file
    return Context(
        opened.store,
        session.settings,
        opened.source,
        opened.sha256,
        session.models,
        fetching=fetching,
        series=series_of(opened.source, named),
    )
