"""The queue: submitting, leases, slots, states that come from events; alike on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dubkit.batch.rule import RunningWork, WorkNeeds
from dubkit.errors import DubkitError, SettingError
from dubkit.web.database import FILE, Database, migrate
from dubkit.web.jobs.allowed import allowed_settings, check_settings
from dubkit.web.jobs.kinds import Job, JobConflict, JobMissing, JobProgress, JobWork, LeaseLost
from dubkit.web.jobs.leases import Ending, HeldJob, Leases, WorkerIdentity
from dubkit.web.jobs.queue import JobQueue
from dubkit.web.jobs.states import fold, state_after
from dubkit.web.jobs.tables import JobRow, SlotRow
from tests.support.postgres_server import PostgresServer, postgres_server

HERE = WorkerIdentity("here:1", "here")
LONG = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / FILE}"
    else:
        url = request.getfixturevalue("server").new_url()
    opened = Database(url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database)


@pytest.fixture
def leases(database: Database) -> Leases:
    return Leases(database, max_attempts=3)


def work(episode: str = "pilot", **changes: object) -> JobWork:
    fields: dict[str, object] = {
        "kind": "dub", "source": f"/films/{episode}.mkv", "episode": episode, "languages": ("es",)
    }  # fmt: skip
    return JobWork(**(fields | changes))  # type: ignore[arg-type]


def claim(leases: Leases, bench: WorkerIdentity = HERE, seconds: float = LONG) -> HeldJob:
    claimed = leases.claim(bench, seconds)
    assert claimed is not None
    return claimed


def generating(queue: JobQueue, leases: Leases, *episodes: str) -> list[Job]:
    """Put jobs into the queue whose first worker found out that they generate clips."""
    jobs = queue.submit_many([work(episode) for episode in episodes], "ana")
    for claimed in [claim(leases) for _ in jobs]:
        leases.release(claimed, needs_generator=True)
    return jobs


def run_out(leases: Leases, *ids: str) -> None:
    """Let the leases of jobs end now."""
    with leases.database.transaction() as session:
        for row in session.query(JobRow).where(JobRow.id.in_(ids)):
            assert row.lease_until is not None
            row.lease_until -= timedelta(hours=1)


def now(queue: JobQueue, job: Job) -> Job:
    found = queue.get(job.id)
    assert found is not None
    assert fold(queue.events(job.id)) == found.state
    return found


def kinds(queue: JobQueue, job: Job) -> list[str]:
    return [event.kind for event in queue.events(job.id)]


# --- submitting and watching ------------------------------------------------------------------


def test_a_job_comes_back_as_it_was_submitted(queue: JobQueue) -> None:
    asked = work(settings={"mix.duck_db": "-18"}, lines=("s0001",), kind="regenerate", until="mix")
    job = queue.submit(asked, "ana")
    found = now(queue, job)
    assert found == job
    assert found.work == asked
    assert (found.owner, found.state, found.attempt, found.progress) == ("ana", "queued", 0, JobProgress())
    assert len(job.id) == 12
    assert job.id.isalnum()
    assert found.created.utcoffset() is not None
    assert [(e.number, e.kind) for e in queue.events(job.id)] == [(1, "submitted")]


def test_all_events_are_read_page_by_page(
    queue: JobQueue, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue.submit(work(), "ana")
    held = claim(leases)
    for number in range(3):
        leases.record(held, "note", {"text": str(number)})
    leases.finish(held, Ending("done"))
    whole = queue.events(job.id)
    read = queue.events
    monkeypatch.setattr(queue, "events", lambda job, after: read(job, after, 2))
    assert queue.all_events(job.id) == whole
    assert [event.number for event in queue.all_events(job.id, 3)] == [4, 5, 6]


def test_there_is_no_job_that_was_not_submitted(queue: JobQueue) -> None:
    assert queue.get("nosuchjob000") is None
    assert queue.events("nosuchjob000") == []
    for steer in (queue.cancel, queue.retry):
        with pytest.raises(JobMissing, match="nosuchjob000"):
            steer("nosuchjob000")


def test_jobs_are_listed_newest_first_in_pages(queue: JobQueue, leases: Leases) -> None:
    jobs = queue.submit_many([work(f"e{n}") for n in range(5)], "ana")
    other = queue.submit(work("e1"), "bob")
    claim(leases)
    ids = [job.id for job in jobs]
    assert [j.id for j in queue.jobs()] == [other.id, *reversed(ids)]
    first = queue.jobs(owner="ana", limit=2)
    assert [j.id for j in first] == [ids[4], ids[3]]
    assert [j.id for j in queue.jobs(owner="ana", limit=2, before=first[-1].id)] == [ids[2], ids[1]]
    assert [j.id for j in queue.jobs(episode="e1")] == [other.id, ids[1]]
    assert [j.id for j in queue.jobs(state="running")] == [ids[0]]
    assert queue.jobs(before="nosuchjob000") == []
    assert queue.counts() == {
        "queued": 5, "running": 1, "done": 0, "degraded": 0, "failed": 0, "cancelled": 0
    }  # fmt: skip
    assert queue.owners("e1") == {"ana", "bob"}
    assert queue.owners("nothing") == frozenset()


def test_a_batch_goes_in_whole_or_not_at_all(queue: JobQueue) -> None:
    with pytest.raises(SettingError):
        queue.submit_many([work("a"), work("b", settings={"serve.port": "1"})], "ana")
    assert queue.jobs() == []


def test_a_repeated_key_gives_the_same_job(queue: JobQueue) -> None:
    first = queue.submit(work(), "ana", key="k1")
    assert queue.submit(work(), "ana", key="k1").id == first.id
    assert queue.submit(work(), "bob", key="k1").id != first.id
    assert queue.submit(work(), "ana").id != first.id
    assert queue.submit(work(), "ana").id != first.id  # without a key nothing is the same
    with pytest.raises(JobConflict, match="k1"):
        queue.submit(work("other"), "ana", key="k1")


def test_a_key_used_by_many_at_once_makes_one_job(queue: JobQueue) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: queue.submit(work(), "ana", key="once"), range(16)))
    assert len({job.id for job in jobs}) == 1
    assert len(queue.jobs()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("serve.port", "1"),
        ("serve.secret_file", "/etc/shadow"),
        ("translate.api_key", "k"),
        ("translate.base_url", "http://evil.example/v1"),
        ("translate.gguf", "/etc/passwd"),
        ("models.asr", "/etc"),
        ("models.token", "t"),
        ("cast.file", "/etc/passwd"),
        ("mix.background", "/etc/passwd"),
        ("transcribe.model", "/etc"),
        ("dub.devices", "cuda:0"),
        ("device", "cuda"),
        ("no.such", "1"),
        ("mode", "reckless"),
        ("mix.duck_db", "loud"),
    ],
)
def test_a_job_may_not_bring_every_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name.replace(".", r"\.")):
        check_settings({name: value})


def test_a_job_may_change_how_it_is_dubbed() -> None:
    assert check_settings({"mode": "low", "transcribe.model": "base"}).transcribe.beam == 1
    assert not {name for name in allowed_settings() if name.startswith(("serve.", "models."))}


def test_work_that_names_nothing_is_refused(queue: JobQueue) -> None:
    with pytest.raises(DubkitError, match="at least one line"):
        queue.submit(work(kind="regenerate"), "ana")
    with pytest.raises(DubkitError, match="at least one language"):
        queue.submit(work(languages=()), "ana")
    with pytest.raises(DubkitError, match="no such stage"):
        queue.submit(work(languages=(), until="dance"), "ana")
    queue.submit(work(languages=(), until="transcribe"), "ana")


# --- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind", "detail"),
    [
        (None, "leased", {}),
        ("queued", "submitted", {}),
        ("queued", "released", {}),
        ("running", "leased", {}),
        ("done", "leased", {}),
        ("done", "finished", {"state": "failed"}),
        ("queued", "retried", {}),
        ("running", "finished", {"state": "running"}),
    ],
)
def test_events_that_cannot_happen_are_refused(state: str | None, kind: str, detail: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="job"):
        state_after(state, kind, detail)  # type: ignore[arg-type]


def test_no_events_are_no_job() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        fold([])


# --- leases -----------------------------------------------------------------------------------


def test_jobs_are_done_in_order(queue: JobQueue, leases: Leases) -> None:
    jobs = queue.submit_many([work(f"e{n}") for n in range(3)], "ana")
    for job in jobs:
        claimed = claim(leases)
        assert claimed.job.id == job.id
        assert (claimed.job.state, claimed.job.attempt) == ("running", 1)
        ending = Ending("degraded", "", ("speak: slow",), {"dubs": {"es": "es/dub.mp4"}})
        leases.finish(claimed, ending)
        found = now(queue, job)
        assert (found.state, found.degraded, found.result) == ("degraded", ("speak: slow",), ending.result)
        assert found.progress.share == 1.0
        assert found.ended
    assert leases.claim(HERE, LONG) is None
    assert kinds(queue, jobs[0]) == ["submitted", "leased", "finished"]


def test_many_workers_claim_each_job_once(queue: JobQueue, leases: Leases) -> None:
    jobs = queue.submit_many([work(f"e{n % 12}") for n in range(24)], "ana")
    taken: list[str] = []

    def labour(number: int) -> None:
        bench = WorkerIdentity(f"here:{number}", "here")
        while len(taken) < len(jobs):
            claimed = leases.claim(bench, LONG)
            if claimed is not None:
                taken.append(claimed.job.id)
                leases.finish(claimed, Ending("done"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(labour, range(6)))
    assert sorted(taken) == sorted(job.id for job in jobs)
    assert all(kinds(queue, job).count("finished") == 1 for job in jobs)


def test_a_lease_that_runs_out_gives_the_job_to_another_and_shuts_the_first_out(
    queue: JobQueue, leases: Leases
) -> None:
    job = queue.submit(work(), "ana")
    dead = claim(leases, WorkerIdentity("here:1", "here"))
    assert leases.claim(WorkerIdentity("here:2", "here"), LONG) is None
    run_out(leases, job.id)
    alive = claim(leases, WorkerIdentity("here:2", "here"))
    assert (alive.job.id, alive.job.attempt) == (job.id, 2)
    before = queue.events(job.id)
    writes: list[Callable[[], object]] = [
        lambda: leases.record(dead, "note", {}),
        lambda: leases.finish(dead, Ending("failed", "zombie")),
        lambda: leases.release(dead),
        lambda: leases.opened(dead, "elsewhere"),
    ]
    for write in writes:
        with pytest.raises(LeaseLost, match=job.id):
            write()
    assert leases.heartbeat(dead).lost
    assert queue.events(job.id) == before
    leases.finish(alive, Ending("done"))
    with pytest.raises(LeaseLost):
        leases.finish(alive, Ending("done"))  # nor twice
    assert now(queue, job).state == "done"
    assert kinds(queue, job) == ["submitted", "leased", "lease-lost", "leased", "finished"]


def test_a_lost_lease_shuts_out_before_anybody_claims_again(queue: JobQueue, leases: Leases) -> None:
    (job,) = generating(queue, leases, "pilot")
    dead = claim(leases)
    run_out(leases, job.id)
    without_card = WorkerIdentity("there:1", "there", generators=0)
    assert leases.claim(without_card, LONG) is None
    assert leases.claim(without_card, LONG) is None
    assert kinds(queue, job).count("lease-lost") == 1
    with pytest.raises(LeaseLost):
        leases.finish(dead, Ending("done"))
    assert now(queue, job).state == "queued"


def test_a_heartbeat_keeps_the_lease(queue: JobQueue, leases: Leases) -> None:
    def until() -> datetime:
        with leases.database.reading() as session:
            found = session.query(JobRow).one().lease_until
            assert found is not None
            return found

    job = queue.submit(work(), "ana")
    claimed = claim(leases)
    for _ in range(3):
        before = until()
        assert not leases.heartbeat(claimed).lost
        assert before < until() < before + timedelta(seconds=LONG)
        assert leases.claim(HERE, LONG) is None
    assert "lease-lost" not in kinds(queue, job)


def test_a_job_whose_workers_keep_dying_fails(queue: JobQueue, leases: Leases) -> None:
    job = queue.submit(work(), "ana")
    for _ in range(3):
        claim(leases)
        run_out(leases, job.id)
    assert leases.claim(HERE, LONG) is None
    found = now(queue, job)
    assert found.state == "failed"
    assert "worker died 3 times" in found.error
    again = queue.retry(job.id)
    assert (again.state, again.attempt, again.error) == ("queued", 0, "")
    assert claim(leases).job.attempt == 1


def test_a_job_handed_back_waits_again_and_the_attempt_does_not_count(
    queue: JobQueue, leases: Leases
) -> None:
    job = queue.submit(work(), "ana")
    for _ in range(5):  # more often than max_attempts
        leases.release(claim(leases))
    found = now(queue, job)
    assert (found.state, found.attempt) == ("queued", 0)
    assert kinds(queue, job)[:3] == ["submitted", "leased", "released"]


def test_a_worker_cannot_record_a_change_of_state(queue: JobQueue, leases: Leases) -> None:
    queue.submit(work(), "ana")
    claimed = claim(leases)
    for kind in ("finished", "leased", "retried", "submitted"):
        with pytest.raises(ValueError, match=r"state|once"):
            leases.record(claimed, kind, {"state": "done"})


def test_progress_never_falls_and_only_its_newest_event_is_kept(queue: JobQueue, leases: Leases) -> None:
    job = queue.submit(work(), "ana")
    claimed = claim(leases)
    for share in (0.1, 0.4, 0.3, 1.0):
        leases.record(claimed, "progress", {"share": share}, JobProgress("speak", "es", 1, 4, share, 9.0))
        assert now(queue, job).progress.share == min(0.999, max(share, 0.4 if share == 0.3 else 0))
    leases.record(claimed, "note", {"text": "hello"})
    leases.record(claimed, "progress", {"share": 0.99})
    events = queue.events(job.id)
    assert [e.kind for e in events] == ["submitted", "leased", "progress", "note", "progress"]
    assert [e.number for e in events] == [1, 2, 6, 7, 8]
    assert [e.number for e in queue.events(job.id, after=2, limit=2)] == [6, 7]


# --- cancelling and trying again --------------------------------------------------------------


def test_a_waiting_job_is_cancelled_at_once(queue: JobQueue, leases: Leases) -> None:
    job = queue.submit(work(), "ana")
    assert queue.cancel(job.id).state == "cancelled"
    assert kinds(queue, job) == ["submitted", "cancel-requested", "finished"]
    assert leases.claim(HERE, LONG) is None
    with pytest.raises(JobConflict, match="has ended"):
        queue.cancel(job.id)


def test_a_running_job_learns_of_its_cancellation_from_the_heartbeat(queue: JobQueue, leases: Leases) -> None:
    job = queue.submit(work(), "ana")
    claimed = claim(leases)
    assert not leases.heartbeat(claimed).cancel
    for _ in range(2):
        asked = queue.cancel(job.id)
        assert (asked.state, asked.cancelling) == ("running", True)
    assert leases.heartbeat(claimed).cancel
    leases.finish(claimed, Ending("cancelled"))
    assert kinds(queue, job) == ["submitted", "leased", "cancel-requested", "finished"]
    again = queue.retry(job.id)
    assert (again.state, again.cancelling) == ("queued", False)


def test_a_cancelled_job_does_not_come_back_when_its_worker_dies_or_ends(
    queue: JobQueue, leases: Leases
) -> None:
    died, ended = queue.submit_many([work("a"), work("b")], "ana")
    claim(leases)
    held = claim(leases)
    queue.cancel(died.id)
    queue.cancel(ended.id)
    leases.release(held)
    run_out(leases, died.id)
    assert leases.claim(HERE, LONG) is None
    assert now(queue, died).state == now(queue, ended).state == "cancelled"


def test_only_a_job_that_has_ended_is_tried_again(queue: JobQueue, leases: Leases) -> None:
    job = queue.submit(work(), "ana")
    with pytest.raises(JobConflict, match="queued"):
        queue.retry(job.id)
    claimed = claim(leases)
    with pytest.raises(JobConflict, match="running"):
        queue.retry(job.id)
    leases.finish(claimed, Ending("failed", "no sound", ("x",), {"ran": {}}))
    assert now(queue, job).error == "no sound"
    again = queue.retry(job.id)
    assert (again.error, again.degraded, again.result, again.progress) == ("", (), {}, JobProgress())
    leases.finish(claim(leases), Ending("done"))
    assert now(queue, job).state == "done"


# --- slots ------------------------------------------------------------------------------------


def test_one_episode_is_worked_on_by_one_job_at_a_time_and_in_order(queue: JobQueue, leases: Leases) -> None:
    first, second, third, other = queue.submit_many(
        [work("pilot"), work("pilot"), work("pilot"), work("finale")], "ana"
    )
    held = claim(leases)
    assert held.job.id == first.id
    assert claim(leases).job.id == other.id
    assert leases.claim(HERE, LONG) is None
    leases.finish(held, Ending("failed", "x"))
    held = claim(leases)
    assert held.job.id == second.id
    queue.cancel(third.id)
    leases.release(held)
    assert claim(leases).job.id == second.id


def test_a_lost_lease_frees_the_episode(queue: JobQueue, leases: Leases) -> None:
    first, _ = queue.submit_many([work(), work()], "ana")
    claim(leases)
    run_out(leases, first.id)
    assert claim(leases).job.id == first.id


def test_one_card_generates_for_one_job_at_a_time(queue: JobQueue, leases: Leases) -> None:
    one, two = generating(queue, leases, "a", "b")
    plain = queue.submit(work("c"), "ana")
    held = claim(leases)
    assert (held.job.id, held.generator) == (one.id, 0)
    free = claim(leases)
    assert (free.job.id, free.generator) == (plain.id, None)
    assert leases.claim(HERE, LONG) is None
    there = claim(leases, WorkerIdentity("there:1", "there"))
    assert (there.job.id, there.generator) == (two.id, 0)


def test_two_cards_generate_for_two_jobs(queue: JobQueue, leases: Leases) -> None:
    generating(queue, leases, *"abc")
    bench = WorkerIdentity("here:1", "here", generators=2)
    first, second = claim(leases, bench), claim(leases, bench)
    assert (first.generator, second.generator) == (0, 1)
    assert leases.claim(bench, LONG) is None
    leases.finish(first, Ending("done"))
    assert claim(leases, bench).generator == 0


def test_a_job_that_turns_out_to_generate_waits_for_a_card(queue: JobQueue, leases: Leases) -> None:
    generating(queue, leases, "a")
    late = queue.submit(work("b"), "ana")
    claim(leases)
    leases.release(claim(leases), needs_generator=True)
    assert leases.claim(HERE, LONG) is None
    assert queue.events(late.id)[-1].detail == {"for_generator": True}
    there = claim(leases, WorkerIdentity("there:1", "there"))
    assert (there.job.id, there.generator) == (late.id, 0)


def test_a_slot_taken_at_the_same_moment_is_left_to_the_other(
    queue: JobQueue, leases: Leases, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    generating(queue, leases, "a", "b")
    claim(leases)
    calls = []

    def stale(session: object, bench: WorkerIdentity) -> list[RunningWork]:
        calls.append(bench)
        # At first what a worker saw before the other's transaction ended.
        return [] if len(calls) == 1 else [RunningWork(WorkNeeds(card=True), card=0)]

    monkeypatch.setattr("dubkit.web.jobs.leases._on_this_host", stale)
    assert leases.claim(HERE, LONG) is None
    assert len(calls) == 2
    with database.reading() as session:
        assert session.query(SlotRow).count() == 2
        assert session.query(JobRow).where(JobRow.state == "running").count() == 1


def test_a_job_moves_to_the_folder_its_source_has(queue: JobQueue, leases: Leases) -> None:
    job = queue.submit(work("pilot"), "ana")
    leases.opened(claim(leases), "pilot-1a2b3c")
    found = now(queue, job)
    assert found.work.episode == "pilot-1a2b3c"
    assert queue.owners("pilot-1a2b3c") == {"ana"}
    assert queue.owners("pilot") == frozenset()


def test_a_restart_of_everything_loses_nothing(database: Database, queue: JobQueue, leases: Leases) -> None:
    running, waiting, done = queue.submit_many([work("a"), work("b"), work("c")], "ana")
    held = [claim(leases) for _ in range(3)]
    leases.finish(held[2], Ending("done", result={"ran": {"mix": 1}}))
    leases.release(held[1])
    before = {job.id: (queue.get(job.id), queue.events(job.id)) for job in (running, waiting, done)}
    database.close()
    opened = Database(database.url)
    migrate(opened)
    again = JobQueue(opened)
    assert {id: (again.get(id), again.events(id)) for id in before} == before
    after = Leases(opened, max_attempts=3)
    run_out(after, running.id)
    assert [claim(after).job.id, claim(after).job.id] == [running.id, waiting.id]
    assert after.claim(HERE, LONG) is None
    opened.close()


# --- storms -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_twenty_clients_and_four_workers_at_once(database: Database) -> None:
    """Every job ends once, though leases run out, jobs are cancelled, and clients watch."""
    ids: list[str] = []
    over = threading.Event()

    def client(number: int) -> None:
        own = Database(database.url)
        queue = JobQueue(own)
        for n in range(4):
            job = queue.submit(work(f"e{number}-{n % 2}"), f"client{number}")
            ids.append(job.id)
            if n == 3:
                with suppress(JobConflict):  # it may have ended already
                    queue.cancel(job.id)
            queue.events(job.id)
        own.close()

    def labourer(number: int) -> None:
        own = Database(database.url)
        leases = Leases(own, max_attempts=50)
        turn = 0
        while not over.is_set():
            turn += 1
            dies = turn % 7 == 0
            claimed = leases.claim(WorkerIdentity(f"h:{number}", "h"), 0.05 if dies else LONG)
            if claimed is None:
                time.sleep(0.02)
            elif not dies:
                leases.finish(claimed, Ending("done", result={"ran": {"extract": 1}}))
        own.close()

    queue = JobQueue(database)
    with ThreadPoolExecutor(24) as pool:
        clients = [pool.submit(client, n) for n in range(20)]
        labourers = [pool.submit(labourer, n) for n in range(4)]
        try:
            for done in clients:
                done.result()
            until = time.monotonic() + 60
            while queue.counts()["queued"] + queue.counts()["running"] and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            over.set()
        for done in labourers:
            done.result()
    assert len(set(ids)) == 80
    for id in ids:
        job = queue.get(id)
        assert job is not None
        assert job.state in ("done", "cancelled")
        events = queue.events(id)
        assert fold(events) == job.state
        assert [e.kind for e in events].count("finished") == 1
    with database.reading() as session:
        assert session.query(SlotRow).count() == 0
