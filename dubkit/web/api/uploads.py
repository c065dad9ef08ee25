"""Uploads by the tus protocol (1.0 with creation, termination and expiration), and the list of inputs."""

from __future__ import annotations

import base64
import binascii
import errno
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from email.utils import formatdate
from typing import Annotated, Any, BinaryIO, TypeVar
from urllib.parse import quote

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from dubkit.web.accounts.access import REFUSALS, Editor
from dubkit.web.accounts.audit import audit
from dubkit.web.accounts.input_readers import share_input
from dubkit.web.accounts.people import EVERYBODY, Person
from dubkit.web.accounts.users import Accounts
from dubkit.web.files.inputs import UsableInput, usable_inputs
from dubkit.web.files.uploads import Upload, UploadError, Uploads
from dubkit.web.files.usage import usage
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api", tags=["uploads"])

T = TypeVar("T")

TUS = "1.0.0"
EXTENSIONS = "creation,termination,expiration"
BODY = "application/offset+octet-stream"
BLOCK = 1 << 20
"""Bytes that are buffered before they are written."""
SILENCE_SECONDS = 60.0
"""A connection that sends nothing for this long no longer blocks the upload for others."""

ANSWERS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    400: {"description": "A header is missing or malformed."},
    404: {"description": "There is no such upload: it has expired, or it belongs to somebody else."},
    409: {"description": "Upload-Offset is not the number of bytes received."},
    412: {"description": "Unsupported version of the protocol."},
    413: {"description": "It is larger than the server accepts, or than announced."},
    415: {"description": "The name is not that of a media file, or the body has another type."},
    422: {"description": "It is complete, but cannot be dubbed; `detail` says why."},
    423: {"description": "Another request is writing it."},
    507: {"description": "The server has no space for it, or it is beyond your quota."},
}

INPUT_ANSWERS: dict[int | str, dict[str, Any]] = {
    **REFUSALS,
    404: {"description": "There is no such file, or it belongs to somebody else."},
    409: {"description": "Its state does not allow it; `detail` says why."},
}


class UploadState(BaseModel):
    """State of an upload; `file` is its name below the input folder once it is finished."""

    name: str
    size: int
    offset: int
    finished: bool
    file: str


class InputEntry(BaseModel):
    """A media file below the input folder, which a job of yours may name."""

    name: str
    size: int
    modified: float
    owner: str
    """Who uploaded it; empty for a file that was put into the folder by hand, which is everybody's."""
    shared: list[str]
    """Whom it is shared with, `*` for everybody; empty unless you may change that."""


class InputAccess(BaseModel):
    """Who may use an upload besides its uploader and admins; `*` is everybody."""

    model_config = ConfigDict(extra="forbid")

    people: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=1000)]


def the_uploads(site: OnSite) -> Uploads:
    """Return the uploads of the site that answers."""
    return Uploads(site.inputs, round(Serve.of(site.settings).max_upload_gb * 1e9), site.database)


OnUploads = Annotated[Uploads, Depends(the_uploads)]


