"""What voices are cloned from, over HTTP: a piece of the source, or a recording that somebody uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from pydantic import Field

from dubkit.episode.edits.events import Event
from dubkit.review.changes import Desk
from dubkit.review.references import choose_reference, give_reference, reset_reference
from dubkit.review.speakers import SpeakerRow, speakers
from dubkit.web.accounts.access import Editor
from dubkit.web.accounts.audit import audit
from dubkit.web.api.dependencies import AtDesk, LineId
from dubkit.web.api.line_forms import Strict
from dubkit.web.api.lines import ANSWERS
from dubkit.web.api.recordings import BODY, REFUSED, recording_file
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api/episodes/{episode}/{language}", tags=["lines"], responses=ANSWERS)


class PieceChoice(Strict):
    """A piece of the source, by its number."""

    piece: Annotated[int, Field(ge=1, le=100)]


@router.put("/speakers/{speaker}/reference")
def choose(
    desk: AtDesk, speaker: LineId, body: PieceChoice, site: OnSite, person: Editor
) -> dict[str, list[SpeakerRow]]:
    """Clone a speaker's voice from a piece of the source."""
    return _changed(site, desk, person.name, choose_reference(desk, speaker, body.piece))


@router.delete("/speakers/{speaker}/reference")
def reset(desk: AtDesk, speaker: LineId, site: OnSite, person: Editor) -> dict[str, list[SpeakerRow]]:
    """Take back the reference that somebody chose: the best one counts again."""
    return _changed(site, desk, person.name, reset_reference(desk, speaker))


@router.post("/speakers/{speaker}/recording", responses=REFUSED, openapi_extra=BODY)
async def give(
    request: Request,
    desk: AtDesk,
    speaker: LineId,
    site: OnSite,
    person: Editor,
    text: Annotated[str, Query(max_length=2000, description="What is said in the recording.")] = "",
) -> dict[str, list[SpeakerRow]]:
    """Clone a speaker's voice from a recording, as a sound file in the body."""
    async with recording_file(request) as file:
        return await run_sync(_give, site, desk, speaker, file, text, person.name)


def _give(
    site: Site, desk: Desk, speaker: str, file: Path, text: str, who: str
) -> dict[str, list[SpeakerRow]]:
    return _changed(site, desk, who, give_reference(desk, speaker, file, text))


def _changed(site: Site, desk: Desk, who: str, event: Event | None) -> dict[str, list[SpeakerRow]]:
    if event is not None:
        place = f"{desk.context.store.root.name}/{desk.context.language}"
        audit(site, who, event.action, place, f"change {event.number}")
    return {"speakers": speakers(desk.context.fresh())}
