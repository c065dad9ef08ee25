"""One log line for each request: who, what, how it ended. Never a query string, header or body."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.web.http.after_answers import AfterAnswers

if TYPE_CHECKING:
    from starlette.types import Scope

logger = logging.getLogger("dubkit.web.requests")


@dataclass(frozen=True, slots=True)
class RequestLog(AfterAnswers):
    """ASGI middleware that writes the log of requests."""

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        person = scope.get("state", {}).get("person")
        # A path is quoted: a line break in it must not begin a line of its own.
        logger.info(
            "%s %s %s %r %d in %.0f ms",
            (scope.get("client") or ("-",))[0],
            person.name if person else "-",
            scope["method"],
            scope["path"],
            status,
            seconds * 1000,
        )