async def _in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do some work in a thread; an UploadError becomes an HTTP error."""
    try:
        return await run_sync(work, *arguments)
    except UploadError as error:
        raise HTTPException(error.status, str(error), {"Tus-Resumable": TUS}) from error


def _check_protocol(request: Request) -> None:
    if request.headers.get("tus-resumable") != TUS:
        raise HTTPException(
            412, f"Send the header Tus-Resumable: {TUS}.", {"Tus-Version": TUS, "Tus-Resumable": TUS}
        )


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise HTTPException(400, f"The header {name} must be a number of bytes.", {"Tus-Resumable": TUS})
    return int(text)


def _file_name(request: Request) -> str:
    """Return the file name in the header Upload-Metadata: pairs of a key and a value in base64."""
    for pair in request.headers.get("upload-metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value, validate=True).decode()
            except (binascii.Error, ValueError):
                break
    raise HTTPException(
        400, "The header Upload-Metadata must hold a filename, in base64.", {"Tus-Resumable": TUS}
    )


def _state(uploads: Uploads, upload: Upload) -> dict[str, str]:
    headers = {
        "Tus-Resumable": TUS,
        "Upload-Offset": str(uploads.offset(upload)),
        "Upload-Length": str(upload.size),
        "Cache-Control": "no-store",
    }
    if upload.file:
        headers["Upload-Name"] = quote(upload.file)
    else:
        headers["Upload-Expires"] = formatdate(uploads.expires(upload), usegmt=True)
    return headers


@router.options("/uploads", status_code=204, response_class=Response)
@router.options("/uploads/{upload}", status_code=204, response_class=Response, include_in_schema=False)
def capabilities(person: Editor, uploads: OnUploads) -> Response:
    """Return the supported parts of the protocol."""
    headers = {
        "Tus-Resumable": TUS,
        "Tus-Version": TUS,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(uploads.largest),
    }
    return Response(status_code=204, headers=headers)


@router.post("/uploads", status_code=201, response_class=Response, responses=ANSWERS)
async def create(request: Request, person: Editor, site: OnSite, uploads: OnUploads) -> Response:
    """Begin an upload: Upload-Length in bytes, and Upload-Metadata with the `filename` in base64."""
    _check_protocol(request)
    name, size = _file_name(request), _number(request, "upload-length")
    refusal = (await run_sync(usage, site, person, uploads)).refusal(size)
    if refusal:
        raise HTTPException(507, refusal, {"Tus-Resumable": TUS})
    upload = await _in_thread(uploads.create, name, size, person)
    await run_sync(audit, site, person, "upload", upload.name)
    if upload.size == 0:
        upload = await _in_thread(uploads.finish, upload)
    headers = {**_state(uploads, upload), "Location": f"/api/uploads/{upload.id}"}
    return Response(status_code=201, headers=headers)


@router.head("/uploads/{upload}", response_class=Response, responses=ANSWERS)
async def offset(request: Request, person: Editor, uploads: OnUploads, upload: str) -> Response:
    """Return in Upload-Offset how many bytes have been received."""
    _check_protocol(request)
    state = await _in_thread(uploads.get, upload, person)
    return Response(headers=_state(uploads, state))


@router.get("/uploads/{upload}", response_model=UploadState, responses=ANSWERS)
async def state(person: Editor, uploads: OnUploads, upload: str) -> UploadState:
    """Return the state of an upload; this also finishes one whose last answer was lost."""
    current = await _in_thread(uploads.get, upload, person)
    if uploads.offset(current) == current.size and not current.file:
        current = await _in_thread(_finish_unless_held, uploads, current)
    here = uploads.offset(current)
    return UploadState(
        name=current.name, size=current.size, offset=here, finished=bool(current.file), file=current.file
    )


@router.patch("/uploads/{upload}", status_code=204, response_class=Response, responses=ANSWERS)
async def append(request: Request, person: Editor, uploads: OnUploads, upload: str) -> Response:
    """Add bytes at Upload-Offset; the answer to the last ones has the file's name in Upload-Name."""
    _check_protocol(request)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != BODY:
        raise HTTPException(415, f"The body must have the type {BODY}.", {"Tus-Resumable": TUS})
    at = _number(request, "upload-offset")
    current = await _in_thread(uploads.get, upload, person)
    hold = uploads.held(current)
    await _in_thread(hold.__enter__)
    try:
        current = await _in_thread(uploads.get, upload, person)  # it may be finished meanwhile
        here = uploads.offset(current)
        if at != here:
            headers = {"Tus-Resumable": TUS, "Upload-Offset": str(here)}
            raise HTTPException(409, f"{here} bytes of {current.name} have been received, not {at}.", headers)
        if not current.file:
            here += await _receive(request, uploads, current, here)
            if here == current.size:
                current = await _in_thread(uploads.finish, current)
    finally:
        with anyio.CancelScope(shield=True):
            await run_sync(hold.__exit__, None, None, None)
    return Response(status_code=204, headers=_state(uploads, current))


