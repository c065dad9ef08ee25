"""Clips made by workers on other machines: the same bytes, another one where one dies, no half orders."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from click.testing import CliRunner

from dubkit.cli.worker import command
from dubkit.engines.command.record import ENGINE as COMMAND
from dubkit.engines.command.record import CommandSettings
from dubkit.engines.engine import ClipMade, ClipOrder
from dubkit.engines.remote.record import ENGINE, RemoteSettings
from dubkit.engines.remote.wire import PackageRefused, read_order, write_order
from dubkit.errors import ClipWorkersDown, GeneratorError, SettingError
from dubkit.host import ALONE
from stages.shared.at_once import at_once
from tests.engines.test_command import CALL
from tests.support.clip_workers import TOKEN, ClipWorkerProcess, working
from tests.support.orders import order

HEAD = {"Authorization": f"Bearer {TOKEN}"}
TOLD = ("DUBKIT_DUB_REMOTE_TOKEN", "DUBKIT_DUB_COMMAND_COMMAND")
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClipWorkerProcess]:
    found = ClipWorkerProcess(tmp_path_factory.mktemp("worker"), DUBKIT_DUB_REMOTE_MAX_MB="1")
    with working(found):
        yield found


def asked(*addresses: str, **values: object) -> ClipOrder:
    settings = RemoteSettings(" ".join(addresses), TOKEN, **{"rounds": 1, **values})  # type: ignore[arg-type]
    return replace(order(), settings=settings)


def make(wanted: ClipOrder) -> ClipMade:
    assert ENGINE.make is not None
    return ENGINE.make(wanted)


def package(folder: Path, **changes: object) -> tuple[str, bytes]:
    write_order(replace(order(), **changes), "", folder / "order.zip")  # type: ignore[arg-type]
    content = (folder / "order.zip").read_bytes()
    return hashlib.sha256(content).hexdigest(), content


def settled(client: httpx.Client, job: str) -> dict[str, str]:
    for _ in range(600):
        state: dict[str, str] = client.get(f"/clips/{job}", headers=HEAD).json()
        if state["state"] in ("done", "failed"):
            return state
        time.sleep(0.05)
    raise AssertionError(state)


def test_a_clip_made_elsewhere_has_the_bytes_of_one_made_here(worker: ClipWorkerProcess) -> None:
    wanted = asked(worker.url)
    there = make(wanted)
    settings = CommandSettings(command=f"{CALL} good {{clip}} {{sound}} {{out}}")
    assert COMMAND.make is not None
    here = COMMAND.make(replace(wanted, settings=settings))
    assert wanted.given is not None
    assert np.array_equal(there.sound, wanted.given)
    assert all(np.array_equal(a, b) for a, b in zip(there.pictures, here.pictures, strict=True))
    assert there.remarks == here.remarks
    assert "Clip " in worker.said
    assert not list(worker.folder.glob("dubkit-clips-*/[0-9a-f]*")), "nothing of it is left there"


def test_the_next_worker_makes_what_a_dead_one_does_not(
    worker: ClipWorkerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for addresses in ((NOBODY, worker.url), (worker.url, NOBODY)):
        assert len(list(make(asked(*addresses)).pictures)) == 17
    assert "is not made at http://127.0.0.1:9: it does not answer (ConnectError" in caplog.text


def test_without_any_worker_the_clip_fails_for_now() -> None:
    with pytest.raises(
        ClipWorkersDown, match=r"no worker could make clip c0001:\n  http://127.0.0.1:9: "
    ) as error:
        make(asked(NOBODY))
    assert error.value.may_pass


def test_a_worker_that_dies_over_a_clip_is_replaced_and_one_that_returns_is_asked_anew(
    tmp_path: Path,
) -> None:
    slow = ClipWorkerProcess(tmp_path / "slow", "slow", LIP_PROGRAM_SECONDS="60")
    spare = ClipWorkerProcess(tmp_path / "spare")
    with working(slow, spare):
        results: list[object] = []

        def work() -> None:
            results.append(make(asked(slow.url, spare.url, rounds=3, answer=10)))

        # Whichever is asked first: the slow one dies with whatever it has.
        with httpx.Client(base_url=slow.url) as client:
            job, content = package(tmp_path)
            client.put(f"/clips/{job}", content=content, headers=HEAD)
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(1.0)
        slow.end()
        thread.join(60)
        assert isinstance(results[0], ClipMade)
        slow.mode = "good"
        slow.start()
        assert len(list(make(asked(slow.url)).pictures)) == 17


def test_a_worker_that_takes_too_long_is_left(tmp_path: Path) -> None:
    slow = ClipWorkerProcess(tmp_path / "slow", "slow", LIP_PROGRAM_SECONDS="60")
    with working(slow), pytest.raises(ClipWorkersDown, match=r"clip c0001 was not there within 0.5 s"):
        make(asked(slow.url, timeout=0.5))


def test_what_the_program_says_reaches_the_one_who_asked(tmp_path: Path) -> None:
    failing = ClipWorkerProcess(tmp_path / "failing", "fails")
    with working(failing):
        with pytest.raises(
            GeneratorError, match=r"Its last words: RuntimeError: no face was found."
        ) as error:
            make(asked(failing.url, NOBODY))
        assert not error.value.may_pass
        assert failing.end(signal.SIGTERM) in (0, -signal.SIGTERM)


def test_nobody_comes_in_without_the_token(worker: ClipWorkerProcess, tmp_path: Path) -> None:
    job, _ = package(tmp_path)
    with httpx.Client(base_url=worker.url) as client:
        assert client.get("/health").json() == {
            **{"status": "ok", "engine": "command"},
            **{"waiting": 0, "max_mb": 1},
        }
        for head in ({}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}):
            for method, path in (("PUT", ""), ("GET", ""), ("DELETE", ""), ("GET", "/film")):
                # Without a body: who is refused while one is sent can lose the answer on the way.
                answer = client.request(method, f"/clips/{job}{path}", headers=head)
                assert answer.status_code == 401
        assert client.get("/clips/../../etc/passwd", headers=HEAD).status_code == 404
        assert client.get("/clips/" + "z" * 64, headers=HEAD).status_code == 404
    with pytest.raises(GeneratorError, match=r"refuses the token. Set dub.remote.token"):
        make(replace(order(), settings=RemoteSettings(worker.url, "another-word-of-some-length")))


def test_half_damaged_and_large_orders_are_refused_and_leave_nothing(
    worker: ClipWorkerProcess, tmp_path: Path
) -> None:
    job, content = package(tmp_path)
    with httpx.Client(base_url=worker.url) as client:
        answer = client.put(f"/clips/{job}", content=content[:-9], headers=HEAD)
        assert (answer.status_code, answer.json()) == (400, {"error": "the order arrived damaged"})

        def endless() -> Iterator[bytes]:
            while True:
                yield b"x" * 65_536

        for body in (b"x" * (1 << 20) + b"x", endless()):
            # It ends the connection, and its answer can be lost on the way.
            with contextlib.suppress(httpx.TransportError):
                assert client.put(f"/clips/{job}", content=body, headers=HEAD).status_code == 413
        with socket.create_connection(("127.0.0.1", worker.port)) as half:
            head = f"PUT /clips/{job} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            half.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[:2000])
            time.sleep(0.2)
        for _ in range(100):
            if "broke off after 2000 bytes" in worker.said:
                break
            time.sleep(0.05)
        assert "broke off after 2000 bytes" in worker.said
        assert client.get(f"/clips/{job}", headers=HEAD).status_code == 404
        assert not list(worker.folder.glob("dubkit-clips-*/*.part"))


def test_what_is_no_order_is_refused(worker: ClipWorkerProcess, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("clip.json", "pictures.mkv", "sound.npy"):
            file.writestr(name, bytes(1 << 20))
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("../../evil", b"x")
    with httpx.Client(base_url=worker.url) as client:
        for content, said in (
            (bomb.read_bytes(), "its parts are compressed"),
            (other.read_bytes(), "it holds ../../evil"),
            (b"no package", "it is damaged"),
        ):
            job = hashlib.sha256(content).hexdigest()
            answer = client.put(f"/clips/{job}", content=content, headers=HEAD)
            assert (answer.status_code, said in answer.json()["error"]) == (409, True), answer.text


def test_the_same_order_is_made_once_and_a_full_worker_says_so(tmp_path: Path) -> None:
    slow = ClipWorkerProcess(
        tmp_path / "slow", "slow", LIP_PROGRAM_SECONDS="2", DUBKIT_DUB_REMOTE_WAITING="0"
    )
    with working(slow), httpx.Client(base_url=slow.url) as client:
        job, content = package(tmp_path)
        for _ in range(2):
            assert client.put(f"/clips/{job}", content=content, headers=HEAD).status_code == 202
        assert client.get("/health").json()["waiting"] == 1
        other, _ = package(tmp_path, seed=7)
        assert other != job
        answer = client.put(f"/clips/{other}", headers=HEAD)  # refused before there is a body
        assert (answer.status_code, answer.json()["error"]) == (503, "it has enough to do")
        assert settled(client, job)["state"] == "done"
        assert slow.said.count("is made\n") == 1


def test_a_clip_that_is_too_large_for_a_worker_is_not_sent(worker: ClipWorkerProcess) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 128, 3), np.uint8)
    wanted = replace(asked(worker.url), pictures=lambda: iter([noise] * 99))
    with pytest.raises(
        ClipWorkersDown, match=r"the order has \d+ MB, and it takes 1 \(dub.remote.max_mb there\)"
    ):
        make(wanted)


def test_a_worker_with_another_engine_is_not_asked_to_make_it(worker: ClipWorkerProcess) -> None:
    with pytest.raises(ClipWorkersDown, match="its engine is command, and wav2lip is asked for"):
        make(asked(worker.url, engine="wav2lip"))


def test_an_order_arrives_bit_for_bit(tmp_path: Path) -> None:
    wanted = order(channels=6)
    write_order(wanted, "command", tmp_path / "a.zip")
    write_order(wanted, "command", tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    text, found = read_order(tmp_path / "a.zip", tmp_path / "parts", ALONE, lambda: 7)
    assert (text.engine, found.clip, found.rate, found.settings) == ("command", wanted.clip, wanted.rate, 7)
    assert np.array_equal(found.sound, wanted.sound)
    assert found.given is not None
    assert wanted.given is not None
    assert np.array_equal(found.given, wanted.given)
    assert all(np.array_equal(a, b) for a, b in zip(found.pictures(), wanted.pictures(), strict=True))


def test_an_order_of_another_version_says_which_side_is_old(tmp_path: Path) -> None:
    write_order(order(), "", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as given, zipfile.ZipFile(tmp_path / "b.zip", "w") as made:
        for name in given.namelist():
            made.writestr(name, given.read(name).replace(b'"version":1', b'"version":2'))
    with pytest.raises(PackageRefused, match="it has version 2, and 1 is read here: update the older side"):
        read_order(tmp_path / "b.zip", tmp_path / "parts", ALONE, lambda: None)


@pytest.mark.parametrize("address", ["gpu1:8100", "ftp://gpu1", "http://me:word@gpu1"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(SettingError, match=r"dub.remote.addresses"):
        RemoteSettings(address)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "command"), "A clip worker needs a token"),
        (
            ("--engine", "voice", "--set", f"dub.remote.token={TOKEN}"),
            "cannot use the engine voice: it makes no whole clip for given speech",
        ),
        (
            ("--engine", "command", "--set", f"dub.remote.token={TOKEN}"),
            "The engine command cannot work here: no program is set up",
        ),
    ],
)
def test_a_worker_that_cannot_work_does_not_start(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(command, ["--clips", *words], env=dict.fromkeys(TOLD))
    assert result.exit_code == 1
    assert said in str(result.exception)


def test_results_come_in_order_while_several_are_made() -> None:
    most, running, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05 * (3 - number % 3))
        with lock:
            running -= 1
        if number == 4:
            raise GeneratorError("four")
        return number

    found: list[object] = []
    for key, made in at_once(((n, lambda n=n: work(n)) for n in range(7)), 3):
        try:
            found.append((key, made()))
        except GeneratorError as error:
            found.append((key, str(error)))
    assert found == [(n, "four" if n == 4 else n) for n in range(7)]
    assert most == 3
