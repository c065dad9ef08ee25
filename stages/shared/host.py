"""The host of a run, and what of a registered part enters keys."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from dubkit.chain.host import SettingsHost
from dubkit.episode.context import Context
from dubkit.registry import Named, Registry
from dubkit.settings import result_settings
from dubkit.types.models import ResolvedModel

Part = TypeVar("Part", bound=Named)


class RunHost(SettingsHost):
    """Settings, models and device of one run."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.settings, context.models)
        self._context = context

    def model(self, role: str, name: str = "") -> ResolvedModel | None:
        return self._context.model(role, name)

    def model_path(self, model: ResolvedModel) -> Path:
        return self._context.model_path(model)


def part_settings(context: Context, section: type | None, table: str) -> tuple[str, ...]:
    """Return a part's own settings that enter keys: those that may change its results and are no defaults."""
    entries = result_settings(section, table)
    return tuple(e.name for e in entries if context.settings.value(e.name) != e.default)


def part_identity(registry: Registry[Part], part: Part, identity: str) -> str:
    """Return the identity of a part as it enters keys.

    That of another package has the package's version, which may change results as a stage's version does.
    """
    package = registry.package(part.name)
    return f"{identity}@{package.rpartition(' ')[2]}" if package else identity
