"""A format of another package: one file and its entry point, and every door of dubkit takes it."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from dubkit import registry
from dubkit.config import Settings, all_settings, with_settings
from dubkit.episode.subtitles import keep_target_subtitles
from dubkit.errors import DubkitError, EditRefused, MediaError, SettingError
from dubkit.formats.content import Cue
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, readable
from dubkit.formats.reading import cues_of, read_cues
from dubkit.formats.writing import write
from dubkit.review.changes import LineChange
from dubkit.review.files import read_changes
from stages import STAGES
from tests.review.test_changes import PT, make_episode
from tests.support.desks import Desk, Shared
from tests.support.paths import ROOT, SAMPLE
from tests.support.plugins import install
from tests.support.web_client import running_site
from tests.support.web_episode import write_episode

LABELS = '''
"""Label tracks of sound editors: start, end and text of a line, separated by tabs."""

from dubkit.formats.cues import cue_at, visible
from dubkit.formats.format import Format


def read(file):
    cues = []
    for number, line in enumerate(file.text().splitlines(), start=1):
        place, cells = f"line {number}", line.split("\\t")
        if len(cells) != 3:
            raise file.error(place, f"{len(cells)} cells", "Each line reads: start, end, text.")
        cues.append(cue_at(file, place, float(cells[0]), float(cells[1]), cells[2]))
    return cues


def write(cues, heading):
    return "".join(f"{c.start:.2f}\\t{c.end:.2f}\\t{c.text}\\n" for c in visible(cues)).encode()


FORMAT = Format(
    name="labels",
    title="Label track",
    suffixes=(".labels",),
    media_type="text/x-labels",
    read_cues=read,
    write_cues=write,
    time_step=0.01,
)
'''
SAID = "1.00\t3.00\tBom dia.\n4.00\t6.00\tMeu nome é Ana.\n7.00\t9.00\tEu moro aqui.\n"


def put(folder: Path) -> None:
    install(folder, "dubkit_labels", LABELS, "labels = dubkit_labels:FORMAT", group="dubkit.formats")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    put(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(registry, "_entry_points_by_group", registry._entry_points_by_group.__wrapped__)
    FORMATS.__dict__.pop("_read", None)
    yield
    FORMATS.__dict__.pop("_read", None)
    sys.modules.pop("dubkit_labels", None)


@pytest.mark.usefixtures("package")
def test_its_files_stand_in_for_stages(tmp_path: Path) -> None:
    assert FORMATS.problems == ()
    assert readable("cues")[-1] == ".labels"
    for stage in ("transcribe", "translate"):
        accepts = STAGES.records[stage].accepts
        assert accepts is not None
        assert ".labels" in accepts()
    file = tmp_path / "said.labels"
    file.write_text(SAID)
    assert [(cue.start, cue.text) for cue in read_cues(file)][:1] == [(1.0, "Bom dia.")]


@pytest.mark.usefixtures("package")
def test_its_subtitles_stand_beside_the_dub(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    context.settings = with_settings(Settings(), {"stitch.subs_format": "labels"})
    assert keep_target_subtitles(context) == ["ep.pt-BR.labels"]
    assert context.store.path("ep.pt-BR.labels", PT).read_text() == SAID


@pytest.mark.usefixtures("package")
def test_its_next_version_writes_the_subtitles_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = make_episode(tmp_path)
    context.settings = with_settings(Settings(), {"stitch.subs_format": "labels"})
    keep_target_subtitles(context)
    file = context.store.path("ep.pt-BR.labels", PT)
    file.write_text("changed by hand")
    keep_target_subtitles(context)
    assert file.read_text() == "changed by hand"
    monkeypatch.setattr(FORMATS, "package", lambda name: "dubkit_labels 1.1" if name == "labels" else "")
    keep_target_subtitles(context)
    assert file.read_text() == SAID
    assert [kept.read_text() for kept in file.parent.glob("ep.pt-BR.hand-*.labels")] == ["changed by hand"]


@pytest.mark.usefixtures("package")
def test_what_it_answers_is_checked(tmp_path: Path) -> None:
    labels = FORMATS.records["labels"]
    broken = replace(labels, read_cues=lambda _: [Cue(0, 1, "Um."), Cue(5, 2, "Dois.")])
    with pytest.raises(MediaError) as refusal:
        cues_of(Document(tmp_path / "said.labels", b""), broken)
    assert str(refusal.value) == (
        f"{tmp_path}/said.labels: read as labels, cue 2: it runs from 5 to 2 (seconds).\n"
        "Correct the file there: times are seconds from 0, and the end is not before the start.\n"
        "If the file is right, dubkit_labels 1.0 reads it wrongly: update or uninstall that package."
    )
    spelled = replace(labels, write_cues=lambda *_: "text")  # type: ignore[arg-type, return-value]
    with pytest.raises(
        DubkitError, match=r"'labels' of dubkit_labels 1\.0 was written as 'text', a str and not"
    ):
        write(spelled, "cues", [])


BAD_RECORDS = """
from dubkit.formats.format import Format

