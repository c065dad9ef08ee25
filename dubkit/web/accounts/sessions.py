"""Sessions: a signed cookie that says who is logged in, and the CSRF token bound to it.

The cookie holds a random id, the user's name (empty before login) and the user's session version. It is
signed, not encrypted: nothing in it is secret but the id.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

RENEW = 0.1
"""Share of a session's lifetime after which an answer renews it, so that use keeps it alive."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser's session."""

    id: str
    user: str = ""
    version: int = 0

    @property
    def anonymous(self) -> bool:
        """True before login."""
        return not self.user


class Sessions:
    """Reads and writes the session cookies of one site."""

    def __init__(self, secret: bytes, hours: float, *, secure: bool) -> None:
        self._signer = URLSafeTimedSerializer(
            secret, salt="dubkit session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._csrf_key = hmac.digest(secret, b"dubkit csrf", "sha256")
        self.seconds = round(hours * 3600)
        self.secure = secure
        # The prefix makes browsers refuse a cookie that another host or a plain connection has set.
        self.cookie = "__Host-dubkit" if secure else "dubkit"

    def new(self, user: str = "", version: int = 0) -> Visit:
        """Begin a session; every login begins a new one."""
        return Visit(secrets.token_urlsafe(24), user, version)

    def read(self, value: str) -> tuple[Visit, bool] | None:
        """Return the session of a cookie, and whether it is due for renewal; None when it is not valid."""
        try:
            (key, user, version), signed = self._signer.loads(
                value, max_age=self.seconds, return_timestamp=True
            )
        except (BadData, ValueError, TypeError):
            return None
        if not (isinstance(key, str) and isinstance(user, str) and isinstance(version, int)):
            return None
        return Visit(key, user, version), time.time() - signed.timestamp() > RENEW * self.seconds

    def set_cookie(self, visit: Visit) -> str:
        """Return the Set-Cookie header of a session."""
        value = self._signer.dumps([visit.id, visit.user, visit.version])
        return f"{self.cookie}={value}; Max-Age={self.seconds}; {self._attributes}"

    @property
    def remove_cookie(self) -> str:
        """Set-Cookie header that removes the session."""
        return f"{self.cookie}=; Max-Age=0; {self._attributes}"

    @property
    def _attributes(self) -> str:
        return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")

    def csrf(self, visit: Visit) -> str:
        """Return the token that unsafe requests of a session must carry."""
        return hmac.new(self._csrf_key, visit.id.encode(), "sha256").hexdigest()

    def csrf_matches(self, visit: Visit, token: str) -> bool:
        """Compare a token in constant time."""
        return hmac.compare_digest(self.csrf(visit).encode(), token.encode("utf-8", "replace"))
