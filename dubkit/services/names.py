"""What messages call a service, and the settings that say where it is."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.errors import DubkitError


@dataclass(frozen=True, slots=True)
class ServiceNames:
    """The words of messages about one kind of service."""

    what: str
    """`the translation service`."""
    serves: str
    """What it is asked for: `chat completions`."""
    address: str
    """The setting of its address: `translate.base_url (OPENAI_BASE_URL)`."""
    variable: str
    """The short name of that setting: `OPENAI_BASE_URL`."""
    key: str
    """The settings of its key: `translate.api_key, OPENAI_API_KEY`."""
    model: str
    """The setting of its model: `translate.model`."""
    example: str
    """Addresses such as people write."""
    error: type[DubkitError]
    """What is raised for an address, a key or a proxy that cannot be used."""

    @property
    def check(self) -> str:
        """What to look at when a request is not accepted."""
        return f"Check {self.address} and {self.model}."

    @property
    def check_address(self) -> str:
        """What to look at when something else answers."""
        return f"Check {self.address}; for most servers it ends in /v1."
