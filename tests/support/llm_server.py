"""A local chat-completions server that behaves as told: well, badly, or not at all.

Each request takes the next behaviour of the script; the last one stays (or, with `cycle`, the script
starts again). A behaviour may carry an argument: `refuses_one:2`, `slow:0.5`. Run it by hand with
`python -m tests.support.llm_server --port 8123 --script ok,error_500 --cycle`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from dubkit.voice.syllables import syllables

KNOWN = {
    "good morning, my name is jordi mas.": "Bom dia, meu nome é Jordi Mas.",
    "good morning, my name is jordi mas. i am from barcelona and i love the city.": (
        "Bom dia, meu nome é Jordi Mas. Eu sou de Barcelona e adoro a cidade."
    ),
    "i am from barcelona and i love the city.": "Eu sou de Barcelona e adoro a cidade.",
    "hey, are you coming to the party tonight?": "Ei, você vem à festa hoje à noite?",
    "i can't believe you forgot my birthday again!": "Não acredito que você esqueceu meu aniversário!",
    "look, we don't have much time.": "Olha, não temos muito tempo.",
    "grab your coat and follow me.": "Pegue seu casaco e venha comigo.",
    "i'm sorry, i can't do that.": "Sinto muito, não posso fazer isso.",
    "the doctor said she'll be fine.": "O médico disse que ela vai ficar bem.",
}

# Material for lines that are not known: clauses of the right language, of about the right length.
CLAUSES = {
    "Portuguese": (
        "eu não sei",
        "ela disse que sim",
        "nós vamos embora",
        "isso é muito bom",
        "ele não vem",
        "já é tarde",
    ),
    "Spanish": (
        "no lo sé",
        "ella dijo que sí",
        "nosotros nos vamos",
        "esto es muy bueno",
        "él no viene",
        "ya es tarde",
    ),
    "French": (
        "je ne sais pas",
        "elle a dit oui",
        "nous partons",
        "c'est très bien",
        "il ne vient pas",
        "il est tard",
    ),
    "German": (
        "ich weiß nicht",
        "sie hat ja gesagt",
        "wir gehen weg",
        "das ist sehr gut",
        "er kommt nicht",
        "es ist spät",
    ),
    "Italian": (
        "non lo so",
        "lei ha detto di sì",
        "noi andiamo via",
        "questo è molto bello",
        "lui non viene",
        "è tardi",
    ),
    "English": (
        "i don't know",
        "she said yes",
        "we are leaving",
        "this is very good",
        "he is not coming",
        "it is late",
    ),
    "Russian": (
        "я не знаю",
        "она сказала да",
        "мы уходим",
        "это очень хорошо",
        "он не придёт",
        "уже поздно",
    ),
    "Japanese": (
        "知りません",
        "彼女はそう言った",
        "もう行きます",
        "とてもいいです",
        "彼は来ない",
        "もう遅いです",
    ),
}
REFUSAL = "I'm sorry, but I can't assist with that request."


def pseudo_translation(text: str, language: str) -> str:
    """A stand-in for a translation: right language, about the right length, names and numbers kept."""
    known = KNOWN.get(text.strip().casefold())
    if known and "Portuguese" in language:
        return known
    family = next((name for name in CLAUSES if name in language), "Portuguese")
    clauses, wide = CLAUSES[family], family == "Japanese"
    wanted = max(1, len(text) // (36 if wide else 12))
    start = int(hashlib.sha256(text.casefold().encode()).hexdigest(), 16)
    chosen = []
    for _ in range(wanted):
        chosen.append(clauses[start % len(clauses)])
        start //= len(clauses)
    kept = re.findall(r"\d+|(?<=[a-z,] )[A-Z][a-z]{2,}", text)
    joined = ("、" if wide else ", ").join(chosen + kept)
    end = text.strip()[-1:] if text.strip()[-1:] in ".!?" else ""
    return joined[0].upper() + joined[1:] + end


@dataclass(frozen=True)
class Asked:
    """What a request asks for: lines by number (number 1 alone for a single line)."""

    lines: dict[int, str]
    language: str
    single: bool
    repair: bool
    first: dict[int, str] = field(default_factory=dict)
    """First translations by number, where other wordings of them are asked for."""
    wanted: dict[int, list[int]] = field(default_factory=dict)
    """Syllables of the wordings that are asked for, by number."""
    terms: dict[str, str] = field(default_factory=dict)
    """Terms of a series that the request names, and the first approved form of each."""

    def translated(self, language: str = "") -> dict[int, str]:
        return {n: pseudo_translation(text, language or self.language) for n, text in self.lines.items()}

    def reply(self, texts: dict[int, str]) -> str:
        if self.single:
            return texts[1]
        return "\n".join(f"[{number}] {text}" for number, text in texts.items())


def read_request(body: dict[str, Any]) -> Asked:
    users = [message["content"] for message in body["messages"] if message["role"] == "user"]
    first, last = users[0], users[-1]
    found = re.search(r"^Target language: (.*?)(?: \(.*\))?$", first, re.MULTILINE)
    language = found.group(1) if found else "Portuguese"
    rules = re.split(r"^-----$", first, flags=re.MULTILINE)
    terms = dict(re.findall(r"^- “(.+?)” is “(.+?)”", first, re.MULTILINE))
    if len(rules) >= 3:
        return Asked({1: rules[1].strip()}, language, True, len(users) > 1, terms=terms)
    lines = {int(n): text for n, text in re.findall(r"^\[(\d+)\] (.*)$", first, re.MULTILINE)}
    if "  wanted: " in first:
        translations = re.findall(r"^  translation, .*? s: (.*)$", first, re.MULTILINE)
        sizes = re.findall(r"^  wanted: (.*)$", first, re.MULTILINE)
        return Asked(
            lines,
            language,
            False,
            len(users) > 1,
            dict(zip(lines, translations, strict=True)),
            {
                n: [int(c) for c in re.findall(r"(\d+) syll", size)]
                for n, size in zip(lines, sizes, strict=True)
            },
        )
    if len(users) > 1 and "only [" in last:
        wanted = {int(number) for number in re.findall(r"\[(\d+)\]", last[last.index("only [") :])}
        lines = {number: text for number, text in lines.items() if number in wanted}
    return Asked(lines, language, False, len(users) > 1, terms=terms)


# --- what the model says --------------------------------------------------------------------------


def _heeds_terms(asked: Asked, argument: str) -> str:
    """Say the terms that the request names; with `late`, only once it was told that they are missing."""
    texts = asked.translated()
    if argument == "late" and not asked.repair:
        return asked.reply(texts)
    for number, source in asked.lines.items():
        for term, form in asked.terms.items():
            if term.casefold() in source.casefold():
                texts[number] = f"{form}, {texts[number][:1].lower()}{texts[number][1:]}"
    return asked.reply(texts)


def _says_instead(asked: Asked, argument: str) -> str:
    """Say a word of one's own in every line: `says_instead:Diretor`."""
    texts = asked.translated()
    return asked.reply({n: f"{argument}, {text[:1].lower()}{text[1:]}" for n, text in texts.items()})


