"""A chat service that answers with whatever it is told."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.fuzz.mutation import mutated
from benchmarks.trials.calls import completion

Answer = tuple[int, dict[str, str], bytes]
TEXTS = (
    "[1] Bom dia.\n[2] Até amanhã, John.",
    "Bom dia.",
    "",
    " ",
    "[1]\n[2]",
    "[2] Até amanhã.\n[1] Bom dia.",
    "[1] a\n[1] b",
    "Sure! Here is the translation:\n[1] Bom dia.\n[2] Até amanhã.",
    "```\n[1] Bom dia.\n[2] Tchau.\n```",
    "null",
    "{}",
    "<think>hm</think>[1] Bom dia.\n[2] Tchau.",
    "[1] Bom\\ndia.\n[2] Tom &amp; Jerry",
    "[999999999999] x",
    "I cannot help.",
)
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "text",
    [],
    {},
    [None],
    [{"type": "text"}],
    {"a": None},
    [[1]],
    "\ud800",
    10**400,
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Retry-After": "0"},
    {"Retry-After": "nonsense"},
    {"Content-Type": "text/html"},
    {"Content-Type": "text/event-stream"},
    {"Content-Encoding": "gzip"},
    {"Content-Type": "application/json; charset=nonsense"},
    {"Location": "/v1/other"},
)


def bodies(chance: random.Random) -> Answer:
    """Make an answer: right, with a field that is odd, with bytes that are, or an error of some form."""
    status = chance.choice(
        (200,) * 12 + (400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 204, 301, 418)
    )
    value: Any = completion(chance.choice(TEXTS)) if status == 200 else _error(chance)
    for _ in range(chance.randrange(3)):
        _spoil(value, chance)
    raw = json.dumps(value).encode()
    if chance.random() < 0.3:
        raw = mutated(raw, chance, 3)
    if chance.random() < 0.1:
        chunks = [b"data: " + json.dumps(_chunk(word)).encode() for word in chance.choice(TEXTS).split(" ")]
        raw = b"\n\n".join([*chunks, b"data: [DONE]", b""])
    headers = {"Content-Type": "application/json", **chance.choice(HEADERS)}
    return status, headers, raw


def _chunk(text: str) -> dict[str, Any]:
    delta = {"index": 0, "delta": {"content": text + " "}, "finish_reason": None}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}


def _error(chance: random.Random) -> Any:
    message = chance.choice(
        ("no", "seed is not permitted", "use max_completion_tokens", "Limit 100, Requested 900", "")
    )
    forms: tuple[Any, ...] = (
        {
            "error": {
                "message": message,
                "param": chance.choice((None, "seed", 3)),
                "code": chance.choice((None, 7)),
            }
        },
        {"error": message},
        [{"error": {"message": message}}],
        {"message": {"detail": [{"loc": ["body", "seed"]}]}},
        {"detail": message},
        {"detail": [{"loc": ["body", None], "msg": message}]},
        message,
        None,
        5,
    )
    return chance.choice(forms)


def _spoil(value: Any, chance: random.Random) -> None:
    """Put an odd value somewhere into a JSON value, or take a part away."""
    while isinstance(value, dict | list) and value:
        key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if chance.random() < 0.35 or not isinstance(value[key], dict | list):
            if chance.random() < 0.3:
                del value[key]
            else:
                value[key] = chance.choice(ODD)
            return
        value = value[key]


@contextmanager
def serving(answer: Callable[[], Answer]) -> Iterator[str]:
    """Serve answers; give the address of the interface."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            status, headers, raw = answer()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
