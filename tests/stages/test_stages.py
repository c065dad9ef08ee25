"""Decisions of single stages, on small artifacts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dubkit.chain.estimate import estimate
from dubkit.chain.plan import StagePlan
from dubkit.chain.sink import StoreSink
from dubkit.chain.stage import Item
from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.export import export
from dubkit.episode.store import EpisodeStore, Parts
from dubkit.errors import ArtifactDamaged, MediaError
from dubkit.models.store import ModelStore
from dubkit.progress import Silent
from dubkit.series.place import find_series
from dubkit.studio import chain
from dubkit.types import (
    AudioStream,
    Cast,
    Clips,
    Diarization,
    Episode,
    Line,
    Remark,
    Schedule,
    ScheduledLine,
    Segment,
    Slot,
    Speaker,
    Transcript,
    Translation,
    Turn,
    VideoStream,
)
from dubkit.voice.engine import VoiceChoice
from dubkit.voice.engines.espeak import ENGINE as ESPEAK
from stages.cast import STAGE as CAST
from stages.extract import STAGE as EXTRACT
from stages.prompt import STAGE as PROMPT
from stages.shared.dubbed_lines import dubbed_lines, lines_without_speech
from stages.shared.slots import BREATH, slots
from stages.shared.voices import voice_of
from stages.speak import STAGE as SPEAK
from stages.speak import run as speak_lines
from stages.translate import STAGE as TRANSLATE


def segment(number: int, start: float, end: float, speaker: str = "spk1", text: str = "Hi.") -> Segment:
    return Segment(f"s{number:04d}", start, end, speaker, text)


# --- slots ------------------------------------------------------------------------------------


def test_a_line_may_borrow_the_pause_but_not_the_next_line() -> None:
    rooms = slots([segment(1, 1.0, 2.0), segment(2, 3.0, 4.0)], 240_000)
    assert rooms["s0001"] == Slot(48_000, 96_000, 144_000 - BREATH)
    assert rooms["s0002"] == Slot(144_000, 192_000, 240_000)


def test_lines_without_a_pause_keep_their_own_time() -> None:
    rooms = slots([segment(1, 1.0, 2.0), segment(2, 2.01, 3.0)], 240_000)
    assert rooms["s0001"].limit_sample == 96_000


def test_overlapping_speakers_each_keep_their_own_time() -> None:
    rooms = slots([segment(1, 1.0, 3.0), segment(2, 2.0, 4.0, "spk2")], 240_000)
    assert rooms["s0001"].limit_sample == 144_000
    assert rooms["s0002"].start_sample == 96_000


def test_no_slot_passes_the_end_of_the_episode() -> None:
    rooms = slots([segment(1, 4.5, 6.0)], 240_000)
    assert rooms["s0001"] == Slot(216_000, 240_000, 240_000)


# --- an episode of two lines ------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> Context:
    store = EpisodeStore(tmp_path / "Output/ep")
    source = tmp_path / "ep.mp4"
    source.write_bytes(b"x" * 1000)
    track = AudioStream(0, 1, "aac", 48000, 2, "stereo")
    episode = Episode("ep", "0" * 64, "mp4", 5, None, (track,), (), 1, 2, 240_000)  # type: ignore[arg-type]
    segments = (segment(1, 1.0, 2.0, text="Say “hi” …"), segment(2, 3.0, 4.0, "spk2", "Go."))
    store.write_json("episode.json", episode)
    turns = (Turn(1.0, 2.0, "spk1"), Turn(3.0, 4.0, "spk2"))
    store.write_json("diarization.json", Diarization(turns, "import", {}))
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    lines = (Line("s0001", "Dis « salut » …"), Line("s0002", "", flags=("untranslated", "refused")))
    store.write_json("translation.json", Translation("fr", lines), "fr")
    speakers = (
        Speaker("spk1", "Ana", "The young woman", False, 200.0, -20.0, "a"),
        Speaker("spk2", "Bo", "The man", True, 100.0, -20.0, "b"),
    )
    store.write_json("cast.json", Cast("fr", speakers), "fr")
    return Context(store, Settings(), source, "0" * 64, ModelStore(tmp_path / "models"), "fr")


@pytest.mark.parametrize(
    ("turns", "silent"),
    [
        ((), {"s0001", "s0002"}),
        ((Turn(1.2, 1.9, "spk1"),), {"s0002"}),
        ((Turn(0.0, 1.05, "spk1"), Turn(3.5, 9.0, "spk1")), {"s0001"}),
    ],
)
def test_lines_over_noise_are_those_in_which_nobody_was_heard(
    context: Context, turns: tuple[Turn, ...], silent: set[str]
) -> None:
    context.store.write_json("diarization.json", Diarization(turns, "single", {}))
    assert lines_without_speech(context.fresh()) == silent


class Kept:
    """Keeps what a stage hands over."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.finished: list[str] = []

    def write_json(self, relative: str, value: object) -> None:
        self.context.store.write_json(relative, value, self.context.language)

    def done(self, item: str, **result: object) -> None:
        self.finished.append(item)

    def say(self, text: str) -> None:
        pass


