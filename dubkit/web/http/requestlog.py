"""One log line for each request: who, what, how it ended. Never a query string, header or body."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("dubkit.web.requests")


@dataclass(frozen=True, slots=True)
class RequestLog:
    """ASGI middleware that writes the log of requests."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.monotonic()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            person = scope.get("state", {}).get("person")
            # A path is quoted: a line break in it must not begin a line of its own.
            logger.info(
                "%s %s %s %r %d in %.0f ms",
                (scope.get("client") or ("-",))[0],
                person.name if person else "-",
                scope["method"],
                scope["path"],
                status,
                (time.monotonic() - begun) * 1000,
            )
