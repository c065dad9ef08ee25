"""How lines are said: planned from the source's voice or text, typed by a person, and done to the speech."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.progress import Silent
from dubkit.speech.pitch import median_pitch
from dubkit.types import ASR_RATE, SAMPLE_RATE
from dubkit.types.voices import Delivery, LinePlan
from dubkit.voice.engine import ENGINES
from stages.express import STAGE
from stages.shared.deliveries import delivery_of, delivery_remarks, performed, wished_energy, wished_pace
from stages.shared.performance import performance_inputs
from tests.review.test_changes import PT, make_episode, segments


def tone(hertz: float, seconds: float, level: float, rate: int = ASR_RATE) -> np.ndarray:
    """A voice-like sound of a median pitch that rises by two semitones."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** ((time / seconds - 0.5) / 6)) / rate
    return (level * sum(np.sin(n * phase) / n for n in range(1, 12))).astype(np.float32)


def make(folder: Path, *, noise: float = 1e-4, **express: Any) -> Context:
    """Return an episode whose second line is said higher and louder than the others of its speaker."""
    folder.mkdir(exist_ok=True)
    context = make_episode(folder)
    audio = np.random.default_rng(0).normal(0, noise, 14 * ASR_RATE).astype(np.float32)
    for number, segment in enumerate(segments()):
        first, last = int(segment.start * ASR_RATE), int(segment.end * ASR_RATE)
        sound = tone(
            151.0 if number == 1 else 120.0, segment.end - segment.start, 0.1 if number == 1 else 0.05
        )
        audio[first:last] += sound[: last - first]
    sf.write(context.speech, audio, ASR_RATE)
    one = tuple(replace(s, speaker="spk1") for s in segments())
    context.store.write_json("transcript.json", replace(context.transcript, segments=one))
    changes = {f"express.{name}": value for name, value in express.items()}
    return replace(context, settings=with_settings(context.settings, changes)).fresh(PT)


def planned(context: Context) -> dict[str, LinePlan]:
    """Run the stage as the chain does, and read what it wrote."""
    todo = find_todo(STAGE, context, STAGE.items(context), False)
    sink = StoreSink(context, {t.item.id: t.parts for t in todo}, Silent(), PT)
    STAGE.run(context, [t.item for t in todo], sink)
    return {line.id: line for line in context.fresh(PT).expression.lines}


def typed(context: Context, line: str, words: str) -> Context:
    edits = {"lines": {line: {"delivery": words}}}
    context.store.path("edits.json", PT).write_text(json.dumps(edits))
    return context.fresh(PT)


def of(context: Context, number: int) -> Any:
    return context.lines[number]


def test_a_line_that_is_higher_and_louder_in_the_source_is_so_in_the_plan(tmp_path: Path) -> None:
    ids = [segment.id for segment in segments()]
    plan = planned(make(tmp_path, mode="source-audio", strength=0.5))[ids[1]]
    assert plan.basis == "sound"
    assert plan.delivery.pitch == pytest.approx(2.0, abs=0.2)
    assert plan.delivery.energy == pytest.approx(3.0, abs=0.3)
    none = planned(make(tmp_path / "none", mode="source-audio", strength=0.0))
    assert all(not p.delivery.pitch and not p.delivery.energy for p in none.values())


def test_where_the_source_is_not_clean_auto_reads_the_text(tmp_path: Path) -> None:
    assert planned(make(tmp_path / "clean", mode="auto"))[segments()[1].id].basis == "sound"
    noisy = make(tmp_path / "noisy", mode="auto", noise=0.1)
    assert all(plan.basis == "text" for plan in planned(noisy).values())


def test_words_in_brackets_decide_where_they_are_asked_for(tmp_path: Path) -> None:
    context = make(tmp_path, mode="source-audio", emotion="tags")
    whispered = replace(context.transcript.segments[1], text="[whispering] Come here.")
    told = tuple(whispered if s.id == whispered.id else s for s in context.transcript.segments)
    context.store.write_json("transcript.json", replace(context.transcript, segments=told))
    plan = planned(context.fresh(PT))[whispered.id]
    assert (plan.basis, plan.delivery.words) == ("tags", "whispering")
    assert plan.delivery.energy < 0


def test_a_record_of_every_line_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    context = make(tmp_path, mode="text-only", debug=True)
    planned(context)
    written = sorted(path.stem for path in context.store.path("expressive/plans", PT).iterdir())
    assert written == sorted(line.id for _, line in context.lines if line.text and line.route != "keep")


def test_what_is_typed_goes_before_the_plan_and_counts_without_one(tmp_path: Path) -> None:
    context = make(tmp_path, mode="source-audio")
    planned(context)
    line = segments()[1].id
    wished = typed(context, line, "sad, very slowly")
    delivery = delivery_of(wished, *of(wished, 1))
    assert delivery is not None
    assert delivery.words == "sad, very slowly"
    assert delivery.pitch < 0
    off = replace(wished, settings=with_settings(wished.settings, {"express.mode": "off"})).fresh(PT)
    assert delivery_of(off, *of(off, 1)) == delivery
    assert delivery_of(off, *of(off, 0)) is None
    assert wished_pace(off, *of(off, 1)) == delivery.pace < 1
    assert wished_energy(off, of(off, 1)[1]) == delivery.energy < 0


def test_a_plan_adds_no_level_in_the_mix_because_the_mix_follows_the_source(tmp_path: Path) -> None:
    context = make(tmp_path, mode="source-audio")
    assert planned(context)[segments()[1].id].delivery.energy > 0
    assert wished_energy(context.fresh(PT), of(context, 1)[1]) == 0.0


def test_a_typed_delivery_changes_the_key_of_its_line_alone(tmp_path: Path) -> None:
    context = make(tmp_path, mode="off")
    wished = typed(context, segments()[1].id, "in a whisper")
    inputs = [performance_inputs(wished, *pair) for pair in wished.lines[:3]]
    assert [bool(one) for one in inputs] == [False, True, False]


@pytest.mark.parametrize("words", ["like a pirate", "com raiva"])
def test_words_that_nothing_here_can_follow_are_said(tmp_path: Path, words: str) -> None:
    engine = ENGINES.records["espeak"]
    wished = typed(make(tmp_path, mode="off"), segments()[1].id, words)
    (remark,) = delivery_remarks(wished, of(wished, 1)[1], engine)
    assert remark.code == "delivery-unheeded"
    assert words in remark.sentence
    assert not delivery_remarks(wished, of(wished, 0)[1], engine)
    assert not delivery_remarks(wished, of(wished, 1)[1], replace(engine, abilities=("style",)))


def test_speech_gets_the_pitch_of_its_delivery_and_keeps_its_length(tmp_path: Path) -> None:
    wished = typed(make(tmp_path, mode="off"), segments()[1].id, "in a deep voice")
    before = tone(150.0, 1.5, 0.1, SAMPLE_RATE)
    after = performed(wished, *of(wished, 1), before)
    assert len(after) == len(before)
    low, high = (median_pitch(sound[::3].copy(), [(0, 1.5)]) for sound in (after, before))
    assert 12 * np.log2(low / high) == pytest.approx(-2.0, abs=0.3)
    assert np.array_equal(performed(wished, *of(wished, 0), before), before)


def test_plain_lines_have_no_plan(tmp_path: Path) -> None:
    context = make(tmp_path, mode="text-only")
    plain = {line.id for _, line in context.lines if line.text.endswith(".")}
    assert all(p.delivery != Delivery() and p.id not in plain for p in planned(context).values())
