"""TTML, also called DFXP: the subtitles of broadcasters and streaming services, as XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from dubkit.formats.content import Cue
from dubkit.formats.cues import cue_of_lines, keep_good
from dubkit.formats.format import Format
from dubkit.formats.imsc import write_ttml

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_DECLARED = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")
_CLOCK = re.compile(r"(\d+):(\d{1,2}):(\d{1,2})(?:[.,](\d+)|:(\d+(?:\.\d+)?))?")
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_CURE = "A time reads 00:00:01.500, 00:00:01:12 (frames) or 1.5s."


@dataclass(frozen=True, slots=True)
class _Clock:
    """How a file counts."""

    frames: float
    """Frames per second."""
    ticks: float
    """Ticks per second."""

    def seconds(self, text: str) -> float | None:
        spelled = text.strip()
        if clock := _CLOCK.fullmatch(spelled):
            hours, minutes, seconds, fraction, frames = clock.groups()
            whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
            return whole + float(f"0.{fraction or 0}") + float(frames or 0) / self.frames
        if offset := _OFFSET.fullmatch(spelled):
            number, unit = float(offset[1]), offset[2]
            return (
                number / (self.frames if unit == "f" else self.ticks)
                if unit in "ft"
                else number * _UNITS[unit]
            )
        return None


@dataclass(frozen=True, slots=True)
class _Paragraph:
    number: int
    """From 1, in the order of the file: XML has no lines that people know."""
    begin: float
    end: float | None
    element: ET.Element
    mistake: str = ""
    """The time that cannot be read."""
    language: str = ""


def _read(file: Document) -> list[Cue]:
    declared = _DECLARED.match(file.content.lstrip())
    encoding = declared[1].decode("ascii") if declared else ""
    try:
        root = ET.fromstring(file.text("" if encoding.lower().startswith(("utf", "ucs")) else encoding))
    except ET.ParseError as error:
        cure = "Open and save it in a subtitle editor, or convert it to SRT."
        raise file.error(f"line {error.position[0]}", f"this is not XML ({error})", cure) from error
    if _tag(root) != "tt":
        cure = "Its first element must be <tt>. Convert other XML to SRT."
        raise file.error("", f"it is no TTML: its first element is <{_tag(root)}>", cure)
    names = _agents(root)
    readings = _readings(root)
    try:
        paragraphs = _of_language(file, list(_paragraphs(root, _clock(root))))
        return keep_good(file, paragraphs, lambda paragraph: _cue(file, paragraph, names, readings))
    except RecursionError:
        raise file.error("", "it is nested too deeply", "Export it anew.") from None


def _of_language(file: Document, paragraphs: list[_Paragraph]) -> list[_Paragraph]:
    """Return the paragraphs in the language that is wanted, else in the first one; others are named."""
    languages = list(dict.fromkeys(paragraph.language.lower() for paragraph in paragraphs))
    if len(languages) < 2:
        return paragraphs
    base = file.language.lower().split("-")[0]
    exact = [tag for tag in languages if tag == file.language.lower()]
    alike = [tag for tag in languages if base and tag.split("-")[0] == base]
    chosen = (*exact, *alike, languages[0])[0]
    others = ", ".join(tag or "no language" for tag in languages if tag != chosen)
    file.remark("other-languages", f"It also has subtitles in {others}, which were left out.")
    return [paragraph for paragraph in paragraphs if paragraph.language.lower() == chosen]


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ET.Element, name: str) -> str:
    """Return an attribute, in whatever namespace: files differ in them by version."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _clock(root: ET.Element) -> _Clock:
    frames = float(_value(root, "frameRate") or 30)
    multiplier = re.fullmatch(r"(\d+)[ :](\d+)", _value(root, "frameRateMultiplier").strip())
    if multiplier:
        frames *= int(multiplier[1]) / int(multiplier[2])
    ticks = _value(root, "tickRate")
    return _Clock(frames or 30.0, float(ticks) if ticks else frames or 1.0)


