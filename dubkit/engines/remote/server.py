"""A worker that makes clips for others: orders come over HTTP, one clip is made at a time.

It keeps nothing beyond its own life: who asks knows the order, and hands it over again.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dubkit.engines.engine import ClipMade, TakeEngine
from dubkit.engines.remote.settings import TABLE, RemoteSettings
from dubkit.engines.remote.wire import PackageRefused, read_order, write_made
from dubkit.errors import DubkitError
from dubkit.host import Host
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

State = Literal["waiting", "making", "done", "failed"]
MOST_KEPT = 16
"""Finished clips that nobody has fetched yet; older ones are dropped."""
HEX = frozenset("0123456789abcdef")


@dataclass(slots=True)
class Job:
    """An order and what has become of it."""

    id: str
    folder: Path
    state: State = "waiting"
    error: str = ""
    digest: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class ClipWorker:
    """Makes clips with one engine, one after the other, in a thread of its own."""

    engine: TakeEngine
    host: Host
    settings: RemoteSettings
    folder: Path
    jobs: dict[str, Job] = field(default_factory=dict)
    _queue: queue.Queue[Job] = field(default_factory=queue.Queue)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        """Begin to work."""
        threading.Thread(target=self._work, name="clips", daemon=True).start()

    def take(self, job: str, package: Path) -> Job | None:
        """Take an order whose file is there; None where too many wait. A known order is not made twice."""
        with self._lock:
            known = self.jobs.get(job)
            if known is not None and known.state != "failed":
                package.unlink(missing_ok=True)
                return known
            if self.waiting > self.settings.waiting:
                return None
            found = Job(job, self.folder / job)
            shutil.rmtree(found.folder, ignore_errors=True)
            found.folder.mkdir()
            package.replace(found.folder / "order.zip")
            self.jobs[job] = found
            self._queue.put(found)
            return found

    @property
    def waiting(self) -> int:
        """How many clips wait or are made."""
        return sum(job.state in ("waiting", "making") for job in self.jobs.values())

    def drop(self, job: str) -> None:
        """Forget a clip. One that is being made is finished first, and forgotten then."""
        with self._lock:
            found = self.jobs.pop(job, None)
        if found is not None and found.state != "making":
            shutil.rmtree(found.folder, ignore_errors=True)

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if self.jobs.get(job.id) is not job:
                continue
            job.state, began = "making", time.monotonic()
            log.info("Clip %s is made", job.id[:12])
            try:
                self._make(job)
            except DubkitError as error:
                job.error, job.state = str(error), "failed"
            except Exception as error:  # an engine can raise anything, and the next clip is another one
                log.exception("Clip %s", job.id[:12])
                job.error, job.state = f"{self.engine.name} failed: {type(error).__name__}: {error}", "failed"
            job.seconds = time.monotonic() - began
            log.info("Clip %s is %s after %.1f s %s", job.id[:12], job.state, job.seconds, job.error)
            self._tidy(job)

    def _make(self, job: Job) -> None:
        parts, out = job.folder / "parts", job.folder / "made.zip"
        parts.mkdir()
        section = self.engine.settings
        table = f"dub.{self.engine.name}"
        _, order = read_order(
            job.folder / "order.zip", parts, self.host, lambda: section and self.host.table(table, section)
        )
        assert self.engine.make is not None
        made = self.engine.make(order)
        if order.given is not None:
            made = ClipMade(made.pictures, order.given, SAMPLE_RATE, made.remarks)
        write_made(made, self.engine.name, out)
        job.digest = _digest(out)
        job.state = "done"

    def _tidy(self, job: Job) -> None:
        """Remove what a finished job needs no more, and finished ones that nobody fetches."""
        shutil.rmtree(job.folder / "parts", ignore_errors=True)
        (job.folder / "order.zip").unlink(missing_ok=True)
        with self._lock:
            if self.jobs.get(job.id) is not job:
                shutil.rmtree(job.folder, ignore_errors=True)
            finished = [one for one in self.jobs.values() if one.state in ("done", "failed")]
        for old in finished[:-MOST_KEPT]:
            self.drop(old.id)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build_app(worker: ClipWorker) -> Starlette:
    """Return the routes of a worker: `/health` for everybody, `/clips/…` with the token."""
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, JSONResponse
    from starlette.routing import Route

    def problem(status: int, error: str, **headers: str) -> Response:
        # Whoever is refused in the middle of a body would go on sending: the connection ends.
        return JSONResponse({"error": error}, status, {"Connection": "close", **headers})

    def guarded(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def check(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {worker.settings.token}".encode()):
                log.warning("An unknown caller was refused")
                return problem(401, "the token is not that of this worker", **{"WWW-Authenticate": "Bearer"})
            job = request.path_params["job"]
            if len(job) != 64 or not HEX.issuperset(job):
                return problem(404, "there is no such clip")
            found: Response = await answer(request)
            return found

        return check

    async def health(_: Request) -> Response:
        told = {"engine": worker.engine.name, "waiting": worker.waiting, "max_mb": worker.settings.max_mb}
        return JSONResponse({"status": "ok", **told})

    async def put(request: Request) -> Response:
        return await _put(worker, request, problem)

    async def get(request: Request) -> Response:
        job = worker.jobs.get(request.path_params["job"])
        if job is None:
            return problem(404, "it does not know this clip: it was started anew")
        return JSONResponse({"state": job.state, "error": job.error, "seconds": round(job.seconds, 3)})

    async def film(request: Request) -> Response:
        job = worker.jobs.get(request.path_params["job"])
        if job is None or job.state != "done":
            return problem(404, "the clip is not made")
        return FileResponse(job.folder / "made.zip", headers={"X-Content-SHA256": job.digest})

    async def delete(request: Request) -> Response:
        worker.drop(request.path_params["job"])
        return JSONResponse({})

    clip = "/clips/{job}"
    return Starlette(
        routes=[
            Route("/health", health),
            Route(clip, guarded(put), methods=["PUT"]),
            Route(clip, guarded(get), methods=["GET"]),
            Route(clip, guarded(delete), methods=["DELETE"]),
            Route(f"{clip}/film", guarded(film)),
        ]
    )


async def _put(worker: ClipWorker, request: Request, problem: Callable[..., Response]) -> Response:
    """Take an order: at most so many bytes, whole, and exactly what its name says."""
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect
    from starlette.responses import JSONResponse

    job, most = request.path_params["job"], worker.settings.max_mb << 20
    too_large = f"the order is larger than {worker.settings.max_mb} MB ({TABLE}.max_mb of the worker)"
    claimed = request.headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > most:
        return problem(413, too_large)
    if job not in worker.jobs and worker.waiting > worker.settings.waiting:
        return problem(503, "it has enough to do", **{"Retry-After": "5"})
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=worker.folder, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            async for block in request.stream():
                size += len(block)
                if size > most:
                    return problem(413, too_large)
                digest.update(block)
                file.write(block)
            file.flush()
            if digest.hexdigest() != job:
                log.warning("Order %s arrived damaged: %d bytes", job[:12], size)
                return problem(400, "the order arrived damaged")
            refusal = await run_in_threadpool(_refusal, worker, part)
            if refusal:
                return problem(409, refusal)
            found = worker.take(job, part)
        except ClientDisconnect:
            log.warning("Order %s broke off after %d bytes", job[:12], size)
            return problem(400, "the order broke off")
        finally:
            part.unlink(missing_ok=True)
    if found is None:
        return problem(503, "it has enough to do", **{"Retry-After": "5"})
    log.info("Clip %s was asked for: %d bytes", job[:12], size)
    return JSONResponse({"state": found.state}, 202)


def _refusal(worker: ClipWorker, package: Path) -> str:
    """Return why an order cannot be made here, as a clause; empty when it can."""
    with tempfile.TemporaryDirectory(dir=worker.folder) as name:
        try:
            text, _ = read_order(package, Path(name), worker.host, lambda: None)
        except PackageRefused as reason:
            return f"the order cannot be read: {reason}"
    if text.engine and text.engine != worker.engine.name:
        return f"its engine is {worker.engine.name}, and {text.engine} is asked for ({TABLE}.engine)"
    return ""
