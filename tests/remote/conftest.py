"""Two real S3 servers for the tests of this folder, and short times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dubkit.remote import claims
from dubkit.remote.objects import Objects
from dubkit.remote.settings import RemoteStores
from tests.support.s3_servers import BUCKET, KEYS, S3Server, moto_server, rclone_server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto_server(tmp_path_factory.mktemp("moto") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("rclone")
    with rclone_server(folder / "root", folder / "log") as server:
        yield server


@pytest.fixture(params=["moto", "rclone"])
def server(request: pytest.FixtureRequest) -> S3Server:
    served: S3Server = request.getfixturevalue(request.param)
    return served


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(claims, "SETTLE", 0.5)


def stores(endpoint: str = "", **changes: float) -> RemoteStores:
    """Return settings with short times."""
    settings = {"timeout": 5.0, "attempts": 6, "lease": 20.0, **changes}
    return RemoteStores(endpoint=endpoint, **settings)  # type: ignore[arg-type]


def objects_at(url: str, folder: str, **changes: float) -> Objects:
    """Return the objects of a folder in the bucket of a server."""
    return Objects(f"s3://{BUCKET}/{folder}", stores(url, **changes), pace=0.05)


def objects_in(folder: Path, **changes: float) -> Objects:
    """Return the objects of a folder on the disk."""
    return Objects(folder.as_uri(), stores("", **changes), pace=0.05)
