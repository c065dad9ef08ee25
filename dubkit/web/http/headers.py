"""Security headers of every answer, and limits of request bodies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Content-Security-Policy; the nonce of an answer allows its own style elements."""

FIXED = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers then send `Origin: null` with forms, which the guard refuses.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

LARGEST_BODY = 2_000_000
"""Bytes of the largest body that is not an upload."""

BODY_SECONDS = 60.0
"""Seconds in which a body that is not an upload must arrive: slower clients only hold connections."""

UPLOADS = "/api/uploads"
"""Path of uploads, which have limits of their own."""


LARGEST_RECORDING = 50_000_000
"""Bytes of the largest recording of a line."""


def is_upload(path: str) -> bool:
    """Tell whether uploads, or recordings of lines, are sent to a path; their routes limit them."""
    recording = path.startswith("/api/episodes/") and path.endswith("/recording")
    return path == UPLOADS or path.startswith(UPLOADS + "/") or recording


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    """ASGI middleware; sets `request.state.csp_nonce`, and every header that the route has not set."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(18)
        scope.setdefault("state", {})["csp_nonce"] = nonce

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FIXED.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce))
                # Answers may name people or episodes, so none is cached unless its route allows it.
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        await self.app(scope, receive, sending)


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """ASGI middleware that refuses bodies larger than `LARGEST_BODY` bytes with 413, and those that take
    longer than `BODY_SECONDS` with 408; uploads have limits of their own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_upload(scope.get("path", "")):
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        too_large = declared.isdigit() and int(declared) > LARGEST_BODY
        read, more, until = 0, True, 0.0

        async def reading() -> Message:
            nonlocal read, more, until
            # Raised where the body is read, so that it is answered like any other error of a route.
            if too_large:
                raise _refusal()
            if not more:  # after the body comes only that the client has gone, at any time
                return await receive()
            until = until or anyio.current_time() + BODY_SECONDS
            with anyio.move_on_after(until - anyio.current_time()) as limit:
                message = await receive()
            if limit.cancelled_caught:
                raise HTTPException(408, f"The body did not arrive within {BODY_SECONDS:g} seconds.")
            more = message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise _refusal()
            return message

        await self.app(scope, reading, send)


def _refusal() -> HTTPException:
    return HTTPException(413, f"The body is larger than {LARGEST_BODY:,} bytes.")
