"""Users, tokens, access to episodes and the audit log over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from dubkit.errors import DubkitError
from dubkit.web.accounts.access import Admin, OpenEpisode, Viewer, readers, set_readers
from dubkit.web.accounts.audit import audit, entries
from dubkit.web.accounts.csrf import csrf_token, request_session
from dubkit.web.accounts.login import Logins, address_of
from dubkit.web.accounts.passwords import check_new
from dubkit.web.accounts.people import EVERYBODY, LOCAL, Person, Role
from dubkit.web.accounts.tables import AuditEntry, Token, User
from dubkit.web.accounts.throttle import TooMany
from dubkit.web.accounts.users import Accounts
from dubkit.web.site import OnSite, Site

router = APIRouter(prefix="/api", tags=["accounts"])

Name = Annotated[str, Field(min_length=1, max_length=64)]
Password = Annotated[str, Field(max_length=4000)]


class _Body(BaseModel):
    """A body without any other fields."""

    model_config = ConfigDict(extra="forbid")


class NewUser(_Body):
    """A user to add."""

    name: Name
    role: Role
    password: Password


class UserChange(_Body):
    """What to change about a user; a missing field stays as it is."""

    role: Role | None = None
    password: Password | None = None


class NewPassword(_Body):
    """A new password for the caller."""

    old: Password
    new: Password


class NewToken(_Body):
    """A token to make for the caller."""

    label: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role | None = None
    """Left out, that of the caller."""
    days: Annotated[float, Field(gt=0, le=3660)] | None = None


class Access(_Body):
    """Who may see an episode besides its owners and admins; `*` is everybody."""

    people: Annotated[list[Name], Field(max_length=1000)]


class MeOut(BaseModel):
    """The caller."""

    name: str
    role: Role
    local: bool
    """True when no login is needed, because only this machine can reach the server."""
    csrf_token: str
    """Value of the X-CSRF-Token header for requests that change something; empty for callers with a token."""


class UserOut(BaseModel):
    """A user, without the hash of the password."""

    name: str
    role: str
    created: datetime


class TokenOut(BaseModel):
    """A token, without its text."""

    id: str
    user: str
    label: str
    role: str
    created: datetime
    expires: datetime | None


class MadeToken(TokenOut):
    """A token with its text, which is shown only once."""

    token: str


class AuditOut(BaseModel):
    """An entry of the audit log."""

    number: int
    at: datetime
    person: str
    action: str
    subject: str
    detail: str


@router.get("/me")
def me(request: Request, person: Viewer) -> MeOut:
    """Return the caller, and the CSRF token that changes need."""
    by_token = "authorization" in request.headers
    return MeOut(
        name=person.name,
        role=person.role,
        local=person == LOCAL,
        csrf_token="" if by_token else csrf_token(request),
    )


# --- users ------------------------------------------------------------------------------------


@router.get("/users")
def list_users(request: Request, person: Admin) -> list[UserOut]:
    """List the users."""
    return [_user(user) for user in _accounts(request).users()]


@router.post("/users", status_code=201)
def add_user(request: Request, site: OnSite, person: Admin, body: NewUser) -> UserOut:
    """Add a user."""
    user = _accounts(request).add(body.name, body.role, body.password)
    audit(site, person, "user added", user.name, f"role {user.role}")
    return _user(user)


@router.patch("/users/{name}")
def change_user(request: Request, site: OnSite, person: Admin, name: str, body: UserChange) -> UserOut:
    """Change the role or the password of a user; the user's sessions end."""
    accounts = _accounts(request)
    user = accounts.named(name)
    if body.password is not None:
        check_new(body.password)  # refused before anything is changed
    if body.role is not None:
        user = accounts.set_role(user.name, body.role)
        audit(site, person, "role changed", user.name, f"role {user.role}")
    if body.password is not None:
        user = accounts.set_password(user.name, body.password)
        audit(site, person, "password changed", user.name)
    if user.name == person.name and request_session(request).visit is not None:
        request_session(request).begin(request.app.state.logins.session_of(user))
    return _user(user)


@router.delete("/users/{name}", status_code=204)
def remove_user(request: Request, site: OnSite, person: Admin, name: str) -> None:
    """Remove a user; jobs and episodes stay."""
    _accounts(request).remove(name)
    audit(site, person, "user removed", name)


