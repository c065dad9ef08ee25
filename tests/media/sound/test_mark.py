"""The mark on generated speech: found after codecs, never found where it is not, off by default."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray
from scipy.signal import resample_poly

from dubkit.media.files.command import media_input
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.sound.audio import read_span, write_wav
from dubkit.media.sound.mark import MarkFinder, mark_speech
from dubkit.media.sound.mix import Placement, mix
from dubkit.media.sound.settings import Mix
from dubkit.types import SAMPLE_RATE
from tests.support.voices import needs_espeak, open_engine

Samples = NDArray[np.float64]
SENTENCES = (
    "Good morning, everybody. The train to the coast leaves in ten minutes.",
    "Take a seat, please, and put the bags under the table.",
    "Nobody knew what to say, so we talked about the weather for a while.",
)

pytestmark = needs_espeak


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Some twelve seconds of speech by an engine."""
    engine = open_engine("espeak")
    parts = []
    for text in SENTENCES:
        said = np.asarray(engine.speak(text, voice="", language="en", speed=1.0), dtype=np.float64)
        parts.append(resample_poly(said, SAMPLE_RATE, engine.rate))
    sound: Samples = np.concatenate(parts)
    return sound


def seconds_of(sound: Samples, piece: int = 50_000) -> list[bool]:
    finder = MarkFinder()
    for start in range(0, len(sound), piece):
        finder.feed(sound[start : start + piece])
    return finder.seconds()


def coded(sound: Samples, folder: Path, name: str, **options: str) -> Samples:
    """Return sound as it comes back from a codec."""
    plain, lossy, back = folder / "plain.wav", folder / name, folder / "back.wav"
    sf.write(plain, sound, SAMPLE_RATE, subtype="FLOAT")
    run_ffmpeg([media_input(plain)["a:0"]], lossy, dict(options))
    run_ffmpeg([media_input(lossy)["a:0"]], back, {"ar": str(SAMPLE_RATE), "c:a": "pcm_f32le", "f": "wav"})
    return np.asarray(sf.read(back)[0], dtype=np.float64)


def test_speech_without_a_mark_has_none(speech: Samples) -> None:
    assert not any(seconds_of(speech))
    assert not any(seconds_of(np.random.default_rng(1).normal(0.0, 0.1, 20 * SAMPLE_RATE)))
    assert not any(seconds_of(np.zeros(5 * SAMPLE_RATE)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", {"c:a": "aac", "b:a": "128k", "f": "mp4"}),
        ("a.mp3", {"c:a": "libmp3lame", "b:a": "128k", "f": "mp3"}),
    ],
)
def test_the_mark_is_found_after_a_codec(
    speech: Samples, tmp_path: Path, name: str, options: dict[str, str]
) -> None:
    marked = mark_speech(speech, 123_456)
    found = seconds_of(coded(marked, tmp_path, name, **options))
    assert sum(found) >= len(found) - 1
    assert not any(seconds_of(coded(speech, tmp_path, name, **options)))


def test_only_the_marked_part_is_named_and_a_cut_does_not_hide_it(speech: Samples) -> None:
    """Eight seconds without, then the mark; a second copy begins at another place of the pattern."""
    plain = np.tile(speech, 2)[: 8 * SAMPLE_RATE]
    marked = mark_speech(speech, 0)[: 8 * SAMPLE_RATE]
    found = seconds_of(np.concatenate([plain, marked, plain, marked[12_345:]]))
    assert not any(found[1:7])
    assert sum(found[8:16]) >= 7
    assert not any(found[18:23])
    assert sum(found[25:31]) >= 5


def test_the_mark_lies_far_below_the_speech(speech: Samples) -> None:
    change = mark_speech(speech, 0) - speech
    assert 10 * np.log10(np.square(change).sum() / np.square(speech).sum()) < -23.0
    assert len(change) == len(speech)


def test_the_size_of_the_pieces_changes_nothing(speech: Samples) -> None:
    marked = mark_speech(speech, 7)
    assert seconds_of(marked, 1_000) == seconds_of(marked, len(marked))


def placed(folder: Path, sound: Samples, name: str, start: int, *, recorded: bool = False) -> Placement:
    file = folder / f"{name}.wav"
    write_wav(file, sound[:, None], SAMPLE_RATE)
    return Placement(name, file, start, (start, start + len(sound)), heard=False, recorded=recorded)


def test_the_mix_marks_what_was_generated_and_not_what_a_person_recorded(
    speech: Samples, tmp_path: Path
) -> None:
    part = speech[: 5 * SAMPLE_RATE]
    source = tmp_path / "source.wav"
    write_wav(source, np.random.default_rng(3).normal(0.0, 1e-4, (16 * SAMPLE_RATE, 1)), SAMPLE_RATE)
    lines = [
        placed(tmp_path, part, "made", SAMPLE_RATE),
        placed(tmp_path, part, "recorded", 9 * SAMPLE_RATE, recorded=True),
    ]
    outs = {}
    for mark in ("off", "on"):
        outs[mark] = tmp_path / f"{mark}.wav"
        report = mix(source, lines, outs[mark], Mix(mark=mark), channels=1, layout="mono")  # type: ignore[arg-type]
    plain = tmp_path / "default.wav"
    mix(source, lines, plain, Mix(), channels=1, layout="mono")
    assert plain.read_bytes() == outs["off"].read_bytes()
    found = seconds_of(read_span(outs["on"], 0, 16 * SAMPLE_RATE)[:, 0])
    assert sum(found[1:6]) >= 4
    assert not any(found[8:])
    first, last = report.spans[0].start_sample, report.spans[-1].end_sample
    assert np.array_equal(read_span(outs["on"], 0, first), read_span(source, 0, first))
    assert np.array_equal(
        read_span(outs["on"], last, 16 * SAMPLE_RATE), read_span(source, last, 16 * SAMPLE_RATE)
    )
