"""What a run did to an episode, language by language, as its process tells the batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.episode.results import finished_dub
from dubkit.errors import DubkitError, EpisodeBusy
from dubkit.studio import Session, episode_context, episode_summary
from dubkit.types.telling import FOR_NOW, sentences

ResultState = Literal["done", "degraded", "failed"]


@dataclass(frozen=True, slots=True)
class LanguageResult:
    """How one language of an episode ended. Paths are absolute; empty where there is no such file."""

    language: str
    """Empty for a run that stops before the languages."""
    state: ResultState
    errors: tuple[str, ...] = ()
    may_pass: bool = False
    """Whether its errors, or what failed of its parts, may be over when the same run is made again."""
    degraded: tuple[str, ...] = ()
    lines: int = 0
    failed_lines: int = 0
    to_look_at: int = 0
    open_lines: int = 0
    dub: str = ""
    report: str = ""


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """How an episode ended."""

    languages: tuple[LanguageResult, ...]
    folder: str = ""
    duration: float = 0.0
    """Length in seconds; 0 where it is not known."""
    worked: bool = True
    """Whether anything ran: what is up to date already takes neither time nor memory."""
    busy: bool = False
    """Whether another run had the episode, so nothing was tried."""

    @property
    def state(self) -> ResultState:
        """The worst state of its languages."""
        states = {one.state for one in self.languages}
        return "failed" if "failed" in states else "degraded" if "degraded" in states else "done"

    @property
    def may_pass(self) -> bool:
        """Whether all that failed may be over when the same run is made again.

        Where no language failed, whether some parts of one failed for a reason that may pass.
        """
        failed = [one for one in self.languages if one.state == "failed"]
        if failed:
            return all(one.may_pass for one in failed)
        return any(one.may_pass for one in self.languages)


def plain(text: str) -> str:
    """Return a text that can be written: bytes of a file name that are no text become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def failed_result(languages: tuple[str, ...], error: str, *, may_pass: bool = False) -> EpisodeResult:
    """Return the result of an episode of which no language could be made."""
    sentence = plain(error)
    rows = (LanguageResult(tag, "failed", (sentence,), may_pass) for tag in languages or ("",))
    return EpisodeResult(tuple(rows))


def result_of_error(request: Request, error: DubkitError) -> EpisodeResult:
    """Return the result of a run that an error ended before it began."""
    result = failed_result(request.languages, str(error), may_pass=error.may_pass)
    return EpisodeResult(result.languages, busy=isinstance(error, EpisodeBusy))


def result_of_run(session: Session, source: Path, request: Request, outcome: Outcome) -> EpisodeResult:
    """Return the result of a run, with the figures of each language as they stand now."""
    try:
        context = episode_context(session, source)
        rows = {row.tag: row.lines for row in episode_summary(context, kept=True).languages}
        duration = float(context.episode.duration) if context.store.has("episode.json") else 0.0
    except DubkitError:
        rows, duration = {}, 0.0  # the source went away during the run, which said so
    results = []
    for tag in request.languages or ("",):
        failures = [one for one in outcome.failures if one.language in ("", tag)]
        noticed = [one for one in outcome.remarks if one.language in ("", tag) and one.weight != "note"]
        dub = finished_dub(outcome.store, tag) if tag and not failures else None
        report = outcome.store.root / tag / "report.html"
        lines = rows.get(tag)
        results.append(
            LanguageResult(
                tag,
                "failed" if failures else "degraded" if noticed else "done",
                tuple(dict.fromkeys(plain(one.sentence) for one in failures)),
                all(one.may_pass for one in failures)
                if failures
                else any(one.code == FOR_NOW for one in noticed),
                tuple(map(plain, sentences(noticed))),
                lines=lines.lines if lines else 0,
                failed_lines=lines.failed if lines else 0,
                to_look_at=lines.to_look_at if lines else 0,
                open_lines=lines.open if lines else 0,
                dub=_shown(outcome, dub) if dub else "",
                report=_shown(outcome, report) if tag and report.is_file() else "",
            )
        )
    folder = _shown(outcome, outcome.store.root)
    return EpisodeResult(tuple(results), folder, duration, worked=bool(outcome.ran))


def _shown(outcome: Outcome, path: Path) -> str:
    """Return where a file of the episode lies: an absolute path, or the URL of a store."""
    shown = outcome.store.shown(path)
    return shown if "://" in shown else str(Path(shown).absolute())
