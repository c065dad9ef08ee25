"""Notice a source that changes while a run works on it: a download that goes on, a new export."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.episode.store import file_digest
from dubkit.errors import MediaError


class SourceWatch:
    """Compares the source of a run with what it was at the beginning."""

    def __init__(self, context: Context) -> None:
        self._source = context.source
        self._sha256 = context.sha256
        self._stamp = self._read()
        self.changed = False

    def check(self) -> None:
        """Raise MediaError when the content of the source is another one now."""
        now = self._read()
        if now == self._stamp:
            return
        if now is not None and self._stamp is not None and now[0] == self._stamp[0] and self._is_same():
            self._stamp = now  # only its time was changed
            return
        self.changed = True
        problem = "it was changed or moved while the run worked on it, so results may be of two films"
        raise MediaError(self._source, problem, "Run the same command again when the file is complete.")

    def _read(self) -> tuple[int, int] | None:
        """Return size and time of the source; None while it is not there."""
        try:
            stat = self._source.stat()
        except OSError:
            return None
        return stat.st_size, stat.st_mtime_ns

    def _is_same(self) -> bool:
        try:
            return file_digest(self._source) == self._sha256
        except OSError:
            return False
