"""`dubkit explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.cli.review.episode import episode_options, json_option, open_context

if TYPE_CHECKING:
    from dubkit.explain.line import Explained, Step


@click.command(name="explain")
@episode_options
@click.argument("line", metavar="LINE")
@json_option
def command(episode: Path, language: str, output: Path | str, line: str, as_json: bool) -> None:
    """Show everything that made a LINE of EPISODE, each with the time of its record.

    Words of the source with their times, all texts, prompt, seed, takes, models with their digests, settings
    that mattered, edits with author and time, checks with their measures, and the records. Times are UTC.
    """
    from dubkit.episode.store import canonical
    from dubkit.explain.line import explain_line
    from dubkit.review.lines import find_lines

    context = open_context(episode, language, output, {})
    names = find_lines(context, [line])
    if len(names) != 1:
        raise click.UsageError(f"{line}: name one line.")
    explained = explain_line(context, names[0])
    if as_json:
        click.echo(canonical(explained).decode())
        return
    _say(explained)


def _say(told: Explained) -> None:
    line = told.line
    click.echo(f"{line.id}, line {line.number} in {told.language}, {line.start:.3f} to {line.end:.3f} s")
    if told.speaker is not None:
        guess = " (a guess)" if told.speaker.guessed else ""
        _row("speaker", f"{told.speaker.name} ({told.speaker.id}): {told.speaker.description}{guess}")
        _row("voice", line.voice or told.speaker.voice)
    _row("cloned from", told.reference)
    _row("source", line.source)
    _row("words", "  ".join(f"{word.start:.2f} {word.text}" for word in told.words))
    _row("translated", told.translated)
    for text in told.texts:
        marks = "used" if text.used else "chosen for its time" if text.chosen else ""
        lost = f"; loses {', '.join(text.losses)}" if text.losses else ""
        _row(
            f"text {text.number}", f"{text.text} [{text.seconds:.1f} s, {text.origin}{lost}] {marks}".strip()
        )
    _row("because", line.timing.why)
    _row("line", line.text or "none: it keeps the source's sound")
    _row("route", f"{line.route}: {line.reason}" if line.reason else line.route)
    _row("prompt", told.prompt)
    _row("seed", "" if told.seed is None else str(told.seed))
    _say_takes(told)
    for model in told.models:
        _row("model", f"{model.role}: {model.identity}" + (f", {model.licence}" if model.licence else ""))
    for name, value in sorted(told.settings.items()):
        _row("setting", f"{name} = {value!r}")
    for edit in told.edits:
        undone = ", taken back" if edit.undone else ""
        _row("edit", f"{edit.at}  {edit.number} {edit.who or 'somebody'}, {edit.action}: {edit.what}{undone}")
    _row("heard", line.heard)
    for name, value in told.measured.items():
        _row("measured", f"{name} {value}")
    for check in told.checks:
        state = "FLAGGED" if check.flagged else "passed"
        measure = f": {check.measure}" if check.measure else ""
        _row("check", f"{check.title}, {state}{measure}")
    _row("checked", told.checked_at)
    for step in told.steps:
        _row("record", _step(step))


def _say_takes(told: Explained) -> None:
    for take in told.takes:
        state = " in use" if take.in_use else ""
        chosen = ", chosen" if take.chosen else ""
        seed = "" if take.seed is None else f", seed {take.seed}"
        _row("take", f"{take.take}: {take.seconds:.2f} s, {take.engine}{seed}{chosen}{state}")
    for one in told.tried if len(told.tried) > 1 else ():
        flags = f" [{', '.join(one.flags)}]" if one.flags else ""
        parts = ", ".join(f"{name} {value:.2f}" for name, value in one.parts.items())
        _row("tried", f"{' '.join(one.takes) or 'failed'}: score {one.score:.3f} ({parts}){flags}")


def _step(step: Step) -> str:
    failed = f" failed: {step.error.splitlines()[0]}" if step.error else ""
    notes = "".join(f"; {note}" for note in step.degraded)
    return f"{step.at}  {step.stage} {step.item}, key {step.key[:12]}{failed}{notes}"


def _row(name: str, value: str) -> None:
    if value:
        click.echo(f"  {name:<11} {value}")
