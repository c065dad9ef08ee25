"""What is finished in an episode, read from its records and artifacts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dubkit import __version__
from dubkit.chain.chain import Chain
from dubkit.chain.noticing import edit_remarks, notices, stage_remarks
from dubkit.chain.work import ASSEMBLED
from dubkit.episode.context import Context, finished_languages
from dubkit.episode.edits import LOCK_CONFLICT
from dubkit.episode.edits.places import ANCHORS
from dubkit.episode.line_states import Counts, LineState, line_states, worst_first
from dubkit.episode.results import heard_sounds
from dubkit.episode.store import HIDDEN, EpisodeStore, pretty
from dubkit.errors import DubkitError
from dubkit.qc.check import flag_words
from dubkit.types import EpisodeQc
from dubkit.types.music import SoundSpan
from dubkit.types.telling import Noticed, in_order, sentences


@dataclass(frozen=True, slots=True)
class StageRow:
    """Finished and failed items of one stage."""

    stage: str
    language: str
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """State of one language: its verdict in words, and its lines by how they stand."""

    tag: str
    verdict: str
    finished: bool
    """Whether the dub is there and measured."""
    lines: Counts
    flags: tuple[str, ...] = ()
    """The lines that need a look, each with why, in words: those that failed first."""


@dataclass(slots=True)
class Summary:
    """State of one episode."""

    folder: str
    stages: list[StageRow] = field(default_factory=list)
    languages: list[LanguageRow] = field(default_factory=list)
    remarks: list[Noticed] = field(default_factory=list)
    """All that was noticed, the heaviest first."""
    orphans: tuple[str, ...] = ()
    """Names of edits whose moment no longer has a segment."""
    sounds: tuple[SoundSpan, ...] = ()
    """Music and singing of the source."""
    made_by: str = __version__
    """Version of dubkit that collected it: another one may say other things."""

    @property
    def degraded(self) -> list[str]:
        """What is degraded or doubtful, as sentences."""
        return sentences(self.remarks)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return asdict(self) | {"degraded": self.degraded}


SUMMARY_FILE = f"{HIDDEN}/summary.json"
"""The summary as it was last collected: reading thousands of records for each look takes too long."""

WATCHED = (
    "edits.json",
    "transcript.json",
    "translation.json",
    "adaptation.json",
    "clips.json",
    "qc.json",
    "episode.json",
    "music.json",
    "recordings",
)
"""Files and folders, of the episode and of each language, that a summary is made from besides the records."""


def last_summary(chain: Chain, context: Context) -> Summary:
    """Return the summary that is kept; collect and keep it anew where that is missing or out of date."""
    if is_current(context.store):
        try:
            summary = context.store.read(SUMMARY_FILE, Summary)
            same = {row.tag for row in summary.languages} == set(finished_languages(context))
            if same and summary.made_by == __version__:
                return replace(summary, folder=str(context.store.root))
        except DubkitError:
            pass  # of another version
    return keep_summary(chain, context)


def kept_remarks(store: EpisodeStore) -> list[Noticed]:
    """Return the remarks of the summary as it was last kept: runs alone bring new ones; none before a run."""
    try:
        return store.read(SUMMARY_FILE, Summary).remarks
    except DubkitError:
        return []


def is_current(store: EpisodeStore) -> bool:
    """Tell whether the kept summary was made from what is there: it has the time of the newest part."""
    try:
        return store.path(SUMMARY_FILE).stat().st_mtime_ns == _newest(store)
    except OSError:
        return False


def _newest(store: EpisodeStore) -> int:
    """Return the time of the newest file or folder that a summary is made from, in nanoseconds."""
    times = [0]
    for path in _watched(store):
        with suppress(OSError):
            times.append(path.stat().st_mtime_ns)
    return max(times)


def _watched(store: EpisodeStore) -> Iterator[Path]:
    yield store.root / ANCHORS
    yield from (store.root / HIDDEN / "items").glob("*/*")
    for folder in (store.root, *store.root.glob("*/")):
        yield from (folder / name for name in WATCHED)


def keep_summary(chain: Chain, context: Context) -> Summary:
    """Collect the summary of an episode and write it where that is possible. Needs no lock.

    What changes meanwhile makes it outdated. Raises DubkitError when the episode cannot be read.
    """
    newest = _newest(context.store)
    summary = summarise(chain, context.fresh(""))
    try:
        with context.store.writing(SUMMARY_FILE, beside=True) as temporary:
            temporary.write_bytes(pretty(replace(summary, folder="")))  # it may be moved
            os.utime(temporary, ns=(newest, newest))
    except (OSError, DubkitError):
        pass  # a folder that can only be read is collected at each look
    return summary


def summarise(chain: Chain, context: Context) -> Summary:
    """Collect the state of an episode; nothing is written."""
    summary, noticed = Summary(str(context.store.root)), list[Noticed]()
    tags = tuple(finished_languages(context))
    for stage in chain.stages:
        for language in ("",) if stage.scope == "episode" or stage.shared else tags:
            records = context.store.records(stage.name, language)
            records.pop(ASSEMBLED, None)
            if not records or stage.light:
                continue
            failed = [r for r in records.values() if r.error]
            summary.stages.append(StageRow(stage.name, language, len(records) - len(failed), len(failed)))
            noticed += stage_remarks(stage, context.fresh(language), records.values())
    for tag in tags:
        here = context.fresh(tag)
        summary.languages.append(_language(here))
        summary.orphans = tuple(dict.fromkeys((*summary.orphans, *here.placed.orphans)))
        noticed += [*edit_remarks(here), *notices(chain.stages, here)]
    summary.remarks = in_order(noticed)
    summary.sounds = heard_sounds(context.store)
    return summary


def _language(context: Context) -> LanguageRow:
    states = line_states(context)
    counts, flags = Counts.of(states), tuple(_look(state) for state in worst_first(states))
    if not context.store.has("qc.json", context.language):
        return LanguageRow(context.language, f"not finished, {counts}", False, counts, flags)
    try:
        context.store.read("qc.json", EpisodeQc, context.language)
    except DubkitError as error:
        return LanguageRow(context.language, str(error), False, counts, flags)
    return LanguageRow(context.language, f"finished, {counts}", True, counts, flags)


def _look(state: LineState) -> str:
    """Say why a line needs a look: `Line 3: Failed, Cut short`."""
    titles = [flag_words(flag)[0] for flag in state.flags]
    if state.conflict and LOCK_CONFLICT not in state.flags:
        titles.append(flag_words(LOCK_CONFLICT)[0])
    return f"Line {state.number}: {', '.join(titles)}"