@router.post("/password", status_code=204)
async def change_password(request: Request, site: OnSite, person: Viewer, body: NewPassword) -> None:
    """Change your own password; all your other sessions end."""
    if "authorization" in request.headers:
        raise HTTPException(403, "A token cannot change a password; log in to do that.")
    logins: Logins = request.app.state.logins
    try:
        right = await logins.own_password(person.name, body.old, address_of(request))
    except TooMany as refused:
        raise HTTPException(
            429, "Too many wrong passwords. Try again later.", {"Retry-After": str(refused.seconds)}
        ) from None
    if not right:
        raise HTTPException(403, "The old password is wrong.")
    await run_in_threadpool(_set_own_password, request, site, person, body.new)


def _set_own_password(request: Request, site: Site, person: Person, password: str) -> None:
    user = _accounts(request).set_password(person.name, password)
    audit(site, person, "password changed", user.name)
    request_session(request).begin(request.app.state.logins.session_of(user))


# --- tokens -----------------------------------------------------------------------------------


@router.get("/tokens")
def list_tokens(request: Request, person: Viewer) -> list[TokenOut]:
    """List your tokens; an admin sees everybody's."""
    own = "" if person.may("admin") else person.name
    return [_token(token) for token in _accounts(request).tokens(own)]


@router.post("/tokens", status_code=201)
def add_token(request: Request, site: OnSite, person: Viewer, body: NewToken) -> MadeToken:
    """Make a token for yourself. Its text is shown in this answer only."""
    # Else a leaked token could make another one and outlive its own end.
    if "authorization" in request.headers:
        raise HTTPException(403, "A token cannot make tokens; log in to do that.")
    role = body.role or person.role
    if not person.may(role):
        raise HTTPException(403, f"Your role is {person.role}; a token of yours cannot have the role {role}.")
    token, clear = _accounts(request).add_token(person.name, body.label, role, body.days)
    audit(site, person, "token made", token.id, f"role {token.role}")
    return MadeToken(**_token(token).model_dump(), token=clear)


@router.delete("/tokens/{token}", status_code=204)
def remove_token(request: Request, site: OnSite, person: Viewer, token: str) -> None:
    """Revoke one of your tokens; an admin may revoke anybody's."""
    token_row = _accounts(request).remove_token(token, "" if person.may("admin") else person.name)
    audit(site, person, "token revoked", token_row.id, f"of {token_row.user}")


# --- access and audit -------------------------------------------------------------------------


@router.get("/episodes/{episode}/access")
def episode_access(site: OnSite, person: Viewer, episode: OpenEpisode) -> Access:
    """Return who may see an episode besides admins and its owners, whose jobs made it."""
    return Access(people=sorted(readers(site, episode.name).others))


@router.put("/episodes/{episode}/access")
def give_access(request: Request, site: OnSite, person: Viewer, episode: OpenEpisode, body: Access) -> Access:
    """Share an episode with these people and nobody else; only its owners and admins may."""
    if not readers(site, episode.name).may_share(person):
        raise HTTPException(
            403, "Only the owners of the episode (whose jobs made it) and admins may share it."
        )
    names = {user.name for user in _accounts(request).users()} | {EVERYBODY}
    people = sorted(set(body.people))
    for name in people:
        if name not in names:
            raise DubkitError(f"There is no user {name!r}.\nName users, or * for everybody.")
    set_readers(site, episode.name, people)
    audit(site, person, "access", episode.name, ", ".join(people) or "nobody else")
    return Access(people=people)


@router.get("/audit")
def audit_log(
    site: OnSite,
    person: Admin,
    before: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    name: Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f]*$")] = "",
) -> list[AuditOut]:
    """Page through the audit log, newest first; `before` is the lowest number seen."""
    return [_entry(entry) for entry in entries(site, before=before, limit=limit, person=name)]


def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


def _user(user: User) -> UserOut:
    return UserOut(name=user.name, role=user.role, created=user.created)


def _token(token: Token) -> TokenOut:
    return TokenOut(
        id=token.id, user=token.user, label=token.label, role=token.role, created=token.created,
        expires=token.expires,
    )  # fmt: skip


def _entry(entry: AuditEntry) -> AuditOut:
    return AuditOut(
        number=entry.number, at=entry.at, person=entry.person, action=entry.action, subject=entry.subject,
        detail=entry.detail,
    )  # fmt: skip
