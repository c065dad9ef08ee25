"""A check of another package: one file and its entry point, and run, review, page and report have it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubkit import registry
from dubkit.config import configure
from dubkit.errors import PluginFailed
from dubkit.qc.check import CHECKS, Finding, Findings, ask
from dubkit.qc.measures import episode_qc, line_qc
from dubkit.qc.report.page import render_report
from dubkit.review.lines import review_lines
from tests.qc.test_measures import EPISODE, LINE
from tests.qc.test_report_page import MEASURED, line, model
from tests.review.test_changes import PT, make_episode, speak
from tests.support.desks import Desk, Shared
from tests.support.paths import ROOT, SAMPLE
from tests.support.tones import tone
from tests.support.web_client import running_site
from tests.support.web_episode import write_episode
from tests.test_registry import install

SHOUTING = '''
"""Lines that are shouted."""

from dataclasses import dataclass

from dubkit.qc.check import Check, Finding
from dubkit.settings import option


@dataclass(frozen=True, slots=True)
class Shouting:
    """Shouted lines."""

    max_db: float = option(-3.0, "Peak of a line in dB above which it is flagged.", job=True)


def peak(samples):
    import numpy as np

    return 20 * float(np.log10(max(np.abs(samples).max(), 1e-6)))


def shouts(line, own):
    return Finding(peak(line.sound) > own.max_db, peak(line.sound))


def whole_is_quiet(episode, own):
    return Finding(bool(episode.dub_lufs < episode.source_lufs - 0.1), "a little")


CHECK = Check(
    name="shouting",
    title="Shouting",
    meaning="The line is shouted at the listener.",
    line=shouts,
    episode=whole_is_quiet,
    needs=("sound",),
    settings=Shouting,
    unit="dB",
)
'''


def put(folder: Path) -> None:
    install(folder, "dubkit_shouting", SHOUTING, "shouting = dubkit_shouting:CHECK", group="dubkit.checks")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from dubkit.config import all_settings

    folder = tmp_path / "site-packages"
    folder.mkdir()
    put(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(registry, "_entry_points_by_group", registry._entry_points_by_group.__wrapped__)
    CHECKS.__dict__.pop("_read", None)
    all_settings.cache_clear()
    yield
    CHECKS.__dict__.pop("_read", None)
    all_settings.cache_clear()
    sys.modules.pop("dubkit_shouting", None)


@pytest.mark.usefixtures("package")
def test_it_measures_lines_and_goes_by_its_own_settings() -> None:
    assert CHECKS.problems == ()
    loud = replace(LINE, sound=tone(1, 0.9))
    found = line_qc(loud)
    assert found.flags == ("shouting",)
    assert (found.measures or {})["shouting"] == pytest.approx(-0.92, abs=0.01)
    settings = configure({"qc.shouting.max_db": 0}, environment={}).settings
    own = settings.table("qc.shouting", CHECKS.records["shouting"].settings or type(None))
    assert line_qc(loud, {"shouting": own}).flags == ()
    assert line_qc(LINE).flags == (), "without the dub's sound it is not asked"


def ask_it(answer: Any) -> Findings:
    """Ask the check, which answers with something."""
    check = CHECKS.records["shouting"]
    return ask([(check, lambda *_: answer)], replace(LINE, sound=tone(1, 0.9)), {})


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("measure", "plain"),
    [
        (np.float32(2.5), 2.5),
        (np.float64(2.5), 2.5),
        (np.int64(3), 3),
        (np.array(2.5), 2.5),
        (np.str_("a little"), "a little"),
        (type("Words", (str,), {})("a little"), "a little"),
        (7, 7),
    ],
)
def test_values_of_numpy_are_kept_as_plain_ones(measure: Any, plain: float | str) -> None:
    findings = ask_it(Finding(np.True_, measure))  # type: ignore[arg-type]
    assert findings.flags == ("shouting",)
    assert findings.measures == {"shouting": plain}
    assert type(findings.measures["shouting"]) is type(plain)
    assert ask_it(np.False_).flags == ()


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("measure", [float("nan"), np.float32("inf"), 10**400, True, [1.0], np.zeros(1), 1j])
def test_a_measure_that_cannot_be_kept_is_refused(measure: Any) -> None:
    with pytest.raises(
        PluginFailed, match=r"dubkit_shouting 1\.0: shouting failed: .*not a measure: a finite"
    ):
        ask_it(Finding(True, measure))


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("answer", [None, "loud", 1, Finding(None, 2.5), np.zeros(2)])  # type: ignore[arg-type]
def test_an_answer_that_says_nothing_is_refused(answer: Any) -> None:
    with pytest.raises(
        PluginFailed, match=r"dubkit_shouting 1\.0: shouting failed: .*not whether it is flag"
    ):
        ask_it(answer)


@pytest.mark.usefixtures("package")
def test_it_measures_the_episode() -> None:
    quiet = episode_qc((), replace(EPISODE, sound=Path("dub.wav")))
    assert (quiet.flags, quiet.measures) == (("shouting",), {"shouting": "a little"})


@pytest.mark.usefixtures("package")
def test_the_report_says_what_it_means_and_what_it_measured() -> None:
    shouted = line(1, flags=("shouting",), measures=(("Shouting", "\u22120.9 dB"),))
    page = render_report(model(shouted, measured=replace(MEASURED, measures={"shouting": -3.25})))
    assert '<li title="The line is shouted at the listener.">Shouting</li>' in page
    assert "<dt>Shouting</dt><dd>\u22120.9 dB</dd>" in page
    assert "<dt>Shouting</dt><dd>\u22123.25 dB</dd>" in page
    whole = replace(MEASURED, flags=("shouting",), measures={"shouting": -3.25})
    assert "The line is shouted at the listener: \u22123.25 dB." in render_report(
        model(line(1), measured=whole)
    )


@pytest.mark.usefixtures("package")
def test_review_shows_it(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    speak(context)
    measured = (line_qc(replace(LINE, sound=tone(1, 0.9))),)
    context.store.write_json("qc.json", replace(MEASURED, lines=measured), PT)
    shown = review_lines(context.fresh())[0]
    assert shown.flags == ("shouting",)
    assert shown.measures == {"shouting": "\u22120.92 dB"}
    assert shown.to_look_at


@pytest.mark.usefixtures("package")
def test_the_page_is_told_its_words(tmp_path: Path) -> None:
    with running_site(tmp_path, {"ana": "admin"}) as running:
        write_episode(running.site, "ep")
        page = running.browser("ana").get(f"/episodes/ep/{PT}/review").text
        words = re.search(r'id="flag-names">(.*?)</script>', page, re.DOTALL)
        assert words is not None
        title, meaning = "Shouting", "The line is shouted at the listener."
        assert json.loads(words[1])["shouting"] == [title, meaning, title]


@pytest.mark.slow
def test_a_run_has_it_and_a_new_limit_measures_again(shared: Shared, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    put(site)
    desk = Desk(tmp_path, shared.cache)
    plain = desk.variables | {"PYTHONPATH": str(ROOT)}
    desk.variables["PYTHONPATH"] = f"{ROOT}{os.pathsep}{site}"
    run = (SAMPLE, "--to", "en-GB", "--mt-provider", "none", "--mode", "low")
    result = desk.run(*run, "--set", "qc.shouting.max_db=-60")
    assert result["exit_code"] == 0, result
    lines = desk.read("sample/en-GB/qc.json")["lines"]
    assert all(found["flags"][-1] == "shouting" and found["measures"]["shouting"] < 0 for found in lines)
    report = (tmp_path / "Output/sample/en-GB/report.html").read_text("utf-8")
    assert "The line is shouted at the listener." in report
    listed = desk.dubkit("review", "list", "sample", "--flagged").stdout
    assert listed.count("shouting") == len(lines)
    assert "shouting \u2212" in desk.dubkit("review", "show", "sample", "1").stdout

    quiet = desk.dubkit("plan", *run).stdout
    assert "setting changed: qc.shouting.max_db" in quiet
    desk.run(*run)
    assert not [found for found in desk.read("sample/en-GB/qc.json")["lines"] if "shouting" in found["flags"]]
    assert "Nothing to do" in desk.dubkit("plan", *run).stdout
    desk.variables = plain
    assert "input changed: check/shouting" in desk.dubkit("plan", *run).stdout