def _merges_lines(asked: Asked, argument: str) -> str:
    texts = asked.translated()
    if asked.single or len(texts) < 2:
        return asked.reply(texts)
    first, second, *rest = texts
    merged = {first: f"{texts[first]} {texts[second]}", **{number: texts[number] for number in rest}}
    return asked.reply(merged)


def _shifts_lines(asked: Asked, argument: str) -> str:
    """Join the first two lines, move the others up and invent a last one: ids and count look right."""
    texts = asked.translated()
    if asked.single or len(texts) < 3:
        return asked.reply(texts)
    numbers, values = list(texts), list(texts.values())
    moved = [f"{values[0]} {values[1]}", *values[2:], "Até logo."]
    return asked.reply(dict(zip(numbers, moved, strict=True)))


def _drops_ids(asked: Asked, argument: str) -> str:
    texts = asked.translated()
    return "\n".join(texts.values())


def _drops_line(asked: Asked, argument: str) -> str:
    texts = asked.translated()
    if not asked.single and len(texts) > 1:
        del texts[max(texts)]
    return asked.reply(texts)


def _duplicate_ids(asked: Asked, argument: str) -> str:
    reply = asked.reply(asked.translated())
    return reply if asked.single else f"{reply}\n{reply.splitlines()[0]}"


