"""What hears the dub is another reading than what transcribes, unless nothing of it is fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.models.store import ModelStore
from dubkit.qc.remarks import listener_remarks
from dubkit.speech.recognisers import whisper
from dubkit.types import EpisodeQc, HeardBy, MixReport, Prompts, Shots
from dubkit.types.models import ResolvedModel
from stages.qc import STAGE
from stages.shared.recogniser import heard_by, hears_otherwise, listener_identity
from tests.review.test_changes import make_episode

OFF = {"timing.fit": False, "timing.schedule": "off"}


class Base(ModelStore):
    """A store with Whisper base alone."""

    def find(self, role: str, name: str = "") -> ResolvedModel | None:
        if role != whisper.ROLE or name not in ("", "auto", "base"):
            return None
        return ResolvedModel(role, "whisper-base", "cache", Path(), "whisper-base-0", "MIT", 1)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return replace(make_episode(tmp_path), models=Base(tmp_path / "models"))


def with_(context: Context, **values: Any) -> Context:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return replace(context, settings=with_settings(context.settings, named))


def test_a_dub_with_everything_off_is_heard_as_it_ever_was(context: Context) -> None:
    off = replace(context, settings=with_settings(context.settings, OFF))
    assert not hears_otherwise(off)
    assert listener_identity(off) == "whisper-base-0"
    assert heard_by(off) is None


@pytest.mark.parametrize("fitted", [{"timing__fit": False}, {"timing__schedule": "off"}, {}])
def test_wherever_something_is_fitted_another_reading_hears_it(
    context: Context, fitted: dict[str, Any]
) -> None:
    here = with_(context, **fitted)
    assert listener_identity(here) == "whisper-base-0, beam 1"
    assert heard_by(here) == HeardBy("whisper-base, beam 1")


def test_the_setting_decides_before_the_switches(context: Context) -> None:
    assert not hears_otherwise(with_(context, qc__listener="same"))
    off = replace(context, settings=with_settings(context.settings, {**OFF, "qc.listener": "other"}))
    assert hears_otherwise(off)


def test_the_measures_follow_what_hears(context: Context) -> None:
    here, language = context, context.language
    here.store.write_json("mix/mix.json", MixReport((), -20.0, -20.0, -1.0, 0.0, False, 1, 2), language)
    here.store.write_json("prompts.json", Prompts(language, ()), language)
    here.store.write_json("shots.json", Shots(()))
    assert STAGE.items(here)[-1].models["asr"] == "whisper-base-0, beam 1"
    assert STAGE.items(with_(here, transcribe__beam=1))[-1].models["asr"] == "whisper-base-0, beam 5"
    assert STAGE.items(with_(here, qc__listener="same"))[-1].models["asr"] == "whisper-base-0"


def test_what_is_missing_is_a_note_and_degrades_nothing() -> None:
    measured = EpisodeQc((), None, None, None, None, 0, 0, 0, 0.0)
    lacking = HeardBy("whisper-base, beam 1", "whisper-tiny.en is missing. Run: pip install it")
    (said,) = listener_remarks(replace(measured, listener=lacking))
    assert said.weight == "note"
    assert "pip install it" in said.sentence
    assert listener_remarks(replace(measured, listener=HeardBy("whisper-tiny.en, beam 5"))) == []
    assert listener_remarks(measured) == []
