"""From a DAPT file to a script. What dubkit has no use for is kept as it is, or named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from dubkit.formats.dapt.around import SPACE, Around, others, seconds
from dubkit.formats.dapt.names import DUBKIT, TT, TTM, TTP, split, tt
from dubkit.formats.dapt.rules import (
    AGENT,
    AGENTS,
    ID,
    LANGUAGE,
    NOTE_KIND,
    ON_SCREEN_NAME,
    REPRESENTS,
    SCRIPT_REPRESENTS,
    SCRIPT_TYPE,
    SOURCE,
    TIMES,
    check,
    clock_of,
    is_event,
)
from dubkit.formats.dapt.texts import fragment, read_text
from dubkit.formats.dapt.tree import Tree, parse
from dubkit.formats.script import (
    Agent,
    Note,
    OnScreen,
    Script,
    ScriptEvent,
    ScriptKind,
    ScriptText,
)

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from dubkit.formats.document import Document

LINE, SPEAKER, CANDIDATE = (f"{{{DUBKIT}}}{name}" for name in ("line", "speaker", "candidate"))
_ANIMATIONS = (tt("animate"), tt("set"))
_PROFILES = (f"{{{TTP}}}contentProfiles", f"{{{TTP}}}processorProfiles", f"{{{TTP}}}timeBase")
_INHERITED = (LANGUAGE, SOURCE, REPRESENTS, SPACE, *TIMES)


def read_script(file: Document) -> Script:
    """Return the script of a file. Raises MediaError with line and cure where it breaks a rule of DAPT."""
    tree = parse(file)
    check(tree)
    return _Reading(tree).script()


class _Reading:
    """One pass over a file."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.clock = clock_of(tree.root)
        self.agents: list[Agent] = []
        self.metadata: list[str] = []
        self.head: list[str] = []
        self.own: dict[str, dict[str, str]] = {}

    def script(self) -> Script:
        root = self.tree.root
        around = Around(Fraction(0), None, "", "", "", False).inside(root, self.clock)
        body = next((child for child in root if child.tag == tt("body")), None)
        for child in root:
            if child.tag == tt("head"):
                self._head(child)
            elif child is not body:
                self._left_out(child)
        events, parts = self._body(body, around) if body is not None else ((), ())
        known = (LANGUAGE, SOURCE, REPRESENTS, SCRIPT_REPRESENTS, SCRIPT_TYPE, SPACE, *_PROFILES)
        return Script(
            kind=cast("ScriptKind", root.attrib[SCRIPT_TYPE]),
            language=root.attrib[LANGUAGE],
            source_language=root.get(SOURCE, ""),
            represents=tuple(root.attrib[SCRIPT_REPRESENTS].split()),
            agents=tuple(self._described(agent) for agent in self.agents),
            events=events,
            attributes=others(root, known),
            body_attributes=others(body, _INHERITED) if body is not None else (),
            head=tuple(self.head),
            metadata=tuple(self.metadata),
            body_parts=parts,
        )

    def _left_out(self, element: ET.Element) -> None:
        """Name something that is not in the script."""
        local = split(element.tag)[1]
        self.tree.file.remark(
            "script-part-left-out",
            f"<{local}> is not kept: DAPT has no such part there.",
            self.tree.place(element),
        )

    def _parts(self, metadata: ET.Element) -> list[ET.Element]:
        """Return what a <metadata> holds; metadata of TTML may stand without one."""
        if metadata.tag != tt("metadata"):
            return [metadata]
        if metadata.attrib or (metadata.text or "").strip():
            self.tree.file.remark(
                "script-part-left-out",
                "Text and attributes of <metadata> itself are not kept, only its elements.",
                self.tree.place(metadata),
            )
        return list(metadata)

    def _head(self, head: ET.Element) -> None:
        for child in head:
            space, _ = split(child.tag)
            if child.tag != tt("metadata"):
                if space not in (TT, TTM):
                    self._left_out(child)
                elif child.tag == AGENT:
                    self._agent(child)
                else:
                    self.head.append(fragment(child))
                continue
            for part in self._parts(child):
                if part.tag == AGENT:
                    self._agent(part)
                elif part.tag == SPEAKER:
                    self.own[part.get("ref", "")] = dict(part.attrib)
                else:
                    self.metadata.append(fragment(part))

    def _agent(self, agent: ET.Element) -> None:
        names = [
            (name.get("type", ""), " ".join((name.text or "").split()))
            for name in agent.iter(f"{{{TTM}}}name")
        ]
        actors = tuple(actor.get("agent", "") for actor in agent.iter(f"{{{TTM}}}actor"))
        for child in agent:
            if child.tag not in (f"{{{TTM}}}name", f"{{{TTM}}}actor"):
                self._left_out(child)
        kept = others(agent, (ID, "type"))
        self.agents.append(
            Agent(agent.attrib[ID], agent.get("type", ""), tuple(names), actors, attributes=kept)
        )

    def _described(self, agent: Agent) -> Agent:
        own = self.own.get(agent.id, {})
        return replace(agent, description=own.get("description", ""), voice=own.get("voice", ""))

    def _body(self, body: ET.Element, around: Around) -> tuple[tuple[ScriptEvent, ...], tuple[str, ...]]:
        parts = [
            fragment(part)
            for child in body
            if child.tag in _ANIMATIONS or _is_metadata(child)
            for part in self._parts(child)
        ]
        inside = around.inside(body, self.clock)
        divisions = [child for child in body if child.tag == tt("div")]
        for child in body:
            if child.tag not in (tt("div"), *_ANIMATIONS) and not _is_metadata(child):
                self._left_out(child)
        return tuple(event for child in divisions for event in self._events(child, inside)), tuple(parts)

    def _events(self, element: ET.Element, around: Around) -> Iterator[ScriptEvent]:
        """Yield the events of a <div>, in the order of the file."""
        if is_event(element):
            yield self._event(element, around)
            return
        inside = around.inside(element, self.clock)
        lost = [split(name)[1] for name, _ in others(element, _INHERITED)]
        if lost:
            self.tree.file.remark(
                "script-part-left-out",
                f"{', '.join(lost)} of a <div> around events is not kept.",
                self.tree.place(element),
            )
        for child in element:
            if child.tag == tt("div"):
                yield from self._events(child, inside)
            else:
                self._left_out(child)

    def _event(self, element: ET.Element, around: Around) -> ScriptEvent:
        inside = around.inside(element, self.clock)
        texts: list[ScriptText] = []
        notes: list[Note] = []
        metadata: list[str] = []
        animations: list[str] = []
        facts: dict[str, str] = {}
        candidates: list[str] = []
        for child in element:
            if child.tag == tt("p"):
                texts.append(read_text(self.tree, child, inside, self.clock))
            elif child.tag == f"{{{TTM}}}desc":
                said = " ".join("".join(child.itertext()).split())
                notes.append(Note(said, child.get(NOTE_KIND, ""), others(child, (NOTE_KIND,))))
            elif child.tag in _ANIMATIONS:
                animations.append(fragment(child))
            elif not _is_metadata(child):
                self._left_out(child)
            else:
                for part in self._parts(child):
                    if part.tag == LINE:
                        facts |= part.attrib
                        candidates += ["".join(one.itertext()) for one in part.iter(CANDIDATE)]
                    else:
                        metadata.append(fragment(part))
        return ScriptEvent(
            id=element.attrib[ID],
            start=seconds(inside.begin),
            end=None if inside.end is None else seconds(inside.end),
            speakers=tuple(element.get(AGENTS, "").split()),
            on_screen=cast("OnScreen", element.get(ON_SCREEN_NAME, "")),
            represents=inside.represents,
            texts=tuple(texts),
            notes=tuple(notes),
            facts=tuple(sorted(facts.items())),
            candidates=tuple(candidates),
            attributes=others(element, (ID, AGENTS, ON_SCREEN_NAME, *_INHERITED)),
            metadata=tuple(metadata),
            animations=tuple(animations),
        )


def _is_metadata(element: ET.Element) -> bool:
    return element.tag == tt("metadata") or split(element.tag)[0] == TTM
