"""A speaker is a person of the series only where it is sure; where it is not, people are asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dubkit.series.people.matching import Match, gallery_of, match_speakers
from dubkit.series.people.person import Person, PersonChange, changed
from tests.support.series_people import embedding, heard, sighting

ANA = {"pa": [embedding(0)]}


def match(
    *speakers: object, gallery: object = ANA, threshold: float = 0.8, here: tuple[str, ...] = ()
) -> list[Match]:
    return match_speakers("s" * 64, speakers, gallery, threshold, True, here)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("degrees", "verdict"),
    [(10, "known"), (36, "known"), (39, "doubtful"), (41, "doubtful"), (43, "new"), (90, "new")],
)
def test_a_voice_is_known_from_the_threshold_and_asked_about_just_below(degrees: float, verdict: str) -> None:
    (found,) = match(heard("spk1", embedding(degrees)))
    assert found.verdict == verdict
    assert (found.person == "pa") is (verdict == "known"), "a doubtful one is never merged"
    assert found.maybe == ("" if verdict == "new" else "pa")


def test_of_two_people_who_are_as_near_neither_is_taken() -> None:
    two = {"pa": [embedding(0)], "pb": [embedding(8)]}
    (found,) = match(heard("spk1", embedding(4)), gallery=two)
    assert found.verdict == "doubtful"
    (found,) = match(heard("spk1", embedding(-20)), gallery=two)
    assert (found.verdict, found.person) == ("known", "pa")


def test_people_in_one_room_who_are_as_alike_as_a_match_are_no_match() -> None:
    # 0.82 to the person is a lot, but the two speakers of the episode are as alike, and they are two people.
    alone = match(heard("spk1", embedding(34)))
    beside = match(heard("spk1", embedding(34)), heard("spk2", embedding(68)))
    assert alone[0].verdict == "known"
    assert beside[0].verdict == "doubtful"


def test_two_speakers_are_not_the_same_person() -> None:
    found = match(heard("spk1", embedding(5)), heard("spk2", embedding(-32)))
    assert [one.person == "pa" for one in found] == [True, False]
    assert found[1].verdict == "doubtful"


def test_too_little_speech_names_nobody_and_enrols_nobody() -> None:
    (found,) = match(heard("spk1", embedding(0), seconds=1.5))
    assert (found.verdict, found.person) == ("brief", "")
    (silent,) = match(heard("spk1", (0.0, 0.0, 0.0)))
    assert (silent.verdict, silent.person) == ("brief", "")


def test_nobody_is_enrolled_where_that_is_switched_off() -> None:
    known, new = match_speakers(
        "s" * 64, [heard("spk1", embedding(0)), heard("spk2", embedding(90))], ANA, 0.8, False
    )
    assert (known.person, new.person) == ("pa", "")


def test_a_person_whom_only_this_episode_knows_is_not_asked_about() -> None:
    # A run before heard two people as one; the second of them is no question, but somebody new.
    (found,) = match(heard("spk2", embedding(40)), here=("pa",))
    assert found.verdict == "new"


def test_ids_are_the_same_each_time_and_differ_between_episodes() -> None:
    one = heard("spk1", embedding(50))
    ids = [match_speakers(source * 64, [one], {}, 0.8, True)[0].person for source in "aab"]
    assert ids[0] == ids[1] != ids[2]
    other = match_speakers("a" * 64, [heard("spk1", embedding(51))], {}, 0.8, True)[0].person
    assert other != ids[0], "another voice under the same name is somebody else"


def test_embeddings_of_another_encoder_are_not_compared() -> None:
    mine = sighting("ep1", "spk1", embedding(0))
    other = replace(sighting("ep2", "spk1", embedding(80)), encoder="e 2")
    people, _ = changed(
        {},
        [
            PersonChange("pa", f"sightings/{mine.key}", mine),
            PersonChange("pa", f"sightings/{other.key}", other),
            PersonChange("pb", f"sightings/{other.key}", other),
        ],
    )
    assert gallery_of(people, "e 1") == {"pa": [embedding(0)]}
    assert gallery_of(people, "e 3") == {}
    assert gallery_of({"pc": Person("pc")}, "e 1") == {}
