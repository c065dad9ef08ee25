"""Metrics for Prometheus: jobs, stages, workers, requests, without names of people or files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dubkit.web.database import Database, now
from dubkit.web.http.after_answers import AfterAnswers
from dubkit.web.jobs.kinds import STATES
from dubkit.web.jobs.tables import EventRow, JobRow

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Scope

EDIT_BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
REQUEST_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds."""

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

LATE = timedelta(seconds=60)
"""Events of overlapping transactions may appear up to this long after their time."""


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Jobs(database))
        self.requests = Counter(
            "dubkit_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "dubkit_request_seconds",
            "Time to the end of an answer.",
            ("method", "route"),
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.edits = Histogram(
            "dubkit_edit_seconds",
            "Time until an edit of lines is saved.",
            buckets=EDIT_BUCKETS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is a template, such as `/api/jobs/{job}`."""
        method = method if method in METHODS else "other"
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)
        if status < 400 and ((method == "PATCH" and "/lines/" in route) or (method, route) == PUT_LINES):
            self.edits.observe(seconds)


PUT_LINES = ("PUT", "/api/jobs/{job}/transcript")


def metrics_of(app: FastAPI) -> Metrics:
    """Return the metrics of an application."""
    metrics: Metrics | None = getattr(app.state, "metrics", None)
    if metrics is None:
        metrics = app.state.metrics = Metrics(app.state.site.database)
    return metrics


@dataclass(frozen=True, slots=True)
class Metered(AfterAnswers):
    """ASGI middleware that counts requests, also those that reach no route."""

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        # The template, never the path: paths hold names, and their number has no limit.
        route = getattr(scope.get("route"), "path", "") or "none"
        metrics_of(scope["app"]).answered(scope["method"], route, status or 500, seconds)


class Jobs(Collector):
    """Metrics of jobs, read from the database on request."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stages = Stages()

    def collect(self) -> Iterator[Metric]:
        """Yield the current numbers."""
        with self._database.reading() as session:
            yield self._states(session)
            yield self._age(session)
            yield self._workers(session)
            yield from self._stages.read(session)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering needs no query."""
        return []

    def _states(self, session: Session) -> Metric:
        rows = session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)).all()
        counts = dict.fromkeys(STATES, 0) | {state: count for state, count in rows}
        metric = GaugeMetricFamily("dubkit_jobs", "Jobs by state.", labels=("state",))
        for state, count in counts.items():
            metric.add_metric((state,), count)
        return metric

    def _age(self, session: Session) -> Metric:
        oldest = session.scalar(select(func.min(JobRow.updated)).where(JobRow.state == "queued"))
        age = max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0
        return GaugeMetricFamily(
            "dubkit_queue_age_seconds", "How long the oldest queued job has waited.", value=age
        )

    def _workers(self, session: Session) -> Metric:
        held = (JobRow.state == "running") & (JobRow.lease_until > now())
        count = session.scalar(select(func.count(func.distinct(JobRow.worker))).where(held))
        return GaugeMetricFamily("dubkit_workers_at_work", "Workers alive with a job.", value=count or 0)


class Stages:
    """Seconds of finished stages, summed as their events appear; no event counts twice."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds: dict[str, float] = {}
        self._runs: dict[str, int] = {}
        self._since: datetime | None = None
        self._counted: dict[tuple[str, int], datetime] = {}
        """Events that were counted and may be read again."""

    def read(self, session: Session) -> Iterator[Metric]:
        """Yield seconds and runs by stage."""
        query = select(EventRow).where(EventRow.kind == "stage-finished").order_by(EventRow.at)
        with self._lock:
            if self._since is not None:
                query = query.where(EventRow.at >= self._since - LATE)
            for event in session.scalars(query):
                self._count(event)
            if self._since is not None:
                early = self._since - LATE
                self._counted = {event: at for event, at in self._counted.items() if at >= early}
            seconds = CounterMetricFamily(
                "dubkit_stage_seconds", "Time spent in each stage.", labels=("stage",)
            )
            runs = CounterMetricFamily(
                "dubkit_stage_runs", "Number of runs of each stage.", labels=("stage",)
            )
            for stage in sorted(self._runs):
                seconds.add_metric((stage,), self._seconds[stage])
                runs.add_metric((stage,), self._runs[stage])
        yield seconds
        yield runs

    def _count(self, event: EventRow) -> None:
        name = (event.job, event.number)
        if name in self._counted:
            return
        self._counted[name] = event.at
        self._since = max(self._since or event.at, event.at)
        stage = str(event.detail.get("stage", ""))
        self._seconds[stage] = self._seconds.get(stage, 0.0) + float(event.detail.get("seconds", 0.0))
        self._runs[stage] = self._runs.get(stage, 0) + 1
