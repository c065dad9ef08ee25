"""Do the work of a job with the library's functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.chain.stage import EPISODE
from dubkit.episode.folders import folder_name, open_episode
from dubkit.errors import EditRefused
from dubkit.progress import Progress
from dubkit.review.best import dub_best
from dubkit.studio import Session, chain
from dubkit.types.telling import Noticed, in_order, sentences
from dubkit.web.jobs.kinds import JobWork
from dubkit.web.jobs.leases import Ending

MOST_REMARKS = 200
"""Remarks that a job keeps, the heaviest first; `degraded` names all that are more than notes."""


def request_of(work: JobWork) -> Request:
    """Return the request to the chain that a job makes."""
    return Request(work.languages, until=work.until)


def perform(session: Session, work: JobWork, progress: Progress) -> list[Outcome]:
    """Do the work and return one outcome for each run of the chain. Raises DubkitError."""
    source = Path(work.source)
    if work.kind == "dub":
        return [dub_best(session, source, request_of(work), progress)]
    from dubkit.review.regeneration import make_takes, render

    if work.kind == "render":
        outcomes = [render(session, source, tag, progress) for tag in work.languages]
        for tag in work.languages:
            _lock(session, work, tag, progress)
        return outcomes
    return [make_takes(session, source, tag, work.lines, progress) for tag in work.languages]


def _lock(session: Session, work: JobWork, language: str, progress: Progress) -> None:
    """Lock the lines that a render job names, now that their takes exist."""
    from dubkit.review.changes import Desk
    from dubkit.review.opening import of_folder

    for line in work.lines:
        context = of_folder(session, session.output / work.episode).fresh(language)
        try:
            Desk(context, "render").lock([line])
        except EditRefused as refused:
            progress.note(str(refused))


def will_generate(session: Session, work: JobWork) -> bool:
    """Tell whether a job comes to stages that need a graphics card.

    Raises a DubkitError when the engine that the settings name cannot work here.
    """
    scopes = chain().scopes(request_of(work), session)
    return any(stage.takes_card(session) for _, stages in scopes for stage in stages)


def episode_of(output: Path, source: Path) -> str:
    """Return the name of the episode folder that a source has below `output`, or would get.

    Raises MediaError when the source would have to be read and cannot be.
    """
    name = folder_name(source)
    return open_episode(output, source).store.root.name if (output / name).exists() else name


def ending_of(outcomes: Sequence[Outcome], *, only_made: bool = False) -> Ending:
    """Return how a job ended, from the outcomes of its runs.

    With `only_made` it is judged by what the runs made: of new takes of a line, the rest of the episode is no
    news.
    """
    ran: dict[str, int] = {}
    dubs: dict[str, str] = {}
    for outcome in outcomes:
        for stage, count in outcome.ran.items():
            ran[stage] = ran.get(stage, 0) + count
        for result in outcome.stages:
            if result.stage == "stitch" and not result.failed:
                record = outcome.store.record("stitch", EPISODE, result.language)
                if record is not None and record.files:
                    dubs[result.language] = record.files[0].path
    errors = list(dict.fromkeys(error for outcome in outcomes for error in outcome.errors))
    noticed = in_order(
        one for outcome in outcomes for one in (_said_of_made(outcome) if only_made else outcome.remarks)
    )
    degraded = tuple(sentences(noticed))
    found = {
        "episode": outcomes[0].store.root.name,
        "dubs": dubs,
        "ran": ran,
        "remarks": [asdict(one) for one in noticed[:MOST_REMARKS]],
    }
    state: Literal["failed", "degraded", "done"] = "failed" if errors else "degraded" if degraded else "done"
    return Ending(state, "\n".join(errors), degraded, found)


def _said_of_made(outcome: Outcome) -> list[Noticed]:
    """Return the remarks on what the run itself made."""
    return [
        one
        for result in outcome.stages
        for one in result.noticed
        if one.place in result.ran or EPISODE in result.ran
    ]
