"""Build the messages of a request: system prompt, numbered lines among their context, repair."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import prompts
from dubkit.translate.asking import Messages
from dubkit.translate.engine import TranslationTask
from dubkit.translate.language import language_name, normalise
from dubkit.translate.lines import SourceLine, one_line
from dubkit.translate.wording.asking import wording_rules

_PROMPTS = ("translate", "batch", "single", "repair")


def prompts_digest() -> str:
    """SHA-256 of the prompt texts a language model gets, for cache keys."""
    return hashlib.sha256("\0".join(prompts.read(name) for name in _PROMPTS).encode()).hexdigest()


def batch_messages(lines: Sequence[SourceLine], task: TranslationTask, *, context: bool = True) -> Messages:
    """Request for `lines`, numbered from 1, with `context` among neighbours marked with `~`."""
    numbers = [f"[{number}]" for number in range(1, len(lines) + 1)]
    user = prompts.read("batch").format(
        target=_named(task.target),
        source=_named(task.source),
        speakers=_speakers(lines) + wording_rules(line.wording for line in lines),
        script="\n".join(_script(lines, task.settings.context if context else 0)),
        count=f"{len(lines)} lines, {numbers[0]} to {numbers[-1]},",
        example=f"{numbers[0]} …",
    )
    return _conversation(user)


def single_messages(line: SourceLine, task: TranslationTask, *, context: bool) -> Messages:
    """Request for one line; without `context` nothing else is there that could be translated."""
    reach = task.settings.context
    before = line.before[-reach:] if reach else ()
    after = line.after[:reach]
    neighbours = [f"~ {one_line(text)}" for text in before]
    following = [f"~ {one_line(text)}" for text in after]
    shown = ""
    if context and (neighbours or following):
        shown = "\n".join(
            [
                "It stands in this dialogue, which must not be translated:",
                *neighbours,
                "~ (the line)",
                *following,
            ]
        )
    user = prompts.read("single").format(
        target=_named(task.target),
        source=_named(task.source),
        context=wording_rules([line.wording]) + shown,
        text=one_line(line.text),
    )
    return _conversation(user)


def repair_messages(
    asked: Messages, reply: str, problems: Mapping[int, str] | str, task: TranslationTask
) -> Messages:
    """The conversation so far, and what was wrong: with some lines (by number) or with the whole reply."""
    if isinstance(problems, str):
        listed, wanted = f"- {problems}.", "all lines, in the form that was asked for"
    else:
        listed = "\n".join(f"- Line [{number}] {problem}." for number, problem in problems.items())
        numbers = ", ".join(f"[{number}]" for number in problems)
        wanted = f"only {numbers}, each on a line of its own with its number"
    text = prompts.read("repair").format(problems=listed, target=language_name(task.target), request=wanted)
    # A server may refuse an empty assistant message.
    said = [{"role": "assistant", "content": reply}] if reply.strip() else []
    return [*asked, *said, {"role": "user", "content": text}]


def _conversation(user: str) -> Messages:
    return [
        {"role": "system", "content": prompts.read("translate")},
        {"role": "user", "content": user},
    ]


def _named(tag: str) -> str:
    return f"{language_name(tag)} ({normalise(tag)})"


def _speakers(lines: Sequence[SourceLine]) -> str:
    """Who says what, apart from the lines: a label inside a line would come back as speech."""
    if not any(line.speaker for line in lines):
        return ""
    said = (f"[{number}] {line.speaker}" for number, line in enumerate(lines, start=1) if line.speaker)
    return f"Speakers: {'; '.join(said)}. Do not write their names.\n"


def _script(lines: Sequence[SourceLine], context: int) -> list[str]:
    """Numbered lines in order, with the neighbours that are not among them in their places."""
    script = _marked(lines[0].before[-context:]) if context else []
    for number, (line, following) in enumerate(zip(lines, [*lines[1:], None], strict=True), start=1):
        script.append(f"[{number}] {one_line(line.text)}")
        if not context:
            continue
        if following is None:
            script += _marked(line.after[:context])
        elif following.text in line.after:
            script += _marked(line.after[: line.after.index(following.text)])
        else:
            script += _marked(line.after[:context] + following.before[-context:])
    return script


def _marked(texts: Sequence[str]) -> list[str]:
    return [f"~ {one_line(text)}" for text in texts]
