"""What an episode takes from the people of its series, what they learn from it, and what people are asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.chain.plan import find_todo
from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.errors import SettingError
from dubkit.review.changes import Desk
from dubkit.review.people import enrol_speaker
from dubkit.review.speakers import SpeakerChange, describe_speaker
from dubkit.series.people.acts import Hand, find_person
from dubkit.series.people.matching import Match, Recalled
from dubkit.series.people.person import Person, Said
from dubkit.series.place import Series
from dubkit.studio import chain
from dubkit.types import Cast, Speaker
from stages.shared.cloning.references import voice_by_hand
from stages.shared.deliveries import delivery_of
from stages.shared.people.enrolling import enrol, learn
from stages.shared.people.memory import ARTIFACT, open_book, remembers, series_inputs
from stages.shared.people.modes import clones, clones_speaker
from stages.shared.people.remarks import people_remarks
from stages.shared.people.series_cast import series_cast
from tests.stages.test_keys import PT, episode
from tests.support.series_people import embedding, heard

pytest.importorskip("misaki", reason="The voice of the tests is Kokoro.")
KOKORO = f"{PT}/kokoro"


@pytest.fixture(autouse=True)
def any_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every voice for one that the engine has: its model is not here."""
    monkeypatch.setattr("stages.shared.people.series_cast.voices_of", lambda *_: None)


def make(folder: Path, name: str, *matches: Match) -> Context:
    """Return an episode of a series, with what was made of its speakers."""
    (folder / name).mkdir()
    (folder / "series.toml").write_text("")
    context = replace(episode(folder / name), sha256=name * 32, series=Series(folder / "series.toml"))
    context.store.write_json(ARTIFACT, Recalled("e 1", matches, {}))
    return context


def new(speaker: str, person: str) -> Match:
    return Match(heard(speaker, embedding(0)), "new", person, f"Speaker {speaker[-1]}")


def known(speaker: str, person: str) -> Match:
    return Match(heard(speaker, embedding(2)), "known", person, "", person, 0.99, 0.2)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Context, Context]:
    """Two episodes: `spk1` of the first is `spk2` of the second; the others are one person each."""
    first = make(tmp_path, "aa", new("spk1", "pa"), new("spk2", "pb"))
    second = make(tmp_path, "bb", new("spk1", "pc"), known("spk2", "pa"))
    cast = Cast(PT, (speaker("spk1", "Speaker 1", "jf_nezumi"), speaker("spk2", "Speaker 2", "jm_kumo")))
    first.store.write_json("cast.json", cast, PT)
    for context in (first, second):
        enrol(context)
    learn(first, "kokoro")
    return first.fresh(), second.fresh()


def speaker(name: str, called: str, voice: str) -> Speaker:
    return Speaker(name, called, "The woman", True, 200.0, -20.0, voice)


def people(context: Context) -> dict[str, Person]:
    return open_book(context).people()


def reason(context: Context) -> str:
    """Return why the cast would be made again, once it was made as things are."""
    stage = chain().find("cast", "test")
    (todo,) = find_todo(stage, context.fresh(), stage.items(context.fresh()), False)
    return todo.reason


def told(context: Context) -> dict[str, str]:
    return series_inputs(context, context.people, "kokoro")


def test_what_an_episode_found_is_known_in_the_next_and_no_news_to_itself(
    two: tuple[Context, Context],
) -> None:
    first, second = two
    assert told(first) == {}
    assert told(second) == {
        "series: name of spk2": "Speaker 1",
        "series: description of spk2": "The woman",
        "series: voice of spk2": "jf_nezumi",
    }
    from stages.shared.voices import choose_voice

    cast = series_cast(second, choose_voice(second).engine)
    notes = cast.notes("spk2")
    assert (notes.name, notes.voice, notes.description) == ("Speaker 1", "jf_nezumi", "The woman")
    assert cast.guessed("spk2")
    assert not cast.chosen("spk2")
    assert cast.notes("spk1").name == "Speaker 1", "nobody else gets anything"
    assert cast.held == {"jm_kumo"}, "the voice of who is not here"
    # The voice that an episode found stays its own when it is made again.
    assert series_cast(first, choose_voice(first).engine).notes("spk1").voice == "jf_nezumi"


def test_an_edit_is_learned_and_wins_in_its_episode_and_one_taken_back_is_forgotten(
    two: tuple[Context, Context],
) -> None:
    first, second = two
    desk = Desk(first, "ana")
    describe_speaker(desk, "spk1", SpeakerChange(name="Ana", voice="jf_alpha"))
    learn(first.fresh(), "kokoro")
    assert people(first)["pa"].name == Said("Ana", "edited", first.sha256, "ep")
    assert told(second.fresh())["series: voice of spk2"] == "jf_alpha"
    assert told(first.fresh()) == {}, "its own edit is no news to the episode"
    describe_speaker(Desk(first.fresh(), "ana"), "spk1", SpeakerChange(name="", voice=""))
    from stages.shared.voices import choose_voice

    engine = choose_voice(first.fresh()).engine
    assert series_cast(first.fresh(), engine).notes("spk1").voice == "", "cast anew"
    learn(first.fresh(), "kokoro")
    assert people(first)["pa"].voices[KOKORO].by == "heard"


def test_what_the_series_is_told_counts_before_edits_elsewhere_and_differences_are_shown(
    two: tuple[Context, Context],
) -> None:
    first, second = two
    Hand(open_book(first), "ana").tell("pa", "name", "Anna")
    describe_speaker(Desk(second, "bo"), "spk2", SpeakerChange(name="Ann"))
    learn_cast(second)
    assert people(first)["pa"].name == Said("Anna"), "an edit changes nothing that the series was told"
    assert told(first.fresh())["series: name of spk1"] == "Anna"
    (said,) = [r for r in people_remarks(second.fresh()) if r.code == "people-differ"]
    assert "'Ann' here and 'Anna' in the series (pa)" in said.sentence
    assert people_remarks(first.fresh()) == []