def test_a_line_that_was_not_translated_is_not_spoken(context: Context) -> None:
    assert [line.id for _, line in dubbed_lines(context)] == ["s0001"]


def test_the_prompt_keeps_quotes_and_ellipses_and_leaves_out_empty_lines(context: Context) -> None:
    PROMPT.run(context, PROMPT.items(context), Kept(context))  # type: ignore[arg-type]
    (prompt,) = context.fresh().prompts.prompts
    assert prompt.text == 'The young woman is speaking French, saying: "Dis « salut » …"'


def edit(context: Context, text: str, language: str = "fr") -> Context:
    context.store.path("edits.json", language).write_text(text)
    return context.fresh()


def test_a_voice_can_be_chosen_for_a_single_line(context: Context) -> None:
    first = context.segments[0]
    assert voice_of(context, first) == "a"
    changed = edit(context, '{"lines": {"s0001": {"voice": "c"}}}')
    assert voice_of(changed, first) == "c"


def test_an_edit_of_what_was_heard_is_translated_again_and_names_the_reason(context: Context) -> None:
    plain = replace(context.settings, translate=replace(context.settings.translate, provider="none"))
    context.settings = plain
    before = {item.id: item for item in TRANSLATE.items(context)}
    after = {
        i.id: i for i in TRANSLATE.items(edit(context, '{"segments": {"s0002": {"text": "Stay."}}}', ""))
    }
    assert after["s0001"] == before["s0001"]
    assert after["s0002"].edits == {"text": "Stay."}
    assert after["s0002"].inputs == before["s0002"].inputs


def test_an_endpoint_sees_the_neighbours_so_they_enter_the_key(context: Context) -> None:
    context.settings = replace(
        context.settings,
        translate=replace(context.settings.translate, base_url="http://127.0.0.1:9/v1", api_key="k"),
    )
    before = {item.id: item for item in TRANSLATE.items(context)}
    after = {
        i.id: i for i in TRANSLATE.items(edit(context, '{"segments": {"s0002": {"text": "Stay."}}}', ""))
    }
    assert after["s0001"].inputs != before["s0001"].inputs


@pytest.mark.parametrize(
    ("text", "place"),
    [("[spk1]\nvoise = 'x'\n", "spk1.voise"), ("spk1 = 'Ana'\n", "spk1"), ("[spk1\n", "")],
)
def test_a_broken_cast_file_is_refused_with_its_place(context: Context, text: str, place: str) -> None:
    context.source.with_name("cast.toml").write_text(text)
    with pytest.raises(ArtifactDamaged, match=rf"cast\.toml.*{place}"):
        CAST.items(context)


def test_a_cast_file_that_is_named_must_be_there(context: Context) -> None:
    context.settings = replace(context.settings, cast=replace(context.settings.cast, file="nowhere.toml"))
    with pytest.raises(ArtifactDamaged, match=r"nowhere\.toml"):
        CAST.items(context)


