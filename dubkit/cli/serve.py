"""`dubkit serve`."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.listening import address_of, listen
from dubkit.cli.options import load, output_option
from dubkit.errors import DubkitError
from dubkit.web.settings import Serve

if TYPE_CHECKING:
    import threading
    from types import FrameType

    from uvicorn import Server

    from dubkit.config import Configuration

WEB = ("alembic", "argon2", "fastapi", "itsdangerous", "limits", "sqlalchemy", "uvicorn")
"""Modules of the web extra."""


@click.command(name="serve")
@click.option("--host", default=None, help="Address to listen on.  [default: 127.0.0.1, this machine only]")
@click.option(
    "--port", type=int, default=None, help="Port to listen on; 0 for any free one.  [default: 8000]"
)
@output_option
@click.option("--input", "inputs", default=None, help="Folder of the media files.  [default: Input]")
@click.option("--workers", type=int, default=None, help="Worker processes.  [default: 1]")
@click.option(
    "--database",
    default=None,
    metavar="URL",
    help="Database of jobs and users; left out, dubkit.db in the output folder. "
    "A URL with a password belongs in DUBKIT_SERVE_DATABASE.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the pages in a browser.")
@click.option("--quiet", "-q", is_flag=True, help="Do not log requests.")
def command(output: Path, open_browser: bool, quiet: bool, **flags: Any) -> None:
    """Serve the pages and the HTTP API, and do the jobs.

    By default only this machine can reach the server. Another --host needs a secret (DUBKIT_SERVE_SECRET or
    serve.secret_file), a user (dubkit users add) and a proxy with HTTPS in front. Ctrl-C stops the server; a
    running job resumes with the next start.
    """
    need_web()
    configured = serve_settings({f"serve.{name}": value for name, value in flags.items()})
    _log(quiet)
    _run(configured, output.resolve(), open_browser)


def serve_settings(flags: Mapping[str, Any]) -> Configuration:
    """Build the settings of the server; an option that was not given (None) changes nothing."""
    return load({"named": tuple(f"{name}={value}" for name, value in flags.items() if value is not None)})


def need_web() -> None:
    """Raise DubkitError when the packages of the web extra are not installed."""
    from importlib.util import find_spec

    missing = [name for name in WEB if find_spec(name) is None]
    if missing:
        raise DubkitError(
            f"The web server needs packages that are not installed: {', '.join(missing)}.\n"
            "Install them: pip install 'dubkit[web]'"
        )


def _run(configured: Configuration, output: Path, open_browser: bool) -> None:
    import uvicorn

    from dubkit.studio import open_models, open_speeds
    from dubkit.web.accounts.hosts import trusted_proxies
    from dubkit.web.app import create_app
    from dubkit.web.jobs.supervisor import Supervisor
    from dubkit.web.startup import build_site

    settings = configured.settings
    serve = Serve.of(settings)
    listening = listen(serve.host, serve.port, "serve.host", "--port ")
    try:
        site = build_site(configured, output, open_models(settings), open_speeds(settings))
        try:
            app = create_app(site)
            config = uvicorn.Config(
                app,
                access_log=False,  # it logs query strings; RequestLog does not
                log_config=None,
                server_header=False,
                # Headers that name the client are believed from these proxies only.
                proxy_headers=True,
                forwarded_allow_ips=trusted_proxies(Serve.of(settings).trusted_proxies),
                timeout_graceful_shutdown=5,
            )
            address = address_of(listening)
            click.echo(f"dubkit serves {address}  (Ctrl-C stops it)")
            if site.local:
                click.echo("Only this machine can reach it.", err=True)
            else:
                click.echo("Browsers keep a login only over HTTPS: put a proxy in front.", err=True)
            if open_browser:
                click.launch(address)
            with Supervisor(Serve.of(settings).workers, _environment(configured), _arguments(output)):
                _serve(uvicorn.Server(config), listening, app.state.ending)
            click.echo("Stopped. Running jobs resume with the next start.", err=True)
        finally:
            site.database.close()
    finally:
        listening.close()


def _serve(server: Server, listening: socket.socket, ending: threading.Event) -> None:
    """Serve until Ctrl-C or SIGTERM; `ending` is set then, so that open streams end by themselves."""
    import signal

    handle = server.handle_exit

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()
        handle(number, frame)

    server.handle_exit = end  # type: ignore[method-assign, assignment]

    # After a clean stop the server raises the signal again, which by default would end this process before
    # its workers.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)


def _environment(configured: Configuration) -> dict[str, str]:
    """Return the environment of the workers: that of the server, with its database."""
    serve = Serve.of(configured.settings)
    database = {"DUBKIT_SERVE_DATABASE": serve.database} if serve.database else {}
    # Workers answer no requests, so they need neither secret nor token.
    hidden = ("DUBKIT_SERVE_SECRET", "DUBKIT_SERVE_API_TOKEN", "API_TOKEN")
    return {name: value for name, value in os.environ.items() if name not in hidden} | database


def _arguments(output: Path) -> list[str]:
    return ["--output", str(output)]


def _log(quiet: bool) -> None:
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("dubkit.web.requests").setLevel(logging.WARNING if quiet else logging.INFO)
