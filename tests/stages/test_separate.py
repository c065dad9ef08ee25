"""The stage `separate`: what it asks for, when it gives up, and what the mix takes of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.errors import ModelMissing
from dubkit.media.separation.leak import segment_words
from dubkit.speech.recognition import Recognition
from dubkit.types import Remark, Word
from dubkit.types.separation import BedLevel, Leak, Separation
from stages import STAGES, separate
from stages.shared.bed import BED, REPORT, bed_file, bed_inputs, old_voice_db
from tests.review.test_changes import PT, make_episode, segments

RATE = 48_000
STAGE = STAGES.records["separate"]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


def with_method(context: Context, method: str, **more: Any) -> Context:
    values = {"separate.method": method, **more}
    return replace(context.fresh(PT), settings=with_settings(context.settings, values))


def test_it_takes_part_only_when_it_is_asked_for(context: Context) -> None:
    assert not STAGE.belongs(context)
    assert STAGE.belongs(with_method(context, "auto"))
    assert STAGE.belongs(with_method(context, "spleeter"))


def test_a_method_that_cannot_work_ends_the_stage_with_its_cure(context: Context) -> None:
    here = with_method(context, "command")
    with pytest.raises(ModelMissing, match=r"separate\.command\.command is empty"):
        STAGE.items(here)


def levels(*found: tuple[str, float | None, float | None]) -> tuple[BedLevel, ...]:
    return tuple(BedLevel(*level) for level in found)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (levels(("s0001", -30.0, -1.0), ("s0002", -25.0, None)), ""),
        (levels(("s0001", -5.0, -1.0), ("s0002", -9.0, -1.0), ("s0003", -9.0, -1.0)), "under 3 of"),
        (levels(("s0001", None, None), ("s0002", None, None)), "found no voice"),
        (levels(("s0001", -30.0, -9.0), ("s0002", -30.0, -7.0)), "8.0 dB too quiet"),
        # Without pauses there is one measure, which lies too low under dense speech.
        (levels(("s0001", -30.0, -5.0), ("s0002", -30.0, -5.5)), ""),
        # With them the higher one counts, and less is enough.
        ((BedLevel("s0001", -30.0, -5.0, -4.0), BedLevel("s0002", -30.0, -3.5, -5.0)), "3.8 dB too quiet"),
        ((BedLevel("s0001", -30.0, -5.0, -1.0), BedLevel("s0002", -30.0, -1.0, -5.0)), ""),
        ((BedLevel("s0001", -30.0, -2.0, -9.0), *levels(("s0002", -30.0, None))), ""),
    ],
)
def test_it_is_given_up_where_it_does_harm(
    context: Context, found: tuple[BedLevel, ...], reason: str
) -> None:
    here = with_method(context, "auto")
    assert reason in separate._harm(here, (), found)
    assert bool(separate._harm(here, (), found)) is bool(reason)


def test_a_new_meter_listens_to_the_bed_again_and_separates_nothing(context: Context) -> None:
    voice, bed = STAGE.items(with_method(context, "spleeter"))
    assert "meter" in bed.models
    assert "meter" not in voice.models


def test_words_that_are_heard_under_most_lines_give_it_up(context: Context) -> None:
    found = [Leak(s.id, "one two three", 0.0, 1.0) for s in segments()]
    assert "still heard" in separate._harm(with_method(context, "auto"), found, ())


@pytest.mark.parametrize(("method", "weight"), [("spleeter", "degraded"), ("auto", "note")])
def test_giving_up_is_degraded_only_where_it_was_asked_for_by_name(
    context: Context, method: str, weight: str
) -> None:
    given_up = Separation("spleeter", used=False, reason="it found no voice")
    (said,) = separate._remarks(with_method(context, method), given_up)
    assert (said.weight, "it found no voice" in said.sentence) == (weight, True)


# --- a whole run of the stage ---------------------------------------------------------------------


class Ears:
    """A recogniser that hears what it is told."""

    name = "ears"

    def __init__(self, heard: Iterable[Word]) -> None:
        self.heard = tuple(heard)

    def recognise(self, *_: Any) -> Recognition:
        return Recognition("en", 1.0, self.heard)


class Halves:
    """A separator that knows the voice."""

    def __init__(self, voice: np.ndarray) -> None:
        self.voice = voice.astype(np.float32)

    def voices(self, sound: Any, spans: Any, advance: Any) -> Iterable[np.ndarray]:
        yield self.voice


class Sink:
    """Writes at once, and remembers what was said."""

    def __init__(self, context: Context) -> None:
        self.store = context.store
        self.done_items: dict[str, tuple[Remark, ...]] = {}

    @contextmanager
    def write(self, relative: str) -> Any:
        path = self.store.path(relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path

    def write_json(self, relative: str, value: Any) -> None:
        self.store.write_json(relative, value)

    def done(self, item: str, *, files: Iterable[str] = (), remarks: Iterable[Remark] = ()) -> None:
        self.done_items[item] = tuple(remarks)

    def say(self, text: str) -> None: ...

    def advance(self, share: float) -> None: ...


@pytest.fixture
def separated(context: Context, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the stage on noise with a humming voice, heard by some ears."""
    samples = context.episode.samples
    time = np.arange(samples) / RATE
    voice = np.zeros((samples, 2))
    for segment in segments():
        inside = slice(round(segment.start * RATE), round(segment.end * RATE))
        hum = sum(np.sin(2 * np.pi * 200 * n * time[inside]) / n for n in range(1, 6))
        voice[inside] = 0.1 * (hum * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * time[inside])))[:, None]
    noise = 0.02 * np.random.default_rng(0).normal(size=(samples, 2))
    soundfile.write(context.audio, noise + voice, RATE, subtype="PCM_24")

    def run(heard: Iterable[Word], share: float = 1.0) -> tuple[Context, Sink]:
        here = with_method(context, "spleeter")
        finder = Halves(share * voice)
        record = replace(separate.SEPARATORS.records["spleeter"], open=lambda task: finder)
        monkeypatch.setattr(separate, "chosen", lambda context: (record, None))
        monkeypatch.setattr(separate, "open_recogniser", lambda context: Ears(heard))
        sink = Sink(here)
        items = [separate.Item(separate.VOICE_ITEM), separate.Item(separate.BED_ITEM)]
        separate.run(here, items, sink)
        return here.fresh(PT), sink

    return run


