"""`dubkit serve` and `dubkit users`, as processes where it matters."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import httpx
import pytest
from click.testing import CliRunner, Result

from dubkit.cli import cli, serve
from dubkit.errors import DubkitError, SettingError
from dubkit.web.accounts.audit import entries
from dubkit.web.accounts.users import AccountConflict, NoSuchUser
from tests.support.paths import ROOT
from tests.support.web_client import PASSWORD, SECRET, make_site

RUN = "import sys; from dubkit.cli import {0}; sys.argv[0] = 'dubkit'; {0}.command()"


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DUBKIT_")]:
        monkeypatch.delenv(name)


def run_users(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["users", *arguments], input=typed)


def added(name: str = "root", role: str = "admin") -> None:
    done = run_users("add", name, "--role", role, "--password-stdin", typed=PASSWORD + "\n")
    assert done.exit_code == 0, done.output


# --- users ------------------------------------------------------------------------------------


def test_users_are_added_listed_changed_and_removed(tmp_path: Path) -> None:
    make_site(tmp_path).database.close()
    assert "No users" in run_users("list").stderr
    added()
    added("ed", "viewer")
    assert run_users("role", "Ed", "editor").stdout == "ed has the role editor.\n"
    made = run_users("token", "ed", "--label", "ci", "--days", "30")
    assert made.stdout.startswith("dubkit_")
    listed = json.loads(run_users("list", "--json").stdout)
    assert [(user["name"], user["role"], len(user["tokens"])) for user in listed] == [
        ("ed", "editor", 1), ("root", "admin", 0),
    ]  # fmt: skip
    token = listed[0]["tokens"][0]["id"]
    assert re.search(rf"token {token}  editor   until .* ci", run_users("list").stdout)
    assert run_users("token", "ed", "--revoke", token).exit_code == 0
    assert run_users("passwd", "ed", "--password-stdin", typed="another good phrase\n").exit_code == 0
    assert run_users("remove", "ed").stdout == "Removed ed.\n"
    site = make_site(tmp_path)
    actions = [entry.action for entry in reversed(entries(site))]
    assert actions == [
        "user added", "user added", "role changed", "token made", "token revoked", "password changed",
        "user removed",
    ]  # fmt: skip
    assert {entry.person for entry in entries(site)} == {"command line"}
    site.database.close()


@pytest.mark.parametrize(
    "arguments", [("list",), ("passwd", "ed"), ("role", "ed", "viewer"), ("remove", "ed"), ("token", "ed")]
)
def test_where_no_server_was_nothing_is_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "Output").mkdir()
    for folder, what in (("Output", "no database dubkit.db in"), ("Outptu", "no folder")):
        for more in (("--output", folder), ("--database", f"sqlite:///{folder}/dubkit.db")):
            done = run_users(*arguments, *more)
            assert isinstance(done.exception, DubkitError)
            assert what in str(done.exception)
            assert folder in str(done.exception)
            assert "--output" in str(done.exception)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["Output"]


def test_a_worker_makes_no_database(tmp_path: Path) -> None:
    for folder in ("Output", "Outptu"):
        done = CliRunner().invoke(cli, ["worker", "--once", "--output", folder])
        assert isinstance(done.exception, DubkitError)
        assert folder in str(done.exception)
    assert list(tmp_path.iterdir()) == []
    added()
    assert CliRunner().invoke(cli, ["worker", "--once"]).exit_code == 0


def test_the_first_user_makes_the_database_and_says_so(tmp_path: Path) -> None:
    typed = PASSWORD + "\n"
    add = ("add", "root", "--role", "admin", "--password-stdin")
    refused = [
        run_users(*add, "--output", "Outptu", typed=typed),
        run_users("add", "ed", "--password-stdin", typed=typed),
        run_users(*add, typed="short\n"),
        run_users("add", "a/b", "--role", "admin", "--password-stdin", typed=typed),
    ]
    assert all(isinstance(done.exception, DubkitError) for done in refused)
    assert "There is no folder" in str(refused[0].exception)
    assert list(tmp_path.iterdir()) == []
    done = run_users(*add, typed=typed)
    assert (done.exit_code, done.stdout) == (0, "Added root with the role admin.\n")
    assert f"Created the database {tmp_path / 'Output' / 'dubkit.db'}" in done.stderr
    (tmp_path / "other").mkdir()
    assert "other/dubkit.db" in run_users(*add, "--output", "other", typed=typed).stderr
    assert "Made" not in run_users("add", "ed", "--password-stdin", typed=typed).stderr


def test_a_password_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    done = run_users("add", "root", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0
    assert PASSWORD not in done.output
    wrong = run_users("add", "ed", typed=f"{PASSWORD}\nsomething else\n")
    assert wrong.exit_code != 0
    assert [user["name"] for user in json.loads(run_users("list", "--json").stdout)] == ["root"]


def test_a_password_is_no_argument() -> None:
    assert run_users("add", "root", PASSWORD).exit_code == 2
    assert run_users("add", "root", "--password", PASSWORD).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("remove", "root"), AccountConflict),
        (("role", "root", "viewer"), AccountConflict),
        (("remove", "nobody"), NoSuchUser),
        (("token", "nobody"), NoSuchUser),
        (("token", "root", "--revoke", "x"), NoSuchUser),
        (("token", "root", "--days", "0"), DubkitError),
        (("passwd", "nobody"), NoSuchUser),
        (("add", "ROOT", "--password-stdin"), AccountConflict),
        (("add", "a/b", "--password-stdin"), DubkitError),
        (("add", "short", "--password-stdin"), DubkitError),
        (("list", "--database", "mysql://x"), SettingError),
    ],
)
def test_what_cannot_be_done_to_users_is_said(arguments: tuple[str, ...], error: type[Exception]) -> None:
    added()
    typed = "short\n" if "short" in arguments else PASSWORD + "\n"
    done = run_users(*arguments, typed=typed)
    assert isinstance(done.exception, error)


def test_the_first_user_on_the_command_line_is_an_admin() -> None:
    done = run_users("add", "ed", "--password-stdin", typed=PASSWORD + "\n")
    assert isinstance(done.exception, AccountConflict)


# --- serve ------------------------------------------------------------------------------------


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the server as a process on a free port; give its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN.format("serve"), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()  # type: ignore[union-attr]
    try:
        found = re.search(r"http://\S+/", lines.get(timeout=60))
        if found is None:
            process.kill()
            raise AssertionError(process.communicate()[1])
        yield found[0], process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_server_answers_and_a_signal_stops_it_in_order(tmp_path: Path, how: signal.Signals) -> None:
    with serving("--workers", "0") as (address, process):
        assert httpx.get(f"{address}api/me?x=query-secret").status_code == 422
        me = httpx.get(f"{address}api/me").json()
        assert (me["name"], me["local"]) == ("local", True)
        process.send_signal(how)
        rest, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Stopped" in errors
    assert "Traceback" not in errors
    assert "GET '/api/me' 200" in errors
    assert "GET '/api/me' 422" in errors
    assert "query-secret" not in errors + rest
    assert (tmp_path / "Output" / ".dubkit-secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "Output" / "dubkit.db").is_file()


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = CliRunner().invoke(cli, ["serve", "--port", str(other.getsockname()[1])])
    assert isinstance(done.exception, DubkitError)
    assert "choose another with --port" in str(done.exception)
    assert not (tmp_path / "Output").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0", "--port", "0"], "secret of your own"),
        (["--host", "no such host.invalid", "--port", "0"], "no such address"),
        (["--host", "203.0.113.77", "--port", "0"], "Cannot listen"),
        (["--port", "99999"], "serve.port"),
        (["--workers", "-1", "--port", "0"], "serve.workers"),
        (["--database", "mysql://root:pass@h/x", "--port", "0"], "only sqlite and postgresql"),
    ],
)
def test_a_server_that_cannot_be_is_refused(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(cli, ["serve", *arguments])
    assert isinstance(done.exception, DubkitError)
    assert message in str(done.exception)
    assert "pass@" not in str(done.exception)


def test_off_this_machine_it_wants_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBKIT_SERVE_SECRET", SECRET)
    done = CliRunner().invoke(cli, ["serve", "--host", "0.0.0.0", "--port", "0"])
    assert "dubkit users add NAME --role admin" in str(done.exception)


def test_missing_packages_are_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "WEB", ("sqlalchemy", "no_such_package"))
    with pytest.raises(DubkitError, match="no_such_package") as said:
        serve.need_web()
    assert "pip install 'dubkit[web]'" in str(said.value)


def test_workers_get_neither_secret_nor_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBKIT_SERVE_SECRET", SECRET)
    monkeypatch.setenv("API_TOKEN", SECRET)
    monkeypatch.setenv("STRICT_SECRETS", "1")
    configured = serve.serve_settings({"serve.database": "sqlite:///x.db"})
    environment = serve._environment(configured)
    assert SECRET not in environment.values()
    assert environment["DUBKIT_SERVE_DATABASE"] == "sqlite:///x.db"


@pytest.mark.parametrize("module", ["serve", "users"])
def test_the_commands_start_light(module: str) -> None:
    code = (
        f"import sys\nimport dubkit.cli.{module}\n"
        "print(*[n for n in ('fastapi', 'sqlalchemy', 'uvicorn', 'numpy', 'argon2') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []
