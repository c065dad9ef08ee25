"""Recordings of lines by people: which files there are in a language, and which line each is for.

They lie in `recordings/` of the language, or in a folder given with `--use speak=DIR`, and are named by
their line: `s0003.wav`, `s0003_ana.wav`. `s0003@12.480.wav` was recorded to the picture: its first sample
belongs at 12.480 s of the episode. Those of the review page lie in `recordings/microphone/` and count where a
hand edit names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dubkit.episode.edits import LineEdit
from dubkit.episode.store import EpisodeStore, file_digest
from dubkit.types import Remark, remark

FOLDER = "recordings"
MICROPHONE = "microphone"
"""Folder below, for what the review page recorded."""

SUFFIXES = (
    ".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".webm", ".mka", ".aif", ".aiff",
    ".caf", ".w64", ".rf64", ".bwf",
)  # fmt: skip

_LINE = re.compile(r"[^_\-@ (.]+")
_AT = re.compile(r"@(\d+(?:\.\d+)?)s?$")


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file that stands for the speech of one line."""

    line: str
    path: Path
    name: str
    """Within its folder: `s0003.wav`."""
    at: float | None = None
    """Second of the episode at which the file begins; None where it is free."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes."""
        stat = self.path.stat()
        return _digest(self.path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8192)
def _digest(path: Path, _size: int, _time: int) -> str:
    return file_digest(path)


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings of a language by line."""

    of: Mapping[str, Recording] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    """Line -> why it is not known which recording is meant, with the cure."""
    remarks: tuple[Remark, ...] = ()
    """Files that are for no line, or stand behind another one."""

    @property
    def lines(self) -> frozenset[str]:
        """Lines that people recorded."""
        return frozenset(self.of) | frozenset(self.problems)


def find_recordings(
    store: EpisodeStore,
    language: str,
    lines: Sequence[str],
    edits: Mapping[str, LineEdit],
    given: Path | None,
) -> Recordings:
    """Return the recordings of a language with some lines; `given` is the folder of `--use speak=DIR`.

    A hand edit comes before a file in `recordings/`, and that before one in `given`.
    """
    own = store.path(FOLDER, language)
    remarks: list[Remark] = []
    found: dict[str, Recording] = {}
    problems: dict[str, str] = {}
    for folder in (given, own) if given else (own,):
        for line, files in _by_line(folder, lines, remarks).items():
            for behind in (found.pop(line, None),):
                if behind is not None:
                    remarks.append(_behind(behind, FOLDER))
            problems.pop(line, None)
            if len(files) == 1:
                found[line] = _recording(line, files[0])
            else:
                problems[line] = _several(line, files)
    for line, edit in edits.items():
        if edit.recording is not None and line in lines:
            if line in found:
                remarks.append(_behind(found.pop(line), "the review page"))
            problems.pop(line, None)
            file = own / edit.recording
            if file.is_file():
                found[line] = _recording(line, file, edit.recording)
            else:
                problems[line] = _missing(line, file)
    return Recordings(found, problems, tuple(remarks))


def recording_files(folder: Path) -> list[Path]:
    """Return the files of a folder that can be recordings, by name; hidden ones are left out."""
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def is_sound(file: Path) -> bool:
    """Tell whether a file has the suffix of a sound file."""
    return file.suffix.lower() in SUFFIXES


def named_line(stem: str, lines: Mapping[str, str]) -> str:
    """Return the line that a file is named for; `lines` holds ids in lower case -> ids.

    >>> named_line("S0003_ana", {"s0003": "s0003"})
    's0003'
    """
    begin = _LINE.match(stem)
    return lines.get(begin[0].casefold(), "") if begin else ""


def _by_line(folder: Path, lines: Sequence[str], remarks: list[Remark]) -> dict[str, list[Path]]:
    ids = {line.casefold(): line for line in lines}
    by_line: dict[str, list[Path]] = {}
    for file in recording_files(folder):
        line = named_line(file.stem, ids)
        if is_sound(file) and line:
            by_line.setdefault(line, []).append(file)
        elif is_sound(file):
            remarks.append(_for_no_line(file, lines))
        elif line:
            said = f"{file.name} is none of the sound files that are read: {', '.join(SUFFIXES)}."
            remarks.append(remark("recording-not-used", said, line))
    return by_line


def _recording(line: str, file: Path, name: str = "") -> Recording:
    at = _AT.search(file.stem)
    return Recording(line, file, name or file.name, float(at[1]) if at else None)


def _for_no_line(file: Path, lines: Sequence[str]) -> Remark:
    there = f"the lines are {lines[0]} to {lines[-1]}" if lines else "there are no lines"
    said = f"{file} is for no line: {there}. Name it by its line, such as s0003.wav, or remove it."
    return remark("recording-without-line", said)


def _several(line: str, files: Sequence[Path]) -> str:
    names = " and ".join(file.name for file in files)
    return f"{line} has several recordings, {names}, in {files[0].parent}.\nKeep one of them there."


def _missing(line: str, file: Path) -> str:
    return (
        f"{line} must use the recording {file}, which is not there.\n"
        f"Bring the file back, or take the choice back: dubkit review edit … {line} --clear recording"
    )


def _behind(recording: Recording, other: str) -> Remark:
    said = f"{recording.name} is not used: a recording of the line in {other} comes first."
    return remark("recording-held-back", said, recording.line)


def misplaced_remarks(store: EpisodeStore, language: str) -> Iterator[Remark]:
    """Yield remarks on folders of recordings that no language reads."""
    home = store.path(FOLDER, language)
    for folder in (store.path(FOLDER), *sorted(store.root.glob(f"*/{FOLDER}"))):
        unread = folder.parent == store.root or not (folder.parent / "translation.json").is_file()
        if unread and any(is_sound(file) for file in recording_files(folder)):
            said = f"{folder} belongs to no language of the dub. Move its files to {home}."
            yield remark("recording-misplaced", said)
