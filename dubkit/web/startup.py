"""What a server does before its first request: open the database, load the secret, check who can reach it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import DubkitError, SettingError
from dubkit.web.accounts.hosts import is_loopback
from dubkit.web.accounts.secret import check_token, load_secret
from dubkit.web.accounts.users import Accounts
from dubkit.web.database import Database, database_url, migrate
from dubkit.web.jobs.queue import JobQueue
from dubkit.web.settings import Serve
from dubkit.web.site import Site

if TYPE_CHECKING:
    from dubkit.config import Configuration, Settings
    from dubkit.models.store import ModelStore
    from dubkit.progress import Speeds


def build_site(configured: Configuration, output: Path, models: ModelStore, speeds: Speeds) -> Site:
    """Open the database, bring its tables up to date, and load the secret.

    Raises SettingError when the database cannot be opened or the secret is missing or weak, and DubkitError
    when other machines could reach a server without users.
    """
    serve = Serve.of(configured.settings)
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
    queue = JobQueue(database, serve.max_waiting_jobs)
    return Site(configured, output.resolve(), inputs, database, queue, models, speeds, secret, local)


def open_database(settings: Settings, output: Path) -> Database:
    """Open the database and bring its tables up to date. Raises SettingError when it does not answer."""
    database = Database(database_url(Serve.of(settings).database, output))
    try:
        migrate(database)
    except SettingError:
        database.close()
        raise
    return database
