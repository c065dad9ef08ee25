"""From the markup of subtitles to their words: tags, entities, voices, readings, drawings."""

from __future__ import annotations

import html
import re

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]*)>|</v>|<v(?:\.[^\s<>]*)?>")
_NAMES = (
    "b|i|u|s|c|em|strong|font|span|ruby|rb|rtc|lang|p|div|small|big|sub|sup|a|strike|del|ins|mark|code|center"
    "|tt|blink|body|html"
)
_ATTRIBUTE = r"""\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]*)"""
_TAG = re.compile(
    rf"<\s*/?\s*(?:{_NAMES})(?:\.[^\s<>]*)*(?:{_ATTRIBUTE})*\s*/?\s*>|<(?:lang|c)(?:\.[^\s<>]*)*\s[^<>]*>"
    r"|<\d+(?::\d+)+(?:\.\d+)?>|<!--(?:(?!<!--).)*?-->",
    re.I | re.S,
)
_BREAK = re.compile(r"<\s*br\s*/?\s*>|\[br\]", re.I)
_WORD = re.compile(r"\S+")
_PATH = re.compile(r"[\"'(]?(?:[A-Za-z]:\\|\\\\\w)")
_READING = re.compile(r"<(rt|rp)\b[^>]*>.*?(?:</\1\s*>|(?=<rt\b|<rp\b|</ruby|</rtc)|\Z)", re.I | re.S)
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}.*?(?:\{[^{}]*\\p0[^{}]*\}|\Z)", re.S)
_OVERRIDE = re.compile(r"\{\s*\\[^{}]*\}|\{/?[biu]\}|\{[yYcCfFsSpPhH]:[^{}]*\}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f]")
BREAKS = re.compile("\r+\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Whatever ends a line: also what other systems, and two systems one after the other, write for it."""


def file_lines(text: str) -> list[str]:
    """Return the lines of a file, however they end."""
    return BREAKS.split(text)


def spoken_lines(marked: str, *, escapes: bool = True) -> list[tuple[str, str]]:
    """Return the lines of a cue with their speakers, without markup; empty lines are left out.

    Readings above characters and drawings are no text. A voice holds until the next one. `escapes` tells
    whether `\\N` ends a line and `\\h` is a blank, as in what was ASS before.
    """
    text = _DRAWING.sub("", marked) if "\\p" in marked else marked
    text = _READING.sub("", text) if "<r" in text.lower() else text
    text = _BREAK.sub("\n", _OVERRIDE.sub("", text))
    if escapes and (r"\N" in text or r"\h" in text):
        text = _WORD.sub(_unescaped, text)
    lines: list[tuple[str, str]] = []
    for speaker, part in _voices(text):
        for line in BREAKS.split(_TAG.sub("", part)):
            words = " ".join(_CONTROL.sub("", _ENTITY.sub(_character, line)).split())
            if words:
                lines.append((speaker, words))
    return lines


def _unescaped(token: re.Match[str]) -> str:
    """Return what stands for the escapes of a word; a path of Windows has none."""
    if "\\" not in token[0] or _PATH.match(token[0]):
        return token[0]
    return token[0].replace(r"\N", "\n").replace(r"\h", " ")


def _character(entity: re.Match[str]) -> str:
    """Return the character of an entity; direction marks and soft hyphens of files come out as they are."""
    return html.unescape(entity[0])


def _voices(text: str) -> list[tuple[str, str]]:
    parts, speaker, at = [], "", 0
    for voice in _VOICE.finditer(text):
        parts.append((speaker, text[at : voice.start()]))
        speaker = " ".join(html.unescape(voice.group(1) or "").split())
        at = voice.end()
    parts.append((speaker, text[at:]))
    return [(name, part) for name, part in parts if part.strip()]
