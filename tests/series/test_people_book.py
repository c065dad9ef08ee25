"""The people of a series on disk: never damaged, changed by one at a time, and every act can be undone."""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from dubkit.errors import ArtifactDamaged, EditConflict, EditRefused, PlaceError
from dubkit.series.people.acts import Hand, find_person
from dubkit.series.people.book import PENDING, Draft, PeopleBook, content_name
from dubkit.series.people.person import Entry, Person, PersonChange, Said
from tests.support.series_people import embedding, sighting


def enrol(book: PeopleBook, person: str, episode: str, speaker: str, wav: Path | None = None) -> None:
    reference = content_name(wav) if wav else ""
    seen = sighting(episode, speaker, embedding(0), reference)

    def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
        name = Said(speaker.title(), "heard", seen.source, episode)
        changes = [PersonChange(person, f"sightings/{seen.key}", seen), PersonChange(person, "name", name)]
        return Draft("enrol", f"{speaker} of {episode}", changes)

    book.change("", make, {reference: wav} if wav else {})


@pytest.fixture
def book(tmp_path: Path) -> PeopleBook:
    book = PeopleBook(tmp_path / "series")
    for number, person in enumerate(("pa", "pb")):
        wav = tmp_path / f"{person}.wav"
        wav.write_bytes(person.encode())
        enrol(book, person, "ep1", f"spk{number + 1}", wav)
    return book


def files_of(book: PeopleBook) -> dict[str, list[str]]:
    return {p.name: sorted(f.name for f in p.iterdir()) for p in sorted(book.root.iterdir()) if p.is_dir()}


def test_what_is_told_counts_and_an_empty_value_takes_it_back(book: PeopleBook) -> None:
    hand = Hand(book, "ana")
    hand.tell("pa", "voices/pt-BR/kokoro", "jm_kumo")
    assert find_person(book.people(), "Spk1").voices["pt-BR/kokoro"] == Said("jm_kumo")
    assert hand.tell("pa", "voices/pt-BR/kokoro", "jm_kumo") is None, "nothing changes"
    hand.tell("pa", "voices/pt-BR/kokoro", "")
    assert book.people()["pa"].voices == {}


def test_a_merge_moves_everything_with_its_files_and_its_undo_moves_it_back(book: PeopleBook) -> None:
    before, files, hand = book.people(), files_of(book), Hand(book, "ana")
    hand.tell("pb", "style", "calm")
    told = book.people()
    hand.merge(["Spk2"], "pa")
    merged = book.people()
    assert list(merged) == ["pa"]
    assert merged["pa"].called == "Spk1", "who is merged into keeps the name"
    assert merged["pa"].style == Said("calm"), "what only the other had is kept"
    assert len(merged["pa"].sightings) == 2
    assert files_of(book) == {"pa": sorted({*files["pa"], *files["pb"]})}
    hand.undo()
    assert book.people() == told
    assert files_of(book) == files
    hand.undo()
    assert book.people() == before
    with pytest.raises(EditRefused, match="nothing of yours"):
        hand.undo()


def test_a_merge_is_undone_though_a_run_noted_more_of_the_person_since(book: PeopleBook) -> None:
    hand = Hand(book, "ana")
    hand.merge(["pb"], "pa")
    seen = sighting("ep1", "spk2", embedding(3), next(iter(book.people()["pa"].sightings.values())).reference)
    book.change("", lambda p, h: Draft("enrol", "again", [PersonChange("pa", f"sightings/{seen.key}", seen)]))
    hand.undo()
    assert book.people()["pb"].sightings[seen.key].embedding == pytest.approx(embedding(3))


def test_what_was_changed_since_is_not_undone(book: PeopleBook) -> None:
    ana, bo = Hand(book, "ana"), Hand(book, "bo")
    entry = ana.tell("pa", "name", "Steve")
    bo.tell("pa", "name", "Stephen")
    assert entry is not None
    with pytest.raises(EditConflict, match="changed since"):
        ana.undo()
    with pytest.raises(EditRefused, match="is none that can be undone"):
        ana.undo(1)  # a run's
    assert book.people()["pa"].called == "Stephen"


