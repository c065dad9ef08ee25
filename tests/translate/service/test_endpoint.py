"""Services that answer otherwise than asked: a reply, or the service's own words in one error."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from dubkit.services.failures import ServiceDown, ServiceRefused, ServiceTroubled, ServiceUnreachable
from dubkit.translate.asking import Reply, TooLong
from dubkit.translate.service.endpoint import Endpoint
from dubkit.translate.settings import Translate
from tests.support.odd_server import Answer, Asked, odd_server

MESSAGES = [{"role": "system", "content": "Translate."}, {"role": "user", "content": "[1] Good morning."}]
RIGHT = {"choices": [{"message": {"content": "[1] Bom dia."}, "finish_reason": "stop"}]}


def sent(value: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Answer(body, status, {"Retry-After": "0.01", **named})


def failing(status: int, value: Any, unless: Callable[[Asked], Any] = lambda asked: False) -> Any:
    return lambda asked: sent(RIGHT) if unless(asked) else sent(value, status)


def ask(
    answer: Callable[[Asked], Answer], *, path: str = "/v1", **settings: Any
) -> tuple[Reply, list[Asked]]:
    with odd_server(answer) as server:
        address = server.url.removesuffix("/v1") + path
        own = Translate(model="m", **{"retries": 2, "timeout": 5.0, **settings})
        with Endpoint(address, own) as endpoint:
            return endpoint.ask(MESSAGES), server.asked


ADAPTED = {
    "a parameter that is forbidden": failing(
        422,
        {
            "message": {
                "detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]
            }
        },
        lambda asked: "seed" not in asked.body,
    ),
    "no system message": failing(
        500,
        {"error": {"code": 500, "message": "Conversation roles must alternate user/assistant/user/..."}},
        lambda asked: [m["role"] for m in asked.body["messages"]] == ["user"],
    ),
    "a stream only": lambda asked: (
        sent(b'data: {"choices": [{"delta": {"content": "[1] Bom dia."}}]}\n\ndata: [DONE]\n\n')
        if asked.body.get("stream")
        else sent({"error": {"message": "This model only supports streaming."}}, 400)
    ),
    "little credit": failing(
        402,
        {"error": {"message": "requires fewer max_tokens. You can only afford 500.", "code": 402}},
        lambda asked: asked.body["max_tokens"] <= 500,
    ),
    "a small plan, with the status of a rate": failing(
        429,
        {
            "error": {
                "message": "Request too large for m on tokens per minute (TPM): Limit 900, Requested 8200"
            }
        },
        lambda asked: asked.body["max_tokens"] < 900,
    ),
    "an error in an answer of success": lambda asked: sent(
        RIGHT if asked.number else {"error": {"message": "overloaded", "code": 503}}
    ),
    "another address of its own": lambda asked: (
        sent(RIGHT)
        if asked.path == "/api/v2/chat/completions"
        else sent({}, 301, Location="/api/v2/chat/completions")
    ),
    "an address without its end": failing(
        404, b"404 page not found", lambda a: a.path == "/v1/chat/completions"
    ),
    "packed": lambda asked: sent(gzip.compress(json.dumps(RIGHT).encode()), Content_Encoding="gzip"),
    "broken packing, once": lambda asked: (
        sent(RIGHT) if asked.number else sent(b"\x1f\x8bnothing", Content_Encoding="gzip")
    ),
    "a rate limit whose wait stands in the words": lambda asked: (
        sent(RIGHT) if asked.number else Answer(b'{"error": "Please try again in 20ms."}', 429)
    ),
}


@pytest.mark.parametrize("answer", ADAPTED.values(), ids=ADAPTED)
def test_a_service_is_asked_as_it_wants_to_be(
    answer: Callable[[Asked], Answer], request: pytest.FixtureRequest
) -> None:
    path = "" if "without its end" in request.node.name else "/v1"
    reply, asked = ask(answer, path=path)
    assert reply.text == "[1] Bom dia."
    assert len(asked) <= 3


def test_what_was_learnt_holds_for_the_next_request() -> None:
    answer = failing(400, {"error": "seed: unknown parameter"}, lambda asked: "seed" not in asked.body)
    with odd_server(answer) as server, Endpoint(server.url, Translate(model="m")) as endpoint:
        endpoint.ask(MESSAGES)
        endpoint.ask(MESSAGES)
    assert ["seed" in asked.body for asked in server.asked] == [True, False, False]


WORDS = "Sorry, closed for today"
FAILURES: dict[str, tuple[Any, type[Exception], int]] = {
    "an object": (failing(400, {"error": {"message": WORDS}}), ServiceRefused, 1),
    "a text": (failing(400, {"error": WORDS}), ServiceRefused, 1),
    "a list": (failing(400, [{"error": {"message": WORDS}}]), ServiceRefused, 1),
    "a message that is an object": (
        failing(422, {"message": {"detail": [{"msg": WORDS}]}}),
        ServiceRefused,
        1,
    ),
    "a page": (failing(500, f"<html><title>{WORDS}</title></html>".encode()), ServiceTroubled, 3),
    "plain text": (failing(503, WORDS.encode()), ServiceTroubled, 3),
    "an answer of success": (failing(200, {"error": {"message": WORDS, "code": 502}}), ServiceTroubled, 3),
    "a stream": (
        failing(200, b'data: {"error": {"message": "' + WORDS.encode() + b'"}}\n\n'),
        ServiceTroubled,
        3,
    ),
    "a wrong key": (failing(401, {"error": {"message": WORDS}}), ServiceRefused, 1),
    "a closed door": (failing(403, {"error": {"message": WORDS}}), ServiceRefused, 1),
    "no model": (failing(404, {"error": {"message": f"model x not found. {WORDS}"}}), ServiceRefused, 1),
    "no credit": (failing(402, {"error": {"message": WORDS}}), ServiceRefused, 1),
    "no quota": (
        failing(429, {"error": {"message": WORDS, "code": "insufficient_quota"}}),
        ServiceRefused,
        1,
    ),
    "a rate": (failing(429, {"error": {"message": WORDS}}), ServiceTroubled, 3),
    "a wait until tomorrow": (
        lambda asked: sent({"error": WORDS}, 429, Retry_After="80000"),
        ServiceTroubled,
        1,
    ),
    "no room": (
        failing(400, {"error": {"message": f"maximum context length is 5 tokens. {WORDS}"}}),
        TooLong,
        9,
    ),
    "a status of nobody": (failing(418, {"error": WORDS}), ServiceRefused, 1),
}


@pytest.mark.parametrize(("answer", "kind", "most"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_in_the_words_of_the_service(
    answer: Callable[[Asked], Answer], kind: type[Exception], most: int
) -> None:
    asked: list[Asked] = []

    def noted(request: Asked) -> Answer:
        asked.append(request)
        return answer(request)

    with pytest.raises(kind, match=WORDS) as error:
        ask(noted)
    assert type(error.value) is kind
    assert len(asked) <= most
    assert len(str(error.value).splitlines()) <= 2


def test_an_address_of_others_does_not_get_the_lines() -> None:
    moved = Answer(b"", 307, {"Location": "http://other.example/v1/chat/completions"})
    with pytest.raises(ServiceRefused, match=r"sends requests on to http://other\.example/v1 \(307\)"):
        ask(lambda asked: moved)


def test_a_service_that_sends_on_and_on_is_left() -> None:
    with pytest.raises(ServiceRefused, match="again and again"):
        ask(lambda asked: Answer(b"", 302, {"Location": f"/v{asked.number}/chat/completions"}))


def test_an_answer_that_drips_is_waited_for_no_longer_than_one_reply() -> None:
    began = time.monotonic()
    drips = Answer(json.dumps(RIGHT).encode(), 200, {}, drip=0.1)
    with pytest.raises(ServiceUnreachable, match=r"no whole answer within 0\.4 s"):
        ask(lambda asked: drips, timeout=0.4, retries=0)
    assert time.monotonic() - began < 3.0


def test_a_filter_is_a_refusal_of_the_lines() -> None:
    reply, _ = ask(failing(403, {"error": {"message": "moderation: your input was flagged", "code": 403}}))
    assert reply.refused


def test_the_key_is_sent_and_never_said() -> None:
    answer = failing(401, {"error": {"message": "Incorrect API key: sk-secret"}})
    with odd_server(answer) as server:
        endpoint = Endpoint(server.url, Translate(model="m", api_key="Bearer sk-secret\n"))
        with endpoint, pytest.raises(ServiceRefused, match="refused the key") as error:
            endpoint.ask(MESSAGES)
    assert server.asked[0].headers["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1", "https://127.0.0.1:9/v1"]
)
def test_nobody_at_the_address_is_unreachable(address: str) -> None:
    endpoint = Endpoint(address, Translate(model="m", retries=0))
    with endpoint, pytest.raises(ServiceUnreachable, match="was not reached") as error:
        endpoint.ask(MESSAGES)
    assert "OPENAI_BASE_URL" in str(error.value)


def test_a_proxy_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://me:secret@127.0.0.1:9")
    endpoint = Endpoint("http://service.example/v1", Translate(model="m", retries=0))
    with (
        endpoint,
        pytest.raises(ServiceUnreachable, match=r"through the proxy http://127\.0\.0\.1:9 of ALL_PROXY"),
    ):
        endpoint.ask(MESSAGES)


def test_https_where_http_is_spoken_is_said() -> None:
    with odd_server(lambda asked: sent(RIGHT)) as server:
        address = server.url.replace("http:", "https:")
        endpoint = Endpoint(address, Translate(model="m", retries=0))
        with endpoint, pytest.raises(ServiceRefused, match="does not speak https"):
            endpoint.ask(MESSAGES)


def test_no_answer_of_a_service_is_an_exception_of_another_kind() -> None:
    """300 answers that were put together at random."""
    chance = random.Random(4711)
    bodies = [
        json.dumps(RIGHT).encode(),
        b'{"error": {"message": "context too long seed stream system", "code": 413}}',
        b"<html><title>Bad</title>",
        b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n',
        b'[{"error": {"code": "x", "status": [1]}}]',
    ]

    def answer(asked: Asked) -> Answer:
        body = bytearray(chance.choice(bodies))
        for _ in range(chance.randint(0, 4)):
            place = chance.randrange(len(body) + 1)
            body[place : place + chance.randint(0, 5)] = bytes(chance.choices(b'{}[]",:5\xff\x00nul ', k=2))
        status = chance.choice((200, 200, 201, 204, 300, 302, 400, 401, 404, 413, 422, 429, 500, 503, 599))
        headers = {"Retry-After": chance.choice(("0", "x", "-1", "0.001", "Thu, 32 Foo"))}
        headers["Location"] = chance.choice(("/v1", "http://", "//[", "https://x.example", ""))
        return Answer(bytes(body), status, headers)

    with odd_server(answer) as server:
        for _ in range(300):
            endpoint = Endpoint(server.url, Translate(model="m", retries=0))
            with endpoint, contextlib.suppress(ServiceDown, TooLong):
                assert isinstance(endpoint.ask(MESSAGES), Reply)
