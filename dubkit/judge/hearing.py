"""Hear what a file says; what was heard is kept, so that a source is heard once for all its dubs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dubkit.chain.host import SettingsHost
from dubkit.episode.store import canonical, decode_json
from dubkit.speech.recognition import RECOGNISERS, RecognitionTask, choose_recogniser
from dubkit.types import Diarization, Recognised

if TYPE_CHECKING:
    from dubkit.config import Settings
    from dubkit.models.store import ModelStore
    from dubkit.types.models import ResolvedModel

Kept = TypeVar("Kept")

KEPT = "judged"
"""Folder of what was heard, within the cache folder."""


class FileHost(SettingsHost):
    """Settings and models for work on files: models are put together from their packages where need be."""

    def model_path(self, model: ResolvedModel) -> Path:
        if model.folder is None:
            model = self._models.fetch(model.role, model.name)
        return model.path


class Ears:
    """The recogniser and the diariser of the settings, with what they heard before."""

    def __init__(self, settings: Settings, models: ModelStore, cache: Path) -> None:
        self._settings, self._folder = settings, cache / KEPT
        self._host = FileHost(settings, models)

    def words(self, speech: Path, language: str) -> Recognised:
        """Return the words of a 16 kHz WAV. `language` is a tag, or `auto`."""
        from dubkit.media.sound.audio import read_mono16
        from dubkit.speech.vad import speech_spans

        wanted = replace(self._settings.transcribe, language=language.split("-")[0] or "auto")
        task = RecognitionTask(wanted, self._host)
        engine = choose_recogniser(task)
        task = task.for_engine(engine)
        package = RECOGNISERS.package(engine.name) or ""
        said = f"{engine.identity(task)}{package} {wanted.language} {wanted.beam} {wanted.hints}"
        file = self._folder / f"{_name(speech, said)}.words.json"
        kept = _read(file, Recognised)
        if kept is not None:
            return kept
        audio = read_mono16(speech)
        heard = engine.open(task).recognise(audio, speech_spans(audio), wanted)
        words = Recognised(
            heard.language, heard.language_probability, heard.words, engine.name, heard.flags, heard.languages
        )
        _write(file, words)
        return words

    def speakers(self, speech: Path) -> Diarization:
        """Return who speaks when in a 16 kHz WAV."""
        from dubkit.media.sound.audio import read_mono16
        from dubkit.speech.diarization import DIARISERS, DiarizationTask, choose_diariser

        task = DiarizationTask(self._settings.diarize, self._host)
        engine = choose_diariser(task)
        task = task.for_engine(engine)
        package = DIARISERS.package(engine.name) or ""
        said = f"{engine.identity(task)}{package} {self._settings.diarize}"
        file = self._folder / f"{_name(speech, said)}.turns.json"
        kept = _read(file, Diarization)
        if kept is not None:
            return kept
        found = engine.diarize(read_mono16(speech), task)
        _write(file, found)
        return found


def _name(sound: Path, by: str) -> str:
    """Return the name under which something that was heard of a sound is kept."""
    digest = hashlib.sha256(by.encode("utf-8"))
    with sound.open("rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()[:40]


def _read(file: Path, kind: type[Kept]) -> Kept | None:
    try:
        return decode_json(file.read_bytes(), kind)
    except (OSError, msgspec.DecodeError):
        return None


def _write(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".part")
    temporary.write_bytes(canonical(value))
    temporary.replace(file)
