"""The report of a batch."""

from __future__ import annotations

import json
from pathlib import Path

from dubkit.batch.folder import BatchFolder
from dubkit.batch.journal import Attempt, EpisodeEntry
from dubkit.batch.report import BatchTitle, make_report, write_report
from dubkit.batch.result import EpisodeResult, LanguageResult


def entries(folder: Path) -> list[EpisodeEntry]:
    rows = (
        LanguageResult(
            "fr", "done", lines=12, open_lines=3, report=str(folder / "ep 1" / "fr" / "report.html")
        ),
        LanguageResult("es", "failed", ("<b>No</b> voice.\nInstall one.",)),
    )
    ended = Attempt(1, "result", EpisodeResult(rows, duration=61.0), 30.0, 1_000_000, "logs/ep1-001.log")
    return [
        EpisodeEntry(
            "ep1-x", "/in/ep 1.mkv", state="failed", last=ended, attempts=1, failures=1, seconds=61.0
        ),
        EpisodeEntry("ep2-x", "/in/ep2.mkv"),
    ]


def test_the_report_has_a_row_for_each_language_of_each_episode(tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path / ".batch" / "season")
    folder.path.mkdir(parents=True)
    title = BatchTitle(
        ("fr", "es"), "dubkit batch '*.mkv'", lambda source, tags: f"dubkit run '{source}' {tags}"
    )
    made = make_report(folder, title, entries(tmp_path), left=90.0, exit_code=1)
    write_report(folder, made)
    table = json.loads(folder.table.read_text())
    assert table["counts"] == {"done": 1, "failed": 1, "waiting": 2}
    assert (table["over"], table["seconds_left"], bool(table["finish"])) == (False, 90.0, True)
    assert [row["next_command"] for row in table["rows"]] == ["", "dubkit run '/in/ep 1.mkv' ('es',)", "", ""]
    page = folder.page.read_text()
    assert "&lt;b&gt;No&lt;/b&gt; voice." in page
    assert "<b>No" not in page
    assert 'href="../../ep%201/fr/report.html"' in page
    assert "prefers-color-scheme: dark" in page
    assert 'http-equiv="refresh"' in page


def test_a_report_that_is_over_is_not_loaded_again_and_says_no_finish(tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path)
    made = make_report(
        folder, BatchTitle(("fr",), "", lambda *_: ""), entries(tmp_path)[:1], left=0.0, exit_code=1
    )
    write_report(folder, made)
    assert (made.over, made.finish) == (True, "")
    assert "http-equiv" not in folder.page.read_text()
