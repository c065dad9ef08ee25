"""Pages of the settings, one's own account, and the users."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from dubkit.errors import DubkitError
from dubkit.web.accounts import passwords
from dubkit.web.accounts.access import Admin, Viewer
from dubkit.web.accounts.audit import audit, entries
from dubkit.web.accounts.people import ROLES, Person
from dubkit.web.accounts.users import Accounts, role_named
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

AUDIT_PAGE = 50
"""Entries of the audit log on one page."""

Text = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it stands."""

    name: str
    value: str
    origin: str
    help: str


@router.get("/settings")
def settings_page(request: Request, site: OnSite, person: Viewer) -> HTMLResponse:
    """Show what the machine can do, every setting with its origin, and the person's own account."""
    return _settings(request, site, person)


@router.get("/settings/machine")
def machine_part(request: Request, site: OnSite, person: Viewer) -> HTMLResponse:
    """Show what `dubkit doctor` and `dubkit models list` find; a part of the settings page.

    It takes seconds, so the page does not wait for it.
    """
    from dubkit.ops.doctor import examine
    from dubkit.ops.listing import list_models

    checks = examine(site.models, site.output)
    return page(request, person, "machine.html", checks=checks, models=list_models(site.models))


@router.post("/account/password")
def change_password(
    request: Request,
    site: OnSite,
    person: Viewer,
    old: Text = "",
    new: Text = "",
    again: Text = "",
) -> HTMLResponse | RedirectResponse:
    """Change one's own password; every session of the person ends, this one too."""
    accounts = Accounts(site.database)
    user = accounts.user(person.name)
    try:
        if user is None:
            raise DubkitError(f"{person.name} has no password to change.")
        if not passwords.matches(user.password, old):
            audit(site, person, "password-refused", person.name)
            raise DubkitError("The present password is not right.")
        if new != again:
            raise DubkitError("The new password and its repetition differ.")
        accounts.set_password(person.name, new)
    except DubkitError as error:
        return _settings(request, site, person, fault=str(error), status=400)
    audit(site, person, "password", person.name)
    return RedirectResponse("/login", 303)


@router.post("/account/tokens")
def make_token(
    request: Request,
    site: OnSite,
    person: Viewer,
    label: Text = "",
    role: Text = "viewer",
    days: Text = "",
) -> HTMLResponse:
    """Make a token and show it this once."""
    try:
        life = _days(days)
        made, clear = Accounts(site.database).add_token(person.name, label, role_named(role), life)
    except DubkitError as error:
        return _settings(request, site, person, fault=str(error), status=400)
    audit(site, person, "token", made.id, made.label)
    return _settings(request, site, person, fresh_token=clear)


@router.post("/account/tokens/{token}/revoke")
def revoke_token(site: OnSite, person: Viewer, token: str) -> RedirectResponse:
    """Revoke one of one's own tokens; an admin may revoke any."""
    Accounts(site.database).remove_token(token, "" if person.may("admin") else person.name)
    audit(site, person, "token-revoked", token)
    return RedirectResponse("/settings#account", 303)


@router.get("/users")
def users_page(
    request: Request, site: OnSite, person: Admin, before: int = 0, who: str = ""
) -> HTMLResponse:
    """Show users, their tokens, and the audit log."""
    return _users(request, site, person, before=max(before, 0), who=who)


@router.post("/users")
def add_user(
    request: Request,
    site: OnSite,
    person: Admin,
    name: Text = "",
    role: Text = "viewer",
    password: Text = "",
) -> HTMLResponse | RedirectResponse:
    """Add a user. The first one ends the time without passwords, so it leads to the login."""
    accounts = Accounts(site.database)
    first = not accounts.any()
    try:
        made = accounts.add(name, role_named(role), password)
    except DubkitError as error:
        return _users(request, site, person, fault=str(error), given=name, status=400)
    audit(site, person, "user-added", made.name, made.role)
    return RedirectResponse("/login" if first else "/users", 303)


@router.post("/users/{name}/role")
def change_role(
    request: Request, site: OnSite, person: Admin, name: str, role: Text
) -> HTMLResponse | RedirectResponse:
    """Give a user another role."""
    try:
        Accounts(site.database).set_role(name, role_named(role))
    except DubkitError as error:
        return _users(request, site, person, fault=str(error), status=400)
    audit(site, person, "role", name, role)
    return RedirectResponse("/users", 303)


@router.post("/users/{name}/password")
def reset_password(
    request: Request, site: OnSite, person: Admin, name: str, password: Text
) -> HTMLResponse | RedirectResponse:
    """Set another user's password; the user's sessions end."""
    try:
        Accounts(site.database).set_password(name, password)
    except DubkitError as error:
        return _users(request, site, person, fault=str(error), status=400)
    audit(site, person, "password", name)
    return RedirectResponse("/users", 303)


@router.post("/users/{name}/remove")
def remove_user(
    request: Request, site: OnSite, person: Admin, name: str
) -> HTMLResponse | RedirectResponse:
    """Remove a user; jobs and episodes stay."""
    if name == person.name:
        return _users(request, site, person, fault="You cannot remove yourself.", status=400)
    try:
        Accounts(site.database).remove(name)
    except DubkitError as error:
        return _users(request, site, person, fault=str(error), status=400)
    audit(site, person, "user-removed", name)
    return RedirectResponse("/users", 303)


def _settings(
    request: Request, site: Site, person: Person, *, status: int = 200, fault: str = "", fresh_token: str = ""
) -> HTMLResponse:
    import dubkit

    accounts = Accounts(site.database)
    user = accounts.user(person.name)
    return page(
        request,
        person,
        "settings.html",
        status=status,
        fault=fault,
        fresh_token=fresh_token,
        user=user,
        tokens=accounts.tokens(person.name) if user else [],
        roles=[role for role in ROLES if person.may(role)],
        settings=_setting_rows(site),
        facts=_facts(site, dubkit.__version__),
        counts=site.queue.counts(),
    )


def _setting_rows(site: Site) -> list[SettingRow]:
    from dubkit.config import declared

    rows = []
    for entry in declared():
        value = site.settings.value(entry.name)
        shown = "***" if entry.secret and value else json.dumps(value, ensure_ascii=False)
        rows.append(SettingRow(entry.name, shown, site.configured.origins[entry.name], entry.help))
    return rows


def _facts(site: Site, version: str) -> list[tuple[str, Any]]:
    url = site.database
    return [
        ("Version", version),
        ("Episodes", site.output.resolve()),
        ("Input folder", site.inputs.resolve()),
        ("Database", "SQLite file" if url.sqlite else url.engine.url.get_backend_name()),
        ("Reachable", "from this machine only" if site.local else "from other machines"),
        ("Workers started with the server", site.settings.serve.workers),
    ]


def _users(
    request: Request,
    site: Site,
    person: Person,
    *,
    status: int = 200,
    before: int = 0,
    who: str = "",
    fault: str = "",
    given: str = "",
) -> HTMLResponse:
    accounts = Accounts(site.database)
    found = entries(site, before=before, limit=AUDIT_PAGE, person=who)
    return page(
        request,
        person,
        "users.html",
        status=status,
        fault=fault,
        given=given,
        users=accounts.users(),
        tokens=accounts.tokens(),
        roles=ROLES,
        entries=found,
        more=found[-1].number if len(found) == AUDIT_PAGE else 0,
        before=before,
        who=who,
    )


def _days(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise DubkitError(f"{text[:20]!r} is no number of days.") from None


