"""Which settings a job may bring: what changes a dub, and nothing that is the machine's or a secret."""

from __future__ import annotations

from collections.abc import Mapping

from dubkit.config import Settings, configure, declared
from dubkit.errors import SettingError

SECTIONS = ("extract", "shots", "diarize", "transcribe", "speak", "dub", "stitch", "qc")

SINGLE = (
    "mode",
    "engine",
    "translate.provider",
    "translate.model",
    "translate.batch_size",
    "translate.context",
    "mix.duck_db",
    "mix.true_peak_db",
)

MACHINE = ("dub.devices", "dub.memory", "dub.float8")
"""What fits the graphics cards is the server's to say."""

ASR_MODELS = ("auto", "tiny", "base", "small", "medium", "large-v3")

ALLOWED = frozenset(
    entry.name
    for entry in declared()
    if (entry.name in SINGLE or entry.name.partition(".")[0] in SECTIONS)
    and entry.name not in MACHINE
    and not entry.secret
)
"""No path and no address: a job could read any file of the server, or have its keys sent away."""


def check_settings(settings: Mapping[str, str]) -> Settings:
    """Return what a job's settings make of the defaults. Raises SettingError for one that a job may not have,
    or a value that does not fit."""
    for name, value in settings.items():
        if name not in ALLOWED:
            raise SettingError(
                name,
                "***",
                f"a job cannot have this setting; it may have: {', '.join(sorted(ALLOWED))}",
                "job",
            )
        # Any other name would be a folder of the server.
        if name == "transcribe.model" and value not in ASR_MODELS:
            raise SettingError(name, value, f"must be one of {', '.join(ASR_MODELS)}", "job")
    return configure(dict(settings), environment={}).settings
