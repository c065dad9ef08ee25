"""A proxy before a server that resets, stalls, cuts off and refuses requests, at random but by a seed."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
FAULTS = ("reset", "reset-after", "stall", "cut", "short", "slow-down", "etag")


@dataclass
class FaultyProxy:
    """Forwards to a port. `share` of the requests meet one of `faults`.

    `reset`: the connection is reset before the request arrives; `reset-after`: when the server has done it.
    `stall`: no answer for `stall` seconds. `cut`: the body breaks off.
    `short`: the body is short and says so. `slow-down`: 503. `etag`: the tag is another object's.
    `denied`: 403, only where it is asked for.
    """

    port: int
    seed: int = 1
    share: float = 0.2
    faults: tuple[str, ...] = FAULTS
    stall: float = 2.0
    met: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    url: str = ""
    down: bool = False
    """Whether every connection is reset."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def next_fault(self) -> str:
        """Return the fault of the next request; empty for none."""
        with self._lock:
            self.requests += 1
            if self.down:
                return "reset"
            fault = self._random.choice(self.faults) if self._random.random() < self.share else ""
            if fault:
                self.met[fault] += 1
            return fault


@contextmanager
def faulty(proxy: FaultyProxy) -> Iterator[FaultyProxy]:
    """Run the proxy in threads and set its `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            return None

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def forward(self) -> None:
            fault = proxy.next_fault()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fault == "reset":
                return self.reset()
            if fault == "stall":
                time.sleep(proxy.stall)
                return self.reset()
            if fault == "slow-down":
                return self.answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            if fault == "denied":
                return self.answer(403, {"Content-Type": "application/xml"}, DENIED)
            status, headers, content = self.ask(body)
            if fault == "reset-after":
                return self.reset()
            if fault == "etag":
                headers = {k: OTHER_TAG if k.lower() == "etag" else v for k, v in headers.items()}
            if fault == "short":
                content = content[: len(content) // 2]
            self.answer(status, headers, content, cut=fault == "cut")

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward

        def ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            asked = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
            try:
                asked.request(self.command, self.path, body, headers)
                answer = asked.getresponse()
                rows = {k: v for k, v in answer.getheaders() if k.lower() not in HOP}
                return answer.status, rows, answer.read()
            finally:
                asked.close()

        def answer(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
            self.send_response_only(status)
            head = self.command == "HEAD"
            for name, value in headers.items():
                if name.lower() != "content-length" or head:
                    self.send_header(name, value)
            if not head:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if cut and len(content) > 1:
                self.wfile.write(content[: len(content) // 2])
                return self.reset()
            if not head:
                self.wfile.write(content)

        def reset(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.wfile.flush()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


OTHER_TAG = f'"{7:032x}"'
DENIED = b"<Error><Code>AccessDenied</Code><Message>Not with this key</Message></Error>"
SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)
