"""DAPT as a format: a script to read and write, its texts as cues, its lines as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.formats.content import Cue, CueRole, TableRow
from dubkit.formats.cues import cue_of_lines, keep_good
from dubkit.formats.dapt.names import MARK
from dubkit.formats.dapt.read import read_script
from dubkit.formats.dapt.write import write_script
from dubkit.formats.format import Format
from dubkit.formats.script import Script, ScriptEvent, ScriptText

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_SNIFFED = 65_536
"""Bytes in which the names of a file's vocabularies stand."""


def _recognise(content: bytes) -> bool:
    return MARK.encode() in content[:_SNIFFED].replace(b"\0", b"")


def _read_cues(file: Document) -> list[Cue]:
    """Return the texts in the language of the document, or the originals where it has none."""
    script = read_script(file)
    said = [(event, texts) for event in script.events if (texts := _wanted(event, file.language))]
    if not said and any(event.texts for event in script.events):
        tags = sorted({text.language for event in script.events for text in event.texts})
        wanted = f"no text in {file.language}" if file.language else "no original text"
        cure = f"It has texts in {', '.join(tags)}: name one of these languages, or use another file."
        raise file.error("", f"this script has {wanted}", cure)
    _tell_unused(file, script)
    return keep_good(file, said, lambda pair: _cue(file, script, *pair))


def _wanted(event: ScriptEvent, language: str) -> list[ScriptText]:
    """Return the texts of an event in a language; empty asks for the originals."""
    if not language:
        return [text for text in event.texts if text.is_original]
    exact = [text for text in event.texts if text.language.lower() == language.lower()]
    base = language.lower().split("-")[0]
    return exact or [text for text in event.texts if text.language.lower().split("-")[0] == base]


def _tell_unused(file: Document, script: Script) -> None:
    unused = {
        "notes": any(event.notes for event in script.events),
        "on-screen marks": any(event.on_screen for event in script.events),
        "recordings": any(text.recordings for event in script.events for text in event.texts),
    }
    names = [name for name, there in unused.items() if there]
    if names:
        sentence = f"Texts, times and speakers were taken; its {' and '.join(names)} were not."
        file.remark("script-part-left-out", sentence)


def _cue(file: Document, script: Script, event: ScriptEvent, texts: list[ScriptText]) -> Cue:
    place = f"event {event.id}"
    start, end = event.line_times
    start = texts[0].start if texts[0].start is not None else start
    end = texts[-1].end if texts[-1].end is not None else end
    said = " ".join(text.text for text in texts)
    if end is None:
        raise file.mistake(place, "it has no end", "Give its <div> an end or a dur.", said)
    speakers = event.speakers or next((text.speakers for text in texts if text.speakers), ())
    names = [agent.name for name in speakers if (agent := script.agent(name))]
    if len(names) > 1:
        sentence = f"{' and '.join(names)} speak together; the line was given to {names[0]}."
        file.remark("script-part-left-out", sentence, place)
    speaker = names[0] if names else ""
    lines = [(speaker, line) for text in texts for line in text.text.split("\n") if line.strip()]
    role: CueRole = "" if _is_speech(event.represents) else "sign"
    return cue_of_lines(file, place, start, end, lines, role)


def _is_speech(represents: str) -> bool:
    return not represents.startswith("visual") or represents.startswith("visual.dialogue")


def _read_rows(file: Document) -> list[TableRow]:
    """Return the lines by their ids, as a person changed them."""
    rows = []
    for event in read_script(file).events:
        start, end = event.line_times
        cells = {"id": event.id, "start": f"{start}"} | ({"end": f"{end}"} if end is not None else {})
        original = next((text for text in event.texts if text.is_original), None)
        if original is not None:
            cells["source"] = original.text.replace("\n", " ")
        translations = [text for text in _wanted(event, file.language) if text is not original]
        if translations:
            cells["text"] = translations[0].text.replace("\n", " ")
        rows.append(TableRow(f"event {event.id}", cells))
    return rows


FORMAT = Format(
    name="dapt",
    title="W3C script of a dub (DAPT)",
    suffixes=(".dapt.xml", ".dapt", ".xml", ".ttml"),
    media_type="application/ttml+xml",
    read_cues=_read_cues,
    read_rows=_read_rows,
    read_script=read_script,
    write_script=write_script,
    recognise=_recognise,
)
