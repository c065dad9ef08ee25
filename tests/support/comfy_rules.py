"""How ComfyUI checks a graph before it takes it: its kinds of errors, in its order, with its words.

Written from what a running server answered, apart from `dubkit.engines.comfyui.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Graph = Mapping[str, Mapping[str, Any]]
Info = Mapping[str, Any]
Answer = tuple[int, dict[str, Any], list[str]]
"""Status, body, and the output nodes that are run."""

_ANY = ("*", "COMFY_MATCHTYPE_V3")
_OWN_CHECK = {"LoadImage": "image", "LoadVideo": "file", "LoadAudio": "audio"}
"""Nodes that look for a file in place of the list."""
_CONVERT = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


def validate(graph: Any, info: Info, files: set[str]) -> Answer:
    """Check a graph; `files` are the names of uploads."""
    if not isinstance(graph, dict) or not graph:
        return 400, _refused("prompt_no_outputs", "Prompt has no outputs"), []
    for name, entry in graph.items():
        kind = entry.get("class_type")
        if kind not in info:
            message = f"Node '{kind}' not found. The custom node may not be installed."
            extra = {"node_id": name, "class_type": kind, "node_title": kind}
            return 400, _refused("missing_node_type", message, f"Node ID '#{name}'", extra), []
    outputs = [name for name, entry in graph.items() if info[entry["class_type"]]["output_node"]]
    if not outputs:
        return 400, _refused("prompt_no_outputs", "Prompt has no outputs"), []
    check = _Check(graph, info, files)
    good = [name for name in outputs if check.is_valid(name)]
    errors = {n: {**told, "dependent_outputs": outputs} for n, told in check.errors.items()}
    if not good:
        body = _refused("prompt_outputs_failed_validation", "Prompt outputs failed validation")
        return 400, {**body, "node_errors": errors}, []
    return 200, {"node_errors": errors}, good


def _refused(kind: str, message: str, details: str = "", extra: Any = None) -> dict[str, Any]:
    error = {"type": kind, "message": message, "details": details, "extra_info": extra or {}}
    return {"error": error, "node_errors": {}}


class _Check:
    def __init__(self, graph: Graph, info: Info, files: set[str]) -> None:
        self.graph, self.info, self.files = graph, info, files
        self.errors: dict[str, dict[str, Any]] = {}
        self._known: dict[str, bool] = {}
        self._path: list[str] = []

    def is_valid(self, name: str) -> bool:
        """Check a node and what it needs, depth first."""
        if name in self._path:
            ring = [*self._path[self._path.index(name) :], name]
            self._add(name, "dependency_cycle", "Dependency cycle detected", " -> ".join(ring), {})
            return False
        if name not in self._known:
            self._path.append(name)
            self._known[name] = self._node(name)
            self._path.pop()
        return self._known[name]

    def _add(self, name: str, kind: str, message: str, details: str, extra: dict[str, Any]) -> None:
        told = self.errors.setdefault(name, {"errors": [], "class_type": self.graph[name]["class_type"]})
        told["errors"].append({"type": kind, "message": message, "details": details, "extra_info": extra})

    def _node(self, name: str) -> bool:
        entry = self.graph[name]
        declared = self.info[entry["class_type"]]["input"]
        fine = True
        for group in ("required", "optional"):
            for key, told in (declared.get(group) or {}).items():
                if key not in entry["inputs"]:
                    if group == "required":
                        extra = {"input_name": key}
                        self._add(name, "required_input_missing", "Required input is missing", key, extra)
                        fine = False
                    continue
                value = entry["inputs"][key]
                if isinstance(value, list):
                    fine &= self._link(name, key, told, value)
                else:
                    fine &= self._value(name, key, told, value)
        return fine

    def _link(self, name: str, key: str, told: Any, value: list[Any]) -> bool:
        extra = {"input_name": key, "received_value": value}
        if len(value) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            self._add(name, "bad_linked_input", message, key, extra)
            return False
        try:
            source = self.info[self.graph[value[0]]["class_type"]]["output"][value[1]]
        except (KeyError, IndexError) as error:
            message = "Exception when validating node"
            self._add(
                name, "exception_during_validation", message, str(error), {"exception_type": "KeyError"}
            )
            return False
        if not _types_match(source, told[0]):
            extra = {**extra, "received_type": source, "linked_node": value}
            details = f"{key}, received_type({source}) mismatch input_type({told[0]})"
            message = "Return type mismatch between linked nodes"
            self._add(name, "return_type_mismatch", message, details, extra)
            return False
        return self.is_valid(value[0])

    def _value(self, name: str, key: str, told: Any, value: Any) -> bool:
        kind, options = told[0], told[1] if len(told) > 1 else {}
        extra = {"input_name": key, "input_config": told, "received_value": value}
        plain = "COMBO" if isinstance(kind, list) else str(kind).partition(",")[0]
        try:
            value = _CONVERT.get(plain, lambda same: same)(value)  # type: ignore[operator]
        except (TypeError, ValueError) as error:
            message = f"Failed to convert an input value to a {plain} value"
            self._add(name, "invalid_input_type", message, f"{key}, {value}, {error}", extra)
            return False
        if _OWN_CHECK.get(self.graph[name]["class_type"]) == key:
            if value in self.files:
                return True
            message, details = "Custom validation failed for node", f"{key} - Invalid video file: {value}"
            self._add(name, "custom_validation_failed", message, details, extra)
            return False
        low, high = options.get("min"), options.get("max")
        if low is not None and value < low:
            message = f"Value {value} smaller than min of {low}"
            self._add(name, "value_smaller_than_min", message, key, extra)
            return False
        if high is not None and value > high:
            self._add(name, "value_bigger_than_max", f"Value {value} bigger than max of {high}", key, extra)
            return False
        choices = kind if isinstance(kind, list) else options.get("options") if plain == "COMBO" else None
        if choices is not None and value not in choices:
            self._add(name, "value_not_in_list", "Value not in list", f"{key}: '{value}' not in list", extra)
            return False
        return True


def _types_match(source: Any, wanted: Any) -> bool:
    if source == wanted or source in _ANY or wanted in _ANY:
        return True
    if isinstance(source, list):
        return bool(wanted == "COMBO")
    return not set(str(source).split(",")).isdisjoint(str(wanted).split(","))