def test_the_bed_goes_under_the_dub_and_is_the_source_elsewhere(separated: Any) -> None:
    here, sink = separated([])
    done = here.store.read(REPORT, Separation)
    assert (done.used, done.listener, done.ducked, done.leaks) == (True, "ears", (), ())
    assert bed_file(here) == here.store.path(BED)
    assert set(sink.done_items) == {"voice", "bed"}
    assert sink.done_items["bed"] == ()
    bed, source = (soundfile.read(file, dtype="int32")[0] for file in (here.store.path(BED), here.audio))
    outside = np.ones(len(source), dtype=bool)
    for start, end in done.spans:
        outside[start:end] = False
    assert outside.any()
    assert np.array_equal(bed[outside], source[outside])
    assert old_voice_db(here, "s0001") is not None
    assert (old_voice_db(here, "s0001") or 0) < -20


def test_a_line_whose_words_are_heard_is_ducked_and_said(separated: Any) -> None:
    first = next(s for s in segments() if len(s.text.split()) >= 3)
    heard = segment_words(first)
    here, sink = separated(heard)
    done = here.store.read(REPORT, Separation)
    assert done.used
    assert {leak.segment for leak in done.leaks} == {first.id}
    assert len(done.ducked) == 1
    assert [(said.code, said.place) for said in sink.done_items["bed"]] == [("separation-not-used", first.id)]
    assert old_voice_db(here, first.id) is None
    middle = round((first.start + first.end) / 2 * RATE)
    here_only = slice(middle, middle + 4800)
    bed, source = (soundfile.read(f)[0][here_only] for f in (here.store.path(BED), here.audio))
    assert np.abs(bed - source * 10 ** (here.settings.mix.duck_db / 20)).max() < 1e-6


def test_a_voice_that_is_only_half_found_is_noticed(separated: Any) -> None:
    here, _ = separated([], share=0.5)
    done = here.store.read(REPORT, Separation)
    assert not done.used
    assert "still heard" in done.reason
    assert bed_file(here) is None
    assert bed_inputs(here) == {}
