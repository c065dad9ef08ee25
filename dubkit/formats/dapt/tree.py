"""A DAPT file as XML whose elements know their lines; what is no XML of DAPT is refused."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.parsers import expat

if TYPE_CHECKING:
    from dubkit.errors import MediaError
    from dubkit.formats.document import Document

DEEPEST = 100
"""Elements inside each other that a file may have."""

_SAVE = "Save the file as UTF-8 without a byte order mark."


@dataclass(frozen=True, slots=True)
class Tree:
    """The elements of a file."""

    file: Document
    root: ET.Element
    lines: dict[ET.Element, int]

    def place(self, element: ET.Element) -> str:
        """Return where an element begins, for messages."""
        return f"line {self.lines[element]}"

    def error(self, element: ET.Element, problem: str, cure: str) -> MediaError:
        """Return the error of an element."""
        return self.file.error(self.place(element), problem, cure)


def parse(file: Document) -> Tree:
    """Return the elements of a file, with full names. Raises MediaError for what is not XML in UTF-8."""
    if file.content.startswith(codecs.BOM_UTF8):
        raise file.error("line 1", "it begins with a byte order mark, which DAPT forbids", _SAVE)
    try:
        file.content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = file.content[: error.start].count(b"\n") + 1
        raise file.error(f"line {row}", "it is not UTF-8, which DAPT asks for", _SAVE) from None
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    builder, lines, depth = ET.TreeBuilder(), {}, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            problem = f"elements are nested more than {DEEPEST} deep"
            raise file.error(f"line {parser.CurrentLineNumber}", problem, "Export it anew.")
        element = builder.start(_full(tag), {_full(name): value for name, value in attributes.items()})
        lines[element] = parser.CurrentLineNumber

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_full(tag))

    def doctype(*_: object) -> None:
        cure = "Remove <!DOCTYPE …> and write what its entities stand for."
        raise file.error(f"line {parser.CurrentLineNumber}", "it has a DOCTYPE, which DAPT forbids", cure)

    def declaration(version: str, encoding: str | None, standalone: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in ("utf-8", "utf8"):
            problem = f"it is declared as XML {version} in {encoding or 'UTF-8'}; DAPT is XML 1.0 in UTF-8"
            raise file.error("line 1", problem, _SAVE)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    parser.XmlDeclHandler = declaration
    try:
        parser.Parse(file.content, True)
    except expat.ExpatError as error:
        problem = f"this is not XML ({expat.ErrorString(error.code)})"
        raise file.error(f"line {error.lineno}", problem, "Export it anew, or correct that place.") from None
    return Tree(file, builder.close(), lines)


def _full(name: str) -> str:
    return "{" + name if "}" in name else name
