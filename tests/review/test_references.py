"""What a voice is cloned from, in the review: shown, chosen, uploaded, taken back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.errors import EditRefused
from dubkit.review.changes import Desk
from dubkit.review.due import find_due
from dubkit.review.references import choose_reference, give_reference, reference_row, reset_reference
from dubkit.review.speakers import speakers
from dubkit.types.references import (
    ReferencePiece,
    References,
    RefusedPiece,
    SpeakerPieces,
    SpeakerReference,
)
from tests.review.test_changes import make_episode
from tests.support.persons import RATE, man


def piece(number: int, start: float) -> ReferencePiece:
    file = f"references/pieces/spk1-{number}.wav"
    return ReferencePiece(
        number, ((start, start + 2.0),), f"Text {number}.", 0.9, {"voice": 1.0}, -20.0, 110.0, 14.0, file
    )


def references() -> References:
    """Return references of two speakers, of whom one has none."""
    own = (
        SpeakerReference("spk1", "found", "references/spk1.wav", "Text 1.", "en", 2.0, 1),
        SpeakerReference("spk2", "", notes=("they speak for 0.7 s only",)),
    )
    pieces = (
        SpeakerPieces("spk1", (piece(1, 1.0), piece(2, 7.0)), (RefusedPiece(((4.0, 6.0),), "noise"),)),
        SpeakerPieces("spk2", (), missing="they speak for 0.7 s only"),
    )
    return References(own, {}, pieces)


def with_references(found: Context) -> Context:
    """Add references of both speakers to an episode, as the stage would."""
    found.settings = with_settings(found.settings, {"cast.voice_mode": "clone"})
    found.store.write_json("references.json", references())
    return found.fresh()


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return with_references(make_episode(tmp_path))


@pytest.fixture
def desk(context: Context) -> Desk:
    return Desk(context, "ana")


def chosen(context: Context) -> object:
    edits = context.store.path("edits.json")
    return json.loads(edits.read_text("utf-8")).get("speakers", {}).get("spk1") if edits.is_file() else None


def test_a_speaker_is_shown_with_reference_and_pieces(context: Context) -> None:
    rows = {row.id: row.reference for row in speakers(context)}
    own = rows["spk1"]
    assert own is not None
    assert own.about == "The source at 0:01.00, 2.0 s, score 0.90"
    assert [one.number for one in own.pieces] == [1, 2]
    assert (own.by_hand, own.waiting) == (False, False)
    other = rows["spk2"]
    assert other is not None
    assert other.about == "No reference, because they speak for 0.7 s only"


def test_without_references_nothing_is_shown(tmp_path: Path) -> None:
    assert reference_row(make_episode(tmp_path), "spk1") is None


def test_a_piece_is_chosen_waits_for_the_next_run_and_is_taken_back(desk: Desk) -> None:
    event = choose_reference(desk, "spk1", 2)
    assert event is not None
    assert chosen(desk.context) == {"reference": "piece:7.000-9.000"}
    row = reference_row(desk.context.fresh(), "spk1")
    assert row is not None
    assert (row.by_hand, row.waiting) == (True, True)
    assert [one.chosen for one in row.pieces] == [False, True]
    again = Desk(desk.context.fresh(), "ana")
    assert "spk1" in find_due(again.context, ["s0001"])["s0001"]
    assert "cloned from another recording" in find_due(again.context, ["s0001"])["s0001"]
    again.undo()
    assert chosen(desk.context) is None
    Desk(desk.context.fresh(), "ana").redo()
    assert reset_reference(Desk(desk.context.fresh(), "ana"), "spk1") is not None
    assert chosen(desk.context) is None
    assert reset_reference(Desk(desk.context.fresh(), "ana"), "spk1") is None, "nothing to take back"


@pytest.mark.parametrize(("speaker", "number"), [("spk1", 3), ("spk2", 1), ("nobody", 1)])
def test_what_is_not_there_is_refused(desk: Desk, speaker: str, number: int) -> None:
    with pytest.raises(EditRefused, match=speaker):
        choose_reference(desk, speaker, number)


def test_a_recording_is_kept_with_its_text(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "ana.ogg"
    soundfile.write(file, man(4)[::2], RATE // 2)
    assert give_reference(desk, "spk1", file, "  What she\nsays. ") is not None
    edit = chosen(desk.context)
    assert isinstance(edit, dict)
    name = edit["reference"].removeprefix("file:")
    kept = desk.context.store.path(f"references/given/{name}.wav")
    assert soundfile.info(kept).samplerate == RATE
    assert kept.with_suffix(".txt").read_text("utf-8") == "What she says."


@pytest.mark.parametrize("bad", ["silent", "no sound"])
def test_a_recording_that_cannot_be_used_is_refused_and_not_kept(
    desk: Desk, tmp_path: Path, bad: str
) -> None:
    file = tmp_path / "ana.wav"
    if bad == "silent":
        soundfile.write(file, np.zeros(4 * RATE), RATE)
    else:
        file.write_text("no sound")
    with pytest.raises(EditRefused) as refused:
        give_reference(desk, "spk1", file)
    assert str(tmp_path) not in str(refused.value)
    assert not desk.context.store.path("references/given").exists()
    assert chosen(desk.context) is None
