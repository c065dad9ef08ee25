"""The endpoint client against a real local HTTP server that behaves as told."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import cache

import pytest

from dubkit.errors import TranslationError
from dubkit.translate import checks
from dubkit.translate.engine import TranslationTask
from dubkit.translate.engines.openai import OpenAITranslator
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.settings import Translate
from tests.support.llm_server import FLAVOURS, LlmServer

TEXTS = ("Good morning, my name is Jordi Mas.", "I am from Barcelona and I love the city.", "Follow me.")
LINES = [SourceLine(f"s{index}", text) for index, text in enumerate(TEXTS)]
_IDENTIFIER = cache(checks._load_identifier)


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


def translate(server: LlmServer, *, retries: int = 2, timeout: float = 5.0) -> list[Translated]:
    done: list[Translated] = []
    settings = Translate(model="gpt-x", base_url=server.base_url, retries=retries, timeout=timeout)
    OpenAITranslator(TranslationTask("en", "pt-BR", settings)).translate(LINES, done.extend)
    return done


def test_request_is_repeatable_and_names_the_model() -> None:
    with LlmServer() as server:
        done = translate(server)
    assert [line.text for line in done[:2]] == [
        "Bom dia, meu nome é Jordi Mas.",
        "Eu sou de Barcelona e adoro a cidade.",
    ]
    assert sum(line.tokens_in for line in done) == 100
    assert sum(line.tokens_out for line in done) == 10
    body = server.requests[0]
    assert (body["model"], body["temperature"], body["seed"]) == ("gpt-x", 0.0, 0)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_kind_of_server_is_understood(flavour: str) -> None:
    with LlmServer(flavour=flavour) as server:
        done = translate(server)
    assert not any(line.flags for line in done)
    assert sum(line.tokens_in for line in done) == (0 if flavour in ("vllm", "llamacpp") else 100)


@pytest.mark.parametrize("trouble", ["rate_limited", "error_500", "overloaded", "html_error"])
def test_passing_trouble_is_waited_out_as_the_server_asks(trouble: str) -> None:
    with LlmServer((trouble, trouble, "ok")) as server:
        start = time.monotonic()
        done = translate(server)
        elapsed = time.monotonic() - start
    assert not any(line.flags for line in done)
    assert len(server.requests) == 3
    assert elapsed < 5


@pytest.mark.parametrize("trouble", ["breaks_off", "resets", "not_json", "html_200"])
def test_broken_connection_or_body_is_tried_again(trouble: str) -> None:
    with LlmServer((trouble, "ok")) as server:
        assert not any(line.flags for line in translate(server))
    assert len(server.requests) == 2


def test_slow_answer_is_tried_again() -> None:
    with LlmServer(("slow:2", "ok")) as server:
        done = translate(server, retries=1, timeout=0.5)
    assert not any(line.flags for line in done)


@pytest.mark.parametrize(
    ("trouble", "requests", "message"),
    [
        ("bad_key", 1, "OPENAI_API_KEY"),
        ("no_model", 1, "no model 'gpt-x'"),
        ("bad_request", 1, "does not accept the request"),
        ("no_credit", 1, "no credit left"),
        ("error_500", 3, "failed 3 times"),
        ("html_error", 3, "failed 3 times"),
        ("html_200", 3, "ends in /v1"),
        ("not_json", 3, "what is no JSON"),
        ("resets", 3, "Check that the service runs"),
    ],
)
def test_lasting_trouble_is_an_error_with_a_cure(trouble: str, requests: int, message: str) -> None:
    with LlmServer((trouble,)) as server, pytest.raises(TranslationError, match=message) as error:
        translate(server)
    assert len(server.requests) == requests
    assert server.base_url in str(error.value)


def test_nobody_at_the_address_is_an_error_with_a_cure() -> None:
    with LlmServer() as server:
        pass
    with pytest.raises(TranslationError, match="Check that the service runs"):
        translate(server, retries=0, timeout=2.0)


def test_parameter_that_the_model_does_not_take_is_left_out() -> None:
    with LlmServer(("no_seed",)) as server:
        assert not any(line.flags for line in translate(server))
    assert ["seed" in body for body in server.requests] == [True, False]


def test_limit_on_the_answer_gives_way_to_a_small_context() -> None:
    with LlmServer(("small_room",)) as server:
        assert not any(line.flags for line in translate(server))
    assert [body.get("max_tokens", 0) > 0 for body in server.requests] == [True, False]


@pytest.mark.parametrize(("trouble", "reason"), [("filtered", "refused"), ("content_filter", "refused")])
def test_filtered_content_is_a_refusal(trouble: str, reason: str) -> None:
    with LlmServer((trouble,)) as server:
        done = translate(server)
    assert [line.flags for line in done] == [("untranslated", reason)] * 3


def test_answer_without_end_is_a_bad_reply() -> None:
    with LlmServer(("truncated",)) as server:
        done = translate(server)
    assert [line.flags for line in done] == [("untranslated", "bad-reply")] * 3


def test_service_without_room_for_one_line_is_an_error_in_its_own_words() -> None:
    with LlmServer(("too_long",)) as server, pytest.raises(TranslationError, match="is 4096 tokens") as error:
        translate(server)
    assert "translate.batch_size" in str(error.value)


def test_environment_does_not_change_where_requests_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with LlmServer() as server:
        assert not any(line.flags for line in translate(server))


def test_key_never_shows() -> None:
    assert "secret" not in repr(Translate(base_url="http://x/v1", api_key="secret"))


def test_reading_the_registry_does_not_load_the_client_packages() -> None:
    heavy = ("httpx", "numpy", "langcodes", "py3langid", "xllamacpp", "dubkit.translate.batches")
    read = "from dubkit.translate.engine import TRANSLATORS; TRANSLATORS.names"
    code = f"import sys; {read}; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_server_turns_down_a_behaviour_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="unknown behaviours"):
        LlmServer(("sings",))
