"""What requests are answered from: one `Site` per running server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from dubkit.errors import DubkitError, SettingError

if TYPE_CHECKING:
    from dubkit.config import Configured, Settings
    from dubkit.models.store import ModelStore
    from dubkit.progress import Speeds
    from dubkit.studio import Session
    from dubkit.web.database import Database
    from dubkit.web.jobs.queue import JobQueue


@dataclass(frozen=True, slots=True)
class Site:
    """One server: its folders, settings and database."""

    configured: Configured
    output: Path
    """Folder of the episodes."""
    inputs: Path
    """Folder whose media files a job may name, and which receives uploads."""
    database: Database
    queue: JobQueue
    models: ModelStore
    speeds: Speeds
    secret: bytes
    """Key that signs sessions."""
    local: bool
    """True when only this machine can reach the server."""

    @property
    def settings(self) -> Settings:
        """The settings the server was started with."""
        return self.configured.settings

    @property
    def session(self) -> Session:
        """What the library's functions need to open an episode."""
        from dubkit.studio import Session

        return Session(self.settings, self.output, self.models, self.speeds)


def build_site(configured: Configured, output: Path, models: ModelStore, speeds: Speeds) -> Site:
    """Open the database, bring its tables up to date, and load the secret.

    Raises SettingError when the database cannot be opened or the secret is missing or weak, and DubkitError
    when others could reach a server that has no users.
    """
    from dubkit.web.accounts.hosts import is_loopback
    from dubkit.web.accounts.secret import check_token, load_secret
    from dubkit.web.accounts.users import Accounts
    from dubkit.web.jobs.queue import JobQueue

    serve = configured.settings.serve
    local = is_loopback(serve.host)
    secret = load_secret(configured, output, local=local)
    check_token(configured)
    database = open_database(configured.settings, output)
    has_users = Accounts(database).any()
    if not local and not has_users:
        database.close()
        raise DubkitError(
            f"Others could reach {serve.host}, and there are no users.\n"
            "Add one first: dubkit users add NAME --role admin"
        )
    inputs = Path(serve.inputs).expanduser().resolve()
    return Site(
        configured, output.resolve(), inputs, database, JobQueue(database), models, speeds, secret, local
    )


def open_database(settings: Settings, output: Path) -> Database:
    """Open the database and bring its tables up to date. Raises SettingError when it does not answer."""
    from dubkit.web.database import Database, database_url, migrate

    database = Database(database_url(settings.serve.database, output))
    try:
        migrate(database)
    except SettingError:
        database.close()
        raise
    return database


def the_site(request: Request) -> Site:
    """Return the site of the application that answers."""
    site: Site = request.app.state.site
    return site


OnSite = Annotated[Site, Depends(the_site)]
