"""What a caller of the API wrote and the server would ignore: parameters that a route does not have, and
conditions that it cannot check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import HTTPException, Request

from dubkit.web.http.headers import is_upload

API = "/api/"


async def refuse_unknown(request: Request) -> None:
    """Refuse a request of the API with a query parameter that its route does not have. Raises HTTP 422."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if not request.query_params or dependant is None or not request.url.path.startswith(API):
        return
    known = frozenset(_names(dependant))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        there = f"there are {', '.join(sorted(known))}" if known else "there are none"
        raise HTTPException(
            422,
            [
                {"loc": ["query", name], "msg": f"no such parameter here; {there}", "type": "extra_forbidden"}
                for name in unknown
            ],
        )


async def refuse_condition(request: Request) -> None:
    """Refuse a change with an If-Match that its route does not check. Raises HTTP 412."""
    path, sent = request.url.path, request.headers.get("if-match", "*").strip()
    checked = "/{language}" in getattr(request.scope.get("route"), "path", "")
    if request.method in ("GET", "HEAD", "OPTIONS") or not path.startswith(API) or is_upload(path):
        return
    if sent != "*" and not checked:
        raise HTTPException(412, "There is no ETag to compare If-Match with here. Leave that header out.")


def _names(dependant: Any) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for one in dependant.dependencies:
        yield from _names(one)
