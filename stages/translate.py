"""Translate every segment; a line is stored only after it was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.episode.store import canonical, decode_json
from dubkit.episode.subtitles import write_target_subtitles
from dubkit.errors import TranslationError
from dubkit.formats.format import readable
from dubkit.translate.engine import TRANSLATORS, TranslationTask
from dubkit.translate.lines import SERVICE_ERROR, UNTRANSLATED
from dubkit.types import Line, Segment, Translation
from stages.shared.host import RunHost, part_identity, part_settings

if TYPE_CHECKING:
    from dubkit.translate.choice import TranslatorChoice
    from dubkit.translate.lines import SourceLine, Translated


def items(context: Context) -> Sequence[Item]:
    if not context.segments:
        return []  # nobody speaks: there is no language to translate from
    if context.user_file("translate"):
        return [
            replace(item, models={"translator": "import"})
            for item in _line_items(context, sees_context=False)
        ]
    choice = translator_choice(context)
    engine, inputs = choice.engine, choice.engine.inputs(choice.task)
    models = {"translator": part_identity(TRANSLATORS, engine, choice.identity)}
    own = part_settings(context, engine.settings, engine.table)
    return [
        replace(item, inputs={**inputs, **item.inputs}, models=models, settings=own)
        for item in _line_items(context, sees_context=engine.sees_context)
    ]


def _line_items(context: Context, *, sees_context: bool) -> list[Item]:
    """Return the items with their inputs from the source, which every translator reads."""
    pair = context.digest([context.source_language, context.language])
    return [
        Item(
            segment.id,
            inputs={
                "languages": pair,
                f"transcribe/{segment.id}": _digest(context, position, sees_context),
            },
            edits={
                name: value
                for name, value in edit_fields(context.placed.segments.get(segment.id)).items()
                if name == "text"
            },
            held=("languages",) if _locked(context, segment) else None,
        )
        for position, segment in enumerate(context.segments)
    ]


def _locked(context: Context, segment: Segment) -> bool:
    edit = context.placed.lines.get(segment.id)
    return edit is not None and edit.lock is not None


def _digest(context: Context, position: int, sees_context: bool) -> str:
    """Return the digest of what the translator sees; the line's own edit is a part of the key by itself."""
    segment = context.segments[position]
    own = next(s.text for s in context.transcript.segments if s.id == segment.id)
    around = _around(context, position) if sees_context else ((), ())
    return context.digest([own, around])


def _around(context: Context, position: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    texts = [segment.text for segment in context.segments]
    reach = context.settings.translate.context
    return tuple(texts[max(0, position - reach) : position]), tuple(
        texts[position + 1 : position + 1 + reach]
    )


def translator_choice(context: Context) -> TranslatorChoice:
    """Return the translator of this pair of languages, and why it was chosen."""
    from dubkit.translate.choice import choose_translator

    settings = context.settings.translate
    return choose_translator(
        TranslationTask(context.source_language, context.language, settings, RunHost(context))
    )


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    imported = context.user_file("translate")
    if imported is not None:
        return _import(context, imported, items, sink)
    choice = translator_choice(context)
    sink.say(f"translate {context.language}: {choice.identity}, {choice.reason}")
    due = {item.id for item in items}
    lines = [_source_line(context, n) for n, segment in enumerate(context.segments) if segment.id in due]

    def keep(batch: Sequence[Translated]) -> None:
        for line in batch:
            _keep(line, sink)

    choice.engine.open(choice.task).translate(lines, keep)


def _source_line(context: Context, position: int) -> SourceLine:
    from dubkit.translate.lines import SourceLine

    segment = context.segments[position]
    before, after = _around(context, position)
    return SourceLine(segment.id, segment.text, segment.speaker, before, after)


def _keep(line: Translated, sink: Sink) -> None:
    if SERVICE_ERROR in line.flags:
        return sink.fail(
            line.id, TranslationError(f"line {line.id} was not translated: {', '.join(line.flags)}")
        )
    value = Line(line.id, line.text, provider=line.provider, flags=line.flags)
    degraded = (
        [] if line.text else [f"{line.id} was not translated ({', '.join(line.flags)}); it keeps its sound"]
    )
    sink.done(line.id, value={"line": value, "tokens": [line.tokens_in, line.tokens_out]}, degraded=degraded)


def _import(context: Context, file: Path, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.formats.reading import read_cues

    cues = read_cues(file)
    same_count = len(cues) == len(context.segments)
    for item in items:
        position = next(n for n, s in enumerate(context.segments) if s.id == item.id)
        segment = context.segments[position]
        if same_count:
            text = cues[position].text
        else:
            text = " ".join(c.text for c in cues if _shared(segment, c.start, c.end) > 0.5)
        flags = () if text else (UNTRANSLATED,)
        degraded = [] if text else [f"{item.id} has no line in {file.name}; it keeps its sound"]
        line = Line(item.id, text, provider="import", flags=flags)
        sink.done(item.id, value={"line": line, "tokens": [0, 0]}, degraded=degraded)


def _shared(segment: Segment, start: float, end: float) -> float:
    """Return the share of a cue that lies inside the segment."""
    return (min(segment.end, end) - max(segment.start, start)) / max(end - start, 1e-3)


def assemble(context: Context) -> None:
    """Write `translation.json` and its subtitles from the finished lines."""
    records = context.store.records("translate", context.language)
    lines: list[Line] = []
    tokens = [0, 0]
    for segment in context.transcript.segments:
        record = records.get(segment.id)
        if record is None or record.error or not record.value:
            lines.append(Line(segment.id, "", flags=(UNTRANSLATED, SERVICE_ERROR)))
            continue
        lines.append(decode_json(canonical(record.value["line"]), Line))
        tokens = [a + b for a, b in zip(tokens, record.value["tokens"], strict=True)]
    translation = Translation(context.language, tuple(lines), tokens[0], tokens[1])
    context.store.write_json("translation.json", translation, context.language)
    write_target_subtitles(context.fresh())


REQUEST_TOKENS = 350
"""Tokens of the instructions in every request."""

CHARACTERS_PER_TOKEN = (5.0, 2.5)
"""English is near the first, other scripts are near the second."""


def _needs(context: Context, due: frozenset[str], _share: float) -> Needs:
    """Count the tokens that the translator reads and writes, where it counts any."""
    if not context.store.has("transcript.json") or context.user_file("translate"):
        return Needs()
    try:
        counts = translator_choice(context).engine.counts_tokens
    except TranslationError:  # the stage says so when its turn comes
        return Needs()
    if not counts:
        return Needs()
    texts = [s.text for s in context.segments if s.id in due or not due]
    requests = -(-len(texts) // context.settings.translate.batch_size)
    characters = sum(len(text) for text in texts)
    low, high = (int(characters / rate) * 2 + requests * REQUEST_TOKENS for rate in CHARACTERS_PER_TOKEN)
    return Needs(tokens=(low, high))


STAGE = Stage(
    name="translate",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Translating the lines",
    done="translated",
    unit="line",
    aliases=("translation",),
    pace=0.15,
    estimate=_needs,
    needs=("transcribe",),
    artifact="translation.json",
    assemble=assemble,
    accepts=lambda: readable("cues"),
)
