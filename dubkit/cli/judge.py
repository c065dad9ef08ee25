"""`dubkit judge`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import languages, load
from dubkit.cli.sources import find_sources, source_of
from dubkit.cli.tables import print_table

if TYPE_CHECKING:
    from dubkit.judge.judging import Judgement

DOUBTFUL = 3
WORDS = {"good": "good", "look": "look", "bad": "not in order"}
MOST = 12
"""Lines of a dub that the terminal shows."""


@click.command(name="judge")
@click.argument("dubs", nargs=-1, required=True, metavar="DUB...")
@click.option("--source", "original", required=True, metavar="FILE", help="The film that they are dubs of.")
@click.option(
    "--to", "language", default="", metavar="LANG", help="Language of the dubs; left out, what is heard."
)
@click.option(
    "--text",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Subtitles of what the dubs should say, on their clock.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page that shows the dubs side by side.",
)
@click.option(
    "--set",
    "named",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any setting by name; `dubkit config` lists them. Repeatable.",
)
def command(
    dubs: tuple[str, ...],
    original: str,
    language: str,
    text: Path | None,
    as_json: bool,
    report: Path | None,
    named: tuple[str, ...],
) -> None:
    """Judge finished dubs against their source, whoever made them.

    \b
    dubkit judge dub.mp4 --source film.mp4 --to pt-BR
    dubkit judge ours.mp4 theirs.mp4 --source film.mp4 --to pt-BR --text lines.srt --report dubs.html

    Every check that has its evidence is asked; the others are named with why not. Exit code 0: nothing to
    look at; 3: something to look at; 1: a file cannot be judged.
    """
    from dubkit.judge.judging import ToJudge, judge
    from dubkit.judge.page import render
    from dubkit.studio import cache_folder, open_models

    settings = load({"named": named}).settings
    asked = ToJudge(
        source=source_of(original, {}),
        dubs=tuple(find_sources(dubs)),
        language=languages((language,))[0] if language else "",
        text=text,
    )
    judged = judge(asked, settings, open_models(settings), cache_folder(settings), _say)
    if report is not None:
        report.write_text(render(judged), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_plain(judged), ensure_ascii=False))
    else:
        _print(judged)
    raise SystemExit(0 if all(verdict.tone == "good" for verdict in judged.verdicts) else DOUBTFUL)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _plain(judged: Judgement) -> dict[str, Any]:
    """Return a judgement as plain JSON values."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(asdict(judged), enc_hook=str)
    for one, verdict in zip(plain["verdicts"], judged.verdicts, strict=True):
        one["measured"] = msgspec.to_builtins(verdict.measured)
    return plain


def _print(judged: Judgement) -> None:
    from dubkit.qc.check import flag_words
    from dubkit.qc.numbers import clock, percent, signed

    print_table(
        ("dub", "verdict", "offset", "words wrong", "level", "what"),
        [
            (
                verdict.name,
                WORDS[verdict.tone],
                f"{signed(verdict.alignment.offset, 2)} s",
                percent(verdict.measured.word_error),
                f"{signed(verdict.measured.dub_lufs)} LUFS",
                verdict.sentence,
            )
            for verdict in judged.verdicts
        ],
    )
    for verdict in judged.verdicts:
        click.echo(f"\n{verdict.name}")
        for remark in verdict.remarks:
            click.echo(f"  {remark}")
        for line in verdict.flagged[:MOST]:
            flags = ", ".join(flag_words(flag)[0] for flag in line.flags)
            click.echo(f"  {clock(line.start)}  {flags}: {line.heard or line.source_text}")
        if len(verdict.flagged) > MOST:
            click.echo(f"  and {len(verdict.flagged) - MOST} more lines; --report FILE shows them all.")
        for left in verdict.not_asked:
            click.echo(f"  Not asked, because {left.why}: {', '.join(left.checks)}")
