"""Batches against a model that is scripted in memory: what is asked, what is stored, what is given up."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import pytest

from dubkit.errors import SettingError, TranslationError
from dubkit.services.failures import ServiceDown, ServiceRefused
from dubkit.translate import checks
from dubkit.translate.asking import Messages, Reply, TooLong
from dubkit.translate.batches import BatchTranslator
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.request import batch_messages, prompts_digest, single_messages
from dubkit.translate.settings import Translate
from tests.support.llm_server import SAYS, read_request

TEXTS = [
    "Good morning, my name is Jordi Mas.",
    "I am from Barcelona and I love the city.",
    "Hey, are you coming to the party tonight?",
    "The doctor said she'll be fine.",
    "I will kill you, Michael!",
    "I'm sorry, I can't do that.",
]
TASK = TranslationTask("en", "pt-BR")
_IDENTIFIER = cache(checks._load_identifier)


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


def lines(texts: Sequence[str] = TEXTS) -> list[SourceLine]:
    return [
        SourceLine(
            f"s{index}",
            text,
            "",
            tuple(texts[max(0, index - 3) : index]),
            tuple(texts[index + 1 : index + 4]),
        )
        for index, text in enumerate(texts)
    ]


class Model:
    """Answers with each behaviour of the script in turn; the last one stays."""

    def __init__(self, *script: str | Exception | Reply) -> None:
        self.script = script
        self.asked: list[Messages] = []

    def __call__(self, messages: Messages) -> Reply:
        step = self.script[min(len(self.asked), len(self.script) - 1)]
        self.asked.append(messages)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, Reply):
            return step
        name, _, argument = step.partition(":")
        return Reply(SAYS[name](read_request({"messages": messages}), argument), False, False, 7, 5)


def run(
    model: Callable[[Messages], Reply], source: list[SourceLine] | None = None, *, size: int = 20
) -> list[list[Translated]]:
    done: list[list[Translated]] = []
    translator = BatchTranslator(model, "openai:m", TASK, size)
    translator.run(lines() if source is None else source, lambda batch: done.append(list(batch)))
    return done


def flat(done: list[list[Translated]]) -> list[Translated]:
    return [line for batch in done for line in batch]


def test_each_batch_is_handed_over_once_and_in_order() -> None:
    done = run(Model("ok"), size=4)
    assert [[line.id for line in batch] for batch in done] == [["s0", "s1", "s2", "s3"], ["s4", "s5"]]
    assert all(line.text and not line.flags and line.provider == "openai:m" for line in flat(done))
    assert flat(done)[0].text == "Bom dia, meu nome é Jordi Mas."


def test_bad_form_is_repaired_by_naming_what_is_wrong() -> None:
    model = Model("drops_line", "ok")
    assert not any(line.flags for line in flat(run(model)))
    assert len(model.asked) == 2
    repair = model.asked[1]
    assert [message["role"] for message in repair] == ["system", "user", "assistant", "user"]
    assert "lines are missing: [6]" in repair[-1]["content"]


def test_only_bad_lines_are_asked_for_again() -> None:
    model = Model("refuses_one:kill", "ok")
    done = flat(run(model))
    assert not any(line.flags for line in done)
    assert "only [5]" in model.asked[1][-1]["content"]


@pytest.mark.parametrize(
    "behaviour", ["merges_lines", "drops_ids", "duplicate_ids", "adds_lines", "drops_line"]
)
def test_model_that_cannot_count_is_asked_for_single_lines(behaviour: str) -> None:
    model = Model(behaviour)
    done = flat(run(model))
    assert [line.text for line in done] == [line.text for line in flat(run(Model("ok")))]
    sizes = [len(read_request({"messages": asked}).lines) for asked in model.asked]
    assert sizes[:4] == [6, 6, 3, 2]
    assert sizes.count(1) >= 6


def test_lines_that_moved_up_are_not_stored() -> None:
    good = {line.text for line in flat(run(Model("ok")))}
    assert {line.text for line in flat(run(Model("shifts_lines", "shifts_lines", "ok")))} == good


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("refuses", "refused"),
        ("wrong_language", "wrong-language"),
        ("wrong_language:English", "wrong-language"),
        ("echoes_source", "echo"),
        ("unclosed_reasoning", "bad-reply"),
        ("rambles", "bad-reply"),
        ("empty", "bad-reply"),
    ],
)
def test_line_that_never_passes_has_no_text_and_a_reason(behaviour: str, reason: str) -> None:
    done = flat(run(Model(behaviour), lines(TEXTS[1:4])))
    assert [line.text for line in done] == ["", "", ""]
    assert all(line.flags[0] == "untranslated" for line in done)
    assert done[0].flags == ("untranslated", reason)


def test_one_refused_line_does_not_cost_the_others() -> None:
    done = flat(run(Model("refuses_one:kill")))
    assert [line.id for line in done if line.flags] == ["s4"]
    assert done[4] == Translated(
        "s4", "", "openai:m", ("untranslated", "refused"), done[4].tokens_in, done[4].tokens_out
    )


def test_character_may_say_that_he_cannot() -> None:
    done = flat(run(Model("ok")))
    assert done[5].text == "Sinto muito, não posso fazer isso."


@pytest.mark.parametrize("behaviour", ["reasoning", "prose_wrapped", "fenced", "json_reply"])
def test_wrapping_is_taken_off_without_another_request(behaviour: str) -> None:
    model = Model(behaviour)
    assert [line.text for line in flat(run(model))] == [line.text for line in flat(run(Model("ok")))]
    assert len(model.asked) == 1
    assert not any(line.flags for line in flat(run(Model(behaviour), lines(TEXTS[:1]))))


def test_answer_cut_off_at_its_limit_is_not_used() -> None:
    cut = Reply("[1] Bom dia, meu nome é Jordi", cut=True)
    done = flat(run(Model(cut), lines(TEXTS[:1])))
    assert done[0].flags == ("untranslated", "bad-reply")


def test_content_filter_counts_as_refusal() -> None:
    done = flat(run(Model(Reply("", refused=True)), lines(TEXTS[:2])))
    assert [line.flags[1] for line in done] == ["refused", "refused"]


def test_request_that_is_too_long_is_halved() -> None:
    model = Model(TooLong("context"), "ok")
    assert not any(line.flags for line in flat(run(model)))
    assert [len(read_request({"messages": asked}).lines) for asked in model.asked] == [6, 3, 3]


def test_single_line_that_is_too_long_is_asked_without_context_then_flagged() -> None:
    model = Model(TooLong("context"))
    done = flat(run(model, [SourceLine("s0", TEXTS[0], after=("Yes.",))]))
    assert done[0].flags == ("untranslated", "bad-reply")
    assert "Yes." not in model.asked[-1][1]["content"]


def test_tokens_of_all_requests_add_up() -> None:
    model = Model("drops_line", "drops_line", "ok")
    done = flat(run(model))
    assert sum(line.tokens_in for line in done) == 7 * len(model.asked)
    assert sum(line.tokens_out for line in done) == 5 * len(model.asked)


def test_lines_without_words_cost_nothing() -> None:
    model = Model("ok")
    done = flat(run(model, lines(["...", "1984", "♪"])))
    assert [line.text for line in done] == ["...", "1984", "♪"]
    assert model.asked == []


def test_finished_batches_stay_when_the_service_goes_down() -> None:
    model = Model("ok", ServiceDown("gone"))
    done = run(model, size=2)
    assert [[line.flags for line in batch] for batch in done] == [
        [(), ()],
        [("untranslated", "service-error")] * 2,
        [("untranslated", "service-error")] * 2,
    ]


def test_service_that_stays_down_is_not_asked_for_ever() -> None:
    model = Model("ok", ServiceDown("gone"))
    run(model, size=1)
    assert len(model.asked) == 3


def test_revoked_key_ends_the_asking_at_once() -> None:
    model = Model("ok", ServiceRefused("401"))
    done = flat(run(model, size=2))
    assert len(model.asked) == 2
    assert [bool(line.flags) for line in done] == [False, False, True, True, True, True]


@pytest.mark.parametrize("problem", [ServiceDown("gone"), ServiceRefused("401")])
def test_service_that_never_answered_is_an_error(problem: Exception) -> None:
    with pytest.raises(TranslationError, match=str(problem)):
        run(Model(problem))
    with pytest.raises(TranslationError, match=str(problem)):
        run(Model(problem), size=2)


def test_lines_of_a_batch_that_breaks_half_way_are_kept() -> None:
    model = Model("refuses_one:kill", ServiceDown("gone"))
    done = flat(run(model))
    assert [line.flags for line in done if line.flags] == [("untranslated", "service-error")]


def test_context_is_marked_and_never_numbered() -> None:
    source = [lines()[1], lines()[2], lines()[5]]
    user = batch_messages(source, TranslationTask("en", "pt-BR", Translate(context=1)))[1]["content"]
    script = re.findall(r"^(?:~|\[\d\]) .*$", user, re.MULTILINE)
    assert script == [
        f"~ {TEXTS[0]}",
        f"[1] {TEXTS[1]}",
        f"[2] {TEXTS[2]}",
        f"~ {TEXTS[3]}",
        f"~ {TEXTS[4]}",
        f"[3] {TEXTS[5]}",
    ]


def test_context_can_be_switched_off() -> None:
    bare = TranslationTask("en", "pt-BR", Translate(context=0))
    assert "\n~ " not in batch_messages([lines()[1], lines()[4]], bare)[1]["content"]
    assert "~" not in single_messages(lines()[1], bare, context=True)[1]["content"]


def test_speakers_are_named_apart_from_the_lines() -> None:
    user = batch_messages([SourceLine("a", "Hi.", "Anna"), SourceLine("b", "Hello.")], TASK)[1]["content"]
    assert "Speakers: [1] Anna." in user
    assert "[1] Hi." in user


def test_speaker_label_added_by_the_model_is_taken_off() -> None:
    done = flat(run(Model("says:Anna: Oi, tudo bem?"), [SourceLine("a", "Hi, how are you?", "Anna")]))
    assert done[0].text == "Oi, tudo bem?"


def test_system_prompt_is_sent_as_it_is_and_the_language_in_the_request() -> None:
    import prompts

    system, user = batch_messages(lines(), TASK)
    assert system == {"role": "system", "content": prompts.read("translate")}
    assert "Target language: Brazilian Portuguese (pt-BR)" in user["content"]
    assert re.fullmatch(r"[0-9a-f]{64}", prompts_digest())


@pytest.mark.parametrize("field", [{"batch_size": 0}, {"context": -1}, {"retries": -1}, {"timeout": 0.0}])
def test_impossible_settings_are_turned_down(field: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=rf"translate\.{next(iter(field))} = "):
        Translate(**field)  # type: ignore[arg-type]
