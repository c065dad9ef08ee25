"""Name what a service's error means for the user, with the service's own words and the next step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dubkit.services.names import ServiceNames

_AGAIN = "Run the same command again later: finished lines are kept."

_TRANSIENT = frozenset((408, 409, 425, 429))
_FILTER = re.compile(
    r"content[ _]filter|content management|content[ _]policy|safety (?:system|policy|filter)|moderation"
    r"|was flagged|data_inspection|inappropriate content|responsible ?ai"
)
_NO_MODEL = re.compile(
    r"model\b.{0,80}\b(?:not (?:be )?(?:found|exist|available|valid|supported|loaded)|does ?n[o']t exist"
    r"|unknown|decommissioned|deprecated)|(?:no such|unknown|invalid|unsupported|no) model|not a valid model"
    r"|model_not_found|no endpoints found"
)
_BAD_KEY = re.compile(
    r"api[ _-]?key|unauthori[sz]ed|authentica|\btoken\b.{0,20}(?:invalid|expired)"
    r"|invalid.{0,20}(?:\bkey\b|credential)"
)
_NO_CREDIT = re.compile(
    r"insufficient[_ ](?:quota|credit|balance|fund)|out of credit|no credit|more credits"
    r"|payment required"
)
# Some say this of the rate of a free plan too, and then for how long to wait.
_BILLING = re.compile(r"\bbilling\b")
_TOO_LARGE = re.compile(r"too (?:large|long|big)|reduce (?:the|your)")

Kind = Literal["no-credit", "passing", "key", "model", "address", "refused"]


class ServiceDown(Exception):
    """A request failed after every retry; the message says how and what to do."""

    may_pass = False
    """Whether the same request may succeed later, with nothing changed."""


class ServiceTroubled(ServiceDown):
    """The service answered every attempt with an error that may pass, such as 503."""

    may_pass = True


class ServiceUnreachable(ServiceDown):
    """Nothing answered at the service's address, or not in time."""

    may_pass = True


class ServiceRefused(ServiceDown):
    """The service will not serve any request: wrong key, unknown model, no credit."""


class Passing(Exception):
    """Trouble that may be over when the request is sent again."""

    def __init__(self, problem: ServiceDown, wait: float | None = None) -> None:
        super().__init__(str(problem).splitlines()[0])
        self.problem = problem
        """What to raise when it is not over."""
        self.wait = wait
        """Seconds that the service asks to wait."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is an error."""

    status: int
    said: str
    """All of the service's words."""
    words: str
    """Its words as a message shows them."""
    body: str = ""
    """The body as text: codes that are no sentences stand there."""
    wait: float | None = None
    """Seconds that the service asks to wait."""

    @property
    def _plain(self) -> str:
        return f"{self.said} {self.body}".casefold()

    @property
    def too_large(self) -> bool:
        """Whether a smaller request might be taken at once."""
        return bool(_TOO_LARGE.search(self.said.casefold()))

    @property
    def no_credit(self) -> bool:
        """Whether the key has nothing left to spend."""
        if self.status == 402 or _NO_CREDIT.search(self._plain):
            return True
        return self.wait is None and bool(_BILLING.search(self._plain))

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return (self.status in _TRANSIENT and not self.too_large and not self.no_credit) or self.status >= 500

    @property
    def filtered(self) -> bool:
        """Whether a filter stopped the lines themselves."""
        return self.status in (400, 403, 422, 451) and bool(_FILTER.search(self._plain))

    @property
    def kind(self) -> Kind:
        """What it means: `passing` may be over when the same request is sent again."""
        said = self.said.casefold()
        if self.no_credit:
            return "no-credit"
        if self.passing:
            return "passing"
        if self.status in (401, 403, 407) or (_BAD_KEY.search(said) and not _NO_MODEL.search(said)):
            return "key"
        if _NO_MODEL.search(said):
            return "model"
        return "address" if self.status in (404, 405, 410) else "refused"

    def error(
        self, names: ServiceNames, place: str, model: str, *, has_key: bool, attempts: int
    ) -> ServiceDown:
        """Return what to raise, with the sentence for people."""
        told = f"{self.status}: {self.words}"
        if self.kind == "passing":
            return ServiceTroubled(f"{place} failed {attempts} times ({told}).\n{_AGAIN}")
        refused = "refused the key" if has_key else "wants a key, and none was sent"
        sentences: dict[Kind, str] = {
            "no-credit": f"{place} has no credit left for this key ({told}).\n"
            "Top up the account or use another provider; finished lines are kept.",
            "key": f"{place} {refused} ({told}).\nSet OPENAI_API_KEY to a key that may use this model.",
            "model": f"{place} has no model {model!r} ({told}).\n"
            f"Set {names.model} to one that this service lists, and check {names.variable}.",
            "address": f"{place} does not serve {names.serves} at this address ({told}).\n"
            f"{names.check_address}",
            "refused": f"{place} does not accept the request ({told}).\n{names.check}",
        }
        return ServiceRefused(sentences[self.kind])


def no_answer(names: ServiceNames, place: str, what: str) -> ServiceDown:
    """Return the failure of a service whose answers are something else than what it is asked for."""
    return ServiceDown(
        f"The service at {place} did not answer as an OpenAI-compatible endpoint: it answered with {what}.\n"
        f"{names.check_address}"
    )


def unreachable(names: ServiceNames, place: str, why: str, attempts: int) -> ServiceUnreachable:
    """Return the failure of a service that nothing is heard of."""
    times = f" in {attempts} attempts" if attempts > 1 else ""
    return ServiceUnreachable(
        f"{place} was not reached{times} ({why}).\n"
        f"Check that the service runs and {names.variable} is right, then run the same command again."
    )
