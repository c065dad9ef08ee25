"""Objects in stores: everything arrives whole or not at all, and what is wrong is said in words."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dubkit.remote.failures import ObjectMissing, StoreError
from dubkit.remote.objects import Listed, Objects
from tests.remote.conftest import objects_at, objects_in, stores
from tests.support.faulty_proxy import FaultyProxy, faulty
from tests.support.s3_servers import KEYS, S3Server, free_port

SIZES = (10, 2_000, 300_000, 9_000_000)


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_arrives_through_a_connection_that_breaks(
    server: S3Server, seed: int, tmp_path: Path
) -> None:
    blobs = {f"f{n}": random.Random(n).randbytes(size) for n, size in enumerate(SIZES)}
    with faulty(FaultyProxy(server.port, seed=seed, share=0.35, stall=2.0)) as proxy:
        objects = objects_at(proxy.url, f"breaks{seed}", timeout=1.0, attempts=15)
        objects.open()
        for name, blob in blobs.items():
            (tmp_path / name).write_bytes(blob)
            objects.send(name, tmp_path / name)
        objects.write("note", b"a note")
        listed = objects.list()
        assert {name: one.size for name, one in listed.items()} == {
            **{name: len(blob) for name, blob in blobs.items()},
            "note": 6,
        }
        for name, blob in blobs.items():
            objects.fetch(name, tmp_path / "here", listed[name])
            assert (tmp_path / "here").read_bytes() == blob
        assert objects.read("note", listed["note"]) == b"a note"
        for name in blobs:
            objects.remove(name)
        assert list(objects.list()) == ["note"]
    assert sum(proxy.met.values()) >= 3


def test_a_tag_that_is_always_wrong_does_not_stop_what_is_whole(moto: S3Server, tmp_path: Path) -> None:
    with faulty(FaultyProxy(moto.port, share=1.0, faults=("etag",))) as proxy:
        objects = objects_at(proxy.url, "tags")
        (tmp_path / "a").write_bytes(b"content")
        objects.send("a", tmp_path / "a")
        assert objects.fetch("a", tmp_path / "b", Listed(7, "0" * 32))
        assert (tmp_path / "b").read_bytes() == b"content"


def test_an_object_that_is_not_what_its_record_says_is_told_apart(tmp_path: Path) -> None:
    objects = objects_in(tmp_path / "store")
    objects.write("a", b"content")
    assert not objects.fetch("a", tmp_path / "b", objects.list()["a"], sha256="0" * 64)


def test_what_is_not_there_is_no_failure(server: S3Server) -> None:
    objects = objects_at(server.url, "nothing")
    assert objects.list() == {}
    objects.remove("none")
    with pytest.raises(ObjectMissing):
        objects.read("none")


def test_a_store_that_is_gone_is_named_after_its_attempts(moto: S3Server) -> None:
    with faulty(FaultyProxy(moto.port, down=True)) as proxy:
        objects = objects_at(proxy.url, "x", attempts=3)
        with pytest.raises(
            StoreError,
            match=r"^s3://season/x: listing failed in 3 attempts \(.*\)\.\nCheck that the store is r",
        ):
            objects.open()
    assert proxy.requests in (3, 6), "aiohttp may try a lost connection once more"


def test_a_store_that_never_answers_ends_in_time(moto: S3Server) -> None:
    silent = FaultyProxy(moto.port, share=1.0, faults=("stall",), stall=3.0)
    with faulty(silent), pytest.raises(StoreError, match="listing failed in 2 attempts"):
        objects_at(silent.url, "x", attempts=2, timeout=0.5).open()


def test_a_bucket_that_does_not_exist_is_named(server: S3Server) -> None:
    objects = Objects("s3://no-such-bucket/x", stores(server.url))
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/x: there is no such bucket at http://127"):
        objects.open()


def test_a_wrong_key_is_named_without_being_shown(rclone: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    with pytest.raises(StoreError, match=r"SignatureDoesNotMatch.*\nSet AWS_ACCESS_KEY_ID") as raised:
        objects_at(rclone.url, "x").open()
    assert "wrong-secret" not in str(raised.value)
    assert KEYS["AWS_ACCESS_KEY_ID"] not in str(raised.value)


def test_no_key_at_all_is_said(rclone: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreError, match=r"NoCredentialsError\)\.\nSet AWS_ACCESS_KEY_ID"):
        objects_at(rclone.url, "x").open()


def test_rights_that_are_missing_are_named_at_once(moto: S3Server) -> None:
    closed = FaultyProxy(moto.port, share=1.0, faults=("denied",))
    says = r"\(AccessDenied\)\.\nThe key must be allowed to list"
    with faulty(closed), pytest.raises(StoreError, match=says):
        objects_at(closed.url, "x").open()
    assert closed.requests == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "no address"])
def test_a_wrong_endpoint_points_to_its_setting(address: str) -> None:
    objects = objects_at(address.format(port=free_port()), "x", attempts=2)
    with pytest.raises(StoreError, match=r"s3://season/x: listing failed.*\n.*store\.endpoint"):
        objects.open()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://key:secret@bucket/x", r"^s3://bucket/x: a URL of a store must not hold a key"),
        ("tape://shelf/1", "Protocol not known: tape"),
        ("season1", "this is no URL"),
    ],
)
def test_a_url_that_is_none_of_a_store_is_refused(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Objects(url, stores()).open()
