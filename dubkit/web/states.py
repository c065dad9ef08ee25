"""A small server that keeps what clips hand over, so that the next clip can be made on another machine."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse

from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import BLOB_ID, whole_file
from dubkit.dubbing.continuation.remote import CHECKSUM, STATE_NAME

MOST_STATE_BYTES = 8 << 20
"""A state's tensors above 2 MiB lie in blobs, so what is left is two of those in base64, and some numbers."""
SHORTEST_TOKEN = 16

BlobId = Annotated[str, InPath(pattern=f"^{BLOB_ID.pattern}$")]
StateName = Annotated[str, InPath(pattern=f"^{STATE_NAME.pattern}$")]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept, and for how long."""

    blob_bytes: int
    all_bytes: int
    keep_seconds: float


class StateFolder:
    """Blobs and states as files below a folder. What is there is whole; what is old goes."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.blobs, self.states, self.limits = folder / "blobs", folder / "states", limits
        self._lock = threading.Lock()
        self._coming = 0
        for part in (self.blobs, self.states):
            part.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def room(self, size: int, most: int) -> Iterator[None]:
        """Hold room for a coming file. Raises HTTP 413 where it is too large, 507 where all is full."""
        if size > most:
            raise HTTPException(
                413, f"{size} bytes are more than the {most} that are taken; raise states.max_blob_mb."
            )
        with self._lock:
            self.sweep()
            if self._used() + self._coming + size > self.limits.all_bytes:
                raise HTTPException(
                    507, "The states take all their room; raise states.max_gb or lower states.keep_hours."
                )
            self._coming += size
        try:
            yield
        finally:
            with self._lock:
                self._coming -= size

    def sweep(self) -> None:
        """Delete what was stored too long ago."""
        oldest = time.time() - self.limits.keep_seconds
        for file in self._files():
            if file.stat().st_mtime < oldest:
                Path(file.path).unlink(missing_ok=True)

    def keep_state(self, name: str, text: bytes, blob_ids: tuple[str, ...]) -> None:
        """Keep a state; its blobs live as long as it does. Raises HTTP 409 for a blob that is not here."""
        for blob_id in blob_ids:
            if not BLOB_ID.fullmatch(blob_id) or not (self.blobs / blob_id).is_file():
                said = f"The state needs blob {blob_id[:80]}, which is not here; send it first."
                raise HTTPException(409, said)
            os.utime(self.blobs / blob_id)
        with whole_file(self._state(name)) as stream:
            stream.write(text)

    def state(self, name: str) -> bytes:
        """Return a state. Raises HTTP 404 where there is none."""
        try:
            return self._state(name).read_bytes()
        except FileNotFoundError:
            raise HTTPException(404, f"There is no state {name}.") from None

    def _state(self, name: str) -> Path:
        return self.states / f"{name}.json"

    def _used(self) -> int:
        return sum(file.stat().st_size for file in self._files())

    def _files(self) -> Iterator[os.DirEntry[str]]:
        for part in (self.blobs, self.states):
            with os.scandir(part) as files:
                # Files still coming begin with a dot; their room is held.
                yield from (file for file in files if not file.name.startswith("."))


def create_states_app(folder: Path, limits: Limits, token: str) -> FastAPI:
    """Build the application. Every route but `/health` needs the token as a bearer token."""
    kept = StateFolder(folder, limits)
    kept.sweep()

    def check_token(request: Request) -> None:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(sent.encode(), token.encode()):
            raise HTTPException(401, "The token is missing or wrong.", {"WWW-Authenticate": "Bearer"})

    app = FastAPI(title="dubkit states", docs_url=None, redoc_url=None, openapi_url=None)
    guarded = [Depends(check_token)]

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.put("/blobs/{blob_id}", dependencies=guarded, status_code=201)
    async def put_blob(blob_id: BlobId, request: Request) -> dict[str, str]:
        size = _length(request)
        with kept.room(size, limits.blob_bytes), whole_file(kept.blobs / blob_id) as stream:
            digest = await _received(request.stream(), stream, size)
            _compare(f"sha256-{digest}", blob_id)
        return {"id": blob_id}

    @app.get("/blobs/{blob_id}", dependencies=guarded)
    def get_blob(blob_id: BlobId) -> FileResponse:
        file = kept.blobs / blob_id
        if not file.is_file():
            raise HTTPException(404, f"There is no blob {blob_id}.")
        return FileResponse(file, media_type="application/octet-stream")

    @app.put("/states/{name}", dependencies=guarded, status_code=201)
    async def put_state(
        name: StateName, request: Request, sha256: Annotated[str, Query(pattern="^[0-9a-f]{64}$")]
    ) -> dict[str, str]:
        size = _length(request)
        with kept.room(size, MOST_STATE_BYTES):
            text = await _whole_body(request)
            _compare(hashlib.sha256(text).hexdigest(), sha256)
            try:
                state = ContinuationState.from_json(text)
            except ValueError as error:
                raise HTTPException(400, str(error)) from error
            await run_in_threadpool(kept.keep_state, name, text, state.blob_ids())
        return {"name": name}

    @app.get("/states/{name}", dependencies=guarded)
    def get_state(name: StateName) -> Response:
        text = kept.state(name)
        checksum = {CHECKSUM: hashlib.sha256(text).hexdigest()}
        return Response(text, media_type="application/json", headers=checksum)

    return app


def _length(request: Request) -> int:
    """Return how many bytes a request says that it has. Raises HTTP 411 where it does not say."""
    length = request.headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        raise HTTPException(411, "Say how long the body is, in Content-Length.")
    return int(length)


async def _received(chunks: AsyncIterator[bytes], stream: IO[bytes], size: int) -> str:
    """Write what comes; return its SHA-256. Raises HTTP 400 where it is not as long as it was said to be."""
    digest, count = hashlib.sha256(), 0
    # The server below ends a body that is too long by itself, and one that stays short as a disconnection.
    with suppress(ClientDisconnect):
        async for chunk in chunks:
            digest.update(chunk)
            count += len(chunk)
            await run_in_threadpool(stream.write, chunk)
    if count != size:
        raise HTTPException(400, f"{count} of {size} bytes came; send it again.")
    return digest.hexdigest()


async def _whole_body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "Not all of the state came; send it again.") from None


def _compare(came: str, said: str) -> None:
    if not hmac.compare_digest(came, said):
        raise HTTPException(400, f"What came has the checksum {came}, not {said}; send it again.")