def learn_cast(context: Context) -> None:
    learn(context.fresh(), "kokoro")


def test_the_plan_names_what_the_series_changed(two: tuple[Context, Context]) -> None:
    from dubkit.chain.plan import make_parts
    from dubkit.episode.store import Record

    first, second = two
    stage = chain().find("cast", "test")
    (item,) = stage.items(second)
    parts = make_parts(stage, second, item)
    second.store.save_record(Record("episode", parts.key, parts), PT)
    assert find_todo(stage, second.fresh(), stage.items(second.fresh()), False) == []
    Hand(open_book(first), "ana").tell("pa", f"voices/{KOKORO}", "jf_alpha")
    assert reason(second) == "series: voice of spk2 jf_nezumi → jf_alpha"


def test_a_doubtful_person_is_asked_about_until_somebody_answers(tmp_path: Path) -> None:
    first = make(tmp_path, "aa", new("spk1", "pa"))
    doubt = Match(heard("spk1", embedding(40)), "doubtful", "pd", "Speaker 2", "pa", 0.77, 0.31)
    second = make(tmp_path, "bb", doubt)
    enrol(first)
    enrol(second)
    (asked,) = people_remarks(second)
    assert (asked.code, asked.weight) == ("people-unsure", "doubtful")
    assert "likeness 0.77, and 0.31 to the next voice" in asked.sentence
    place = tmp_path / "series.toml"
    assert f"dubkit characters merge pd --into pa --series {place}" in asked.sentence
    assert f"dubkit characters keep-apart pd pa --series {place}" in asked.sentence
    assert second.fresh().people["spk1"].id == "pd", "never merged by itself"
    hand = Hand(open_book(first), "ana")
    hand.keep_apart("pd", "pa")
    assert people_remarks(second) == []
    hand.undo()
    hand.merge(["pd"], "pa")
    assert people_remarks(second) == []
    assert second.fresh().people["spk1"].id == "pa"
    enrol(second)
    assert second.fresh().people["spk1"].id == "pa", "the next run leaves them where people put them"


def test_without_enrolment_people_are_added_by_hand(tmp_path: Path) -> None:
    first = make(tmp_path, "aa", new("spk1", "pa"))
    doubt = Match(heard("spk1", embedding(40)), "doubtful", "", "Speaker 2", "pa", 0.77, 0.31)
    second = make(tmp_path, "bb", doubt)
    enrol(first)
    enrol(second)
    assert second.people == {}
    (asked,) = people_remarks(second)
    assert f"dubkit characters enrol {second.store.root} spk1 --as pa" in asked.sentence
    enrol_speaker(Hand(open_book(second), "ana"), second, "spk1", "pa")
    assert second.fresh().people["spk1"].id == "pa"
    assert people_remarks(second.fresh()) == []
    Hand(open_book(second), "ana").undo()
    enrol_speaker(Hand(open_book(second), "ana"), second, "spk1")
    assert find_person(people(second), "Speaker 2").episodes == ("ep",)


def test_a_person_is_cloned_or_not_whatever_the_run_says(two: tuple[Context, Context]) -> None:
    first, _ = two
    hand, segment = Hand(open_book(first), "ana"), first.segments[0]
    assert not clones(first)
    hand.tell("pa", "mode", "clone")
    here = first.fresh()
    assert clones(here)
    assert [clones_speaker(here, name) for name in ("spk1", "spk2")] == [True, False]
    cloning = replace(here.fresh(), settings=with_settings(here.settings, {"cast.voice_mode": "clone"}))
    hand.tell("pa", "mode", "preset")
    assert [clones_speaker(cloning.fresh(), name) for name in ("spk1", "spk2")] == [False, True]
    hand.tell("pa", "mode", "")
    assert not voice_by_hand(cloning.fresh(), segment)
    hand.tell("pa", f"voices/{KOKORO}", "jf_alpha")
    assert voice_by_hand(cloning.fresh(), segment), "a voice that somebody chose is not cloned over"


def test_a_person_speaks_in_their_style_where_a_line_says_nothing(two: tuple[Context, Context]) -> None:
    first, _ = two
    Hand(open_book(first), "ana").tell("pa", "style", "slower")
    here = first.fresh()
    lines = {segment.speaker: delivery_of(here, segment, line) for segment, line in here.lines[:2]}
    assert lines["spk2"] is None
    assert lines["spk1"] is not None
    assert lines["spk1"].pace < 1.0
    Hand(open_book(first), "ana").tell("pa", "style", "like an old sailor")
    (said,) = [r for r in people_remarks(first.fresh()) if r.code == "delivery-unheeded"]
    assert "'like an old sailor', so Speaker 1 speaks plainly" in said.sentence


def test_without_a_series_nobody_is_remembered_and_asking_for_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    context = episode(tmp_path / "aa")
    assert not remembers(context)
    assert context.people == {}
    assert "people" not in {stage.name for stage in chain().taking_part(context)}
    asking = replace(context, settings=with_settings(context.settings, {"cast.memory": "on"}))
    with pytest.raises(SettingError, match="belongs to no series"):
        chain().taking_part(asking)
    off = make(tmp_path, "bb", new("spk1", "pa"))
    off = replace(off, settings=with_settings(off.settings, {"cast.memory": "off"}))
    assert "people" not in {stage.name for stage in chain().taking_part(off)}
