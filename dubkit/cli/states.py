"""`dubkit worker --states`: keep what clips hand over for workers on other machines."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.dubbing.continuation.settings import States
from dubkit.errors import SettingError

if TYPE_CHECKING:
    from dubkit.config import Settings


def serve_states(settings: Settings) -> None:
    """Serve until Ctrl-C. Raises SettingError without a token that is long enough."""
    from dubkit.cli.serve import need_web

    need_web()
    import uvicorn

    from dubkit.cli.listening import address_of, listen
    from dubkit.web.states import SHORTEST_TOKEN, Limits, create_states_app

    own = settings.table("states", States)
    if len(own.token) < SHORTEST_TOKEN:
        raise SettingError(
            "states.token",
            "***" if own.token else "",
            f"must have {SHORTEST_TOKEN} characters or more: whoever knows it can keep and fetch states.\n"
            "Set DUBKIT_STATES_TOKEN here and where clips are made, for example to the output of: "
            "openssl rand -hex 24",
        )
    limits = Limits(int(own.max_blob_mb * 1e6), int(own.max_gb * 1e9), own.keep_hours * 3600)
    folder = Path(own.folder).expanduser().resolve()
    app = create_states_app(folder, limits, own.token)
    values: dict[str, Any] = {"access_log": False, "log_config": None, "server_header": False}
    with listen(own.host, own.port, "states.host", "--set states.port=") as listening:
        click.echo(f"States are kept at {address_of(listening)}states/NAME, in {folder}  (Ctrl-C stops)")
        server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=5, **values))
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    click.echo("Stopped. The states are still there.", err=True)
