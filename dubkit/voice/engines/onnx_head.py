"""The front of a network: the graph that computes one tensor on its way, and nothing behind it.

onnxruntime gives out only what a graph declares as its output, and runs every node of it, so the graph
itself is cut. The package `onnx` could do that; here the few fields of the format that are needed are read,
and copied as they stand, without it. Graphs whose nodes hold graphs of their own (If, Loop, Scan) are not
understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_MODEL_GRAPH = 7
_NODE, _INITIALISER, _OUTPUT, _VALUE_INFO = 1, 5, 12, 13
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_INITIALISER_NAME, _VALUE_NAME = 8, 1
"""Numbers of the fields in ModelProto, GraphProto, NodeProto, TensorProto and ValueInfoProto."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a message: its number, its content, and all its bytes."""

    number: int
    content: memoryview
    whole: memoryview


@dataclass(frozen=True, slots=True)
class _Node:
    """One node of a graph."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def network_head(model: bytes, tensor: str) -> bytes:
    """Return an ONNX model that computes only `tensor` of another one.

    Raises ValueError for a model that has no such tensor or cannot be read.
    """
    try:
        fields = list(_fields(memoryview(model)))
        graph = next(field for field in fields if field.number == _MODEL_GRAPH)
        cut = _cut(list(_fields(graph.content)), tensor)
    except (LookupError, StopIteration, UnicodeDecodeError) as error:
        raise ValueError("it is no ONNX model") from error
    rest = b"".join(field.whole for field in fields if field.number != _MODEL_GRAPH)
    return rest + _message(_MODEL_GRAPH, cut)


def _cut(graph: list[_Field], tensor: str) -> bytes:
    nodes = {place: _node(field) for place, field in enumerate(graph) if field.number == _NODE}
    maker = {name: place for place, node in nodes.items() for name in node.outputs}
    if tensor not in maker:
        raise ValueError(f"it has no tensor {tensor}")
    kept: set[int] = set()
    names = {tensor}
    wanted = [tensor]
    while wanted:
        place = maker.get(wanted.pop())
        if place is None or place in kept:
            continue
        kept.add(place)
        names.update(nodes[place].inputs)
        wanted.extend(nodes[place].inputs)
    parts = [field.whole for place, field in enumerate(graph) if _stays(field, place, kept, names)]
    return b"".join(parts) + _message(_OUTPUT, _message(_VALUE_NAME, tensor.encode()))


def _stays(field: _Field, place: int, kept: set[int], names: set[str]) -> bool:
    if field.number == _NODE:
        return place in kept
    if field.number == _INITIALISER:
        return _text(field, _INITIALISER_NAME) in names
    return field.number not in (_OUTPUT, _VALUE_INFO)


def _node(field: _Field) -> _Node:
    parts = list(_fields(field.content))
    inputs, outputs = (
        tuple(bytes(part.content).decode() for part in parts if part.number == number)
        for number in (_NODE_INPUT, _NODE_OUTPUT)
    )
    return _Node(inputs, outputs)


def _text(message: _Field, number: int) -> str:
    return next(bytes(part.content).decode() for part in _fields(message.content) if part.number == number)


def _message(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content


def _fields(message: memoryview) -> Iterator[_Field]:
    """Read the fields of a message of the protocol-buffer format."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _read_number(message, at)
        kind = tag & 7
        if kind == 0:
            begin, (_, at) = at, _read_number(message, at)
        else:
            length, at = _read_number(message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            begin, at = at, at + length
        if at > len(message):
            raise IndexError(at)
        yield _Field(tag >> 3, message[begin:at], message[start:at])


def _read_number(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
