"""Keeping laughs and breaths: off by default, and then an input of the mix that says what it did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf  # type: ignore[import-untyped]

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.progress import Silent
from dubkit.qc.report.page import render_report
from dubkit.types import ASR_RATE, SAMPLE_RATE, MixReport, Transcript, Word
from dubkit.types.nonverbal import KeptSound, Nonverbal
from stages import mix as mixing
from stages.nonverbal import STAGE
from stages.shared.nonverbal import kept_spans_of, nonverbal_inputs, nonverbal_remarks, nonverbal_spans
from tests.qc.test_report_page import model
from tests.review.test_changes import PT, make_episode, segments
from tests.speech.test_nonverbal import laugh, noise


def make(folder: Path, keep: bool = True) -> Context:
    """Return an episode whose first line has a laugh between its two words."""
    context = make_episode(folder)
    first = segments()[0]
    words = (
        Word(first.start, first.start + 0.4, "Well"),
        Word(first.end - 0.4, first.end, " no."),
    )
    audio = np.random.default_rng(0).normal(0, 2e-4, 14 * ASR_RATE)
    sounds = [(word.start, noise(0.4, 100, 4000, 0.1)) for word in words]
    sounds.append((first.start + 0.6, laugh(0.5)))
    for start, sound in sounds:
        at = round(start * ASR_RATE)
        audio[at : at + len(sound)] += sound
    sf.write(context.speech, audio.astype(np.float32), ASR_RATE)
    said = Transcript("en", 1.0, (replace(first, words=words), *segments()[1:]), "test")
    context.store.write_json("transcript.json", said)
    settings = with_settings(context.settings, {"express.keep_nonverbal": keep, "music.marks": "off"})
    return replace(context, settings=settings).fresh("")


def found(context: Context) -> Context:
    todo = find_todo(STAGE, context, STAGE.items(context), False)
    sink = StoreSink(context, {t.item.id: t.parts for t in todo}, Silent(), "")
    STAGE.run(context, [t.item for t in todo], sink)
    return context.fresh(PT)


def test_the_laugh_between_two_words_is_found_and_enters_the_key_of_the_mix(tmp_path: Path) -> None:
    context = found(make(tmp_path))
    assert STAGE.belongs(context)
    first = segments()[0]
    ((start, end),) = nonverbal_spans(context) or []
    assert abs(start / SAMPLE_RATE - first.start - 0.6) < 0.1
    assert abs(end / SAMPLE_RATE - first.start - 1.1) < 0.15
    (item,) = mixing.items(context)
    assert item.inputs["nonverbal.json"]
    context.store.write_json("nonverbal.json", Nonverbal(()))
    (other,) = mixing.items(context.fresh(PT))
    assert other.inputs["nonverbal.json"] != item.inputs["nonverbal.json"]


def test_off_by_default_and_then_nothing_of_it_is_in_the_key(tmp_path: Path) -> None:
    assert not make_episode(tmp_path).settings.express.keep_nonverbal
    context = make(tmp_path, keep=False)
    assert not STAGE.belongs(context)
    assert nonverbal_spans(context) is None
    assert nonverbal_inputs(context) == {}


def test_the_record_says_what_is_heard_and_a_remark_what_is_not() -> None:
    sounds = (KeptSound(0, 48_000, ((24_000, 48_000),)), KeptSound(96_000, 100_000))
    off = MixReport((), -20.0, -20.0, -1.0, 0.0, False, 1, 2)
    report = replace(off, nonverbal=sounds)
    assert kept_spans_of(report) == ((0.5, 1.0),)
    (said,) = nonverbal_remarks(report)
    assert (said.code, said.weight) == ("nonverbal-covered", "note")
    assert "1 of the 2" in said.sentence
    assert list(nonverbal_remarks(off)) == []
    assert kept_spans_of(off) == ()


def test_the_timeline_of_the_report_shows_what_is_kept() -> None:
    page = render_report(replace(model(), kept=((0.5, 1.0),)))
    assert "A laugh or a breath of the source, 0:00.5" in page
    assert "A laugh or a breath" not in render_report(model())
