"""The rules of DAPT that a file must keep; the first one that it breaks is its error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.formats.dapt.names import (
    CONTENT_PROFILE,
    DAPTM,
    DESCRIPTORS,
    KINDS,
    NOTES,
    ON_SCREEN,
    PROCESSOR_PROFILE,
    TT,
    TTM,
    TTP,
    XML,
    covers,
    is_descriptor,
    is_id,
    is_language,
    split,
    tt,
)
from dubkit.formats.dapt.times import Clock, NoTime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree import ElementTree as ET

    from dubkit.formats.dapt.tree import Tree

ID, LANGUAGE, SOURCE = f"{{{XML}}}id", f"{{{XML}}}lang", f"{{{DAPTM}}}langSrc"
REPRESENTS, SCRIPT_REPRESENTS = f"{{{DAPTM}}}represents", f"{{{DAPTM}}}scriptRepresents"
SCRIPT_TYPE, ON_SCREEN_NAME, NOTE_KIND = (
    f"{{{DAPTM}}}scriptType",
    f"{{{DAPTM}}}onScreen",
    f"{{{DAPTM}}}descType",
)
AGENT, AGENTS = f"{{{TTM}}}agent", f"{{{TTM}}}agent"
TIMES = ("begin", "end", "dur")
_ORIGIN = f"{{{DAPTM}}}daptOriginTimecode"
_FORBIDDEN = ("profile", "clockMode", "dropMode", "markerMode", "subFrameRate")
_SOUNDS = (tt("audio"), tt("source"), tt("data"))


def clock_of(root: ET.Element) -> Clock:
    """Return how a file counts. Raises ValueError for a rate that is none."""
    frames = root.get(f"{{{TTP}}}frameRate")
    rate = Fraction(int(frames)) if frames else None
    multiplier = (root.get(f"{{{TTP}}}frameRateMultiplier") or "1 1").split()
    if rate is not None:
        numerator, denominator = (int(part) for part in multiplier)
        rate *= Fraction(numerator, denominator)
    ticks = root.get(f"{{{TTP}}}tickRate")
    return Clock(rate, Fraction(int(ticks)) if ticks else None)


def check(tree: Tree) -> None:
    """Raise MediaError with line and cure for the first rule that a file breaks."""
    root = tree.root
    if root.tag != tt("tt"):
        cure = "The first element of a DAPT file is <tt> of http://www.w3.org/ns/ttml."
        raise tree.error(root, f"its first element is <{split(root.tag)[1]}>", cure)
    _check_root(tree)
    _check_ids(tree)
    _check_agents(tree)
    _check_origin(tree)
    for element in _known(root):
        _check_element(tree, element)
    scope = _Scope(root.get(LANGUAGE, ""), root.get(REPRESENTS, ""))
    allowed = tuple(root.get(SCRIPT_REPRESENTS, "").split())
    for part in root:
        if part.tag == tt("body"):
            _check_scope(tree, part, scope, allowed)


def _known(element: ET.Element) -> Iterator[ET.Element]:
    """Yield an element and those below it, without what other programs keep in elements of their own."""
    yield element
    for child in element:
        if split(child.tag)[0] in (TT, TTM, DAPTM):
            yield from _known(child)


def _check_root(tree: Tree) -> None:
    root = tree.root
    for name in _FORBIDDEN:
        if f"{{{TTP}}}{name}" in root.attrib:
            raise tree.error(root, f"<tt> has ttp:{name}, which DAPT forbids", "Remove it.")
    profiles = root.get(f"{{{TTP}}}contentProfiles")
    if profiles is None or CONTENT_PROFILE not in re.split(r"[\s()]+", profiles):
        said = "no ttp:contentProfiles" if profiles is None else f"ttp:contentProfiles {profiles!r}"
        raise tree.error(root, f"<tt> has {said}, so it is not DAPT", f"It must name {CONTENT_PROFILE}.")
    processors = root.get(f"{{{TTP}}}processorProfiles")
    if processors is not None and PROCESSOR_PROFILE not in re.split(r"[\s()]+", processors):
        problem = f"<tt> has ttp:processorProfiles {processors!r}"
        raise tree.error(root, problem, f"It must name {PROCESSOR_PROFILE}, or be left out.")
    if not is_language(root.get(LANGUAGE, "")):
        problem = (
            f"xml:lang of <tt> is {root.get(LANGUAGE)!r}"
            if LANGUAGE in root.attrib
            else "<tt> has no xml:lang"
        )
        raise tree.error(root, problem, 'Write the language of the texts, such as xml:lang="en".')
    if root.get(SCRIPT_TYPE) not in KINDS:
        problem = f"daptm:scriptType of <tt> is {root.get(SCRIPT_TYPE)!r}"
        raise tree.error(root, problem, f"It must be one of {', '.join(KINDS)}.")
    held = root.get(SCRIPT_REPRESENTS, "").split()
    wrong = next((value for value in held if not is_descriptor(value)), None)
    if not held or wrong is not None:
        problem = (
            "<tt> has no daptm:scriptRepresents" if not held else f"daptm:scriptRepresents has {wrong!r}"
        )
        raise tree.error(
            root, problem, f"Its values, with blanks between them, are {', '.join(DESCRIPTORS)}."
        )
    base = root.get(f"{{{TTP}}}timeBase", "media")
    if base != "media":
        raise tree.error(
            root, f"ttp:timeBase is {base!r}", "DAPT counts media time: write media, or nothing."
        )
    try:
        clock_of(root)
    except (ValueError, ZeroDivisionError):
        cure = 'Such as ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001".'
        raise tree.error(root, "ttp:frameRate, its multiplier or ttp:tickRate is no number", cure) from None


def _check_ids(tree: Tree) -> None:
    seen: dict[str, ET.Element] = {}
    for element in tree.root.iter():
        name = element.get(ID)
        if name is None:
            continue
        if not is_id(name):
            cure = "An id begins with a letter, and has no blank and no colon."
            raise tree.error(element, f"xml:id {name!r} is no id", cure)
        if name in seen:
            problem = f"xml:id {name!r} stands at {tree.place(seen[name])} already"
            raise tree.error(element, problem, "Give every element another id.")
        seen[name] = element


def _check_agents(tree: Tree) -> None:
    agents = {agent.get(ID): agent for agent in tree.root.iter(AGENT) if agent.get(ID)}
    for agent in tree.root.iter(AGENT):
        name = agent.get(ID)
        if not name:
            raise tree.error(agent, "a ttm:agent has no xml:id", "Give it one: events name it by that.")
        if agent.find(f"{{{TTM}}}name") is None:
            cure = 'Add <ttm:name type="alias">NAME</ttm:name>.'
            raise tree.error(agent, f"the ttm:agent {name!r} has no name", cure)
        for actor in agent.iter(f"{{{TTM}}}actor"):
            player = actor.get("agent", "")
            if player == name or player not in agents:
                why = "is the character itself" if player == name else "is no ttm:agent of this file"
                cure = "Name the xml:id of the ttm:agent of the person who plays it."
                raise tree.error(actor, f"the actor {player!r} of {name!r} {why}", cure)
    for element in _known(tree.root):
        for name in element.get(AGENTS, "").split() if split(element.tag)[0] == TT else ():
            if name not in agents:
                cure = "Add a ttm:agent with that xml:id to the head, or correct the name."
                raise tree.error(element, f"ttm:agent names {name!r}, which is not there", cure)


def _check_origin(tree: Tree) -> None:
    origins = list(tree.root.iter(_ORIGIN))
    if len(origins) > 1:
        raise tree.error(origins[1], "there is a second daptm:daptOriginTimecode", "Keep one of them.")
    for origin in origins:
        spelled = (origin.text or "").strip()
        code = re.fullmatch(r"\d\d:[0-5]\d:[0-5]\d:(\d\d)", spelled)
        if code is None:
            raise tree.error(origin, f"{spelled!r} is no timecode", "It reads hh:mm:ss:ff.")
        rate = tree.root.get(f"{{{TTP}}}frameRate")
        if rate is None:
            raise tree.error(origin, f"the timecode {spelled} has no rate", "Add ttp:frameRate to <tt>.")
        if int(code[1]) >= int(rate):
            cure = f"Frames count from 00 to {int(rate) - 1:02d} at ttp:frameRate {rate}."
            raise tree.error(origin, f"{spelled} has frame {code[1]}", cure)


def _check_element(tree: Tree, element: ET.Element) -> None:
    """Check what does not depend on the elements around it."""
    space, local = split(element.tag)
    label = f"<{local}>"
    if space == TT and local in ("div", "p", "span", "body", "audio", "animate", "set", "region"):
        _check_times(tree, element)
    if element.get("timeContainer", "par") != "par":
        problem = f"timeContainer of {label} is {element.get('timeContainer')!r}"
        raise tree.error(element, problem, "Parts of a DAPT script run in parallel: leave it out.")
    seen = element.get(ON_SCREEN_NAME)
    if seen is not None and (element.tag != tt("div") or seen not in ON_SCREEN):
        problem = f"daptm:onScreen {seen!r} stands on {label}"
        raise tree.error(element, problem, f"It stands on <div>, and is one of {', '.join(ON_SCREEN)}.")
    source = element.get(SOURCE)
    if source and not is_language(source):
        raise tree.error(element, f"daptm:langSrc {source!r} is no language tag", "Such as en or pt-BR.")
    stands = element.get(REPRESENTS)
    if stands is not None and not is_descriptor(stands):
        cure = f"It is one of {', '.join(DESCRIPTORS)}, or begins with x-."
        raise tree.error(element, f"daptm:represents of {label} is {stands!r}", cure)
    kind = element.get(NOTE_KIND)
    if kind is not None and kind not in NOTES and not re.fullmatch(r"x-\S+", kind):
        cure = f"It is one of {', '.join(NOTES)}, or begins with x-."
        raise tree.error(element, f"daptm:descType is {kind!r}", cure)
    if element.tag == tt("data") and element.find(tt("source")) is not None:
        raise tree.error(element, "a <data> holds a <source>", "It holds the bytes, or chunks of them.")
    if element.tag == tt("head") and element.find(tt("animation")) is not None:
        raise tree.error(element, "the head holds <animation>, which DAPT forbids", "Animate the events.")


def _check_times(tree: Tree, element: ET.Element) -> None:
    clock = clock_of(tree.root)
    for name in TIMES:
        spelled = element.get(name)
        if spelled is None:
            continue
        try:
            clock.seconds(spelled)
        except NoTime as problem:
            cure = "Write 12.5s, or 00:00:12.500."
            raise tree.error(element, f"{name}: {problem}", cure) from None


@dataclass(frozen=True, slots=True)
class _Scope:
    """What an element passes on to those below it."""

    language: str
    represents: str


def _check_scope(tree: Tree, element: ET.Element, outer: _Scope, allowed: tuple[str, ...]) -> None:
    """Check what elements take over from those around them."""
    scope = replace(
        outer,
        language=element.get(LANGUAGE, outer.language),
        represents=element.get(REPRESENTS, outer.represents),
    )
    if element.tag in _SOUNDS and scope.language != outer.language:
        problem = f"the sound is in {scope.language!r}, and its text in {outer.language!r}"
        raise tree.error(element, problem, "A recording is in the language of its text.")
    if is_event(element) or element.tag in (tt("p"), tt("span")):
        _check_represents(tree, element, scope.represents, allowed)
    below: Callable[[ET.Element], bool] = lambda child: split(child.tag)[0] == TT  # noqa: E731
    for child in filter(below, element):
        if child.tag != tt("metadata") and not (child.tag == tt("p") and not is_event(element)):
            _check_scope(tree, child, scope, allowed)


def _check_represents(tree: Tree, element: ET.Element, stands: str, allowed: tuple[str, ...]) -> None:
    local = split(element.tag)[1]
    if not stands:
        cure = "Write it here or around it, such as audio.dialogue."
        raise tree.error(element, f"<{local}> has no daptm:represents", cure)
    if not any(covers(general, stands) for general in allowed):
        problem = f"<{local}> represents {stands}, and the script only {', '.join(allowed)}"
        raise tree.error(element, problem, "Add it to daptm:scriptRepresents of <tt>, or correct it.")


def is_event(element: ET.Element) -> bool:
    """Tell whether an element is an event: a <div> with an id and no other <div> inside."""
    return element.tag == tt("div") and ID in element.attrib and element.find(tt("div")) is None
