"""Write the prompt of every segment: who speaks which language, and what is said."""

from __future__ import annotations

from collections.abc import Sequence

import prompts
from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import Line, Prompt, Prompts
from stages.shared.machine_code import COMMON

TEMPLATE = "dub"
"""Prompt that is filled in for every line."""


def items(context: Context) -> Sequence[Item]:
    texts = [
        (segment.speaker, line.id, line.text, *_delivery(context, line)) for segment, line in context.lines
    ]
    descriptions = {speaker.id: speaker.description for speaker in context.cast.speakers}
    return [
        Item(
            EPISODE,
            inputs={
                "translate/lines": context.digest(texts),
                "cast/descriptions": context.digest(descriptions),
                f"prompts/{TEMPLATE}.txt": context.digest(prompts.read(TEMPLATE)),
            },
        )
    ]


def _delivery(context: Context, line: Line) -> tuple[str, ...]:
    """Return how a person wants the line spoken; empty when nobody did."""
    edit = context.placed.lines.get(line.id)
    return (edit.delivery.strip(),) if edit is not None and edit.delivery and edit.delivery.strip() else ()


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.translate.language import language_name

    language = language_name(context.language)
    descriptions = {speaker.id: speaker.description for speaker in context.cast.speakers}
    template = prompts.read(TEMPLATE)
    texts = tuple(
        Prompt(
            line.id,
            template.format(
                speaker=descriptions.get(segment.speaker, "The speaker"),
                language=", ".join((language, *_delivery(context, line))),
                dialogue=line.text,
            ),
        )
        for segment, line in context.lines
        if line.text
    )
    sink.write_json("prompts.json", Prompts(context.language, texts))
    sink.done(EPISODE, files=["prompts.json"])


STAGE = Stage(
    name="prompt",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Writing prompts",
    done="prompts written",
    needs=("translate", "cast", "adapt"),
    beside=True,
    cores=1,
    loads=COMMON,
    artifact="prompts.json",
    light=True,
)
