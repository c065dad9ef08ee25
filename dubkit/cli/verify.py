"""`dubkit verify`: what in a film is the source's, and what was generated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from dubkit.cli.options import load, output_option
from dubkit.cli.sources import source_of

if TYPE_CHECKING:
    from dubkit.deliver.verify import Verdict
    from dubkit.episode.context import Context

WORDS = {
    "source": "the source's own",
    "source-recoded": "the source's, coded again",
    "generated": "generated",
    "recorded": "recorded by a person",
    "silence": "silent",
    "unknown": "cannot be told",
}
WITNESSES = {
    "signature": "says the signature",
    "provenance": "says the provenance",
    "mark": "says the mark",
    "episode": "compared with the episode",
    "": "",
}


@click.command(name="verify")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--episode",
    metavar="VIDEO|FOLDER",
    help="Compare with an episode: its source, or its folder in the output.",
)
@output_option
@click.option("--trust", metavar="PEM", help="Root certificates that are trusted.  [the setting pack.trust]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, second by second.")
def command(file: Path, episode: str | None, output: Path, trust: str | None, as_json: bool) -> None:
    """Say of FILE, a film or a recording, which seconds are the source's and which were generated.

    Asked are its signature (C2PA), the provenance.json of the pack that it lies in, the mark in generated
    speech, and with --episode the episode that it was made from.

    FILE may also be the pack.json of a pack, or its folder: then the SHA-256 of every file is checked.

    Exit codes: 0 everything is vouched for, 1 something was changed (or an error), 2 wrong usage, 3 something
    cannot be told.
    """
    from dubkit.deliver.listing import listing_of
    from dubkit.deliver.settings import PackSettings
    from dubkit.deliver.verify import verify

    listing = listing_of(file)
    if listing is not None:
        _verify_pack(listing, as_json)
    settings = load({}).settings
    roots = trust if trust is not None else settings.table("pack", PackSettings).trust
    verdict = verify(file, _episode(episode, output) if episode else None, trust=roots)
    if as_json:
        import msgspec

        value = msgspec.to_builtins(verdict) | {"exit_code": verdict.exit_code}
        click.echo(json.dumps(value, ensure_ascii=False))
    else:
        _show(verdict)
    raise SystemExit(verdict.exit_code)


def _verify_pack(listing: Path, as_json: bool) -> NoReturn:
    from dubkit.deliver.listing import verify_listing

    changed, count = verify_listing(listing)
    if as_json:
        click.echo(json.dumps({"pack": str(listing), "files": count, "changed": changed}, ensure_ascii=False))
    else:
        click.echo(f"{listing}: {count - len(changed)} of {count} files are as they were written")
        for sentence in changed:
            click.echo(f"Changed: {sentence}", err=True)
    raise SystemExit(1 if changed else 0)


def _episode(name: str, output: Path) -> Context:
    from dubkit.cli.options import open_session
    from dubkit.episode.folders import reopen
    from dubkit.studio import context_of, episode_context, with_last_settings

    source = source_of(name, {})
    if source.is_dir():
        session = open_session({}, source.parent)
        opened = context_of(session, reopen(source))
    else:
        session = open_session({}, output, source)
        opened = episode_context(session, source)
    settings = with_last_settings(session, opened.store).settings
    opened.settings = settings
    return opened


def _show(verdict: Verdict) -> None:
    from dubkit.deliver.verify import stretches

    click.echo(f"{verdict.file}: SHA-256 {verdict.sha256}")
    signature = verdict.signature
    if signature is None:
        click.echo("  signature: none")
    else:
        click.echo(f"  signature: {signature.state}, by {signature.by or 'nobody named'}, {signature.place}")
    click.echo(f"  provenance: {verdict.provenance or 'none'}")
    for track in verdict.tracks:
        language = f" ({track.language})" if track.language and track.language != "und" else ""
        click.echo(f"  {track.kind} {track.number + 1}{language}")
        for first, last, second in stretches(track):
            witness = f", {WITNESSES[second.witness]}" if second.witness else ""
            click.echo(f"    {_time(first)} to {_time(last)}  {WORDS[second.origin]}{witness}")
    for sentence in verdict.changed:
        click.echo(f"Changed: {sentence}", err=True)
    for sentence in verdict.unknown:
        click.echo(f"Cannot be told: {sentence}", err=True)


def _time(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
