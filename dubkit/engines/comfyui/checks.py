"""Hold a graph against a server's own definitions before it is sent.

The server converts and cuts in silence: 23.976 for a whole number becomes 23, and a width of 100 becomes 96.
So the checks are stricter than its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from dubkit.engines.comfyui.definitions import NUMBERS, Definition, Definitions, Input
from dubkit.engines.comfyui.graph import lacking_node

_ANY = frozenset(("*", "COMFY_MATCHTYPE_V3"))
_SHOWN = 6
"""Choices that a message names."""

Entries = Mapping[str, Mapping[str, Any]]


def problems(graph: Entries, nodes: Definitions) -> list[str]:
    """Return what is wrong with a graph, one sentence each; nothing where the server can take it."""
    found: list[str] = []
    for name, entry in graph.items():
        definition = nodes.get(str(entry.get("class_type")))
        if definition is None:
            found.append(lacking_node(str(entry.get("class_type"))).splitlines()[0])
            continue
        place = f"node {name} ({definition.name})"
        found += [
            f"{place}: {problem}" for problem in _of_node(entry.get("inputs", {}), definition, graph, nodes)
        ]
    if not any((d := nodes.get(str(e.get("class_type")))) and d.is_output for e in graph.values()):
        found.append("no node saves a result")
    return found + [f"nodes {' → '.join(ring)} wait for each other" for ring in _rings(graph)]


def _of_node(
    inputs: Mapping[str, Any], definition: Definition, graph: Entries, nodes: Definitions
) -> Iterator[str]:
    for name in inputs:
        # A dynamic choice has its parts under `choice.part`, which the server alone can tell.
        if name not in definition.inputs and name.partition(".")[0] not in definition.inputs:
            yield f"it has no input {name}"
    for entry in definition.inputs.values():
        if entry.name not in inputs:
            if entry.required:
                yield f"its input {entry.name} is missing"
            continue
        value = inputs[entry.name]
        problem = _of_link(value, entry, graph, nodes) if isinstance(value, list) else _of_value(value, entry)
        if problem:
            yield f"{entry.name} {problem}"


def _of_link(link: list[Any], entry: Input, graph: Entries, nodes: Definitions) -> str:
    if len(link) != 2 or not isinstance(link[0], str) or not isinstance(link[1], int):
        return f"is {link!r}, not a node's id and a slot"
    source = graph.get(link[0])
    if source is None:
        return f"comes from node {link[0]}, which does not exist"
    definition = nodes.get(str(source.get("class_type")))
    if definition is None:
        return ""  # told of that node
    if not 0 <= link[1] < len(definition.outputs):
        return f"comes from output {link[1]} of {definition.name}, which has {len(definition.outputs)}"
    given = frozenset(definition.outputs[link[1]].split(","))
    if given & entry.kinds or (given | entry.kinds) & _ANY:
        return ""
    return f"takes {'/'.join(sorted(entry.kinds))}, not {'/'.join(sorted(given))}"


def _of_value(value: Any, entry: Input) -> str:
    if entry.choices is not None:
        return "" if value in entry.choices else f"is {value!r}, which is none of {_listed(entry.choices)}"
    if entry.kinds & set(NUMBERS):
        return _of_number(value, entry)
    kind = next((kind for kind in entry.kinds if kind in ("STRING", "BOOLEAN")), "")
    if (kind == "STRING" and not isinstance(value, str)) or (
        kind == "BOOLEAN" and value not in (True, False)
    ):
        return f"is {value!r}, not a {kind}"
    return ""


def _of_number(value: Any, entry: Input) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return f"is {value!r}, not a number"
    whole = "FLOAT" not in entry.kinds
    if whole and value != int(value):
        return f"is {value}, and the server would cut it to {int(value)}"
    low, high, step = (entry.options.get(name) for name in ("min", "max", "step"))
    if low is not None and value < low:
        return f"is {value}, below {low}"
    if high is not None and value > high:
        return f"is {value}, above {high}"
    # The steps of fractions are those of the page's fields; those of whole numbers are the model's.
    base = entry.options.get("default")
    if whole and step and base is not None and (value - base) % step:
        return f"is {value}, and the server would cut it: it counts in steps of {step} from {base % step}"
    return ""


def _listed(choices: tuple[Any, ...]) -> str:
    shown = ", ".join(str(choice) for choice in choices[:_SHOWN])
    rest = len(choices) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown or "none that the server has"


def _rings(graph: Entries) -> Iterator[list[str]]:
    """Yield the nodes of the first ring of links, if there is one."""
    state: dict[str, int] = {}

    def walk(name: str, path: list[str]) -> list[str]:
        if state.get(name) == 1:
            return [*path[path.index(name) :], name]
        if state.get(name) == 2 or name not in graph:
            return []
        state[name] = 1
        for value in graph[name].get("inputs", {}).values():
            if isinstance(value, list) and value and (ring := walk(str(value[0]), [*path, name])):
                return ring
        state[name] = 2
        return []

    for name in graph:
        if ring := walk(name, []):
            yield ring
            return
