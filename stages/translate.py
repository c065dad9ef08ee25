"""Translate every segment; a line is stored only after it was checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.chain.host import SettingsHost
from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.episode.store import canonical, decode_json
from dubkit.errors import TranslationError, TranslatorDown
from dubkit.formats.format import readable
from dubkit.translate.asides import resolved
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import SERVICE_ERROR, UNTRANSLATED
from dubkit.translate.wording.terms import PLAIN
from dubkit.types import Line, Remark, Segment, Translation, remark
from stages.shared.captions import spoken_of
from stages.shared.host import part_settings
from stages.shared.machine_code import COMMON, LANGUAGE, NETWORKS
from stages.shared.model_memory import language_model_bytes
from stages.shared.series_words import line_wordings, with_terms, wording_inputs, wording_remarks
from stages.shared.subtitles import after_translation
from stages.shared.translators import LEFT_BY, fallback_models, translator_choice, translator_identity

if TYPE_CHECKING:
    from dubkit.chain.stage import Setup
    from dubkit.speech.captions.spoken import Spoken
    from dubkit.translate.choice import TranslatorChoice
    from dubkit.translate.lines import SourceLine, Translated
    from dubkit.translate.relay import Settled

IMPORT = ("transcribe.labels", "translate.encoding")


def items(context: Context) -> Sequence[Item]:
    if not context.segments:
        return []  # nobody speaks: there is no language to translate from
    if context.user_file("translate"):
        times = {"times": context.digest([[s.start, s.end, s.speaker] for s in context.segments])}
        return [
            replace(item, models={"translator": "import"}, inputs={**times, **item.inputs}, settings=IMPORT)
            for item in _line_items(context, sees_context=False)
        ]
    choice = translator_choice(context)
    engine, inputs = choice.engine, choice.engine.inputs(choice.task)
    models_of, wordings = _models(context, choice), line_wordings(context, engine)
    own = part_settings(context, engine.settings, engine.table)
    return [
        replace(
            item,
            inputs={**inputs, **item.inputs, **wording_inputs(wordings.get(item.id))},
            models=models_of(item.id),
            settings=own,
        )
        for item in _line_items(context, sees_context=engine.sees_context)
    ]


def _line_items(context: Context, *, sees_context: bool) -> list[Item]:
    """Return the items with their inputs from the source, which every translator reads."""
    pair = context.digest([context.source_language, context.language])
    own = {segment.id: segment.text for segment in context.transcript.segments}
    texts = [segment.text for segment in context.segments]
    reach = context.settings.translate.context if sees_context else 0
    return [
        Item(
            segment.id,
            inputs={
                "languages": pair,
                f"transcribe/{segment.id}": context.digest(
                    [own[segment.id], _around(texts, position, reach)]
                ),
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


def _around(texts: Sequence[str], position: int, reach: int) -> tuple[Sequence[str], Sequence[str]]:
    """Return the texts before and after a line that the translator sees; the line's own edit is a part of the
    key by itself."""
    return texts[max(0, position - reach) : position], texts[position + 1 : position + 1 + reach]


def hindrance(setup: Setup, source: str, target: str) -> str:
    """Return why nothing here can translate a pair of languages, with the cure; empty when something can."""
    from dubkit.translate.choice import choose_translator

    if not source:
        return ""  # anything may be the source, the target's own language too
    host = SettingsHost(setup.settings, setup.models)
    try:
        choose_translator(TranslationTask(source, target, setup.settings.translate, host))
    except TranslationError as error:
        return str(error)
    return ""


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    if context.user_file("translate") is not None:
        return _import(context, items, sink)
    due = {item.id for item in items}
    texts = [segment.text for segment in context.segments]
    choice = translator_choice(context)
    wordings = line_wordings(context, choice.engine)
    lines = [
        replace(_source_line(context, texts, n), wording=wordings.get(segment.id, PLAIN))
        for n, segment in enumerate(context.segments)
        if segment.id in due
    ]
    _translate(choice, context.language, lines, sink)


def _translate(choice: TranslatorChoice, language: str, lines: Sequence[SourceLine], sink: Sink) -> None:
    """Translate lines; what a translator cannot do goes to the next one where there may be one."""
    from dubkit.translate.relay import Relay

    by_id = {line.id: line for line in lines}

    def keep(settled: Settled) -> None:
        _keep(settled, choice, by_id[settled.line.id], sink)

    def fail(line: Translated) -> None:
        _fail(line, sink)

    def say(turn: TranslatorChoice) -> None:
        sink.say(f"translate {language}: {turn.identity}, {turn.reason}")

    Relay(choice, keep, fail, say).run(lines)


def _source_line(context: Context, texts: Sequence[str], position: int) -> SourceLine:
    from dubkit.translate.lines import SourceLine

    segment = context.segments[position]
    before, after = _around(texts, position, context.settings.translate.context)
    return SourceLine(segment.id, segment.text, segment.speaker, tuple(before), tuple(after))


def _fail(line: Translated, sink: Sink) -> None:
    why = line.problem or ", ".join(line.flags)
    kind = TranslatorDown if line.may_pass else TranslationError
    sink.fail(line.id, kind(f"line {line.id} was not translated: {why}"))


def _keep(settled: Settled, first: TranslatorChoice, source: SourceLine, sink: Sink) -> None:
    line, engine = settled.line, settled.choice.engine
    text, remarks = with_terms(source, resolved(line.text), (first.task.source, first.task.target))
    value = Line(line.id, text, provider=line.provider, flags=line.flags)
    if settled.cause:
        remarks.append(remark("translator-fall-back", settled.cause, line.id if settled.own else ""))
    if engine.notice is not None and (notice := engine.notice(settled.choice.task)) is not None:
        remarks.append(notice)
    if not line.text:
        why = f"It was not translated ({', '.join(line.flags)}); it keeps its sound."
        remarks.append(remark("untranslated", why, line.id))
    kept = {"line": value, "tokens": [line.tokens_in, line.tokens_out]}
    if first.task.settings.fallback:
        sink.done(line.id, value=kept, remarks=remarks, models=_made_by(settled, first))
    else:
        sink.done(line.id, value=kept, remarks=remarks)


def _made_by(settled: Settled, first: TranslatorChoice) -> dict[str, str]:
    """Return what made a line, as it enters its key."""
    made = {"translator": translator_identity(settled.choice)}
    return made | {LEFT_BY: translator_identity(first)} if settled.own else made


def _models(context: Context, choice: TranslatorChoice) -> Callable[[str], dict[str, str]]:
    """Return what gives the models of a line.

    Those of its record stay where the first translator left it, or where a person accepted what another one
    made.
    """
    first = {"translator": translator_identity(choice)}
    made_by = fallback_models(context, choice)

    def models(line: str) -> dict[str, str]:
        made = made_by(line)
        edit = context.placed.lines.get(line)
        accepted = edit is not None and bool(edit.accepted)
        return made if made and (accepted or made.get(LEFT_BY) == first["translator"]) else first

    return models


def _import(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.translate.timed import Timed, align

    encoding = context.settings.translate.encoding
    spoken, _, remarks = spoken_of(context, "translate", context.language, encoding)
    file = context.user_file_name("translate")
    segments = context.segments
    lines = [Timed(segment.start, segment.end, segment.speaker) for segment in segments]
    found = align(lines, [Timed(part.start, part.end, part.speaker) for part in spoken])
    if not found.fits:
        raise TranslationError(_other_times(file, segments, spoken, len(found.strays), remarks))
    said: dict[int, list[Remark]] = {0: remarks}
    for stray in found.strays:
        part = spoken[stray]
        nearest = min(range(len(segments)), key=lambda at: abs(segments[at].start - part.start))
        sentence = f"“{part.text}” at {part.start:.3f} s falls on no line and is left out."
        said.setdefault(nearest, []).append(remark("translation-left-over", sentence, _place(file, part)))
    for at in sorted(found.unsure):
        sentence = f"“{spoken[found.own[at][0]].text}” stands at another time in {file} than its line."
        said.setdefault(at, []).append(remark("translation-times", sentence, segments[at].id))
    positions = {segment.id: at for at, segment in enumerate(segments)}
    for item in items:
        at = positions[item.id]
        text = " ".join(spoken[number].text for number in found.own[at])
        flags = () if text else (UNTRANSLATED,)
        kept = f"It has no text in {file}; it keeps its sound."
        told = [*said.get(at, ()), *([] if text else [remark("line-not-in-file", kept, item.id)])]
        line = Line(item.id, text, provider="import", flags=flags)
        sink.done(item.id, value={"line": line, "tokens": [0, 0]}, remarks=told)


def _place(file: str, part: Spoken) -> str:
    return f"{file}, {part.place}" if part.place else file


def _other_times(
    file: str,
    segments: Sequence[Segment],
    spoken: Sequence[Spoken],
    strays: int,
    remarks: Sequence[Remark],
) -> str:
    """Return why a file is not the translation of the lines."""
    if not spoken:
        why = f". {remarks[-1].sentence}" if remarks else "."
        cure = f"Give a file with the translation of the {len(segments)} lines."
        return f"{file}: no subtitle of it is speech inside the film{why}\n{cure}"
    first = f"its first subtitle is at {spoken[0].start:.3f} s, the first line at {segments[0].start:.3f} s"
    return (
        f"{file}: its times are not those of the {len(segments)} lines: {strays} of {len(spoken)} subtitles "
        f"fall on none, and {first}.\n"
        "Translate the file that dubkit export --format srt writes, which has the times of the lines."
    )


def assemble(context: Context) -> None:
    """Write `translation.json` from the finished lines."""
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
    needs=("transcribe", "people"),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS, *LANGUAGE),
    memory=language_model_bytes,
    artifact="translation.json",
    assemble=assemble,
    hindrance=hindrance,
    after=after_translation,
    notices=wording_remarks,
    accepts=lambda: readable("cues"),
)
