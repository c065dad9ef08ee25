"""What a server tells of a job while it works: events on a websocket, where there is one."""

from __future__ import annotations

import importlib.util
import json
import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from dubkit.proxies import proxy_for

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

log = logging.getLogger(__name__)

_OPENING = 10.0
"""Seconds for a websocket to open."""
_AGAIN = 30.0
"""Seconds between two attempts to open one."""
_WEIGHTS = {"SamplerCustomAdvanced": 40.0, "VAEDecodeTiled": 6.0, "LTXAddVideoICLoRAGuide": 3.0}
"""Node -> how long it takes, in the time that any other takes."""


class Events:
    """The events of one job; a context manager. Without a websocket it waits, and nothing else changes."""

    def __init__(self, address: str, headers: Mapping[str, str], job: str) -> None:
        self._address, self._headers, self._job = address, headers, job
        self._socket: ClientConnection | None = None
        self._ending = ExitStack()
        self._closed_until = 0.0
        self.opened = 0
        """How often a websocket was opened."""

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop(0.0)

    def wait(self, seconds: float) -> tuple[str, Mapping[str, Any]] | None:
        """Return the next event of the job (name, data); None where none comes within that time."""
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            socket = self._open(min(left, _OPENING))
            if socket is None:
                time.sleep(min(left, 1.0))
                continue
            try:
                frame = socket.recv(timeout=left)
            except TimeoutError:
                return None
            except Exception as error:  # whatever ends a connection: the job goes on without
                log.debug("the websocket of ComfyUI ended: %s", error)
                self._drop(_AGAIN)
                return None  # a look at the job is due at once
            if (event := self._event(frame)) is not None:
                return event
        return None

    def _event(self, frame: str | bytes) -> tuple[str, Mapping[str, Any]] | None:
        if isinstance(frame, bytes):
            return None  # a preview picture
        try:
            told = json.loads(frame)
            name, data = told["type"], told["data"]
        except (ValueError, KeyError, TypeError):
            return None
        if not isinstance(data, dict) or data.get("prompt_id") != self._job:
            return None
        return str(name), data

    def _open(self, seconds: float) -> ClientConnection | None:
        if self._socket is not None or time.monotonic() < self._closed_until:
            return self._socket
        if importlib.util.find_spec("websockets") is None:
            self._closed_until = float("inf")
            return None
        from websockets.sync.client import connect

        parts = urlsplit(self._address)
        scheme = "wss" if parts.scheme == "https" else "ws"
        query = urlencode({"clientId": self._job})
        url = urlunsplit((scheme, parts.netloc, f"{parts.path}/ws", query, ""))
        proxy = proxy_for(self._address)[0] or None
        try:
            # Previews are pictures of any size.
            opening = connect(
                url,
                additional_headers=self._headers,
                open_timeout=seconds,
                close_timeout=1.0,
                max_size=None,
                proxy=proxy,
            )
            self._socket = self._ending.enter_context(opening)
            self.opened += 1
        except Exception as error:  # no websocket, whatever the reason: the job is looked at instead
            log.debug("no websocket of ComfyUI at %s: %s", parts.netloc, error)
            self._drop(_AGAIN)
        return self._socket

    def _drop(self, pause: float) -> None:
        self._socket = None
        self._closed_until = time.monotonic() + pause
        try:
            self._ending.close()
        except Exception as error:  # it is at its end anyway
            log.debug("%s", error)


class Share:
    """How much of a graph is done, from events: by its nodes, each with the time that it takes."""

    def __init__(self, graph: Mapping[str, Mapping[str, Any]]) -> None:
        self._weights = {n: _WEIGHTS.get(str(e.get("class_type")), 1.0) for n, e in graph.items()}
        self._done: dict[str, float] = {}

    def after(self, name: str, data: Mapping[str, Any]) -> float:
        """Return the share, 0 to 1, after an event."""
        if name == "execution_cached":
            self._done.update({str(node): 1.0 for node in data.get("nodes") or ()})
        elif name == "progress":
            self._note(data.get("node"), data)
        elif name == "progress_state" and isinstance(data.get("nodes"), dict):
            for node, told in data["nodes"].items():
                if isinstance(told, dict):
                    self._note(node, {"value": 1, "max": 1} if told.get("state") == "finished" else told)
        elif name == "executed":
            self._done[str(data.get("node"))] = 1.0
        total = sum(self._weights.values()) or 1.0
        return sum(self._weights.get(node, 0.0) * share for node, share in self._done.items()) / total

    def _note(self, node: object, told: Mapping[str, Any]) -> None:
        value, most = told.get("value"), told.get("max")
        if isinstance(value, (int, float)) and isinstance(most, (int, float)) and most > 0:
            share = min(1.0, max(0.0, value / most))
            self._done[str(node)] = max(share, self._done.get(str(node), 0.0))
