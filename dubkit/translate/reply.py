# ruff: noqa: RUF001 - replies in Chinese have full-width colons
"""Read the reply to a numbered batch strictly: one text for each number, or a reason why not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.translate.asides import is_note
from dubkit.translate.clean import announces, strip_fences, strip_reasoning
from dubkit.translate.scripts import weight

_NUMBERED = re.compile(r"^\s*(?:[-*]\s+)?(?:\*\*)?(?:\[(\d{1,4})\]|(\d{1,4})[.):])(?:\*\*)?\s*[:：]?\s*(.*)$")
_JSON_START = re.compile(r'\{\s*"|\[\s*\{\s*"')
_TRAILING_COMMA = re.compile(r",(\s*[\]}])")
_INSIDE = re.compile(r"\[(\d{1,4})\]")
_TEXT_FIELDS = ("translation", "text", "translated", "line", "dialogue", "content")
_ID_FIELDS = ("id", "number", "n", "index", "line_number")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Texts by number, and what is wrong with the form of the reply (empty when nothing is)."""

    texts: dict[int, str]
    problem: str = ""


def parse_batch(reply: str, numbers: Sequence[int]) -> Parsed:
    """Texts of exactly `numbers`; any missing, repeated, foreign or empty number makes a problem.

    A wrong count can mean that lines were joined, so that a text no longer belongs to its number:
    the caller must then trust none of them.
    """
    text = strip_fences(strip_reasoning(reply))
    if not text:
        return Parsed({}, "the answer is empty")
    pairs = _json_pairs(text)
    if pairs is None:
        pairs, problem = _numbered_pairs(text)
        if problem:
            return Parsed({}, problem)
    problem = _form_problem(pairs, numbers)
    return Parsed({} if problem else dict(pairs), problem)


def _numbered_pairs(text: str) -> tuple[list[tuple[int, str]], str]:
    pairs: list[tuple[int, str]] = []
    after_gap = False
    for line in text.splitlines():
        if not line.strip():
            after_gap = True
            continue
        found = _NUMBERED.match(line)
        if found:
            pairs.append((int(found.group(1) or found.group(2)), found.group(3).strip()))
        elif pairs and not after_gap:
            # Either a line cut in two or a remark; the wrong guess would put a remark into somebody's mouth.
            return [], f"the text after line [{pairs[-1][0]}] has no number"
        elif pairs and _more_numbers(text, line):
            return [], f"there is text without a number after line [{pairs[-1][0]}]"
        after_gap = False
        if pairs and not found:
            after_gap = True  # still inside the closing remark
    if not pairs:
        return [], "the lines are not numbered"
    return pairs, ""


def _more_numbers(text: str, line: str) -> bool:
    rest = text[text.index(line) + len(line) :]
    return any(_NUMBERED.match(later) for later in rest.splitlines())


def _json_pairs(text: str) -> list[tuple[int, str]] | None:
    value = json_value(text)
    return None if value is None else _pairs_of(value)


def json_value(text: str) -> object:
    """The first JSON object or list of a reply; objects become lists of pairs, so that repeated keys show."""
    start = _JSON_START.search(text)
    if not start:
        return None
    decoder = json.JSONDecoder(object_pairs_hook=lambda items: items, strict=False)
    found = text[start.start() :]
    for attempt in (found, _TRAILING_COMMA.sub(r"\1", found)):
        try:
            value: object = decoder.raw_decode(attempt)[0]
        except (ValueError, RecursionError):
            continue
        return value
    return None


def _pairs_of(value: object) -> list[tuple[int, str]] | None:
    """Number and text of each entry of a decoded reply; None when it is something else."""
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(item, tuple) for item in value):
        keyed = [(_number(key), text) for key, text in value]
        if all(number is not None and isinstance(text, str) for number, text in keyed):
            return [(number, str(text).strip()) for number, text in keyed if number is not None]
        inner = [text for _, text in value if isinstance(text, list)]
        return _pairs_of(inner[0]) if len(inner) == 1 else None
    entries = [_entry(item) for item in value]
    return [entry for entry in entries if entry is not None] if all(entries) else None


def _entry(item: object) -> tuple[int, str] | None:
    if not isinstance(item, list) or not all(isinstance(field, tuple) for field in item):
        return None
    fields = dict(item)
    number = next((_number(fields[key]) for key in _ID_FIELDS if key in fields), None)
    text = next((fields[key] for key in _TEXT_FIELDS if isinstance(fields.get(key), str)), None)
    return None if number is None or text is None else (number, str(text).strip())


def _number(key: object) -> int | None:
    digits = str(key).strip().strip("[]")
    return int(digits) if digits.isdecimal() else None


def _form_problem(pairs: list[tuple[int, str]], numbers: Sequence[int]) -> str:
    found = [number for number, _ in pairs]
    missing = [number for number in numbers if number not in found]
    foreign = [number for number in dict.fromkeys(found) if number not in numbers]
    repeated = [number for number in dict.fromkeys(found) if found.count(number) > 1]
    empty = [number for number, text in pairs if not text]
    joined = [number for number, text in pairs if any(int(n) in numbers for n in _INSIDE.findall(text))]
    problems = [
        f"{what}: {', '.join(f'[{number}]' for number in which)}"
        for what, which in (
            ("lines are missing", missing),
            ("there are lines that were not asked for", foreign),
            ("lines appear more than once", repeated),
            ("lines are empty", empty),
            ("lines were joined", joined),
        )
        if which
    ]
    return "; ".join(problems)


def parse_single(reply: str, source: str = "") -> Parsed:
    """The text of a reply to a single line, under number 1; one that was broken in two is joined."""
    text = strip_fences(strip_reasoning(reply))
    text = _only_field(text) or text
    lines = [line.strip() for line in text.splitlines() if line.strip(" -*_\t")]
    if len(lines) > 1 and (announces(lines[0]) or lines[0].startswith("#")):
        lines = lines[1:]
    while len(lines) > 1 and is_note(lines[-1]) and not is_note(source):
        lines.pop()
    if not lines:
        return Parsed({}, "the answer is empty")
    if len(lines) > 1 and _is_one_line(lines, source):
        lines = [" ".join(lines)]
    if len(lines) > 1:
        return Parsed({}, f"the answer has {len(lines)} lines instead of one")
    found = re.match(r"^\[\d{1,4}\]\s*(.+)$", lines[0])
    return Parsed({1: found.group(1) if found else lines[0]})


def _is_one_line(lines: Sequence[str], source: str) -> bool:
    """Whether lines are one translation that was broken as subtitles are, by length and sentences."""
    if not source or weight(" ".join(lines)) > 1.6 * weight(source) + 10:
        return False
    sentences = len(re.findall(r"[^.!?…。！？]+[.!?…。！？]*", source))
    ended = sum(bool(re.search(r"[.!?…。！？][\"”»']*$", line)) for line in lines[:-1])
    return ended < sentences


def _only_field(text: str) -> str:
    """The text of a reply such as `{"translation": "..."}`."""
    value = json_value(text)
    if not isinstance(value, list) or not all(isinstance(item, tuple) for item in value):
        return ""
    fields = {str(key): content for key, content in value}
    texts = [fields[key] for key in (*_TEXT_FIELDS, "1") if isinstance(fields.get(key), str)]
    return str(texts[0]).strip() if texts else ""