TEXT, BARE, POINT, UPPER, DOUBLE, EMPTY = (
    Format(name=name, title="", suffixes=suffixes, media_type="text/plain")
    for name, suffixes in (
        ("a-text", ".sbv"), ("bare", ("sbv",)), ("point", (".",)), ("upper", (".SBV",)),
        ("double", (".en.sbv",)), ("empty", ()),
    )
)
BOTH = Format(name="both", title="", suffixes=(".x",), media_type="text/plain")
ANOTHER = Format(name="another", title="", suffixes=(".x", ".srt"), media_type="text/plain")
"""
BAD_POINTS = """
a-text = dubkit_bad:TEXT
bare = dubkit_bad:BARE
point = dubkit_bad:POINT
upper = dubkit_bad:UPPER
double = dubkit_bad:DOUBLE
empty = dubkit_bad:EMPTY
both = dubkit_bad:BOTH
another = dubkit_bad:ANOTHER
"""


@pytest.mark.usefixtures("package")
def test_a_record_that_would_hide_another_format_is_refused(tmp_path: Path) -> None:
    install(tmp_path / "site-packages", "dubkit_bad", BAD_RECORDS, BAD_POINTS, group="dubkit.formats")
    problems = {problem.name: problem.problem for problem in FORMATS.problems}
    sys.modules.pop("dubkit_bad", None)
    assert problems.pop("both") == "a format cannot be named 'both': that is a value of settings"
    assert problems.pop("another") == "files that end in .srt are of the format 'srt' already"
    assert sorted(problems) == ["a-text", "bare", "double", "empty", "point", "upper"]
    assert {problem.partition(",")[0] for problem in problems.values()} >= {"its suffixes are '.sbv'"}
    assert all("not a tuple of texts in lower case" in problem for problem in problems.values())
    assert FORMATS.names[-1] == "labels"


@pytest.mark.usefixtures("package")
def test_lines_are_edited_in_it(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    file = tmp_path / "lines.labels"
    file.write_text(SAID)
    assert read_changes(context, file) == {}
    file.write_text(SAID.replace("Bom dia.", "Olá.").replace("4.00", "4.02"))
    assert read_changes(context, file) == {"s0001": LineChange(text="Olá."), "s0002": LineChange(start=4.02)}
    file.write_text("1.00\tBom dia.\n")
    with pytest.raises(EditRefused, match=r"lines\.labels: line 1: 2 cells"):
        read_changes(context, file)


@pytest.mark.usefixtures("package")
def test_commands_name_it() -> None:
    module = sys.modules.pop("dubkit.cli.export", None)
    try:
        command = importlib.import_module("dubkit.cli.export").command
        assert re.search(r"\[srt\|[^]]*\|labels\]", CliRunner().invoke(command, ["--help"]).output)
    finally:
        if module is not None:
            sys.modules["dubkit.cli.export"] = module


@pytest.mark.usefixtures("package")
def test_the_http_interface_sends_it(tmp_path: Path) -> None:
    with running_site(tmp_path, {"ana": "admin"}) as running:
        write_episode(running.site, "ep")
        ana = running.browser("ana")
        job = ana.post("/api/jobs", json={"source": "ep.mp4", "languages": [PT]}).json()["id"]
        url = f"/api/jobs/{job}/transcript"
        named = ana.get(url, params={"format": "labels"})
        assert named.text.splitlines()[1] == "3.00\t4.00\tAdeus"
        assert named.headers["content-type"].startswith("text/x-labels")
        assert named.headers["content-disposition"] == 'attachment; filename="transcript.pt-BR.labels"'
        assert ana.get(url, headers={"Accept": "text/x-labels"}).content == named.content
        assert ana.get(url, headers={"Accept": "application/json, text/csv"}).json()[1]["text"] == "Adeus"


def test_without_the_package_it_is_no_format(tmp_path: Path) -> None:
    with pytest.raises(EditRefused, match=r"takes \.csv, \.srt, .*, not \.labels"):
        read_changes(make_episode(tmp_path), tmp_path / "lines.labels")
    entry = "stitch.subs_format"
    with pytest.raises(SettingError, match=r"must be one of srt, vtt, .*both\.$"):
        next(e for e in all_settings() if e.name == entry).converted("labels", "test")


@pytest.mark.slow
def test_the_command_line_writes_it_and_takes_it_back(shared: Shared, tmp_path: Path) -> None:
    put(tmp_path)
    desk = Desk(tmp_path, shared.cache)
    desk.variables["PYTHONPATH"] = f"{ROOT}{os.pathsep}{tmp_path}"
    (tmp_path / "said.labels").write_text("0.50\t2.00\tGood morning.\n2.50\t4.00\tI am Jordi.\n")
    result = desk.run(
        SAMPLE,
        "--to",
        "en-GB",
        "--use",
        "transcribe=said.labels",
        "--until",
        "translate",
        "--mt-provider",
        "none",
    )
    assert result["exit_code"] in (0, 3), result
    done = desk.dubkit("export", SAMPLE, "--lang", "en-GB", "--out", "out.labels")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out.labels"
    assert out.read_text() == (tmp_path / "said.labels").read_text()
    out.write_text(out.read_text().replace("Jordi", "Jordi Mas"))
    done = desk.dubkit("review", "edit", "sample", "--file", "out.labels")
    assert "1 line changed" in done.stdout, done.stderr
