"""The source's sound without its voices, where a stage made it: what is heard under the dub's voices."""

from __future__ import annotations

from pathlib import Path

from dubkit.chain.stage import Setup
from dubkit.episode.context import Context
from dubkit.media.separation.separator import OFF
from dubkit.types import sample_at
from dubkit.types.separation import Separation

VOICE = "stems/voice.wav"
BED = "stems/bed.wav"
REPORT = "stems/separation.json"

BED_ITEM = "bed"
"""Item of the stage `separate` that leaves the bed."""


def separates(setup: Setup) -> bool:
    """Tell whether voices are to be taken out of the source's sound."""
    return setup.settings.separate.method != OFF


def separation(context: Context) -> Separation | None:
    """Return what separation did; None where it is off or was not done yet."""
    if not separates(context) or not context.store.has(REPORT):
        return None
    return context.store.read(REPORT, Separation)


def bed_file(context: Context) -> Path | None:
    """Return the bed on the episode clock, with the source's channels and length; None where none is used."""
    done = separation(context)
    return context.store.path(BED) if done is not None and done.used else None


def bed_inputs(context: Context) -> dict[str, str]:
    """Return what of the bed enters the key of the mix; empty without one."""
    done = separation(context)
    if done is None or not done.used:
        return {}
    return {"separate/stems/bed.wav": context.file_digest("separate", BED, BED_ITEM)}


def meter_inputs(context: Context) -> dict[str, str]:
    """Return what of the leak meter enters the key of the checks; empty without a bed."""
    return {REPORT: context.artifact_digest(REPORT)} if bed_file(context) else {}


def old_voice_db(context: Context, line: str) -> float | None:
    """Return the level of the old voice in the bed under a line, in dB; None where no such bed is heard."""
    if context.settings.mix.background or bed_file(context) is None:
        return None
    done = separation(context)
    assert done is not None, "there is a bed"
    segment = next((s for s in context.segments if s.id == line), None)
    if segment is None:
        return None
    middle = sample_at((segment.start + segment.end) / 2)
    if any(start <= middle < end for start, end in done.ducked):
        return None
    return next((level.old_voice_db for level in done.levels if level.segment == line), None)