def _adds_lines(asked: Asked, argument: str) -> str:
    texts = asked.translated()
    return asked.reply(texts) if asked.single else f"{asked.reply(texts)}\n[{max(texts) + 1}] E foi assim."


def _refuses(asked: Asked, argument: str) -> str:
    return argument or REFUSAL


def _refuses_one(asked: Asked, argument: str) -> str:
    """Refuse the lines that contain `argument` (default `kill`)."""
    word = argument or "kill"
    texts = asked.translated()
    refused = {number: REFUSAL if word in asked.lines[number] else text for number, text in texts.items()}
    return asked.reply(refused)


def _wrong_language(asked: Asked, argument: str) -> str:
    return asked.reply(asked.translated(argument or "French"))


def _echoes_source(asked: Asked, argument: str) -> str:
    return asked.reply(asked.lines)


def _reasoning(asked: Asked, argument: str) -> str:
    return (
        "<think>\nThe user wants dialogue. [1] could be formal. Let me translate.\n</think>\n\n"
        + asked.reply(asked.translated())
    )


def _unclosed_reasoning(asked: Asked, argument: str) -> str:
    return "<think>\nThe user wants dialogue.\n" + asked.reply(asked.translated())


def _prose_wrapped(asked: Asked, argument: str) -> str:
    body = asked.reply(asked.translated())
    if asked.single:
        return f'Here is the translation:\n\n"{body}"'
    return f"Sure! Here is the translation:\n\n{body}\n\nLet me know if you need anything else!"


def _fenced(asked: Asked, argument: str) -> str:
    return f"Here you go:\n```text\n{asked.reply(asked.translated())}\n```"


def _json_reply(asked: Asked, argument: str) -> str:
    texts = asked.translated()
    if asked.single:
        return json.dumps({"translation": texts[1]}, ensure_ascii=False)
    return json.dumps({"lines": [{"id": n, "text": text} for n, text in texts.items()]}, ensure_ascii=False)


def _rambles(asked: Asked, argument: str) -> str:
    return asked.reply({number: " ".join([text] * 6) for number, text in asked.translated().items()})


FILLING = ("de", "fato", "como", "todos", "nós", "aqui", "já", "bem", "sabemos", "há", "muito", "tempo")


def worded(text: str, count: int) -> str:
    """The text in about so many syllables: names, numbers and denials stay, other words go or come."""
    end = text[-1:] if text[-1:] in ".!?" else ""
    words = text.removesuffix(end).split()
    while _length(words) > count:
        loose = [n for n, word in enumerate(words) if n and not _stays(word)]
        if not loose:
            break
        fitting = [n for n in loose if _length([words[n]]) <= _length(words) - count]
        del words[(fitting or loose)[-1]]
    for n in range(1000):
        if _length(words) >= count:
            break
        words.append(FILLING[n % len(FILLING)])
    return " ".join(words) + end


def _length(words: Sequence[str]) -> int:
    return syllables(" ".join(words), "pt")


def _stays(word: str) -> bool:
    bare = word.strip(",.;:!?")
    return bare[:1].isupper() or any(map(str.isdigit, bare)) or bare.casefold() in ("não", "nunca", "nada")


def _json_offers(offers: dict[int, list[str]]) -> str:
    return json.dumps(
        {"lines": [{"id": n, "texts": texts} for n, texts in offers.items()]}, ensure_ascii=False
    )


def _offers(asked: Asked, argument: str) -> str:
    """Translate; asked for other wordings, give one of each length."""
    if not asked.wanted:
        return asked.reply(asked.translated())
    return _json_offers({n: [worded(asked.first[n], c) for c in asked.wanted[n]] for n in asked.lines})


def _offers_losing(asked: Asked, argument: str) -> str:
    """Translate; asked for other wordings, give some that fit but have lost the words of `argument`."""
    if not asked.wanted:
        return asked.reply(asked.translated())
    lost = {n: re.sub(rf"\s*\b(?:{argument})\b", "", asked.first[n], flags=re.I) for n in asked.lines}
    return _json_offers({n: [worded(lost[n], c) for c in asked.wanted[n]] for n in asked.lines})


