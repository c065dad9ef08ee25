"""`dubkit characters`, and the names that other programs have for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dubkit.cli import cli
from dubkit.errors import DubkitError
from dubkit.series.people.book import Draft, PeopleBook
from dubkit.series.people.person import PersonChange, Said, Sighting
from tests.support.series_people import embedding, sighting


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PeopleBook:
    (tmp_path / "series.toml").write_text("")
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    book = PeopleBook(tmp_path / "series")
    for person, speaker, name in (("pa", "spk1", "Ana"), ("pb", "spk2", "Bo")):
        enrol(book, person, sighting("ep1", speaker, embedding(0)), name, "jf_nezumi")
    return book


def enrol(book: PeopleBook, person: str, seen: Sighting, name: str, voice: str) -> None:
    from dataclasses import replace

    seen = replace(seen, voices={"pt-BR/kokoro": voice})
    changes = [
        PersonChange(person, f"sightings/{seen.key}", seen),
        PersonChange(person, "name", Said(name, "heard", seen.source, seen.episode)),
        PersonChange(person, "voices/pt-BR/kokoro", Said("jf_nezumi", "heard", seen.source, seen.episode)),
    ]
    book.change("", lambda _people, _history: Draft("enrol", f"who speaks in {seen.episode}", changes))


def dubkit(*words: str) -> Result:
    done = CliRunner().invoke(cli, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def said(*words: str) -> str:
    done = dubkit(*words)
    assert done.exit_code == 0, done.output
    return done.output


def test_people_are_listed_shown_changed_and_changed_back(book: PeopleBook) -> None:
    assert [line.split()[:2] for line in said("characters", "list").splitlines()[1:]] == [
        ["pa", "Ana"],
        ["pb", "Bo"],
    ]
    assert "2: " not in said("characters", "history"), "what runs note is not listed"
    said("characters", "rename", "Ana", "Anna", "--description", "The judge")
    shown = said("characters", "show", "anna")
    assert "name: Anna (told)" in shown
    assert "description: The judge (told)" in shown
    assert "voice pt-BR/kokoro: jf_nezumi (found in ep1)" in shown
    assert "ep1, spk1: 10.0 s, 120 Hz" in shown
    said("characters", "set-mode", "Anna", "clone")
    said("characters", "set-style", "Anna", "calm")
    said("characters", "set-voice", "Anna", "xm_other", "--to", "pt-BR", "--engine", "espeak")
    person = book.people()["pa"]
    assert (person.mode, person.style) == (Said("clone"), Said("calm"))
    assert person.voices["pt-BR/espeak"] == Said("xm_other")
    said("characters", "set-mode", "Anna", "auto")
    assert book.people()["pa"].mode is None
    for _ in range(6):
        said("characters", "undo")
    assert book.people()["pa"].called == "Ana"
    listed = json.loads(said("characters", "list", "--json"))
    assert listed["pa"]["name"]["by"] == "heard"
    assert "undone: Ana: name Anna" in said("characters", "history")


def test_people_are_merged_split_and_kept_apart(book: PeopleBook, tmp_path: Path) -> None:
    place = ("--series", str(tmp_path / "series.toml"))
    said("characters", "keep-apart", "pa", "pb", *place)
    assert "not Bo (pb)" in said("characters", "show", "Ana")
    said("characters", "merge", "Bo", "--into", "Ana", *place)
    assert list(book.people()) == ["pa"]
    said("characters", "split", "Ana", "--episode", "ep1", "--speaker", "spk2", "--name", "Bob")
    assert sorted(person.called for person in book.people().values()) == ["Ana", "Bob"]


def test_what_cannot_be_is_said(book: PeopleBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dubkit("characters", "rename", "Ana").exit_code == 2
    assert dubkit("characters", "set-mode", "Ana", "loud").exit_code == 2
    assert (
        "no voice engine nobody"
        in dubkit("characters", "set-voice", "Ana", "x", "--to", "pt-BR", "--engine", "nobody").output
    )
    with pytest.raises(DubkitError, match=r"knows no 'Zoe'; it knows pa \(Ana\), pb \(Bo\)"):
        dubkit("characters", "show", "Zoe")
    with pytest.raises(DubkitError, match="No episode of Ana is where it was"):
        dubkit("characters", "audition", "Ana", "--to", "pt-BR")
    (tmp_path / "series.toml").unlink()
    with pytest.raises(DubkitError, match=r"There is no series\.toml in .*inside or a folder above"):
        dubkit("characters", "list")


def test_names_of_other_programs_do_the_same_and_say_so(book: PeopleBook) -> None:
    listed = dubkit("--list-characters")
    assert "Warning: --list-characters is dubkit characters list here." in listed.output
    assert "Ana" in listed.output
    said("--rename-character", "pa", "Anna")
    said("--set-character-voice-mode", "pa", "clone")
    person = book.people()["pa"]
    assert (person.called, person.mode) == ("Anna", Said("clone"))
    pytest.importorskip("misaki", reason="The voice of the tests is Kokoro.")
    said("--set-character-preset", "pa", "jm_kumo")
    assert book.people()["pa"].voices["pt-BR/kokoro"] == Said("jm_kumo")


def test_another_voice_in_another_episode_is_drift(book: PeopleBook) -> None:
    assert "0 compared, 0 differ." in said("characters", "drift")
    enrol(book, "pa", sighting("ep2", "spk3", embedding(1)), "Ana", "jm_kumo")
    done = dubkit("characters", "drift")
    assert done.exit_code == 3
    assert (
        "Ana (pa), pt-BR, ep1 → ep2: cast with jf_nezumi of kokoro, then with jm_kumo of kokoro"
        in done.output
    )
    report = json.loads(dubkit("characters", "drift", "--json").stdout)
    assert (report["compared"], len(report["drifts"])) == (1, 1)
    enrol(book, "pb", sighting("ep2", "spk9", embedding(1)), "Bo", "jf_nezumi")
    done = dubkit("characters", "drift")
    assert "2 compared, 1 differ." in done.output
    assert "Not heard: ep1: /ep1: this is not an episode folder" in done.output, (
        "nothing is taken for granted"
    )
