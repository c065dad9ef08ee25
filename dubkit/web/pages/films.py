"""The page of a new film: a prompt or a storyboard."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dubkit.web.accounts.access import Editor
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

EXAMPLE = """\
[elements.ana]
trigger = "Ana"
look = "a woman of thirty in a yellow raincoat"

[[scenes]]
setting = "A wooden pier at dawn."

[[scenes.shots]]
prompt = "Ana walks along the pier."

[[scenes.shots]]
prompt = 'Ana stops and says: "It is cold."'
"""


@router.get("/generate")
def film_page(request: Request, person: Editor) -> HTMLResponse:
    """Show the form of a new film."""
    return page(request, person, "generate.html", example=EXAMPLE)
