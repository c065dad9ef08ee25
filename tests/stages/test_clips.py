"""The stage that plans clips, on a small episode with a generator."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dubkit.config import Settings
from dubkit.engines.engine import ENGINES, EngineChoice, TakeEngine
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.errors import GeneratorError, SettingError
from dubkit.models.store import ModelStore
from dubkit.types import (
    Cast,
    Clips,
    Episode,
    Faces,
    Fit,
    Line,
    Prompt,
    Prompts,
    Remark,
    Segment,
    Shot,
    Shots,
    Speaker,
    SpeakingFace,
    Transcript,
    Translation,
    VideoStream,
    Word,
)
from stages.clips import STAGE

MODULE = sys.modules[STAGE.run.__module__]
RATE = Fraction(24000, 1001)
VIDEO = VideoStream(0, "h264", 1440, 1080, RATE, 500, Fraction(0), 500 / RATE, sample_aspect=Fraction(4, 3))


def segment(number: int, start: float, end: float) -> Segment:
    middle = (start + end) / 2
    words = (Word(start, middle, "Two"), Word(middle, end, "words."))
    return Segment(f"s{number:04d}", start, end, "spk1", "Two words.", words)


SEGMENTS = (segment(1, 1.0, 2.0), segment(2, 2.5, 3.5), segment(3, 4.0, 5.0), segment(4, 10.0, 18.0))


def engine(name: str) -> TakeEngine:
    found = ENGINES.get(name)
    assert found is not None
    return found


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(MODULE, "choose_engine", lambda _: EngineChoice(engine("justdubit"), "asked for"))
    store = EpisodeStore(tmp_path / "Output/ep")
    source = tmp_path / "ep.mp4"
    source.write_bytes(b"x" * 1000)
    store.write_json("episode.json", Episode("ep", "0" * 64, "mp4", VIDEO.end, VIDEO, ()))
    store.write_json("shots.json", Shots((Shot("shot001", 0, 200, 0, 0), Shot("shot002", 200, 500, 0, 0))))
    store.write_json("transcript.json", Transcript("en", 1.0, SEGMENTS, "test"))
    seen = tuple(SpeakingFace(s.id, 0.9, 0.1) for s in SEGMENTS)
    store.write_json("faces.json", Faces("mediapipe", seen))
    lines = tuple(Line(s.id, f"Ligne {s.id}.") for s in SEGMENTS)
    store.write_json("translation.json", Translation("fr", lines), "fr")
    prompts = tuple(Prompt(s.id, f'Ana says: "{s.id}"') for s in SEGMENTS)
    store.write_json("prompts.json", Prompts("fr", prompts), "fr")
    return Context(store, Settings(), source, "0" * 64, ModelStore(tmp_path / "models"), "fr")


class Kept:
    """Keeps what the stage hands over."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.said: list[str] = []

    def write_json(self, relative: str, value: object) -> None:
        self.context.store.write_json(relative, value, self.context.language)

    def done(self, item: str, **result: object) -> None:
        assert (item, result) == ("episode", {"files": ["clips.json"], "remarks": []})

    def say(self, text: str) -> None:
        self.said.append(text)


def run(context: Context) -> tuple[Clips, list[str]]:
    here = context.fresh()
    kept = Kept(here)
    STAGE.run(here, STAGE.items(here), kept)  # type: ignore[arg-type]
    return here.store.read("clips.json", Clips, "fr"), kept.said


def with_dub(context: Context, **values: int | str) -> None:
    context.settings = replace(context.settings, dub=replace(context.settings.dub, **values))  # type: ignore[arg-type]


def ways(found: Clips) -> dict[str, str]:
    return {route.line: route.route for route in found.routes}


def test_lines_become_clips_with_prompts_in_the_sources_aspect(context: Context) -> None:
    found, said = run(context)
    assert ways(found) == dict.fromkeys(("s0001", "s0002", "s0003", "s0004"), "lipdub")
    assert [clip.lines for clip in found.clips] == [("s0001", "s0002", "s0003"), ("s0004",), ("s0004",)]
    assert found.clips[0].prompt == 'Ana says: "s0001" Ana says: "s0002" Ana says: "s0003"'
    assert [clip.follows for clip in found.clips] == ["", "", "c0002"]
    # At 23.976: from the frame on screen at the start to the last one that begins before the end.
    assert (found.clips[0].keep_start, found.clips[0].keep_end) == (23, 120)
    # 1440 x 1080 with pixels of 4:3 is shown as 1920 x 1080.
    assert (found.clips[0].fit.width, found.clips[0].fit.height) == (800, 448)
    assert said == ["clips: 4 of 4 lines are lip-dubbed, in 3 clips"]


