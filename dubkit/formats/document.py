"""A file that a person hands in: its bytes, its text, and errors that name it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from dubkit.errors import MediaError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """A file as a reader gets it."""

    path: Path
    """Where it came from, for messages."""
    content: bytes
    guess: bool = False
    """Whether bytes that are not UTF-8 are read as Windows-1252, with a warning, or refused."""

    @classmethod
    def open(cls, path: Path, *, guess: bool = False) -> Document:
        """Read a file whole. Raises MediaError when it cannot be read."""
        try:
            return cls(path, path.read_bytes(), guess)
        except OSError as error:
            problem = f"cannot be read ({(error.strerror or str(error)).lower()})"
            raise MediaError(path, problem, "Check the path, and whether you may read the file.") from None

    def text(self) -> str:
        """Return the content as text: UTF-8, or UTF-16 where its first bytes say so."""
        if self.content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return self.content.decode("utf-16", errors="replace")
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if not self.guess:
                row = self.content[: error.start].count(b"\n") + 1
                raise self.error(f"row {row}", "this is not UTF-8", "Save the file as UTF-8.") from None
        log.warning(
            "%s is not UTF-8; read as Windows-1252. Save it as UTF-8 if letters look wrong.", self.path
        )
        return self.content.decode("cp1252", errors="replace")

    def error(self, place: str, problem: str, cure: str) -> MediaError:
        """Return the error of a mistake in the file; `place` is such as `line 3`, or empty for all of it."""
        return MediaError(self.path, f"{place}: {problem}" if place else problem, cure)
