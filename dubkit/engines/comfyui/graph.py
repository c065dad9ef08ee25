"""Put a graph together from the nodes that a server has, in the form that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dubkit.engines.comfyui.definitions import Definitions
from dubkit.errors import GeneratorError

LIGHTRICKS = "ComfyUI-LTXVideo"
"""Package of nodes beside ComfyUI's own."""
_OF_LIGHTRICKS = frozenset(("LTXAddVideoICLoRAGuide", "LTXICLoRALoaderModelOnly", "LTXVSetAudioRefTokens"))

Link = list[Any]
"""Where an input comes from: `[node id, slot]`."""


@dataclass(frozen=True, slots=True)
class Made:
    """A node of a graph."""

    id: str

    def out(self, slot: int = 0) -> Link:
        """Return the link to one of its outputs."""
        return [self.id, slot]


@dataclass(slots=True)
class Graph:
    """A graph that grows node by node: ids are numbers from 1, as text."""

    nodes: Definitions
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, kind: str, maybe: Mapping[str, Any] | None = None, /, **inputs: Any) -> Made:
        """Add a node.

        What the server requires beside `inputs` gets the server's own default, which it does not fill in
        itself. Of `maybe`, what this version of the node does not know is left out.

        Raises GeneratorError for a node or an input that the server lacks.
        """
        definition = self.nodes.get(kind)
        if definition is None:
            raise GeneratorError(lacking_node(kind))
        given = {**inputs, **{n: v for n, v in (maybe or {}).items() if n in definition.inputs}}
        for name in inputs:
            if name not in definition.inputs:
                raise GeneratorError(
                    f"The node {kind} of this ComfyUI has no input {name!r}.\n"
                    f"Update ComfyUI and {LIGHTRICKS}."
                )
        for entry in definition.inputs.values():
            if entry.required and entry.name not in given and entry.default is not None:
                given[entry.name] = entry.default
        made = Made(str(len(self.entries) + 1))
        self.entries[made.id] = {"class_type": kind, "inputs": given}
        return made


def lacking_node(kind: str) -> str:
    """Say that a server lacks a kind of node, and where it comes from."""
    cure = f"install {LIGHTRICKS}" if kind in _OF_LIGHTRICKS else "update ComfyUI"
    return f"This ComfyUI has no node {kind}.\nOn the server, {cure} and start it again."
