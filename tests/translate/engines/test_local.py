"""The local language model: its requests and replies, and once for real where a model file is given."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from dubkit.errors import ModelDamaged, TranslationError
from dubkit.translate import checks
from dubkit.translate.engine import TranslationTask
from dubkit.translate.engines.local import LocalTranslator
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.settings import Translate
from tests.support.llm_server import SAYS, read_request

TEXTS = ("Good morning, my name is Jordi Mas.", "I am from Barcelona and I love the city.")
LINES = [SourceLine(f"s{index}", text, after=("Yes.",)) for index, text in enumerate(TEXTS)]
_IDENTIFIER = cache(checks._load_identifier)


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


class FakeServer:
    """Stands in for `xllamacpp.Server`; `behaviour` is shared by all instances of a test."""

    behaviour = "ok"
    requests: list[dict[str, Any]]
    threads: list[int]

    def __init__(self, params: SimpleNamespace) -> None:
        if type(self).behaviour == "unloadable":
            raise RuntimeError("unknown architecture")
        type(self).threads.append(params.cpuparams.n_threads)

    def handle_chat_completions(self, request: dict[str, Any]) -> dict[str, Any]:
        type(self).requests.append(request)
        if type(self).behaviour == "context":
            return {"error": {"code": 400, "message": "exceeds the available context size"}}
        if type(self).behaviour == "broken":
            return {"error": {"code": 500, "message": "out of memory"}}
        text = SAYS[type(self).behaviour](read_request(request), "")
        return {
            "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 4},
        }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> type[FakeServer]:
    fake = type("Fake", (FakeServer,), {"requests": [], "threads": []})
    module = ModuleType("xllamacpp")
    module.Server = fake  # type: ignore[attr-defined]
    module.CommonParams = lambda: SimpleNamespace(  # type: ignore[attr-defined]
        model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace()
    )
    monkeypatch.setitem(sys.modules, "xllamacpp", module)
    return fake


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF")
    return path


def translate(gguf: Path, threads: int = 0) -> list[list[Translated]]:
    done: list[list[Translated]] = []
    task = TranslationTask("en", "pt-BR", Translate(gguf=str(gguf)))
    LocalTranslator(task, threads).translate(LINES, lambda batch: done.append(list(batch)))
    return done


def test_small_model_gets_one_line_at_a_time(server: type[FakeServer], gguf: Path) -> None:
    done = translate(gguf)
    assert [[line.text for line in batch] for batch in done] == [
        ["Bom dia, meu nome é Jordi Mas."],
        ["Eu sou de Barcelona e adoro a cidade."],
    ]
    assert done[0][0].tokens_in == 20
    assert all("Yes." not in request["messages"][1]["content"] for request in server.requests)
    assert all(request["temperature"] == 0 and request["max_tokens"] <= 1024 for request in server.requests)


def test_one_core_stays_free_unless_threads_are_given(server: type[FakeServer], gguf: Path) -> None:
    translate(gguf)
    translate(gguf, threads=3)
    assert server.threads == [max(1, (os.cpu_count() or 2) - 1), 3]


@pytest.mark.parametrize(("behaviour", "reason"), [("echoes_source", "echo"), ("context", "bad-reply")])
def test_lines_that_fail_are_flagged_not_kept(
    server: type[FakeServer], gguf: Path, behaviour: str, reason: str
) -> None:
    server.behaviour = behaviour
    assert [line.flags for batch in translate(gguf) for line in batch] == [("untranslated", reason)] * 2


def test_model_that_cannot_run_is_an_error(server: type[FakeServer], gguf: Path) -> None:
    server.behaviour = "broken"
    with pytest.raises(TranslationError, match="out of memory"):
        translate(gguf)
    server.behaviour = "unloadable"
    with pytest.raises(ModelDamaged, match="unknown architecture"):
        translate(gguf)


@pytest.mark.slow
@pytest.mark.skipif("TEST_GGUF" not in os.environ, reason="TEST_GGUF names no GGUF file")
def test_real_model_gives_a_checked_text_or_a_flag_for_every_line() -> None:
    done: list[Translated] = []
    task = TranslationTask("en", "es", Translate(gguf=os.environ["TEST_GGUF"]))
    LocalTranslator(task).translate(LINES, done.extend)
    assert [line.id for line in done] == ["s0", "s1"]
    assert all(bool(line.text) != bool(line.flags) for line in done)
    assert all(line.tokens_out > 0 for line in done)
