"""What is said of a dub: each fault is flagged, what cannot be asked is named, dubs stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.config import configure
from dubkit.judge import hearing
from dubkit.judge.alignment import ClockMatch
from dubkit.judge.evidence import (
    DubPair,
    Heard,
    episode_evidence,
    line_evidence,
    spoken,
    texts_of_lines,
)
from dubkit.judge.films import OpenFilm
from dubkit.judge.judging import DubVerdict, Judgement, is_mild, verdict_of
from dubkit.judge.page import render
from dubkit.media.sound.audio import write_wav
from dubkit.speech.recognition import Recognition
from dubkit.types import AudioStream, Episode, Segment, Word
from tests.support.tones import RATE, quiet, tone

SEGMENTS = (
    Segment("s0001", 1.0, 2.0, "a", "Good morning.", language="en"),
    Segment("s0002", 3.0, 4.0, "b", "How are you? <b>", language="en"),
)
WORDS = (Word(1.0, 1.9, " Bom dia"), Word(3.0, 3.9, " Como vai"))
SPANS = ((1.0, 2.0), (3.0, 4.0))


def sound(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate(parts)


GOOD = sound(quiet(1.0), tone(1.0), quiet(1.0), tone(1.0), quiet(1.0))


def open_sound(folder: Path, name: str, samples: NDArray[np.float64]) -> OpenFilm:
    file = folder / f"{name}.wav"
    write_wav(file, samples[:, None], RATE)
    stream = AudioStream(0, 1, "pcm", RATE, 1, "mono")
    episode = Episode(name, "", "wav", Fraction(len(samples), RATE), None, (stream,), track=1, channels=1)
    return OpenFilm(file, episode, file, file, None)


def judged(
    folder: Path,
    samples: NDArray[np.float64] = GOOD,
    *,
    words: Sequence[Word] = WORDS,
    spans: Sequence[tuple[float, float]] = SPANS,
    texts: dict[str, str] | None = None,
    chosen: dict[str, Any] | None = None,
) -> DubVerdict:
    settings = configure(chosen or {}, environment={}, folders=()).settings
    pair = DubPair(
        open_sound(folder, "source", GOOD),
        open_sound(folder, "dub", samples),
        ClockMatch(),
        SEGMENTS,
        Heard(tuple(words), tuple(spans), "pt-BR"),
        texts,
        {},
    )
    lines = line_evidence(pair, settings.qc)
    return verdict_of(pair, lines, episode_evidence(pair, lines, settings.qc), settings, {})


def flags(verdict: DubVerdict) -> list[set[str]]:
    return [set(line.flags) for line in verdict.lines]


def test_a_good_dub_has_nothing_to_look_at(tmp_path: Path) -> None:
    verdict = judged(tmp_path, texts={"s0001": "Bom dia", "s0002": "Como vai"})
    assert (verdict.tone, flags(verdict)) == ("good", [set(), set()])
    assert [line.heard for line in verdict.lines] == ["Bom dia", "Como vai"]


def test_a_missing_line_is_found_without_its_text(tmp_path: Path) -> None:
    samples = sound(quiet(1.0), tone(1.0), quiet(3.0))
    verdict = judged(tmp_path, samples, words=WORDS[:1], spans=SPANS[:1])
    assert verdict.tone == "look"
    assert flags(verdict)[0] == set()
    assert {"silent", "not-heard"} <= flags(verdict)[1]


def test_late_speech_is_found(tmp_path: Path) -> None:
    samples = sound(quiet(1.6), tone(1.0), quiet(0.4), tone(1.0), quiet(1.0))
    words = (Word(1.6, 2.4, " Bom dia"), WORDS[1])
    verdict = judged(tmp_path, samples, words=words, spans=((1.6, 2.5), SPANS[1]))
    assert "late" in flags(verdict)[0]
    assert "late" not in flags(verdict)[1]


def test_clipped_sound_is_not_in_order(tmp_path: Path) -> None:
    verdict = judged(tmp_path, np.clip(GOOD * 30, -1, 1))
    assert verdict.tone == "bad"
    assert "clipped" in verdict.measured.flags


def test_other_words_are_found_where_the_text_is_told(tmp_path: Path) -> None:
    texts = {"s0001": "Boa noite a todos", "s0002": "Como vai"}
    assert "words" in flags(judged(tmp_path, texts=texts))[0]
    told = judged(tmp_path)
    assert "words" not in flags(told)[0]
    asked = {check for left in told.not_asked for check in left.checks if "--text" in left.why}
    assert "Words differ" in asked


def test_a_line_that_is_still_in_the_sources_language_is_found(tmp_path: Path) -> None:
    words = (Word(1.0, 1.9, " Good morning to all of you, my dear friends"), WORDS[1])
    assert "source-language" not in flags(judged(tmp_path, words=words))[0], "it is off by itself"
    found = flags(judged(tmp_path, words=words, chosen={"qc.source-language.on": True}))
    assert "source-language" in found[0]
    assert "source-language" not in found[1]


def test_what_cannot_be_asked_is_named_with_why(tmp_path: Path) -> None:
    left = {check: left.why for left in judged(tmp_path).not_asked for check in left.checks}
    assert "made" in left["Cut short"]
    assert "cloned" in left["Voice unlike"]


def test_speech_belongs_to_one_line() -> None:
    due = [("a", 1.0, 2.0), ("b", 2.4, 3.0), ("c", 9.0, 10.0)]
    found = spoken(due, [(0.8, 2.9)])
    assert found["a"] == pytest.approx((0.8, 2.2))
    assert found["b"] == pytest.approx((2.2, 2.9))
    assert found["c"] == (9.0, 9.0)


def test_cues_go_to_the_line_that_they_overlap_most() -> None:
    due = [("a", 1.0, 2.0), ("b", 3.0, 4.0)]
    cues = [(0.9, 1.5, "Bom"), (1.5, 2.6, "dia"), (3.1, 4.0, "Como vai"), (7.0, 8.0, "fim")]
    assert texts_of_lines(cues, due) == {"a": "Bom dia", "b": "Como vai fim"}


def test_dubs_stand_side_by_side_and_texts_are_escaped(tmp_path: Path) -> None:
    good = judged(tmp_path, texts={"s0001": "Bom dia", "s0002": "Como vai"})
    bad = replace(judged(tmp_path, sound(quiet(5.0)), words=(), spans=()), name="other.mp4")
    judgement = Judgement("film.mp4", "en", (good, bad))
    page = render(judgement)
    assert page == render(judgement)
    assert page.count("<h2>") == 2
    assert "other.mp4" in page
    assert "How are you? &lt;b&gt;" in page
    assert "(nothing heard)" in page


def test_a_mild_flag_alone_needs_no_look() -> None:
    assert is_mild(())
    assert is_mild(("loudness",))
    assert not is_mild(("loudness", "silent"))


def test_what_was_heard_is_kept_for_the_next_dub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    class Engine:
        name = "counted"

        def identity(self, _: object) -> str:
            return "counted 1"

        def open(self, _: object) -> Engine:
            return self

        def recognise(self, audio: NDArray[np.float32], spans: object, settings: object) -> Recognition:
            times.append(len(audio))
            return Recognition("pt", 1.0, WORDS)

    engine = Engine()
    monkeypatch.setattr(hearing, "choose_recogniser", lambda _: engine)
    monkeypatch.setattr(hearing.RecognitionTask, "for_engine", lambda task, _: task)
    monkeypatch.setattr("dubkit.speech.vad.speech_spans", lambda _: [(0.0, 1.0)])
    settings = configure({}, environment={}, folders=()).settings
    speech = tmp_path / "speech.wav"
    write_wav(speech, tone(1.0)[::3, None], 16_000)
    heard = [
        hearing.Ears(settings, None, tmp_path / "cache").words(speech, language)  # type: ignore[arg-type]
        for language in ("pt-BR", "pt-BR", "auto")
    ]
    assert [words.words for words in heard] == [WORDS] * 3
    assert len(times) == 2  # another language is heard anew
