"""Terms of a series in the stage that translates: requests, keys, what is flagged, what a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.models.store import ModelStore
from dubkit.progress import Silent
from dubkit.series.people.book import Draft, PeopleBook
from dubkit.series.people.person import PersonChange, Said
from dubkit.series.place import find_series
from dubkit.translate import checks
from dubkit.types import Segment, Transcript
from stages.shared.series_words import wording_remarks
from stages.translate import STAGE
from tests.support.llm_server import BEHAVIOURS, LlmServer
from tests.support.series_people import embedding, sighting

PT = "pt-BR"
SOURCES = (
    "The Warden told Maria that the train leaves late.",
    "She said that the house is far too big for them.",
    "Nobody has seen him since the winter began.",
    "We should wait until the snow is gone.",
    "Then the wardens closed the gate again.",
)
SERIES = """
[[terms]]
source = "Warden"
approved.pt-BR = ["Guardião"]
forbidden.pt-BR = ["Diretor"]
"""
Make = Callable[..., Context]


@pytest.fixture(autouse=True)
def identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_load_identifier", _load)


_load = cache(checks._load_identifier)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return what makes an episode that a server translates, with the series.toml beside it, if any."""

    def made(
        server: LlmServer,
        series: str = SERIES,
        name: str = "e01",
        texts: Sequence[str] = SOURCES,
        **settings: object,
    ) -> Context:
        source = tmp_path / f"{name}.mp4"
        source.write_bytes(b"x" * 1000)
        if series:
            (tmp_path / "series.toml").write_text(series, "utf-8")
        segments = tuple(
            Segment(f"s000{n}", 2.0 * n, 2.0 * n + 1.5, f"spk{1 + n % 2}", text)
            for n, text in enumerate(texts, 1)
        )
        store = EpisodeStore(tmp_path / "Output" / name)
        store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
        own = {"base_url": server.base_url, "model": "m", "retries": 0, "context": 1, "provider": "openai"}
        chosen = with_settings(
            Settings(), {f"translate.{key}": value for key, value in (own | settings).items()}
        )
        models = ModelStore(tmp_path / "models")
        return Context(store, chosen, source, "0" * 64, models, PT, series=find_series(source))

    return made


def due(context: Context) -> dict[str, str]:
    return {t.item.id: t.reason for t in find_todo(STAGE, context, STAGE.items(context), False)}


def run(context: Context) -> None:
    here = context.fresh()
    todo = find_todo(STAGE, here, STAGE.items(here), False)
    sink = StoreSink(here, {t.item.id: t.parts for t in todo}, Silent(), PT)
    STAGE.run(here, [t.item for t in todo], sink)
    assert STAGE.assemble is not None
    STAGE.assemble(here)


def again(context: Context, series: str) -> Context:
    """Return the episode as the next run sees it, after series.toml was changed."""
    context.source.with_name("series.toml").write_text(series, "utf-8")
    return replace(context.fresh(), series=find_series(context.source))


@pytest.fixture
def heeding() -> Iterator[LlmServer]:
    with LlmServer(["heeds_terms"]) as server:
        yield server


def test_the_request_says_the_terms_of_its_lines_only(make: Make, heeding: LlmServer) -> None:
    context = make(heeding, SERIES + '[[terms]]\nsource = "dragon"\napproved.pt = ["dragão"]\n')
    run(context)
    asked = heeding.requests[0]["messages"][-1]["content"]
    assert "- “Warden” is “Guardião”, never “Diretor”." in asked
    assert "dragon" not in asked
    texts = {line.id: line.text for _, line in context.fresh().lines}
    assert "Guardião" in texts["s0001"]
    assert "Guardião" in texts["s0005"]
    assert wording_remarks(context.fresh()) == []
    assert len(heeding.requests) == 1


def test_a_model_that_forgets_a_term_is_asked_again(make: Make) -> None:
    with LlmServer(["heeds_terms:late"]) as server:
        context = make(server)
        run(context)
        assert wording_remarks(context.fresh()) == []
        repair = server.requests[1]["messages"][-1]["content"]
    assert "Line [1] does not say “Guardião” for “Warden”." in repair
    assert len(server.requests) == 2


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", [*BEHAVIOURS, "says_instead:Diretor", "says_instead:O Diretor"])
def test_no_behaviour_of_a_service_gets_around_the_terms(make: Make, behaviour: str) -> None:
    named = f"{behaviour}:0" if behaviour == "slow" else behaviour
    with LlmServer([named]) as server:
        context = make(server, batch_size=5, texts=SOURCES[-2:])
        try:
            run(context)
        except DubkitError:
            return  # the run says that nothing was translated
    here = context.fresh()
    flagged = {one.place for one in wording_remarks(here)}
    for segment, line in here.lines:
        record = here.record("translate", segment.id)
        assert record is not None
        if segment.id == "s0002" and line.text:
            right = "guardiã" in line.text.casefold() and "diretor" not in line.text.casefold()
            assert right or segment.id in flagged, (behaviour, line)
        elif not line.text:
            assert line.flags or record.error, (behaviour, line)


