"""The application: routers, guard, headers and errors of one site."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.staticfiles import StaticFiles

from dubkit import __version__
from dubkit.web.accounts.audit import RecentDownloads
from dubkit.web.accounts.hosts import Hosts
from dubkit.web.accounts.identity import Identity
from dubkit.web.accounts.login import Logins
from dubkit.web.accounts.sessions import Sessions
from dubkit.web.accounts.users import Accounts
from dubkit.web.api.uploads import the_uploads
from dubkit.web.files.memories import Memories
from dubkit.web.files.trash import Trash
from dubkit.web.http.errors import Unexpected, add_error_handlers
from dubkit.web.http.guard import Guard
from dubkit.web.http.head import HeadOfPages
from dubkit.web.http.headers import BodyLimit, SecurityHeaders
from dubkit.web.http.metrics import Metered
from dubkit.web.http.openapi import describe
from dubkit.web.http.requestlog import RequestLog
from dubkit.web.http.strict import refuse_condition, refuse_unknown
from dubkit.web.settings import Serve
from dubkit.web.site import Site
from dubkit.web.templating import STATIC

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope


def create_app(site: Site) -> FastAPI:
    """Build the application that serves `site`."""
    # The interactive documentation pages of FastAPI load scripts from elsewhere, so there are none.
    app = FastAPI(
        title="dubkit",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        dependencies=[Depends(refuse_unknown), Depends(refuse_condition)],
    )
    # A server with host names of its own is behind a proxy, which speaks HTTPS.
    secure = not site.local or bool(Serve.of(site.settings).hosts)
    sessions = Sessions(site.secret, Serve.of(site.settings).session_hours, secure=secure)
    accounts = Accounts(site.database)
    identity = Identity(site, accounts, sessions)
    the_uploads(site).claim_earlier()
    Trash(site).sweep()
    app.state.site = site
    app.state.sessions = sessions
    app.state.identity = identity
    app.state.accounts = accounts
    app.state.recent = RecentDownloads()
    app.state.memories = Memories()
    app.state.ending = threading.Event()
    app.state.logins = Logins(site, accounts, sessions)
    for router in _routers():
        app.include_router(router)
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")
    add_error_handlers(app)
    describe(app)
    # The last one added is the outermost.
    app.add_middleware(HeadOfPages)
    hosts = Hosts(Serve.of(site.settings).hosts, local=site.local)
    app.add_middleware(Guard, hosts=hosts, identity=identity, sessions=sessions)
    app.add_middleware(BodyLimit)
    app.add_middleware(Unexpected)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    app.add_middleware(Metered)
    return app


def _routers() -> Iterable[APIRouter]:
    from dubkit.web.accounts import routes as accounts
    from dubkit.web.api import (
        episodes,
        generate,
        jobs,
        languages,
        lines,
        media,
        recordings,
        references,
        system,
        trash,
        uploads,
    )
    from dubkit.web.pages import admin, characters, films, library, login, new_job, review
    from dubkit.web.pages import jobs as job_pages
    from dubkit.web.pages import trash as trash_page

    return (
        login.router, accounts.router,
        trash.router, jobs.router, generate.router, episodes.router, languages.router, lines.router,
        recordings.router, references.router, media.router, uploads.router, system.router,
        library.router, job_pages.router, new_job.router, films.router, review.router,
        characters.router, admin.router, trash_page.router,
    )  # fmt: skip


class VersionedFiles(StaticFiles):
    """Files below `static`. Those with a version in the URL never change, so browsers cache them."""

    def file_response(
        self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200
    ) -> Response:
        """Answer with a file, and say how long it may be cached."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        versioned = scope["query_string"].startswith(b"v=")
        # JavaScript modules import one another without a version: they are validated each time (304).
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return answer
