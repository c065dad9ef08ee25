"""Commands of `dubkit review` that show lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.review.episode import episode_options, json_option, open_context
from dubkit.cli.review.learning import say_suggestions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dubkit.episode.line_timing import LineTiming
    from dubkit.review.lines import ReviewLine
    from dubkit.review.provenance import Provenance
    from dubkit.review.takes import TakeRow


@click.command(name="list")
@episode_options
@click.option("--flagged", is_flag=True, help="Only lines that need a look and that nobody accepted.")
@click.option("--unlocked", is_flag=True, help="Only lines that are not locked.")
@click.option("--unaccepted", is_flag=True, help="Only lines that nobody accepted.")
@click.option("--speaker", default="", metavar="SPEAKER", help="Only lines of this speaker, by id or name.")
@click.option(
    "--text", default="", metavar="WORDS", help="Only lines with these words in source, text or note."
)
@json_option
def list_command(episode: Path, language: str, output: Path | str, as_json: bool, **filters: Any) -> None:
    """List the lines with their marks and flags.

    Marks: L locked, A accepted, E edited, N with a note. Flags say what needs a look. A locked line whose
    source has changed has a conflict until somebody unlocks it. The length is the one predicted at the
    voice's own pace (~ where it is only reckoned), with the pace that brings it into the time of the line.
    """
    from dubkit.episode.store import canonical
    from dubkit.review.lines import Filter, review_lines

    context = open_context(episode, language, output, {})
    lines = review_lines(context)
    line_filter = Filter(**filters)
    shown = [line for line in lines if line_filter.takes(line)]
    if as_json:
        click.echo(canonical(shown).decode())
    else:
        _print_table(shown)
        for line in shown:
            if line.conflict:
                click.echo(f"Conflict: {line.id} is locked, but {line.conflict}.")
    hidden = len(lines) - len(shown)
    if hidden:
        click.echo(f"{len(shown)} of {len(lines)} lines; the filters hide {hidden}.", err=True)
    say_suggestions(context)


def _print_table(lines: Sequence[ReviewLine]) -> None:
    from dubkit.cli.tables import print_table

    heads = ("#", "id", "time", "speaker", "route", "length", "marks", "flags", "text")
    rows = [
        (
            str(line.number),
            line.id,
            f"{clock(line.start)}-{clock(line.end)}",
            line.speaker_name,
            line.route,
            line.timing.in_short,
            marks(line),
            " ".join(line.flags),
            line.text,
        )
        for line in lines
    ]
    print_table(heads, rows)


def marks(line: ReviewLine) -> str:
    """Return the marks of a line, one letter each."""
    states = (("L", line.locked), ("A", line.accepted), ("E", bool(line.edited)), ("N", bool(line.note)))
    return "".join(letter for letter, is_so in states if is_so)


def clock(seconds: float) -> str:
    """Write a time of the episode: `0:01.15`, `1:02:03.50`."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    short = f"{minutes:02d}:{rest / 100:05.2f}" if hours else f"{minutes}:{rest / 100:05.2f}"
    return f"{hours}:{short}" if hours else short


@click.command(name="show")
@episode_options
@click.argument("line", metavar="LINE")
@json_option
def show_command(episode: Path, language: str, output: Path | str, line: str, as_json: bool) -> None:
    """Show everything about one LINE: texts, measures, takes and provenance.

    In the list of takes, a star marks the one in use, and an exclamation mark one that somebody chose. Of the
    texts that the line may have, a plus sign marks the one that was chosen for its time.
    """
    from dubkit.episode.store import canonical
    from dubkit.review.lines import find_lines, review_lines
    from dubkit.review.provenance import explain
    from dubkit.review.takes import line_takes

    context = open_context(episode, language, output, {})
    names = find_lines(context, [line])
    if len(names) != 1:
        raise click.UsageError(f"{line}: name one line.")
    (shown,) = review_lines(context, frozenset(names))
    takes, why = line_takes(context, shown.id), explain(context, shown.id)
    if as_json:
        click.echo(canonical({"line": shown, "takes": takes, "why": why}).decode())
        return
    _print_line(shown)
    print_takes(takes)
    _print_why(why)


