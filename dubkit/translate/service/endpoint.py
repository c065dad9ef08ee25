"""Send requests to a chat service, and turn what comes back into a reply or a failure with a name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dubkit.errors import TranslationError
from dubkit.services.caller import Caller
from dubkit.services.failures import Failure
from dubkit.services.names import ServiceNames
from dubkit.translate.asking import Messages, Reply, TooLong
from dubkit.translate.service.fitting import Manner, too_long
from dubkit.translate.service.reading import Trouble, read_answer

if TYPE_CHECKING:
    from dubkit.translate.settings import Translate

log = logging.getLogger(__name__)

NAMES = ServiceNames(
    what="the translation service",
    serves="chat completions",
    address="translate.base_url (OPENAI_BASE_URL)",
    variable="OPENAI_BASE_URL",
    key="translate.api_key, OPENAI_API_KEY",
    model="translate.model",
    example="http://localhost:11434/v1 or https://api.openai.com/v1",
    error=TranslationError,
)

CALL = "chat/completions"
ACCEPT = "application/json, text/event-stream"


class Endpoint:
    """A chat service at an OpenAI-compatible address; a context manager.

    Raises TranslationError for an address, a key or a proxy that cannot be used.
    """

    def __init__(self, address: str, settings: Translate) -> None:
        self._model = settings.model
        self._caller = Caller(
            NAMES, address, settings.api_key, seconds=settings.timeout, attempts=settings.retries + 1
        )
        self._manner = Manner()

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self._caller.close()

    def ask(self, messages: Messages) -> Reply:
        """Send one request. Passing trouble is waited out; what the service does not take is left out.

        Raises ServiceDown and its kinds, or TooLong.
        """
        return self._caller.persist(lambda: self._answered(messages))

    def _answered(self, messages: Messages) -> Reply:
        """Return the reply, in whatever form the request is taken."""
        while True:
            body = self._manner.body(self._model, messages)
            response = self._caller.send("POST", CALL, accept=ACCEPT, json=body)
            success = response.is_success
            read = read_answer(response.content) if success else Trouble("", response.status_code)
            if isinstance(read, Reply):
                return read
            if not read.status:
                raise self._caller.no_answer(read.words)
            failure = self._caller.failure(response, read.words, read.status)
            if failure.filtered:
                return Reply("", refused=True)
            if not self._adapted(failure, messages):
                raise self._raised(failure)

    def _adapted(self, failure: Failure, messages: Messages) -> bool:
        """Ask in another form from now on; return whether there is one."""
        if failure.status == 404 and self._caller.add_version(failure.said):
            pass  # what servers call their address often lacks it
        elif (failure.status in (401, 429, 503) and not failure.too_large) or not self._manner.learn(
            failure.said, messages
        ):
            return False
        log.debug("%s: asked in another form, because: %s", self._caller.place, failure.words)
        return True

    def _raised(self, failure: Failure) -> Exception:
        size = failure.too_large or too_long(failure.said)
        if size and failure.kind in ("address", "refused"):
            return TooLong(
                f"{self._caller.place} has no room for the request ({failure.status}: {failure.words})."
            )
        return self._caller.error(failure, self._model)
