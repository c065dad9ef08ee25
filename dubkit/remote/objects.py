"""Objects below one URL: list, read, write, remove. What fails or arrives damaged is asked for again.

Nothing here relies on a condition that a server may ignore, and nothing is renamed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dubkit.proxies import shown
from dubkit.remote.failures import Damaged, ObjectMissing, StoreError, kind_of, store_error
from dubkit.remote.settings import RemoteStores
from dubkit.services.waiting import TimeIsUp, pause, within

log = logging.getLogger(__name__)

Value = TypeVar("Value")
SLOWEST = 50_000
"""Bytes a second below which a transfer counts as stalled, whatever arrives."""
_URL = re.compile(r"([a-z0-9][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)


def is_url(text: str) -> bool:
    """Tell whether a text is a URL and no path."""
    return _URL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Listed:
    """What a store says of one object: its size, and a tag that changes when it does."""

    size: int
    tag: str


class Objects:
    """The objects below one URL, by their names relative to it."""

    def __init__(self, url: str, settings: RemoteStores, *, pace: float = 1.0) -> None:
        """Open nothing yet. `pace` scales the pauses between attempts, for tests."""
        self.url = url.rstrip("/")
        self.settings = settings
        self._pace = pace
        self._fs: Any = None
        self._root = ""
        parts = _URL.fullmatch(self.url)
        if parts is None:
            raise StoreError(f"{shown(url)}: this is no URL of a store.\nWrite it as s3://BUCKET/FOLDER.")
        if "@" in parts[2].partition("/")[0]:
            raise StoreError(
                f"{shown(url)}: a URL of a store must not hold a key.\n"
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
            )
        self._scheme = parts[1].lower()

    def below(self, name: str) -> Objects:
        """Return the objects below a folder of this URL, over the same connection."""
        inner = Objects(f"{self.url}/{name}", self.settings, pace=self._pace)
        if self._fs is not None:
            inner._fs, inner._root = self._fs, f"{self._root}/{name}"
        return inner

    def place(self, name: str = "") -> str:
        """Return the URL of an object."""
        return f"{self.url}/{name}" if name else self.url

    # reading

    def open(self) -> None:
        """Connect, and raise StoreError where the store, the bucket or the key cannot be used."""
        self._system()
        if self._scheme in ("s3", "s3a"):
            bucket = self._root.partition("/")[0]
            self._again(
                "listing",
                lambda: self._fs.call_s3("list_objects_v2", Bucket=bucket, Prefix="", MaxKeys=1),
                "",
                missing_is_bucket=True,
            )

    def list(self, folder: str = "") -> dict[str, Listed]:
        """Return the objects below a folder by name, however deep."""
        root = f"{self._at()}/{folder}".rstrip("/")

        def listing() -> dict[str, Listed]:
            self._fs.invalidate_cache()
            try:
                rows = self._fs.find(root, detail=True)
            except FileNotFoundError:
                return {}
            begin = len(self._root) + 1
            return {
                name[begin:]: _listed(row) for name, row in rows.items() if row.get("type") != "directory"
            }

        return self._again("listing", listing, folder)

    def read(self, name: str, listed: Listed | None = None) -> bytes:
        """Return a small object, checked against its listing where there is one. Raises ObjectMissing."""
        before: list[bytes] = []

        def reading() -> bytes:
            raw: bytes = self._fs.cat_file(f"{self._at()}/{name}")
            if listed is not None and not _fits(raw, listed) and raw not in before:
                before.append(raw)
                raise Damaged("the content is not what the store listed")
            return raw

        return self._again("reading", reading, name)

    def fetch(self, name: str, target: Path, listed: Listed, sha256: str = "") -> bool:
        """Copy an object into a file; tell whether it has the SHA-256 it should have, where that is known.

        The size must be that of the listing. Another content than by SHA-256, or by an MD5 in the listing, is
        fetched again, until the same comes twice: then the store has it so. Raises ObjectMissing.
        """
        before: list[str] = []

        def fetching() -> bool:
            self._fs.get_file(f"{self._at()}/{name}", str(target))
            size = target.stat().st_size
            if size != listed.size:
                raise Damaged(f"{size} bytes of {listed.size} arrived")
            digest = _digest(target, "sha256")
            right = digest == sha256 or (not sha256 and listed.tag in (_digest(target, "md5"), ""))
            if not right and digest not in before and (sha256 or _is_md5(listed.tag)):
                before.append(digest)
                raise Damaged("the content is not what the store or the record says")
            return right or not sha256

        return self._again("reading", fetching, name, size=listed.size)

    # writing

    def write(self, name: str, raw: bytes, *, once: bool = False) -> Listed:
        """Write a small object and check that it is there."""

        def writing() -> Listed:
            self._fs.pipe_file(f"{self._at()}/{name}", raw)
            return self._checked(name, len(raw), hashlib.md5(raw, usedforsecurity=False).hexdigest())

        return self._again("writing", writing, name, attempts=1 if once else 0)

    def send(self, name: str, file: Path) -> Listed:
        """Write a file as an object and check that all of it is there."""

        def sending() -> Listed:
            size = file.stat().st_size  # another thread may have replaced it since the last attempt
            self._fs.put_file(str(file), f"{self._at()}/{name}")
            return self._checked(name, size, _digest(file, "md5"))

        return self._again("writing", sending, name, size=file.stat().st_size)

    def remove(self, name: str) -> None:
        """Remove an object; one that is not there is fine."""

        def removing() -> None:
            try:
                self._fs.rm_file(f"{self._at()}/{name}")
            except FileNotFoundError:
                return

        self._again("removing", removing, name)

    def remove_all(self, names: Iterable[str]) -> None:
        """Remove objects one after the other, in order."""
        for name in names:
            self.remove(name)

    # inside

    def _checked(self, name: str, size: int, md5: str) -> Listed:
        """Ask the store what it has now; raise Damaged where that is not what was sent."""
        self._fs.invalidate_cache()
        listed = _listed(self._fs.info(f"{self._at()}/{name}"))
        if listed.size != size:
            raise Damaged(f"{listed.size} bytes of {size} were kept")
        if _is_md5(listed.tag) and listed.tag != md5:
            # Some servers have tags of their own that look like one: what is kept decides.
            raw: bytes = self._fs.cat_file(f"{self._at()}/{name}")
            if hashlib.md5(raw, usedforsecurity=False).hexdigest() != md5:
                raise Damaged("another content was kept than was sent")
        return listed

    def _at(self) -> str:
        self._system()
        return self._root

    def _system(self) -> None:
        if self._fs is not None:
            return
        import fsspec  # type: ignore[import-untyped]

        try:
            kind = fsspec.get_filesystem_class(self._scheme)
            self._fs = kind(**self._arguments(), skip_instance_cache=True)
            self._fs.retries = 1  # of s3fs; attempts are counted here
        except ValueError as error:
            raise StoreError(f"{shown(self.url)}: {error}.\nWrite it as s3://BUCKET/FOLDER.") from None
        except ImportError as error:
            raise store_error(shown(self.url), "opening", error, 1) from None
        self._root = self._fs._strip_protocol(self.url).rstrip("/")

    def _arguments(self) -> dict[str, Any]:
        if self._scheme in ("file", "local"):
            return {"auto_mkdir": True}
        if self._scheme not in ("s3", "s3a"):
            return {}
        own = self.settings
        client = {"endpoint_url": own.endpoint, "region_name": own.region}
        return {
            "client_kwargs": {key: value for key, value in client.items() if value},
            "config_kwargs": {
                "connect_timeout": min(10.0, own.timeout),
                "read_timeout": own.timeout,
                "retries": {"total_max_attempts": 1, "mode": "standard"},
                # rclone answers a range with the checksum of the whole object. What arrives is checked here.
                "response_checksum_validation": "when_required",
                **({"s3": {"addressing_style": "path"}} if own.endpoint else {}),
            },
            "use_listings_cache": False,
            "default_block_size": 8 << 20,
        }

    def _again(
        self,
        doing: str,
        work: Callable[[], Value],
        name: str,
        *,
        size: int = 0,
        attempts: int = 0,
        missing_is_bucket: bool = False,
    ) -> Value:
        """Return what `work` returns, in as many attempts as the settings allow."""
        self._system()
        most, place = attempts or self.settings.attempts, shown(self.place(name))
        limit = 2 * self.settings.timeout + size / SLOWEST
        for attempt in range(1, most + 1):
            trouble: BaseException
            try:
                return within(limit, work)
            except TimeIsUp:
                trouble = Damaged(f"no answer within {limit:.0f} s")
            except FileNotFoundError as error:
                if not missing_is_bucket:
                    raise ObjectMissing(name) from None
                raise StoreError(
                    f"{shown(self.url)}: there is no such bucket at "
                    f"{shown(self.settings.endpoint) or 'Amazon S3'}.\n"
                    "Create the bucket, or correct its name in the URL or the address in store.endpoint."
                ) from error
            except (MemoryError, AssertionError):
                raise
            except Exception as error:
                if _is_local(error):
                    raise
                trouble = error
            if kind_of(trouble) != "passing" or attempt == most:
                raise store_error(place, doing, trouble, attempt) from trouble
            log.debug("%s %s: attempt %d: %r", doing, place, attempt, trouble)
            time.sleep(pause(attempt, None) * self._pace)
        raise AssertionError("the last attempt returns or raises")


def _is_local(error: Exception) -> bool:
    """Tell whether an error is of this machine's disk, which no further attempt mends."""
    import errno

    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _listed(row: dict[str, Any]) -> Listed:
    for name in ("ETag", "etag", "md5Hash", "mtime", "created", "LastModified"):
        if row.get(name):
            return Listed(int(row["size"]), str(row[name]).strip('"'))
    return Listed(int(row["size"]), "")


def _is_md5(tag: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{32}", tag) is not None


def _fits(raw: bytes, listed: Listed) -> bool:
    """Tell whether bytes may be what was listed: by size, and by MD5 where the tag looks like one."""
    same = not _is_md5(listed.tag) or hashlib.md5(raw, usedforsecurity=False).hexdigest() == listed.tag
    return len(raw) == listed.size and same


def _digest(file: Path, name: str) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()


def new_token() -> str:
    """Return a name that nobody else has."""
    return os.urandom(8).hex()
