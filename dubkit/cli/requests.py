"""The request of a run, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import languages

if TYPE_CHECKING:
    from dubkit.chain.chain import Request


def make_request(targets: tuple[str, ...], flags: dict[str, Any]) -> Request:
    """Read the options that say what to run; settings say how."""
    from dubkit.chain.chain import Request
    from dubkit.studio import chain

    uses: dict[str, Path | None] = {}
    for pair in flags["use"]:
        name, equals, file = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--use {pair}: write --use STAGE=FILE, such as --use transcribe=my.srt.")
        uses[chain().find(name, "--use").name] = Path(file) if file else None
    if flags["no_translate"] and not targets and flags["set_transcribe__language"]:
        targets = (flags["set_transcribe__language"],)
    request = Request(
        languages=languages(targets),
        until=flags["until"],
        start=flags["start"],
        force=frozenset(chain().find(name, "--force").name for name in flags["force"]),
        uses=uses,
    )
    chain().check(request)
    shared_only = request.until and chain().find(request.until, "--until").scope == "episode"
    if not request.languages and not shared_only:
        raise click.UsageError(
            "Which language? Add --to LANG, such as --to pt-BR (with --no-translate, --src-lang is enough)."
        )
    return request
