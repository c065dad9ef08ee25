"""The trash page: what was deleted, and can be restored for some time. Changes go through `/api/trash`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dubkit.web.accounts.access import Editor
from dubkit.web.api.trash import trash
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/trash")
def trash_page(request: Request, site: OnSite, person: Editor) -> HTMLResponse:
    """Show what the person may restore, the newest first."""
    days = Serve.of(site.settings).trash_days
    return page(request, person, "trash.html", entries=trash(site, person), days=days)
