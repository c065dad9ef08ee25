"""A rule of reading: a pattern, and what is said for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Match = re.Match[str]
Rule = tuple[str, Callable[[Match], str]]


def applied(rules: Iterable[Rule], text: str) -> str:
    """Return `text` after each rule in turn; what one has said, the next ones see as words."""
    for pattern, spoken in rules:
        text = re.sub(pattern, spoken, text)
    return text


def fixed(_: Match, said: str) -> str:
    """Say the same for every match."""
    return said
