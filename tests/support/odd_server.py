"""A local HTTP server that answers with raw bytes, as a test's function decides."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: how often one came before, where it went, its body and its headers."""

    number: int
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; `drip` seconds before every byte of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass(slots=True)
class OddServer:
    """What a running server is: its address, and what it was asked."""

    url: str
    asked: list[Asked]


@contextmanager
def odd_server(answer: Callable[[Asked], Answer]) -> Iterator[OddServer]:
    """Run a server on a free port of 127.0.0.1 for the time of the block."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: object) -> None:
            """Stay quiet."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(Asked(len(asked), self.path, body, dict(self.headers)))
            said = answer(asked[-1])
            try:
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for byte in [said.body] if not said.drip else (bytes([b]) for b in said.body):
                    time.sleep(said.drip)
                    self.wfile.write(byte)
            except OSError:
                self.close_connection = True  # the client's patience ended first

        do_GET = do_POST

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield OddServer(f"http://127.0.0.1:{server.server_port}/v1", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
