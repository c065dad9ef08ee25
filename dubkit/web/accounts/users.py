"""Users and their tokens in the database, for the routes and for `dubkit users`."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from dubkit.errors import DubkitError
from dubkit.web.accounts import passwords
from dubkit.web.accounts.people import RESERVED, ROLES, Person, Role
from dubkit.web.accounts.tables import Grant, InputReader, Token, TrashRow, User
from dubkit.web.database import ACCOUNTS, Database, now
from dubkit.web.jobs.tables import JobRow

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
PREFIX = "dubkit_"
"""Start of every token, so that a leaked one is recognised."""


class AccountConflict(DubkitError):
    """The change conflicts with what is there, such as removing the last admin."""


class NoSuchUser(DubkitError):
    """There is no user or token of this name."""


def first_must_be_admin() -> AccountConflict:
    """Return the error of adding a first user with another role."""
    return AccountConflict("The first user must have the role admin, so that somebody can add others.")


def user_name(text: str) -> str:
    """Return the normal form of a user's name. Raises DubkitError for an impossible one."""
    name = text.strip().lower()
    if not NAME.fullmatch(name) or name in RESERVED:
        raise DubkitError(
            f"{text[:80]!r} cannot be a user's name.\n"
            "Take letters a to z, digits, dot, dash and underscore, beginning with a letter or digit; "
            f"not {', '.join(sorted(RESERVED))}."
        )
    return name


def role_named(text: str) -> Role:
    """Return a role by its name. Raises DubkitError when there is none."""
    for role in ROLES:
        if role == text:
            return role
    raise DubkitError(f"{text[:80]!r} is not a role; roles are {', '.join(ROLES)}.")


