"""Pronunciations of a series: what voices are given, and which lines a change makes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.episode.context import Context
from dubkit.series.place import find_series
from stages.shared.series_words import said_inputs, said_text
from tests.series.test_checks import context as episode

SERIES = """
[[pronunciations]]
word = "Xibalba"
say = "Schibalba"
engines = ["kokoro"]

[[pronunciations]]
word = "Neu Xibalba"
say = "Neu-Schi"

[[pronunciations]]
word = "Ana"
say = "Anna"
characters = ["spk2"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return episode(tmp_path, "Xibalba, Neu Xibalba!", SERIES)


def test_a_voice_is_given_words_as_they_are_said(context: Context) -> None:
    segment, line = context.lines[0]
    assert said_text(context, "kokoro", segment, line.text) == "Schibalba, Neu-Schi!"
    assert said_text(context, "espeak", segment, line.text) == "Xibalba, Neu-Schi!"
    assert said_text(context, "kokoro", segment, "Ana und Xibalbas.") == "Ana und Xibalbas."
    assert said_text(context, "kokoro", context.segments[1], "ANA!") == "Anna!"
    assert line.text == "Xibalba, Neu Xibalba!"


def test_a_line_depends_on_its_own_words_only(context: Context) -> None:
    segment, line = context.lines[0]
    assert said_inputs(context, "kokoro", segment, line.text).keys() == {
        "pronunciation/Xibalba",
        "pronunciation/Neu Xibalba",
    }
    assert said_inputs(context, "kokoro", *(segment, "Nein.")) == {}
    none = replace(context.fresh(), series=None)
    assert said_inputs(none, "kokoro", segment, line.text) == {}
    assert said_text(none, "kokoro", segment, line.text) == line.text


def test_a_changed_pronunciation_is_another_key(context: Context) -> None:
    segment, line = context.lines[0]
    before = said_inputs(context, "kokoro", segment, line.text)
    file = context.source.with_name("series.toml")
    file.write_text(SERIES.replace("Schibalba", "Tschibalba"), "utf-8")
    now = replace(context.fresh(), series=find_series(context.source))
    after = said_inputs(now, "kokoro", segment, line.text)
    assert {name for name in before if before[name] != after[name]} == {"pronunciation/Xibalba"}
