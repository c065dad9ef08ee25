"""From a script to a DAPT file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from dubkit.formats.content import Heading
from dubkit.formats.dapt.names import CONTENT_PROFILE, PREFIXES, TT, split
from dubkit.formats.dapt.texts import preserved
from dubkit.formats.dapt.times import written
from dubkit.formats.script import Agent, Attributes, Script, ScriptEvent, ScriptText

_NO_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What cannot stand in XML; a carriage return would come back as another sign."""

_HOLDERS = ("tt", "head", "metadata", "body", "div")
"""Elements whose parts stand on lines of their own; in all others white space would be text."""


def write_script(script: Script, heading: Heading = Heading()) -> bytes:
    """Return a script as DAPT in UTF-8, with nothing of it left out."""
    spaces = {f"xmlns:{prefix}": space for space, prefix in PREFIXES.items() if prefix != "xml"}
    root = ET.Element("tt", {"xmlns": TT} | spaces)
    root.set("ttp:contentProfiles", CONTENT_PROFILE)
    root.set("xml:lang", script.language)
    _set(root, {"daptm:langSrc": script.source_language})
    root.set("daptm:scriptRepresents", " ".join(script.represents))
    root.set("daptm:scriptType", script.kind)
    _set_kept(root, script.attributes)
    head = ET.SubElement(root, "head")
    if script.agents or script.metadata:
        metadata = ET.SubElement(head, "metadata")
        for agent in script.agents:
            _add_agent(metadata, agent)
        _add_kept(metadata, script.metadata)
        for agent in script.agents:
            own = {"description": agent.description, "voice": agent.voice}
            if any(own.values()):
                _set(ET.SubElement(metadata, "dubkit:speaker", {"ref": agent.id}), own)
    _add_kept(head, script.head)
    body = ET.SubElement(root, "body")
    _set_kept(body, script.body_attributes)
    _add_kept_in_order(body, script.body_parts)
    for event in script.events:
        _add_event(body, event, script)
    for unused in [part for part in (head, body) if len(part) == 0 and not part.attrib]:
        root.remove(unused)
    _indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'.encode()


def _set(element: ET.Element, values: Mapping[str, str]) -> None:
    """Set the attributes that have a value."""
    for name, value in values.items():
        if value:
            element.set(name, _NO_XML.sub(" ", value))


def _set_kept(element: ET.Element, attributes: Attributes) -> None:
    for name, value in attributes:
        element.set(_prefixed(name), value)


def _prefixed(name: str) -> str:
    """Return a full name with the prefix of its namespace; those of other programs get one in the end."""
    space, local = split(name)
    return f"{PREFIXES[space]}:{local}" if space in PREFIXES else name


def _kept(xml: str) -> ET.Element:
    """Return an element that was kept as XML, with the prefixes of the file."""
    element = ET.fromstring(xml)
    _rename(element, default=True)
    return element


def _rename(element: ET.Element, default: bool) -> None:
    """Give names their prefixes. `default`: whether a name without one is TTML's here."""
    space, local = split(element.tag)
    if not space and default:
        element.set("xmlns", "")
        default = False
    element.tag = local if space == TT and default else _prefixed(element.tag)
    element.attrib = {_prefixed(name): value for name, value in element.attrib.items()}
    for child in element:
        _rename(child, default)


def _add_kept(parent: ET.Element, parts: Iterable[str]) -> None:
    parent.extend(_kept(xml) for xml in parts)


def _add_kept_in_order(parent: ET.Element, parts: Iterable[str]) -> None:
    """Add metadata in one element, then values that change with time."""
    elements = [_kept(xml) for xml in parts]
    metadata = [element for element in elements if element.tag not in ("animate", "set")]
    if metadata:
        ET.SubElement(parent, "metadata").extend(metadata)
    parent.extend(element for element in elements if element.tag in ("animate", "set"))


def _add_agent(metadata: ET.Element, agent: Agent) -> None:
    element = ET.SubElement(metadata, "ttm:agent", {"type": agent.kind, "xml:id": agent.id})
    _set_kept(element, agent.attributes)
    for kind, name in agent.names or (("alias", agent.id),):
        named = ET.SubElement(element, "ttm:name")
        _set(named, {"type": kind})
        named.text = _NO_XML.sub(" ", name)
    for actor in agent.actors:
        ET.SubElement(element, "ttm:actor", {"agent": actor})


def _add_event(body: ET.Element, event: ScriptEvent, script: Script) -> None:
    element = ET.SubElement(body, "div", {"xml:id": event.id, "begin": written(event.start)})
    _set(element, {"end": written(event.end) if event.end is not None else ""})
    _set(element, {"ttm:agent": " ".join(event.speakers), "daptm:onScreen": event.on_screen})
    element.set("daptm:represents", event.represents)
    _set_kept(element, event.attributes)
    for note in event.notes:
        described = ET.SubElement(element, "ttm:desc")
        _set(described, {"daptm:descType": note.kind})
        _set_kept(described, note.attributes)
        described.text = _NO_XML.sub(" ", note.text)
    if event.facts or event.candidates or event.metadata:
        metadata = ET.SubElement(element, "metadata")
        _add_kept(metadata, event.metadata)
        if event.facts or event.candidates:
            line = ET.SubElement(metadata, "dubkit:line")
            _set(line, dict(event.facts))
            for candidate in event.candidates:
                ET.SubElement(line, "dubkit:candidate").text = _NO_XML.sub(" ", candidate)
    _add_kept(element, event.animations)
    for text in event.texts:
        _add_text(element, text, event, script)


def _add_text(parent: ET.Element, text: ScriptText, event: ScriptEvent, script: Script) -> None:
    element = ET.SubElement(parent, "p")
    if text.start is not None:
        element.set("begin", written(text.start - event.start))
    if text.end is not None:
        element.set("end", written(text.end - event.start))
    element.set("xml:lang", text.language)
    if text.source_language or script.source_language:
        element.set("daptm:langSrc", text.source_language)
    _set(element, {"ttm:agent": " ".join(text.speakers), "daptm:represents": text.represents})
    if preserved(text):
        element.set("xml:space", "preserve")
    _set_kept(element, text.attributes)
    if text.markup:
        inner = _kept(text.markup)
        element.text = inner.text
        element.extend(inner)
        return
    first, *rest = _NO_XML.sub(" ", text.text).split("\n")
    element.text = first
    for line in rest:
        ET.SubElement(element, "br").tail = line
    base = event.start if text.start is None else text.start
    for sound in text.recordings:
        audio = ET.SubElement(element, "audio", {"src": sound.file, "type": sound.media_type})
        if sound.start != base:
            audio.set("begin", written(sound.start - base))
        if sound.end is not None:
            audio.set("end", written(sound.end - base))


def _indent(element: ET.Element, depth: int = 0) -> None:
    """Put the parts of elements that hold no text on lines of their own."""
    if element.tag not in _HOLDERS or len(element) == 0 or ("xmlns" in element.attrib and depth):
        return
    if element.tag == "metadata" and (element.text or "").strip():
        return
    element.text = "\n" + "  " * (depth + 1)
    for child in element:
        child.tail = element.text
        _indent(child, depth + 1)
    element[-1].tail = "\n" + "  " * depth