def _offers_badly(asked: Asked, argument: str) -> str:
    """Translate; asked for other wordings, answer as a reply to a translation would go wrong: `refuses`."""
    if not asked.wanted:
        return asked.reply(asked.translated())
    name, _, rest = argument.partition(":")
    good = _json_offers({n: [worded(asked.first[n], c) for c in asked.wanted[n]] for n in asked.lines})
    broken = {
        "half": good[: len(good) // 2],
        "one_missing": _json_offers({n: ["Sim."] for n in list(asked.lines)[1:]} or {9: ["Sim."]}),
        "twice": _json_offers({n: ["Sim."] for n in asked.lines}).replace(
            "]}", ', {"id": 1, "texts": ["Não."]}]}'
        ),
        "foreign": _json_offers({n + 40: ["Sim."] for n in asked.lines}),
        "no_texts": _json_offers({n: [] for n in asked.lines}),
        "other_language": _json_offers(
            {n: ["Ich weiß nicht, was ich dazu sagen soll, aber wir gehen jetzt."] for n in asked.lines}
        ),
        "echo": _json_offers({n: [text] for n, text in asked.lines.items()}),
        "essay": "I would first consider the rhythm of each line.\nThen I would shorten it.",
        "only_reasoning": '<think>\nThe user wants shorter lines. {"lines": [',
        "swapped": _json_offers(
            dict(zip(asked.lines, [[asked.first[n]] for n in reversed(list(asked.lines))], strict=True))
        ),
        "numbers": json.dumps({"lines": [{"id": n, "texts": [1, 2]} for n in asked.lines]}),
    }
    return broken[name] if name in broken else SAYS[name](asked, rest)


SAYS: dict[str, Callable[[Asked, str], str]] = {
    "ok": lambda asked, argument: asked.reply(asked.translated()),
    "heeds_terms": _heeds_terms,
    "says_instead": _says_instead,
    "merges_lines": _merges_lines,
    "shifts_lines": _shifts_lines,
    "drops_ids": _drops_ids,
    "drops_line": _drops_line,
    "duplicate_ids": _duplicate_ids,
    "adds_lines": _adds_lines,
    "refuses": _refuses,
    "refuses_one": _refuses_one,
    "wrong_language": _wrong_language,
    "echoes_source": _echoes_source,
    "reasoning": _reasoning,
    "unclosed_reasoning": _unclosed_reasoning,
    "prose_wrapped": _prose_wrapped,
    "fenced": _fenced,
    "json_reply": _json_reply,
    "rambles": _rambles,
    "empty": lambda asked, argument: "",
    "says": lambda asked, argument: argument,
    "offers": _offers,
    "offers_losing": _offers_losing,
    "offers_badly": _offers_badly,
}

# --- what the service does ------------------------------------------------------------------------

STATUS: dict[str, tuple[int, dict[str, Any], dict[str, str]]] = {
    "rate_limited": (429, {"message": "Rate limit reached", "type": "requests"}, {"Retry-After": "0.05"}),
    "no_credit": (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}, {}),
    "error_500": (
        500,
        {"message": "The server had an error", "type": "server_error"},
        {"Retry-After": "0.05"},
    ),
    "overloaded": (503, {"message": "Loading model", "type": "unavailable_error"}, {"Retry-After": "0.05"}),
    "bad_key": (401, {"message": "Incorrect API key provided", "code": "invalid_api_key"}, {}),
    "no_model": (404, {"message": "model 'x' not found, try pulling it first", "type": "api_error"}, {}),
    "too_long": (
        400,
        {"message": "maximum context length is 4096 tokens", "code": "context_length_exceeded"},
        {},
    ),
    "content_filter": (400, {"message": "content management policy", "code": "content_filter"}, {}),
    "bad_request": (400, {"message": "messages: unexpected role", "type": "invalid_request_error"}, {}),
}
WIRE = (
    "breaks_off",
    "resets",
    "html_error",
    "html_200",
    "not_json",
    "truncated",
    "filtered",
    "no_seed",
    "small_room",
    "slow",
)
BEHAVIOURS = (*SAYS, *STATUS, *WIRE)
FLAVOURS = ("openai", "ollama", "vllm", "llamacpp")


