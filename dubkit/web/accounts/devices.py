"""Browsers that have logged in before: a signed cookie that says to which account, and nothing else.

It lets nobody in. A login that brings it is counted by itself, so that the failures of others do not slow it.
"""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadData, URLSafeTimedSerializer

KEPT_SECONDS = 180 * 24 * 3600
"""Age up to which a browser is known after its last login."""


class Devices:
    """Reads and writes the cookies of known browsers."""

    def __init__(self, secret: bytes, *, secure: bool) -> None:
        self._signer = URLSafeTimedSerializer(
            secret, salt="dubkit device", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._secure = secure
        self.cookie = "__Host-dubkit-device" if secure else "dubkit-device"

    def known(self, value: str, account: str) -> str:
        """Return the id of a browser that has logged in to an account before; empty for any other."""
        try:
            user, device = self._signer.loads(value, max_age=KEPT_SECONDS)
        except (BadData, ValueError, TypeError):
            return ""
        return device if isinstance(device, str) and user == account else ""

    def set_cookie(self, account: str) -> str:
        """Return the Set-Cookie header after a login."""
        value = self._signer.dumps([account, secrets.token_urlsafe(16)])
        secure = "; Secure" if self._secure else ""
        return f"{self.cookie}={value}; Max-Age={KEPT_SECONDS}; Path=/; HttpOnly; SameSite=Lax{secure}"
