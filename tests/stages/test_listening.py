"""The dub is heard in groups of lines by as many threads as there are cores, with the words of one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.episode.context import Context
from dubkit.speech.asr import WhisperRecogniser
from dubkit.speech.recognition import Hearing, Recogniser, Recognition, RecognitionEngine, RecognitionTask
from dubkit.speech.settings import Transcribe
from dubkit.types import ASR_RATE, Word
from stages import qc
from tests.review.test_changes import make_episode
from tests.support.speech_clips import clip, join_whisper_base

WINDOWS = {"s0001": (0.0, 5.0), "s0002": (5.0, 10.0)}
GROUPS = [[line] for line in WINDOWS]


class Results:
    """A sink that keeps what was finished, in order."""

    def __init__(self) -> None:
        self.of: list[tuple[str, Any]] = []

    def done(self, item: str, *, value: Any = None, **more: Any) -> None:
        self.of.append((item, value))


class Slower:
    """Hears one word in each window, and earlier windows more slowly."""

    name = "slower"

    def recognise(self, audio: Any, spans: Any, settings: Any = None, on_progress: Any = None) -> Recognition:
        ((start, end),) = spans
        time.sleep(0.05 * (10.0 - start) / 10.0)
        return Recognition("pt", 1.0, (Word(start + 0.5, end - 0.5, f" word{start:.0f}", 0.9),))


@pytest.fixture
def episode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(qc, "hears_otherwise", lambda context: False)
    monkeypatch.setattr(qc, "_window", lambda context, line: WINDOWS[line])
    monkeypatch.setattr(qc, "dubbed_lines", lambda context: [])
    return replace(make_episode(tmp_path), language="en")


def heard(
    episode: Context, monkeypatch: pytest.MonkeyPatch, cores: int, open_: Any, *, side_by_side: bool = True
) -> tuple[list[tuple[str, Any]], int]:
    """Return what was heard where there are so many cores, and how many calls the engine was opened for."""
    calls: list[int] = []

    def opened(task: RecognitionTask) -> Recogniser:
        calls.append(task.workers)
        recogniser: Recogniser = open_(task)
        return recogniser

    engine = RecognitionEngine(
        "ear", "an ear", lambda task: "", lambda task: "ear", opened, side_by_side=side_by_side
    )
    monkeypatch.setattr(
        qc, "hearing", lambda context: (engine, Hearing(RecognitionTask(Transcribe(beam=1)), "ear"))
    )
    monkeypatch.setattr("dubkit.cores.usable_cores", lambda: cores)
    speech = episode.store.root / "speech.wav"
    if not speech.is_file():
        soundfile.write(speech, clip("a_talk/en_jordi_10s.mp4"), ASR_RATE)
    sink = Results()
    qc._listen(episode, GROUPS, qc.DeliveredSound(speech, speech), sink)  # type: ignore[arg-type]
    return sink.of, calls[0]


def test_two_threads_hear_what_one_hears_in_the_order_of_the_lines(
    episode: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, calls = heard(episode, monkeypatch, 1, lambda task: Slower())
    assert calls == 1
    assert [item for item, _ in one] == list(WINDOWS)
    assert "word5" in str(one[1])
    assert heard(episode, monkeypatch, 2, lambda task: Slower()) == (one, 2)
    assert heard(episode, monkeypatch, 64, lambda task: Slower()) == (one, 2), "no more than there are groups"
    assert heard(episode, monkeypatch, 64, lambda task: Slower(), side_by_side=False) == (one, 1)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return join_whisper_base(tmp_path_factory.mktemp("whisper-base"))


@pytest.mark.slow
def test_whisper_hears_the_same_with_two_workers(
    episode: Context, monkeypatch: pytest.MonkeyPatch, whisper: Path
) -> None:
    def opened(task: RecognitionTask) -> WhisperRecogniser:
        return WhisperRecogniser(whisper, threads=1, workers=task.workers)

    one, two = (heard(episode, monkeypatch, cores, opened) for cores in (1, 2))
    assert (one[1], two[1]) == (1, 2)
    assert one[0] == two[0]
    assert all(value for _, value in one[0])
