# ruff: noqa: RUF001 - dialogue is written with typographic quotation marks
"""Take off what models put around a translation: reasoning, fences, labels, quotation marks."""

from __future__ import annotations

import re

_THOUGHT = re.compile(
    r"<(think|thinking|thought|reasoning|analysis)>.*?</\1>|◁think▷.*?◁/think▷", re.DOTALL | re.IGNORECASE
)
# Templates often open the thought themselves, so that a reply holds only its end.
_THOUGHT_END = re.compile(r"^.*?</(?:think|thinking|thought|reasoning|analysis)>", re.DOTALL | re.IGNORECASE)
_THOUGHT_START = re.compile(r"<(?:think|thinking|thought|reasoning|analysis)>|◁think▷", re.IGNORECASE)
_FINAL_CHANNEL = re.compile(r"^.*<\|channel\|>\s*final\s*<\|message\|>", re.DOTALL)
_SPECIAL_TOKEN = re.compile(r"<\|[a-z_]+\|>|</s>|<eos>|<end_of_turn>")
_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)

# Words with which a model announces a translation, in the languages it is likely to do that in.
_ANNOUNCED = re.compile(
    r"translat|tradu[cçz]|übersetz|vertaling|перевод|tłumacz|översättning|翻译|翻譯|翻訳|訳|번역"
    r"|\bhere(?:'s| is| are)\b|\bvoici\b|\baquí (?:está|tienes)\b|\baqui está\b|\becco\b|\bhier ist\b"
    r"|^\s*(?:sure|certainly|of course|okay|claro|bien sûr|natürlich|certamente)\b",
    re.IGNORECASE,
)
_QUOTES = (('"', '"'), ("“", "”"), ("«", "»"), ("„", "“"), ("「", "」"), ("'", "'"), ("‘", "’"), ("`", "`"))
_LABEL = re.compile(r"^\s*([^\W\d_][\w .'’()-]{0,30}?)\s*[:：]\s*(?=\S)")


def strip_reasoning(reply: str) -> str:
    """The reply without its chain of thought; empty when the thought never ends."""
    text = _FINAL_CHANNEL.sub("", reply)
    text = _THOUGHT.sub("", text)
    text = _THOUGHT_END.sub("", text)
    start = _THOUGHT_START.search(text)
    if start:
        text = text[: start.start()]
    return _SPECIAL_TOKEN.sub("", text).strip()


def strip_fences(reply: str) -> str:
    """What stands in the code block of a reply, or the reply when there is none."""
    blocks = _FENCE.findall(reply)
    if len(blocks) == 1:
        return str(blocks[0]).strip()
    return reply.strip()


def announces(text: str) -> bool:
    """True for a line such as `Here is the translation:`."""
    stripped = text.strip().rstrip("*_ ")
    return stripped.endswith((":", "：")) and bool(_ANNOUNCED.search(stripped))


def unwrap(text: str, source: str, *, labels: tuple[str, ...] = ()) -> str:
    """One translated line without emphasis, labels and quotation marks that its source does not have.

    `labels` are names of languages and speakers that may stand before a colon.
    """
    line = text.strip()
    for mark in ("**", "__", "*"):
        if line.startswith(mark) and line.endswith(mark) and len(line) > 2 * len(mark) and mark not in source:
            line = line[len(mark) : -len(mark)].strip()
    if line.count("**") == 1 and "**" not in source:
        line = line.replace("**", "").strip()
    line = _without_label(line, source, labels)
    return _without_quotes(line, source)


def _without_label(line: str, source: str, labels: tuple[str, ...]) -> str:
    found = _LABEL.match(line)
    if not found or _LABEL.match(source):
        return line
    label = found.group(1).casefold()
    known = label in {name.casefold() for name in labels} or bool(_ANNOUNCED.search(label))
    return line[found.end() :].strip() if known else line


def _without_quotes(line: str, source: str) -> str:
    if any(source.lstrip().startswith(opening) for opening, _ in _QUOTES):
        return line
    for opening, closing in _QUOTES:
        inner = line[len(opening) : -len(closing)]
        # More marks inside mean that these two belong to different quotations.
        if line.startswith(opening) and line.endswith(closing) and len(line) > 2:
            return line if opening in inner or closing in inner else inner.strip()
    return line
