"""What is finished in an episode: a run keeps it, and it is never older than the records."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dubkit.chain import summary
from dubkit.chain.summary import SUMMARY_FILE, Summary, keep_summary, last_summary
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.models.store import ModelStore
from dubkit.studio import chain
from dubkit.types import Transcript, Translation


@pytest.fixture
def context(tmp_path: Path) -> Context:
    store = EpisodeStore(tmp_path / "Output/ep")
    return Context(store, Settings(), tmp_path / "ep.mp4", "0" * 64, ModelStore(tmp_path / "models"))


def finish(context: Context, stage: str, error: str = "") -> None:
    context.store.save_record(Record("episode", "k", Parts(stage, 1), error=error))


def test_what_a_run_kept_is_not_collected_again(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(context, "extract")
    keep_summary(chain(), context)

    def fail(_: Context) -> Summary:
        raise AssertionError("collected again")

    monkeypatch.setattr(summary, "summarise", fail)
    assert [(row.stage, row.done) for row in last_summary(chain(), context).stages] == [("extract", 1)]


def test_a_record_of_a_run_that_was_killed_is_seen(context: Context) -> None:
    finish(context, "extract")
    keep_summary(chain(), context)
    time.sleep(0.02)
    finish(context, "shots", "no picture")
    found = last_summary(chain(), context)
    assert [(row.stage, row.done, row.failed) for row in found.stages] == [("extract", 1, 0), ("shots", 0, 1)]
    assert found.degraded == ["shots episode failed: no picture"]


def test_a_summary_of_another_version_is_collected_again(context: Context) -> None:
    finish(context, "extract")
    context.store.write_json(SUMMARY_FILE, {"stages": "other"})
    assert [row.stage for row in last_summary(chain(), context).stages] == ["extract"]


def test_a_language_that_came_by_hand_is_seen(context: Context) -> None:
    finish(context, "extract")
    keep_summary(chain(), context)
    context.store.write_json("transcript.json", Transcript("en", 1.0, (), "test"))
    context.store.write_json("translation.json", Translation("fr", ()), "fr")
    assert [row.tag for row in last_summary(chain(), context).languages] == ["fr"]
