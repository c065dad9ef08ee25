"""The nodes of a server, as it defines them itself: what each takes, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NUMBERS = ("INT", "FLOAT")
_UPLOADS = ("video_upload", "image_upload", "audio_upload", "file_upload")


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a node."""

    name: str
    kinds: frozenset[str]
    """Types that it takes: `INT`, `COMBO`, `LATENT`; a node may take several."""
    required: bool
    options: Mapping[str, Any]
    """What else the server says of it: `default`, `min`, `max`, `step`."""
    choices: tuple[Any, ...] | None = None
    """Values that it may have; None where it is no choice, or one of files that can be uploaded."""

    @property
    def default(self) -> Any:
        """The value that the server's own pages begin with; None where it has none."""
        if "default" in self.options:
            return self.options["default"]
        return self.choices[0] if self.choices else None


@dataclass(frozen=True, slots=True)
class Definition:
    """One kind of node."""

    name: str
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    """Types of its outputs, by slot."""
    is_output: bool
    """Whether it saves or shows something, so that a graph can end in it."""


class Definitions:
    """All nodes of a server. Raises ValueError for what is no answer of `/object_info`."""

    def __init__(self, answer: object) -> None:
        if not isinstance(answer, dict) or not answer:
            raise ValueError("it names no nodes")
        self._nodes = {str(name): _definition(str(name), info) for name, info in answer.items()}

    def get(self, name: str) -> Definition | None:
        """Return a node's definition, or None where the server lacks it."""
        return self._nodes.get(name)

    def choices(self, node: str, name: str) -> tuple[str, ...]:
        """Return the values that an input of a node may have; none where the server lacks either."""
        definition = self._nodes.get(node)
        entry = definition.inputs.get(name) if definition else None
        return tuple(str(choice) for choice in (entry.choices if entry else None) or ())


def _definition(name: str, info: object) -> Definition:
    if not isinstance(info, dict):
        raise ValueError(f"the node {name} has no definition")
    groups = info.get("input") or {}
    inputs: dict[str, Input] = {}
    for group in ("required", "optional"):
        for entry, told in (groups.get(group) or {}).items():
            inputs[entry] = _input(str(entry), told, group == "required")
    outputs = tuple(_kind(kind) for kind in info.get("output") or ())
    return Definition(name, inputs, outputs, bool(info.get("output_node")))


def _input(name: str, told: Any, required: bool) -> Input:
    """Read an input: `[type, options]`, where older nodes have their choices in place of the type."""
    kind = told[0] if isinstance(told, list) and told else "*"
    options = told[1] if isinstance(told, list) and len(told) > 1 and isinstance(told[1], dict) else {}
    found = kind if isinstance(kind, list) else options.get("options") if kind == "COMBO" else None
    uploaded = any(options.get(flag) for flag in _UPLOADS)
    choices = tuple(found) if isinstance(found, list) and not uploaded else None
    return Input(name, frozenset(_kind(kind).split(",")), required, options, choices)


def _kind(kind: Any) -> str:
    return "COMBO" if isinstance(kind, list) else str(kind)
