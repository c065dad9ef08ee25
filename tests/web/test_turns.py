"""Whose turn it is: short work first, people in turn, own priorities, a limit each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dubkit.web.database import Database, migrate
from dubkit.web.jobs.kinds import JobConflict, JobWork, Place, Priority, TooManyJobs
from dubkit.web.jobs.leases import JOB_MEMORY, Ending, HeldJob, Leases, WorkerIdentity
from dubkit.web.jobs.queue import JobQueue
from tests.support.web_client import Running, running_site
from tests.support.web_episode import write_episode

HERE = WorkerIdentity("here:1", "here")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JobQueue]:
    database = Database(f"sqlite:///{tmp_path / 'd.db'}")
    migrate(database)
    yield JobQueue(database, most_waiting=10)
    database.close()


@pytest.fixture
def leases(queue: JobQueue) -> Leases:
    return Leases(queue.database, max_attempts=3)


def put(
    queue: JobQueue, owner: str, episode: str, *, short: bool = False, priority: Priority = "normal"
) -> str:
    kind = "render" if short else "dub"
    work = JobWork(kind, f"/in/{episode}.mp4", episode, ("fr",))  # type: ignore[arg-type]
    return queue.submit(work, owner, place=Place(priority, short)).id


def begin(leases: Leases) -> HeldJob:
    held = leases.claim(HERE, 60.0)
    assert held is not None
    return held


def order(leases: Leases) -> list[str]:
    """Do every job, one after the other; return whose they were and of which episode."""
    done = []
    while (held := leases.claim(HERE, 60.0)) is not None:
        done.append(f"{held.job.owner} {held.job.work.episode}")
        leases.finish(held, Ending("done"))
    return done


def test_people_take_turns_however_many_jobs_one_has(queue: JobQueue, leases: Leases) -> None:
    for number in range(5):
        put(queue, "bob", f"b{number}")
    put(queue, "eve", "e0")
    put(queue, "ann", "a0")
    put(queue, "eve", "e1")
    assert order(leases) == ["bob b0", "eve e0", "ann a0", "bob b1", "eve e1", "bob b2", "bob b3", "bob b4"]


def test_who_has_fewer_jobs_running_comes_first(queue: JobQueue, leases: Leases) -> None:
    for number in range(3):
        put(queue, "bob", f"b{number}")
    running = [begin(leases), begin(leases)]
    assert [held.job.owner for held in running] == ["bob", "bob"]
    put(queue, "eve", "e0")
    put(queue, "eve", "e1")
    assert [begin(leases).job.owner for _ in range(3)] == ["eve", "eve", "bob"]


def test_a_job_waits_for_memory_while_another_runs_and_the_first_never_does(
    queue: JobQueue, leases: Leases
) -> None:
    put(queue, "bob", "b0")
    put(queue, "eve", "e0")
    full = WorkerIdentity("here:1", "here", free_memory=lambda: 0)
    roomy = WorkerIdentity("here:2", "here", free_memory=lambda: 100 * JOB_MEMORY)
    first = leases.claim(full, 60.0)
    assert first is not None
    assert leases.claim(full, 60.0) is None
    assert leases.claim(WorkerIdentity("there:1", "there", free_memory=lambda: 0), 60.0) is not None
    put(queue, "ann", "a0")
    assert leases.claim(roomy, 60.0) is not None


def test_short_work_goes_first_but_does_not_starve_the_rest(queue: JobQueue, leases: Leases) -> None:
    put(queue, "bob", "film")
    for number in range(5):
        put(queue, "eve", f"line{number}", short=True)
    assert order(leases) == ["eve line0", "eve line1", "eve line2", "bob film", "eve line3", "eve line4"]


def test_own_priority_orders_own_jobs_only(queue: JobQueue, leases: Leases) -> None:
    put(queue, "bob", "later", priority="low")
    put(queue, "bob", "usual")
    urgent = put(queue, "bob", "urgent")
    put(queue, "eve", "film")
    assert queue.set_priority(urgent, "high").priority == "high"
    assert order(leases) == ["bob urgent", "eve film", "bob usual", "bob later"]
    with pytest.raises(JobConflict, match="is done"):
        queue.set_priority(urgent, "low")


def test_jobs_on_one_episode_never_overtake_one_another(queue: JobQueue, leases: Leases) -> None:
    put(queue, "bob", "film", priority="low")
    put(queue, "eve", "film", short=True)
    put(queue, "bob", "film", priority="high")
    assert order(leases) == ["bob film", "eve film", "bob film"]


def test_one_person_has_a_limit_of_waiting_jobs(queue: JobQueue, leases: Leases) -> None:
    for number in range(9):
        put(queue, "bob", f"b{number}")
    works = [JobWork("dub", f"/in/{name}.mp4", name, ("fr",)) for name in ("x", "y")]
    with pytest.raises(TooManyJobs, match="bob has 10 jobs that wait"):
        queue.submit_many(works, "bob")
    assert queue.counts()["queued"] == 9, "a batch goes in whole or not at all"
    last = put(queue, "bob", "b9")
    with pytest.raises(TooManyJobs):
        put(queue, "bob", "b10")
    put(queue, "eve", "e0")
    queue.cancel(last)
    put(queue, "bob", "b10")
    with pytest.raises(TooManyJobs):
        queue.retry(last)


def test_the_limit_and_priorities_over_http(tmp_path: Path) -> None:
    with running_site(tmp_path, {"ada": "admin"}, serve__max_waiting_jobs=2) as running:
        ada = running.browser("ada")
        write_episode(running.site, "clip")
        source = {"source": "clip.mp4", "until": "extract"}
        first = ada.post("/api/jobs", json=source | {"priority": "low"})
        assert first.status_code == 201
        assert first.headers["location"] == f"/api/jobs/{first.json()['id']}"
        assert first.json()["priority"] == "low"
        changed = ada.patch(first.headers["location"], json={"priority": "high"})
        assert changed.json()["priority"] == "high"
        batch = ada.post("/api/jobs/batch", json={"jobs": [source, source]})
        assert batch.status_code == 429
        assert "serve.max_waiting_jobs" in batch.json()["detail"]
        pair = _cancelled(running, first.json()["id"])
        assert len({job["batch"] for job in pair}) == 1
        assert pair[0]["batch"]


def _cancelled(running: Running, job: str) -> list[dict[str, str]]:
    ada = running.browsers[0]
    assert ada.post(f"/api/jobs/{job}/cancel").status_code == 200
    source = {"source": "clip.mp4", "until": "extract"}
    jobs: list[dict[str, str]] = ada.post("/api/jobs/batch", json={"jobs": [source, source]}).json()
    return jobs
