"""Health, metrics, settings and the machine over HTTP: true, masked, and only for those who may."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, update

from dubkit.web.accounts.people import Role
from dubkit.web.app import create_app
from dubkit.web.database import now
from dubkit.web.http.metrics import Metered, metrics_of
from dubkit.web.jobs.kinds import JobProgress, JobWork
from dubkit.web.jobs.leases import Ending, Leases, WorkerIdentity
from dubkit.web.jobs.tables import EventRow, JobRow, SlotRow
from tests.support.web_client import Browser, Running, make_site, running_site, serving

PEOPLE: dict[str, Role] = {"root": "admin", "ana": "editor", "vic": "viewer"}
TOKEN = "Wq7ZtR2mXv9KpL4sHd8YbN3cGf6JuA5e"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, PEOPLE, serve__api_token=TOKEN, mix__duck_db=-18) as started:
        yield started


@pytest.fixture
def running(server: Running) -> Running:
    with server.site.database.transaction() as session:
        for table in (SlotRow, EventRow, JobRow):
            session.execute(delete(table))
    return server


@pytest.fixture
def program(running: Running) -> Browser:
    return running.browser(headers={"Authorization": f"Bearer {TOKEN}"})


def submit(running: Running, *names: str) -> None:
    works = [JobWork("dub", f"/secret-folder/{name}.mp4", name, ("pt-BR",)) for name in names]
    running.site.queue.submit_many(works, "ana")


def checks(answer: httpx.Response) -> dict[str, tuple[bool | None, str]]:
    return {check["name"]: (check["ok"], check["found"]) for check in answer.json()["checks"]}


# --- health -----------------------------------------------------------------------------------


def test_anybody_may_ask_whether_the_server_is_well(running: Running) -> None:
    answer = running.browser().get("/api/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert [name for name in checks(answer)] == ["database", "output folder", "workers"]
    assert str(running.site.output) not in answer.text


def test_the_server_says_that_it_lives(program: Browser) -> None:
    assert program.get("/api/health/live").json() == {"status": "alive"}
    assert program.get("/api/health/ready").json()["status"] == "ready"


def test_a_job_that_nobody_takes_makes_the_server_degraded(running: Running, program: Browser) -> None:
    submit(running, "one", "two")
    assert checks(program.get("/api/health/ready"))["workers"][0] is True
    with running.site.database.transaction() as session:
        session.execute(update(JobRow).values(updated=now() - timedelta(minutes=5)))
    answer = program.get("/api/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    ok, found = checks(answer)["workers"]
    assert ok is None
    assert "dubkit worker" in found
    assert Leases(running.site.database, max_attempts=3).claim(WorkerIdentity("w", "h"), 60) is not None
    assert checks(program.get("/api/health/ready"))["workers"] == (True, "1 at work")


def test_without_its_output_folder_or_database_the_server_is_unavailable(tmp_path: Path) -> None:
    with serving(make_site(tmp_path, serve__database=f"sqlite:///{tmp_path / 'other.db'}")) as running:
        browser = running.browser()
        shutil.rmtree(running.site.output)
        answer = browser.get("/api/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        assert checks(answer)["output folder"][0] is False
        with running.site.database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        ok, found = checks(browser.get("/api/health"))["database"]
        assert ok is False
        assert "not" in found


# --- metrics ----------------------------------------------------------------------------------


def value(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    assert found, f"{sample} is not in:\n{text}"
    return float(found[1])


def test_metrics_count_jobs_stages_and_workers(running: Running, program: Browser) -> None:
    submit(running, "pilot", "second", "third")
    leases = Leases(running.site.database, max_attempts=3)
    claimed = leases.claim(WorkerIdentity("w", "h"), 60)
    assert claimed is not None
    before = program.get("/metrics").text
    seconds = {"stage": "mix", "seconds": 2.5}
    leases.record(claimed, "stage-finished", seconds, JobProgress("mix", "pt-BR", 1, 1, 0.5))
    leases.record(claimed, "stage-finished", seconds | {"seconds": 1.5}, JobProgress("mix"))
    text = program.get("/metrics").text
    assert value(text, 'dubkit_jobs{state="queued"}') == 2
    assert value(text, 'dubkit_jobs{state="running"}') == 1
    assert value(text, "dubkit_workers_at_work") == 1
    assert 0 <= value(text, "dubkit_queue_age_seconds") < 60
    assert 'stage="mix"' not in before
    assert value(text, 'dubkit_stage_seconds_total{stage="mix"}') == 4.0
    leases.finish(claimed, Ending("done"))
    text = program.get("/metrics").text
    assert value(text, 'dubkit_stage_seconds_total{stage="mix"}') == 4.0  # nothing is counted twice
    assert value(text, 'dubkit_stage_runs_total{stage="mix"}') == 2
    assert value(text, 'dubkit_jobs{state="done"}') == 1
    assert value(text, "dubkit_workers_at_work") == 0
    for secret in ('"ana"', "pilot", "secret-folder", str(running.site.output), TOKEN):
        assert secret not in text


def test_requests_are_counted_by_route_and_never_by_path(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    app = create_app(site)
    if str(Metered) not in [str(middleware.cls) for middleware in app.user_middleware]:
        app.add_middleware(Metered)
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as browser:
        for job in ("aaaa", "bbbb"):
            browser.get(f"/api/jobs/{job}?token=hidden")
        browser.get("/nowhere/private-name")
        text = browser.get("/metrics").text
    site.database.close()
    sample = 'dubkit_requests_total{method="GET",route="/api/jobs/{job}",status="422"}'
    assert value(text, sample) == 2
    assert "aaaa" not in text
    assert "private-name" not in text
    assert "hidden" not in text


def test_edits_have_a_histogram_of_their_own(running: Running) -> None:
    metrics = metrics_of(running.app)
    before = metrics.registry.get_sample_value("dubkit_edit_seconds_count") or 0.0
    lines = "/api/episodes/{episode}/{language}/lines/{line}"
    metrics.answered("PATCH", lines, 200, 0.04)
    metrics.answered("PUT", "/api/jobs/{job}/transcript", 200, 0.2)
    metrics.answered("PATCH", lines, 409, 0.04)
    metrics.answered("GET", lines, 200, 0.04)
    metrics.answered("BREW", "none", 405, 0.01)
    assert metrics.registry.get_sample_value("dubkit_edit_seconds_count") == before + 2
    other = {"method": "other", "route": "none", "status": "405"}
    assert metrics.registry.get_sample_value("dubkit_requests_total", other) == 1.0


def test_two_applications_count_apart(tmp_path: Path, running: Running) -> None:
    with serving(make_site(tmp_path)) as other:
        assert metrics_of(other.app) is not metrics_of(running.app)
        assert other.browser().get("/metrics").status_code == 200


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/metrics", {"root": 200, "ana": 403, "vic": 403}),
        ("/api/settings", {"root": 200, "ana": 403, "vic": 403}),
        ("/api/doctor", {"ana": 200, "vic": 403}),
    ],
)
def test_what_shows_the_server_is_for_those_who_may(
    running: Running, path: str, statuses: dict[str, int]
) -> None:
    for name, status in statuses.items():
        assert running.browser(name).get(path).status_code == status
    nobody = running.browser().get(path, headers={"Authorization": "Bearer wrong"})
    assert nobody.status_code == 401


def test_the_machine_is_examined(program: Browser) -> None:
    found = program.get("/api/doctor").json()
    assert {"python", "memory", "ffmpeg"} <= {check["name"] for check in found}
    assert all(set(check) == {"name", "ok", "found", "cure"} for check in found)


def test_the_page_of_the_settings_names_no_folder_to_others_than_admins(tmp_path: Path) -> None:
    places = {"models__cache": "/srv/my models/cache", "transcribe__model": "/srv/asr/whisper"}
    with running_site(tmp_path, PEOPLE, **places) as running:
        running.site.configured.origins["mix.duck_db"] = "/srv/my place/dubkit.toml"  # type: ignore[index]
        told = {name: running.browser(name).get("/settings").text for name in PEOPLE}
    for name in ("ana", "vic"):
        assert "/srv" not in told[name]
        assert str(tmp_path) not in told[name]
        assert "models.cache" not in told[name]
        assert "serve.hosts" not in told[name]
        assert "dubkit.toml</td>" in told[name]
        assert "mix.duck_db" in told[name]
    assert {"/srv/my models/cache", "/srv/asr/whisper", "/srv/my place/dubkit.toml"} <= set(
        re.findall(r"/srv[^<&]+", told["root"])
    )


def test_settings_are_shown_with_their_origin_and_no_secret(running: Running, program: Browser) -> None:
    answer = program.get("/api/settings")
    found = {entry["name"]: entry for entry in answer.json()}
    assert (found["mix.duck_db"]["value"], found["mix.duck_db"]["default"]) == (-18.0, -24.0)
    assert found["mix.duck_db"]["origin"] == "--set mix.duck_db"
    assert found["qc.round_trip"]["value"] is True
    assert (found["serve.api_token"]["value"], found["serve.api_token"]["secret"]) == ("***", True)
    assert found["translate.api_key"]["value"] == ""
    assert TOKEN not in answer.text
    changed = {entry["name"] for entry in program.get("/api/settings", params={"changed": True}).json()}
    assert {"mix.duck_db", "serve.api_token"} <= changed
    assert "qc.round_trip" not in changed
