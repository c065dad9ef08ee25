"""What is finished in an episode: a run keeps it, and it is never older than the records."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from dubkit import __version__, studio
from dubkit.chain import summary
from dubkit.chain.chain import Chain, Request
from dubkit.chain.run import Outcome
from dubkit.chain.summary import SUMMARY_FILE, Summary, is_current, keep_summary, last_summary, summarise
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.line_states import Counts, line_states
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.models.store import ModelStore
from dubkit.progress import Silent
from dubkit.review.lines import review_lines
from dubkit.studio import chain, open_session
from dubkit.types import Line, LineQc, Segment, SpokenLine, Transcript, Translation
from tests.qc.test_report_page import MEASURED


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
    assert found.degraded == ["Finding shots failed: no picture"]


def test_a_summary_of_another_version_is_collected_again(context: Context) -> None:
    finish(context, "extract")
    context.store.write_json(SUMMARY_FILE, {"stages": "other"})
    assert [row.stage for row in last_summary(chain(), context).stages] == ["extract"]
    kept = keep_summary(chain(), context)
    assert kept.made_by == __version__
    time_of = context.store.path(SUMMARY_FILE).stat().st_mtime_ns
    context.store.write_json(SUMMARY_FILE, replace(kept, made_by="0.0.1", stages=[]))
    os.utime(context.store.path(SUMMARY_FILE), ns=(time_of, time_of))
    assert is_current(context.store)
    assert [row.stage for row in last_summary(chain(), context).stages] == ["extract"]


def test_a_language_that_came_by_hand_is_seen(context: Context) -> None:
    finish(context, "extract")
    keep_summary(chain(), context)
    context.store.write_json("transcript.json", Transcript("en", 1.0, (), "test"))
    context.store.write_json("translation.json", Translation("fr", ()), "fr")
    assert [row.tag for row in last_summary(chain(), context).languages] == ["fr"]


def test_a_run_that_finds_nothing_to_do_renews_a_summary_that_a_kill_left_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "ep.mp4"
    source.write_bytes(b"media")
    session = open_session(Settings(), tmp_path / "Output")
    monkeypatch.setattr(studio, "execute", lambda _, context, *__: Outcome(context.store))
    store = studio.dub(session, source, Request(("fr",)), Silent()).store
    assert is_current(store)
    time.sleep(0.02)
    store.save_record(Record("episode", "k", Parts("shots", 1)))  # the run that made it was killed
    assert not is_current(store)
    studio.dub(session, source, Request(("fr",)), Silent())
    assert is_current(store)
    assert [row.stage for row in store.read(SUMMARY_FILE, Summary).stages] == ["shots"]
    written = store.path(SUMMARY_FILE).stat().st_mtime_ns
    studio.dub(session, source, Request(("fr",)), Silent())
    assert store.path(SUMMARY_FILE).stat().st_mtime_ns == written  # and not again when nothing changed


def test_a_summary_that_was_asked_for_is_kept_and_a_change_meanwhile_is_newer(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(context, "extract")
    collect = summary.summarise

    def slow(asked: Chain, here: Context) -> Summary:
        found = collect(asked, here)
        time.sleep(0.02)
        finish(context, "shots", "no picture")  # by a run, while this one reads
        return found

    monkeypatch.setattr(summary, "summarise", slow)
    assert [row.stage for row in last_summary(chain(), context).stages] == ["extract"]
    assert not is_current(context.store)
    monkeypatch.setattr(summary, "summarise", collect)
    assert [row.stage for row in last_summary(chain(), context).stages] == ["extract", "shots"]
    assert is_current(context.store)
    assert last_summary(chain(), context).folder == str(context.store.root)
    assert str(context.store.root) not in context.store.path(SUMMARY_FILE).read_text()  # it may be moved


def test_a_folder_that_can_only_be_read_has_a_summary(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(context, "extract")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(EpisodeStore, "writing", refuse)
    assert [row.stage for row in last_summary(chain(), context).stages] == ["extract"]
    assert not context.store.path(SUMMARY_FILE).exists()


# --- one truth about what needs a look


LINES = tuple(Line(f"s{n:04d}", f"Linha {n}") for n in range(1, 7))
FRENCH = "fr"


@pytest.fixture
def reviewed(context: Context) -> Context:
    """Six lines: 1 fine, 2 flagged, 3 failed and never measured, 4 flagged and accepted, 5 locked, 6 moved
    under its lock.
    """
    store, here = context.store, context.fresh(FRENCH)
    segments = tuple(Segment(f"s{n:04d}", float(n), n + 0.9, "spk1", f"Line {n}") for n in range(1, 7))
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    store.write_json("translation.json", Translation(FRENCH, LINES), FRENCH)
    for line in LINES:
        spoken = SpokenLine(line.id, "espeak", "v", 0, 100, 1.0, "fits", (), text=line.text)
        failed = line.id == "s0003"
        record = Record(line.id, "k", Parts("speak", 1), value=None if failed else spoken)
        store.save_record(replace(record, error="There is no voice 'Maria'.") if failed else record, FRENCH)
    flags = {"s0002": ("rushed",), "s0004": ("cut", "words")}
    measured = tuple(
        LineQc(line.id, "", None, 0.0, None, flags.get(line.id, ())) for line in LINES if line.id != "s0003"
    )
    store.write_json("qc.json", replace(MEASURED, lines=measured, flags=("drift",)), FRENCH)
    store.save_record(Record("episode", "k", Parts("qc", 1)), FRENCH)
    locks = {"s0005": "Line 5", "s0006": "Line six"}
    edits = {"s0004": {"accepted": True}} | {
        name: {
            "lock": {
                "text": f"Linha {name[-1]}",
                "route": "voice",
                "source": text,
                "speaker": "spk1",
                "start": float(name[-1]),
                "end": int(name[-1]) + 0.9,
                "takes": [],
            }
        }
        for name, text in locks.items()
    }
    store.write_json("edits.json", {"lines": edits}, FRENCH)
    return here


def test_every_line_is_counted_once_and_a_failed_one_is_named_first(reviewed: Context) -> None:
    states = {state.line.id: state for state in line_states(reviewed)}
    assert states["s0003"].failed
    assert states["s0006"].conflict
    (row,) = summarise(chain(), reviewed.fresh("")).languages
    assert asdict(row.lines) == {
        "lines": 6, "failed": 1, "to_look_at": 3, "accepted": 1, "locked": 2, "open": 3
    }  # fmt: skip
    assert row.flags == ("Line 3: Failed", "Line 2: Rushed", "Line 6: Locked, but the source changed")
    assert row.verdict == "finished, 6 lines, 1 failed, 3 to look at, 1 accepted, 2 locked"


def test_what_needs_a_look_is_the_same_in_the_review_the_report_and_the_summary(reviewed: Context) -> None:
    (row,) = summarise(chain(), reviewed.fresh("")).languages
    listed = [line.number for line in review_lines(reviewed) if line.to_look_at]
    assert len(listed) == row.lines.to_look_at
    assert {f"Line {number}" for number in listed} == {flag.partition(":")[0] for flag in row.flags}


def test_the_flags_of_the_episode_are_no_lines(reviewed: Context) -> None:
    found = summarise(chain(), reviewed.fresh(""))
    (row,) = found.languages
    assert not any("drift" in flag.lower() for flag in row.flags)
    assert [remark.code for remark in found.remarks if remark.weight == "doubtful"] == ["drift"]


def test_an_accepted_line_leaves_the_count_without_a_run(reviewed: Context) -> None:
    context = reviewed.fresh("")
    before = last_summary(chain(), context).languages[0].lines
    edits = reviewed.store.read("edits.json", dict, FRENCH)
    edits["lines"]["s0002"] = {"accepted": True}
    time.sleep(0.02)
    reviewed.store.write_json("edits.json", edits, FRENCH)
    after = last_summary(chain(), context.fresh()).languages[0].lines
    assert (before.to_look_at, after.to_look_at) == (3, 2)
    assert (before.accepted, after.accepted) == (1, 2)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(0, 0, 0, 0, 0, 0), "no lines"),
        (Counts(1, 1, 1, 0, 0, 1), "1 line, 1 failed, 1 to look at"),
        (Counts(2, 0, 0, 1, 1, 0), "2 lines, 1 accepted, 1 locked, reviewed"),
        (Counts(16, 0, 0, 0, 0, 16), "16 lines"),
    ],
)
def test_how_a_language_stands_is_said_in_words(counts: Counts, words: str) -> None:
    assert str(counts) == words
