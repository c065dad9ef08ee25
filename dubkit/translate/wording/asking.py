"""What a request to a language model says of the wording of its lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import reduce
from operator import or_

import prompts
from dubkit.translate.wording.terms import PLAIN, Term, Wording

PROMPT = "wording"


def prompt_digest() -> str:
    """SHA-256 of the prompt text, for cache keys of lines that have a wording."""
    return hashlib.sha256(prompts.read(PROMPT).encode()).hexdigest()


def wording_rules(wordings: Iterable[Wording]) -> str:
    """Return the rules of some lines as a paragraph that ends with a line break; empty without any."""
    together = reduce(or_, wordings, PLAIN)
    rules = [*map(_term, together.terms), *together.address, *together.style]
    return (
        prompts.read(PROMPT).format(rules="\n".join(f"- {' '.join(rule.split())}" for rule in rules)) + "\n"
        if rules
        else ""
    )


def _term(term: Term) -> str:
    said = " or ".join(f"“{form}”" for form in term.approved)
    never = ", ".join(f"“{form}”" for form in term.forbidden)
    parts = [f"is {said}" if said else "", f"never {never}" if never else ""]
    note = f" ({term.note.rstrip('.')})" if term.note else ""
    return f"“{term.source}” {', '.join(part for part in parts if part)}{note}."
