"""Fit the words of every line to its time: where they miss it, other texts are asked for, and one is chosen.

A text that a person wrote, or gave with `--use translate`, is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import prompts
from dubkit.chain.stage import Item, Needs, Setup, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.store import canonical, decode_json
from dubkit.errors import TranslationError
from dubkit.translate.adaptation.room import Room, rooms
from dubkit.types import Adaptation, AdaptedLine, Line, Remark, Segment, remark
from stages.shared.host import part_identity, part_settings
from stages.shared.machine_code import COMMON, LANGUAGE, NETWORKS
from stages.shared.model_memory import language_model_bytes
from stages.shared.mouths import mouths_seen
from stages.shared.series_words import fitting_inputs, terms_of, told_address
from stages.shared.subtitles import after_translation
from stages.shared.translators import translator_choice
from stages.shared.voices import (
    choose_voice,
    line_lengths,
    voice_identity,
    voice_of,
    voice_settings,
    voiceless,
)

if TYPE_CHECKING:
    from dubkit.translate.adaptation.fitting import Fitted, FittingLine
    from dubkit.translate.choice import TranslatorChoice

SETTINGS = ("timing.tolerance", "timing.shorten")

PROMPT = "adapt"


def items(context: Context) -> Sequence[Item]:
    lines = _lines(context)
    if not lines or voiceless(context):
        return []
    choice, room_of = _rewriter(context), _rooms(context)
    models = {"voice": voice_identity(context), "rewriter": _identity(choice)}
    settings = (*SETTINGS, *voice_settings(context), *_own_settings(context, choice))
    common = _common_inputs(choice)
    items = []
    for segment, line in lines:
        room, written = room_of[segment.id], _written(context, line)
        inputs = {
            f"translate/{line.id}": context.digest([context.language, line.text, line.provider]),
            f"transcribe/{line.id}": context.digest([context.source_language, segment.text]),
            f"cast/{segment.speaker}": context.digest(voice_of(context, segment)),
            "room": context.digest([room.source, room.most]),
        }
        items.append(
            Item(
                line.id,
                inputs={**common, **inputs, **fitting_inputs(context, segment)},
                edits={"text": written} if written else {},
                models=models,
                settings=settings,
                # The texts that were offered stay, so that another one can still be chosen.
                held=(f"translate/{line.id}",) if written else None,
            )
        )
    return items


def _lines(context: Context) -> list[tuple[Segment, Line]]:
    """Return the lines with their first translation, without those that keep the source's sound."""
    first = {line.id: line for line in context.translation.lines if line.text}
    return [(s, first[line.id]) for s, line in context.lines if line.id in first and line.route != "keep"]


def _written(context: Context, line: Line) -> str:
    """Return the text that a person wrote or locked; empty where nobody did."""
    edit = context.placed.lines.get(line.id)
    if edit is None:
        return ""
    return edit.lock.text if edit.lock is not None else edit.text or ""


def _rooms(context: Context) -> Mapping[str, Room]:
    """Return the room of every line; a speaker of whom nobody knows whether he is seen starts on time."""
    seen = frozenset(line for line, is_seen in mouths_seen(context).items() if is_seen is not False)
    return rooms(context.segments, float(context.episode.duration), seen)


# --- what offers other texts --------------------------------------------------------------------


def _rewriter(context: Context) -> TranslatorChoice | None:
    """Return the translator where it offers other texts for a line."""
    if context.user_file("translate"):
        return None
    try:
        choice = translator_choice(context)
    except TranslationError:  # the lines are there all the same
        return None
    return choice if choice.engine.candidates is not None else None


def _identity(choice: TranslatorChoice | None) -> str:
    from dubkit.translate.adaptation.meaning import back_engine
    from dubkit.translate.adaptation.shortenings import VERSION
    from dubkit.translate.engine import TRANSLATORS

    if choice is None:
        return f"shortenings {VERSION}"
    back = back_engine(choice.engine, choice.task)
    way_back = f", back by {back.name}" if back else ""
    return f"{part_identity(TRANSLATORS, choice.engine, choice.identity)}{way_back}, shortenings {VERSION}"


def _own_settings(context: Context, choice: TranslatorChoice | None) -> tuple[str, ...]:
    return part_settings(context, choice.engine.settings, choice.engine.table) if choice else ()


def _common_inputs(choice: TranslatorChoice | None) -> dict[str, str]:
    """Return what the offered texts of all lines depend on."""
    if choice is None:
        return {}
    from dubkit.translate.adaptation.request import prompts_digest

    return {**choice.engine.inputs(choice.task), f"prompts/{PROMPT}.txt": prompts_digest()}


