"""Short ways to ask dubkit's parts, for the calls of cases."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dubkit.speech.segments import build_segments
from dubkit.translate.choice import choose_translator
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.settings import Translate
from dubkit.types import Turn, Word

WORD_SECONDS = 0.35


def segments(language: str, words: str) -> list[str]:
    """Cut words of 0.35 s, one after the other and of one speaker, into segments; return their texts."""
    said = [
        Word(number * WORD_SECONDS, (number + 1) * WORD_SECONDS, f" {word}")
        for number, word in enumerate(words.split())
    ]
    turns = [Turn(0.0, len(said) * WORD_SECONDS, "A")]
    return [segment.text for segment in build_segments(said, turns, language)]


def translated(line: str, source: str, target: str, replies: Sequence[str] = ()) -> dict[str, Any]:
    """Translate one line, by a service that gives these `replies`, the last of them over again.

    Without replies the translator that is here does it. Returns `text`, `flags` and `requests`, the number of
    times the service was asked.
    """
    done: list[Translated] = []
    with _service(replies) as (address, asked):
        settings = Translate(provider="openai", base_url=address, model="m") if replies else Translate()
        task = TranslationTask(source, target, settings)
        choose_translator(task).engine.open(task).translate([SourceLine("s0001", line)], done.extend)
    return {"text": done[0].text, "flags": list(done[0].flags), "requests": len(asked)}


def same_sound(first: str, second: str, first_track: int = 0, second_track: int = 0) -> bool:
    """Tell whether two sound tracks (counted from 0) of two files hold the same samples."""
    return _samples(Path(first), first_track) == _samples(Path(second), second_track)


def _samples(path: Path, track: int) -> bytes:
    import av

    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s32")
        frames = container.decode(container.streams.audio[track])
        return b"".join(
            bytes(out.planes[0])[: out.samples * len(out.layout.channels) * 4]
            for frame in frames
            for out in resampler.resample(frame)
        )


@contextmanager
def _service(replies: Sequence[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            reply = replies[min(len(asked), len(replies)) - 1]
            self._send(completion(_numbered(reply, body["messages"])))

        def _send(self, value: Any) -> None:
            raw = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def _numbered(reply: str, messages: Sequence[dict[str, Any]]) -> str:
    """Give the reply under the number of each line that is asked for."""
    wish = next(message["content"] for message in messages if message["role"] == "user")
    numbers = re.findall(r"^\[(\d+)\] ", wish, re.MULTILINE)
    return "\n".join(f"[{number}] {reply}" for number in numbers) or reply


def completion(content: str) -> dict[str, Any]:
    """Return what a chat service answers with a text."""
    message = {"role": "assistant", "content": content}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
