"""The texts of an event: words, recordings, and the XML of what has parts of its own."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from dubkit.formats.dapt.around import SPACE, Around, others, seconds
from dubkit.formats.dapt.names import TT, TTS, split, tt
from dubkit.formats.dapt.rules import AGENTS, LANGUAGE, REPRESENTS, SOURCE, TIMES
from dubkit.formats.script import Recording, ScriptText

if TYPE_CHECKING:
    from dubkit.formats.dapt.times import Clock
    from dubkit.formats.dapt.tree import Tree

_BREAK = "\0"
"""Stands for <br/> until white space is collapsed; XML has no such character."""
_WHITE = re.compile("[ \t\r\n]+")
_READINGS = ("text", "textContainer", "delimiter")
_PLAIN_SOUND = ("src", "type", *TIMES, LANGUAGE)
_EMPTY_SOUND = "audio/wave"


def fragment(element: ET.Element) -> str:
    """Return the XML of an element, spelled in one way however the file spells it."""
    alone = copy.copy(element)
    alone.tail = None
    return ET.canonicalize(ET.tostring(alone, encoding="unicode"))


def collapsed(text: str) -> str:
    """Return a text with single blanks and without blanks at the ends of its lines.

    Only what is white space in XML counts: a blank that keeps words together stays.

    >>> collapsed("a   b\\n c ")
    'a b\\nc'
    """
    return "\n".join(_WHITE.sub(" ", line).strip(" ") for line in text.split("\n"))


def read_text(tree: Tree, element: ET.Element, around: Around, clock: Clock) -> ScriptText:
    """Return the text of a <p>."""
    inside = around.inside(element, clock)
    words = _words(element)
    lines = words.split(_BREAK)
    text = "\n".join(lines if inside.preserve else (collapsed(_WHITE.sub(" ", line)) for line in lines))
    plain = _is_plain(element)
    known = (LANGUAGE, SOURCE, REPRESENTS, AGENTS, SPACE, *TIMES)
    attributes = others(element, known)
    if not plain and inside.preserve:
        attributes = tuple(sorted((*attributes, (SPACE, "preserve"))))
    has_end = "end" in element.attrib or "dur" in element.attrib
    return ScriptText(
        language=inside.language,
        text=text,
        source_language=inside.source,
        start=seconds(inside.begin) if "begin" in element.attrib else None,
        end=seconds(inside.end) if has_end and inside.end is not None else None,
        speakers=tuple(element.get(AGENTS, "").split()),
        represents=inside.represents if inside.represents != around.represents else "",
        recordings=tuple(_recordings(element, inside, clock)),
        markup="" if plain else _markup(element),
        attributes=attributes,
    )


def _words(element: ET.Element) -> str:
    """Return the characters of an element and its spans; readings above characters are no text."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == tt("br"):
            parts.append(_BREAK)
        elif child.tag == tt("span") and child.get(f"{{{TTS}}}ruby") not in _READINGS:
            parts.append(_words(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _is_plain(element: ET.Element) -> bool:
    """Tell whether words, line breaks and sound files are all that a <p> holds."""
    for child in element:
        space, local = split(child.tag)
        if space == TT and local in ("br", "span"):
            if child.attrib or not _is_plain(child):
                return False
        elif not _is_plain_sound(child):
            return False
    return True


def _is_plain_sound(element: ET.Element) -> bool:
    known = all(name in _PLAIN_SOUND for name in element.attrib)
    file = element.get("src", "")
    return element.tag == tt("audio") and known and len(element) == 0 and file != "" and file[0] != "#"


def _recordings(element: ET.Element, around: Around, clock: Clock) -> list[Recording]:
    """Return the sound files of a <p> and its spans."""
    found: list[Recording] = []
    for child in element:
        if child.tag == tt("span"):
            found += _recordings(child, around.inside(child, clock), clock)
        elif child.tag == tt("audio") and child.get("src", "#")[0] != "#":
            inside = around.inside(child, clock)
            end = (
                seconds(inside.end) if inside.end is not None and {"end", "dur"} & set(child.attrib) else None
            )
            file, kind = child.attrib["src"], child.get("type", _EMPTY_SOUND)
            found.append(Recording(file, seconds(inside.begin), end, kind))
    return found


def _markup(element: ET.Element) -> str:
    """Return the XML of what stands in a <p>, in a <p> without attributes."""
    bare = copy.copy(element)
    bare.attrib = {}
    return fragment(bare)


def preserved(text: ScriptText) -> bool:
    """Tell whether a text has white space that XML would collapse."""
    return not text.markup and text.text != collapsed(text.text)
