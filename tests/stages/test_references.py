"""References of a whole episode: what people chose, what they gave, what the source holds; and consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import Parts, Record
from dubkit.errors import ArtifactDamaged, ConsentMissing, DubkitError, MediaError, SettingError
from dubkit.progress import Silent
from dubkit.studio import chain
from dubkit.types import Segment
from stages.references import PIECES
from stages.shared.cloning.consent import lacking, refuse_without_consent
from stages.shared.cloning.found_pieces import file_name
from stages.shared.cloning.references import cloned_voice, reference_input, reference_of
from stages.shared.cloning.taken_references import chosen_piece, spans_of
from tests.review.test_changes import PT, make_episode
from tests.support.persons import RATE, man, woman
from tests.support.speech_clips import voice_weights

STAGE = "references"


@pytest.fixture(scope="module")
def sound() -> np.ndarray:  # type: ignore[type-arg]
    """Four lines of two people, as in the episode of the tests of review."""
    wide = 1e-4 * np.random.default_rng(0).standard_normal(14 * RATE)
    for line, voice in enumerate((man, woman, man, woman)):
        first = (3 * line + 1) * RATE
        wide[first : first + 2 * RATE] += voice(2, seed=line + 1)
    return wide


@pytest.fixture
def episode(tmp_path: Path, sound: np.ndarray) -> Context:  # type: ignore[type-arg]
    voice_weights()  # without them the test is skipped
    context = make_episode(tmp_path)
    store = context.store
    soundfile.write(store.path("audio.wav"), np.stack([sound, sound], axis=1), RATE, subtype="PCM_24")
    narrow = sound.reshape(-1, 3).mean(axis=1)
    soundfile.write(store.path("speech16k.wav"), narrow, 16_000, subtype="PCM_16")
    refs = (store.ref("audio.wav"), store.ref("speech16k.wav"))
    store.save_record(Record("episode", "k", Parts("extract", 2), refs))
    return cloning(context)


def cloning(context: Context, **others: Any) -> Context:
    values = {"cast.voice_mode": "clone", **{f"cast.{name}": value for name, value in others.items()}}
    return replace(context.fresh(), settings=with_settings(context.settings, values))


def run(context: Context) -> list[str]:
    """Run the stage on what is due, as the chain would; return the items that it worked on."""
    here = context.fresh("")
    stage = chain().find(STAGE, "test")
    due = {t.item.id: t for t in find_todo(stage, here, stage.items(here), False)}
    if due:
        sink = StoreSink(here, {name: t.parts for name, t in due.items()}, Silent(), "")
        stage.run(here, [t.item for t in due.values()], sink)
    return list(due)


def said(context: Context) -> list[tuple[str, str]]:
    record = context.store.record(STAGE, "episode")
    assert record is not None
    return [(one.code, one.sentence) for one in record.remarks]


def give(folder: Path, name: str, sound: Any = None, text: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    soundfile.write(path, man(4) if sound is None else sound, RATE)
    if text:
        path.with_suffix(".txt").write_text(text, "utf-8")
    return path


def origins(context: Context) -> dict[str, str]:
    return {one.speaker: one.origin for one in context.fresh().references.speakers}


def line(context: Context, number: int) -> Segment:
    return context.segments[number - 1]


def test_every_speaker_gets_a_reference_of_the_source_with_its_text(episode: Context) -> None:
    assert run(episode) == [PIECES, "episode"]
    references = episode.fresh().references
    assert origins(episode) == {"spk1": "found", "spk2": "found"}
    own = references.of("spk2")
    assert own is not None
    assert own.text == "My name is Ana. Goodbye."
    assert own.language == "en"
    data, rate = soundfile.read(episode.store.path(own.file))
    assert (rate, data.ndim) == (RATE, 1)
    assert len(data) / rate == pytest.approx(own.seconds, abs=0.01)
    assert episode.store.path("references/spk2.txt").read_text() == "My name is Ana. Goodbye.\n"
    assert all(start >= 3.9 for start, _ in references.pieces_of("spk2")[0].spans)
    assert run(episode) == [], "nothing is found twice"


def test_without_cloning_there_is_no_stage_and_no_reference(episode: Context) -> None:
    preset = replace(episode.fresh(), settings=with_settings(episode.settings, {"cast.voice_mode": "preset"}))
    assert STAGE not in [stage.name for stage in chain().taking_part(preset)]
    assert STAGE in [stage.name for stage in chain().taking_part(episode)]
    run(episode)
    assert reference_of(preset, line(preset, 1)) is None


def test_the_reference_of_a_line_is_in_its_key_by_sound_and_text(episode: Context) -> None:
    run(episode)
    here = episode.fresh()
    before = [reference_input(here, line(here, n)) for n in (1, 2, 3)]
    assert before[0] == before[2] != before[1]
    give(episode.source.with_name("voices"), "spk1.wav", text="Hello.")
    assert run(episode) == ["episode"], "the source is not searched again"
    here = episode.fresh()
    after = [reference_input(here, line(here, n)) for n in (1, 2, 3)]
    assert after[0] == after[2] != before[0]
    assert after[1] == before[1]
    episode.source.with_name("voices").joinpath("spk1.txt").write_text("Hello there.")
    run(episode)
    here = episode.fresh()
    assert reference_input(here, line(here, 1)) != after[0]


def test_a_recording_in_the_named_folder_comes_before_one_beside_the_source(episode: Context) -> None:
    beside = episode.source.with_name("voices")
    give(beside, "spk1.wav")
    give(beside, "spk2.wav")
    named = episode.source.with_name("mine")
    give(named, "SPK1.flac")
    here = cloning(episode, voice_ref_dir=str(named))
    run(here)
    assert origins(here) == {"spk1": "folder", "spk2": "beside"}
    assert [s.notes for s in here.fresh().references.speakers] == [(), ()]


def test_a_recording_goes_by_the_name_of_a_speaker_too(episode: Context) -> None:
    episode.store.write_by_hand("edits.json", {"speakers": {"spk2": {"name": "Bó"}}})
    named = episode.source.with_name("mine")
    give(named, "Bo\u0301.wav")  # as some file systems spell it
    give(named, "Carla.wav")
    here = cloning(episode, voice_ref_dir=str(named))
    run(here)
    assert origins(here) == {"spk1": "found", "spk2": "folder"}
    assert ("reference-unused", "Carla.wav belongs to nobody here: there are spk1, Bó.") in said(here)


@pytest.mark.parametrize("bad", ["silent", "short", "text"])
def test_a_recording_that_cannot_be_used_stops_and_nothing_takes_its_place(
    episode: Context, bad: str
) -> None:
    folder = episode.source.with_name("voices")
    sounds = {"silent": np.zeros(4 * RATE), "short": man(0.4), "text": man(4)}
    path = give(folder, "spk1.wav", sounds[bad])
    if bad == "text":
        path.with_suffix(".txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises((MediaError, ArtifactDamaged), match="spk1"):
        run(episode)
    assert not episode.store.has("references.json")


def test_a_folder_that_is_not_there_is_named(episode: Context) -> None:
    with pytest.raises(SettingError, match="no such folder"):
        run(cloning(episode, voice_ref_dir="/nowhere/at/all"))


def test_two_recordings_of_one_speaker_are_refused(episode: Context) -> None:
    folder = episode.source.with_name("voices")
    give(folder, "spk1.wav")
    give(folder, "spk1.flac")
    with pytest.raises(ArtifactDamaged, match=r"spk1\.flac and spk1\.wav"):
        run(episode)


def test_a_recording_of_minutes_is_cut_and_said_and_its_text_left_out(episode: Context) -> None:
    give(episode.source.with_name("voices"), "spk1.wav", np.tile(man(4), 12), "What is said in all of it.")
    run(episode)
    own = episode.fresh().references.of("spk1")
    assert own is not None
    assert own.seconds <= 12.1
    assert own.text == ""
    assert [code for code, _ in said(episode)] == ["reference-changed"]


def test_who_is_hardly_heard_has_none_and_that_is_said(episode: Context) -> None:
    transcript = episode.transcript
    kept = tuple(replace(s, end=s.start + 0.7) if s.speaker == "spk2" else s for s in transcript.segments)
    episode.store.write_json("transcript.json", replace(transcript, segments=kept))
    run(episode)
    assert origins(episode) == {"spk1": "found", "spk2": ""}
    code, sentence = said(episode)[0]
    assert code == "reference-missing"
    assert "1.4 s only" in sentence
    here = episode.fresh()
    assert reference_of(here, line(here, 2)) is None


def test_what_a_person_chose_in_the_review_comes_first(episode: Context) -> None:
    run(episode)
    give(episode.source.with_name("voices"), "spk1.wav")
    span = chosen_piece([(7.0, 9.0)])
    assert spans_of(span) == ((7.0, 9.0),)
    episode.store.write_by_hand("edits.json", {"speakers": {"spk1": {"reference": span}}})
    assert run(episode) == ["episode"]
    own = episode.fresh().references.of("spk1")
    assert own is not None
    assert (own.origin, own.seconds) == ("picked", 2.0)


def test_an_uploaded_recording_that_is_gone_is_named(episode: Context) -> None:
    episode.store.write_by_hand("edits.json", {"speakers": {"spk1": {"reference": "file:0123456789ab"}}})
    with pytest.raises(ArtifactDamaged, match="given for spk1 is gone"):
        run(episode)


def test_a_misspelt_reference_in_the_edits_is_refused(episode: Context) -> None:
    episode.store.write_by_hand("edits.json", {"speakers": {"spk1": {"reference": "file:../../etc/passwd"}}})
    with pytest.raises(ArtifactDamaged, match="reference"):
        run(episode)


def test_a_voice_that_a_person_chose_is_not_cloned(episode: Context) -> None:
    run(episode)
    store = episode.store
    assert reference_of(episode.fresh(), line(episode, 1)) is not None
    store.write_by_hand("edits.json", {"speakers": {"spk1": {"voice": "b"}}}, PT)
    store.write_by_hand(
        "edits.json", {"lines": {"s0002": {"voice": "b"}}, "speakers": {"spk1": {"voice": "b"}}}, PT
    )
    here = episode.fresh()
    assert [reference_of(here, line(here, n)) is None for n in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_voice_of_the_cast_file_is_not_cloned(episode: Context) -> None:
    run(episode)
    episode.source.with_name("cast.toml").write_text('[spk2]\nvoice = "b"\n')
    here = episode.fresh()
    assert [reference_of(here, line(here, n)) is None for n in (1, 2)] == [False, True]


def test_each_line_may_have_the_nearest_piece(episode: Context) -> None:
    here = cloning(episode, reference_per_line=True)
    run(here)
    references = here.fresh().references
    first = references.pieces_of("spk1")[0]
    # A second piece, as a longer source has them.
    here.store.path("references/pieces/spk1-2.wav").write_bytes(
        here.store.path(first.file).read_bytes() + b"0"
    )
    second = replace(first, number=2, file="references/pieces/spk1-2.wav")
    pieces = replace(references.pieces[0], pieces=(first, second))
    changed = replace(references, nearest={"s0001": 2, "s0003": 1}, pieces=(pieces, references.pieces[1]))
    here.store.write_json("references.json", changed)
    here = here.fresh()
    files = [reference_of(here, line(here, n)) for n in (1, 3)]
    assert [reference.file.name for reference in files if reference] == ["spk1-2.wav", "spk1-1.wav"]
    assert files[0] is not None
    assert cloned_voice(here, line(here, 1), files[0]) == "clone:spk1 (spk1-2)"
    assert reference_input(here, line(here, 1)) != reference_input(here, line(here, 3))


@pytest.mark.parametrize(("speaker", "name"), [("spk1", "spk1"), ("MÉO069", "MÉO069"), ("../up", "___up-")])
def test_names_of_speakers_make_names_of_files(speaker: str, name: str) -> None:
    assert file_name(speaker).startswith(name)
    assert "/" not in file_name(speaker)


# consent


def agree(context: Context, *entries: str) -> None:
    context.source.with_name("consent.toml").write_text("\n".join(entries), "utf-8")


def entry(name: str, until: str = "2999-12-31", more: str = "") -> str:
    return f'[{name}]\nwho = "Ana Souza"\npurpose = "Season 1"\nuntil = {until}\n{more}'


def test_strict_consent_refuses_before_anything_is_cut(episode: Context) -> None:
    here = cloning(episode, consent="strict")
    agree(here, entry("spk1"))
    with pytest.raises(ConsentMissing, match="spk2: no consent is recorded") as refused:
        run(here)
    assert "spk1:" not in str(refused.value)
    assert "until = 2030-12-31" in str(refused.value), "what to write"
    assert not here.store.path("references").exists()
    agree(here, entry("spk1"), entry("spk2"))
    assert run(here)


def test_who_has_a_voice_of_the_engine_needs_no_consent(episode: Context) -> None:
    here = cloning(episode, consent="strict")
    agree(here, entry("spk1"))
    episode.source.with_name("cast.toml").write_text('[spk2]\nvoice = "b"\n')
    refuse_without_consent(here, [PT])
    assert run(here)


def test_strict_consent_refuses_before_it_is_known_who_speaks(episode: Context) -> None:
    here = cloning(episode, consent="strict")
    here.store.path("transcript.json").unlink()
    with pytest.raises(ConsentMissing, match="no entry that holds today"):
        refuse_without_consent(here, [PT])
    agree(here, entry("spk1"))
    refuse_without_consent(here, [PT])


def test_consent_that_ran_out_is_named_and_changes_no_key(episode: Context) -> None:
    agree(episode, entry("spk1", "2026-01-31"), entry("spk2"))
    both = ("spk1", "spk2")
    assert lacking(episode, both, [PT], date(2026, 1, 31)) == {}
    late = lacking(episode, both, [PT], date(2026, 2, 1))
    assert late == {"spk1": "the consent of Ana Souza ran out on 2026-01-31"}
    run(episode)
    agree(episode, entry("spk1", "2001-01-01"), entry("spk2"))
    assert run(episode) == []
    with pytest.raises(ConsentMissing, match="ran out on 2001-01-01"):
        refuse_without_consent(cloning(episode, consent="strict"), [PT])


def test_consent_may_be_for_some_languages_only(episode: Context) -> None:
    agree(episode, entry("spk1", more='languages = ["pt", "es-MX"]\n'))
    assert lacking(episode, ["spk1"], ["pt-BR", "es-MX"]) == {}
    assert lacking(episode, ["spk1"], ["de", "pt-BR"]) == {"spk1": "Ana Souza did not consent to de"}
    assert lacking(episode, ["spk1"], ["es"]) == {"spk1": "Ana Souza did not consent to es"}


def test_consent_goes_by_the_name_of_a_speaker_too(episode: Context) -> None:
    episode.store.write_by_hand("edits.json", {"speakers": {"spk2": {"name": "Bo"}}})
    agree(episode, entry("Bo"))
    assert list(lacking(episode.fresh(), ["spk1", "spk2"], [PT])) == ["spk1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[spk1", "consent.toml"),
        ('[spk1]\nwho = "A"\npurpose = "B"\n', "until"),
        ('[spk1]\nwho = "A"\npurpose = "B"\nuntil = "soon"\n', "until"),
        ('[spk1]\nwho = " "\npurpose = "B"\nuntil = 2030-01-01\n', "who"),
        ('[spk1]\nwho = "A"\npurpose = "B"\nuntil = 2030-01-01\nunitl = 1\n', "unitl"),
        ('spk1 = "yes"\n', "spk1"),
    ],
)
def test_consent_that_cannot_be_read_is_named(episode: Context, text: str, reason: str) -> None:
    agree(episode, text)
    with pytest.raises(DubkitError, match=reason):
        lacking(episode, ["spk1"], [PT])


def test_without_strict_nothing_is_refused(episode: Context) -> None:
    refuse_without_consent(episode, [PT])
    assert lacking(episode, ["spk1"], [PT]) == {"spk1": "no consent is recorded"}


def test_references_are_looked_for_once_music_is_marked() -> None:
    """Else the marks, which enter the key, would be new at the next run."""
    names = chain().names
    assert names.index("music") < names.index(STAGE) < names.index("cast")


def test_before_anything_is_translated_nothing_is_said_of_consent(episode: Context) -> None:
    run(episode)
    episode.store.path("translation.json", PT).unlink()
    stage = chain().find(STAGE, "test")
    assert stage.notices is not None
    assert list(stage.notices(episode.fresh())) == []
