"""The door of file formats: one record each, and the registry of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import SettingError
from dubkit.registry import Registry

if TYPE_CHECKING:
    from dubkit.formats.content import Content, Cue, Heading, LineRow, SheetRow, TableRow
    from dubkit.formats.document import Document
    from dubkit.formats.script import Script
    from dubkit.formats.timeline import Timeline
    from dubkit.types import Turn


@dataclass(frozen=True, slots=True)
class Format:
    """A file format of other programs: all that dubkit knows of it.

    Each of the functions is there if the format can do it. Readers raise the errors of `Document.error`;
    writers get what they write in order of time.
    """

    name: str
    """How commands, settings and the HTTP interface name it: `srt`."""
    title: str
    suffixes: tuple[str, ...]
    """Endings of its files in lower case, with the point; the first one is written. One that another format
    has too is only read, and `recognise` tells them apart."""
    media_type: str
    """Its name on the web: `text/vtt`."""
    read_cues: Callable[[Document], Sequence[Cue]] | None = None
    write_cues: Callable[[Sequence[Cue], Heading], bytes] | None = None
    read_turns: Callable[[Document], Sequence[Turn]] | None = None
    write_turns: Callable[[Sequence[Turn], Heading], bytes] | None = None
    read_rows: Callable[[Document], Sequence[TableRow]] | None = None
    write_rows: Callable[[Sequence[LineRow], Heading], bytes] | None = None
    write_sheet: Callable[[Sequence[SheetRow], Heading], bytes] | None = None
    read_script: Callable[[Document], Script] | None = None
    write_script: Callable[[Script, Heading], bytes] | None = None
    write_timeline: Callable[[Timeline, Heading], bytes] | None = None
    sound_tracks: int = 0
    """Sound tracks that a timeline may have in it; longer casts go to several files. 0: any number."""
    reel_length: int = 0
    """Letters that the short names of clips may have in a timeline; 0: it has no such names."""
    recognise: Callable[[bytes], bool] | None = None
    """Tells by its content whether a file is of this format, where others have the same ending."""
    time_step: float = 0.001
    """Smallest unit of its times, in seconds."""
    edited_as: str = ""
    """The format that lines go out in when people edit them in this one, which dubkit does not write."""

    @property
    def tolerance(self) -> float:
        """Seconds that a time may differ by and still be the same: half a step, and what floats lose."""
        return self.time_step / 2 + 0.0001

    @property
    def written(self) -> Content | None:
        """What it is written with: the fullest that it can hold; None where it is only read."""
        if self.write_rows is not None:
            return "rows"
        if self.write_sheet is not None:
            return "sheet"
        if self.write_script is not None:
            return "script"
        if self.write_timeline is not None:
            return "timeline"
        return "cues" if self.write_cues is not None else "turns" if self.write_turns is not None else None

    @property
    def editable(self) -> bool:
        """Whether all lines can be changed in it by another program and brought back."""
        comes_back = self.write_cues is not None or bool(self.edited_as)
        return self.read_rows is not None or (self.read_cues is not None and comes_back)

    def reads(self, content: Content) -> bool:
        """Tell whether it can be read for some content."""
        return getattr(self, f"read_{content}", None) is not None


_VALUES = ("auto", "both", "none")
"""Values of settings that no format is named like."""


def _problem(format: Format, others: Mapping[str, Format]) -> str:
    """Return what is wrong with the record of another package, or an empty text."""
    if format.name in _VALUES:
        return f"a format cannot be named {format.name!r}: that is a value of settings"
    suffixes = format.suffixes
    if not isinstance(suffixes, tuple) or not suffixes or not all(map(_is_suffix, suffixes)):
        return f"its suffixes are {suffixes!r}, not a tuple of texts in lower case such as ('.srt',)"
    for other in others.values() if format.recognise is None else ():
        if shared := sorted(set(suffixes) & set(other.suffixes)):
            return f"files that end in {shared[0]} are of the format {other.name!r} already"
    return ""


def _is_suffix(suffix: object) -> bool:
    """Tell whether a text is what `Path.suffix` can be, in lower case."""
    if not isinstance(suffix, str) or len(suffix) < 2:
        return False
    return suffix == suffix.lower() and Path(f"name{suffix}").suffix == suffix


FORMATS = Registry(
    "file format",
    "dubkit.formats",
    Format,
    (
        "dubkit.formats.srt:FORMAT",
        "dubkit.formats.vtt:FORMAT",
        "dubkit.formats.ass:ASS",
        "dubkit.formats.ass:SSA",
        "dubkit.formats.ttml:FORMAT",
        "dubkit.formats.sbv:FORMAT",
        "dubkit.formats.sami:FORMAT",
        "dubkit.formats.microdvd:FORMAT",
        "dubkit.formats.lrc:FORMAT",
        "dubkit.formats.rttm:FORMAT",
        "dubkit.formats.csv:FORMAT",
        "dubkit.formats.json:FORMAT",
        "dubkit.formats.dapt.record:FORMAT",
        "dubkit.formats.otio:FORMAT",
        "dubkit.formats.edl:FORMAT",
        "dubkit.formats.aaf:FORMAT",
        "dubkit.formats.cue_sheet:SHEET",
        "dubkit.formats.cue_sheet:PAGE",
    ),
    check=_problem,
)

BOTH = ("srt", "vtt")
"""What `stitch.subs_format = "both"` writes: one for players and editors, one for browsers."""


def readable(content: Content) -> tuple[str, ...]:
    """Return the suffixes of the files that can be read for some content."""
    return _suffixes(format for format in FORMATS if format.reads(content))


def _suffixes(formats: Iterable[Format]) -> tuple[str, ...]:
    """Return the suffixes of some formats, each once, as `Path.suffix` gives them."""
    return tuple(dict.fromkeys(Path(f"name{s}").suffix for format in formats for s in format.suffixes))


def editable() -> tuple[str, ...]:
    """Return the suffixes of the files that lines can be edited in, tables first."""
    able = [format for format in FORMATS if format.editable]
    tables_first = sorted(able, key=lambda format: format.written != "rows")
    return _suffixes(tables_first)


def writable(*contents: Content) -> tuple[str, ...]:
    """Return the names of the formats that are written with one of some contents, or with any."""
    return tuple(f.name for f in FORMATS if f.written in contents or (f.written and not contents))


def subtitle_choices() -> tuple[str, ...]:
    """Return the values of `stitch.subs_format`."""
    return (*(format.name for format in FORMATS if format.write_cues is not None), "both")


def subtitle_formats(choice: str) -> tuple[Format, ...]:
    """Return the formats that a value of `stitch.subs_format` stands for. Raises SettingError for others."""
    if choice not in subtitle_choices():
        expected = f"must be one of {', '.join(subtitle_choices())}"
        raise SettingError("stitch.subs_format", choice, expected)
    return tuple(FORMATS.records[name] for name in (BOTH if choice == "both" else (choice,)))


def subtitle_suffixes() -> tuple[str, ...]:
    """Return the suffixes of the subtitle files beside a dub that can be read again."""
    both = (format for format in FORMATS if format.write_cues is not None and format.read_cues is not None)
    return tuple(format.suffixes[0] for format in both)


def format_of(path: Path, able: Callable[[Format], bool], content: bytes | None = None) -> Format | None:
    """Return the format of a file's ending that is able to do something, or None.

    Of several, it is the one that recognises the `content`, else the one with the longest ending, else the
    first. Without content, a format is taken only by an ending of its own.
    """
    name = path.name.lower()
    found = [
        (format, suffix)
        for format in FORMATS
        for suffix in format.suffixes
        if name.endswith(suffix) and able(format)
    ]
    sure = [
        format
        for format, _ in found
        if format.recognise and content is not None and format.recognise(content)
    ]
    if sure:
        return sure[0]
    rest = [pair for pair in found if pair[0].recognise is None or _is_own(pair[1], pair[0])]
    return max(rest, key=lambda pair: len(pair[1]))[0] if rest else None


def _is_own(suffix: str, format: Format) -> bool:
    """Tell whether no other format has a suffix."""
    return not any(suffix in other.suffixes for other in FORMATS if other is not format)
