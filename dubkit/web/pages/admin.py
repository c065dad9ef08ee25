"""Pages of settings, account and users. Changes go through `/api`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import PurePath

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dubkit import __version__
from dubkit.web.accounts.access import Admin, Viewer
from dubkit.web.accounts.audit import entries
from dubkit.web.accounts.people import ROLES, Person
from dubkit.web.accounts.redaction import redact_paths
from dubkit.web.accounts.users import Accounts
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite, Site
from dubkit.web.templating import page

router = APIRouter(include_in_schema=False)

AUDIT_PAGE = 50
"""Entries of the audit log on one page."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting with its current value."""

    name: str
    value: str
    origin: str
    help: str


@router.get("/settings")
def settings_page(request: Request, site: OnSite, person: Viewer) -> HTMLResponse:
    """Show the person's account, what the machine can do, and the settings with their origins."""
    accounts = Accounts(site.database)
    user = accounts.user(person.name)
    return page(
        request,
        person,
        "settings.html",
        user=user,
        tokens=accounts.tokens(person.name) if user else [],
        roles=[role for role in ROLES if person.may(role)],
        settings=_setting_rows(site, person),
        facts=_facts(site) if person.may("admin") else [],
        counts=site.queue.counts(),
    )


@router.get("/settings/machine")
def machine_part(request: Request, site: OnSite, person: Viewer) -> HTMLResponse:
    """Show what `dubkit doctor` and `dubkit models list` report; a part of the settings page.

    This takes seconds, so the page loads it later.
    """
    from dubkit.models.listing import list_models
    from dubkit.ops.doctor import examine

    checks = [
        replace(check, found=redact_paths(person, check.found), cure=redact_paths(person, check.cure))
        for check in examine(site.models, site.output, site.settings)
    ]
    models = [replace(row, note=redact_paths(person, row.note)) for row in list_models(site.models)]
    return page(request, person, "machine.html", checks=checks, models=models)


@router.get("/users")
def users_page(
    request: Request, site: OnSite, person: Admin, before: str = "", who: str = ""
) -> HTMLResponse:
    """Show users, their tokens, and the audit log."""
    accounts = Accounts(site.database)
    seen = int(before) if before.isdecimal() and len(before) < 10 else 0
    name = "".join(letter for letter in who if letter.isprintable())[:64]
    shown = entries(site, before=seen, limit=AUDIT_PAGE, person=name)
    return page(
        request,
        person,
        "users.html",
        users=accounts.users(),
        tokens=accounts.tokens(),
        roles=ROLES,
        entries=shown,
        more=shown[-1].number if len(shown) == AUDIT_PAGE else 0,
        before=seen,
        who=name,
    )


def _setting_rows(site: Site, person: Person) -> list[tuple[str, list[SettingRow]]]:
    """Return the settings by section: all for admins; for others those that a job may have, without paths."""
    from dubkit.config import all_settings, section_title, sections

    titles = {table: section_title(section) for table, section in sections()}
    groups: dict[str, list[SettingRow]] = {}
    for entry in all_settings():
        if not entry.job and not person.may("admin"):
            continue
        value = site.settings.value(entry.name)
        shown = "***" if entry.secret and value else json.dumps(value, ensure_ascii=False)
        origin = site.configured.origins[entry.name]
        if not person.may("admin"):
            shown, origin = redact_paths(person, shown), PurePath(origin).name
        title = titles.get(entry.name.rpartition(".")[0], "General")
        groups.setdefault(title, []).append(SettingRow(entry.name, shown, origin, entry.help))
    return list(groups.items())


def _facts(site: Site) -> list[tuple[str, str]]:
    database = site.database
    return [
        ("Version", __version__),
        ("Episodes", str(site.output.resolve())),
        ("Input folder", str(site.inputs.resolve())),
        ("Database", "SQLite" if database.sqlite else database.engine.url.get_backend_name()),
        ("Reachable from", "this machine only" if site.local else "other machines"),
        ("Workers started with the server", str(Serve.of(site.settings).workers)),
    ]
