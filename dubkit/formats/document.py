"""A file that a person hands in: its bytes, its text, and errors that name it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dubkit.errors import MediaError
from dubkit.formats.encoding import NotText, decode, plain_name
from dubkit.types.remarks import Tell, remark


class CueMistake(MediaError):
    """A cue that cannot be read as it stands; the others of its file can."""

    def __init__(self, path: Path, place: str, problem: str, cure: str, text: str) -> None:
        super().__init__(path, f"{place}: {problem}", cure)
        self.place = place
        self.problem = problem
        self.text = text
        """What it says."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file as a reader gets it."""

    path: Path
    """Where it came from, for messages."""
    content: bytes
    encoding: str = ""
    """Encoding that the user named; empty finds it out."""
    language: str = ""
    """Tag of the language of its text, where it is known."""
    tell: Tell | None = None
    """Takes what people should know of the reading."""
    name: str = ""
    """What remarks and errors call it; empty is the path."""

    @property
    def _named(self) -> Path:
        return Path(self.name) if self.name else self.path

    @property
    def called(self) -> str:
        """What remarks call it."""
        return self.name or self.path.name

    @classmethod
    def open(
        cls, path: Path, *, encoding: str = "", language: str = "", tell: Tell | None = None, name: str = ""
    ) -> Document:
        """Read a file whole. Raises MediaError when it cannot be read."""
        try:
            return cls(path, path.read_bytes(), encoding, language, tell, name)
        except OSError as error:
            problem = f"cannot be read ({(error.strerror or str(error)).lower()})"
            raise MediaError(path, problem, "Check the path, and whether you may read the file.") from None

    def text(self, declared: str = "") -> str:
        """Return the content as text, in the encoding that is named, marked, declared in it, or recognised.

        Byte order marks are left out wherever they stand. Raises MediaError for what is no text.
        """
        try:
            decoded = decode(self.content, self.encoding or _known(declared), self.language)
        except NotText as problem:
            row = self.content[: problem.at].count(b"\n") + 1
            raise self.error(f"line {row}" if problem.at else "", str(problem), problem.cure) from None
        name = plain_name(decoded.encoding)
        if decoded.how == "recognised":
            self.remark("encoding-recognised", f"It is not UTF-8; it was read as {name}.")
        elif decoded.how == "guessed":
            self.remark("encoding-guessed", f"It is not UTF-8; {name} fits it best.")
        elif decoded.how == "mended":
            self.remark("text-damaged", "It was encoded as UTF-8 twice; it was decoded twice.")
        lost = decoded.text.count("\ufffd")
        if lost:
            where = decoded.text[: decoded.text.index("\ufffd")].count("\n") + 1
            self.remark(
                "text-damaged",
                f"It holds {lost} characters \ufffd, lost before.",
                f"line {where}",
            )
        return decoded.text.replace("\ufeff", "")

    def remark(self, code: str, sentence: str, place: str = "") -> None:
        """Tell people something of the reading; `place` is such as `line 3`, or empty for all of the file."""
        if self.tell is not None:
            where = f"{self.called}, {place}" if place else self.called
            self.tell(remark(code, sentence, where))

    def error(self, place: str, problem: str, cure: str) -> MediaError:
        """Return the error of a mistake in the file; `place` is such as `line 3`, or empty for all of it."""
        return MediaError(self._named, f"{place}: {problem}" if place else problem, cure)

    def mistake(self, place: str, problem: str, cure: str, text: str = "") -> CueMistake:
        """Return the error of a single cue; `keep_good` leaves it out and names it where others are good."""
        return CueMistake(self._named, place, problem, cure, " ".join(text.split()))


def _known(declared: str) -> str:
    """Return an encoding that a file declares; empty where it is not one of text."""
    try:
        "".encode(declared or "utf-8")
    except LookupError:
        return ""
    return declared
