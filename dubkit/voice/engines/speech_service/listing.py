"""Read the list of a service's voices, in the forms in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dubkit.services.words import text_of, value_of
from dubkit.voice.engine import Voice
from dubkit.voice.engines.named_voices import GENDERS

_LISTS = ("voices", "uploaded_voices", "data")
_NAMES = ("name", "voice_id", "id", "voice")


def read_voices(body: bytes) -> tuple[Voice, ...] | None:
    """Return the voices in the body of an answer, each once; None for what is no list of voices."""
    value = value_of(text_of(body))
    lists = [value] if isinstance(value, list) else []
    if isinstance(value, dict):
        lists = [value[name] for name in _LISTS if isinstance(value.get(name), (list, dict))]
    if not lists:
        return None
    found = {voice.name: voice for part in lists for voice in _voices(part)}
    return tuple(found.values())


def _voices(part: Any) -> Iterator[Voice]:
    for item in part:
        if isinstance(item, str) and item.strip():
            yield Voice(item.strip())
        elif isinstance(item, dict):
            name = next((item[key] for key in _NAMES if isinstance(item.get(key), str) and item[key]), "")
            gender = GENDERS.get(str(item.get("gender", "")).casefold(), "")
            if name:
                yield Voice(name, gender=gender)
