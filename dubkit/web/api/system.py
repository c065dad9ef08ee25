"""Health, metrics, settings and the machine over HTTP."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from dubkit.config import all_settings
from dubkit.web.accounts.access import REFUSALS, Admin, Editor
from dubkit.web.accounts.redaction import redact_paths
from dubkit.web.database import MIGRATIONS, Database, now
from dubkit.web.http.metrics import metrics_of
from dubkit.web.jobs.tables import JobRow
from dubkit.web.settings import Serve
from dubkit.web.site import OnSite, Site

router = APIRouter(tags=["system"])

PATIENCE = 2.0
"""Number of leases that a job may wait without a worker before that is reported."""

Health = Literal["ready", "degraded", "unavailable"]


@dataclass(frozen=True, slots=True)
class Alive:
    """The server answers."""

    status: Literal["alive"] = "alive"


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing the server needs; `ok` is None when it works without it."""

    name: str
    ok: bool | None
    found: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the server can work."""

    status: Health
    checks: list[Checked]


@dataclass(frozen=True, slots=True)
class MachineCheck:
    """One check of `dubkit doctor`; `ok` is None for something optional that is missing."""

    name: str
    ok: bool | None
    found: str
    cure: str


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting of the server; the value of a secret is `***`, or empty where there is none."""

    name: str
    value: str | int | float | bool
    default: str | int | float | bool
    origin: str
    help: str
    secret: bool


@router.get("/api/health/live")
def live() -> Alive:
    """Answer as long as the server runs."""
    return Alive()


NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Readiness, "description": "The server cannot work; the checks say why."}
}


@router.get("/api/health", responses=NOT_READY)
@router.get("/api/health/ready", responses=NOT_READY)
def ready(site: OnSite, response: Response) -> Readiness:
    """Tell whether the server can work, and if not, why. The answer names no folders."""
    checks = [_database(site.database), _output(site)]
    if all(check.ok for check in checks):
        checks.append(_workers(site))
    failed = any(check.ok is False for check in checks)
    status: Health = "unavailable" if failed else "ready" if all(c.ok for c in checks) else "degraded"
    response.status_code = 503 if failed else 200
    return Readiness(status, checks)


@router.get(
    "/metrics",
    response_class=Response,
    responses={**REFUSALS, 200: {"description": "Metrics as text.", "content": {"text/plain": {}}}},
)
def metrics(request: Request, person: Admin) -> Response:
    """Return the metrics of the server in the text format of Prometheus."""
    return Response(generate_latest(metrics_of(request.app).registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/doctor", responses=REFUSALS)
def doctor(site: OnSite, person: Editor) -> list[MachineCheck]:
    """Examine the machine as `dubkit doctor` does; this takes some seconds."""
    from dubkit.ops.doctor import examine

    return [
        MachineCheck(
            check.name, check.ok, redact_paths(person, check.found), redact_paths(person, check.cure)
        )
        for check in examine(site.models, site.output, site.settings)
    ]


@router.get("/api/settings", responses=REFUSALS)
def settings(
    site: OnSite,
    person: Admin,
    changed: Annotated[bool, Query(description="Only settings that are not the default.")] = False,
) -> list[SettingValue]:
    """Return the server's settings and where each value came from."""
    origins = site.configured.origins
    return [
        _setting(site, entry)
        for entry in all_settings()
        if not changed or origins.get(entry.name, "default") != "default"
    ]


def _setting(site: Site, entry: Any) -> SettingValue:
    value = site.settings.value(entry.name)
    return SettingValue(
        name=entry.name,
        value=("***" if value else "") if entry.secret else value,
        default="" if entry.secret else entry.default,
        origin=site.configured.origins.get(entry.name, "default"),
        help=entry.help,
        secret=entry.secret,
    )


def _database(database: Database) -> Checked:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    try:
        with database.engine.connect() as connection:
            here = MigrationContext.configure(connection).get_current_heads()
    except SQLAlchemyError as error:
        return Checked("database", False, f"not reachable ({type(error).__name__})")
    newest = ScriptDirectory(str(MIGRATIONS)).get_heads()
    if set(here) != set(newest):
        return Checked("database", False, f"at {', '.join(here) or 'nothing'}, not {', '.join(newest)}")
    return Checked("database", True, "reachable and up to date")


def _output(site: Site) -> Checked:
    try:
        with tempfile.TemporaryFile(dir=site.output):
            pass
    except OSError as error:
        return Checked("output folder", False, error.strerror or type(error).__name__)
    return Checked("output folder", True, "can be written")


def _workers(site: Site) -> Checked:
    """Check whether jobs are being done. Only workers that hold a job are known."""
    lease = Serve.of(site.settings).lease_seconds
    moment = now()
    with site.database.reading() as session:
        held = (JobRow.state == "running") & (JobRow.lease_until > moment)
        at_work = session.scalar(select(func.count(func.distinct(JobRow.worker))).where(held)) or 0
        oldest = session.scalar(select(func.min(JobRow.updated)).where(JobRow.state == "queued"))
    if at_work:
        return Checked("workers", True, f"{at_work} at work")
    waits = (moment - oldest).total_seconds() if oldest else 0.0
    if waits > PATIENCE * lease:
        return Checked(
            "workers",
            None,
            f"none at work, and a job has waited for {waits:.0f} s; start one: dubkit worker",
        )
    return Checked("workers", True, "none at work, and no job waits long")
