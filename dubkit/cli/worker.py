"""`dubkit worker`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.clip_worker import serve_clips
from dubkit.cli.options import load, output_option, setting_options
from dubkit.cli.states import serve_states
from dubkit.web.settings import Serve

if TYPE_CHECKING:
    from dubkit.studio import Session


@click.command(name="worker")
@output_option
@click.option(
    "--database",
    default="",
    metavar="URL",
    help="Database of the jobs; left out, dubkit.db in the output folder. "
    "A URL with a password belongs in DUBKIT_SERVE_DATABASE.",
)
@click.option(
    "--clips",
    is_flag=True,
    help="Make clips for others over HTTP with --engine NAME, instead of doing jobs; one at a time: start "
    "one for each graphics card. Needs the token DUBKIT_DUB_REMOTE_TOKEN.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port of a clip worker.")
@click.option(
    "--states",
    is_flag=True,
    help="Do no jobs: keep what clips hand over, so that the next clip can be made on another machine. "
    "Needs DUBKIT_STATES_TOKEN; states.host, states.port and states.folder say where.",
)
@click.option("--once", is_flag=True, help="End when no job is queued.")
@click.option("--parent", type=int, default=0, hidden=True, help="End when this process is not the parent.")
@click.option("--verbose", "-v", is_flag=True, help="Log what the stages do.")
@setting_options
def command(
    output: Path,
    database: str,
    clips: bool,
    port: int | None,
    once: bool,
    parent: int,
    verbose: bool,
    **flags: Any,
) -> None:
    """Do the jobs of a server, one at a time. Start as many workers as the machine can take.

    `dubkit serve` starts its own workers. Workers on other machines need the same database, output folder and
    input folder. Ctrl-C puts the running job back into the queue.
    """
    keeps_states = flags.pop("states")
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if clips:
        return serve_clips(load(flags).settings, port)
    if keeps_states:
        return serve_states(load(flags).settings)

    from dubkit import studio
    from dubkit.web.database import check_is_there
    from dubkit.web.jobs.settings import job_settings
    from dubkit.web.jobs.start import WorkerStart, start

    if database:
        flags["named"] = (*flags["named"], f"serve.database={database}")
    configured = load(flags)
    settings = configured.settings

    def open_session(own: Mapping[str, str]) -> Session:
        return studio.open_session(job_settings(configured, own), output)

    check_is_there(Serve.of(settings).database, output)
    start(WorkerStart(settings, output, open_session, once, parent))
