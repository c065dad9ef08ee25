"""Whose voices may be cloned: `consent.toml`, which people write.

Whether an entry has run out depends on the day, so nothing of this enters a key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from dubkit.episode.context import Context, finished_languages
from dubkit.errors import ArtifactDamaged, ConsentMissing
from dubkit.types.consent import Consent
from stages.shared.cloning.references import voice_by_hand
from stages.shared.cloning.taken_references import speaker_names
from stages.shared.people.modes import clones, clones_speaker

FILE = "consent.toml"
FORM = (
    'Its form is [spk1] who = "Ana Souza" purpose = "Dubs of season 1" until = 2030-12-31; '
    'languages = ["pt-BR"] may be added.'
)


def consent_path(context: Context) -> Path:
    """Return where the consents of an episode stand: the named file, or that beside the source."""
    named = context.settings.cast.consent_file
    return Path(named).expanduser() if named else context.source.with_name(FILE)


def consents(context: Context) -> dict[str, Consent]:
    """Return speaker, by id or name, -> consent. Raises ArtifactDamaged for what cannot be read."""
    path = consent_path(context)
    if not path.is_file():
        if context.settings.cast.consent_file:
            raise ArtifactDamaged(path, "", "no such file", "Set cast.consent_file to your consent.toml.")
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArtifactDamaged(path, "", str(error), FORM) from None
    return {name: _entry(path, name, entry) for name, entry in table.items()}


def _entry(path: Path, name: str, entry: Any) -> Consent:
    fields = Consent.__dataclass_fields__
    unknown = [field for field in entry if field not in fields] if isinstance(entry, dict) else []
    if unknown:
        raise ArtifactDamaged(path, f"{name}.{unknown[0]}", "no such field", FORM)
    try:
        consent = msgspec.convert(entry, Consent)
    except msgspec.ValidationError as error:
        raise ArtifactDamaged(path, name, str(error), FORM) from None
    for field in ("who", "purpose"):
        if not getattr(consent, field).strip():
            raise ArtifactDamaged(path, f"{name}.{field}", "it is empty", FORM)
    return consent


def consent_of(context: Context) -> dict[str, Consent]:
    """Return speaker -> the consent that is recorded, for those of whom there is one."""
    recorded = consents(context)
    if not recorded:
        return {}
    found = {}
    for speaker, called in speaker_names(context).items():
        name = next((name for name in called if name in recorded), None)
        if name is not None:
            found[speaker] = recorded[name]
    return found


def lacking(
    context: Context, speakers: Sequence[str], languages: Sequence[str], today: date | None = None
) -> dict[str, str]:
    """Return speaker -> why the voice may not be cloned; the others are not there."""
    recorded, day = consent_of(context), today or date.today()
    found = {}
    for speaker in speakers:
        consent = recorded.get(speaker)
        why = consent.refusal(languages, day) if consent else "no consent is recorded"
        if why:
            found[speaker] = why
    return found


def _to_clone(context: Context, languages: Sequence[str]) -> list[str]:
    """Return the speakers whose voices are cloned in some languages: nobody gave them one of the engine.

    Without languages, those in which there are lines.
    """
    spoken = [context.fresh(language) for language in languages or finished_languages(context) or ("",)]
    return [
        speaker
        for speaker in speaker_names(context)
        if clones_speaker(context, speaker)
        and any(s.speaker == speaker and not voice_by_hand(c, s) for c in spoken for s in c.segments)
    ]


def refuse_without_consent(context: Context, languages: Sequence[str] = ()) -> None:
    """Raise ConsentMissing where voices are cloned, consent is asked for, and somebody's is missing.

    While nobody knows who speaks, only a file without any entry that holds is a reason.
    """
    settings = context.settings.cast
    if settings.consent != "strict" or not clones(context):
        return
    path = consent_path(context)
    if context.store.has("transcript.json"):
        missing: Mapping[str, str] = lacking(context, _to_clone(context, languages), languages)
    else:
        held = [c for c in consents(context).values() if not c.refusal(languages, date.today())]
        missing = {} if held else {"": "no entry that holds today"}
    if missing:
        raise ConsentMissing(path, missing, FORM)
