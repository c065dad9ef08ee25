"""Talk with a ComfyUI server: its nodes, uploads, jobs and results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit, urlunsplit

from dubkit.engines.comfyui.definitions import Definitions
from dubkit.engines.comfyui.failures import ServerAway, refused_graph
from dubkit.engines.comfyui.settings import DEFAULT_ADDRESS, DEFAULT_PORT, ComfySettings
from dubkit.errors import GeneratorError
from dubkit.services.address import clean_address
from dubkit.services.caller import Caller
from dubkit.services.failures import Passing, ServiceDown, ServiceTroubled
from dubkit.services.names import ServiceNames
from dubkit.services.words import service_words, text_of

if TYPE_CHECKING:
    import httpx

NAMES = ServiceNames(
    what="the ComfyUI server",
    serves="ComfyUI",
    address="dub.comfyui.address (COMFY_URL)",
    variable="dub.comfyui.address",
    key="dub.comfyui.key",
    model="dub.comfyui.checkpoint",
    example=DEFAULT_ADDRESS,
    error=GeneratorError,
)

ATTEMPTS = 4
"""Times that a request is sent before its failure counts."""
_ANY = "*/*"
_JSON = "application/json"
_MEBIBYTE = 2**20

Value = TypeVar("Value")
State = Literal["absent", "waiting", "running", "done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a server knows of a job."""

    state: State
    outputs: Mapping[str, Any]
    """Node -> what it gave, of a job that is done."""
    error: Mapping[str, Any]
    """What broke, of a job that failed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file on the server."""

    name: str
    folder: str = ""
    kind: str = "output"

    @property
    def suffix(self) -> str:
        """Its suffix in small letters, with the point."""
        return f".{self.name.rpartition('.')[2].casefold()}" if "." in self.name else ""


def server_address(settings: ComfySettings) -> str:
    """Return the address of the server, with the port. Raises GeneratorError for what is none."""
    parts = urlsplit(clean_address(settings.address or DEFAULT_ADDRESS, NAMES))
    # Without `http://` a host of one's own network is meant; what has a certificate has its own port.
    scheme = parts.scheme if "://" in settings.address else "http"
    netloc = parts.netloc if parts.port or scheme == "https" else f"{parts.netloc}:{DEFAULT_PORT}"
    return urlunsplit((scheme, netloc, parts.path, parts.query, ""))


