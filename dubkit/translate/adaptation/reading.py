"""Read a reply with several texts for each line: exactly those that were asked for, or a reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dubkit.translate.clean import strip_fences, strip_reasoning
from dubkit.translate.reply import json_value, parse_batch

_IDS = ("id", "number", "n", "index", "line", "line_number")
_TEXT = ("text", "translation", "content")
MOST = 8
"""Texts of one line that are looked at."""


@dataclass(frozen=True, slots=True)
class ParsedOffers:
    """Texts by number, and what is wrong with the form of the reply (empty when nothing is)."""

    texts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""


def parse_offers(reply: str, numbers: Sequence[int]) -> ParsedOffers:
    """Return the texts of exactly `numbers`.

    A wrong count can mean that lines were joined, so that texts no longer belong to their numbers: then none
    of them is trusted. A reply with one numbered text for each line counts as one text each.
    """
    text = strip_fences(strip_reasoning(reply))
    if not text:
        return ParsedOffers(problem="the answer is empty")
    value = json_value(text)
    found = _entries(value) if value is not None else None
    if found is None:
        plain = parse_batch(reply, numbers)
        if plain.problem:
            return ParsedOffers(problem="the answer is not the JSON that was asked for")
        return ParsedOffers({number: (said,) for number, said in plain.texts.items()})
    problem = _form_problem([number for number, _ in found], numbers)
    if not problem and any(not texts for _, texts in found):
        problem = "lines have no texts"
    return ParsedOffers(problem=problem) if problem else ParsedOffers(dict(found))


def _entries(value: object) -> list[tuple[int, tuple[str, ...]]] | None:
    """Return number and texts of each entry of a decoded reply; None when it is something else.

    Objects are lists of pairs, so that a number that stands twice is seen.
    """
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(item, tuple) for item in value):
        keyed = [(_number(key), _texts(texts)) for key, texts in value]
        if all(number is not None for number, _ in keyed):
            return [(number, texts) for number, texts in keyed if number is not None and texts is not None]
        own = _entry(value)
        if own is not None:
            return [own]
        inner = [one for _, one in value if isinstance(one, list)]
        return _entries(inner[0]) if len(inner) == 1 else None
    entries = [_entry(item) for item in value]
    return [entry for entry in entries if entry is not None] if all(entries) else None


def _entry(item: object) -> tuple[int, tuple[str, ...]] | None:
    if not isinstance(item, list) or not all(isinstance(one, tuple) for one in item):
        return None
    fields = dict(item)
    number = next((_number(fields[key]) for key in _IDS if key in fields), None)
    lists = [one for key, one in item if key not in _IDS and isinstance(one, list)]
    said = lists or [fields[key] for key in _TEXT if key in fields]
    texts = _texts(said[0]) if len(said) == 1 else None
    return None if number is None or texts is None else (number, texts)


def _texts(value: object) -> tuple[str, ...] | None:
    """Return the texts of a line: a list of texts, of objects with one, or an object of texts by length."""
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if not isinstance(value, list):
        return None
    texts: list[str] = []
    for one in value[:MOST]:
        said = one[1] if isinstance(one, tuple) else one
        if isinstance(said, list):
            named: dict[str, object] = dict(pair for pair in said if isinstance(pair, tuple))
            said = next((named[key] for key in _TEXT if key in named), None)
        if not isinstance(said, str):
            return None
        texts.append(said.strip())
    return tuple(text for text in texts if text)


def _number(key: object) -> int | None:
    digits = str(key).strip().strip("[]")
    return int(digits) if digits.isdecimal() and len(digits) < 5 else None


def _form_problem(found: Sequence[int], numbers: Sequence[int]) -> str:
    missing = [number for number in numbers if number not in found]
    foreign = [number for number in dict.fromkeys(found) if number not in numbers]
    repeated = [number for number in dict.fromkeys(found) if found.count(number) > 1]
    problems = [
        f"{what}: {', '.join(f'[{number}]' for number in which)}"
        for what, which in (
            ("lines are missing", missing),
            ("there are lines that were not asked for", foreign),
            ("lines appear more than once", repeated),
        )
        if which
    ]
    return "; ".join(problems)
