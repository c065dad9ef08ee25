"""`dubkit worker --clips`: make clips for others until Ctrl-C."""

from __future__ import annotations

import logging
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.engines.remote.settings import TABLE, RemoteSettings, token_hindrance
from dubkit.errors import DubkitError

if TYPE_CHECKING:
    from dubkit.config import Settings
    from dubkit.engines.engine import TakeEngine
    from dubkit.host import Host

WEB = ("starlette", "uvicorn")


def serve_clips(settings: Settings, port: int | None) -> None:
    """Make clips for others with the engine of the settings. Raises DubkitError where it cannot."""
    from dubkit.chain.host import SettingsHost
    from dubkit.engines.remote.server import ClipWorker, build_app
    from dubkit.studio import open_models

    own = settings.table(TABLE, RemoteSettings)
    problem = token_hindrance(own.token)
    if problem:
        raise DubkitError(f"A clip worker needs a token: {problem}")
    missing = [name for name in WEB if find_spec(name) is None]
    if missing:
        raise DubkitError(
            f"A clip worker needs packages that are not installed: {', '.join(missing)}.\n"
            "Install them: pip install 'dubkit[web]'"
        )
    host = SettingsHost(settings, open_models(settings))
    engine = _engine(settings.engine, host)
    # Nobody sees a worker's log but in its terminal, so what it does is said there.
    logging.getLogger("dubkit.engines.remote").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="dubkit-clips-") as folder:
        worker = ClipWorker(engine, host, own, Path(folder))
        worker.start()
        _serve(build_app(worker), own.host, own.port if port is None else port, engine)


def _engine(name: str, host: Host) -> TakeEngine:
    """Return the engine that a worker makes clips with. Raises DubkitError for one that it cannot use."""
    from dubkit.engines.engine import ENGINES

    engine = ENGINES.get(name)
    usable = [
        one.name
        for one in ENGINES
        if one.make is not None and one.drives and one.settings is not RemoteSettings
    ]
    if engine is None or engine.name not in usable:
        raise DubkitError(
            f"A clip worker cannot use the engine {name}: it makes no whole clip for given speech.\n"
            f"Name one that does: --engine {', '.join(usable)}."
        )
    problem = engine.hindrance(host)
    if problem:
        raise DubkitError(f"The engine {name} cannot work here: {problem}")
    return engine


def _serve(app: object, host: str, port: int, engine: TakeEngine) -> None:
    import uvicorn

    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise DubkitError(
            f"A clip worker cannot listen on {host}:{port}: {error.strerror}.\nName another port with --port."
        ) from error
    with listening:
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        address = f"http://{host}:{listening.getsockname()[1]}"
        click.echo(f"dubkit makes clips with {engine.name} at {address}  (Ctrl-C stops it)")
        uvicorn.Server(config).run(sockets=[listening])
