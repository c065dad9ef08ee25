"""Write the prompt of every segment: who speaks which language, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import Line, Prompt, Prompts

TEMPLATE = "dub.txt"


def items(context: Context) -> Sequence[Item]:
    said = [
        (segment.speaker, line.id, line.text, *_delivery(context, line)) for segment, line in context.lines
    ]
    named = {speaker.id: speaker.description for speaker in context.cast.speakers}
    return [
        Item(
            EPISODE,
            inputs={
                "translate/lines": context.digest(said),
                "cast/descriptions": context.digest(named),
                f"prompts/{TEMPLATE}": context.digest(_template()),
            },
        )
    ]


def _template() -> str:
    return resources.files("prompts").joinpath(TEMPLATE).read_text("utf-8").rstrip("\n")


def _delivery(context: Context, line: Line) -> tuple[str, ...]:
    """Return how a person wants the line spoken; empty when nobody said."""
    edit = context.placed.lines.get(line.id)
    return (edit.delivery.strip(),) if edit is not None and edit.delivery and edit.delivery.strip() else ()


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.translate.language import language_name

    language = language_name(context.language)
    named = {speaker.id: speaker.description for speaker in context.cast.speakers}
    template = _template()
    prompts = tuple(
        Prompt(
            line.id,
            template.format(
                speaker=named.get(segment.speaker, "The speaker"),
                language=", ".join((language, *_delivery(context, line))),
                dialogue=line.text,
            ),
        )
        for segment, line in context.lines
        if line.text
    )
    sink.write_json("prompts.json", Prompts(context.language, prompts))
    sink.done(EPISODE, files=["prompts.json"])


STAGE = Stage(
    name="prompt",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Writing prompts",
    done="prompts written",
    needs=("translate", "cast"),
    artifact="prompts.json",
    light=True,
)