def test_one_person_who_is_two_is_split_by_episode(book: PeopleBook) -> None:
    hand = Hand(book, "ana")
    enrol(book, "pa", "ep2", "spk7")
    hand.split("pa", "ep2", called="Bo")
    people = book.people()
    new = find_person(people, "Bo")
    assert [s.episode for s in new.sightings.values()] == ["ep2"]
    assert people["pa"].episodes == ("ep1",)
    assert new.apart == ("pa",), "nobody asks whether they are one"
    with pytest.raises(EditRefused, match="nothing would be left"):
        hand.split("pa", "ep1")
    with pytest.raises(EditRefused, match="they are in: ep1 spk1"):
        hand.split("pa", "ep9")


def test_names_that_are_nobodys_or_of_several_are_refused(book: PeopleBook) -> None:
    hand = Hand(book, "ana")
    with pytest.raises(EditRefused, match=r"knows no 'Zoe'; it knows pa \(Spk1\)"):
        hand.tell("Zoe", "name", "x")
    hand.tell("pb", "name", "spk1")
    with pytest.raises(EditRefused, match="name of pa and pb: name the person by id"):
        hand.tell("SPK1", "name", "x")
    with pytest.raises(EditRefused, match="merged into itself"):
        hand.merge(["pa"], "pa")


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.mark.parametrize("step", range(6))
def test_a_killed_change_is_made_whole_or_not_at_all(
    book: PeopleBook, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    import os

    hand, before, replace, left = Hand(book, "ana"), book.people(), os.replace, [step]

    def dying(source: str, target: str) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        with contextlib.suppress(Killed):
            hand.merge(["pb"], "pa")
    committed = (book.root / PENDING).is_file()
    seen = book.people()
    assert seen == before or list(seen) == ["pa"], "a reader sees one or the other"
    hand.tell("pa", "age", "adult")  # whoever comes next finishes it
    after = book.people()
    assert not (book.root / PENDING).exists()
    assert sorted(after) == (["pa"] if committed or list(seen) == ["pa"] else ["pa", "pb"])
    assert len([key for person in after.values() for key in person.sightings]) == 2
    for person in after.values():
        assert all(book.file(person.id, name).is_file() for name in person.files)
    assert [entry.number for entry in book.history()] == list(range(1, len(book.history()) + 1))


def _enrol_many(data: str, who: str) -> None:
    book = PeopleBook(Path(data))
    for number in range(8):
        enrol(book, f"p{who}{number}", f"ep{who}", f"spk{number}")
        Hand(book, who).tell("pa", "style", f"{who} {number}")


def test_two_runs_at_once_lose_nothing(book: PeopleBook) -> None:
    # Not forked: threads of this process would be cut off in the middle.
    processes = [
        multiprocessing.get_context("spawn").Process(target=_enrol_many, args=(str(book.root.parent), who))
        for who in ("x", "y")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(book.people()) == 2 + 16
    history = book.history()
    assert [entry.number for entry in history] == list(range(1, 2 + 32 + 1))


def test_a_deleted_folder_knows_nobody_and_a_damaged_file_is_named(book: PeopleBook) -> None:
    (book.root / "pa" / "person.json").write_text("{")
    with pytest.raises(ArtifactDamaged, match=r"pa/person\.json.*\n.*delete its folder"):
        book.people()
    shutil.rmtree(book.root)
    assert book.people() == {}
    assert book.history() == []
    enrol(book, "pc", "ep3", "spk1")
    assert list(book.people()) == ["pc"]


def test_a_place_that_cannot_be_a_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "series").write_text("a file")
    with pytest.raises(PlaceError, match=r"(?s)series/people: the people .* --voice-memory off"):
        enrol(PeopleBook(tmp_path / "series"), "pa", "ep1", "spk1")
