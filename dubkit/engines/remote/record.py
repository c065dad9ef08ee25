"""Clips made by workers on other machines: each asked in turn, and another where one dies."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.engines.engine import ClipMade, ClipOrder, TakeEngine
from dubkit.engines.remote.settings import TABLE, RemoteSettings, token_hindrance
from dubkit.engines.remote.wire import PackageRefused, read_made, write_order
from dubkit.errors import ClipWorkersDown, GeneratorError
from dubkit.host import Host
from dubkit.services.address import open_client
from dubkit.services.names import ServiceNames

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

POLL = (0.1, 2.0)
"""Seconds between two questions whether a clip is there: the first, and the longest."""


NAMES = ServiceNames(
    what="the clip worker",
    serves="clips",
    address=f"{TABLE}.addresses",
    variable="DUBKIT_DUB_REMOTE_ADDRESSES",
    key=f"{TABLE}.token (DUBKIT_DUB_REMOTE_TOKEN)",
    model="",
    example="http://192.168.1.20:8100",
    error=GeneratorError,
)


class _Elsewhere(Exception):
    """This worker cannot make the clip now; the message is a clause."""


def _hindrance(host: Host) -> str:
    settings = host.table(TABLE, RemoteSettings)
    if not settings.listed:
        return (
            f"no worker is named. Start `dubkit worker --clips` somewhere, and set {TABLE}.addresses to it."
        )
    return token_hindrance(settings.token)


def _make(order: ClipOrder) -> ClipMade:
    """Make a clip at one of the workers. Raises GeneratorError; ClipWorkersDown where that may pass."""
    settings: RemoteSettings = order.settings
    with tempfile.TemporaryDirectory(prefix="dubkit-remote-") as name:
        package = Path(name) / "order.zip"
        write_order(order, settings.engine, package)
        job = hashlib.sha256(package.read_bytes()).hexdigest()
        first = int(job, 16) % len(settings.listed)
        addresses = settings.listed[first:] + settings.listed[:first]
        problems: dict[str, str] = {}
        for turn in range(settings.rounds):
            for address in addresses:
                try:
                    return _Worker(address, settings).make(package, job, order, Path(name))
                except _Elsewhere as reason:
                    log.debug("clip %s is not made at %s: %s", order.clip.id, address, reason)
                    problems[address] = str(reason)
            if turn + 1 < settings.rounds:
                time.sleep(min(2.0**turn, 30.0))
    told = "\n".join(f"  {address}: {problem}" for address, problem in problems.items())
    raise ClipWorkersDown(
        f"remote: no worker could make clip {order.clip.id}:\n{told}\n"
        "Look whether `dubkit worker --clips` runs there, and run again."
    )


@dataclass(frozen=True, slots=True)
class _Worker:
    """One worker while it is asked for a clip."""

    address: str
    settings: RemoteSettings

    def make(self, package: Path, job: str, order: ClipOrder, folder: Path) -> ClipMade:
        """Hand an order over, wait, and fetch the clip. Raises _Elsewhere and GeneratorError."""
        import httpx

        with open_client(self.address, self.settings.answer, NAMES) as client:
            client.base_url = httpx.URL(self.address)
            client.headers["Authorization"] = f"Bearer {self.settings.token}"
            try:
                began = time.monotonic()
                self._hand_over(client, package, job)
                self._wait(client, job, order, began)
                made = self._fetch(client, job, folder)
                client.delete(f"/clips/{job}")
            except httpx.HTTPError as error:
                raise _Elsewhere(f"it does not answer ({type(error).__name__}: {error})") from error
        log.debug("clip %s was made at %s in %.1f s", order.clip.id, self.address, time.monotonic() - began)
        return made

    def _hand_over(self, client: httpx.Client, package: Path, job: str) -> None:
        size = package.stat().st_size
        # Asked first: of a body that is refused while it is sent, the answer can be lost.
        most = self._check(client.get("/health")).get("max_mb")
        if isinstance(most, int) and size > most << 20:
            reason = f"the order has {size / (1 << 20):.0f} MB, and it takes {most} ({TABLE}.max_mb there)"
            raise _Elsewhere(reason)
        with package.open("rb") as body:
            answer = client.put(f"/clips/{job}", content=_blocks(body), headers={"Content-Length": str(size)})
        self._check(answer)

    def _wait(self, client: httpx.Client, job: str, order: ClipOrder, began: float) -> None:
        pause, longest = POLL
        while True:
            state = self._check(client.get(f"/clips/{job}"))
            if state.get("state") == "done":
                return
            if state.get("state") == "failed":
                raise GeneratorError(f"{self.address}: {state.get('error') or 'the clip could not be made'}")
            if time.monotonic() - began > self.settings.timeout:
                client.delete(f"/clips/{job}")
                raise _Elsewhere(f"clip {order.clip.id} was not there within {self.settings.timeout:g} s")
            time.sleep(pause)
            pause = min(pause * 1.5, longest)

    def _fetch(self, client: httpx.Client, job: str, folder: Path) -> ClipMade:
        path, digest = folder / "made.zip", hashlib.sha256()
        with client.stream("GET", f"/clips/{job}/film") as answer:
            if answer.status_code != 200:
                answer.read()
                self._check(answer)
            with path.open("wb") as file:
                for block in answer.iter_bytes(1 << 20):
                    digest.update(block)
                    file.write(block)
            if digest.hexdigest() != answer.headers.get("X-Content-SHA256"):
                raise _Elsewhere("its clip arrived damaged")
        with tempfile.TemporaryDirectory(dir=folder) as name:
            try:
                return read_made(path, Path(name))[1]
            except PackageRefused as reason:
                raise GeneratorError(f"{self.address} sent a clip that cannot be read: {reason}.") from reason

    def _check(self, answer: httpx.Response) -> dict[str, Any]:
        """Return what a worker answered. Raises _Elsewhere, or GeneratorError for what another try leaves."""
        try:
            said = answer.json()
        except ValueError:
            said = {}
        said = said if isinstance(said, dict) else {}
        if answer.is_success:
            return said
        reason = str(said.get("error") or f"it answered with status {answer.status_code}")
        if answer.status_code in (401, 403):
            raise GeneratorError(
                f"{self.address} refuses the token. Set {TABLE}.token to that of the worker."
            )
        raise _Elsewhere(reason)


def _blocks(body: Any) -> Any:
    while block := body.read(1 << 20):
        yield block


ENGINE = TakeEngine(
    name="remote",
    title="Workers on other machines: they move the lips of clips for speech that is given",
    hindrance=_hindrance,
    settings=RemoteSettings,
    drives=True,
    card=False,  # those of the workers
    speaks=False,
    optional=True,
    callers=lambda settings: max(1, len(settings.listed)),
    make=_make,
)
