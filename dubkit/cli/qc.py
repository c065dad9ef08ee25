"""`dubkit qc`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.review.episode import episode_options, open_run, run_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dubkit.episode.line_states import LineState
    from dubkit.types import EpisodeQc


@click.command(name="qc")
@episode_options
@run_options
def command(
    episode: Path, language: str, output: Path | str, as_json: bool, quiet: bool, **flags: Any
) -> None:
    """Measure the finished dub of EPISODE again, and show what its checks found.

    Nothing else runs: the dub stays as it is. The limits of the checks are settings: --set qc.pause.most=0.6;
    a check is switched off or on with --set qc.pause.on=false. With --json, every measure of every line, also
    where nothing is wrong. Exit codes: 0 nothing wants a look, 1 error, 2 wrong usage, 3 a line that nobody
    accepted or the whole dub wants a look.
    """
    from dubkit.episode.line_states import line_states
    from dubkit.progress import Terminal
    from dubkit.qc.remarks import weight_of
    from dubkit.review.regeneration import measure_again
    from dubkit.types import EpisodeQc

    session, context = open_run(episode, language, output, flags)
    with Terminal(quiet=quiet or as_json) as progress:
        outcome = measure_again(session, context.source, context.language, progress)
    if outcome.errors:
        raise click.ClickException("\n".join(outcome.errors))
    here = context.fresh()
    measured = here.store.read("qc.json", EpisodeQc, here.language)
    look = [state for state in line_states(here) if state.to_look_at]
    doubtful = [flag for flag in measured.flags if weight_of(flag) != "note"]
    if as_json:
        click.echo(json.dumps(_as_json(measured, look), ensure_ascii=False))
    else:
        _print(measured, look)
    raise SystemExit(3 if look or doubtful else 0)


def _as_json(measured: EpisodeQc, look: Sequence[LineState]) -> dict[str, Any]:
    import msgspec

    return {**msgspec.to_builtins(measured), "to_look_at": [state.line.id for state in look]}


def _print(measured: EpisodeQc, look: Sequence[LineState]) -> None:
    """Print the lines that want a look, with what was measured, and what is said of the whole dub."""
    from dubkit.cli.tables import print_table
    from dubkit.qc.check import flag_words, shown_measures
    from dubkit.qc.numbers import count
    from dubkit.qc.remarks import episode_remarks

    rows = []
    for state in look:
        found = state.measured
        told = shown_measures(found.measures, found.flags) if found else ()
        titles = ", ".join(flag_words(flag)[0] for flag in state.flags)
        rows.append((str(state.number), titles, ", ".join(f"{name}: {value}" for name, value in told)))
    if rows:
        print_table(("#", "flags", "measured"), rows)
    for remark in episode_remarks(measured):
        click.echo(remark.sentence)
    lines = count(len(measured.lines), "line")
    wants = f"{count(len(look), 'line')} {'wants' if len(look) == 1 else 'want'} a look"
    click.echo(f"{lines} measured: {wants if look else 'none wants a look'}.")
