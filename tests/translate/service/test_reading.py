"""Answers of chat services in every form in use end as a reply or as words, and never as an exception."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest

from dubkit.services.words import service_words
from dubkit.translate.asking import Reply
from dubkit.translate.service.reading import Trouble, read_answer

TEXT = "[1] Bom dia.\n[2] Ela é médica."


def body(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def completion(content: Any, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {"choices": [{"index": 0, "message": said, "finish_reason": finish}], "usage": None}


def events(*values: Any, end: str = "data: [DONE]\n\n") -> bytes:
    return "".join(f"data: {json.dumps(value)}\n\n" for value in values).encode() + end.encode()


def delta(text: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text, **more}, "finish_reason": finish}]}


PARTS = [{"type": "text", "text": TEXT[:9]}, {"type": "text", "text": TEXT[9:]}]
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "The user wants [1]."}]}
REPLIES = {
    "plain": body(completion(TEXT)),
    "marked as UTF-8": b"\xef\xbb\xbf" + body(completion(TEXT)),
    "UTF-16": json.dumps(completion(TEXT)).encode("utf-16"),
    "an old coding": json.dumps(completion(TEXT), ensure_ascii=False).encode("cp1252"),
    "packed": gzip.compress(body(completion(TEXT))),
    "commas before brackets": body(completion(TEXT)).replace(b"}]", b"},]"),
    "bare line ends": body(completion(TEXT)).replace(b"\\n", b"\n"),
    "blanks around": b"\n\n  " + body(completion(TEXT)) + b"\n ",
    "parts": body(completion(PARTS)),
    "thought and text": body(completion([THOUGHT, *PARTS])),
    "a text in a list": body(completion([TEXT])),
    "text with a value": body(completion([{"type": "text", "text": {"value": TEXT}}])),
    "one part": body(completion(PARTS[0] | {"text": TEXT})),
    "thoughts in a field of their own": body(completion(TEXT, reasoning_content="First I think.")),
    "all of it in the field for thoughts": body(completion(None, reasoning_content=TEXT)),
    "the same under another name": body(completion("", reasoning=TEXT)),
    "choices by number": body({"choices": {"0": completion(TEXT)["choices"][0]}}),
    "an old completion": body({"choices": [{"text": TEXT, "finish_reason": "stop"}]}),
    "a list of completions": body([completion(TEXT)]),
    "wrapped": body({"code": 0, "data": completion(TEXT)}),
    "an error that is null": body({"error": None, **completion(TEXT)}),
    "Ollama": body({"model": "m", "message": {"role": "assistant", "content": TEXT}, "done": True}),
    "Ollama generate": body({"response": TEXT, "done": True}),
    "Anthropic": body({"type": "message", "content": PARTS, "stop_reason": "end_turn"}),
    "Gemini": body({"candidates": [{"content": {"parts": [{"text": TEXT}]}, "finishReason": "STOP"}]}),
    "Responses": body({"status": "completed", "output": [{"type": "message", "content": PARTS}]}),
    "Cloudflare": body({"result": {"response": TEXT}, "success": True}),
    "events": events(delta(TEXT[:5]), delta(TEXT[5:])),
    "events with an end and no last mark": events(delta(TEXT), delta("", "stop"), end=""),
    "events with thoughts": events(
        delta(None, reasoning_content="I think"), delta([PARTS[0]]), delta([THOUGHT, PARTS[1]])
    ),
    "events that are all thoughts": events(delta("", reasoning_content=TEXT), delta("", "stop")),
    "events with remarks and names": b": PROCESSING\n\nevent: message\nid: 1\n" + events(delta(TEXT)),
    "events without blank lines": events(delta(TEXT[:5]), delta(TEXT[5:])).replace(b"\n\n", b"\n"),
    "events in Windows lines": events(delta(TEXT[:5]), delta(TEXT[5:])).replace(b"\n", b"\r\n"),
    "events of usage at the end": events(delta(TEXT, "stop"), {"choices": [], "usage": {"prompt_tokens": 3}}),
    "one event with all of it": events(completion(TEXT)),
    "lines of JSON": b"\n".join(
        body({"message": {"content": part}, "done": last})
        for part, last in ((TEXT[:5], False), (TEXT[5:], True))
    ),
    "events of Anthropic": events(
        {"type": "message_start", "message": {"usage": {"input_tokens": 5}}},
        {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": TEXT}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
        end="",
    ),
}


@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES)
def test_a_reply_is_read_whatever_its_form(answer: bytes) -> None:
    reply = read_answer(answer)
    assert isinstance(reply, Reply), reply
    assert (reply.text, reply.cut, reply.refused) == (TEXT, False, False)


@pytest.mark.parametrize(
    ("value", "cut", "refused"),
    [
        (completion("[1] Bom", "length"), True, False),
        (completion("", "length", reasoning_content="I think"), True, False),
        (completion("", "content_filter"), False, True),
        (completion(None, "stop", refusal="I can't help with that."), False, True),
        (completion([{"type": "refusal", "refusal": "No."}]), False, True),
        ({"candidates": [{"finishReason": "SAFETY"}]}, False, True),
        ({"type": "message", "content": [], "stop_reason": "max_tokens"}, True, False),
    ],
)
def test_a_reply_says_that_it_was_cut_or_refused(value: Any, cut: bool, refused: bool) -> None:
    reply = read_answer(body(value))
    assert isinstance(reply, Reply), reply
    assert (reply.cut, reply.refused) == (cut, refused)


@pytest.mark.parametrize("usage", [None, {}, [], "5", {"prompt_tokens": None}, {"prompt_tokens": "many"}])
def test_tokens_that_are_not_counted_are_none(usage: Any) -> None:
    reply = read_answer(body({**completion(TEXT), "usage": usage}))
    assert isinstance(reply, Reply)
    assert (reply.tokens_in, reply.tokens_out) == (0, 0)


@pytest.mark.parametrize(
    ("value", "status", "words"),
    [
        ({"error": {"message": "Provider returned error", "code": 502}}, 502, "Provider returned error"),
        ({"error": "model is busy"}, 500, "model is busy"),
        ({"error": {"message": "slow down", "code": "429"}}, 429, "slow down"),
        ([{"error": {"code": 503, "message": "unavailable"}}], 503, "unavailable"),
        ({"object": "error", "message": "no room", "code": 400}, 400, "no room"),
        ({"detail": "Not authenticated"}, 500, "Not authenticated"),
        ({"code": 1214, "msg": "wrong parameter", "success": False}, 500, "wrong parameter"),
        ({"success": False, "errors": [{"message": "no such route"}]}, 500, "no such route"),
        ({"choices": None, "error": {"message": "overloaded"}}, 500, "overloaded"),
        ({"choices": [{"error": {"message": "upstream", "code": 502}, "message": {}}]}, 502, "upstream"),
    ],
)
def test_an_error_in_an_answer_of_success_keeps_its_words(value: Any, status: int, words: str) -> None:
    for answer in (body(value), events(value)):
        trouble = read_answer(answer)
        assert isinstance(trouble, Trouble), trouble
        assert (trouble.status, words in trouble.words) == (status, True), trouble


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "an empty answer"),
        (b"  \n", "an empty answer"),
        (b"<!doctype html><title>Welcome</title>", "a web page"),
        (b'{"choices": [', "what is no JSON"),
        (b"\x1f\x8bbroken", "an empty answer"),
        (b"\xff\xfe\x00", "what is no JSON"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": null}', "no choices"),
        (b"[]", "no choices"),
        (b"null", "what is no JSON"),
        (b"5", "no choices"),
        (b'data: {"choices": [{"delta": {"content": "[1] B"}}]}\n\n', "a stream that broke off"),
        (b"data: [DONE]\n\n", "a stream without an answer"),
    ],
)
def test_what_is_no_answer_is_named(answer: bytes, words: str) -> None:
    trouble = read_answer(answer)
    assert isinstance(trouble, Trouble), trouble
    assert trouble.status == 0
    assert trouble.words.startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"error": {"message": "Bad key", "code": 401}}', "Bad key"),
        ('{"error": "Bad key"}', "Bad key"),
        ('[{"error": {"message": "Bad key"}}]', "Bad key"),
        (
            '{"message": {"detail": [{"loc": ["body", "seed"], "msg": "not permitted"}]}}',
            "seed: not permitted",
        ),
        ('{"detail": [{"loc": ["body", "model"], "msg": "required", "input": {"m": 1}}]}', "model: required"),
        (
            '{"error": {"message": "Provider error", "metadata": {"raw": "{\\"message\\": \\"busy\\"}"}}}',
            "busy",
        ),
        ("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "502 Bad Gateway"),
        ("<html><body><p>Access &amp; denied</p><script>x()</script></body></html>", "Access & denied"),
        ("upstream connect error", "upstream connect error"),
        ('"Unauthorized"', "Unauthorized"),
        ('{"title": "Unprocessable", "status": 422}', "Unprocessable"),
        ("", ""),
    ],
)
def test_the_words_of_an_error_are_found_in_any_form(text: str, words: str) -> None:
    assert words in service_words(text)


def test_long_words_are_shortened() -> None:
    assert len(service_words("x " * 5000)) <= 300


def test_no_answer_is_an_exception() -> None:
    """Answers that were changed at random are read as something."""
    chance = random.Random(4711)
    for answer in REPLIES.values():
        for _ in range(60):
            odd = bytearray(answer)
            for _ in range(chance.randint(1, 6)):
                place = chance.randrange(len(odd))
                odd[place : place + chance.randint(0, 4)] = chance.choice(
                    (b"null", b"{}", b"[", b'"', b"5", b"\xff", b"\n", b"")
                )
                if not odd:
                    break
            assert isinstance(read_answer(bytes(odd)), (Reply, Trouble))


def test_values_of_other_kinds_are_no_exception() -> None:
    """Every value in an answer in turn is one of another kind."""
    others: tuple[Any, ...] = (None, 5, "x", [], {}, [[]], {"x": None}, True, -1.5, [None], [{}])

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from ({**value, key: other} for other in (*others, *changed(inner)))
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                for other in (*others, *changed(inner)):
                    yield [*value[:place], other, *value[place + 1 :]]

    values = [completion([THOUGHT, *PARTS]), delta("x"), {"error": {"message": "m", "code": 1, "loc": ["x"]}}]
    for value in values:
        for odd in changed(value):
            assert isinstance(read_answer(body(odd)), (Reply, Trouble))
            assert isinstance(read_answer(events(odd)), (Reply, Trouble))
            assert isinstance(service_words(json.dumps(odd)), str)
