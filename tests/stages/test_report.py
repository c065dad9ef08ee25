"""The report reads every stage that took part, those of other packages too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stages
from dubkit import registry
from dubkit.chain.stage import EPISODE, Stage
from dubkit.episode.context import Context
from dubkit.episode.store import Parts, Record
from dubkit.progress import Silent
from dubkit.review.changes import Desk
from dubkit.studio import renew
from stages.shared.report import models_used, remarks, renew_report, said_before, shown
from tests.review.test_changes import PT, make_episode
from tests.test_registry import install

CLEANING = """
from dubkit.chain.stage import Stage

STAGE = Stage(name="clean", version=1, scope="language", items=lambda context: [], run=None, needs=("speak",))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    install(folder, "dubkit_clean", CLEANING, "clean = dubkit_clean:STAGE", group="dubkit.stages")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(registry, "_entry_points_by_group", registry._entry_points_by_group.__wrapped__)
    stages.STAGES.__dict__.pop("_read", None)
    stages.chain.cache_clear()
    yield
    stages.STAGES.__dict__.pop("_read", None)
    stages.chain.cache_clear()
    sys.modules.pop("dubkit_clean", None)


def record(stage: str, **fields: object) -> Record:
    parts = Parts(stage, 1, models={"cleaner": "brush-1"})
    return Record("s0001", "key", parts, **fields)  # type: ignore[arg-type]


@pytest.mark.usefixtures("package")
def test_no_stage_is_missing_in_the_report(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    for stage in stages.STAGES:
        context.store.save_record(record(stage.name, degraded=("was done by hand",)), PT)
    told = [one.stage for one in remarks(context)]
    names = stages.chain().names
    assert names.index("clean") == names.index("speak") + 1
    before = [s.name for s in stages.chain().taking_part(context) if names.index(s.name) < names.index("qc")]
    assert told == before
    assert {"extract", "prompt", "clips", "speak", "clean", "stitch"} <= set(told)
    assert ("cleaner", "brush-1") in [(used.role, used.name) for used in models_used(context)]


@pytest.mark.usefixtures("package")
def test_what_failed_is_named_and_another_engines_stages_are_left_out(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    context.store.save_record(record("clean", error="no water\nat all"), PT)
    context.store.save_record(record("denoise", error="of the generator"), PT)
    assert [(one.stage, one.sentence) for one in remarks(context)] == [("clean", "Clean failed: no water")]


def test_a_stage_after_the_report_is_in_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = make_episode(tmp_path)
    written: list[str] = []
    monkeypatch.setattr("stages.shared.report.write_report", lambda here: written.append(here.language))
    late = Stage("late", 1, "language", lambda _: [], lambda *_: None, needs=("qc",))
    monkeypatch.setattr(stages.Registry, "others", property(lambda _: (late,)))
    stages.chain.cache_clear()
    try:
        last = stages.chain().stages[-1]
        context.store.save_record(record("late", degraded=("was too late",)), PT)
        assert [(one.stage, one.sentence) for one in remarks(context)] == [("late", "was too late")]
        assert said_before(context) == []  # what qc was made from stays what it was
        assert last.after is not None
        last.after(context, (PT,), Silent())
        assert written == []  # nothing is measured yet
        context.store.write_bytes("qc.json", b"{}", PT)
        last.after(context, (PT,), Silent())
        assert written == [PT]
    finally:
        stages.chain.cache_clear()


def test_the_report_is_written_again_when_somebody_decides_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make_episode(tmp_path)
    store, written = context.store, []

    def write(here: Context) -> None:
        written.append(sorted(line for line, edit in here.placed.lines.items() if edit.accepted))
        store.write_bytes("report.html", f"page {len(written)} of {'x' * len(written)}".encode(), PT)

    monkeypatch.setattr("stages.shared.report.write_report", write)
    store.write_bytes("qc.json", b"{}", PT)
    store.write_bytes("report.html", b"page", PT)
    made = Record(EPISODE, "k", Parts("qc", 1), (store.ref("report.html", PT),), shown(context))
    store.save_record(made, PT)
    renew_report(context)
    assert written == []  # nothing was decided
    Desk(context.fresh(), "ana").accept(["s0004"])
    renew(context.fresh())
    assert written == [["s0004"]]
    kept = store.record("qc", EPISODE, PT)
    assert kept is not None
    assert store.whole(kept.files)  # so that the next run does not take it for damaged
    assert kept.key == "k"
    renew(context.fresh())
    renew_report(context.fresh())
    assert len(written) == 1


def test_a_report_of_an_earlier_version_stays_until_somebody_decides_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, written = make_episode(tmp_path), []
    store = context.store
    monkeypatch.setattr("stages.shared.report.write_report", lambda here: written.append(here.language))
    store.write_bytes("report.html", b"page", PT)
    store.save_record(Record(EPISODE, "k", Parts("qc", 1), (store.ref("report.html", PT),)), PT)
    renew_report(context)
    assert written == []
    Desk(context.fresh(), "ana").accept(["s0004"])
    renew_report(context.fresh())
    assert written == [PT]
