"""Piper's voices are files of the user's: found, named, cast by language, and part of every key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dubkit.errors import VoiceError
from dubkit.voice.engine import SpeakerTraits, VoiceOpening
from dubkit.voice.engines.piper import ENGINE, JOE, PiperSettings


def write_voice(folder: Path, name: str, language: str, speakers: tuple[str, ...] = ()) -> Path:
    file = folder / f"{name}.onnx"
    file.write_bytes(name.encode())
    described = {"language": {"code": language}, "speaker_id_map": {n: i for i, n in enumerate(speakers)}}
    (folder / f"{name}.onnx.json").write_text(json.dumps(described))
    return file


@pytest.fixture
def settings(tmp_path: Path) -> PiperSettings:
    write_voice(tmp_path, "en_GB-vctk-medium", "en_GB", ("p239", "p236"))
    write_voice(tmp_path, "pt_BR-faber-medium", "pt_BR")
    write_voice(tmp_path, "pt_PT-tugao-medium", "pt_PT")
    return PiperSettings(voices=str(tmp_path))


def cast(language: str, settings: PiperSettings, taken: tuple[str, ...] = ()) -> str:
    return ENGINE.voice_for(SpeakerTraits(language, 120.0, settings), taken)


def test_voices_of_the_language_are_cast_those_of_its_region_first(settings: PiperSettings) -> None:
    assert cast("pt-BR", settings) == "pt_BR-faber-medium"
    assert cast("pt-PT", settings) == "pt_PT-tugao-medium"
    assert cast("pt-BR", settings, ("pt_BR-faber-medium",)) == "pt_PT-tugao-medium"
    assert cast("en", settings, ("en_GB-vctk-medium/p239",)) == "en_GB-vctk-medium/p236"
    assert cast("en", PiperSettings()) == JOE


def test_every_voice_is_listed_and_no_other_is_taken(settings: PiperSettings) -> None:
    assert ENGINE.voices is not None
    listed = ENGINE.voices(VoiceOpening(None, settings))
    assert [voice.name for voice in listed.voices] == [
        "en_GB-vctk-medium/p239",
        "en_GB-vctk-medium/p236",
        "pt_BR-faber-medium",
        "pt_PT-tugao-medium",
    ]
    with pytest.raises(VoiceError, match="Piper has no voice 'joe'"):
        listed.check("Piper", "joe")


def test_another_voice_under_the_same_path_is_another_key(settings: PiperSettings, tmp_path: Path) -> None:
    assert ENGINE.identity is not None
    before = ENGINE.identity(VoiceOpening(None, settings))
    assert before != ENGINE.identity(VoiceOpening(None, PiperSettings()))
    (tmp_path / "pt_BR-faber-medium.onnx").write_bytes(b"pt_BR-other-medium")
    assert ENGINE.identity(VoiceOpening(None, settings)) != before


def test_a_path_without_voices_and_one_without_a_description_are_named(tmp_path: Path) -> None:
    assert ENGINE.voices is not None
    with pytest.raises(VoiceError, match=r"speak\.piper\.voices is .*, but there is no Piper voice"):
        ENGINE.voices(VoiceOpening(None, PiperSettings(voices=str(tmp_path))))
    (tmp_path / "lone.onnx").write_bytes(b"x")
    with pytest.raises(VoiceError, match=r"lone\.onnx\.json is not the description of a Piper voice"):
        ENGINE.voices(VoiceOpening(None, PiperSettings(voices=str(tmp_path / "lone.onnx"))))
