"""`dubkit users`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from dubkit.cli.options import output_option
from dubkit.errors import DubkitError
from dubkit.web.settings import Serve

if TYPE_CHECKING:
    from dubkit.web.accounts.tables import Token, User
    from dubkit.web.accounts.users import Accounts

F = TypeVar("F", bound=Callable[..., Any])
ROLES = ("viewer", "editor", "admin")


@click.group(name="users")
def command() -> None:
    """Manage the users of the web server and their tokens.

    A viewer can look, an editor can change episodes and run jobs, an admin can also manage users.
    """


def _database_options(function: F) -> F:
    function = click.option(
        "--database",
        default=None,
        metavar="URL",
        help="Database of the server; left out, dubkit.db in the output folder. "
        "A URL with a password belongs in DUBKIT_SERVE_DATABASE.",
    )(function)
    return output_option(function)


def _password_option(function: F) -> F:
    return click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking."
    )(function)


@command.command(name="add")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(ROLES), default="editor", show_default=True, help="What the user may do."
)
@_password_option
@_database_options
def add_command(name: str, role: str, password_stdin: bool, output: Path, database: str | None) -> None:
    """Add the user NAME. The first user needs --role admin; this also creates the database."""
    file = _to_be_made(output, database)
    from dubkit.web.accounts.passwords import check_new
    from dubkit.web.accounts.users import first_must_be_admin, role_named, user_name

    # Everything is checked before anything is created.
    user_name(name)
    if file is not None and role != "admin":
        raise first_must_be_admin()
    password = _password(password_stdin)
    check_new(password)
    with _accounts(output, database, make=True) as accounts:
        user = accounts.add(name, role_named(role), password)
        _note(accounts, "user added", user.name, f"role {user.role}")
    if file is not None:
        click.echo(f"Created the database {file}.", err=True)
    click.echo(f"Added {user.name} with the role {user.role}.")


def _to_be_made(output: Path, database: str | None) -> Path | None:
    """Return the database file that adding a user creates; None when it exists.

    Raises DubkitError when the named folder does not exist: its name may be mistyped.
    """
    from dubkit.cli.serve import need_web, serve_settings

    need_web()
    from dubkit.web.database import missing_file

    setting = Serve.of(serve_settings({"serve.database": database}).settings).database
    file = missing_file(setting, output)
    source = click.get_current_context().get_parameter_source("output")
    named = bool(setting) or source is not ParameterSource.DEFAULT
    if file is not None and named and not file.parent.is_dir():
        raise DubkitError(
            f"There is no folder {file.parent}.\nCorrect its name, or create it: mkdir {file.parent}"
        )
    return file


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_database_options
def list_command(as_json: bool, output: Path, database: str | None) -> None:
    """List the users with their roles and tokens."""
    with _accounts(output, database) as accounts:
        tokens = accounts.tokens()
        users = accounts.users()
    if as_json:
        click.echo(json.dumps([_row(user, tokens) for user in users], ensure_ascii=False))
        return
    if not users:
        click.echo("No users. Add one: dubkit users add NAME --role admin", err=True)
    for user in users:
        click.echo(f"{user.name:<24} {user.role:<8} since {user.created:%Y-%m-%d %H:%M} UTC")
        for token in tokens:
            if token.user == user.name:
                until = f"until {token.expires:%Y-%m-%d %H:%M} UTC" if token.expires else "never expires"
                click.echo(f"  token {token.id}  {token.role:<8} {until}  {token.label}")


def _row(user: User, tokens: list[Token]) -> dict[str, Any]:
    own = [{"id": t.id, "label": t.label, "role": t.role} for t in tokens if t.user == user.name]
    return {
        "name": user.name,
        "role": user.role,
        "created": user.created.isoformat(timespec="seconds"),
        "tokens": own,
    }


@command.command(name="passwd")
@click.argument("name")
@_password_option
@_database_options
def passwd_command(name: str, password_stdin: bool, output: Path, database: str | None) -> None:
    """Set a new password for the user NAME; every session of the user ends."""
    with _accounts(output, database) as accounts:
        user = accounts.named(name)
        accounts.set_password(user.name, _password(password_stdin))
        _note(accounts, "password changed", user.name)
    click.echo(f"{user.name} has a new password and must log in again.")


@command.command(name="role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@_database_options
def role_command(name: str, role: str, output: Path, database: str | None) -> None:
    """Change the ROLE of the user NAME; every session of the user ends."""
    with _accounts(output, database) as accounts:
        from dubkit.web.accounts.users import role_named

        user = accounts.set_role(accounts.named(name).name, role_named(role))
        _note(accounts, "role changed", user.name, f"role {user.role}")
    click.echo(f"{user.name} has the role {user.role}.")


@command.command(name="remove")
@click.argument("name")
@_database_options
def remove_command(name: str, output: Path, database: str | None) -> None:
    """Remove the user NAME with all sessions and tokens; jobs and episodes stay."""
    with _accounts(output, database) as accounts:
        user = accounts.named(name)
        accounts.remove(user.name)
        _note(accounts, "user removed", user.name)
    click.echo(f"Removed {user.name}.")


@command.command(name="token")
@click.argument("name")
@click.option("--label", default="command line", show_default=True, help="What the token is for.")
@click.option(
    "--role", type=click.Choice(ROLES), help="What the token may do; left out, as much as the user."
)
@click.option("--days", type=float, help="Days until it expires; left out, it never does.")
@click.option(
    "--revoke", metavar="ID", help="Revoke the token with this id instead; `users list` shows the ids."
)
@_database_options
def token_command(
    name: str, output: Path, database: str | None, label: str, revoke: str | None, **flags: Any
) -> None:
    """Make a token for the user NAME and print it. It is not shown again.

    Programs send it in the header Authorization: Bearer TOKEN.
    """
    with _accounts(output, database) as accounts:
        from dubkit.web.accounts.users import role_named

        user = accounts.named(name)
        if revoke:
            accounts.remove_token(revoke, user.name)
            _note(accounts, "token revoked", revoke, f"of {user.name}")
            click.echo(f"Revoked the token {revoke} of {user.name}.")
            return
        role = role_named(flags["role"] or user.role)
        token, clear = accounts.add_token(user.name, label, role, flags["days"])
        _note(accounts, "token made", token.id, f"role {role} for {user.name}")
    click.echo(clear)
    click.echo(f"Token {token.id} of {user.name} with the role {role}; it is not shown again.", err=True)


@contextmanager
def _accounts(output: Path, database: str | None, *, make: bool = False) -> Iterator[Accounts]:
    """Open the accounts of the server with the output folder `output`.

    Raises DubkitError when there is no database, unless it is to be made.
    """
    from dubkit.cli.serve import need_web, serve_settings

    need_web()
    from dubkit.web.accounts.users import Accounts
    from dubkit.web.database import check_is_there
    from dubkit.web.startup import open_database

    settings = serve_settings({"serve.database": database}).settings
    if not make:
        check_is_there(Serve.of(settings).database, output)
    opened = open_database(settings, output)
    try:
        yield Accounts(opened)
    finally:
        opened.close()


def _note(accounts: Accounts, action: str, subject: str, detail: str = "") -> None:
    from dubkit.web.accounts.audit import note

    note(accounts.database, "command line", action, subject, detail)


def _password(from_stdin: bool) -> str:
    # Never an argument: those stand in the process list and in the history of the shell.
    if from_stdin:
        return click.get_text_stream("stdin").readline().rstrip("\r\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
