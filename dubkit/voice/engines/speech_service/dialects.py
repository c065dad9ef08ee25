"""The dialects of speech services: what each takes beside model, text and voice. One record for each.

They follow what the makers of the servers publish, and were tried on recording servers, not on the real ones.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dubkit.types.voices import Delivery, Reference
from dubkit.voice.engine import Ability, Voice

Gender = Literal["female", "male", ""]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line as it is wanted."""

    text: str
    voice: str
    """Empty for the plain one."""
    language: str
    speed: float = 1.0
    seed: int | None = None
    reference: Reference | None = None
    delivery: Delivery | None = None
    instructions: str = ""
    """How it is spoken, from the settings and the delivery."""


Fields = Callable[[Wanted], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of service takes."""

    name: str
    title: str
    fields: Fields
    """Return the fields of a request beside `model`, `input`, `voice` and `response_format`."""
    model: str = ""
    """Model that is asked for where the settings name none; empty leaves the choice to the service."""
    plain_voice: str = ""
    """Voice where a line has none; empty leaves it to the service."""
    abilities: tuple[Ability, ...] = ()
    voices_call: str = ""
    """Where the voices are listed, below the address."""
    known: tuple[Voice, ...] = ()
    """Voices that are known without asking."""
    describe: Callable[[str], tuple[Gender, str]] = lambda name: ("", "")
    """Return gender and language of a voice by its name; empty where that does not say it."""
    upload_call: str = ""
    """Where a recording is left, to be spoken with under a name; empty where it stands in the request."""
    blends: bool = False
    """Whether `a+b` is a voice."""
    longest: int = 4096
    """Characters of a text at most."""


# --- plain ------------------------------------------------------------------------------------

WOMEN = ("coral", "nova", "sage", "shimmer", "alloy", "fable", "marin")
MEN = ("onyx", "echo", "ash", "ballad", "verse", "cedar")
"""OpenAI's voices as most hear them; it publishes no list that can be asked for."""


def _plain(wanted: Wanted) -> Mapping[str, Any]:
    speed = {"speed": _speed(wanted.speed, 0.25, 4.0)} if wanted.speed != 1.0 else {}
    return speed | ({"instructions": wanted.instructions} if wanted.instructions else {})


# --- vLLM-Omni --------------------------------------------------------------------------------


def _vllm_omni(wanted: Wanted) -> Mapping[str, Any]:
    fields: dict[str, Any] = {**_plain(wanted), "language": _language_name(wanted.language)}
    if wanted.reference is not None:
        fields |= {"task_type": "Base", "ref_audio": data_url(wanted.reference.file)}
        fields |= {"ref_text": wanted.reference.text} if wanted.reference.text else {}
    elif wanted.voice:
        fields["task_type"] = "CustomVoice"
    elif wanted.instructions:
        fields["task_type"] = "VoiceDesign"
    return fields | ({"seed": wanted.seed} if wanted.seed is not None else {})


# --- Kokoro-FastAPI ---------------------------------------------------------------------------

KOKORO_LANGUAGES = {
    "en": "a",
    "en-gb": "b",
    "es": "e",
    "fr": "f",
    "hi": "h",
    "it": "i",
    "ja": "j",
    "pt": "p",
    "zh": "z",
}
"""Tag -> the letter with which Kokoro names a language, and with which its voices' names begin."""


def _kokoro(wanted: Wanted) -> Mapping[str, Any]:
    tag = wanted.language.lower()
    letter = KOKORO_LANGUAGES.get(tag) or KOKORO_LANGUAGES.get(tag.partition("-")[0])
    fields: dict[str, Any] = {"stream": False}
    fields |= {"speed": _speed(wanted.speed, 0.25, 4.0)} if wanted.speed != 1.0 else {}
    return fields | ({"lang_code": letter} if letter else {})


def _kokoro_voice(name: str) -> tuple[Gender, str]:
    tags = {letter: tag for tag, letter in KOKORO_LANGUAGES.items()}
    genders: dict[str, Gender] = {"f": "female", "m": "male"}
    if len(name) < 4 or name[2] != "_" or name[0] not in tags or name[1] not in genders:
        return "", ""
    return genders[name[1]], tags[name[0]].partition("-")[0]


# --- Chatterbox servers -----------------------------------------------------------------------

PLAIN_EXAGGERATION = 0.5
"""Chatterbox's own; louder delivery exaggerates more."""


def _chatterbox(wanted: Wanted) -> Mapping[str, Any]:
    energy = wanted.delivery.energy if wanted.delivery is not None else 0.0
    if not energy:
        return {}
    return {"exaggeration": round(min(max(PLAIN_EXAGGERATION + energy / 24, 0.25), 1.5), 3)}


# --- what they share --------------------------------------------------------------------------


def data_url(file: Path) -> str:
    """Return a sound file as a data URL."""
    return "data:audio/wav;base64," + base64.b64encode(file.read_bytes()).decode()


def _speed(speed: float, slowest: float, fastest: float) -> float:
    return round(min(max(speed, slowest), fastest), 4)


def _language_name(tag: str) -> str:
    import langcodes

    return langcodes.Language.get(tag).language_name()


DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="openai",
            title="OpenAI",
            fields=_plain,
            model="gpt-4o-mini-tts",
            plain_voice="alloy",
            abilities=("style",),
            known=(
                *(Voice(name, gender="female") for name in WOMEN),
                *(Voice(name, gender="male") for name in MEN),
            ),
        ),
        Dialect(
            name="vllm-omni",
            title="vLLM-Omni",
            fields=_vllm_omni,
            abilities=("clone", "style"),
            voices_call="audio/voices",
        ),
        Dialect(
            name="kokoro-fastapi",
            title="Kokoro-FastAPI",
            fields=_kokoro,
            model="kokoro",
            plain_voice="af_heart",
            voices_call="audio/voices",
            describe=_kokoro_voice,
            blends=True,
        ),
        Dialect(
            name="chatterbox",
            title="a Chatterbox server",
            fields=_chatterbox,
            model="chatterbox",
            plain_voice="default",
            abilities=("clone", "style"),
            voices_call="voices",
            upload_call="voices",
        ),
    )
}


def described(voice: Voice) -> Voice:
    """Return a voice with what its name says to those who know the services."""
    known = {one.name: one for dialect in DIALECTS.values() for one in dialect.known}
    if voice.gender or voice.name in known:
        return known[voice.name] if not voice.gender else voice
    found = (dialect.describe(voice.name) for dialect in DIALECTS.values())
    gender, tag = next((pair for pair in found if pair[0]), ("", ""))
    return replace(voice, gender=gender, languages=(tag,) if tag else ())
