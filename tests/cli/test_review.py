"""`dubkit review`: what it says, what it exits with, and what really runs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import av
import click
import pytest

from dubkit import cli
from dubkit.episode.context import Context
from dubkit.episode.folders import open_episode, remember_source
from dubkit.types import Adaptation, Schedule, ScheduledLine
from tests.review.test_changes import PT, add_language, make_episode, speak
from tests.review.test_texts import OFFERED
from tests.support.desks import Desk
from tests.support.paths import SAMPLE

# --- what it says: an episode that nobody has to make -----------------------------------------


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Calls the command line in this process."""

    def __init__(self, context: Context, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.context, self.monkeypatch, self.capsys = context, monkeypatch, capsys
        self.folder = context.source.parent

    def __call__(self, *arguments: str | Path) -> Said:
        return self.dubkit("review", *arguments)

    def dubkit(self, *arguments: str | Path) -> Said:
        self.monkeypatch.setattr(sys, "argv", ["dubkit", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(code, said.out, said.err)

    def line(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self("show", "ep", str(number), "--json").json["line"]
        return found


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    context = make_episode(tmp_path)
    remember_source(open_episode(tmp_path / "Output", context.source))
    speak(context)
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("DUBKIT_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOGNAME", "ana")
    return Terminal(context, monkeypatch, capsys)


def test_the_texts_of_a_line_are_listed_and_chosen_by_number(call: Terminal) -> None:
    call.context.store.write_json("adaptation.json", Adaptation(PT, (OFFERED,)), PT)
    listed = call("choose-text", "ep", "2").out.splitlines()
    assert listed[0] == "s0002: 1.20 s. It needs a pace of 1.00."
    assert listed[1].split() == ["1", "1.80", "s", "at", "1.50", "Meu", "nome", "é", "Ana."]
    assert listed[2].split()[0] == "*+2"
    assert listed[3].endswith("Sou eu.  (loses name: Ana)")
    said = call("choose-text", "ep", "2", "1")
    assert said.out.startswith("Line 2 text as made → “Meu nome é Ana.”")
    assert [text["used"] for text in call("choose-text", "ep", "2", "--json").json["offered"]] == [
        True,
        False,
        False,
    ]
    assert call("choose-text", "ep", "2", "7").code == 1
    assert (
        call("choose-text", "ep", "1").out == "s0001 has one text: its words were not fitted to its time.\n"
    )


def test_the_list_shows_lines_marks_and_flags(call: Terminal) -> None:
    call("lock", "ep", "1")
    call("accept", "ep", "2")
    said = call("list", "ep")
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[0] == ["#", "id", "time", "speaker", "route", "length", "marks", "flags", "text"]
    length = ["2.0s", "1.00x"]
    assert rows[1] == ["1", "s0001", "0:01.00-0:03.00", "Ana", "voice", *length, "L", "Bom", "dia."]
    assert rows[2][:8] == ["2", "s0002", "0:04.00-0:06.00", "Bo", "voice", *length, "A"]
    assert rows[4][-1] == "untranslated"
    assert said.err == ""


def test_a_line_is_shown_with_its_length_and_the_texts_it_may_have(call: Terminal) -> None:
    call.context.store.write_json("adaptation.json", Adaptation(PT, (OFFERED,)), PT)
    planned = ScheduledLine(
        "s0002", 4100, 1200, 1320, 4000, 6000, "s0001", too_long_ms=250, text=OFFERED.text
    )
    call.context.store.write_json("schedule.json", Schedule(PT, "by hand", (planned,)), PT)
    said = call("show", "ep", "2").out
    assert "length     1.3 s of 1.2 s, 1.10x; too long by 0.2 s; scheduled at 0:04.10\n" in said
    assert "*+2" in said
    assert "(loses name: Ana)" in said
    assert OFFERED.why in said
    call("choose-text", "ep", "2", "1")
    assert "scheduled at 0:04.10, changed since" in call("show", "ep", "2").out
    assert call.line(2)["timing"]["texts"][0]["used"]


def test_a_plan_says_how_long_the_lines_will_be(call: Terminal) -> None:
    planned = ScheduledLine("s0001", 1000, 1000, 1300, 1000, 3000, "s0001", too_long_ms=217, text="Bom dia.")
    call.context.store.write_json("schedule.json", Schedule(PT, "by hand", (planned,)), PT)
    arguments = ("plan", "ep.mp4", "--to", PT, "--src-lang", "en", "--output", "Output")
    said = call.dubkit(*arguments).out
    assert "  Lengths in pt-BR: 1 of 3 lines over 1.20x\n" in said
    assert "    s0001            1.3 s of 1.0 s, 1.30x, too long by 0.2 s\n" in said
    lines = call.dubkit(*arguments, "--json").json["lines"][PT]
    assert [line["predicted"] for line in lines] == [1.3, 2.0, 2.0, None]


def test_filters_say_how_many_they_hide(call: Terminal) -> None:
    said = call("list", "ep", "--speaker", "Bo", "--text", "ana")
    assert [row.split()[1] for row in said.out.splitlines()[1:]] == ["s0002"]
    assert said.err == "1 of 4 lines; the filters hide 3.\n"
    as_json = call("list", "ep", "--flagged", "--json")
    assert [line["id"] for line in as_json.json] == ["s0004"]
    assert as_json.code == 0


def test_a_line_is_shown_with_its_takes_and_why(call: Terminal) -> None:
    call("edit", "ep", "1", "--text", "Oi.", "--note", "short", "--delivery", "warm")
    said = call("show", "ep", "s0001").out
    for part in (
        "s0001, line 1, 0:01.00 to 0:03.00",
        "speaker    Ana (spk1)",
        "source     Good morning.",
        "line       Oi.",
        "delivery   warm",
        "note       short",
        "flags      other-text",
        "* v001         2.00 s, test, a “Bom dia.”",
        "edit     1: s0001 text as made → “Oi.” (ana)",
        "made by  speak s0001, key ",
    ):
        assert part in said, said
    shown = call("show", "ep", "1", "--json").json
    assert shown.keys() == {"line", "takes", "why"}
    assert shown["takes"][0]["in_use"]


def test_an_edit_says_what_became_of_it_and_what_comes_next(call: Terminal) -> None:
    said = call("edit", "ep", "1", "--text", "Oi.", "--start", "1.5", "--speaker", "bo")
    assert said.out == (
        "Line 1 text as made → “Oi.”\nLine 1 speaker as made → “spk2”\nLine 1 start as made → 1.5\n"
    ) or sorted(said.out.splitlines()) == [
        "Line 1 speaker as made → “spk2”",
        "Line 1 start as made → 1.5",
        "Line 1 text as made → “Oi.”",
    ]
    assert said.err == "Not in the dub yet. Next: dubkit review render Output/ep --to pt-BR\n"
    assert call("edit", "ep", "1", "--text", "Oi.").out == "Nothing to change: it is like this already.\n"
    call("edit", "ep", "1", "--clear", "start", "--clear", "speaker", "--clear", "text")
    line = call.line(1)
    assert (line["text"], line["start"], line["speaker"], line["edited"]) == ("Bom dia.", 1.0, "spk1", [])
    assert call("edit", "ep", "1", "--note", "x").err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["list", "nowhere.mp4"], 1, "nowhere.mp4: no such episode"),
        (["list", "."], 1, "no such episode"),
        (["list", "ep", "--to", "fr"], 1, "no lines in fr yet"),
        (["list", "ep", "--to", "zz-nothing"], 1, "zz-nothing"),
        (["show", "ep", "9"], 1, "There is no line 9; the lines are 1 to 4"),
        (["show", "ep", "1-2"], 2, "name one line"),
        (["show", "ep", "s0042"], 1, "There is no line s0042"),
        (["edit", "ep"], 2, "Which line?"),
        (["edit", "ep", "1"], 2, "What should change?"),
        (["edit", "ep", "1-2", "--text", "x"], 2, "edit one line at a time"),
        (["edit", "ep", "1", "--text", " "], 2, "--text is empty. To go back to what was made: --clear text"),
        (["edit", "ep", "1", "--text", "x", "--clear", "text"], 2, "Give either --text or --clear text"),
        (["edit", "ep", "1", "--start", "2.5", "--end", "2"], 1, "cannot end at 2.0 s and start at 2.5 s"),
        (["edit", "ep", "1", "--start", "x"], 2, "not a valid float"),
        (["edit", "ep", "1", "--end", "99"], 1, "not in the episode (0 to 14.000 s)"),
        (
            ["edit", "ep", "1", "--speaker", "Cy"],
            1,
            "There is no speaker Cy; there are spk1 (Ana), spk2 (Bo)",
        ),
        (["edit", "ep", "1", "--route", "sing"], 2, "'sing' is not one of"),
        (["edit", "ep", "--file", "gone.csv"], 1, "gone.csv: cannot be read"),
        (["edit", "ep", "1", "--file", "gone.csv"], 2, "leave out the line"),
        (["choose", "ep", "1", "v007"], 1, "s0001 has no take v007. Takes: v001"),
        (["choose", "ep", "1-2", "v001"], 2, "one line at a time"),
        (["undo", "ep"], 1, "There is nothing to undo"),
        (["undo", "ep", "--number", "7"], 1, "There is no change 7"),
        (["redo", "ep"], 1, "There is nothing to do again"),
        (["regen", "ep", "4", "--dry-run"], 1, "s0004 has no text"),
        (["regen", "ep", "1", "--seed", "-1"], 2, "-1 is not in the range"),
        (["regen", "ep"], 2, "Missing argument"),
        (["rename", "ep", "spk1"], 2, "What should change?"),
        (["rename", "ep", "spk9", "Cy"], 1, "There is no speaker spk9"),
        (["merge", "ep", "spk1", "--into", "spk1"], 1, "cannot be merged into itself"),
        (["split", "ep", "1", "--name", " "], 2, "--name is empty"),
        (["assign", "ep", "1-9", "--speaker", "Bo"], 1, "There is no line 1-9"),
        (["play", "ep", "1-2"], 2, "play one line at a time"),
        (["play", "ep", "1", "--take", "v009", "--no-open"], 1, "s0001 has no take v009"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    call: Terminal, arguments: list[str], code: int, message: str
) -> None:
    said = call(*arguments)
    assert (said.code, said.out) == (code, ""), said
    assert message in said.err
    assert not call.context.store.has("edits.jsonl")


def test_a_locked_line_refuses_an_edit(call: Terminal) -> None:
    call("lock", "ep", "1-2")
    said = call("edit", "ep", "2", "--text", "x")
    assert (said.code, said.err) == (1, "Error: s0002 is locked. Unlock it first.\n")
    call("unlock", "ep", "2")
    assert call("edit", "ep", "2", "--text", "x").code == 0


def test_without_its_source_an_episode_is_read_and_changed_but_not_made(call: Terminal) -> None:
    call.context.source.unlink()
    assert call("list", "ep.mp4").code == call("edit", "Output/ep", "1", "--text", "x").code == 0
    for arguments in (["regen", "ep", "1"], ["render", "ep"], ["play", "ep", "1"]):
        said = call(*arguments)
        assert said.code == 1
        assert "ep.mp4: the source" in said.err
        assert "Put it back there" in said.err
    assert call.line(1)["text"] == "x"


def test_a_dry_run_leaves_nothing_behind(call: Terminal) -> None:
    before = {p: p.read_bytes() for p in call.folder.rglob("*") if p.is_file()}
    said = call("regen", "ep", "1-2", "--dry-run")
    assert "2 lines spoken (s0001, s0002)" in said.out
    as_json = call("regen", "ep", "2", "--seed", "7", "--dry-run", "--json").json
    assert (as_json["lines"], as_json["will"]["speak"]) == (["s0002"], ["s0002"])
    assert "mixed" in call("render", "ep", "--dry-run").out
    assert {p: p.read_bytes() for p in call.folder.rglob("*") if p.is_file()} == before


EVERY_KIND: list[list[str]] = [
    ["edit", "ep", "1", "--text", "Oi.", "--source", "Morning.", "--end", "2.5"],
    ["edit", "ep", "1", "--route", "keep", "--voice", "jm_kumo", "--delivery", "x", "--note", "y"],
    ["accept", "ep", "1-3"],
    ["lock", "ep", "2-3"],
    ["choose", "ep", "1", "v001"],
    ["rename", "ep", "spk1", "Zoe", "--description", "The girl", "--voice", "jm_kumo"],
    ["merge", "ep", "spk2", "--into", "spk1"],
    ["split", "ep", "3-4", "--name", "Cy"],
    ["assign", "ep", "1", "--speaker", "Bo"],
    ["edit", "ep", "--file", "own.csv"],
]


@pytest.mark.parametrize("act", EVERY_KIND, ids=lambda act: act[0])
def test_every_kind_of_change_is_taken_back_and_made_again(call: Terminal, act: list[str]) -> None:
    (call.folder / "own.csv").write_text("id,text,note\ns0001,Oi.,a\ns0003,Ali.,b\n")
    shown = [("list", "ep", "--json"), ("speakers", "ep", "--json"), ("show", "ep", "1", "--json")]

    def state() -> list[Any]:
        found = [call(*command).json for command in shown]
        found[-1].pop("why")
        return found

    before = state()
    assert call(*act).code == 0
    after = state()
    assert after != before
    assert call("undo", "ep").out.startswith("undo of change 1\n")
    assert state() == before
    assert call("redo", "ep").code == 0
    assert state() == after
    assert [row["number"] for row in call("history", "ep", "--json").json] == [3, 2, 1]


def test_an_older_change_is_taken_back_by_number(call: Terminal) -> None:
    call("edit", "ep", "1", "--text", "a")
    call("edit", "ep", "2", "--text", "b")
    call("edit", "ep", "1", "--text", "c")
    refused = call("undo", "ep", "--number", "1")
    assert (refused.code, "Undo change 3 first" in refused.err) == (1, True)
    call("undo", "ep", "--number", "2")
    assert (call.line(1)["text"], call.line(2)["text"]) == ("c", "Meu nome é Ana.")
    rows = call("history", "ep").out.splitlines()
    assert rows[0].endswith("undo: s0002 text “b” → as made")
    assert rows[2].endswith("edit: s0002 text as made → “b”  (undone)")


def test_an_edit_by_hand_between_two_commands_stays_and_is_in_the_history(call: Terminal) -> None:
    call("edit", "ep", "1", "--text", "a")
    path = call.context.store.path("edits.json", PT)
    path.write_text(json.dumps({"lines": {"s0001": {"text": "mine"}, "s0002": {"note": "x"}}}))
    assert call.line(1)["text"] == "mine"
    call("edit", "ep", "3", "--text", "c")
    assert [row["action"] for row in call("history", "ep", "--json").json] == ["edit", "by hand", "edit"]
    assert (call.line(1)["text"], call.line(2)["note"], call.line(3)["text"]) == ("mine", "x", "c")
    path.write_text('{"lines": {"s0001": {"txet": "x"}}}')
    said = call("list", "ep")
    assert (said.code, "lines.s0001.txet: no such field" in said.err) == (1, True)


def test_two_languages_keep_their_own_lines_and_locks(call: Terminal) -> None:
    add_language(call.context, "es")
    assert "which language?" in call("list", "ep").err
    call("edit", "ep", "1", "--to", "es", "--text", "Hola.")
    call("lock", "ep", "1", "--to", PT)
    here = call("show", "ep", "1", "--to", PT, "--json").json["line"]
    there = call("show", "ep", "1", "--to", "es", "--json").json["line"]
    assert (here["text"], here["locked"], there["text"], there["locked"]) == (
        "Bom dia.",
        True,
        "Hola.",
        False,
    )
    call("edit", "ep", "1", "--to", "es", "--source", "Good evening.")
    said = call("list", "ep", "--to", PT).out
    assert (
        "Conflict: s0001 is locked, but the source said “Good morning.” and now says “Good evening.”." in said
    )
    assert call("show", "ep", "1", "--to", "es", "--json").json["line"]["conflict"] == ""


def test_a_file_of_all_lines_goes_out_and_comes_back(call: Terminal) -> None:
    for kind in ("csv", "srt", "vtt"):
        file = f"lines.{kind}"
        call.monkeypatch.setattr(
            sys, "argv", ["dubkit", "export", "ep.mp4", "--format", kind, "--lang", PT, "--out", file]
        )
        cli.main(), call.capsys.readouterr()
        assert call("edit", "ep", "--file", file).out == f"{file}: no line differs.\n"
    text = (call.folder / "lines.csv").read_text("utf-8")
    (call.folder / "lines.csv").write_text(text.replace("Bom dia.", "Olá!").replace("moro aqui", "vivo cá"))
    said = call("edit", "ep", "--file", "lines.csv")
    assert said.out == "lines.csv: 2 lines changed.\n"
    assert (call.line(1)["text"], call.line(3)["text"]) == ("Olá!", "Eu vivo cá.")


def test_speakers_are_listed_and_named(call: Terminal) -> None:
    call("rename", "ep", "Bo", "Ben")
    rows = [row.split() for row in call("speakers", "ep").out.splitlines()]
    assert rows[2][:7] == ["spk2", "Ben", "2", "4.0", "100", "Hz", "b"]
    assert rows[2][-2:] == ["(a", "guess)"]


def test_a_terminal_gets_a_table_laid_out_for_it(call: Terminal) -> None:
    call("edit", "ep", "1", "--text", "[bold]Bom[/bold] dia. " * 4)
    call.monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    call.monkeypatch.setenv("COLUMNS", "100")
    out = click.unstyle(call("list", "ep").out)
    assert "[bold]Bom[/bold]" in out
    assert max(map(len, out.splitlines())) <= 100
    heads = out.splitlines()[0].split()
    assert heads == ["#", "id", "time", "speaker", "route", "length", "marks", "flags", "text"]


@pytest.mark.parametrize(
    ("shown", "tool", "there"), [(":0", True, True), (":0", False, False), ("", True, False)]
)
def test_a_player_is_opened_only_on_a_desktop(
    monkeypatch: pytest.MonkeyPatch, shown: str, tool: bool, there: bool
) -> None:
    from dubkit.cli.review.takes import has_desktop

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", shown)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/xdg-open" if tool else None)
    assert has_desktop() is there
    monkeypatch.setattr(sys, "platform", "darwin")
    assert has_desktop()


def test_nothing_heavy_is_loaded_to_look_at_lines(call: Terminal) -> None:
    import subprocess

    probe = (
        "import sys; sys.argv = ['dubkit', 'review', 'list', 'ep']\nimport dubkit.cli\ndubkit.cli.main()\n"
        "sys.exit(any(m in sys.modules for m in ('torch', 'av', 'cv2', 'sklearn', 'fastapi')))"
    )
    assert subprocess.run([sys.executable, "-c", probe], cwd=call.folder, capture_output=True).returncode == 0


# --- what really runs: a dub of the sample ----------------------------------------------------


@pytest.fixture
def desk(unheard_sample: Desk, tmp_path: Path) -> Desk:
    """A copy of the sample's dub, which is not recognised again."""
    return unheard_sample.copy(tmp_path)


def review(desk: Desk, *arguments: str | Path, code: int = 0) -> Any:
    done = desk.dubkit("review", *arguments)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr


def lines(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = review(desk, "list", "sample", "--json")
    return found


def takes(desk: Desk) -> dict[str, bytes]:
    folder = desk.folder / "Output/sample/pt-BR/takes"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def sound(desk: Desk) -> bytes:
    return (desk.folder / "Output/sample/pt-BR/mix/dub.wav").read_bytes()


@pytest.mark.slow
def test_a_line_made_again_touches_its_take_then_the_mix_and_the_dub(desk: Desk) -> None:
    before, heard = takes(desk), sound(desk)
    made = review(desk, "regen", "sample", "2", "--json")
    assert made["will"] == {"speak": ["s0002"]}
    assert made["ran"] == [{"speak": 1}]
    assert [(t["take"], t["seed"], t["in_use"]) for t in made["takes"]["s0002"]] == [
        ("v001", None, False),
        ("v002", 1, True),
    ]
    after = takes(desk)
    assert {name for name in after if name not in before} == {"s0002/v002/speech.wav", "s0002/v002/take.json"}
    assert {name: after[name] for name in before} == before
    assert sound(desk) == heard
    assert "older than the edits" in review(desk, "play", "sample", "2", "--no-open")
    rendered = review(desk, "render", "sample", "--json")["ran"]
    assert rendered.pop("qc") <= 2
    assert rendered == {"mix": 1, "stitch": 1}
    assert takes(desk) == after
    assert sound(desk) != heard
    review(desk, "choose", "sample", "2", "v001")
    back = review(desk, "render", "sample", "--json")["ran"]
    assert "speak" not in back
    assert sound(desk) == heard
    review(desk, "edit", "sample", "2", "--text", "Eu sou o Jordi.")
    assert review(desk, "render", "sample", "--json")["ran"]["speak"] == 1
    assert lines(desk)[1]["take"] == "v003"


@pytest.mark.slow
def test_a_text_is_changed_and_heard_in_one_render(desk: Desk) -> None:
    before = takes(desk)
    review(desk, "edit", "sample", "3", "--text", "Eu venho de Barcelona")
    rendered = review(desk, "render", "sample", "--json")["ran"]
    assert rendered.pop("qc") <= 2
    assert rendered.pop("speak") <= rendered.pop("schedule")
    assert rendered == {"mix": 1, "stitch": 1}
    after = takes(desk)
    assert {name: after[name] for name in before} == before
    made = review(desk, "regen", "sample", "3-4", "--render", "--json")
    assert made["ran"][0] == {"speak": 2}
    assert set(made["ran"][1]) == {"mix", "stitch", "qc"}
    assert "Nothing to do" in review(desk, "render", "sample", "--dry-run")


@pytest.mark.slow
def test_a_locked_line_stays_through_every_rerun_and_follows_again_unlocked(desk: Desk) -> None:
    before = lines(desk)[0]
    review(desk, "lock", "sample", "1")
    voice = desk.folder / "cast.toml"
    voice.write_text('[spk1]\nvoice = "jm_kumo"\n')
    told = ("--set", f"cast.file={voice}", "--until", "speak")
    for arguments in (("--force", "translate"), ("--mt-provider", "none"), ("--mt-provider", "auto", *told)):
        if "--until" not in arguments:
            arguments = (*arguments, "--until", "translate")
        desk.run(SAMPLE, "--to", "pt-BR", *arguments)
        now = lines(desk)[0]
        assert (now["text"], now["take"], now["conflict"]) == (before["text"], "v001", ""), arguments
    assert lines(desk)[1]["take"] == "v002"  # another voice reads what is not locked
    for stage in ("translate", "speak"):
        (desk.folder / f"Output/sample/.dubkit/items/pt-BR/{stage}/s0001.json").unlink()
    ran = desk.run(SAMPLE, "--to", "pt-BR", *told)["ran"]
    assert "speak" not in ran  # the take is there and is found again
    assert (lines(desk)[0]["text"], lines(desk)[0]["take"]) == (before["text"], "v001")
    review(desk, "unlock", "sample", "1")
    ran = desk.run(SAMPLE, "--to", "pt-BR", *told)["ran"]
    assert ran["speak"] >= 1  # in the voice of now, and without asking the translator
    assert "translate" not in ran
    assert lines(desk)[0]["take"] == "v002"


def transcript(desk: Desk, *texts: str) -> Path:
    """Write a transcript with the times of the episode's lines, some of them with another text."""
    cues = []
    for line, text in zip(lines(desk), texts, strict=True):
        start, end = (f"00:00:{line[name]:06.3f}".replace(".", ",") for name in ("start", "end"))
        cues.append(f"{start} --> {end}\n{text or line['source']}\n")
    file = desk.folder / "own.srt"
    file.write_text("\n".join(cues), "utf-8")
    return file


@pytest.mark.slow
def test_a_source_that_changes_under_a_lock_is_a_conflict_that_stays(desk: Desk) -> None:
    before = lines(desk)[1]
    review(desk, "lock", "sample", "2")
    own = transcript(desk, "", "My name is Jordi Bas.", "", "")
    done = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--use", f"transcribe={own}", "--until", "speak")
    assert done.returncode == 0, done.stderr
    said = f"Line 2: It is locked and stays as it is, but the source said “{before['source']}”"
    assert said in done.stderr
    now = lines(desk)[1]
    assert (now["text"], now["take"]) == (before["text"], "v001")
    assert "now says “My name is Jordi Bas.”" in now["conflict"]
    assert "Conflict: s0002 is locked" in review(desk, "list", "sample")
    assert "conflict   the source said" in review(desk, "show", "sample", "2")
    again = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--until", "speak")
    assert "Line 2: It is locked and stays as it is" in again.stderr
    review(desk, "unlock", "sample", "2")
    desk.run(SAMPLE, "--to", "pt-BR", "--until", "translate")
    assert "Bas" in lines(desk)[1]["text"]


@pytest.mark.slow
def test_locks_and_edits_follow_their_moment_into_a_new_numbering(desk: Desk) -> None:
    before = lines(desk)[2]
    review(desk, "lock", "sample", "3")
    review(desk, "edit", "sample", "4", "--note", "mine")
    own = transcript(desk, "", "", "", "")
    own.write_text("00:00:00,100 --> 00:00:00,900\nHello.\n\n" + own.read_text("utf-8"), "utf-8")
    desk.run(SAMPLE, "--to", "pt-BR", "--use", f"transcribe={own}", "--until", "speak")
    now = lines(desk)
    assert [line["locked"] for line in now] == [False, False, False, True, False]
    assert (now[3]["text"], now[3]["take"], now[3]["conflict"]) == (before["text"], "s0003/v001", "")
    assert now[4]["note"] == "mine"
    assert review(desk, "show", "sample", "4", "--json")["takes"][0]["chosen"]


@pytest.mark.slow
def test_a_kept_take_that_is_gone_is_a_failure_with_a_cure(desk: Desk) -> None:
    review(desk, "lock", "sample", "1")
    shutil.rmtree(desk.folder / "Output/sample/pt-BR/takes/s0001")
    said = review(desk, "render", "sample", code=3)
    assert "must keep take s0001/v001, which is missing or incomplete" in said
    assert "failed" in lines(desk)[0]["flags"]
    review(desk, "unlock", "sample", "1")
    review(desk, "render", "sample")
    assert "failed" not in lines(desk)[0]["flags"]


@pytest.mark.slow
def test_a_line_that_failed_stops_nothing_else_and_is_made_once_mended(desk: Desk) -> None:
    # As an engine that is gone leaves it: the command itself refuses such a voice.
    refused = desk.dubkit("review", "edit", "sample", "2", "--voice", "nonsense")
    assert (refused.returncode, "There is no voice 'nonsense'" in refused.stderr) == (1, True)
    review(desk, "edit", "sample", "2", "--voice", "jm_kumo")
    edits = desk.folder / "Output/sample/pt-BR/edits.json"
    edits.write_text(edits.read_text("utf-8").replace("jm_kumo", "nonsense"), "utf-8")
    said = review(desk, "regen", "sample", "1-3", code=3)
    assert "Failed: Line 2: " in said
    assert "no take was made" in said
    review(desk, "render", "sample", "--dry-run")
    review(desk, "play", "sample", "1", "--no-open")
    desk.dubkit("plan", "sample.mp4", "--to", "pt-BR")
    review(desk, "edit", "sample", "2", "--clear", "voice")
    made = review(desk, "render", "sample", "--json")
    assert (made["exit_code"], made["ran"]["speak"]) == (0, 1)


@pytest.mark.slow
def test_the_cast_follows_a_split_speaker_in_one_run(desk: Desk) -> None:
    review(desk, "split", "sample", "3-4", "--name", "Ana")
    review(desk, "rename", "sample", "Ana", "--voice", "jf_nezumi")
    ran = review(desk, "render", "sample", "--json")["ran"]
    assert ran.pop("qc") <= 2
    assert ran.pop("schedule") == 4  # the other voice has a pace of its own, and its lines have neighbours
    assert ran.pop("speak") >= 2
    assert ran == {"cast": 1, "adapt": 2, "mix": 1, "stitch": 1}
    cast = {s["id"]: (s["name"], s["voice"]) for s in desk.read("sample/pt-BR/cast.json")["speakers"]}
    assert cast["spk2"] == ("Ana", "jf_nezumi")
    assert [line["speaker"] for line in lines(desk)] == ["spk1", "spk1", "spk2", "spk2"]
    review(desk, "merge", "sample", "Ana", "--into", "spk1")
    assert "speak" not in review(desk, "render", "sample", "--json")["ran"]  # the takes of before


def opened(desk: Desk, *arguments: str) -> Path:
    """Play on a desktop whose player writes down what it is given."""
    tool, told = desk.folder / "bin/xdg-open", desk.folder / "told"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}.part && mv {told}.part {told}\n')
    tool.chmod(0o755)
    path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
    desk.dubkit("review", "play", *arguments, DISPLAY=":0", PATH=path)
    until = time.monotonic() + 20
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return desk.folder / told.read_text()


@pytest.mark.slow
def test_a_line_is_compared_in_one_file(desk: Desk) -> None:
    done = desk.dubkit("review", "play", "sample", "2", DISPLAY="", WAYLAND_DISPLAY="")
    file = desk.folder / done.stdout.strip()
    assert file == desk.folder / "Output/sample/pt-BR/play/s0002.mp4"
    assert done.stderr == "Heard second: the rendered dub.\n"
    line = lines(desk)[1]
    with av.open(str(file)) as made:
        assert float(made.duration or 0) / 1e6 == pytest.approx(
            2 * (line["end"] - line["start"] + 1), abs=0.15
        )
        assert len(made.streams.video) == len(made.streams.audio) == 1
    assert opened(desk, "sample", "2") == file
    review(desk, "edit", "sample", "2", "--text", "Sou o Jordi.")
    review(desk, "regen", "sample", "2")
    own = review(desk, "play", "sample", "2", "--no-open", "--out", "own.mp4")
    assert "take v002, over the source" in own
    assert "older than the edits. Next: dubkit review render" in own
    assert (desk.folder / "own.mp4").stat().st_size > 10_000
    assert "rendered dub.\n" in review(desk, "play", "sample", "1", "--no-open")
    nowhere = review(desk, "play", "sample", "1", "--no-open", "--out", "no/folder.mp4", code=1)
    assert "no/folder.mp4: no such file" in nowhere


@pytest.mark.slow
def test_a_run_that_ends_degraded_says_so_in_its_exit_code(desk: Desk) -> None:
    review(desk, "edit", "sample", "1", "--text", "Bom dia a todos os que vieram de tão longe " * 3)
    said = review(desk, "regen", "sample", "1", code=3)
    assert "Degraded: Line 1: Its text is too long by " in said
