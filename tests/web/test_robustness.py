"""What goes wrong around the server: files removed under it, versions, killed processes, other databases."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from dubkit.config import configure
from dubkit.errors import DubkitError, SettingError
from dubkit.web.accounts.tables import User
from dubkit.web.accounts.throttle import PER_ACCOUNT, PER_ADDRESS
from dubkit.web.accounts.users import AccountConflict, Accounts
from dubkit.web.database import FILE, Database, migrate
from dubkit.web.jobs.kinds import JobWork
from dubkit.web.jobs.start import WorkerStart, start
from tests.support.paths import ROOT
from tests.support.postgres_server import PostgresServer, postgres_server
from tests.support.web_client import PASSWORD, SECRET, make_site, running_site
from tests.support.web_episode import write_episode
from tests.support.web_process import Served, served

SAMPLE = ROOT / "Input" / "sample.mp4"
PEOPLE: Any = {"root": "admin", "ed": "editor"}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


# --- the database -----------------------------------------------------------------------------


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    make_site(tmp_path).database.close()
    database = Database(f"sqlite:///{tmp_path / 'Output' / FILE}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingError, match="newer version of dubkit") as refused:
        make_site(tmp_path)
    assert "9999" in str(refused.value)
    with pytest.raises(SettingError, match="newer version of dubkit"):
        start(_worker(tmp_path / "Output"))
    database.close()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    output = tmp_path / "Output"
    output.mkdir()
    (output / FILE).write_text("garbage" * 1000)
    with pytest.raises(SettingError, match="does not answer"):
        make_site(tmp_path)
    with pytest.raises(SettingError, match="does not answer"):
        start(_worker(output))
    assert (output / FILE).read_text() == "garbage" * 1000


def test_an_output_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="cannot be created"):
        start(_worker(tmp_path / "file" / "Output"))
    from dubkit.web.accounts.secret import load_secret

    with pytest.raises(DubkitError, match="name another one with --output"):
        load_secret(configure({}, environment={}, folders=()), tmp_path / "file" / "Output", local=True)


def _worker(output: Path) -> WorkerStart:
    settings = configure({}, environment={}, folders=()).settings
    return WorkerStart(settings, output, lambda own: pytest.fail("it opened a session"), once=True)


def test_a_database_that_was_removed_takes_no_jobs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite would go on with a file that nobody can find any more, and what is accepted would be lost."""
    with running_site(tmp_path, PEOPLE) as server:
        browser = server.browser("ed")
        browser.csrf()
        write_episode(server.site, "clip")
        file = server.site.output / FILE
        server.site.database.close()  # nothing is left in the journal
        kept = file.rename(tmp_path / "kept.db")
        with caplog.at_level(logging.WARNING):
            for path in ("/api/episodes/clip/pt-BR/render", "/logout"):
                assert browser.post(path).status_code == 503
            assert browser.get("/api/health").status_code == 503
        assert "no longer exists" in caplog.text
        assert not file.exists(), "an empty one was made"
        # Back from the backup, it goes on as if nothing had been.
        shutil.copy(kept, file)
        assert browser.post("/api/episodes/clip/pt-BR/render").status_code == 202
        # Replaced under open connections: what is written goes into the new file.
        for journal in file.parent.glob(f"{FILE}-*"):
            journal.unlink()
        os.replace(shutil.copy(kept, tmp_path / "again.db"), file)
        assert browser.post("/api/episodes/clip/pt-BR/render").status_code == 202
        assert len(server.site.queue.jobs()) == 1


# --- PostgreSQL -------------------------------------------------------------------------------


@pytest.mark.slow
def test_accounts_hold_under_changes_at_once_on_postgresql(postgres: PostgresServer) -> None:
    database = Database(postgres.new_url())
    migrate(database)
    accounts = Accounts(database)
    for round in range(3):
        pair = [f"a{round}", f"b{round}"]
        for user in accounts.users():
            if user.role == "admin" and len(accounts.users()) > 1:
                with database.transaction() as session:
                    session.delete(session.get(User, user.name))
        for name in pair:
            accounts.add(name, "admin", PASSWORD)
        for user in accounts.users():
            if user.name not in pair:
                accounts.remove(user.name)

        def demote(name: str) -> bool:
            try:
                accounts.set_role(name, "viewer")
                return True
            except AccountConflict:
                return False

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(demote, pair))
        assert sorted(done) == [False, True], "nobody is left to manage users"
        assert [user.role for user in accounts.users()].count("admin") == 1

        def add(number: int) -> bool:
            try:
                accounts.add("same", "viewer", PASSWORD)
                return True
            except AccountConflict:
                return False

        with ThreadPoolExecutor(3) as pool:
            assert sorted(pool.map(add, range(3))) == [False, False, True]
        accounts.remove("same")
    database.close()