# --- exports and estimates --------------------------------------------------------------------


def test_exports_hold_edits_and_come_back_as_imports(context: Context, tmp_path: Path) -> None:
    from dubkit.formats.reading import read_cues

    edit(context, '{"lines": {"s0002": {"text": "Va, \\"vite\\"."}}}')
    for kind in ("csv", "json", "srt", "vtt"):
        file = tmp_path / f"lines.{kind}"
        file.write_bytes(export(context, "fr", kind))
        cues = read_cues(file)
        assert [cue.text for cue in cues] == ["Dis « salut » …", 'Va, "vite".'], kind
        assert [(cue.start, cue.end) for cue in cues] == [(1.0, 2.0), (3.0, 4.0)]
    assert export(context, "", "rttm").decode().splitlines()[1].split()[3:5] == ["3.000", "1.000"]
    assert "Say “hi” …" in export(context, "", "srt").decode()


def test_an_estimate_counts_disk_and_the_tokens_of_a_language_model(context: Context) -> None:
    plans = [
        StagePlan("translate", "fr", 2, {"s0001": "missing", "s0002": "missing"}),
        StagePlan("mix", "fr", 1, {"episode": "missing"}),
    ]
    needs = estimate(chain(), context, plans)
    assert needs is not None
    assert needs.disk == 240_000 * 2 * 3
    assert needs.tokens == (0, 0)
    wanted = replace(context.settings.translate, base_url="http://127.0.0.1:9/v1")
    context.settings = replace(context.settings, translate=wanted)
    asked = estimate(chain(), context, plans)
    assert asked is not None
    assert 350 < asked.tokens[0] <= asked.tokens[1] < 400
    assert estimate(chain(), context, [StagePlan("mix", "fr", 1, {})]) == type(needs)(0)


def test_a_speakers_voice_in_one_language_leaves_its_shared_name_in_the_key(context: Context) -> None:
    (context.store.root / "edits.json").write_text('{"speakers": {"spk1": {"name": "Maria"}}}')
    (context.store.root / "fr/edits.json").write_text('{"speakers": {"spk1": {"voice": "b"}}}')
    (item,) = CAST.items(context.fresh())
    assert item.edits == {"spk1.name": "Maria", "spk1.voice": "b"}


# --- before any work --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "hidden", "container", "said"),
    [
        ("vp8", 0, "mp4", "its vp8 picture cannot go into an mp4 file"),
        ("h264", 39, "mkv", "an edit list hides its first 39 frames"),
        ("h264", 39, "auto", ""),
        ("vp8", 0, "auto", ""),
    ],
)
def test_a_container_that_cannot_hold_the_picture_is_refused_when_the_source_is_read(
    context: Context, monkeypatch: pytest.MonkeyPatch, codec: str, hidden: int, container: str, said: str
) -> None:
    from dubkit.media.files import decode, probe

    video = VideoStream(
        0, codec, 64, 48, Fraction(25), 125, Fraction(0), Fraction(5), pixel_format="yuv420p", hidden=hidden
    )
    episode = replace(context.episode, video=video)
    reached: list[str] = []
    monkeypatch.setattr(probe, "probe", lambda *_, **__: episode)

    def decoded(*_: object) -> list[Remark]:
        reached.append("decoded")
        raise ArtifactDamaged(Path("audio.wav"), "", "far enough for this test", "")

    monkeypatch.setattr(decode, "decode_audio", decoded)
    context.settings = with_settings(Settings(), {"stitch.container": container})
    sink = StoreSink(context, {}, Silent(), "")
    with pytest.raises(MediaError if said else ArtifactDamaged) as refusal:
        EXTRACT.run(context, [], sink)
    assert bool(reached) == (not said)
    assert said in str(refusal.value)


@pytest.mark.parametrize("schedule", ["on", "off"])
@pytest.mark.parametrize(
    "error", [IndexError("list index out of range"), RuntimeError("bad shape"), KeyError("x")]
)
def test_a_line_on_which_the_voice_engine_breaks_fails_and_the_others_are_spoken(
    context: Context, monkeypatch: pytest.MonkeyPatch, error: Exception, schedule: str
) -> None:
    class Breaking:
        rate = 48_000

        def speak(self, text: str, **_: object) -> np.ndarray:
            if "Pars" in text:
                raise error
            return np.sin(np.arange(24_000) / 20).astype(np.float32) / 4

    lines = (Line("s0001", "Pars."), Line("s0002", "Salut."))
    context.store.write_json("translation.json", Translation("fr", lines), "fr")
    context.store.write_json("clips.json", Clips("fr", (), ()), "fr")
    times = tuple(
        ScheduledLine(line.id, 1000 * n, 600, 500, 1000 * n, 1000 * n + 600, "s0001")
        for n, line in enumerate(lines)
    )
    context.store.write_json("schedule.json", Schedule("fr", "by hand", times), "fr")
    monkeypatch.setattr("stages.speak.open_voice", lambda *_: Breaking())
    for module in ("stages.speak", "stages.shared.voices"):
        monkeypatch.setattr(f"{module}.choose_voice", lambda _: VoiceChoice(ESPEAK, "a test"))
    monkeypatch.setattr("stages.speak.voice_of", lambda *_: "")
    context.settings = with_settings(context.settings, {"timing.schedule": schedule})
    here = context.fresh()
    due = {name: Parts("speak", 1) for name in ("s0001", "s0002")}
    sink = StoreSink(here, due, Silent(), "fr")
    speak_lines(here, [Item(name) for name in due], sink)
    broken, spoken = (here.store.record("speak", name, "fr") for name in due)
    assert broken is not None
    assert broken.error.startswith(f"s0001 failed with {type(error).__name__}")
    assert spoken is not None
    assert not spoken.error
    assert here.take_file("s0002") is not None


@pytest.mark.parametrize("schedule", ["on", "off"])
def test_a_voice_is_given_words_as_their_series_says_them_and_the_line_keeps_its_text(
    context: Context, monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    given: list[str] = []

    class Listening:
        rate = 48_000

        def speak(self, text: str, **_: object) -> np.ndarray:
            given.append(text)
            return np.sin(np.arange(24_000) / 20).astype(np.float32) / 4

    lines = (Line("s0001", "Xibalba !"), Line("s0002", "Salut."))
    context.store.write_json("translation.json", Translation("fr", lines), "fr")
    context.store.write_json("clips.json", Clips("fr", (), ()), "fr")
    times = tuple(
        ScheduledLine(line.id, 1000 * n, 600, 500, 1000 * n, 1000 * n + 600, "s0001")
        for n, line in enumerate(lines)
    )
    context.store.write_json("schedule.json", Schedule("fr", "by hand", times), "fr")
    monkeypatch.setattr("stages.speak.open_voice", lambda *_: Listening())
    for module in ("stages.speak", "stages.shared.voices", "stages.shared.performance"):
        monkeypatch.setattr(f"{module}.choose_voice", lambda _: VoiceChoice(ESPEAK, "a test"))
    context.settings = with_settings(context.settings, {"timing.schedule": schedule})
    plain = {item.id: item.inputs for item in SPEAK.items(context)}
    file = context.source.with_name("series.toml")
    file.write_text('[[pronunciations]]\nword = "Xibalba"\nsay = "Chibalba"\n', "utf-8")
    here = replace(context.fresh(), series=find_series(context.source))
    items = SPEAK.items(here)
    assert [item.inputs.keys() - plain[item.id].keys() for item in items] == [
        {"pronunciation/Xibalba"},
        set(),
    ]
    sink = StoreSink(here, {item.id: Parts("speak", 1) for item in items}, Silent(), "fr")
    speak_lines(here, items, sink)
    assert {text.rstrip(" .!") for text in given} == {"Chibalba", "Salut"}
    assert here.spoken_line("s0001").text == "Xibalba !"
