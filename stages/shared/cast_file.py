"""The file in which people name, describe and voice the speakers: `cast.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.errors import ArtifactDamaged
from dubkit.types import Age

CURE = (
    'Its form is [spk1] name = "Ana" description = "The young woman" voice = "…" age = "young"; '
    "each of them may be left out."
)
AGES = [age for age in get_args(Age) if age]


@dataclass(frozen=True, slots=True)
class SpeakerNotes:
    """What `cast.toml` and the edits say about a speaker."""

    name: str = ""
    description: str = ""
    voice: str = ""
    age: Age = ""


def read_cast_file(context: Context) -> dict[str, dict[str, str]]:
    """Read `cast.toml`: the file named in the settings, or the one beside the source."""
    file = context.user_file("cast") or (
        Path(context.settings.cast.file)
        if context.settings.cast.file
        else context.source.with_name("cast.toml")
    )
    if not file.is_file():
        if context.settings.cast.file:
            raise ArtifactDamaged(file, "", "no such file", "Set cast.file to your cast.toml.")
        return {}
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArtifactDamaged(file, "", str(error), CURE) from None
    for speaker, fields in table.items():
        if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
            raise ArtifactDamaged(file, speaker, "is not a table of texts", CURE)
        for name in fields:
            if name not in SpeakerNotes.__dataclass_fields__:
                raise ArtifactDamaged(file, f"{speaker}.{name}", "no such field", CURE)
        if fields.get("age", "") not in ("", *AGES):
            ages = f"Write one of: {', '.join(AGES)}."
            raise ArtifactDamaged(file, f"{speaker}.age", f"{fields['age']!r} is no age", ages)
    return table


def edited_notes(context: Context, speaker: str) -> dict[str, str]:
    """Return what a person changed about a speaker, as far as it is about the cast."""
    edit = edit_fields(context.speaker_edits.get(speaker))
    return {name: value for name, value in edit.items() if name in SpeakerNotes.__dataclass_fields__}


def speaker_notes(context: Context, speaker: str) -> SpeakerNotes:
    """Return what people say about a speaker of the episode: edits before `cast.toml`."""
    return SpeakerNotes(**(read_cast_file(context).get(speaker, {}) | edited_notes(context, speaker)))  # type: ignore[arg-type]