def _print_line(line: ReviewLine) -> None:
    click.echo(f"{line.id}, line {line.number}, {clock(line.start)} to {clock(line.end)}")
    _field(
        "speaker", f"{line.speaker_name} ({line.speaker})" + (f", voice {line.voice}" if line.voice else "")
    )
    _field("source", line.source)
    _field("line", line.text or "none: it keeps the source's sound")
    for candidate in line.candidates if not line.timing.texts else ():
        _field("or", candidate)
    _print_timing(line.timing)
    _field("route", f"{line.route}: {line.reason}" if line.reason else line.route)
    _field("delivery", line.delivery)
    _field("note", line.note)
    states = (("locked", line.locked), ("accepted", line.accepted))
    _field("state", ", ".join(name for name, is_so in states if is_so))
    _field("edited", ", ".join(line.edited))
    _field("conflict", line.conflict)
    _field("flags", ", ".join(line.flags))
    _field("heard", line.heard)
    _field("measures", _measures(line))


def _print_timing(timing: LineTiming) -> None:
    notes = [timing.says] if timing.says else []
    if timing.too_long:
        notes.append(f"too long by {timing.too_long:.1f} s")
    if timing.given_start is not None:
        notes.append(
            f"scheduled at {clock(timing.given_start)}" + (", changed since" if timing.stale else "")
        )
    _field("length", "; ".join(notes))
    for text in timing.texts if len(timing.texts) > 1 else ():
        mark = ("*" if text.used else " ") + ("+" if text.chosen else " ")
        lost = f" (loses {'; '.join(text.losses)})" if text.losses else ""
        click.echo(f"   {mark}{text.number:<9} {text.seconds:.1f} s at {text.pace:.2f}: {text.text}{lost}")
    _field("because", timing.why)


def _measures(line: ReviewLine) -> str:
    from dubkit.qc.check import measure_title

    parts = []
    if line.spoken:
        parts.append(f"{line.spoken:.2f} s spoken at {line.speed:.2f} of the voice's pace, {line.fit}")
    if line.word_error is not None:
        parts.append(f"word error {line.word_error:.2f}")
    if line.start_error is not None:
        parts.append(f"starts {1000 * line.start_error:.0f} ms late")
    if line.loudness_error is not None:
        parts.append(f"{line.loudness_error:+.1f} LU against the source")
    parts += [f"{measure_title(name).lower()} {value}" for name, value in line.measures.items()]
    return "; ".join(parts)


def _field(name: str, value: str) -> None:
    if value:
        click.echo(f"  {name:<10} {value}")


def print_takes(takes: Sequence[TakeRow]) -> None:
    """Print the takes of a line."""
    from stages.shared.recording.recordings import ENGINE

    click.echo("  takes" if takes else "  takes      none yet")
    for take in takes:
        mark = ("*" if take.in_use else " ") + ("!" if take.chosen else " ")
        seed = "" if take.seed is None else f", seed {take.seed}"
        voice = f", {take.voice}" if take.voice else ""
        by = "recorded" if take.engine == ENGINE else take.engine
        said = f" “{take.text}”" if take.text else ""
        flags = f" [{', '.join(take.flags)}]" if take.flags else ""
        click.echo(f"   {mark}{take.take:<12} {take.seconds:.2f} s, {by}{voice}{seed}{said}{flags}")


def _print_why(why: Provenance) -> None:
    click.echo("  why")
    _field("  prompt", why.prompt)
    _field("  seed", "" if why.seed is None else str(why.seed))
    for role, model in sorted(why.models.items()):
        _field("  model", f"{role}: {model}")
    for edit in why.edits:
        _field("  edit", edit)
    for step in why.stages:
        failed = f" failed: {step.error.splitlines()[0]}" if step.error else ""
        notes = "".join(f"; {note}" for note in step.degraded)
        _field("  made by", f"{step.stage} {step.item}, key {step.key[:12]}{failed}{notes}")


LOOKING = (list_command, show_command)