def _paragraphs(root: ET.Element, clock: _Clock) -> Iterator[_Paragraph]:
    number = 0

    def walk(element: ET.Element, origin: float, limit: float | None, language: str) -> Iterator[_Paragraph]:
        nonlocal number
        language = _value(element, "lang") or language
        begin, end, mistake = _times(element, clock, origin, limit)
        tag = _tag(element)
        timed = [child for child in element.iter() if child is not element and _value(child, "begin")]
        if (tag == "p" and (_value(element, "begin") or not timed)) or (
            tag == "span" and _value(element, "begin")
        ):
            number += 1
            yield _Paragraph(number, begin, end, element, mistake, language)
        else:
            for child in element:
                yield from walk(child, begin, end, language)

    body = next((child for child in root if _tag(child) == "body"), None)
    return walk(body, 0.0, None, _value(root, "lang")) if body is not None else iter(())


def _times(
    element: ET.Element, clock: _Clock, origin: float, limit: float | None
) -> tuple[float, float | None, str]:
    """Return begin and end of an element, which count from the begin of the one around it."""
    begin, end, mistake = origin, limit, ""
    spelled = {name: _value(element, name) for name in ("begin", "end", "dur")}
    seconds = {name: clock.seconds(text) for name, text in spelled.items() if text}
    mistake = next((spelled[name] for name, value in seconds.items() if value is None), "")
    begin = origin + (seconds.get("begin") or 0.0)
    if seconds.get("end") is not None:
        end = origin + (seconds["end"] or 0.0)
    elif seconds.get("dur") is not None:
        end = begin + (seconds["dur"] or 0.0)
    return begin, end, mistake


def _agents(root: ET.Element) -> dict[str, str]:
    """Return id -> name of those who speak."""
    agents = (element for element in root.iter() if _tag(element) == "agent")
    return {
        _value(agent, "id"): " ".join((name.text or "").split())
        for agent in agents
        for name in agent
        if _tag(name) == "name" and _value(name, "type") != "family"
    }


def _readings(root: ET.Element) -> frozenset[str]:
    """Return the ids of styles of readings above characters, and of what stands around them."""
    styles = (element for element in root.iter() if _tag(element) == "style")
    return frozenset(_value(style, "id") for style in styles if _value(style, "ruby") in _SILENT)


_SILENT = ("text", "textContainer", "delimiter")


def _cue(file: Document, paragraph: _Paragraph, names: dict[str, str], readings: frozenset[str]) -> Cue:
    place = f"paragraph {paragraph.number}"
    text = _text(paragraph.element, readings)
    lines = [" ".join(line.split()) for line in text.split("\n")]
    if paragraph.mistake:
        raise file.mistake(place, f"{paragraph.mistake!r} is no time", _CURE, text)
    if paragraph.end is None:
        raise file.mistake(place, "it has no end", "Give it an end or a dur.", text)
    speaker = names.get(_value(paragraph.element, "agent"), "")
    said = [(speaker, line) for line in lines if line]
    return cue_of_lines(file, place, round(paragraph.begin, 3), round(paragraph.end, 3), said)


def _text(element: ET.Element, readings: frozenset[str]) -> str:
    """Return the text below an element; line ends of the file are blanks, `<br/>` is a line end."""
    if _tag(element) == "br":
        return "\n"
    if _tag(element) == "metadata" or _value(element, "ruby") in _SILENT:
        return ""
    if readings & set(_value(element, "style").split()):
        return ""
    parts = [(element.text or "").replace("\n", " ")]
    for child in element:
        parts += [_text(child, readings), (child.tail or "").replace("\n", " ")]
    return "".join(parts)


FORMAT = Format(
    name="ttml",
    title="Timed Text Markup Language",
    suffixes=(".ttml", ".dfxp", ".xml"),
    media_type="application/ttml+xml",
    read_cues=_read,
    write_cues=write_ttml,
)
