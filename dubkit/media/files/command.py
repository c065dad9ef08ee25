"""The words that ffmpeg is called with: files to read, filters behind them, one file to write.

A stream is one of a file's, or what comes out of a filter; equal streams are one stream. The same streams and
options always give the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dubkit.media.files.container import media_url

Options = tuple[tuple[str, object], ...]
"""Names with values, sorted but for the format, which comes first; None is an option without a value."""


_IN_VALUES, _IN_GRAPH = re.compile(r"[\\'=:]"), re.compile(r"[\\'\[\],;]")
"""Characters that mean something to ffmpeg within the values of a filter, and between filters."""


@dataclass(frozen=True, slots=True)
class Node:
    """A file to read, or a filter and the streams that go into it."""

    name: str
    values: tuple[object, ...] = ()
    """Of a filter, by place."""
    options: Options = ()
    inputs: tuple[Stream, ...] = ()

    def __getitem__(self, part: str) -> Stream:
        """Return a stream of a file (`v:0`, `3`) or an output of a filter that has several (`0`)."""
        return Stream(self, part)


@dataclass(frozen=True, slots=True)
class Stream:
    """What a node gives, or a part of it."""

    node: Node
    part: str = ""

    def filter(self, name: str, *values: object, **options: object) -> Stream:
        """Return this stream behind a filter."""
        return Stream(filter_node([self], name, *values, **options))


def media_input(path: Path, **options: object) -> Node:
    """Return a file to read. Lists in it can name files of this machine only, not addresses."""
    options["protocol_whitelist"] = "file"
    return Node(media_url(path), options=_sorted(options))


def filter_node(streams: Iterable[Stream], name: str, *values: object, **options: object) -> Node:
    """Return a filter that takes several streams, or gives several."""
    return Node(name, values, _sorted(options), tuple(streams))


def arguments(streams: Sequence[Stream], options: Mapping[str, object]) -> list[str]:
    """Return the words that write streams to one file, all but its name, which comes behind them."""
    nodes = _nodes(streams)
    files = [node for node in nodes if not node.inputs]
    filters = [node for node in nodes if node.inputs]
    used = {*streams, *(stream for node in filters for stream in node.inputs)}
    outputs = [stream for node in filters for stream in sorted(used, key=_part) if stream.node == node]
    labels = {stream: f"[s{number}]" for number, stream in enumerate(outputs)}
    labels |= {stream: f"[{_place(stream, files)}]" for stream in used if stream.node in files}
    words = [word for node in files for word in (*_words(node.options), "-i", node.name)]
    if filters:
        words += ["-filter_complex", ";".join(_filter(node, outputs, labels) for node in filters)]
    for stream in streams:
        words += ["-map", labels[stream] if stream.node.inputs else _place(stream, files)]
    return [*words, *_words(_sorted(options))]


def _nodes(streams: Iterable[Stream]) -> list[Node]:
    """Return everything behind the streams, each node after its inputs."""
    nodes: dict[Node, None] = {}
    for stream in streams:
        nodes |= dict.fromkeys([*_nodes(stream.node.inputs), stream.node])
    return list(nodes)


def _part(stream: Stream) -> str:
    return stream.part


def _place(stream: Stream, files: Sequence[Node]) -> str:
    """Return how ffmpeg names a file's stream: `0:v:0`, or `0` for the whole file."""
    number = str(files.index(stream.node))
    return f"{number}:{stream.part}" if stream.part else number


def _filter(node: Node, outputs: Iterable[Stream], labels: Mapping[Stream, str]) -> str:
    """Return one filter of the graph with its labels: `[0:v:0]scale=640:360[s0]`."""
    values = [_escaped(value, _IN_VALUES) for value in node.values]
    values += [f"{name}={_escaped(value, _IN_VALUES)}" for name, value in node.options]
    text = _escaped(f"{node.name}={':'.join(values)}" if values else node.name, _IN_GRAPH)
    before = "".join(labels[stream] for stream in node.inputs)
    return before + text + "".join(labels[stream] for stream in outputs if stream.node == node)


def _escaped(value: object, characters: re.Pattern[str]) -> str:
    return characters.sub(r"\\\g<0>", str(value))


def _sorted(options: Mapping[str, object]) -> Options:
    return tuple(sorted(options.items(), key=lambda option: (option[0] != "f", option[0])))


def _words(options: Options) -> list[str]:
    return [str(word) for name, value in options for word in (f"-{name}", value) if word is not None]