class Server:
    """A ComfyUI server; a context manager. Raises GeneratorError for an address that cannot be used."""

    def __init__(self, settings: ComfySettings, *, attempts: int = ATTEMPTS) -> None:
        self._caller = Caller(
            NAMES, server_address(settings), settings.key, seconds=settings.timeout, attempts=attempts
        )
        self.headers = {"Authorization": f"Bearer {settings.key.strip()}"} if settings.key.strip() else {}

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._caller.close()

    @property
    def address(self) -> str:
        """Where it is."""
        return self._caller.address

    @property
    def place(self) -> str:
        """Its address as messages show it."""
        return self._caller.place

    def definitions(self) -> Definitions:
        """Return its nodes.

        Raises GeneratorError where something else answers, ServerAway where nothing does.
        """
        try:
            return Definitions(self._get("object_info"))
        except ValueError as error:
            raise self._other(str(error)) from error

    def upload(self, name: str, folder: str, content: bytes) -> str:
        """Store a file for the nodes that load one; return its name there.

        A file of that name is replaced: it is named after what is in it.
        """
        most = self._largest_upload()
        if most and len(content) > most:
            raise GeneratorError(
                f"A clip of {len(content) / _MEBIBYTE:.0f} MB is more than the ComfyUI at {self.place} takes "
                f"({most / _MEBIBYTE:.0f} MB).\nStart the server with a larger --max-upload-size, or set "
                "dub.size to less."
            )
        fields = {"type": "input", "subfolder": folder, "overwrite": "true"}
        files = {"image": (name, content, "application/octet-stream")}
        told = self._persist(lambda: self._json(self._send("POST", "upload/image", data=fields, files=files)))
        stored = str(told.get("name") or "") if isinstance(told, dict) else ""
        if not stored:
            raise self._other("it does not say where it put a file")
        inside = str(told.get("subfolder") or "")
        return f"{inside}/{stored}" if inside else stored

    def submit(self, job: str, graph: Mapping[str, Any]) -> str:
        """Send a graph; return the id of its job.

        Raises GeneratorError where the server does not take all of it.
        """
        body = {"prompt": graph, "client_id": job, "prompt_id": job}
        tried = False

        def send() -> str:
            nonlocal tried
            # An answer that was lost on the way does not mean that the job is not there.
            if tried and self._find(job).state != "absent":
                return job
            tried = True
            response = self._send("POST", "prompt", json=body)
            if response.status_code == 400:
                raise refused_graph(_value(response), self.place)
            answer = self._json(response)
            named = str(answer.get("prompt_id") or job) if isinstance(answer, dict) else job
            if isinstance(answer, dict) and answer.get("node_errors"):
                # Of several results those without an error are made, and nothing is said of the others.
                self.cancel(named)
                raise refused_graph(answer, self.place)
            return named

        return self._persist(send)

    def find(self, job: str) -> Found:
        """Return what the server knows of a job: in its history, its queue, or nowhere."""
        return self._persist(lambda: self._find(job))

    def _find(self, job: str) -> Found:
        found = self._in_history(job)
        if found is None:
            queue = self._json(self._send("GET", "queue"))
            for name, state in (("queue_running", "running"), ("queue_pending", "waiting")):
                items = queue.get(name) if isinstance(queue, dict) else None
                if any(len(item) > 1 and item[1] == job for item in items or () if isinstance(item, list)):
                    return Found("running" if state == "running" else "waiting", {}, {})
            # It may have ended between the two questions.
            found = self._in_history(job)
        return found or Found("absent", {}, {})

    def _in_history(self, job: str) -> Found | None:
        answer = self._json(self._send("GET", f"history/{job}"))
        entry = answer.get(job) if isinstance(answer, dict) else None
        if not isinstance(entry, dict):
            return None
        told = entry.get("status")
        status = told if isinstance(told, dict) else {}
        messages = {
            str(m[0]): m[1] for m in status.get("messages") or () if isinstance(m, list) and len(m) > 1
        }
        outputs = entry.get("outputs")
        if "execution_interrupted" in messages:
            return Found("stopped", {}, {})
        if "execution_error" in messages or status.get("status_str") == "error":
            error = messages.get("execution_error")
            return Found("failed", {}, error if isinstance(error, dict) else {})
        return Found("done", outputs if isinstance(outputs, dict) else {}, {})

    def cancel(self, job: str) -> None:
        """Stop a job that waits or runs, as far as the server can be reached."""
        with suppress(GeneratorError, ServiceDown, Passing):
            if self._send("POST", f"api/jobs/{job}/cancel").is_success:
                return
            # Older servers.
            self._send("POST", "queue", json={"delete": [job]})
            self._send("POST", "interrupt", json={"prompt_id": job})

    def fetch(self, stored: Stored) -> bytes | None:
        """Return a file's content, or None where it is gone. What comes in part is asked for again."""
        names = {"filename": stored.name, "subfolder": stored.folder, "type": stored.kind}

        def get() -> bytes | None:
            response = self._send("GET", "view", params=names)
            if response.status_code == 404:
                return None
            self._check(response)
            return response.content

        return self._persist(get)

    # --- answers --------------------------------------------------------------------------------

    def _largest_upload(self) -> int:
        """Return the bytes that a request may have; 0 where the server does not say."""
        response = self._persist(lambda: self._send("GET", "features"))
        told = _value(response) if response.is_success else None
        most = told.get("max_upload_size") if isinstance(told, dict) else None
        return most if isinstance(most, int) else 0

    def _get(self, call: str) -> Any:
        return self._persist(lambda: self._json(self._send("GET", call)))

    def _persist(self, work: Callable[[], Value]) -> Value:
        try:
            return self._caller.persist(work)
        except ServiceDown as error:
            raise (ServerAway if error.may_pass else GeneratorError)(str(error)) from error

    def _send(self, method: str, call: str, **body: Any) -> httpx.Response:
        return self._caller.send(method, call, accept=_ANY if call == "view" else _JSON, **body)

    def _json(self, response: httpx.Response) -> Any:
        self._check(response)
        value = _value(response)
        if value is None:
            raise self._other("it answers with something that is no JSON")
        return value

    def _check(self, response: httpx.Response) -> None:
        """Raise Passing or GeneratorError for an answer that is an error."""
        if response.is_success:
            return
        status = response.status_code
        said = self._caller.masked(service_words(text_of(response.content))) or response.reason_phrase
        if status >= 500 or status in (408, 425, 429):
            raise Passing(
                ServiceTroubled(
                    f"The ComfyUI at {self.place} failed {self._caller.attempts} times ({status}: {said}).\n"
                    "Look at the server's log, then run the same command again."
                )
            )
        if status in (401, 403, 407):
            raise GeneratorError(
                f"The ComfyUI at {self.place} does not let dubkit in ({status}: {said}).\n"
                "Set dub.comfyui.key to what the proxy in front of it asks for."
            )
        if status == 413:
            raise GeneratorError(
                f"The ComfyUI at {self.place} does not take so large a clip ({said}).\n"
                "Start it with a larger --max-upload-size, or set dub.size to less."
            )
        raise self._other(f"{status}: {said}")

    def _other(self, what: str) -> GeneratorError:
        return GeneratorError(
            f"What answers at {self.place} is no ComfyUI server ({what}).\nCheck {NAMES.address}."
        )


def _value(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None
