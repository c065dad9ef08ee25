"""The prompt of a shot: its own words, enriched by the elements that they name, its setting and the style."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dubkit.storyboard.board import Element

QUOTED = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»')
"""What is spoken; an element that is only spoken of is not seen, and spoken words are never changed."""


def named_elements(prompt: str, elements: Mapping[str, Element]) -> list[tuple[int, int, str]]:
    """Return start, end and name of the first mention of every element, in the order of the prompt.

    Whole words count, in any case, outside of quotation marks; of two triggers at one place the longer one.
    """
    spoken = [match.span() for match in QUOTED.finditer(prompt)]
    words = sorted(
        ((trigger, name) for name, element in elements.items() for trigger in element.triggers),
        key=lambda pair: (-len(pair[0]), pair[0]),
    )
    taken = list(spoken)
    found: dict[str, tuple[int, int, str]] = {}
    for trigger, name in words:
        for match in re.finditer(rf"(?<!\w){re.escape(trigger)}(?!\w)", prompt, re.IGNORECASE):
            start, end = match.span()
            if any(start < last and first < end for first, last in taken):
                continue
            taken.append((start, end))
            if name not in found or start < found[name][0]:
                found[name] = (start, end, name)
    return sorted(found.values())


def enriched(prompt: str, elements: Mapping[str, Element], extra: Sequence[str] = ()) -> str:
    """Return a prompt in which the look of each element stands behind its first mention, then `extra`.

    >>> board = {"ana": Element("Ana", look="a woman in a yellow coat")}
    >>> enriched('Ana waves. Ana says: "Ana!"', board, ["A pier at dawn"])
    'Ana, a woman in a yellow coat, waves. Ana says: "Ana!" A pier at dawn.'
    """
    text = prompt.strip()
    for _start, end, name in reversed(named_elements(text, elements)):
        look = elements[name].look.strip().rstrip(".,;")
        if look:
            rest = text[end:]
            closing = "" if not rest or rest[0] in ".,;:!?)" else ","
            text = f"{text[:end]}, {look}{closing}{rest}"
    return " ".join(_sentence(part) for part in (text, *extra) if part.strip())


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…", '"', "”", "»")) else f"{text}."