# --- the work -----------------------------------------------------------------------------------


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.translate.adaptation.fitting import Fitter
    from dubkit.translate.engine import TranslationTask
    from dubkit.voice.length import budget

    due, choice, room_of = {item.id for item in items}, _rewriter(context), _rooms(context)
    pairs = [(segment, line) for segment, line in _lines(context) if line.id in due]
    voices = {line.id: voice_of(context, segment) for segment, line in pairs}
    lengths, speaker = line_lengths(context), choose_voice(context).engine
    language = context.language

    def measure(line: str, text: str) -> float:
        return lengths.ask(text, voice=voices[line], language=language).seconds

    def size(line: str, seconds: float) -> tuple[int, int]:
        fits = budget(seconds, speaker, language, voice=voices[line])
        return max(1, fits.syllables), max(1, fits.characters)

    timing = context.settings.timing
    task = choice.task if choice else TranslationTask(context.source_language, language)
    engine = choice.engine if choice else None
    lines = [_fitting(context, segment, line, room_of[segment.id], choice) for segment, line in pairs]
    Fitter(task, engine, measure, size, timing.tolerance, timing.shorten).fit(
        lines, lambda fitted: _keep(fitted, sink)
    )


def _fitting(
    context: Context, segment: Segment, line: Line, room: Room, choice: TranslatorChoice | None
) -> FittingLine:
    from dubkit.translate.adaptation.fitting import FittingLine

    asked = choice is not None and line.provider == choice.identity
    kept, terms = _kept(context, line), terms_of(context, segment)
    form = told_address(context, segment)
    return FittingLine(line.id, segment.text, line.text, room, kept, asked, terms, form)


def _kept(context: Context, line: Line) -> str:
    """Return why a text is never changed, as a sentence; empty when it may be."""
    from dubkit.translate.engine import TRANSLATORS

    if _written(context, line):
        return "A person wrote the text of the line."
    if line.provider == "import":
        return "The text is that of your own file."
    engine = TRANSLATORS.get(line.provider.partition(":")[0])
    return "The text is that of the source." if engine is not None and engine.unchanged else ""


def _keep(fitted: Fitted, sink: Sink) -> None:
    line = fitted.line
    sink.done(line.id, value={"line": line, "tokens": list(fitted.tokens)}, remarks=_remarks(fitted))


def _remarks(fitted: Fitted) -> list[Remark]:
    if not fitted.problem:
        return []
    if fitted.down:
        words = fitted.problem.rstrip(".")
        said = f"{words}. Lines that miss their time keep their first translation; --force adapt asks again."
        return [remark("words-not-fitted", said)]
    said = f"The other texts offered for it cannot be used: {fitted.problem}."
    return [remark("words-not-fitted", said, fitted.line.id)]


def assemble(context: Context) -> None:
    """Write `adaptation.json` from the finished lines."""
    records = context.store.records(STAGE.name, context.language)
    lines: list[AdaptedLine] = []
    tokens = [0, 0]
    for _, line in _lines(context):
        record = records.get(line.id)
        if record is None or record.error or not record.value:
            continue
        value: dict[str, Any] = record.value
        lines.append(decode_json(canonical(value["line"]), AdaptedLine))
        tokens = [a + b for a, b in zip(tokens, value["tokens"], strict=True)]
    adaptation = Adaptation(context.language, tuple(lines), tokens[0], tokens[1])
    context.store.write_json(STAGE.artifact, adaptation, context.language)


TOKENS_PER_LINE = (40, 400)
"""Tokens for a line where few lines miss their time, and where all do."""


def _needs(context: Context, due: frozenset[str], _share: float) -> Needs:
    """Count the tokens that asking for other texts takes, where it takes any."""
    if not context.store.has("transcript.json"):
        return Needs()
    choice = _rewriter(context)
    if choice is None or not choice.engine.counts_tokens:
        return Needs()
    count = sum(1 for s in context.segments if s.id in due or not due)
    request = len(prompts.read(PROMPT)) // 4 * -(-count // context.settings.translate.batch_size)
    low, high = (request + count * each for each in TOKENS_PER_LINE)
    return Needs(tokens=(low, high))


def belongs(setup: Setup) -> bool:
    """Tell whether the words of the lines of a run are fitted."""
    return setup.settings.timing.fit


STAGE = Stage(
    name="adapt",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Fitting the words",
    done="fitted",
    unit="line",
    belongs=belongs,
    pace=0.02,
    estimate=_needs,
    needs=("faces", "translate", "cast"),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS, *LANGUAGE),
    memory=language_model_bytes,
    depends=SETTINGS,
    artifact="adaptation.json",
    assemble=assemble,
    after=after_translation,
)
