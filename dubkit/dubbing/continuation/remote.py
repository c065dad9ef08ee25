"""States and blobs on a service that workers share: `dubkit worker --states`."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import BLOB_ID, blob_id_of
from dubkit.errors import DubkitError
from dubkit.proxies import shown
from dubkit.services.address import clean_address, clean_key, open_client
from dubkit.services.names import ServiceNames
from dubkit.services.waiting import pause
from dubkit.services.words import shortened

if TYPE_CHECKING:
    import httpx

STATE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
CHECKSUM = "x-sha256"
"""Header of an answer: the SHA-256 of the state in it, in hexadecimal digits."""
_PASSING = frozenset((408, 429, 502, 503, 504))


class HandoverFailed(DubkitError):
    """A state or blob could not be kept by the service, or not be had from it."""


NAMES = ServiceNames(
    what="the service of states",
    serves="states",
    address="the state's address",
    variable="the address",
    key="states.token (DUBKIT_STATES_TOKEN)",
    model="",
    example="http://127.0.0.1:8020/states/shot003",
    error=HandoverFailed,
)


class RemoteStates:
    """A service of states at a base address such as `http://127.0.0.1:8020`; a blob store, too.

    Requests that may pass are sent again, `attempts` times in all. Every checksum is looked at, in both
    directions.

    Raises:
        HandoverFailed: an address or token that cannot be, no answer, or one that refuses.
    """

    def __init__(self, address: str, token: str, *, seconds: float = 300.0, attempts: int = 4) -> None:
        self.address = clean_address(address, NAMES)
        self._token = clean_key(token, NAMES)
        if not self._token:
            raise HandoverFailed(
                f"{shown(self.address)} wants a token, and none is set.\n"
                "Set DUBKIT_STATES_TOKEN to the one that the service was started with."
            )
        self._attempts = attempts
        # No connection outlives its request, so that nobody need close the client.
        self._client = open_client(self.address, seconds, NAMES, keep=False)

    def put(self, data: bytes, *, mime: str = "") -> str:
        """Keep some bytes; return the id that gives them back."""
        blob_id = blob_id_of(data)
        kind = {"Content-Type": mime or "application/octet-stream"}
        self._ask("PUT", f"blobs/{blob_id}", f"blob {blob_id}", content=data, headers=kind)
        return blob_id

    def get(self, blob_id: str) -> bytes:
        """Return the bytes of an id. Raises KeyError when the service does not have it."""
        if not BLOB_ID.fullmatch(blob_id):
            raise KeyError(blob_id)
        response = self._ask("GET", f"blobs/{blob_id}", f"blob {blob_id}", missing=True)
        if response is None:
            raise KeyError(blob_id)
        if blob_id_of(response.content) != blob_id:
            raise HandoverFailed(
                f"Blob {blob_id} of {shown(self.address)} is damaged: its bytes have changed.\n"
                "Make the clip before again, which stores it anew."
            )
        return response.content

    def save(self, name: str, state: ContinuationState) -> None:
        """Keep a state under a name, in the place of an earlier one. Its blobs must be there."""
        self._check(name)
        text = state.to_json().encode()
        digest = hashlib.sha256(text).hexdigest()
        json = {"Content-Type": "application/json"}
        self._ask("PUT", f"states/{name}?sha256={digest}", f"state {name}", content=text, headers=json)

    def load(self, name: str) -> ContinuationState:
        """Return the state of a name."""
        self._check(name)
        response = self._ask("GET", f"states/{name}", f"state {name}", missing=True)
        if response is None:
            raise HandoverFailed(
                f"{shown(self.address)} has no state {name}.\n"
                "Store it when the previous clip is made; the service drops old ones after states.keep_hours."
            )
        if hashlib.sha256(response.content).hexdigest() != response.headers.get(CHECKSUM):
            raise HandoverFailed(
                f"State {name} of {shown(self.address)} came damaged.\nAsk again, or store it anew."
            )
        try:
            return ContinuationState.from_json(response.content)
        except ValueError as error:
            raise HandoverFailed(
                f"State {name} of {shown(self.address)}: {error}\nCheck the address."
            ) from error

    def _check(self, name: str) -> None:
        if not STATE_NAME.fullmatch(name):
            raise HandoverFailed(
                f"{name!r} is no name of a state: letters, digits, '.', '_' and '-', 100 at most.\n"
                f"Write an address such as {NAMES.example}."
            )

    def _ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        missing: bool = False,
    ) -> httpx.Response | None:
        """Return the answer of the service; None for 404 where something may be missing."""
        import httpx

        every = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        for attempt in range(1, self._attempts + 1):
            try:
                url = f"{self.address}/{path}"
                response = self._client.request(method, url, content=content, headers=every)
            except httpx.TransportError as error:
                problem = f"{shown(self.address)} was not reached ({shortened(str(error)) or 'no answer'})"
            else:
                if response.is_success:
                    return response
                if response.status_code == 404 and missing:
                    return None
                problem = self._refusal(response, what)
                if response.status_code not in _PASSING:
                    raise HandoverFailed(problem)
            if attempt < self._attempts:
                time.sleep(pause(attempt, None))
        raise HandoverFailed(
            f"{problem}, {self._attempts} times.\nCheck that `dubkit worker --states` runs there."
        )

    def _refusal(self, response: httpx.Response, what: str) -> str:
        place = shown(self.address)
        if response.status_code in (401, 403):
            return (
                f"{place} refused the token.\n"
                "Set DUBKIT_STATES_TOKEN to the one that the service was started with."
            )
        try:
            said = str(response.json()["detail"])
        except (ValueError, KeyError, TypeError):
            said = shortened(response.text) or response.reason_phrase
        said = said.replace(self._token, "…")
        return f"{place} did not take or give {what} ({response.status_code}: {said})"


def split_address(address: str) -> tuple[str, str]:
    """Return the base address of a service and the name of a state, of `http://HOST:PORT/states/NAME`.

    Raises:
        HandoverFailed: an address of another form.
    """
    base, found, name = address.partition("/states/")
    if not found or not STATE_NAME.fullmatch(name) or not urlsplit(base).netloc:
        raise HandoverFailed(
            f"{shown(address)} is no address of a state.\nWrite one such as {NAMES.example}."
        )
    return base, name
