"""HEAD for pages: the headers of GET, without the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.web.http.errors import FOR_PROGRAMS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class HeadOfPages:
    """ASGI middleware that answers HEAD of a page with the headers of its GET.

    HEAD of files and of the API has routes of its own, which need not read the files.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        if not is_head or scope["path"].startswith(FOR_PROGRAMS):
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # A copy: the server reads the method in its own scope to know that no body is due.
        as_get = {**scope, "method": "GET"}
        try:
            await self.app(as_get, receive, sending)
        finally:
            if "route" in as_get:
                scope["route"] = as_get["route"]  # metrics count requests by route
