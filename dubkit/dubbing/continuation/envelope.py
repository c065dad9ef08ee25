"""A continuation state as it travels: what every store and server can read of it, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ContinuationState:
    """A state of any kind as it travels: `payload` is plain JSON, `kind` says who can read it."""

    kind: str
    payload: Mapping[str, Any]

    def to_json(self) -> str:
        return json.dumps({"kind": self.kind, "payload": self.payload}, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> ContinuationState:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is not JSON, or not a continuation state.
        """
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"A continuation state is JSON, and this is not: {error}") from error
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            raise ValueError(
                'A continuation state is an object with "kind" and "payload"; there is no "kind".'
            )
        if not isinstance(value.get("payload"), dict):
            raise ValueError(f"The payload of the {value['kind']} continuation state is not an object.")
        return cls(value["kind"], value["payload"])

    def blob_ids(self) -> tuple[str, ...]:
        """Return the ids of the blobs that the state needs beside itself."""
        parts = (value for value in self.payload.values() if isinstance(value, dict))
        return tuple(part["blob_id"] for part in parts if isinstance(part.get("blob_id"), str))
