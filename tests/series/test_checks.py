"""The checks of the words of a series, on lines of a local episode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.models.store import ModelStore
from dubkit.qc.checks.glossary import ADDRESS, GLOSSARY
from dubkit.qc.evidence import LineEvidence
from dubkit.series.place import find_series
from dubkit.translate.wording.address import address_fault
from dubkit.types import Line, Segment, Transcript, Translation
from stages.shared.series_words import fitting_inputs, series_evidence, series_inputs

SERIES = """
[[terms]]
source = "Warden"
approved.de = ["Wächter"]
forbidden.de = ["Direktor"]

[[address]]
from = "spk1"
to = "spk2"
use.de = "du"
"""
SEGMENTS = (
    Segment("s0001", 0.0, 1.0, "spk1", "Do you see the Warden?"),
    Segment("s0002", 1.0, 2.0, "spk2", "No."),
)


def context(folder: Path, text: str, series: str = SERIES) -> Context:
    source = folder / "e01.mp4"
    (folder / "series.toml").write_text(series, "utf-8")
    store = EpisodeStore(folder / "Output/e01")
    store.write_json("transcript.json", Transcript("en", 1.0, SEGMENTS, "test"))
    lines = (Line("s0001", text, provider="nmt:x"), Line("s0002", "Nein.", provider="nmt:x"))
    store.write_json("translation.json", Translation("de", lines), "de")
    models = ModelStore(folder / "models")
    return Context(store, Settings(), source, "0" * 64, models, "de", series=find_series(source))


def findings(here: Context) -> tuple[bool, bool]:
    segment, line = here.lines[0]
    import numpy as np

    plain = LineEvidence(line.id, line.text, "de", None, 0.0, 0.0, np.zeros(8), 8000)
    evidence = replace(plain, **series_evidence(here, segment, line))
    assert evidence.has("terms")
    assert evidence.has("address")
    return GLOSSARY.line(evidence, None).flagged, ADDRESS.line(evidence, None).flagged  # type: ignore


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("Siehst du den Wächter?", (False, False)),
        ("Siehst du die Wächters?", (False, False)),
        ("Siehst du den Direktor?", (True, False)),
        ("Sehen Sie den Wächter?", (False, True)),
        ("Siehst du ihn?", (True, False)),
        ("Den Wächter gesehen?", (False, False)),
    ],
)
def test_terms_and_forms_of_address_are_checked_in_the_result(
    tmp_path: Path, text: str, flagged: tuple[bool, bool]
) -> None:
    assert findings(context(tmp_path, text)) == flagged


def test_a_line_without_terms_is_not_judged(tmp_path: Path) -> None:
    here = context(tmp_path, "Siehst du den Wächter?")
    assert "terms" not in series_evidence(here, *here.lines[1])


def test_the_measured_dub_depends_on_what_is_wrong_only(tmp_path: Path) -> None:
    here = context(tmp_path, "Siehst du den Wächter?")
    noted = context(tmp_path, "Siehst du den Wächter?", SERIES.replace("forbidden", 'note = "x"\nforbidden'))
    assert series_inputs(here) == series_inputs(noted)
    assert series_inputs(replace(here.fresh(), series=None)) == {}


@pytest.mark.parametrize(
    ("text", "form", "language", "wrong"),
    [
        ("Sie kommt.", "du", "de", False),  # `she`
        ("Haben Sie Zeit?", "du", "de", True),
        ("Vous venez ?", "tu", "fr", True),
        ("Tu viens ?", "tu", "fr", False),
        ("Você vem?", "tu", "pt-BR", True),
        ("Ваша книга.", "ты", "ru", True),
        ("Kommer du?", "ni", "sv", False),  # nothing tells them apart
        ("Kom je?", "jij", "nl", False),
    ],
)
def test_a_form_of_address_is_told_by_its_own_words(text: str, form: str, language: str, wrong: bool) -> None:
    assert bool(address_fault(text, form, language)) is wrong


def test_the_choice_among_texts_depends_on_the_entries_of_the_line(tmp_path: Path) -> None:
    here = context(tmp_path, "Siehst du den Wächter?")
    own, other = (fitting_inputs(here, segment) for segment in here.segments)
    assert own.keys() == {"glossary/Warden", "prompts/wording.txt", "address/spk1"}
    assert other == {}
    assert fitting_inputs(replace(here.fresh(), series=None), here.segments[0]) == {}