def test_long_speech_is_split_between_two_words(context: Context) -> None:
    found, _ = run(context)
    # The words meet at 14 s, which is within frame 335: the next frame opens the second clip.
    assert found.clips[1].keep_end == found.clips[2].keep_start == 336


def test_a_line_spoken_otherwise_parts_its_neighbours(context: Context) -> None:
    context.store.path("edits.json", "fr").write_text('{"lines": {"s0002": {"route": "voice"}}}')
    found, _ = run(context)
    assert [clip.lines for clip in found.clips][:2] == [("s0001",), ("s0003",)]
    assert found.routes[1].reason == "edited"


def test_the_settings_reach_the_clips(context: Context) -> None:
    with_dub(context, max_frames=65, handle_frames=0, size=64)
    found, _ = run(context)
    assert max(clip.frames for clip in found.clips) <= 65
    first = found.clips[0]
    assert (first.fit.width, first.fit.height) == (96, 64)
    assert first.keep_start - first.start_frame == 1
    with_dub(context, max_frames=120)
    with pytest.raises(SettingError, match="use 113 or 121"):
        run(context)


def test_without_faces_every_line_is_spoken(context: Context) -> None:
    context.store.path("faces.json").unlink()
    found, said = run(context)
    assert (found.clips, set(ways(found).values()), said) == ((), {"voice"}, [])
    assert {route.reason for route in found.routes} == {"faces were not looked for"}


def test_the_voice_engine_plans_no_clips(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "choose_engine", lambda _: EngineChoice(engine("voice"), "asked for"))
    context.store.path("shots.json").unlink()
    (item,) = STAGE.items(context)
    found, _ = run(context)
    assert (found.engine, found.clips, set(ways(found).values())) == ("voice", (), {"voice"})
    # What only clips depend on must not plan the voice engine's lines anew.
    with_dub(context, size=64)
    assert STAGE.items(context.fresh()) == [item]
    assert item.settings == ()


def test_a_line_after_the_picture_is_spoken_and_one_over_its_end_is_shortened(context: Context) -> None:
    late = (segment(1, 20.0, 22.0), segment(2, 23.0, 24.0))
    context.store.write_json("transcript.json", Transcript("en", 1.0, late, "test"))
    found, _ = run(context)
    assert [clip.keep_end for clip in found.clips] == [500]
    assert found.routes[0].reason == (
        "a face speaks in 90 % of the line; 1.1 s of the line lie outside the picture"
    )
    assert found.routes[1].route == "voice"
    assert found.routes[1].reason == "no frame of the picture is shown during the line"


def test_a_source_without_picture_has_no_clips_even_by_hand(context: Context) -> None:
    context.store.write_json("episode.json", Episode("ep", "0" * 64, "wav", Fraction(30), None, ()))
    context.store.write_json("shots.json", Shots(()))
    context.store.path("edits.json", "fr").write_text('{"lines": {"s0002": {"route": "lipdub"}}}')
    found, _ = run(context)
    assert found.clips == ()
    assert found.routes[1].route == "voice"
    assert found.routes[1].reason == "the source has no picture"


def test_a_variable_rate_is_read_from_the_source(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [
        Fraction(number, 25 if number < 100 else 50) + (0 if number < 100 else 2) for number in range(500)
    ]
    monkeypatch.setattr("dubkit.media.picture.frames.frame_times", lambda path, index: times)
    variable = replace(VIDEO, variable=True, end=Fraction(12))
    context.store.write_json("episode.json", Episode("ep", "0" * 64, "mp4", Fraction(12), variable, ()))
    found, _ = run(context)
    assert (found.clips[0].keep_start, found.clips[-1].keep_end) == (25, 500)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("edits.json", '{"lines": {"s0002": {"route": "keep"}}}'),
        ("prompts.json", '{"language": "fr", "prompts": []}'),
        ("translation.json", '{"language": "fr", "lines": []}'),
    ],
)
def test_what_the_plan_rests_on_enters_its_key(context: Context, file: str, text: str) -> None:
    before = STAGE.items(context.fresh())
    assert STAGE.items(context.fresh()) == before
    context.store.path(file, "fr").write_text(text)
    assert STAGE.items(context.fresh()) != before


