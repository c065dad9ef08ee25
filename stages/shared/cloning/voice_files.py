"""Recordings of voices that people give: which file is whose, and how it becomes a reference."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.episode.store import file_digest
from dubkit.errors import ArtifactDamaged, SettingError
from dubkit.types.references import FOLDER, Origin

if TYPE_CHECKING:
    from dubkit.media.sound.voice_sample import VoiceSample

VOICES = "voices"
"""Folder of recordings beside the source, and in the folder of the episode."""
UPLOADED = f"{FOLDER}/given"
"""Folder of the recordings that were given in the review."""
SOUNDS = frozenset(
    (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".mka")
)
"""Suffixes of recordings; another file in a folder of voices is none."""
LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A recording that a person gave for a speaker."""

    path: Path
    origin: Origin
    text: str = ""
    """What is said in it, by the text file beside it."""

    @property
    def digest(self) -> str:
        """SHA-256 of the recording."""
        return file_digest(self.path)


def given_files(context: Context, names: Mapping[str, Sequence[str]]) -> dict[str, VoiceFile]:
    """Return the recording of each speaker that has one; `names` are what a speaker may be called.

    Raises SettingError where `cast.voice_ref_dir` is no folder, ArtifactDamaged for a text that cannot be
    read, or where a folder holds two recordings of one speaker.
    """
    found: dict[str, VoiceFile] = {}
    for folder, origin in folders(context):
        for speaker, called in names.items():
            if speaker not in found and (path := _recording(folder, called)):
                found[speaker] = VoiceFile(path, origin, _text_beside(path))
    return found


def folders(context: Context) -> Iterator[tuple[Path, Origin]]:
    """Yield the folders of recordings that are there, in the order in which they count."""
    named = context.settings.cast.voice_ref_dir
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise SettingError("cast.voice_ref_dir", named, "there is no such folder")
        yield folder, "folder"
    for folder in (context.source.with_name(VOICES), context.store.path(VOICES)):
        if folder.is_dir():
            yield folder, "beside"


def unused_files(context: Context, names: Mapping[str, Sequence[str]]) -> list[Path]:
    """Return recordings of `cast.voice_ref_dir` that belong to nobody here."""
    if not context.settings.cast.voice_ref_dir:
        return []
    known = {_plain(name) for called in names.values() for name in called}
    folder = Path(context.settings.cast.voice_ref_dir).expanduser()
    return [path for path in _sounds(folder) if _plain(path.stem) not in known]


def voice_sample(file: VoiceFile) -> VoiceSample:
    """Read a recording and make it ready to clone from. Raises MediaError."""
    from dubkit.media.sound.voice_sample import sample_of_file

    return sample_of_file(file.path)


def _recording(folder: Path, called: Sequence[str]) -> Path | None:
    """Return the recording of a folder that has one of some names, the first name first."""
    sounds = _sounds(folder)
    for name in called:
        mine = [path for path in sounds if _plain(path.stem) == _plain(name)]
        if len(mine) > 1:
            both = " and ".join(path.name for path in mine)
            raise ArtifactDamaged(folder, name, f"there are {both}", "Leave one of them there.")
        if mine:
            return mine[0]
    return None


def _sounds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS and path.is_file())


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


def _text_beside(path: Path) -> str:
    file = path.with_suffix(".txt")
    if not file.is_file():
        return ""
    cure = "Save what is said in the recording as UTF-8 text, or remove the file."
    try:
        text = " ".join(file.read_text("utf-8-sig").split())
    except UnicodeDecodeError:
        raise ArtifactDamaged(file, "", "it is not UTF-8", cure) from None
    if len(text) > LONGEST_TEXT:
        raise ArtifactDamaged(file, "", f"it has {len(text)} letters; {LONGEST_TEXT} are the most", cure)
    return text
