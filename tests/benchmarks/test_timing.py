"""What the timing benchmark hears: edges of lines, the zero of a file's clock, onsets, all dubs together."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from benchmarks.heard import Heard, Measured, _onset, together
from benchmarks.listening import RATE, read_sound, sounding, stretches
from benchmarks.timing import main, references, row
from dubkit.qc.timing import TimedLine
from dubkit.types import Segment


def line(
    name: str, source: tuple[float, float], dub: tuple[float, float], pace: float, error: float = 0.0
) -> Heard:
    timed = TimedLine(name, source, dub, pace, first_words=4, words=3)
    return Heard(timed, "um dois", "um", error, pace, onset_error=dub[0] - source[0])


def measured(clip: str, *lines: Heard, errors: int = 0) -> Measured:
    spans = tuple(one.timed.source for one in lines)
    dubs = tuple(one.timed.dub for one in lines if one.timed.dub)
    return Measured(clip, lines, spans, dubs, errors, 10, "whisper-base, one beam")


def test_a_line_sounds_from_its_first_to_its_last_loud_block() -> None:
    sound = np.zeros(RATE)
    sound[4000:12000] = 0.5 * np.sin(np.arange(8000))
    assert sounding(sound.astype(np.float32), RATE) == pytest.approx((0.25, 0.75), abs=0.005)
    assert sounding(np.zeros(100, np.float32), RATE) is None


def test_a_wav_is_read_as_it_is(tmp_path: Path) -> None:
    samples = (20_000 * np.sin(np.arange(RATE) / 10)).astype("<i2")
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    assert read_sound(tmp_path / "a.wav") == pytest.approx(samples / 32768, abs=1e-3)


def test_what_is_heard_together_ends_in_a_silence() -> None:
    spans = [(1.0, 3.0), (4.0, 9.0), (9.5, 14.0), (20.0, 40.0)]
    assert stretches(spans) == [(0.8, 9.2), (9.3, 14.2), (19.8, 40.2)]


def test_only_a_line_that_opens_a_stretch_of_speech_has_an_onset() -> None:
    first, inside = Segment("s1", 1.0, 3.0, "a", "x"), Segment("s2", 2.0, 4.0, "b", "y")
    assert _onset(first, [(1.2, 4.0)], [first, inside]) == 1.2
    assert _onset(first, [(0.2, 4.0)], [first, inside]) is None
    assert _onset(inside, [(2.1, 4.0)], [first, inside]) is None


def test_dubs_are_counted_together_without_meeting() -> None:
    one = measured("one", line("s1", (0.0, 2.0), (0.0, 2.0), 1.3), errors=2)
    two = measured("two", line("s1", (0.0, 2.0), (1.0, 2.0), 1.0), errors=4)
    both = together([one, two])
    assert both.figures.lines == 2
    assert both.figures.over_120 == 1
    assert both.figures.overlap == pytest.approx(0.75)
    assert both.figures.talking_over == 0
    assert both.round_trip == pytest.approx(0.3)
    assert max(both.onsets) == 1.0
    assert both.figures.words_lost == 2
    assert row(both)[:2] == ("all", "2")


def test_the_worst_line_is_the_one_that_is_not_understood_hurried_or_cut() -> None:
    fine = line("s1", (0.0, 1.0), (0.0, 1.0), 1.0)
    assert line("s2", (0.0, 1.0), (0.0, 1.0), 1.3).badness > fine.badness
    assert line("s3", (0.0, 1.0), (0.0, 1.0), 1.0, error=0.5).badness > fine.badness


def test_references_come_from_the_manifest_of_the_media_folder(tmp_path: Path) -> None:
    entries = '{"entries": [{"path": "talk/a.mp4", "transcript_ref": "Hello."}, {"path": "talk/b.mp4"}]}'
    (tmp_path / "manifest.json").write_text(entries, "utf-8")
    assert references(tmp_path / "talk") == {"a.mp4": "Hello."}
    assert references(tmp_path / "talk" / "deeper") == {}


def test_a_folder_that_is_no_episode_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no episode"):
        main(["--episode", str(tmp_path)])
