"""Ctrl-C with an open page of a job: the server ends at once, and its log has no traceback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from tests.support.paths import ROOT

TOKEN = "Wq7ZtR2mXv9KpL4sHd8YbN3cGf6JuA5e"


def test_an_open_stream_does_not_hold_the_server(tmp_path: Path) -> None:
    from tests.web.test_input_readers import wav

    (tmp_path / "Input").mkdir()
    (tmp_path / "Input/a.wav").write_bytes(wav(1))
    command = [sys.executable, "-m", "dubkit", "serve", "--port", "0", "--workers", "0"]
    place = os.environ | {"PYTHONPATH": str(ROOT), "DUBKIT_SERVE_API_TOKEN": TOKEN}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=place, cwd=tmp_path) as server:
        assert server.stdout is not None
        found = re.search(r"http://[\w.:]+", server.stdout.readline())
        assert found is not None
        with httpx.Client(
            base_url=found[0], headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        ) as client:
            job = client.post("/api/jobs", json={"source": "a.wav", "until": "extract"}).json()["id"]
            opened = threading.Event()
            ended: list[str] = []

            def listen() -> None:
                with client.stream("GET", f"/api/jobs/{job}/events") as stream:
                    for line in stream.iter_lines():
                        opened.set()
                        ended.append(line)
                ended.append("end")

            listener = threading.Thread(target=listen)
            listener.start()
            assert opened.wait(20)
            began = time.monotonic()
            server.send_signal(signal.SIGINT)
            _, said = server.communicate(timeout=30)
            listener.join(10)
    assert ended[-1] == "end", "the stream ends as one that is whole"
    assert time.monotonic() - began < 4.5, "before uvicorn's time limit for what is open"
    assert server.returncode == 0
    assert "Traceback" not in said
