"""The report of a batch: one page and one JSON file, written anew as episodes end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from dubkit.batch.folder import BatchFolder
from dubkit.batch.journal import EpisodeEntry
from dubkit.batch.result import LanguageResult, plain
from dubkit.episode.store import pretty
from dubkit.progress import duration
from dubkit.qc.numbers import clock

NextCommand = Callable[[str, tuple[str, ...]], str]
"""Source and languages -> the command that goes on with them, ready for a shell."""

WORDS = {
    "waiting": "Waiting",
    "running": "Running",
    "done": "Done",
    "degraded": "Degraded",
    "failed": "Failed",
    "quarantined": "Left out",
}
"""States as people read them."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One language of one episode."""

    episode: str
    source: str
    language: str
    state: str
    errors: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    lines: int = 0
    failed_lines: int = 0
    to_look_at: int = 0
    open_lines: int = 0
    duration: float = 0.0
    """Length of the episode in seconds."""
    seconds: float = 0.0
    """Time that the last attempt at the episode took, all languages together."""
    attempts: int = 0
    failures: int = 0
    """Failed runs of the batch since the file last changed."""
    peak_memory: int = 0
    dub: str = ""
    report: str = ""
    log: str = ""
    """Log of the last attempt, relative to the report."""
    next_command: str = ""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A whole batch as it stands."""

    name: str
    command: str
    """What goes on with the whole batch."""
    written: str
    over: bool
    """Whether nothing runs or waits any more."""
    exit_code: int
    counts: dict[str, int]
    """State -> number of results: one for each language of each episode."""
    episodes: int
    seconds_left: float
    finish: str
    """When all is expected to be done; empty when it is."""
    rows: tuple[BatchRow, ...]


@dataclass(frozen=True, slots=True)
class BatchTitle:
    """What the report says of the batch besides its episodes."""

    languages: tuple[str, ...]
    command: str
    next_command: NextCommand


def make_report(
    folder: BatchFolder, title: BatchTitle, entries: Iterable[EpisodeEntry], *, left: float, exit_code: int
) -> BatchReport:
    """Collect the report of a batch as it stands; `left` is the seconds to expect."""
    found = list(entries)
    rows = tuple(row for entry in found for row in _rows(entry, title))
    counts = {state: sum(row.state == state for row in rows) for state in WORDS}
    moment = datetime.now(UTC).astimezone()
    over = not any(entry.state in ("waiting", "running") for entry in found)
    finish = "" if over or left < 0 else (moment + timedelta(seconds=left)).isoformat(timespec="minutes")
    return BatchReport(
        name=folder.name,
        command=title.command,
        written=moment.isoformat(timespec="seconds"),
        over=over,
        exit_code=exit_code,
        counts={state: count for state, count in counts.items() if count},
        episodes=len(found),
        seconds_left=0.0 if over else round(max(0.0, left), 1),
        finish=finish,
        rows=rows,
    )


def _rows(entry: EpisodeEntry, title: BatchTitle) -> Iterable[BatchRow]:
    last = entry.last
    known: Sequence[LanguageResult] = last.result.languages if last else ()
    by_tag = {one.language: one for one in known}
    for tag in title.languages or ("",):
        result = by_tag.get(tag)
        # While an episode is tried again, what the last attempt said still explains why.
        state = result.state if result is not None and entry.over else entry.state
        if entry.state == "quarantined":
            state = "quarantined"
        failed = state in ("failed", "quarantined")
        yield BatchRow(
            episode=entry.id,
            source=plain(entry.source),
            language=tag,
            state=state,
            errors=result.errors if result else (),
            degraded=result.degraded if result else (),
            lines=result.lines if result else 0,
            failed_lines=result.failed_lines if result else 0,
            to_look_at=result.to_look_at if result else 0,
            open_lines=result.open_lines if result else 0,
            duration=round(entry.seconds, 2),
            seconds=last.seconds if last else 0.0,
            attempts=entry.attempts,
            failures=entry.failures,
            peak_memory=last.peak if last else 0,
            dub=result.dub if result else "",
            report=result.report if result else "",
            log=last.log if last else "",
            next_command=title.next_command(entry.source, (tag,) if tag else ()) if failed else "",
        )


def write_report(folder: BatchFolder, report: BatchReport) -> None:
    """Write the report as JSON and as a page, each whole or not at all."""
    _write(folder.table, pretty(report))
    _write(folder.page, render_batch(report, folder.path).encode("utf-8", "backslashreplace"))


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def render_batch(report: BatchReport, folder: Path) -> str:
    """Render the page; every text of the report is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dubkit.qc.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock, span=duration, link=lambda path: _link(path, folder))
    failed = [row for row in report.rows if row.state in ("failed", "quarantined")]
    return environment.get_template("batch.html.j2").render(
        report=report,
        failed=failed,
        words=WORDS,
        verdict=_verdict(report),
        finish=_moment(report.finish),
        written=_moment(report.written),
    )


def _link(path: str, folder: Path) -> str:
    """Return the address of a file, relative to the page; that of a store as it is."""
    if "://" in path:
        return path
    return quote(os.path.relpath(path, folder.absolute()).replace(os.sep, "/"))


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M") if text else ""


def _verdict(report: BatchReport) -> tuple[str, str]:
    """Return how the batch stands, as a tone and a sentence."""
    counts = [f"{count} {WORDS[state].lower()}" for state, count in report.counts.items()]
    sentence = f"{sum(report.counts.values())} results: {', '.join(counts) or 'none'}."
    bad = {"failed", "quarantined"} & report.counts.keys()
    return ("bad" if bad else "look" if "degraded" in report.counts else "good"), sentence
