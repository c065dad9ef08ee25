"""What is finished in an episode, read from its records and artifacts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from dubkit.chain.chain import Chain
from dubkit.chain.run import ASSEMBLED
from dubkit.episode.context import Context, finished_languages
from dubkit.episode.store import HIDDEN, EpisodeStore
from dubkit.errors import DiskFull, DubkitError
from dubkit.types import EpisodeQc


@dataclass(frozen=True, slots=True)
class StageRow:
    """Finished and failed items of one stage."""

    stage: str
    language: str
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """State of one language: its verdict in words, and the lines that need a look."""

    tag: str
    verdict: str
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Summary:
    """State of one episode."""

    folder: str
    stages: list[StageRow] = field(default_factory=list)
    languages: list[LanguageRow] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    orphans: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """Sentences about edits that no longer do what they were made for."""

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return asdict(self)


SUMMARY_FILE = f"{HIDDEN}/summary.json"
"""The summary that the last run wrote: records change in runs only, and there are thousands of them."""


def last_summary(chain: Chain, context: Context) -> Summary:
    """Return the summary that the last run wrote; collect it anew where that is missing or out of date."""
    if _is_current(context.store):
        try:
            summary = context.store.read(SUMMARY_FILE, Summary)
            if {row.tag for row in summary.languages} == set(finished_languages(context)):
                return summary
        except DubkitError:
            pass  # of another version
    return summarise(chain, context)


def _is_current(store: EpisodeStore) -> bool:
    """Tell whether no record is newer than the summary: a run that is killed writes none."""
    try:
        written = store.path(SUMMARY_FILE).stat().st_mtime_ns
        folders = (store.root / HIDDEN / "items").glob("*/*")
        return all(folder.stat().st_mtime_ns <= written for folder in folders)
    except OSError:
        return False


def keep_summary(chain: Chain, context: Context) -> None:
    """Write the summary of an episode after a run. Needs the lock."""
    try:
        context.store.write_json(SUMMARY_FILE, summarise(chain, context.fresh("")))
    except DiskFull:
        raise
    except DubkitError:
        context.store.path(SUMMARY_FILE).unlink(missing_ok=True)  # reading the episode reports the damage


def summarise(chain: Chain, context: Context) -> Summary:
    """Collect the state of an episode; nothing is written."""
    summary = Summary(str(context.store.root))
    tags = tuple(finished_languages(context))
    for stage in chain.stages:
        for language in ("",) if stage.scope == "episode" or stage.shared else tags:
            records = context.store.records(stage.name, language)
            records.pop(ASSEMBLED, None)
            if not records or stage.light:
                continue
            failed = [r for r in records.values() if r.error]
            summary.stages.append(StageRow(stage.name, language, len(records) - len(failed), len(failed)))
            summary.degraded.extend(f"{stage.name}: {note}" for r in records.values() for note in r.degraded)
            summary.degraded.extend(
                f"{stage.name} {r.item} failed: {r.error.splitlines()[0]}" for r in failed
            )
    for tag in tags:
        here = context.fresh(tag)
        summary.languages.append(_language(here))
        summary.orphans = tuple(dict.fromkeys((*summary.orphans, *here.placed.orphans)))
        summary.remarks = tuple(dict.fromkeys((*summary.remarks, *here.placed.remarks)))
    return summary


def _language(context: Context) -> LanguageRow:
    flags = [f"{line.id}: {', '.join(line.flags)}" for line in context.translation.lines if line.flags]
    if not context.store.has("qc.json", context.language):
        return LanguageRow(context.language, "not finished", tuple(flags))
    try:
        measured = context.store.read("qc.json", EpisodeQc, context.language)
    except DubkitError as error:
        return LanguageRow(context.language, str(error), tuple(flags))
    flags.extend(f"{line.id}: {', '.join(line.flags)}" for line in measured.lines if line.flags)
    flags.extend(f"episode: {flag}" for flag in measured.flags)
    lines = f"{len(measured.lines)} lines"
    return LanguageRow(
        context.language,
        f"finished, {lines}, {len(flags)} to look at" if flags else f"finished, {lines}",
        tuple(flags),
    )
