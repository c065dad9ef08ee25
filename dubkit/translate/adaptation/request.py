"""Build the request for other wordings of lines, and its repair."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import prompts
from dubkit.translate.adaptation.offers import TightLine
from dubkit.translate.asking import Messages
from dubkit.translate.engine import TranslationTask
from dubkit.translate.language import language_name, normalise
from dubkit.translate.lines import one_line
from dubkit.translate.request import repair_messages
from dubkit.translate.wording.asking import wording_rules
from dubkit.translate.wording.terms import Wording

_PROMPTS = ("adapt", "repair")


def prompts_digest() -> str:
    """SHA-256 of the prompt texts that a language model gets, for cache keys."""
    return hashlib.sha256("\0".join(prompts.read(name) for name in _PROMPTS).encode()).hexdigest()


def offer_messages(lines: Sequence[TightLine], task: TranslationTask) -> Messages:
    """Return the request for other wordings of `lines`, numbered from 1."""
    last, rules = len(lines), wording_rules(Wording(line.terms) for line in lines)
    rules = f"{rules}\n" if rules else ""
    user = prompts.read("adapt").format(
        target=_named(task.target),
        source=_named(task.source),
        script=rules + "\n\n".join(_script(number, line) for number, line in enumerate(lines, start=1)),
        count="1 line, number 1," if last == 1 else f"{last} lines, numbers 1 to {last},",
        example=", ".join('"…"' for _ in lines[0].sizes) or '"…"',
    )
    return [{"role": "user", "content": user}]


def offer_repair(asked: Messages, reply: str, problem: str, task: TranslationTask) -> Messages:
    """Return the conversation so far, and what was wrong with the reply."""
    return repair_messages(asked, reply, problem, task)


def _script(number: int, line: TightLine) -> str:
    wanted = (f"about {size.syllables} syllables ({size.characters} characters)" for size in line.sizes)
    return (
        f"[{number}] {one_line(line.source)}\n"
        f"  translation, {line.seconds:.1f} s for {line.room:.1f} s: {one_line(line.text)}\n"
        f"  wanted: {'; '.join(wanted)}"
    )


def _named(tag: str) -> str:
    return f"{language_name(tag)} ({normalise(tag)})"