class Accounts:
    """Adds, changes and finds users and tokens."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # users

    def users(self) -> list[User]:
        """Return every user by name."""
        with self.database.reading() as session:
            return list(session.scalars(select(User).order_by(User.name)))

    def any(self) -> bool:
        """Tell whether there is a user at all."""
        with self.database.reading() as session:
            return session.scalar(select(User.name).limit(1)) is not None

    def user(self, name: str) -> User | None:
        """Find a user."""
        with self.database.reading() as session:
            return session.get(User, name)

    def named(self, name: str) -> User:
        """Find a user by a typed name. Raises NoSuchUser when there is none."""
        user = self.user(name.strip().lower())
        if user is None:
            raise NoSuchUser(f"There is no user {name[:80]!r}.")
        return user

    def add(self, name: str, role: Role, password: str) -> User:
        """Add a user. The first one must be an admin, so that somebody can add others.

        A name that was removed can be used again; it does not get the jobs and episodes of its former user.
        Raises AccountConflict when the name is taken, DubkitError when name or password cannot be used.
        """
        new_name = user_name(name)
        passwords.check_new(password)
        kept = passwords.hashed(password)
        with self.database.transaction(ACCOUNTS) as session:
            if session.get(User, new_name) is not None:
                raise AccountConflict(f"There is already a user {new_name}.\nChoose another name.")
            if role != "admin" and session.scalar(select(User.name).limit(1)) is None:
                raise first_must_be_admin()
            _set_apart(session, new_name)
            # Random, not 1: sessions of a removed user must not fit a new one of the same name.
            user = User(name=new_name, role=role, password=kept, session_version=secrets.randbelow(2**30))
            session.add(user)
            return user

    def set_password(self, name: str, password: str) -> User:
        """Change a password; every session of the user ends."""
        passwords.check_new(password)
        kept = passwords.hashed(password)
        with self.database.transaction(ACCOUNTS) as session:
            user = _found(session, name)
            user.password = kept
            user.session_version += 1
            return user

    def set_role(self, name: str, role: Role) -> User:
        """Change a role; every session of the user ends, and tokens are limited to the new role.

        Raises AccountConflict when no admin would be left.
        """
        with self.database.transaction(ACCOUNTS) as session:
            user = _found(session, name)
            if user.role == role:
                return user
            _keep_an_admin(session, user)
            user.role = role
            user.session_version += 1
            return user

    def remove(self, name: str) -> None:
        """Remove a user with tokens and grants; jobs, uploads and episodes stay.

        Raises AccountConflict when no admin would be left.
        """
        with self.database.transaction(ACCOUNTS) as session:
            user = _found(session, name)
            _keep_an_admin(session, user)
            session.execute(delete(Token).where(Token.user == user.name))
            session.execute(delete(Grant).where(Grant.person == user.name))
            shared = InputReader.owner.is_(False) & (InputReader.person == user.name)
            session.execute(delete(InputReader).where(shared))
            session.delete(user)

    def rehash(self, name: str, password: str, seen: str) -> None:
        """Hash a password again with the current parameters, unless it was changed meanwhile."""
        kept = passwords.hashed(password)
        with self.database.transaction(ACCOUNTS) as session:
            user = session.get(User, name)
            if user is not None and user.password == seen:
                user.password = kept

    # tokens

    def tokens(self, user: str = "") -> list[Token]:
        """Return the tokens of a user, or all of them."""
        query = select(Token).order_by(Token.user, Token.created, Token.id)
        with self.database.reading() as session:
            return list(session.scalars(query.where(Token.user == user) if user else query))

    def add_token(self, user: str, label: str, role: Role, days: float | None = None) -> tuple[Token, str]:
        """Make a token; its text is returned only here, and only its hash is kept.

        Raises DubkitError when the role is above the user's or `days` is out of range.
        """
        if days is not None and not 0 < days <= 3660:
            raise DubkitError(f"A token cannot expire after {days:g} days; take 1 to 3660, or none.")
        clear = PREFIX + secrets.token_urlsafe(32)
        with self.database.transaction(ACCOUNTS) as session:
            owner = _found(session, user)
            if not Person(owner.name, role_named(owner.role)).may(role):
                raise DubkitError(f"{owner.name} has the role {owner.role}; a token cannot have {role}.")
            token = Token(
                id=secrets.token_hex(6), user=owner.name, label=label[:80], role=role, sha256=_digest(clear),
                expires=None if days is None else now() + timedelta(days=days),
            )  # fmt: skip
            session.add(token)
        return token, clear

    def remove_token(self, token: str, user: str = "") -> Token:
        """Revoke a token by its id, of one user or of any. Raises NoSuchUser when there is none."""
        with self.database.transaction(ACCOUNTS) as session:
            row = session.get(Token, token)
            if row is None or (user and row.user != user):
                raise NoSuchUser(f"There is no token {token[:40]!r}.")
            session.delete(row)
            return row

    def by_token(self, clear: str) -> Person | None:
        """Return the person a token stands for: its user, with the lower of both roles."""
        with self.database.reading() as session:
            row = session.scalar(select(Token).where(Token.sha256 == _digest(clear)))
            if row is None or (row.expires is not None and row.expires <= now()):
                return None
            owner = session.get(User, row.user)
            if owner is None:
                return None
            return Person(owner.name, min(role_named(row.role), role_named(owner.role), key=ROLES.index))


def _digest(clear: str) -> str:
    # A token has 256 random bits, so a plain hash is enough.
    return hashlib.sha256(clear.encode("utf-8", "replace")).hexdigest()


def _set_apart(session: Session, name: str) -> None:
    """Move jobs, uploads and trash of the former user of a name to a name that cannot log in."""
    removed = f"{name} (removed)"
    # Without their keys: two users of the same name may have used the same key.
    session.execute(update(JobRow).where(JobRow.owner == name).values(owner=removed, key=None))
    again = select(InputReader.input).where(InputReader.person == removed).scalar_subquery()
    mine = InputReader.person == name
    session.execute(delete(InputReader).where(mine, InputReader.input.in_(again)))
    session.execute(update(InputReader).where(mine).values(person=removed))
    for row in session.scalars(select(TrashRow)):
        row.person = removed if row.person == name else row.person
        row.owners = [removed if owner == name else owner for owner in row.owners]


def _found(session: Session, name: str) -> User:
    user = session.get(User, name)
    if user is None:
        raise NoSuchUser(f"There is no user {name[:80]!r}.")
    return user


def _keep_an_admin(session: Session, user: User) -> None:
    others = select(func.count()).select_from(User).where(User.role == "admin", User.name != user.name)
    if user.role == "admin" and not session.scalar(others):
        raise AccountConflict(f"{user.name} is the last admin.\nMake somebody else an admin first.")