@dataclass
class LlmServer:
    """The server as a context manager; `requests` holds the decoded bodies in order of arrival."""

    script: Sequence[str] = ("ok",)
    cycle: bool = False
    flavour: str = "openai"
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        unknown = [name for name in self.script if name.split(":")[0] not in BEHAVIOURS]
        if unknown:
            raise ValueError(f"unknown behaviours {unknown}; known: {', '.join(BEHAVIOURS)}")
        server = self

        class Handler(_Handler):
            llm = server

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> LlmServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def next_behaviour(self, body: dict[str, Any]) -> tuple[str, str]:
        with self._lock:
            index = len(self.requests)
            self.requests.append(body)
        step = index % len(self.script) if self.cycle else min(index, len(self.script) - 1)
        name, _, argument = self.script[step].partition(":")
        return name, argument

    def completion(self, text: str, finish: str = "stop") -> dict[str, Any]:
        """A chat completion as the servers of this flavour write it."""
        message: dict[str, Any] = {"role": "assistant", "content": text}
        usage: dict[str, Any] | None = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        extra: dict[str, Any] = {"system_fingerprint": "fp_1", "service_tier": "default"}
        if self.flavour == "ollama":
            extra = {"system_fingerprint": "fp_ollama"}
        elif self.flavour == "vllm":
            message |= {"reasoning_content": None, "tool_calls": []}
            extra, usage = {"prompt_logprobs": None}, None
        elif self.flavour == "llamacpp":
            extra = {"timings": {"prompt_n": 1}}
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "scripted:latest" if self.flavour == "ollama" else "scripted",
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
            **extra,
        }
        return body if self.flavour == "llamacpp" else body | {"usage": usage}


class _Handler(BaseHTTPRequestHandler):
    llm: LlmServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay quiet: the requests are recorded."""

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, argument = self.llm.next_behaviour(body)
        if name in STATUS:
            status, error, headers = STATUS[name]
            self._json(status, {"error": error}, headers)
        elif name in WIRE:
            self._wire(name, argument, body)
        else:
            self._json(200, self.llm.completion(SAYS[name](read_request(body), argument)))

    def _wire(self, name: str, argument: str, body: dict[str, Any]) -> None:
        good = SAYS["ok"](read_request(body), "")
        if name == "breaks_off":
            whole = json.dumps(self.llm.completion(good)).encode()
            self._send(200, whole[: len(whole) // 2], "application/json", {}, length=len(whole))
            self.close_connection = True
        elif name == "resets":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
        elif name == "html_error":
            page = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
            self._send(502, page, "text/html", {"Retry-After": "0.05"})
        elif name == "html_200":
            self._send(200, b"<!doctype html><html><body>Welcome</body></html>", "text/html", {})
        elif name == "not_json":
            self._send(200, b'{"choices": [', "application/json", {})
        elif name == "truncated":
            self._json(200, self.llm.completion(good[: len(good) * 2 // 3], "length"))
        elif name == "filtered":
            self._json(200, self.llm.completion("", "content_filter"))
        elif name == "no_seed" and "seed" in body:
            error = {"message": "Unsupported parameter: 'seed'", "type": "invalid_request_error"}
            self._json(400, {"error": error})
        elif name == "small_room" and "max_tokens" in body:
            error = {
                "message": "This model's maximum context length is 4096 tokens",
                "type": "invalid_request_error",
            }
            self._json(400, {"error": error})
        else:
            if name == "slow":
                time.sleep(float(argument or 1.0))
            self._json(200, self.llm.completion(good))

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers or {})

    def _send(
        self, status: int, content: bytes, kind: str, headers: dict[str, str], *, length: int | None = None
    ) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content) if length is None else length))
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client's patience ended first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8123, help="Port on 127.0.0.1.")
    parser.add_argument("--script", default="ok", help=f"Comma-separated: {', '.join(BEHAVIOURS)}")
    parser.add_argument("--cycle", action="store_true", help="Start the script again at its end.")
    parser.add_argument("--flavour", choices=FLAVOURS, default="openai")
    options = parser.parse_args()
    script = tuple(options.script.split(","))
    with LlmServer(script, options.cycle, options.flavour, options.port) as server:
        print(f"OPENAI_BASE_URL={server.base_url} OPENAI_API_KEY=none", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