@pytest.mark.slow
def test_a_server_and_a_worker_work_on_postgresql(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_url()
    database = Database(url)
    migrate(database)
    accounts = Accounts(database)
    accounts.add("root", "admin", PASSWORD)
    accounts.add("ed", "editor", PASSWORD)
    with running_site(tmp_path, serve__database=url) as server:
        shutil.copy(SAMPLE, server.site.inputs / "film.mp4")
        ed, root = server.browser("ed"), server.browser("root")
        asked = {"source": "film.mp4", "until": "shots", "settings": {"transcribe.hints": "a\x00b\ud800"}}
        for body in (asked, {**asked, "settings": {}}):
            content = json.dumps(body)  # with halves of letters, which the client would not send
            answer = ed.post("/api/jobs", content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code in (201, 400, 422), answer.text
        job = answer.json()["id"]
        lost = server.site.queue.submit(
            JobWork("dub", str(server.site.inputs / "gone.mp4"), "gone", (), until="extract"), "ed"
        )
        assert root.delete("/api/users/ed").status_code == 204
        assert ed.get("/api/me").status_code == 401
        worker = [sys.executable, "-m", "dubkit", "worker", "--once", "--output", str(server.site.output)]
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("DUBKIT_", "OPENAI_"))}
        environment = kept | {"DUBKIT_SERVE_DATABASE": url, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            worker, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert root.get(f"/api/jobs/{job}").json()["state"] == "done", done.stderr
        missing = root.get(f"/api/jobs/{lost.id}").json()
        assert missing["state"] == "failed"
        assert "gone.mp4" in missing["error"]
        for path in (
            "/",
            "/jobs",
            f"/jobs/{job}",
            "/users",
            "/api/audit",
            f"/api/jobs/{job}/log",
            "/metrics",
        ):
            assert root.get(path).status_code == 200, path
        assert root.post("/logout").status_code == 303
    database.close()


# --- killed -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_server_has_kept_every_edit_it_confirmed(tmp_path: Path) -> None:
    with served(tmp_path, PEOPLE, DUBKIT_MODELS_OFFLINE="true") as server:
        site: Any = SimpleNamespace(inputs=server.inputs, output=server.output)
        store = write_episode(site, "clip")
        line = "/api/episodes/clip/pt-BR/lines/s0002"
        confirmed = 0

        def edit() -> None:
            nonlocal confirmed
            with server.ask("ed") as ed:
                for number in range(1, 10_000):
                    try:
                        answer = ed.patch(line, json={"text": f"text {number}"})
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 200
                    confirmed = number

        writer = threading.Thread(target=edit)
        writer.start()
        while confirmed < 20:
            time.sleep(0.01)
        server.stop(signal.SIGKILL)
        writer.join(30)
        with (store.root / "edits.jsonl").open("ab") as log:
            log.write(b'{"torn')  # and the disk kept half of the next event
        server.start()
        with server.ask("ed") as ed:
            now = ed.get(line).json()["line"]["text"]
            assert now in (f"text {confirmed}", f"text {confirmed + 1}")
            events = ed.get("/api/episodes/clip/pt-BR/edits?limit=1000").json()["events"]
            assert len(events) >= confirmed
            # Killed between an edit and its line in the log, the edit is logged as a change by hand.
            undone = ed.post("/api/episodes/clip/pt-BR/undo", json={})
            if undone.status_code == 409:
                by_hand = max(event["number"] for event in events) + 1
                undone = ed.post("/api/episodes/clip/pt-BR/undo", json={"number": by_hand})
            assert undone.status_code == 200, undone.text
            assert ed.get(line).json()["line"]["text"] != now
            assert ed.post("/api/episodes/clip/pt-BR/redo").status_code == 200
            assert ed.get(line).json()["line"]["text"] == now


# --- a server that others can reach -----------------------------------------------------------


def _worker_of(server: Served) -> int:
    """Wait for the server's worker. Until it is one, a started process shows the server's own words."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for pid in server.workers():
            if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
        time.sleep(0.01)
    raise AssertionError("no worker has started: " + "".join(server.said))


@pytest.mark.slow
def test_a_server_for_others_keeps_its_secrets_and_its_limits(tmp_path: Path) -> None:
    own = {
        "DUBKIT_SERVE_HOST": "0.0.0.0",
        "DUBKIT_SERVE_SECRET": SECRET,
        "DUBKIT_SERVE_API_TOKEN": SECRET[::-1],
    }
    with served(tmp_path, PEOPLE, **own) as server:
        worker = _worker_of(server)
        assert SECRET not in (environment := Path(f"/proc/{worker}/environ").read_text())
        assert SECRET[::-1] not in environment
        shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True)
        assert "dubkit" in shown.stdout
        assert SECRET not in shown.stdout
        with httpx.Client(
            transport=httpx.HTTPTransport(local_address="127.0.0.2"), base_url=server.url
        ) as outside:
            began = time.monotonic()
            codes = [_fail(outside, "root", str(n)) for n in range(PER_ACCOUNT.amount + 2)]
            assert set(codes) == {401}
            assert time.monotonic() - began > 3, "one second, then two"
            # Other names, until the address is slow, whatever it says of itself.
            codes = [
                _fail(outside, f"n{n}", str(n)) for n in range(PER_ADDRESS.amount - PER_ACCOUNT.amount - 2)
            ]
            assert set(codes) == {401}
            began = time.monotonic()
            assert _fail(outside, "another", "1") == 401
            assert time.monotonic() - began > 1
        with httpx.Client(base_url=server.url) as proxy:  # the account is slow from everywhere
            began = time.monotonic()
            assert _fail(proxy, "ed", "1") == 401
            soon = time.monotonic() - began
            assert _fail(proxy, "root", "1") == 401
            assert time.monotonic() - began - soon > 3
        with server.ask("root") as root:
            settings = root.get("/api/settings").text
            log = root.get("/api/audit?limit=500").text
        said = "".join(server.said)
        for secret in (SECRET, SECRET[::-1], "guess-"):
            assert secret not in settings + log + said
        assert "127.0.0.2" in log
        assert "198.51.100" in log, "a proxy on this machine is believed"


def _fail(client: httpx.Client, name: str, number: str) -> int:
    """Fail to log in, with another claim of where it comes from each time."""
    claim = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
    page = client.get("/login", headers=claim)
    token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
    cookie = page.headers["set-cookie"].split(";")[0]
    form = {"name": name, "password": f"guess-{number}", "csrf_token": token}
    return client.post("/login", data=form, headers={**claim, "Cookie": cookie}).status_code
