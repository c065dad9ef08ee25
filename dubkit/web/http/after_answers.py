"""ASGI middleware that does something after each answer: the base of the request log and the metrics."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class AfterAnswers(ABC):
    """Calls `answered` once for each HTTP request, after the whole answer or the error that ended it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.monotonic()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            self.answered(scope, status, time.monotonic() - start)

    @abstractmethod
    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Take note of a request; `status` is 0 where no answer was begun."""
