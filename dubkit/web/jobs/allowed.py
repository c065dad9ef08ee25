"""Which settings a job may bring: what changes a dub, and nothing that is the machine's or a secret."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from dubkit.config import Settings, all_settings, configure
from dubkit.errors import SettingError
from dubkit.settings import Setting


def allowed_settings() -> dict[str, Setting]:
    """Return the settings that a job may bring, by name: those declared with `job=True`."""
    return {entry.name: entry for entry in all_settings() if entry.job and not entry.secret}


def check_settings(settings: Mapping[str, str]) -> Settings:
    """Return what a job's settings make of the defaults. Raises SettingError for one that a job may not have,
    or a value that does not fit."""
    allowed = allowed_settings()
    for name, value in settings.items():
        if name not in allowed:
            near = get_close_matches(name, allowed, n=3)
            named = (
                f"perhaps {' or '.join(near)} is meant" if near else "the page of a new job lists the others"
            )
            raise SettingError(name, "***", f"a job cannot have this setting; {named}", "job")
        choices = allowed[name].job_choices
        if choices and value not in choices:
            raise SettingError(name, value, f"must be one of {', '.join(choices)}", "job")
    try:
        return configure(dict(settings), environment={}).settings
    except SettingError as error:
        raise error.of("job") from None
