"""Send requests to a service, follow its own moves, and turn what goes wrong on the way into a failure."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from dubkit.errors import DubkitError
from dubkit.proxies import proxy_for, shown
from dubkit.services.address import call_address, clean_address, clean_key, open_client
from dubkit.services.failures import (
    Failure,
    Passing,
    ServiceRefused,
    no_answer,
    unreachable,
)
from dubkit.services.names import ServiceNames
from dubkit.services.waiting import LONGEST, TimeIsUp, asked_wait, pause, within
from dubkit.services.words import shortened, text_of, whole_words

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

Value = TypeVar("Value")

_REDIRECTS = 3
_NO_TLS = re.compile("WRONG_VERSION_NUMBER|record layer|packet length", re.IGNORECASE)


class Caller:
    """The way to one service, for one thread at a time.

    Raises the error of its names for an address, a key or a proxy that cannot be used.
    """

    def __init__(
        self, names: ServiceNames, address: str, key: str, *, seconds: float, attempts: int, keep: bool = True
    ) -> None:
        """Prepare to call: within `seconds` for one whole answer, `attempts` times for one piece of work.

        Without `keep` no connection outlives its request, so that nobody need close it.
        """
        self.names, self.attempts = names, attempts
        self.address = clean_address(address, names)
        self.stopped = Event()
        """Set from another thread when nobody waits for answers any more."""
        self.retries = 0
        """How often work was begun again."""
        self._key = clean_key(key, names)
        self._seconds, self._keep = seconds, keep
        self._client = open_client(self.address, seconds, names, keep=keep)
        self._moves = 0

    @property
    def place(self) -> str:
        """Its address as messages show it."""
        return shown(self.address)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def masked(self, text: str) -> str:
        """Return a text without the key."""
        return text.replace(self._key, "…") if self._key else text

    def persist(self, work: Callable[[], Value]) -> Value:
        """Return what `work` returns, begun again after passing trouble, or raise what it was."""
        for attempt in range(1, self.attempts + 1):
            try:
                return work()
            except Passing as trouble:
                wait = pause(attempt, trouble.wait)
                if attempt == self.attempts or wait > LONGEST or self.stopped.is_set():
                    raise trouble.problem from trouble
                log.debug("%s; again in %.1f s", trouble, wait)
                self.retries += 1
                self.stopped.wait(wait)
        raise AssertionError("the last attempt returns or raises")

    def add_version(self, said: str) -> bool:
        """Add what an address often lacks, if `said` is no word about models; return whether it was added."""
        if urlsplit(self.address).path or "model" in said.casefold():
            return False
        self.address += "/v1"
        return True

    def send(self, method: str, call: str, *, accept: str, **body: Any) -> httpx.Response:
        """Return the answer to a request, whatever its status, after moves of the service.

        Raises Passing or ServiceRefused when there is none.
        """
        while True:
            response = self._sent(method, call, accept, body)
            if not response.has_redirect_location:
                return response
            self._follow(response, call)

    def failure(self, response: httpx.Response, words: str = "", status: int = 0) -> Failure:
        """Return an answer as the failure that it is; `words` and `status` are those found inside it."""
        text = text_of(response.content)
        said = whole_words(text) or words
        told = self.masked(shortened(said)) or response.reason_phrase or "no details"
        return Failure(status or response.status_code, said, told, text, asked_wait(response.headers, text))

    def error(self, failure: Failure, model: str) -> Exception:
        """Return what to raise for a failure: Passing where the same request may succeed later."""
        error = failure.error(self.names, self.place, model, has_key=bool(self._key), attempts=self.attempts)
        return Passing(error, failure.wait) if failure.kind == "passing" else error

    def no_answer(self, what: str) -> Passing:
        """Return what to raise for an answer that is something else than what was asked for."""
        return Passing(no_answer(self.names, self.place, self.masked(what)))

    # --- sending ------------------------------------------------------------------------------

    def _sent(self, method: str, call: str, accept: str, body: dict[str, Any]) -> httpx.Response:
        import httpx

        client, seconds = self._client, self._seconds

        def request() -> httpx.Response:
            try:
                address = call_address(self.address, call)
                return client.request(method, address, headers=self._headers(accept), **body)
            finally:
                if client is not self._client:  # its time was up meanwhile
                    client.close()

        try:
            return within(seconds, request, self.stopped)
        except (TimeIsUp, httpx.TimeoutException) as error:
            # The connection on which an answer may still drip is left to the thread that reads it.
            self._client = open_client(self.address, seconds, self.names, keep=self._keep)
            raise self._not_reached(f"no whole answer within {seconds:g} s") from error
        except httpx.DecodingError as error:
            raise self.no_answer(f"what cannot be unpacked ({error})") from error
        except httpx.TransportError as error:
            raise self._not_sent(shortened(_why(error))) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise ServiceRefused(
                f"{self.place} cannot be asked ({shortened(str(error))}).\n{self.names.check}"
            ) from error

    def _headers(self, accept: str) -> dict[str, str]:
        if not self._key:
            return {"Accept": accept}
        # Azure knows a key by a header of its own.
        return {"Accept": accept, "Authorization": f"Bearer {self._key}", "api-key": self._key}

    def _not_sent(self, why: str) -> Exception:
        """Return what to raise for a request that found no way."""
        if "CERTIFICATE" in why.upper():
            return ServiceRefused(
                f"{self.place} shows a certificate that is not trusted ({why}).\nCheck {self.names.address}, "
                "or set SSL_CERT_FILE to a file with the certificate of its authority."
            )
        if self.address.startswith("https:") and _NO_TLS.search(why):
            return ServiceRefused(
                f"{self.place} does not speak https ({why}).\n"
                "Write its address with http:// if it is your own."
            )
        return self._not_reached(why)

    def _not_reached(self, why: str) -> Passing:
        proxy, variable = proxy_for(self.address)
        way = f"{why}, through the proxy {shown(proxy)} of {variable}" if proxy else why
        return Passing(unreachable(self.names, self.place, self.masked(way), self.attempts))

    def _follow(self, response: httpx.Response, call: str) -> None:
        """Take the address that a service sends requests on to, if it is its own."""
        location = response.headers["location"]
        try:
            moved = clean_address(urljoin(call_address(self.address, call), location), self.names)
        except (ValueError, DubkitError):
            raise ServiceRefused(
                f"{self.place} sends requests on to {shortened(location)!r}, which is no address "
                f"({response.status_code}).\n{self.names.check}"
            ) from None
        here, there = urlsplit(self.address), urlsplit(moved)
        self._moves += 1
        if here.hostname != there.hostname or (here.scheme, there.scheme) == ("https", "http"):
            raise ServiceRefused(
                f"{self.place} sends requests on to {shown(moved)} ({response.status_code}).\nSet "
                f"{self.names.address} to that address if it may have the key and the lines."
            )
        if self._moves > _REDIRECTS:
            raise ServiceRefused(f"{self.place} sends requests on again and again.\n{self.names.check}")
        self.address = moved


def _why(error: Exception) -> str:
    """Return what broke a connection: of an error and its causes the words that say most."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        if str(cause).strip():
            texts.append(str(cause).strip())
        cause = cause.__cause__ or cause.__context__
    return max(texts, key=len, default=type(error).__name__)
