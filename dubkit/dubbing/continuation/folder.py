"""Blobs and states as files in a folder; a file that exists is whole."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

BLOB_ID = re.compile(r"sha256-[0-9a-f]{64}")
"""An id comes with a message from elsewhere and must not name a path."""


class BlobStore(Protocol):
    """Bytes by id, on this machine or anywhere else."""

    def put(self, data: bytes, *, mime: str = "") -> str:
        """Keep some bytes; return the id that gives them back."""

    def get(self, blob_id: str) -> bytes:
        """Return the bytes of an id. Raises KeyError when it is not known."""


def blob_id_of(data: bytes) -> str:
    """Return the id of some bytes, which is their checksum."""
    return f"sha256-{hashlib.sha256(data).hexdigest()}"


@contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """Give a stream whose bytes become the file when the block ends well, and nothing else."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".blob-")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)


class FolderBlobStore:
    """Blobs as files, named by their content, on a disk that workers may share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes, *, mime: str = "") -> str:
        """Keep some bytes; the same bytes are kept once."""
        blob_id = blob_id_of(data)
        with whole_file(self.folder / blob_id) as stream:
            stream.write(data)
        return blob_id

    def get(self, blob_id: str) -> bytes:
        """Return the bytes of an id.

        Raises:
            KeyError: no such blob.
            ValueError: its bytes are not those that were put.
        """
        if not BLOB_ID.fullmatch(blob_id):
            raise KeyError(blob_id)
        try:
            data = (self.folder / blob_id).read_bytes()
        except FileNotFoundError:
            raise KeyError(blob_id) from None
        if blob_id_of(data) != blob_id:
            raise ValueError(f"Blob {blob_id} in {self.folder} is damaged; its bytes have changed.")
        return data
