"""A local speech server that records what it is asked and answers as told: in a dialect, well or badly.

Each request for speech takes the next behaviour of the script; the last one stays. `on` gives a behaviour to
every text that holds a word, whenever it comes. A behaviour may carry an argument: `rate:16000`, `slow:0.5`.
Run it by hand with `python -m tests.support.speech_server --port 8124 --dialect kokoro-fastapi`.
"""

from __future__ import annotations

import argparse
import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from dubkit.voice.engines.speech_service.memory import memory_of

RATE = 24_000
SECONDS_PER_CHARACTER = 0.065

VOICES: dict[str, Any] = {
    "openai": None,
    "vllm-omni": {"voices": ["vivian", "ryan"], "uploaded_voices": [{"name": "ana"}]},
    "kokoro-fastapi": {"voices": ["af_bella", "af_sky", "am_adam", "pf_dora", "pm_alex", "pm_santa"]},
    "chatterbox": {"voices": [{"name": "olivia"}, {"name": "gabriel"}], "count": 2},
}
LISTS = {"vllm-omni": "/v1/audio/voices", "kokoro-fastapi": "/v1/audio/voices", "chatterbox": "/v1/voices"}
SUBTYPES = {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III")}


def tone(text: str, speed: float, rate: int) -> NDArray[np.float32]:
    """Speech of a sort: a buzz whose pitch the text decides and whose length it has, (N,)."""
    pitch = 110 + sha256(text.encode()).digest()[0] / 2
    at = np.arange(round(max(0.2, SECONDS_PER_CHARACTER * len(text)) / speed * rate)) / rate
    shape = 0.7 + 0.3 * np.sin(2 * np.pi * 4 * at)
    return np.asarray(0.3 * shape * np.sign(np.sin(2 * np.pi * pitch * at)), np.float32)


def packed(samples: NDArray[Any], rate: int, form: str) -> bytes:
    """Return sound as a file of a format."""
    if form == "pcm":
        return np.asarray(samples * 32767, "<i2").tobytes()
    written = io.BytesIO()
    kind, subtype = SUBTYPES[form]
    soundfile.write(written, samples, rate, format=kind, subtype=subtype)
    return written.getvalue()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int = 0
    """Bytes that the header announces beyond those that come."""


def _error(status: int, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps({"error": {"message": message}}).encode(), status, named)


def _sound(body: Mapping[str, Any], rate: int = RATE) -> Answer:
    form = body.get("response_format", "mp3")
    samples = tone(body["input"], float(body.get("speed", 1.0)), rate)
    named = f"audio/pcm; rate={rate}" if form == "pcm" else f"audio/{form}"
    return Answer(packed(samples, rate, form), headers={"Content-Type": named})


def _streamed(body: Mapping[str, Any], argument: str) -> Answer:
    """A WAV file whose sizes are those of servers that do not know them yet."""
    sent = bytearray(_sound({**body, "response_format": "wav"}).body)
    place = sent.index(b"data") + 4
    struct.pack_into("<I", sent, 4, 0xFFFFFFFF)
    struct.pack_into("<I", sent, place, 0xFFFFFFFF)
    return Answer(bytes(sent))


def _nan(body: Mapping[str, Any], argument: str) -> Answer:
    samples = tone(body["input"], 1.0, RATE)
    samples[len(samples) // 2] = np.nan
    written = io.BytesIO()
    soundfile.write(written, samples, RATE, format="WAV", subtype="FLOAT")
    return Answer(written.getvalue())


def _stereo(body: Mapping[str, Any], argument: str) -> Answer:
    samples = tone(body["input"], 1.0, RATE)
    both = np.stack([samples, np.zeros_like(samples)], axis=1)
    return Answer(packed(both, RATE, body.get("response_format", "wav")))


def _refuses_field(body: Mapping[str, Any], name: str) -> Answer:
    return _error(400, f"unknown field: {name}") if name in body else _sound(body)


def _rate_zero(body: Mapping[str, Any], argument: str) -> Answer:
    sent = bytearray(_sound({**body, "response_format": "wav"}).body)
    struct.pack_into("<I", sent, 24, int(argument or 0))
    return Answer(bytes(sent))


def _streamed_flac(body: Mapping[str, Any], argument: str) -> Answer:
    """A FLAC file that does not say how many samples it has; with an argument, without its end."""
    sent = bytearray(_sound({**body, "response_format": "flac"}).body)
    sent[21] &= 0xF0
    sent[22:42] = bytes(20)
    return Answer(bytes(sent[: len(sent) // 2] if argument else sent))


Behaviour = Callable[[Mapping[str, Any], str], Answer]
BEHAVIOURS: dict[str, Behaviour] = {
    "ok": lambda body, argument: _sound(body),
    "rate": lambda body, argument: _sound(body, int(argument)),
    "rate_limited": lambda body, argument: _error(429, "Rate limit", Retry_After=argument or "0.05"),
    "error_500": lambda body, argument: _error(500, "The server had an error", Retry_After="0.02"),
    "bad_key": lambda body, argument: _error(401, "Incorrect API key provided"),
    "no_model": lambda body, argument: _error(404, "model 'x' not found"),
    "no_voice": lambda body, argument: _error(400, "Voice 'x' not found. Available: y"),
    "no_credit": lambda body, argument: _error(429, "You exceeded your quota: insufficient_quota"),
    "html": lambda body, argument: Answer(b"<!doctype html><title>Welcome</title><p>Log in"),
    "json": lambda body, argument: Answer(b'{"error": {"message": "worker crashed"}}'),
    "empty": lambda body, argument: Answer(),
    "silence": lambda body, argument: Answer(packed(np.zeros(RATE, np.float32), RATE, "wav")),
    "truncated": lambda body, argument: Answer(_sound(body).body[: len(_sound(body).body) * 2 // 3]),
    "half_a_sample": lambda body, argument: Answer(_sound(body).body[:-1]),
    "breaks_off": lambda body, argument: Answer(_sound(body).body[:900], announced=5000),
    "header_only": lambda body, argument: Answer(_sound(body).body[:30]),
    "no_samples": lambda body, argument: Answer(packed(np.zeros(0, np.float32), RATE, "wav")),
    "streamed": _streamed,
    "streamed_flac": _streamed_flac,
    "short": lambda body, argument: Answer(packed(tone("", 8.0, RATE), RATE, "wav")),
    "endless": lambda body, argument: Answer(packed(np.full(RATE * 120, 0.1, np.float32), RATE, "wav")),
    "nan": _nan,
    "stereo": _stereo,
    "refuses": _refuses_field,
    "wrong_rate": _rate_zero,
}
WIRE = ("resets", "slow")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: where it went, what it held, and with which headers."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    raw: bytes = b""


@dataclass
class SpeechServer:
    """The server as a context manager."""

    dialect: str = "openai"
    script: Sequence[str] = ("ok",)
    on: Mapping[str, str] = field(default_factory=dict)
    """Word in a text -> behaviour."""
    voices: Any = None
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    spoken: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests for speech, in order of arrival."""
    most: int = 0
    """How many requests for speech were worked on at once at most."""

    def __post_init__(self) -> None:
        self._turn, self._now = threading.Lock(), 0
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> SpeechServer:
        memory_of.cache_clear()  # a port may be that of a server whose answers this process remembers
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- what it does -------------------------------------------------------------------------

    def _behaviour(self, body: dict[str, Any]) -> str:
        with self._turn:
            number = len(self.spoken)
            self.spoken.append(body)
        told = next((name for word, name in self.on.items() if word in str(body.get("input"))), "")
        return told or self.script[min(number, len(self.script) - 1)]

    def answer(self, asked: Asked) -> Answer | None:
        """Return the answer to a request; None for one whose connection is reset."""
        if asked.path == LISTS.get(self.dialect) and not asked.raw:
            return Answer(json.dumps(self.voices or VOICES[self.dialect]).encode())
        if asked.path == "/v1/voices" and self.dialect == "chatterbox":
            return Answer(b'{"message": "uploaded"}', 201)
        if asked.path != "/v1/audio/speech":
            return _error(404, "Not Found")
        name, _, argument = self._behaviour(asked.body).partition(":")
        if name == "resets":
            return None
        if name == "slow":
            time.sleep(float(argument))
            name, argument = "ok", ""
        return BEHAVIOURS[name](asked.body, argument)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: object) -> None:
                """Stay quiet."""

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    body = json.loads(raw) if raw else {}
                except ValueError:
                    body = {}
                asked = Asked(self.path, body, dict(self.headers), raw)
                with outer._turn:
                    outer.asked.append(asked)
                    outer._now += 1
                    outer.most = max(outer.most, outer._now)
                try:
                    self._reply(outer.answer(asked))
                finally:
                    with outer._turn:
                        outer._now -= 1

            do_GET = do_POST

            def _reply(self, said: Answer | None) -> None:
                if said is None:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                try:
                    self.send_response(said.status)
                    length = str(len(said.body) + said.announced)
                    for name, value in {"Content-Length": length, **said.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(said.body)
                except OSError:
                    self.close_connection = True  # the client's patience ended first
                self.close_connection = self.close_connection or bool(said.announced)

        return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8124)
    parser.add_argument("--dialect", choices=list(VOICES), default="openai")
    parser.add_argument("--script", default="ok")
    chosen = parser.parse_args()
    with SpeechServer(chosen.dialect, chosen.script.split(","), port=chosen.port) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
