"""What a registered part may ask of dubkit, answered from settings and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.host import Host

if TYPE_CHECKING:
    from dubkit.config import Settings
    from dubkit.models.store import ModelStore
    from dubkit.types.models import ResolvedModel

Section = TypeVar("Section")


class SettingsHost(Host):
    """Settings and models of a run, or of this machine outside of any run."""

    def __init__(self, settings: Settings, models: ModelStore) -> None:
        self._settings = settings
        self._models = models

    def setting(self, name: str) -> Any:
        return self._settings.value(name)

    def table(self, name: str, section: type[Section]) -> Section:
        return self._settings.table(name, section)

    def find_model(self, role: str, name: str = "") -> ResolvedModel | None:
        return self._models.find(role, name)

    def fetch_model(self, role: str, name: str = "") -> ResolvedModel:
        return self._models.fetch(role, name)

    def device(self) -> str:
        """Return `cuda` or `cpu`: what is asked for, else a graphics card when there is one."""
        import ctranslate2  # type: ignore[import-untyped]

        if self._settings.device != "auto":
            return self._settings.device
        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