@router.delete("/uploads/{upload}", status_code=204, response_class=Response, responses=ANSWERS)
async def terminate(request: Request, person: Editor, uploads: OnUploads, upload: str) -> Response:
    """Remove an upload and what was received of it; a finished file stays among the inputs."""
    _check_protocol(request)
    current = await _in_thread(uploads.get, upload, person)
    await _in_thread(_remove, uploads, current)
    return Response(status_code=204, headers={"Tus-Resumable": TUS})


@router.get("/inputs", response_model=list[InputEntry], responses=REFUSALS)
def inputs(person: Editor, site: OnSite) -> list[InputEntry]:
    """List the media files below the input folder that you may use."""
    return [_entry(person, one) for one in usable_inputs(site, person)]


@router.put("/inputs/{name:path}/access", responses=INPUT_ANSWERS)
def share(person: Editor, site: OnSite, name: str, body: InputAccess) -> InputEntry:
    """Share an upload with these people and nobody else; only its uploader and admins may."""
    one = own_input(site, person, name)
    if not one.readers.owner:
        raise HTTPException(409, f"{one.file.name} is everybody's: nobody uploaded it.")
    names = {user.name for user in Accounts(site.database).users()} | {EVERYBODY}
    people = sorted(set(body.people))
    for wanted in people:
        if wanted not in names:
            raise HTTPException(422, f"There is no user {wanted!r}. Name users, or * for everybody.")
    share_input(site.database, one.file.name, people)
    audit(site, person, "access", one.file.name, ", ".join(people) or "nobody else")
    return _entry(person, own_input(site, person, name))


def own_input(site: Site, person: Person, name: str) -> UsableInput:
    """Return a file that a person may share and delete. Raises HTTP 404 for others, 403 for those that the
    person may only use."""
    one = next((one for one in usable_inputs(site, person) if one.file.name == name), None)
    if one is None:
        raise HTTPException(404, f"There is no {name[:200]!r} in the input folder.")
    if not one.readers.may_share(person):
        whose = f"{one.readers.owner}'s" if one.readers.owner else "everybody's, and an admin's to delete"
        raise HTTPException(403, f"{one.file.name} is {whose}.")
    return one


def _entry(person: Person, one: UsableInput) -> InputEntry:
    shared = sorted(one.readers.others) if one.readers.may_share(person) else []
    return InputEntry(**asdict(one.file), owner=one.readers.owner, shared=shared)


def _finish_unless_held(uploads: Uploads, upload: Upload) -> Upload:
    """Finish a complete upload, unless another request is doing so."""
    try:
        with uploads.held(upload):
            return uploads.finish(upload)
    except UploadError as error:
        if error.status == 423:
            return upload
        raise


def _remove(uploads: Uploads, upload: Upload) -> None:
    with uploads.held(upload):
        uploads.remove(upload)


async def _receive(request: Request, uploads: Uploads, upload: Upload, here: int) -> int:
    """Append the body; return how many bytes came. What came before a lost connection is kept."""
    room = upload.size - here
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > room:
        raise _too_much(upload)
    came = 0
    try:
        with uploads.part(upload).open("ab") as part:
            async for block in _blocks(request):
                if came + len(block) > room:
                    raise _too_much(upload)
                await run_sync(_write, part, block)
                came += len(block)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            full = "The disk of the server is full. Free some space, then resume the upload."
            raise HTTPException(507, full, {"Tus-Resumable": TUS}) from error
        raise
    return came


def _too_much(upload: Upload) -> HTTPException:
    return HTTPException(
        413,
        f"{upload.name} was announced with {upload.size} bytes, and more were sent.",
        {"Tus-Resumable": TUS},
    )


def _write(part: BinaryIO, block: bytes) -> None:
    part.write(block)
    part.flush()


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in blocks; a lost or silent connection ends it."""
    gathered = bytearray()
    pieces = request.stream()
    while True:
        piece = b""
        try:
            with anyio.fail_after(SILENCE_SECONDS):
                piece = await anext(pieces)
        except (StopAsyncIteration, ClientDisconnect, TimeoutError):
            break
        gathered += piece
        if len(gathered) >= BLOCK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
