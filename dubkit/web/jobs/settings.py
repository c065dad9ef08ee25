"""The settings a job runs with: its own over the server's."""

from __future__ import annotations

from collections.abc import Mapping

from dubkit.config import Configuration, Settings, configure


def job_settings(configured: Configuration, values: Mapping[str, str]) -> Settings:
    """Lay a job's settings (dotted name -> value) over those a server or worker was started with.

    A preset (`mode`) gives way to every setting that somebody named, whether for the server or for the job.
    Raises SettingError for a value that does not fit.
    """
    named = {
        name: configured.settings.value(name)
        for name, origin in configured.origins.items()
        if origin != "default" and not origin.startswith("mode ")
    }
    return configure(named | dict(values), environment={}).settings
