"""Standard output and error that never end a command: their reader may go away, or know few characters."""

from __future__ import annotations

import io
import os
import sys
from typing import IO


class _Reader(io.FileIO):
    """A file descriptor whose reader may go away (`| head`): what it would have read is dropped."""

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return len(memoryview(data))  # type: ignore[arg-type]


def forgiving_streams() -> None:
    """Let the work go on where nobody reads what it says, and write what the terminal lacks as an escape."""
    sys.stdout = _forgiving(sys.stdout)
    sys.stderr = _forgiving(sys.stderr)


def _forgiving(stream: IO[str]) -> IO[str]:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # a test's, or none at all
    try:
        number = stream.fileno()
    except io.UnsupportedOperation:
        return stream  # one that only looks like a file
    stream.flush()
    raw = _Reader(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
