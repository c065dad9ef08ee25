"""Recording against the film: what the video holds, and a long recording becomes lines in their places."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from dubkit.episode.context import Context
from dubkit.errors import EditRefused, MediaError
from dubkit.media.delivery.count_in import BEEP_HERTZ, BEEP_SECONDS, beep
from dubkit.media.sound.beeps import beeps_offset
from dubkit.review.count_in import WrittenCountIn, make_count_in, take_long_recording, windows
from tests.review.test_changes import PT, make_episode
from tests.support.takes import RATE, noise, silence, tone, write

CUES = (("s0001", 1.0), ("s0002", 4.0), ("s0003", 7.0))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Lines at 1, 4 and 7 s, two seconds each, a second apart; no picture."""
    context = make_episode(tmp_path)
    write(context.store.path("audio.wav"), np.tile(noise(14.0, 0.05), (2, 1)).T)
    return context


@pytest.fixture
def video(context: Context) -> WrittenCountIn:
    return make_count_in(context)


def heard(path: Path) -> NDArray[np.float32]:
    import av

    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(str(path)) as container:
        return np.concatenate(
            [out.to_ndarray().reshape(-1) for f in container.decode(audio=0) for out in resampler.resample(f)]
        )


def performance(late: float = 0.0, offset: float = 0.0) -> NDArray[np.float32]:
    """What an actor records against the video, which begins at -3 s; each line has its pitch."""
    sound = silence(3.0 + 14.0)
    for number, (_, start) in enumerate(CUES):
        begin = round((3.0 + start + late) * RATE)
        spoken = tone(1.4, 200.0 + 100 * number)
        sound[begin : begin + len(spoken)] = spoken
    shifted = np.concatenate([silence(max(0.0, offset)), sound])[round(max(0.0, -offset) * RATE) :]
    return shifted + noise(len(shifted) / RATE, 1e-4)[: len(shifted)]


def with_beeps(sound: NDArray[np.float32], offset: float, level: float = 0.1) -> NDArray[np.float32]:
    """The same with the video's three beeps as a microphone hears them beside the actor."""
    sound = sound.copy()
    for second in (1.0, 2.0, 3.0):
        begin = round((second + offset) * RATE)
        one = (level * beep()).astype(np.float32)
        sound[begin : begin + len(one)] += one
    return sound


def test_three_beeps_come_one_second_apart_before_the_first_cue(video: WrittenCountIn) -> None:
    sound = heard(video.file)
    assert beeps_offset(sound, [1.0, 2.0, 3.0], BEEP_SECONDS, BEEP_HERTZ) == pytest.approx(0.0, abs=0.03)
    assert video.cues == 3
    assert video.seconds == pytest.approx(3.0 + 9.0 + 2.5, abs=0.1)


def test_the_source_is_quieter(video: WrittenCountIn) -> None:
    sound = heard(video.file)[round(4.2 * RATE) : round(5.8 * RATE)]
    level = 20 * np.log10(np.sqrt(np.mean(sound**2)) / 0.05)
    assert level == pytest.approx(-18, abs=2.5)  # the codec leaves out the highest part of noise


