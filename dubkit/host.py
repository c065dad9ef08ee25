"""What a registered part may ask of dubkit while it works: settings, models, and where to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dubkit.types.models import ResolvedModel

Section = TypeVar("Section")


class Host:
    """What a part may ask of dubkit. This base has default settings, no models, and runs on the processor.

    In a run it is `stages.shared.host.RunHost`.
    """

    def setting(self, name: str) -> Any:
        """Return the value of a dotted setting, such as `models.token`; empty where nobody set it."""
        return ""

    def table(self, name: str, section: type[Section]) -> Section:
        """Return a part's own table, such as `translate.deepl`, as an instance of its section."""
        return section()

    def find_model(self, role: str, name: str = "") -> ResolvedModel | None:
        """Return a model that is on this machine, or None. Never downloads."""
        return None

    def model(self, role: str, name: str = "") -> ResolvedModel | None:
        """Return a model that is on this machine, or None. Within a run, one asked for by name is fetched."""
        return self.find_model(role, name)

    def fetch_model(self, role: str, name: str = "") -> ResolvedModel:
        """Return a model, fetched if need be. Raises ModelMissing, which names every way to get it."""
        from dubkit.errors import ModelMissing

        raise ModelMissing(f"No {role} model {name}".rstrip() + ": there is no model store here.")

    def model_path(self, model: ResolvedModel) -> Path:
        """Return what a loader is given for a model, put together from its packages if need be."""
        return model.path

    def device(self) -> str:
        """Return `cuda` or `cpu`."""
        return "cpu"


ALONE = Host()
"""The host of library callers and tests that need no settings or models besides what they pass."""
