"""The runner of cases: it passes what is right, and fails what is wrong with what came instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.trials.attempt import attempt
from benchmarks.trials.case import BadCase, read_cases
from benchmarks.trials.command import main


def write(folder: Path, text: str, **files: str) -> Path:
    (folder / "cases.toml").write_text(text, "utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, "utf-8")
    return folder


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def run(text: str, *options: str, **files: str) -> tuple[int, str, str]:
        folder = tmp_path / "cases"
        folder.mkdir()
        code = main([str(write(folder, text, **files)), *options])
        return code, *capsys.readouterr()

    return run


def test_a_command_its_files_and_what_came_of_it(run) -> None:
    code, out, _ = run(
        """
        [words]
        say = "cat a.txt"
        [[case]]
        name = "right"
        files = ["a.*"]
        run = "{say} && cp a.txt b.txt; exit 3"
        exit = [0, 3]
        expect = [
          { of = "stdout", contains = ["Bom", "dia"] },
          { of = "file:b.txt", equals = "Bom dia" },
          { of = "file:c.txt", exists = false },
        ]
        [[case]]
        name = "wrong"
        files = ["a.txt"]
        run = "{say}"
        expect = [{ of = "stdout", matches = "tarde$" }]
        """,
        a_txt="Bom dia",
    )
    assert code == 1
    assert "pass" in out.splitlines()[0]
    assert "FAIL" in out.splitlines()[1]
    assert "expected matches 'tarde$', got 'Bom dia'" in out
    assert "1 passed, 1 failed, 0 left out" in out


def test_each_row_of_a_table_is_a_call(run) -> None:
    code, out, _ = run(
        """
        [[case]]
        name = "{number}"
        table = "t.tsv"
        call = "math.factorial"
        arguments = ["{number}"]
        raises = "TypeError"
        [[case]]
        name = "of numbers"
        call = "math.sqrt"
        arguments = [2]
        expect = [{ of = "value", near = 1.41, within = 0.01 }, { of = "value", near = 1.5, within = 0.01 }]
        """,
        t_tsv='number\tmore\n3\t"\nx\t\n',
    )
    assert code == 1
    assert out.count("pass") == 3
    assert "expected near '1.5 within 0.01', got '1.41" in out


def test_a_traceback_fails_whatever_is_expected(run) -> None:
    code, out, _ = run("""
        [[case]]
        name = "falls over"
        run = "python -c 1/0"
        exit = 1
        """)
    assert code == 1
    assert "it ends in a traceback" in out


def test_a_service_is_there_while_the_case_runs_and_not_after(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        [[case]]
        name = "served"
        files = ["index.html", "read.py"]
        service = "python -m http.server {port} --bind 127.0.0.1"
        run = "echo {url} > address; python read.py {url}/"
        expect = [{ of = "stdout", contains = "hello" }]
        """,
        index_html="hello",
        read_py="import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read())",
    )
    (case,) = read_cases(tmp_path)
    folder = tmp_path / "work"
    folder.mkdir()
    assert attempt(case, tmp_path, folder).problems == ()
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen((folder / "address").read_text().strip(), timeout=2)


def test_a_command_is_interrupted_and_one_that_hangs_is_ended(run) -> None:
    code, out, _ = run("""
        [[case]]
        name = "stopped"
        run = "trap 'echo got it; exit 130' INT; echo ready; while true; do sleep 0.05; done"
        interrupt = { when = "ready" }
        exit = 130
        expect = [{ of = "stdout", contains = "got it" }]
        [[case]]
        name = "hangs"
        run = "sleep 60"
        seconds = 0.3
        """)
    assert code == 1
    assert out.startswith("pass")
    assert "still running after 0.3 s" in out


def test_facts_of_a_film(run) -> None:
    film = Path(__file__).parents[1] / "data/cases/media/gopro.mp4"
    code, out, _ = run(f"""
        [[case]]
        name = "film"
        run = "cp {film} film.mp4"
        expect = [
          {{ of = "media:film.mp4", at = "streams[].kind", equals = ["video", "audio", "data"] }},
          {{ of = "media:*.mp4", at = "duration", near = 9.967, within = 0.001 }},
          {{ of = "media:film.mp4", at = "streams[0].[width, height, packets]", equals = [180, 120, 299] }},
        ]
        """)
    assert (code, out.splitlines()[-1]) == (0, "1 passed, 0 failed, 0 left out")


def test_a_program_that_is_missing_leaves_its_case_out(run) -> None:
    code, out, _ = run("""
        [[case]]
        name = "needs more"
        needs = ["no-such-program"]
        run = "exit 9"
        """)
    assert code == 0
    assert "no-such-program is not on this machine" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[case]]\nname = 'a'\nrun = 'x'\nexpects = []", "expects"),
        ("[[case]]\nname = 'a'\nrun = 'x'\nexpect = [{ of = 'stdout' }]", "one of equals"),
        ("[[case]]\nname = 'a'", "`run` or `call`"),
        ("[[case]]\nname = 'a'\nrun = 'x'\n[[case]]\nname = 'a'\nrun = 'y'", "two cases are called a"),
        ("[[case]]\nname = 'a'\ntable = 'no.tsv'\nrun = 'x'", "no.tsv is not there"),
        ("[[case]\n", "cases.toml"),
        ("[[case]]\nname = 'a'\nfiles = ['gone.srt']\nrun = 'x'", "there is no file gone.srt"),
        ("[[case]]\nname = 'a'\nrun = 'echo'\nexpect = [{ of = 'stdot', equals = 1 }]", "cannot be 'stdot'"),
    ],
)  # fmt: skip
def test_cases_that_cannot_be_read_are_named(run, text: str, said: str) -> None:
    code, _, err = run(text)
    assert code == 2
    assert said in err


def test_the_cases_of_the_project_can_be_read() -> None:
    for folder in ("speech", "media"):
        assert read_cases(Path(__file__).parents[1] / "data/cases" / folder)


def test_a_folder_without_cases(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match=r"has no cases\.toml"):
        read_cases(tmp_path)