def test_every_picture_of_the_count_differs_and_shows_the_text(
    context: Context, video: WrittenCountIn
) -> None:
    pytest.importorskip("PIL", reason="texts are drawn by pillow")
    if video.unlettered:
        pytest.skip(video.unlettered)
    import av

    with av.open(str(video.file)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == pytest.approx(25 * video.seconds, abs=2)
    foot = frames[70][-50:]
    assert 0.01 < float(np.mean(foot > 120)) < 0.3
    bars = [int(np.argmax(frame[100].astype(int))) for frame in frames[30:95:10]]
    assert bars == sorted(bars)
    assert bars[-1] - bars[0] > 300


@pytest.mark.parametrize("late", [0.0, 0.2])
def test_a_recording_without_beeps_begins_with_the_video(
    context: Context, video: WrittenCountIn, tmp_path: Path, late: float
) -> None:
    cut = take_long_recording(context, write(tmp_path / "long.wav", performance(late)))
    assert cut.offset is None
    assert sorted(cut.kept) == ["s0001", "s0002", "s0003"]
    check(context, late)


@pytest.mark.parametrize("offset", [2.345, -0.5])
def test_a_recording_with_the_beeps_on_it_is_laid_to_them(
    context: Context, video: WrittenCountIn, tmp_path: Path, offset: float
) -> None:
    sound = with_beeps(performance(0.1, offset), offset)
    cut = take_long_recording(context, write(tmp_path / "long.flac", sound, subtype=None))
    assert cut.offset == pytest.approx(offset, abs=0.003)
    check(context, 0.1)


def check(context: Context, late: float) -> None:
    """Each line is its own tone, at its own moment of the film."""
    from stages.shared.recording.recordings import recorded_line

    here = context.fresh()
    for number, (line, start) in enumerate(CUES):
        found = recorded_line(here, line)
        assert found is not None
        assert found.start_ms == pytest.approx(1000 * (start + late), abs=15)
        assert found.spoken_ms == pytest.approx(1400, abs=60)
        assert found.recording is not None
        sound, _ = sf.read(found.recording.path)
        pitch = np.argmax(np.abs(np.fft.rfft(sound))) * RATE / len(sound)
        assert pitch == pytest.approx(200 + 100 * number, abs=8)


def test_a_line_that_was_not_spoken_keeps_what_it_has(
    context: Context, video: WrittenCountIn, tmp_path: Path
) -> None:
    sound = performance()
    sound[round(6.5 * RATE) : round(9.0 * RATE)] = 0
    cut = take_long_recording(context, write(tmp_path / "long.wav", sound))
    assert cut.silent == ("s0002",)
    assert list(cut.kept) == ["s0001", "s0003"]


def test_an_earlier_recording_is_moved_aside_and_never_lost(
    context: Context, video: WrittenCountIn, tmp_path: Path
) -> None:
    folder = context.store.path("recordings", PT)
    for _ in range(3):
        write(folder / "s0001_ana.wav", tone(1.0))
        take_long_recording(context, write(tmp_path / "long.wav", performance()))
    assert context.fresh().recordings.problems == {}
    assert len([file for file in (folder / "earlier").iterdir() if file.name.startswith("s0001_ana")]) == 3


def test_the_windows_of_cues_have_nothing_in_common() -> None:
    from dubkit.media.delivery.count_in import CountedCue, plan_count_in

    cues = [CountedCue(f"s{n}", float(n), n + 0.9, "Ana", "Oi.") for n in range(5)]
    found = windows(plan_count_in(cues, 10.0))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(found))
    assert plan_count_in(cues, 10.0).beeps == (-3.0, -2.0, -1.0)


def test_what_cannot_be_said_is_said(context: Context, tmp_path: Path) -> None:
    long = write(tmp_path / "long.wav", performance())
    with pytest.raises(EditRefused, match="no count-in video"):
        take_long_recording(context, long)
    pytest.importorskip("PIL", reason="texts are drawn by pillow")
    with pytest.raises(MediaError, match="has not all letters"):
        make_count_in(context, font=str(long))
    make_count_in(context, ["s0001"])
    make_count_in(context, ["s0002"])
    with pytest.raises(EditRefused, match="--video s0001 or s0002"):
        take_long_recording(context, long)
    assert take_long_recording(context, long, "s0001").kept


def test_letters_that_no_font_here_has_are_named(context: Context) -> None:
    pytest.importorskip("PIL", reason="texts are drawn by pillow")
    from dubkit.types import Line, Translation

    lines = (replace(Line("s0001", "\U00012000\U00012001")),)
    context.store.write_json("translation.json", Translation(PT, lines), PT)
    written = make_count_in(context.fresh())
    assert "No font here has all letters" in written.unlettered or not written.unlettered


def test_sound_that_is_like_no_beep_lays_nothing() -> None:
    speech = performance()
    assert beeps_offset(speech, [1.0, 2.0, 3.0], BEEP_SECONDS, BEEP_HERTZ) is None
    assert beeps_offset(noise(10.0, 0.1), [1.0, 2.0, 3.0], BEEP_SECONDS, BEEP_HERTZ) is None
