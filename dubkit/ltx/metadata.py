"""The JSON configuration in a safetensors header, read with errors that name the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class Section:
    """One object of the configuration, with errors that name the field."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise ValueError(f"The checkpoint's configuration has no object {name!r}.")
        self.values: Mapping[str, Any] = values
        self.name = name

    def need(self, key: str) -> Any:
        """Return a field that must be there."""
        if key not in self.values:
            raise ValueError(f"The checkpoint's configuration lacks {self.name}.{key}.")
        return self.values[key]

    def get(self, key: str, default: Any) -> Any:
        """Return a field, or the default that the original's code gives it."""
        return self.values.get(key, default)

    def section(self, key: str) -> Section:
        return Section(self.values.get(key), f"{self.name}.{key}")

    def choice(self, key: str, value: object, known: tuple[str, ...]) -> Any:
        """Return `value` if it is one of `known`."""
        if value not in known:
            raise ValueError(f"{self.name}.{key} is {value!r}; known: {', '.join(known)}.")
        return value


def parse_metadata(metadata: Mapping[str, str] | None, where: str) -> dict[str, Any]:
    """Return the JSON object under `config` in a safetensors header. `where` names the file in errors."""
    text = (metadata or {}).get("config")
    if not text:
        raise ValueError(f"{where} has no 'config' in its metadata, so its architecture is unknown.")
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"The 'config' in the metadata of {where} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise ValueError(f"The 'config' in the metadata of {where} is not a JSON object.")
    return values