@pytest.mark.parametrize("file", ["shots.json", "faces.json"])
def test_shots_and_faces_enter_the_key(context: Context, file: str) -> None:
    before = STAGE.items(context.fresh())
    empty: Shots | Faces = Shots(()) if file == "shots.json" else Faces("none", ())
    context.store.write_json(file, empty)
    assert STAGE.items(context.fresh()) != before


@pytest.mark.parametrize(("sizes", "limit"), [({"cuda:0": 80, "cuda:1": 24}, 201), ({"cpu": 0}, None)])
def test_clips_are_as_long_as_the_smallest_card_holds(
    monkeypatch: pytest.MonkeyPatch, sizes: dict[str, int], limit: int | None
) -> None:
    import torch

    from stages.shared import generator

    monkeypatch.setattr(generator, "generator_devices", lambda _context: list(sizes))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda card: SimpleNamespace(total_memory=sizes[card] * 10**9)
    )
    assert generator.card_limit(None, Fit(768, 512, 0, 0, 768, 512)) == limit


def test_a_card_that_holds_no_clip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from stages.shared import generator

    monkeypatch.setattr(generator, "generator_devices", lambda _context: ["cuda:0"])
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda card: SimpleNamespace(total_memory=4 * 10**9)
    )
    with pytest.raises(GeneratorError, match=r"cuda:0 has 4 GB, too little for clips of 768x512"):
        generator.card_limit(None, Fit(768, 512, 0, 0, 768, 512))


# --- given speech


def drive(context: Context, *lines: str, **more: str) -> Context:
    cast = Cast("fr", (Speaker("spk1", "Ana", "The woman", True, 200.0, -20.0),))
    context.store.write_json("cast.json", cast, "fr")
    routes = dict.fromkeys(lines, "drive") | more
    edits = {"lines": {line: {"route": route} for line, route in routes.items()}}
    context.store.path("edits.json", "fr").write_text(json.dumps(edits))
    return context


def test_driven_lines_have_clips_of_their_own(context: Context) -> None:
    found, said = run(drive(context, "s0002"))
    assert ways(found)["s0002"] == "drive"
    assert [clip.lines for clip in found.clips][:3] == [("s0001",), ("s0002",), ("s0003",)]
    assert [clip.id for clip in found.clips] == ["c0001", "c5001", "c0002", "c0003", "c0004"]
    assert said == ["clips: 3 of 4 lines are lip-dubbed and 1 of 4 are driven, in 5 clips"]


def test_the_picture_follows_speech_into_the_pause_after_its_line(context: Context) -> None:
    long = Line("s0003", "Une phrase beaucoup plus longue que celle de la source, et de loin.")
    lines = tuple(Line(s.id, "Oui.") if s.id != "s0003" else long for s in SEGMENTS)
    context.store.write_json("translation.json", Translation("fr", lines), "fr")
    found, _ = run(drive(context, "s0001", "s0002", "s0003"))
    ends = {clip.lines[-1]: clip.keep_end for clip in found.clips}
    assert ends["s0003"] > 5.5 * RATE, "the line ends at 5 s in the source"
    assert ends["s0003"] < (10.0 - 0.05) * RATE, "the next one begins at 10 s"
    short, _ = run(drive(context, "s0001", "s0002"))
    assert {clip.lines[-1]: clip.keep_end for clip in short.clips}["s0002"] == 84


def test_all_lines_are_driven_by_a_setting_that_is_in_the_key_only_then(context: Context) -> None:
    (before,) = STAGE.items(context)
    assert before.settings == STAGE.depends
    with_dub(drive(context), lips="driven")
    (item,) = STAGE.items(context.fresh())
    assert item.settings == (*STAGE.depends, "dub.lips")
    found, _ = run(context)
    assert set(ways(found).values()) == {"drive"}


def test_what_cannot_be_driven_is_a_remark(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Remark] = []

    class Noting(Kept):
        def done(self, item: str, **result: Any) -> None:
            noted.extend(result["remarks"])

    monkeypatch.setattr(sys.modules[__name__], "Kept", Noting)
    context.store.write_json("faces.json", Faces("mediapipe", ()))
    found, _ = run(drive(context, "s0002"))
    assert ways(found)["s0002"] == "voice"
    assert [(one.code, one.place, one.sentence) for one in noted] == [
        ("not-driven", "s0002", "It is not driven: edited to drive, but there is no face in the line.")
    ]
    noted.clear()
    monkeypatch.setattr(MODULE, "choose_engine", lambda _: EngineChoice(engine("voice"), "asked for"))
    with_dub(drive(context), lips="driven")
    run(context)
    assert [(one.code, one.place) for one in noted] == [("not-driven", "")]
