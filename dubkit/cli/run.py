"""`dubkit run`."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import open_session, place_option, setting_options
from dubkit.cli.remarks import print_remarks
from dubkit.cli.requests import make_request
from dubkit.cli.sources import find_sources

if TYPE_CHECKING:
    from dubkit.chain.chain import Request
    from dubkit.chain.run import Outcome


@click.command(name="run")
@click.argument("videos", nargs=-1, metavar="VIDEO...")
@click.option(
    "--to",
    "--tgt-lang",
    "targets",
    multiple=True,
    metavar="LANG",
    help="Target language: fr, pt-BR. Repeatable.",
)
@place_option
@click.option("--until", default="", metavar="STAGE", help="Stop after this stage.")
@click.option(
    "--from",
    "start",
    default="",
    metavar="STAGE",
    help="Start at this stage; use earlier results as they are.",
)
@click.option(
    "--force", multiple=True, metavar="STAGE", help="Run this stage again for every item. Repeatable."
)
@click.option(
    "--use",
    multiple=True,
    metavar="STAGE=FILE",
    help="Use your own file as the result of a stage, or a folder of recordings for speak; an empty FILE "
    "undoes it.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would run, as plan does.")
@click.option("--resume", is_flag=True, help="Accepted for convenience: every run resumes.")
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait for another run on the episode to end."
)
@click.option(
    "--batch",
    is_flag=False,
    flag_value="",
    metavar="GLOB",
    help="Dub many files as `dubkit batch` does: those that match GLOB, and each VIDEO.",
)
@click.option("--jobs", default=None, metavar="N|auto", help="With --batch, the most episodes at once.")
@click.option(
    "--result", type=click.Path(path_type=Path), hidden=True, help="Write the result there as JSON."
)
@click.option("--parent", type=int, default=0, hidden=True, help="Stop when this process is not the parent.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, one object per video.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@click.option("--verbose", "-v", is_flag=True, help="Log what the stages do.")
@click.option("--debug", is_flag=True, help="Log everything.")
@setting_options
def command(videos: tuple[str, ...], targets: tuple[str, ...], output: Path | str, **flags: Any) -> None:
    """Dub each VIDEO (a file, folder or glob) into every language given with --to.

    A run reuses what is finished: the same command resumes after a stop, and does nothing when nothing
    changed. Exit codes: 0 done, 1 error, 2 wrong usage, 3 done, but degraded
    or doubtful: lines failed, a fall-back was used, or the result may be wrong.
    """
    if flags["batch"] is not None or flags["jobs"] is not None:
        from dubkit.cli.batch import batch_of_run

        return batch_of_run(videos, targets, output, flags)
    if not videos:
        raise click.UsageError("Missing argument 'VIDEO...'.")
    if flags["dry_run"]:
        from dubkit.cli.plan import show_plans

        return show_plans(videos, targets, output, flags)
    from dubkit.errors import DubkitError, OutputLost
    from dubkit.progress import Terminal
    from dubkit.review.best import dub_best

    _log(flags["verbose"], flags["debug"])
    request = make_request(targets, flags)
    if flags["result"]:
        from dubkit.cli.batch_child import run_for_batch

        raise SystemExit(run_for_batch(Path(videos[0]), request, output, flags))
    codes: list[int] = []
    for source in find_sources(videos, flags):
        session = open_session(flags, output, source)
        try:
            with Terminal(quiet=flags["quiet"] or flags["as_json"]) as progress:
                outcome = dub_best(session, source, request, progress, wait=flags["wait"])
            show_outcome(source, outcome, request, flags["as_json"])
            codes.append(outcome.exit_code)
        except OutputLost:
            raise
        except DubkitError as error:
            if flags["as_json"]:
                click.echo(json.dumps({"source": str(source), "exit_code": 1, "errors": [str(error)]}))
            click.echo(f"Error: {error}", err=True)
            codes.append(1)
    raise SystemExit(1 if 1 in codes else max(codes, default=0))


def show_outcome(source: Path, outcome: Outcome, request: Request, as_json: bool) -> None:
    """Print what a run did: results on stdout, problems on stderr."""
    joined, measured = finished_languages(outcome, "stitch"), finished_languages(outcome, "qc")
    dubs = {language: _dubs(outcome, language) for language in request.languages if language in joined}
    if as_json:
        click.echo(
            json.dumps(
                {
                    "source": str(source),
                    "folder": outcome.store.shown(outcome.store.root),
                    "ran": outcome.ran,
                    "dubs": dubs,
                    **_paid(outcome, request),
                    **_takes(outcome, request),
                    "degraded": list(outcome.degraded),
                    "remarks": [asdict(one) for one in outcome.remarks],
                    "errors": outcome.errors,
                    "exit_code": outcome.exit_code,
                },
                ensure_ascii=False,
            )
        )
    elif not outcome.errors:
        did = ", ".join(f"{stage} {count}" for stage, count in outcome.ran.items())
        click.echo(f"{source.name}: {did or 'nothing to do, everything is up to date'}")
        for language, files in dubs.items():
            for file in files:
                click.echo(f"  {language}  {file}")
            report = outcome.store.root / language / "report.html"
            if report.is_file() and language in measured:
                click.echo(f"  {language}  {outcome.store.shown(report)}")
    print_remarks(outcome.remarks, more="dubkit status tells them all")
    for error in outcome.errors:
        click.echo(f"Error: {error}", err=True)


def finished_languages(outcome: Outcome, stage: str) -> set[str]:
    """Return the languages in which a run brought a stage up to date."""
    return {result.language for result in outcome.stages if result.stage == stage and not result.failed}


def _paid(outcome: Outcome, request: Request) -> dict[str, Any]:
    """Return what the lines of each language took, where a paid voice spoke."""
    from dubkit.episode.results import speech_receipt

    receipts = {language: speech_receipt(outcome.store, language) for language in request.languages}
    paid = {language: asdict(receipt) for language, receipt in receipts.items() if receipt is not None}
    return {"paid": paid} if paid else {}


def _takes(outcome: Outcome, request: Request) -> dict[str, Any]:
    """Return what further takes needed in each language, and the lines that had some."""
    from dubkit.review.best import spent_takes

    found: dict[str, Any] = {}
    for language in request.languages:
        tried = spent_takes(outcome.store, language)
        if tried is not None:
            units = {name: len(unit.tries) for name, unit in tried.units.items() if len(unit.tries) > 1}
            found[language] = {"spent": asdict(tried.spent), "tries": units}
    return {"takes": found} if found else {}


def _dubs(outcome: Outcome, language: str) -> list[str]:
    from dubkit.episode.results import finished_dub

    dub = finished_dub(outcome.store, language)
    return [outcome.store.shown(dub)] if dub else []


def _log(verbose: bool, debug: bool) -> None:
    # Warnings of libraries are for --verbose: the result says what the user must know.
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    if verbose:
        # Nothing in a run logs above DEBUG, as people are told by remarks.
        for name in ("dubkit", "stages"):
            logging.getLogger(name).setLevel(logging.DEBUG)
