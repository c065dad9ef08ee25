"""Clips by an engine that makes a whole clip in one call: what it is asked for, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dubkit.chain.chain import Chain, Request
from dubkit.chain.run import Outcome, execute
from dubkit.config import Settings, all_settings
from dubkit.engines.engine import ENGINES, ClipMade, ClipOrder, TakeEngine
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore, Parts, Record, canonical, decode_json, pretty
from dubkit.errors import GeneratorError
from dubkit.media.files.probe import probe
from dubkit.media.picture.lossless import read_frames
from dubkit.models.store import ModelStore
from dubkit.progress import Silent, Speeds
from dubkit.review.takes import clips_of, current_take, find_takes, line_takes
from dubkit.settings import option
from dubkit.types import (
    SAMPLE_RATE,
    Clip,
    Clips,
    DubbedClip,
    Fit,
    Line,
    LineRoute,
    Remark,
    Segment,
    SpokenLine,
    Transcript,
    Translation,
    remark,
)
from stages.render import STAGE, on_canvas
from tests.support.clips import write_film

FIT = Fit(64, 32, 3, 0, 57, 32)
CLIP = Clip("c0001", "shot001", 2, 9, 9, 3, 10, ("s0001",), "A prompt.", FIT)


@dataclass(frozen=True, slots=True)
class Paint:
    """Painting over the picture."""

    grey: int = option(77, "What every pixel becomes.")


class Painter:
    """An engine that paints every picture grey and hums; what it was asked for is kept."""

    def __init__(self) -> None:
        self.orders: list[ClipOrder] = []
        self.frames = 9
        self.size: tuple[int, int, int] | None = None
        self.problem = ""
        self.remarks: tuple[Remark, ...] = ()

    def make(self, order: ClipOrder) -> ClipMade:
        self.orders.append(order)
        if self.problem:
            raise GeneratorError(self.problem)
        size = self.size or (order.height, order.width, 3)
        hum = np.full((1, 24_000), 0.25, np.float32)
        return ClipMade(self.pictures(size, order.settings.grey), hum, 24_000, self.remarks)

    def pictures(self, size: tuple[int, int, int], grey: int) -> Iterator[NDArray[np.uint8]]:
        for _ in range(self.frames):
            yield np.full(size, grey, np.uint8)


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def context(tmp_path: Path, painter: Painter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    engine = TakeEngine("paint", "A painter", lambda _: "", settings=Paint, make=painter.make)
    monkeypatch.setitem(ENGINES.records, "paint", engine)
    all_settings.cache_clear()
    film = write_film(tmp_path / "film.mp4", 12)
    store = EpisodeStore(tmp_path / "film")
    episode = probe(film)
    store.write_json("episode.json", episode)
    soundfile.write(store.path("audio.wav"), np.zeros((episode.samples, 1)), SAMPLE_RATE, subtype="PCM_24")
    segment = Segment("s0001", 0.1, 0.4, "spk1", "Hello.")
    store.write_json("transcript.json", Transcript("en", 1.0, (segment,), "test"))
    store.write_json("translation.json", Translation("fr", (Line("s0001", "Salut."),)), "fr")
    routes = (LineRoute("s0001", "lipdub", "a face speaks"),)
    store.write_json("clips.json", Clips("paint", (CLIP,), routes), "fr")
    yield Context(store, Settings(engine="paint"), film, "0" * 64, ModelStore(tmp_path / "models"), "fr")
    all_settings.cache_clear()


def render(context: Context) -> Outcome:
    return execute(Chain((replace(STAGE, needs=()),)), context, Request(("fr",)), Silent(), Speeds())


def test_the_engine_gets_the_clip_and_its_kept_frames_become_a_take(
    context: Context, painter: Painter
) -> None:
    outcome = render(context)
    assert (outcome.ran, outcome.exit_code) == ({"render": 1}, 0)
    (order,) = painter.orders
    assert (order.language, order.texts, order.seed) == ("fr", ("Salut.",), 42)
    assert (order.width, order.height, order.rate) == (128, 64, Fraction(25))
    assert order.sound.shape == (1, round(9 / 25 * SAMPLE_RATE))
    pictures = list(order.pictures())
    assert {picture.shape for picture in pictures} == {(64, 128, 3)}
    assert len(pictures) == 9
    picture = context.take_file("c0001", "picture.mkv", stage="render")
    assert picture is not None
    frames = list(read_frames(picture))
    assert len(frames) == 7  # 3 to 10 of the episode
    assert np.all(np.stack(frames) == 77)
    sound, rate = soundfile.read(picture.with_name("sound.wav"))
    assert (len(sound), rate) == (24_000, 24_000)
    record = context.record("render", "c0001")
    assert record is not None
    assert record.value == {
        **{"id": "c0001", "engine": "paint", "recipe": "paint", "seed": 42, "frames": 7},
        **{"sample_rate": 24_000, "samples": 24_000},
    }
    assert DubbedClip(**record.value).engine == "paint"
    assert render(context).ran == {}


def test_the_review_shows_the_take_of_a_rendered_clip_as_in_use(context: Context) -> None:
    render(context)
    here = context.fresh()
    assert current_take(here, "s0001", clips_of(here, "s0001")) == "c0001/v001"
    (row,) = line_takes(here, "s0001")
    assert (row.take, row.engine, row.in_use) == ("c0001/v001", "paint", True)


def test_what_the_engine_says_of_a_clip_is_said_of_its_take(context: Context, painter: Painter) -> None:
    painter.remarks = (remark("clip-held", "The last picture stands still.", "c0001"),)
    outcome = render(context)
    record = context.record("render", "c0001")
    assert record is not None
    assert record.remarks == painter.remarks
    assert outcome.exit_code == 3


def test_its_own_settings_reach_it_and_make_takes_anew(context: Context, painter: Painter) -> None:
    render(context)
    context.settings = replace(context.settings, tables=(("dub.paint", Paint(grey=12)),))
    assert render(context).ran == {"render": 1}
    assert painter.orders[-1].settings == Paint(12)
    assert render(context).ran == {}


@pytest.mark.parametrize(
    ("frames", "size", "problem", "message"),
    [
        (5, None, "", "paint made too few frames of clip c0001: 9 are needed."),
        (9, (8, 8, 3), "", r"paint made a picture of (8, 8, 3) for clip c0001; (64, 128, 3) is needed."),
        (9, None, "No paint is left.", "No paint is left."),
    ],
)
def test_what_cannot_be_used_is_a_failed_clip_and_no_take(
    context: Context,
    painter: Painter,
    frames: int,
    size: tuple[int, int, int] | None,
    problem: str,
    message: str,
) -> None:
    painter.frames, painter.size, painter.problem = frames, size, problem
    outcome = render(context)
    assert outcome.exit_code == 3
    assert outcome.stages[0].failed == {"c0001": message}
    assert context.take_file("c0001", "picture.mkv", stage="render") is None
    assert context.store.take_folders("c0001", "fr") == []


def test_without_a_picture_there_is_nothing_to_render(context: Context, painter: Painter) -> None:
    context.store.write_json("episode.json", replace(context.episode, video=None))
    assert render(context.fresh()).ran == {}
    assert painter.orders == []


def test_the_canvas_repeats_the_edge_around_the_picture() -> None:
    picture = np.zeros((32, 57, 3), np.uint8)
    picture[:, 0], picture[:, -1] = 10, 200
    canvas = on_canvas(picture, FIT)
    assert canvas.shape == (64, 128, 3)
    assert np.all(canvas[:, :6] == canvas[:, 6:7])
    assert np.all(canvas[:, 120:] == canvas[:, 119:120])
    assert canvas[0, 0, 0] < canvas[0, -1, 0]


def given(context: Context, *, drives: bool = True) -> Context:
    """Say the line, and have its picture follow that."""
    found = ENGINES.records["paint"]
    assert isinstance(found, TakeEngine)
    ENGINES.records["paint"] = replace(found, drives=drives)
    routes = (LineRoute("s0001", "drive", "edited"),)
    context.store.write_json("clips.json", Clips("paint", (CLIP,), routes), "fr")
    folder = context.store.path("takes/s0001/v001", "fr")
    folder.mkdir(parents=True)
    speech = np.linspace(-0.5, 0.5, 4800).astype(np.float32)
    soundfile.write(folder / "speech.wav", speech, SAMPLE_RATE, subtype="PCM_24")
    take = SpokenLine("s0001", "test", "a", round(0.12 * SAMPLE_RATE), 4800, 1.0, "fits")
    files = (context.store.ref("takes/s0001/v001/speech.wav", "fr"),)
    record = Record("s0001", "k", Parts("speak", 2), files, take)
    (folder / "take.json").write_bytes(pretty(record))
    context.store.save_record(record, "fr")
    return context.fresh()


def test_a_driving_engine_is_given_the_speech_in_its_place(context: Context, painter: Painter) -> None:
    context.settings = replace(context.settings, dub=replace(context.settings.dub, drive_bed="none"))
    outcome = render(given(context))
    assert (outcome.ran, outcome.exit_code) == ({"render": 1}, 0)
    (order,) = painter.orders
    assert order.given is not None
    assert order.given.shape == (1, round(9 / 25 * SAMPLE_RATE))
    start = round((0.12 - 2 / 25) * SAMPLE_RATE)
    assert np.abs(order.given[0, start : start + 4800] - np.linspace(-0.5, 0.5, 4800)).max() < 1e-6
    assert not order.given[0, :start].any()
    picture = context.take_file("c0001", "picture.mkv", stage="render")
    assert picture is not None
    sound, rate = soundfile.read(picture.with_name("sound.wav"), dtype="float32")
    assert rate == SAMPLE_RATE, "its own hum is not kept"
    assert np.abs(sound - order.given[0]).max() < 1e-6
    assert render(context.fresh()).ran == {}


@pytest.mark.parametrize(("bed", "level"), [("noise", 10 ** (-50 / 20)), ("bed", 0.5 * 10 ** (-24 / 20))])
def test_a_bed_lies_under_given_speech(context: Context, painter: Painter, bed: str, level: float) -> None:
    soundfile.write(
        context.store.path("audio.wav"),
        np.full((context.episode.samples, 1), 0.5),
        SAMPLE_RATE,
        subtype="PCM_24",
    )
    context.settings = replace(context.settings, dub=replace(context.settings.dub, drive_bed=bed))
    render(given(context))
    order = painter.orders[0]
    assert order.given is not None
    before = order.given[0, : round(0.04 * SAMPLE_RATE)]
    assert np.sqrt(np.mean(np.square(before))) == pytest.approx(level, rel=0.05)


def test_other_speech_or_another_bed_makes_a_driven_clip_again(context: Context, painter: Painter) -> None:
    render(given(context))
    record = context.record("speak", "s0001")
    assert record is not None
    moved = replace(decode_json(canonical(record.value), SpokenLine), start_sample=6000)
    context.store.save_record(replace(record, value=moved), "fr")
    assert render(context.fresh()).ran == {"render": 1}
    context.settings = replace(context.settings, dub=replace(context.settings.dub, drive_bed="noise"))
    assert render(context.fresh()).ran == {"render": 1}


def test_without_its_speech_a_driven_clip_waits(context: Context, painter: Painter) -> None:
    here = given(context)
    here.store.forget("speak", "s0001", "fr")
    assert render(here.fresh()).ran == {}
    assert painter.orders == []


def test_both_kinds_of_takes_of_a_driven_line_are_shown(context: Context) -> None:
    render(given(context))
    here = context.fresh()
    rows = line_takes(here, "s0001")
    assert [(row.take, row.in_use) for row in rows] == [("c0001/v001", True), ("v001", True)]
    assert find_takes(here, "s0001", "v001") == ["s0001/v001"]
