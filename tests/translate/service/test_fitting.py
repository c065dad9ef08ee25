"""What a service does not take is left out of its requests from then on."""

from __future__ import annotations

from typing import Any

import pytest

from dubkit.translate.service.fitting import LEAST_ROOM, ROOM, Manner, too_long

MESSAGES = [
    {"role": "system", "content": "Translate."},
    {"role": "user", "content": "[1] Good morning." * 200},
]
REPAIR = [*MESSAGES, {"role": "user", "content": "The answer is empty."}]


def body(manner: Manner) -> dict[str, Any]:
    return manner.body("m", MESSAGES)


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        ("seed: Extra inputs are not permitted", {"seed"}),
        ("Unrecognized request argument supplied: seed", {"seed"}),
        ("Unsupported value: 'temperature' does not support 0 with this model.", {"temperature"}),
        ("property 'seed' is unsupported; property 'temperature' is unsupported", {"seed", "temperature"}),
        ("max_tokens: Unsupported parameter: 'max_tokens' is not supported with this model", {"max_tokens"}),
        ("Extra inputs are not permitted", {"seed", "temperature"}),
        ("Invalid parameter in the request", {"seed", "temperature"}),
    ],
)
def test_a_parameter_that_is_not_taken_is_left_out(words: str, left_out: set[str]) -> None:
    manner = Manner()
    assert manner.learn(words, MESSAGES)
    assert {"seed", "temperature", "max_tokens"} - set(body(manner)) == left_out


def test_the_limit_of_an_answer_goes_by_the_name_that_the_service_gives_it() -> None:
    manner = Manner()
    words = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    assert manner.learn(words, MESSAGES)
    assert "max_tokens" not in body(manner)
    assert body(manner)["max_completion_tokens"] == ROOM


def test_a_service_that_demands_a_limit_gets_one() -> None:
    manner = Manner(options={})
    assert manner.learn("max_tokens: Field required", MESSAGES)
    assert body(manner)["max_tokens"] > 0


@pytest.mark.parametrize(
    ("words", "room"),
    [
        ("requires more credits, or fewer max_tokens. You can only afford 3919.", 3919),
        ("max_tokens is too large: 8192. This model supports at most 4096 completion tokens", 4096),
        ("max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens", 4096),
        ("`max_tokens` must be less than or equal to `4,096`", 4096),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 2048]", 2048),
        ("You can only afford 12", LEAST_ROOM),
    ],
)
def test_the_room_for_an_answer_is_what_the_service_allows(words: str, room: int) -> None:
    manner = Manner()
    assert manner.learn(words, MESSAGES)
    assert body(manner)["max_tokens"] == room


@pytest.mark.parametrize(
    "words",
    [
        "maximum context length is 4096 tokens. However, you requested 9092 tokens (900 in the messages, 8192"
        " in the completion). Please reduce the length of the messages or completion.",
        "'max_tokens' is too large: 8192. This model's maximum context length is 4096 tokens and your request"
        " has 900 input tokens (8192 > 4096 - 900).",
        "Request too large for model `m` on tokens per minute (TPM): Limit 4096, Requested 9092",
    ],
)
def test_what_question_and_answer_share_is_what_the_question_leaves(words: str) -> None:
    manner = Manner()
    assert manner.learn(words, MESSAGES)
    assert 3000 < body(manner)["max_tokens"] < 4096 - 900
    short = manner.body("m", [{"role": "user", "content": "Hello"}])
    assert short["max_tokens"] > 4000


def test_a_size_without_numbers_makes_the_room_smaller_until_there_is_none_to_give() -> None:
    manner, rooms = Manner(), []
    while manner.learn("Request too large, please reduce your message size", MESSAGES):
        rooms.append(body(manner)["max_tokens"])
    assert rooms == sorted(rooms, reverse=True)
    assert rooms[-1] == LEAST_ROOM


@pytest.mark.parametrize(
    "words",
    [
        "System role not supported",
        "system: invalid role",
        "Developer instruction is not enabled for models/gemma-3-1b-it",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "messages[0].role: 'system' is not one of ['user', 'assistant']",
        "This model does not support system messages",
        "Only user and assistant roles are supported!",
        "'messages[0].role' does not support 'system' with this model.",
    ],
)
def test_the_system_message_goes_into_the_first_one_of_the_user(words: str) -> None:
    manner = Manner()
    assert manner.learn(words, MESSAGES)
    sent = body(manner)["messages"]
    assert [message["role"] for message in sent] == ["user"]
    assert sent[0]["content"].startswith("Translate.\n\n[1] Good")
    assert not manner.learn(words, MESSAGES)


def test_neighbours_of_one_role_are_one_message() -> None:
    sent = Manner().body("m", REPAIR)["messages"]
    assert [message["role"] for message in sent] == ["system", "user"]


@pytest.mark.parametrize(
    "words",
    [
        "This model only supports streaming.",
        "stream must be set to true",
        "Streaming is required",
        "stream required",
    ],
)
def test_a_service_that_only_streams_is_asked_for_a_stream(words: str) -> None:
    manner = Manner()
    assert "stream" not in body(manner)
    assert manner.learn(words, MESSAGES)
    assert body(manner)["stream"] is True
    assert not manner.learn(words, MESSAGES)


@pytest.mark.parametrize(
    "words",
    [
        "API key not valid",
        "Internal error",
        "messages: unexpected role",
        "stream must be false",
        "",
        "no such model",
    ],
)
def test_what_no_form_of_the_request_helps_changes_nothing(words: str) -> None:
    manner = Manner()
    assert not manner.learn(words, MESSAGES)
    assert body(manner) == body(Manner())


def test_learning_comes_to_an_end() -> None:
    words = (
        "seed temperature max_tokens stream required system role not supported must alternate too large"
        " context maximum 5 tokens afford 5 unknown parameter use max_completion_tokens instead"
    )
    manner, times = Manner(), 0
    while manner.learn(words, MESSAGES):
        times += 1
        assert times < 20


@pytest.mark.parametrize(
    ("words", "long"),
    [
        ("maximum context length is 4096 tokens", True),
        ("the request exceeds the available context size", True),
        ("prompt is too long: 210000 tokens > 200000 maximum", True),
        ("API key not valid", False),
        ("The model does not exist", False),
    ],
)
def test_a_request_that_is_too_long_is_known_by_the_words(words: str, long: bool) -> None:
    assert too_long(words) is long
