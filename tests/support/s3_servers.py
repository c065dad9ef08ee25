"""Real S3 servers on local ports: moto's, and rclone's, which ignores conditions such as If-None-Match."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What boto reads from the environment to reach these servers."""
BUCKET = "season"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server: its name, its address, and the port that a proxy forwards to."""

    name: str
    url: str
    port: int


@contextmanager
def moto_server(log: Path) -> Iterator[S3Server]:
    """Run moto's server, with one empty bucket."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running("moto", command, port, log) as server:
        create_bucket(server.url)
        yield server


@contextmanager
def rclone_server(folder: Path, log: Path) -> Iterator[S3Server]:
    """Run `rclone serve s3` on a folder, with one empty bucket."""
    port = free_port()
    (folder / BUCKET).mkdir(parents=True)
    program = str(Path(sys.executable).with_name("rclone"))
    key = f"{KEYS['AWS_ACCESS_KEY_ID']},{KEYS['AWS_SECRET_ACCESS_KEY']}"
    command = [program, "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--auth-key", key]
    with _running("rclone", [*command, "--config", str(log.with_suffix(".conf"))], port, log) as server:
        yield server


@contextmanager
def _running(name: str, command: list[str], port: int, log: Path) -> Iterator[S3Server]:
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:
        try:
            _await(port, process, log)
            yield S3Server(name, f"http://127.0.0.1:{port}", port)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    over = time.monotonic() + 60
    while time.monotonic() < over and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text()}")


def create_bucket(url: str, bucket: str = BUCKET) -> None:
    """Create a bucket at a server that asks for no signature."""
    from urllib.request import Request

    with urlopen(Request(f"{url}/{bucket}", method="PUT"), timeout=20) as answer:
        assert answer.status == 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


__all__ = ["BUCKET", "KEYS", "S3Server", "create_bucket", "free_port", "moto_server", "rclone_server"]
