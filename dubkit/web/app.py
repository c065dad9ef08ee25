"""The application: routers, guard, headers and errors of one site."""

from __future__ import annotations

from fastapi import FastAPI

from dubkit.web.site import Site


def create_app(site: Site) -> FastAPI:
    """Build the application that serves `site`."""
    app = FastAPI(title="dubkit", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.site = site
    return app