def test_a_wrong_word_that_can_be_replaced_is_and_the_rest_is_flagged(make: Make) -> None:
    series = '[[terms]]\nsource = "train"\napproved.pt = ["Expresso"]\nforbidden.pt = ["Diretor"]\n'
    with LlmServer(["says_instead:Diretor"]) as server:
        context = make(server, series)
        run(context)
    here = context.fresh()
    texts = {line.id: line.text for _, line in here.lines}
    assert texts["s0001"].startswith("Expresso, ")
    assert texts["s0002"].startswith("Diretor, ")
    record = here.record("translate", "s0001")
    assert record is not None
    assert [one.code for one in record.remarks] == ["term-replaced"]
    with LlmServer(["ok"]) as server:
        other = make(server, name="e02")
        run(other)
    said = {one.place: one for one in wording_remarks(other.fresh())}
    assert said.keys() == {"s0005"}
    assert said["s0005"].code == "term-missing"
    kept = {line.id: line.text for _, line in other.fresh().lines}
    assert "Guardião" in kept["s0001"]  # the word of the source had been left there


def test_a_changed_entry_reruns_the_lines_with_its_term_and_their_neighbours(
    make: Make, heeding: LlmServer
) -> None:
    first = make(heeding, name="e01")
    run(first)
    second = make(heeding, name="e02")
    run(second)
    assert due(first.fresh()) == due(second.fresh()) == {}
    changed = SERIES.replace("Guardião", "Zelador")
    for episode in (first, second):
        reasons = due(again(episode, changed))
        assert reasons == dict.fromkeys(
            ("s0001", "s0002", "s0004", "s0005"), "input changed: glossary/Warden"
        )
    run(again(second, changed))
    texts = {line.id: line.text for _, line in second.fresh().lines}
    assert texts["s0001"].startswith("Zelador, ")


def test_without_context_and_with_a_scope_only_its_own_lines_run(make: Make, heeding: LlmServer) -> None:
    context = make(heeding, context=0)
    run(context)
    assert due(again(context, SERIES + 'note = "An office."\n')).keys() == {"s0001", "s0005"}
    assert due(again(context, SERIES + 'episodes = ["e01"]\n')) == {}
    assert due(again(context, SERIES + 'episodes = ["e02"]\n')).keys() == {"s0001", "s0005"}
    assert due(again(context, SERIES + 'characters = ["spk2"]\n')) == {}


def test_without_a_series_keys_are_what_they_were(make: Make, heeding: LlmServer) -> None:
    context = make(heeding, "")
    assert context.series is None
    inputs = STAGE.items(context)[0].inputs
    assert inputs.keys() == {"prompts", "languages", "transcribe/s0001"}
    none = make(heeding, "title = 'A series without words'\n")
    assert [item.inputs for item in STAGE.items(none)] == [item.inputs for item in STAGE.items(context)]


def test_forms_of_address_and_style_are_told_and_change_the_lines_they_are_about(
    make: Make, heeding: LlmServer
) -> None:
    series = '[[address]]\nfrom = "spk2"\nto = "spk1"\nuse.pt = "você"\n'
    context = make(heeding, series)
    run(context)
    assert "- spk2 addresses spk1 with “você”." in heeding.requests[0]["messages"][-1]["content"]
    reasons = due(again(context, series.replace("você", "tu")))
    assert reasons == dict.fromkeys(("s0001", "s0003", "s0005"), "input changed: address/spk2 addresses spk1")
    style = again(context, series + '[[style]]\nnote = "Short."\ncharacters = ["spk1"]\n')
    assert due(style) == dict.fromkeys(("s0002", "s0004"), "input changed: prompts/wording.txt")


def test_conflicting_entries_are_told(make: Make, heeding: LlmServer) -> None:
    context = make(heeding, SERIES + SERIES.replace("Guardião", "Zelador"))
    run(context)
    said = [one for one in wording_remarks(context.fresh()) if one.code == "series-conflict"]
    assert len(said) == 1
    assert "“Zelador”" in said[0].sentence


def test_entries_may_name_people_as_the_series_remembers_them(make: Make, heeding: LlmServer) -> None:
    context = make(heeding, SERIES + 'characters = ["Ana"]\n')
    assert all("glossary/Warden" not in item.inputs for item in STAGE.items(context))
    assert context.series is not None
    seen = sighting("0", "spk2", embedding(0))
    changes = [PersonChange("p1", f"sightings/{seen.key}", seen), PersonChange("p1", "name", Said("Ana"))]
    PeopleBook(context.series.data).change("", lambda people, history: Draft("enrol", "here", changes))
    named = [item.id for item in STAGE.items(context.fresh()) if "glossary/Warden" in item.inputs]
    assert named == ["s0001", "s0002", "s0004", "s0005"]  # the lines of Ana, and their neighbours
