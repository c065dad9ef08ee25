"""States over HTTP: a service in its own process, what it refuses, and two workers that make one shot."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from click.testing import CliRunner

from dubkit.cli import cli
from dubkit.cli.justdubit_states import STATE
from dubkit.dubbing.continuation import remote
from dubkit.dubbing.continuation.envelope import ContinuationState
from dubkit.dubbing.continuation.folder import FolderBlobStore, blob_id_of
from dubkit.dubbing.continuation.remote import HandoverFailed, RemoteStates, split_address
from dubkit.dubbing.continuation.state import LTX2ContinuationState
from dubkit.models.tiny.files import make_tiny
from tests.support.clips import model_files, write_film
from tests.support.paths import ROOT

TOKEN = "a-token-of-the-tests"
PROMPT = 'The man is speaking French, saying: "Bonjour."'


def dubkit(*words: object, **variables: str) -> subprocess.Popen[str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith("DUBKIT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "dubkit", *map(str, words)],
        env=kept | {"PYTHONPATH": str(ROOT), "DUBKIT_STATES_TOKEN": TOKEN} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def service(folder: Path, **settings: object) -> Iterator[str]:
    """Run `dubkit worker --states` in a process of its own; give its address."""
    named = {"states.port": 0, "states.folder": folder, **settings}
    process = dubkit("worker", "--states", *(f"--set={name}={value}" for name, value in named.items()))
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, process.communicate()[1]
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert "Traceback" not in err, err


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    limits = {"states.max_blob_mb": 0.2, "states.max_gb": 0.001}
    with service(tmp_path_factory.mktemp("states"), **limits) as started:
        yield started


@pytest.fixture
def states(address: str) -> RemoteStates:
    return RemoteStates(address, TOKEN, attempts=1)


def example(**changes: Any) -> LTX2ContinuationState:
    generator = torch.Generator().manual_seed(1)
    frames = torch.randint(0, 256, (9, 32, 32, 3), generator=generator, dtype=torch.uint8)
    sound = torch.randn(1, 8, 12, 16, generator=generator).to(torch.bfloat16)
    values: dict[str, Any] = {
        "segment_index": 2, "video_frames": frames, "audio_latents": sound, "audio_sample_rate": 24_000,
        "audio_conditioning_num_frames": 12, "audio_conditioning_strength": 0.0,
    }  # fmt: skip
    return LTX2ContinuationState(**values | changes)


def test_a_state_comes_back_bit_for_bit_its_tensors_as_blobs(states: RemoteStates) -> None:
    sent = example().to_continuation_state(states, inline_threshold_bytes=0)
    assert len(sent.blob_ids()) == 2
    states.save("shot003", sent)
    came = LTX2ContinuationState.from_continuation_state(states.load("shot003"), states)
    assert torch.equal(came.video_frames, example().video_frames)  # type: ignore[arg-type]
    assert torch.equal(came.audio_latents, example().audio_latents)  # type: ignore[arg-type]
    assert came.audio_latents.dtype == torch.bfloat16  # type: ignore[union-attr]
    assert (came.segment_index, came.sound_hold) == (2, 1.0)


def test_a_later_state_takes_the_place_of_an_earlier_one(states: RemoteStates) -> None:
    for index in (0, 1):
        states.save("again", example(segment_index=index).to_continuation_state())
    assert states.load("again").payload["segment_index"] == 1


def test_a_state_moves_from_one_store_to_another(states: RemoteStates, tmp_path: Path) -> None:
    here = FolderBlobStore(tmp_path)
    snapshot = example().to_continuation_state(here, inline_threshold_bytes=0)
    with pytest.raises(HandoverFailed, match=r"409: The state needs blob sha256-\w+, which is not here"):
        states.save("moved", ContinuationState("ltx2.v1", {"video": {"blob_id": blob_id_of(b"never sent")}}))
    for blob_id in snapshot.blob_ids():
        assert states.put(here.get(blob_id)) == blob_id
    states.save("moved", snapshot)
    assert states.load("moved") == snapshot


# --- what is refused


def test_what_is_not_there_is_said(states: RemoteStates) -> None:
    with pytest.raises(HandoverFailed, match="has no state nothing"):
        states.load("nothing")
    for blob_id in (blob_id_of(b"nothing"), "../../etc/passwd", "sha256-short"):
        with pytest.raises(KeyError):
            states.get(blob_id)


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a b", "ä", "x" * 101])
def test_names_that_are_paths_are_refused_before_anything_is_sent(states: RemoteStates, name: str) -> None:
    with pytest.raises(HandoverFailed, match="is no name of a state"):
        states.save(name, example().to_continuation_state())


@pytest.mark.parametrize("path", ["blobs/sha256-" + "0" * 64, "states/shot003"])
@pytest.mark.parametrize("token", ["", "wrong-token-of-tests"])
def test_nothing_is_given_or_taken_without_the_token(address: str, path: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for method in ("GET", "PUT"):
        query = f"?sha256={'0' * 64}" if path.startswith("states") else ""
        answer = httpx.request(method, f"{address}/{path}{query}", headers=headers, content=b"")
        assert answer.status_code == 401
    assert httpx.get(f"{address}/health").json() == {"status": "ok"}


def test_a_wrong_token_is_named_with_its_cure(address: str) -> None:
    with pytest.raises(HandoverFailed, match=r"refused the token\.\nSet DUBKIT_STATES_TOKEN"):
        RemoteStates(address, "another-token-than-that", attempts=1).load("shot003")
    with pytest.raises(HandoverFailed, match="wants a token, and none is set"):
        RemoteStates(address, "")


def put(address: str, path: str, content: bytes) -> tuple[int, str]:
    answer = httpx.put(f"{address}/{path}", content=content, headers={"Authorization": f"Bearer {TOKEN}"})
    return answer.status_code, answer.json()["detail"]


def test_bytes_that_changed_on_the_way_are_not_kept(address: str, states: RemoteStates) -> None:
    blob_id = blob_id_of(b"as they were")
    status, said = put(address, f"blobs/{blob_id}", b"as they came")
    assert (status, said[-14:]) == (400, "send it again.")
    with pytest.raises(KeyError):
        states.get(blob_id)
    digest = hashlib.sha256(b"{}").hexdigest()
    assert put(address, f"states/changed?sha256={digest}", b"{ }")[0] == 400
    with pytest.raises(HandoverFailed, match="has no state changed"):
        states.load("changed")


def test_a_state_that_is_none_is_refused(address: str) -> None:
    for text in (b"{}", b"[1]", b"not JSON", b'{"kind": "ltx2.v1"}'):
        status, said = put(address, f"states/odd?sha256={hashlib.sha256(text).hexdigest()}", text)
        assert (status, "continuation state" in said) == (400, True)


def test_what_is_too_large_is_refused_before_it_comes(address: str, states: RemoteStates) -> None:
    with pytest.raises(HandoverFailed, match=r"413: 200001 bytes are more than the 200000 that are taken"):
        states.put(bytes(200_001))
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Length": str(9 << 20)}
    connection.request("PUT", f"/states/large?sha256={'0' * 64}", headers=headers)
    assert connection.getresponse().status == 413  # nothing was sent yet
    connection.close()


def test_half_an_upload_leaves_nothing(address: str, states: RemoteStates) -> None:
    data = bytes(100_000)
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.putrequest("PUT", f"/blobs/{blob_id_of(data)}")
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:50_000])
    connection.close()
    with pytest.raises(KeyError):
        states.get(blob_id_of(data))
    assert states.put(data) == blob_id_of(data)
    assert states.get(blob_id_of(data)) == data


def test_all_of_it_has_a_bound_and_old_states_make_room(tmp_path: Path) -> None:
    limits = {"states.max_gb": 0.0003, "states.keep_hours": 2.0 / 3600}
    with service(tmp_path, **limits) as started:
        states = RemoteStates(started, TOKEN, attempts=1)
        states.put(bytes(200_000))
        with pytest.raises(
            HandoverFailed, match=r"507: The states take all their room; raise states\.max_gb"
        ):
            states.put(bytes(200_001))
        time.sleep(2.1)
        assert states.put(bytes(200_001))
        assert len(list((tmp_path / "blobs").iterdir())) == 1


@pytest.mark.parametrize("token", ["", "short"])
def test_the_service_does_not_start_without_a_token_that_is_long_enough(tmp_path: Path, token: str) -> None:
    process = dubkit("worker", "--states", f"--set=states.folder={tmp_path}", DUBKIT_STATES_TOKEN=token)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "states.token" in err
    assert "openssl rand" in err
    assert token == "" or token not in err


# --- services that fail


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def failing(*answers: Answer) -> Iterator[str]:
    """Run a server that gives these answers, the last one for ever."""
    given = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                (given.pop(0) if len(given) > 1 else given[0])(self)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answered(status: int, body: bytes, length: int | None = None, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "pause", lambda *_: 0.0)


@pytest.mark.usefixtures("hurried")
def test_trouble_that_passes_is_waited_for() -> None:
    data = b"as it is"
    cut = answered(200, data[:3], length=len(data))
    with failing(answered(503, b"busy"), cut, answered(200, data)) as started:
        assert RemoteStates(started, TOKEN, attempts=3).get(blob_id_of(data)) == data


@pytest.mark.usefixtures("hurried")
def test_trouble_that_does_not_pass_is_said_with_the_number_of_tries() -> None:
    with (
        failing(answered(503, b"busy")) as started,
        pytest.raises(HandoverFailed, match=r"\(503: busy\), 2 times\.\nCheck that"),
    ):
        RemoteStates(started, TOKEN, attempts=2).load("shot003")
    # Nothing listens there any more.
    with pytest.raises(HandoverFailed, match=r"was not reached \(.+\), 2 times"):
        RemoteStates(started, TOKEN, attempts=2).load("shot003")


def test_what_comes_damaged_is_not_believed() -> None:
    with failing(answered(200, b"other bytes")) as started:
        states = RemoteStates(started, TOKEN, attempts=1)
        with pytest.raises(HandoverFailed, match="is damaged: its bytes have changed"):
            states.get(blob_id_of(b"these bytes"))
        with pytest.raises(HandoverFailed, match=r"State shot003 of .* came damaged"):
            states.load("shot003")


def test_a_service_of_another_kind_is_named() -> None:
    page = b"<html>Welcome</html>"
    checksum = hashlib.sha256(page).hexdigest()
    with (
        failing(answered(200, page, X_Sha256=checksum)) as started,
        pytest.raises(HandoverFailed, match=r"is JSON, and this is not.*\nCheck the address"),
    ):
        RemoteStates(started, TOKEN, attempts=1).load("shot003")


@pytest.mark.parametrize("text", ["http://host:8020/shot003", "http:///states/a", "http://host/states/../a"])
def test_addresses_of_another_form_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(HandoverFailed, match=r"http://127\.0\.0\.1:8020/states/shot003"):
        split_address(text)


def test_addresses_are_told_from_files() -> None:
    assert STATE.convert("https://host/states/a", None, None) == "https://host/states/a"
    assert STATE.convert("states/a.json", None, None) == Path("states/a.json")


# --- two workers


@pytest.mark.slow
def test_two_workers_make_one_shot_with_the_bytes_of_one(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny")
    models = [word for name, path in model_files(tmp_path / "tiny").items() for word in (f"--{name}", path)]
    films = [write_film(tmp_path / f"{n}.mp4", count, size=(64, 64)) for n, count in ((1, 12), (2, 14))]

    def command(number: int, name: str, *state: object) -> list[str]:
        words = (
            *models, "--video_conditioning", films[number], 1.0, "--prompt", PROMPT, "--height", 64,
            "--width", 64, "--num_inference_steps", 1, "--cfg_guidance_scale", 1.0, "--overlap", 9,
            "--device", "cpu", "--quiet", "--output_path", tmp_path / name, *state,
        )  # fmt: skip
        return ["justdubit", *map(str, words)]

    with service(tmp_path / "states") as started:
        there = f"{started}/states/shot003"
        for number, option in enumerate(("--save-state", "--continue-from")):
            process = dubkit(*command(number, f"there{number}.mp4", option, there))
            _, err = process.communicate(timeout=280)
            assert process.returncode == 0, err
    for number, option in enumerate(("--save-state", "--continue-from")):
        done = CliRunner().invoke(cli, command(number, f"here{number}.mp4", option, tmp_path / "state.json"))
        assert done.exit_code == 0, done.output
        here, away = (tmp_path / f"{place}{number}.mp4" for place in ("here", "there"))
        assert here.read_bytes() == away.read_bytes()
