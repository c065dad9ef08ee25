"""Make new takes of lines, and render the episode: estimate it, and do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.chain.chain import Request
from dubkit.chain.plan import StagePlan, plan
from dubkit.chain.run import Outcome
from dubkit.episode.context import Context
from dubkit.episode.folders import open_episode
from dubkit.progress import Progress, Speeds, spread, total_range
from dubkit.studio import Session, chain, dub, with_last_settings

SHORT_SECONDS = 120.0
"""Expected time of work that somebody can wait for."""

LAST = "speak"
"""Stage after which the take of a line is complete; later stages join all lines."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What a run would do, and how long it would take."""

    items: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Stage -> items; `?` when an earlier stage decides."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Stage/item -> why."""
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def nothing(self) -> bool:
        """Tell whether everything is up to date."""
        return not self.items

    @property
    def short(self) -> bool:
        """Tell whether somebody can wait for it."""
        return self.seconds[1] <= SHORT_SECONDS

    @property
    def text(self) -> str:
        """Return it as a sentence."""
        if self.nothing:
            return "Nothing to do: everything is up to date."
        parts = []
        for stage, items in self._to_make().items():
            record = chain().find(stage, "stage")
            many = (
                f"{len(items)} {record.unit}{'' if len(items) == 1 else 's'}" if items != ("?",) else "some"
            )
            named = f" ({', '.join(items)})" if record.unit == "line" and len(items) <= 5 else ""
            one = items in (("episode",), ("?",))
            done = record.done or record.name
            parts.append(done if one else f"{many} {done}{named}")
        back = sum(map(_is_restored, self.reasons.values()))
        if back:
            parts.insert(0, f"{back} chosen {'take' if back == 1 else 'takes'} restored")
        return f"{', '.join(parts)}; about {spread(*self.seconds)}."

    def _to_make(self) -> dict[str, tuple[str, ...]]:
        """Return the items without those that only get back a chosen take."""
        left = {
            stage: tuple(item for item in items if not _is_restored(self.reasons.get(f"{stage}/{item}", "")))
            for stage, items in self.items.items()
        }
        return {stage: items for stage, items in left.items() if items}


def _is_restored(reason: str) -> bool:
    """Tell whether an item is due only because a person chose a take for it."""
    return reason.startswith("edited: take ") and not reason.endswith("→ nothing")


def pending(context: Context, speeds: Speeds, lines: Sequence[str] = ()) -> Pending:
    """Return what new takes of some lines would need, or (no lines) a render of the episode."""
    return _summed(plan(chain(), context.fresh(""), _request(context.language, lines), speeds))


def make_takes(
    session: Session, source: Path, language: str, lines: Sequence[str], progress: Progress
) -> Outcome:
    """Make new takes of some lines and do nothing else; set their seeds before (`Desk.new_seeds`)."""
    return dub(_as_before(session, source), source, _request(language, lines), progress)


def render(
    session: Session,
    source: Path,
    language: str,
    progress: Progress,
    leave: frozenset[str] = frozenset(),
) -> Outcome:
    """Rebuild the dub from the takes in use; lines and clips of `leave` that failed are not tried again."""
    request = Request((language,), leave=leave)
    return dub(_as_before(session, source), source, request, progress)


def measure_again(session: Session, source: Path, language: str, progress: Progress) -> Outcome:
    """Measure the finished dub again; nothing else runs."""
    request = Request((language,), until="qc", start="qc", force=frozenset({"qc"}))
    return dub(_as_before(session, source), source, request, progress)


def _as_before(session: Session, source: Path) -> Session:
    return with_last_settings(session, open_episode(session.output, source).store, to_run=True)


def _request(language: str, lines: Sequence[str] = ()) -> Request:
    return Request((language,), until=LAST if lines else "", lines=frozenset(lines))


def _summed(plans: Sequence[StagePlan]) -> Pending:
    due = [p for p in plans if p.reasons or p.waits_for]
    return Pending(
        items={p.stage: tuple(p.reasons) or ("?",) for p in due},
        reasons={f"{p.stage}/{item}": reason for p in due for item, reason in p.reasons.items()},
        seconds=total_range({f"{p.stage}{p.language}": p.seconds for p in due}),
    )
