"""Workers: what they make of jobs, how they are stopped, and what survives when they are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from click.testing import CliRunner
from sqlalchemy import update

from dubkit.batch.machine import card_count
from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.chain.work import StageResult
from dubkit.config import configure
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DiskFull
from dubkit.models.store import ModelStore
from dubkit.progress import Progress, Speeds, StageStart
from dubkit.studio import Session
from dubkit.types import remark
from dubkit.types.telling import Noticed
from dubkit.web.database import FILE, Database, migrate, now
from dubkit.web.jobs import worker as worker_module
from dubkit.web.jobs.kinds import Job, JobConflict, JobWork
from dubkit.web.jobs.leases import Ending, Leases, WorkerIdentity
from dubkit.web.jobs.perform import ending_of, episode_of, will_generate
from dubkit.web.jobs.queue import JobQueue
from dubkit.web.jobs.shares import Shares
from dubkit.web.jobs.start import WorkerStart, start
from dubkit.web.jobs.states import fold
from dubkit.web.jobs.stopping import StopToken
from dubkit.web.jobs.supervisor import Supervisor
from dubkit.web.jobs.tables import JobRow
from dubkit.web.jobs.worker import JobWorker, WorkerTiming
from tests.support.paths import ROOT

SAMPLE = ROOT / "Input" / "sample.mp4"


class Shop:
    """A queue, its folders, and workers on it."""

    def __init__(self, folder: Path) -> None:
        self.inputs, self.output = folder / "Input", folder / "Output"
        self.inputs.mkdir()
        self.url = f"sqlite:///{self.output / FILE}"
        self.database = Database(self.url)
        migrate(self.database)
        self.queue = JobQueue(self.database)
        self.leases = Leases(self.database, max_attempts=3)
        self.stop = StopToken()

    def sound(self, name: str, seconds: float = 0.5) -> Path:
        path = self.inputs / f"{name}.wav"
        noise = np.random.default_rng(len(name)).standard_normal(int(16000 * seconds))
        soundfile.write(path, (0.1 * noise).astype(np.float32), 16000)
        return path

    def submit(self, source: Path, *, until: str = "extract", **changes: object) -> Job:
        fields = {"kind": "dub", "source": str(source), "episode": source.stem, "languages": ()}
        return self.queue.submit(JobWork(**(fields | {"until": until} | changes)), "ana")  # type: ignore[arg-type]

    def open_session(self, own: Mapping[str, str]) -> Session:
        settings = configure({"translate.api_key": "sk-hunter2", **own}, environment={}).settings
        return Session(settings, self.output, ModelStore(self.output.parent / "cache", {}), Speeds())

    def work(self, timing: WorkerTiming | None = None) -> None:
        worker = JobWorker(
            self.leases,
            WorkerIdentity("me", "here"),
            self.open_session,
            timing or WorkerTiming(30.0, 0.05),
            self.stop,
        )
        with self.stop.signals():
            worker.run(once=True)

    def now(self, job: Job) -> Job:
        while True:
            found = self.queue.get(job.id)
            assert found is not None
            folded = fold(self.queue.events(job.id))
            # Two looks: a worker may write between them, so a difference must still be there at a third.
            if folded == found.state or found == self.queue.get(job.id):
                assert folded == found.state
                return found

    def kinds(self, job: Job) -> list[str]:
        return [event.kind for event in self.queue.events(job.id)]

    def wait(self, job: Job, condition: Callable[[Job], bool], seconds: float = 40.0) -> Job:
        until = time.monotonic() + seconds
        while not condition(self.now(job)):
            assert time.monotonic() < until, self.queue.events(job.id)
            time.sleep(0.05)
        return self.now(job)

    @property
    def environment(self) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("DUBKIT_", "OPENAI_", "HF_"))}
        return kept | {
            "PYTHONPATH": str(ROOT),
            "DUBKIT_SERVE_DATABASE": self.url,
            "DUBKIT_SERVE_LEASE_SECONDS": "2",
            "DUBKIT_SERVE_MAX_ATTEMPTS": "9",
            "DUBKIT_MODELS_OFFLINE": "true",
        }

    def process(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dubkit", "worker", "--output", str(self.output), *arguments]
        return subprocess.Popen(command, env=self.environment, cwd=self.inputs.parent, start_new_session=True)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.database.close()


def meanwhile(
    work: Callable[[Progress], object], act: Callable[[], object], seconds: float = 0.1
) -> Callable[[Progress], object]:
    """Return `work` during which somebody acts, so long after it began."""

    def both(progress: Progress) -> None:
        threading.Timer(seconds, act).start()
        work(progress)

    return both


def stand_in(monkeypatch: pytest.MonkeyPatch, act: Callable[[Progress], object]) -> None:
    """Let every job do `act` in place of a run of the chain."""

    def perform(session: Session, work: JobWork, progress: Progress) -> list[Outcome]:
        act(progress)
        return [Outcome(EpisodeStore(session.output / work.episode))]

    monkeypatch.setattr(worker_module, "perform", perform)


# --- what becomes of a job --------------------------------------------------------------------


def test_a_job_is_done_and_told_step_by_step(shop: Shop) -> None:
    job = shop.submit(shop.sound("pilot"))
    shop.work()
    found = shop.now(job)
    assert (found.state, found.error, found.attempt) == ("done", "", 1)
    assert found.result == {"episode": "pilot", "dubs": {}, "ran": {"extract": 1}, "remarks": []}
    assert (found.progress.stage, found.progress.share) == ("extract", 1.0)
    assert (shop.output / "pilot" / "episode.json").is_file()
    kinds = [kind for kind in shop.kinds(job) if kind != "progress"]
    assert kinds == ["submitted", "leased", "stage", "stage-finished", "finished"]


def test_a_broken_file_fails_with_what_to_do(shop: Shop) -> None:
    broken = shop.inputs / "broken.wav"
    broken.write_bytes(b"no sound")
    job, missing = shop.submit(broken), shop.submit(shop.inputs / "gone.wav")
    shop.work()
    assert shop.now(job).state == shop.now(missing).state == "failed"
    assert "not a media file" in shop.now(job).error
    assert "gone.wav" in shop.now(missing).error


def test_a_job_that_was_tried_again_reuses_what_was_finished(shop: Shop) -> None:
    job = shop.submit(shop.sound("pilot"))
    shop.work()
    shop.queue.retry(job.id)
    shop.work()
    assert (shop.now(job).state, shop.now(job).result["ran"]) == ("done", {})


def test_an_unexpected_error_fails_the_job_with_its_trace_and_no_secret(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(progress: Progress) -> None:
        raise RuntimeError("refused key sk-hunter2")

    stand_in(monkeypatch, crash)
    job, other = shop.submit(shop.sound("a")), shop.submit(shop.sound("bb"))
    shop.work()
    assert shop.now(job).error == "Unexpected error: RuntimeError: refused key ***"
    trace = next(e for e in shop.queue.events(job.id) if e.kind == "trace").detail["text"]
    assert "in crash" in trace
    assert "sk-hunter2" not in trace
    assert shop.now(other).state == "failed"  # the worker went on


def test_a_full_disk_is_the_users_to_mend(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(progress: Progress) -> None:
        raise DiskFull(Path("/films"))

    stand_in(monkeypatch, full)
    job = shop.submit(shop.sound("a"))
    shop.work()
    assert shop.now(job).error.startswith("No space left on the disk")
    assert "trace" not in shop.kinds(job)


def test_settings_that_no_job_may_have_are_refused_by_the_worker_too(shop: Shop) -> None:
    job = shop.submit(shop.sound("a"))
    with shop.database.transaction() as session:
        stored = session.query(JobRow).one()
        stored.work = {**stored.work, "settings": {"mix.background": "/etc/passwd"}}
    shop.work()
    assert "mix.background" in shop.now(job).error


def test_a_second_source_of_the_same_name_has_a_folder_of_its_own(shop: Shop, tmp_path: Path) -> None:
    first = shop.submit(shop.sound("pilot"))
    shop.work()
    (tmp_path / "more").mkdir()
    other = (shop.inputs / "pilot.wav").rename(tmp_path / "more" / "pilot.wav")
    shop.sound("pilot", 0.7)
    second = shop.submit(other)
    third = shop.submit(shop.inputs / "pilot.wav")
    shop.work()
    assert shop.now(first).work.episode == "pilot"
    names = {shop.now(second).work.episode, shop.now(third).work.episode}
    assert len(names) == 2
    assert all((shop.output / name / "episode.json").is_file() for name in names)
    for job in (second, third):
        assert shop.now(job).result["episode"] == shop.now(job).work.episode
    assert episode_of(shop.output, shop.inputs / "pilot.wav") == shop.now(third).work.episode
    assert episode_of(shop.output, shop.inputs / "new.wav") == "new"


def said(code: str, sentence: str) -> Noticed:
    return Noticed.of(remark(code, sentence), {})


def test_an_ending_tells_dubs_counts_and_fall_backs(tmp_path: Path) -> None:
    outcome = Outcome(EpisodeStore(tmp_path / "pilot"))
    outcome.stages = [
        StageResult("speak", "es", ("s1", "s2"), 0, {}, (said("voice-fall-back", "A plain voice."),), 1.0),
        StageResult(
            "stitch", "es", ("episode",), 0, {"episode": "no room"}, (said("failed", "No room."),), 1.0
        ),
    ]
    ending = ending_of([outcome, outcome])
    assert ending.state == "degraded"
    assert ending.degraded == ("No room.", "A plain voice.")
    remarks = ending.result.pop("remarks")
    assert ending.result == {"episode": "pilot", "dubs": {}, "ran": {"speak": 4, "stitch": 2}}
    assert [(one["code"], one["weight"]) for one in remarks] == [
        ("failed", "degraded"), ("voice-fall-back", "degraded")
    ]  # fmt: skip
    assert all(one["meaning"] for one in remarks)
    outcome.errors.append("es: nobody translates")
    assert (ending_of([outcome]).state, ending_of([outcome]).error) == ("failed", "es: nobody translates")


def test_new_takes_of_a_line_end_with_what_was_made_for_it(tmp_path: Path) -> None:
    lines = {f"s000{number}": f"line {number}" for number in range(1, 4)}
    noticed = tuple(
        Noticed.of(one, lines)
        for one in (
            remark("fall-back", "A robotic voice speaks.", "s0002"),
            remark("failed", "No such voice.", "s0003"),
        )
    )

    def ended(*made: str) -> Ending:
        failed = {"s0003": "No such voice."}
        outcome = Outcome(EpisodeStore(tmp_path), [StageResult("speak", "es", made, 2, failed, noticed, 1.0)])
        assert ending_of([outcome]).state == "degraded"
        return ending_of([outcome], only_made=True)

    assert ended("s0001").state == "done"
    assert ended().state == "done"
    assert ended("s0002").degraded == ("Line 2: A robotic voice speaks.",)
    assert ended("s0001", "s0003").degraded == ("Line 3: No such voice.",)


# --- stopping ---------------------------------------------------------------------------------


def count_on(progress: Progress) -> None:
    progress.start(StageStart("speak", "es", 1000, 1000, (1.0, 2.0), 3.0))
    for item in range(1000):
        progress.advance(item)
        time.sleep(0.01)


def test_a_cancelled_job_stops_at_its_next_item(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = shop.submit(shop.sound("a"))
    stand_in(monkeypatch, meanwhile(count_on, lambda: shop.queue.cancel(job.id), 1.2))
    shop.work(WorkerTiming(0.9, 0.05))
    assert shop.now(job).state == "cancelled"
    assert 0 < shop.now(job).progress.done < 900
    told = [event.at for event in shop.queue.events(job.id) if event.kind == "progress"]
    assert len(told) <= 2 + 2 * (told[-1] - told[0]).total_seconds()  # at most two a second


def sleep_on(progress: Progress) -> None:
    until = time.monotonic() + 20.0
    while time.monotonic() < until:
        time.sleep(0.05)
    raise AssertionError("nobody broke in")


def test_a_cancelled_job_that_reaches_no_item_is_interrupted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shop.submit(shop.sound("a"))
    stand_in(monkeypatch, meanwhile(sleep_on, lambda: shop.queue.cancel(job.id)))
    shop.work(WorkerTiming(0.9, 0.05, patience=0.3))
    assert shop.now(job).state == "cancelled"


def test_work_that_is_interrupted_during_an_import_has_not_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_on(progress: Progress) -> None:
        try:
            sleep_on(progress)
        except BaseException as error:  # as extension modules do
            raise ImportError("initialization failed") from error

    job, later_job = shop.submit(shop.sound("a")), shop.submit(shop.sound("b"))
    stand_in(monkeypatch, meanwhile(import_on, lambda: shop.queue.cancel(job.id)))
    shop.work(WorkerTiming(0.9, 0.05, patience=0.3))
    assert shop.now(job).state == "cancelled"
    # This process may not be whole any more, so it takes no other job.
    assert shop.now(later_job).state == "queued"


def test_a_worker_that_lost_its_lease_stops_at_once_and_writes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shop.submit(shop.sound("a"))
    other: list[object] = []

    def steal() -> None:
        with shop.database.transaction() as session:
            session.execute(update(JobRow).values(lease_until=now().replace(year=2000)))
        other.append(shop.leases.claim(WorkerIdentity("other", "there"), 60.0))

    stand_in(monkeypatch, meanwhile(sleep_on, steal))
    shop.work(WorkerTiming(0.6, 0.05))
    assert other[0] is not None
    assert shop.now(job).state == "running"
    assert shop.kinds(job) == ["submitted", "leased", "lease-lost", "leased"]


def test_progress_of_a_lost_job_is_not_taken_for_a_failed_item(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(progress: Progress) -> None:
        with shop.database.transaction() as session:
            session.execute(update(JobRow).values(lease=99))
        try:
            progress.note("still here")
        except Exception as error:
            raise AssertionError("a stage would have caught this") from error

    stand_in(monkeypatch, lose)
    job = shop.submit(shop.sound("a"))
    shop.work()
    assert shop.kinds(job) == ["submitted", "leased"]


def test_a_signal_hands_the_job_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, meanwhile(sleep_on, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    job, waiting = shop.submit(shop.sound("a")), shop.submit(shop.sound("bb"))
    shop.work()
    assert (shop.now(job).state, shop.now(job).attempt) == ("queued", 0)
    assert shop.kinds(job) == ["submitted", "leased", "released"]
    assert shop.kinds(waiting) == ["submitted"]


# --- the generator ----------------------------------------------------------------------------


def test_a_job_that_will_generate_takes_a_card_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Mapping[str, str]] = []
    monkeypatch.setattr(worker_module, "will_generate", lambda *_: True)
    stand_in(monkeypatch, lambda progress: progress.note("generating"))
    job = shop.submit(shop.sound("a"), until="", languages=("es",))

    def open_session(own: Mapping[str, str]) -> Session:
        opened.append(own)
        return shop.open_session(own)

    JobWorker(shop.leases, WorkerIdentity("me", "here", 2), open_session, WorkerTiming(30.0), shop.stop).run(
        once=True
    )
    assert shop.kinds(job) == ["submitted", "leased", "released", "leased", "note", "finished"]
    assert [dict(own) for own in opened] == [{}, {"dub.devices": "cuda:0"}]


def run_with(engine: str) -> Session:
    """Return what a run with an engine looks at, on a machine that has every model."""
    settings = configure({"engine": engine}, environment={}).settings
    models = SimpleNamespace(find=lambda role, name="": object())
    return cast(Session, SimpleNamespace(settings=settings, models=models))


def test_only_stages_of_the_generator_need_a_card() -> None:
    work = JobWork("dub", "/a.mkv", "a", ("es",))
    assert will_generate(run_with("justdubit"), work)
    assert not will_generate(run_with("voice"), work)
    early = JobWork("dub", "/a.mkv", "a", ("es",), until="translate")
    assert not will_generate(run_with("justdubit"), early)


def test_named_devices_are_one_slot_together() -> None:
    settings = configure({"dub.devices": "cuda:0,cuda:1"}, environment={}).settings
    assert card_count(settings) == 1
    assert card_count(configure({}, environment={}).settings) >= 1


# --- share of the whole -----------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["voice", "justdubit"])
def test_the_share_grows_from_stage_to_stage(engine: str) -> None:
    request = Request(("es", "fr"))
    shares = Shares(request, run_with(engine), Speeds())
    order = [(language, stage) for language, stage in shares._order]
    seen = [0.0]
    for language, stage in order:
        start = StageStart(stage.name, language, 4, 4, (1.0, 3.0), 5.0)
        seen += [shares.share(start, 0), shares.share(start, 2), shares.share(start, 4)]
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert shares.share(StageStart("dance", "es", 1, 1, (0, 0), 0), 1) == 0.0
    assert shares.left(StageStart("dance", "es", 1, 1, (0, 0), 0), 1, 0) is None


def test_the_time_left_counts_later_languages_and_shrinks() -> None:
    one, two = (Shares(Request(tags), run_with("voice"), Speeds()) for tags in (("es",), ("es", "fr")))
    speak = StageStart("speak", "es", 10, 10, (50.0, 150.0), 30.0)
    assert one.left(speak, 0, 0.0) == pytest.approx(130.0)
    assert one.left(speak, 5, 20.0) == pytest.approx(50.0)  # as fast as it went so far
    later_too = two.left(speak, 0, 0.0)
    assert later_too is not None
    assert later_too > 150.0
    final = StageStart("qc", "es", 1, 1, (2.0, 4.0), 0.0)
    assert one.left(final, 0, 1.0) == pytest.approx(2.0)


def test_the_time_left_is_unknown_until_the_clips_are_planned() -> None:
    shares = Shares(Request(("es",)), run_with("justdubit"), Speeds())
    assert shares.left(StageStart("translate", "es", 1, 1, (1.0, 3.0), 5.0), 0, 0.0) is None
    left = shares.left(StageStart("denoise", "es", 2, 2, (90.0, 110.0), 5.0), 0, 0.0)
    assert left is not None
    assert left > 100.0


@pytest.mark.slow
def test_a_line_is_made_anew_and_the_dub_rendered_by_jobs(shop: Shop) -> None:
    settings = {"mode": "low", "translate.provider": "none"}
    job = shop.submit(SAMPLE, until="", languages=("es",), settings=settings)
    shop.work()
    dubbed = shop.now(job)
    assert dubbed.state == "done", dubbed.error
    assert dubbed.result["dubs"] == {"es": "es/dub.mp4"}
    shares = [e.detail["share"] for e in shop.queue.events(job.id) if "share" in e.detail]
    assert shares == sorted(shares)
    line = min(p.name for p in (shop.output / "sample" / "es" / "takes").iterdir())
    again = shop.submit(
        SAMPLE, kind="regenerate", until="", languages=("es",), lines=(line,), settings=settings
    )
    render = shop.submit(SAMPLE, kind="render", until="", languages=("es",), settings=settings)
    shop.work()
    assert shop.now(again).state == "done", shop.now(again).error
    assert "stitch" not in shop.now(again).result["ran"]
    assert shop.now(render).state == "done", shop.now(render).error
    assert shop.now(render).result["dubs"] == {"es": "es/dub.mp4"}


# --- processes --------------------------------------------------------------------------------


def test_the_command_line_works_until_no_job_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from dubkit.cli.worker import command

    monkeypatch.setenv("DUBKIT_MODELS_OFFLINE", "true")
    job = shop.submit(shop.sound("pilot"), settings={"mode": "low"})
    done = CliRunner().invoke(
        command, ["--output", str(shop.output), "--database", shop.url, "--once"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    assert shop.now(job).state == "done"


def test_a_worker_ends_with_its_parent(shop: Shop) -> None:
    settings = configure({"serve.database": shop.url}, environment={}).settings
    began = time.monotonic()
    start(WorkerStart(settings, shop.output, shop.open_session, parent=1 if os.getppid() != 1 else 2))
    assert time.monotonic() - began < 10.0


@pytest.mark.slow
def test_a_worker_asked_to_end_hands_its_job_back_and_the_next_goes_on(shop: Shop) -> None:
    job = shop.submit(SAMPLE, until="transcribe", settings={"mode": "low"})
    first = shop.process()
    shop.wait(job, lambda j: j.progress.stage == "diarize")
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    assert (shop.now(job).state, shop.now(job).attempt) == ("queued", 0)
    second = shop.process("--once")
    assert second.wait(120) == 0
    assert shop.now(job).state == "done"
    ran = [e.detail["stage"] for e in shop.queue.events(job.id) if e.kind == "stage"]
    assert ran.count("extract") == ran.count("shots") == 1


@pytest.mark.slow
def test_a_worker_that_was_frozen_beyond_its_lease_writes_nothing_more(shop: Shop) -> None:
    job = shop.submit(SAMPLE, until="transcribe")
    zombie = shop.process("--once")
    try:
        shop.wait(job, lambda j: j.progress.stage == "shots")
        zombie.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        mine = shop.leases.claim(WorkerIdentity("other", "here"), 60.0)
        assert mine is not None
        numbers = [event.number for event in shop.queue.events(job.id)]
        zombie.send_signal(signal.SIGCONT)
        assert zombie.wait(30) == 0
        assert [event.number for event in shop.queue.events(job.id)] == numbers
        shop.leases.finish(mine, Ending("done", result={"mine": True}))
        assert shop.now(job).result == {"mine": True}
    finally:
        zombie.kill()
        zombie.wait()


def workers() -> list[int]:
    """Return the ids of the worker processes that run as children of this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"worker" in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


@pytest.mark.slow
def test_the_supervisor_replaces_a_dead_worker_and_ends_all(shop: Shop) -> None:
    arguments = ["--output", str(shop.output)]
    with Supervisor(2, shop.environment, arguments):
        first = workers()
        assert len(first) == 2
        command_line = Path(f"/proc/{first[0]}/cmdline").read_text()
        assert shop.url not in command_line
        job = shop.submit(shop.sound("a"))
        shop.wait(job, lambda j: j.state == "done")
        os.kill(first[0], signal.SIGKILL)
        until = time.monotonic() + 20
        while len(set(workers()) - set(first)) < 1 and time.monotonic() < until:
            time.sleep(0.1)
        second = workers()
        assert len(second) == 2
        assert first[0] not in second
        job = shop.submit(shop.sound("bb"))
        shop.wait(job, lambda j: j.state == "done")
    assert workers() == []
    for number in {*first, *second}:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def killed_at_work(shop: Shop, process: subprocess.Popen[bytes]) -> bool:
    """Kill a worker in the middle of a job; False, and it goes on, when it has none at the moment."""
    process.send_signal(signal.SIGSTOP)
    with shop.database.reading() as session:
        # Frozen inside a transaction it would hold up every writer, so this only reads.
        held = session.query(JobRow).where(JobRow.worker.endswith(f":{process.pid}")).count()
    if not held:
        process.send_signal(signal.SIGCONT)
        return False
    process.kill()
    process.wait()
    return True


@pytest.mark.slow
def test_200_jobs_of_20_clients_end_right_once_though_workers_are_killed(shop: Shop) -> None:
    """Of every ten jobs one is broken and one is cancelled; a worker is killed three times at random."""
    chance = random.Random(7)
    expected: dict[str, str] = {}

    def client(number: int) -> None:
        own = Database(shop.url)
        queue = JobQueue(own)
        for n in range(10):
            source = shop.inputs / f"c{number}-{n}.wav"
            if n == 4:
                source.write_bytes(b"no sound")
            else:
                soundfile.write(source, np.full(4000, 0.01 * (n + 1), dtype=np.float32), 16000)
            job = queue.submit(
                JobWork("dub", str(source), source.stem, (), until="extract"), f"client{number}", key=str(n)
            )
            expected[job.id] = "failed" if n == 4 else "done"
            if n == 7:
                with suppress(JobConflict):
                    queue.cancel(job.id)
                    expected[job.id] = "cancelled"
        own.close()

    workers = [shop.process() for _ in range(3)]
    try:
        with ThreadPoolExecutor(20) as pool:
            clients = [pool.submit(client, number) for number in range(20)]
            for finished in clients:
                finished.result()
        kills = sorted(chance.sample(range(20, 160), 3))
        until = time.monotonic() + 150
        while True:
            counts = shop.queue.counts()
            ended = sum(counts.values()) - counts["queued"] - counts["running"]
            if kills and ended >= kills[0]:
                victim = chance.randrange(3)
                if killed_at_work(shop, workers[victim]):
                    kills.pop(0)
                    workers[victim] = shop.process()
            if ended == 200:
                break
            assert time.monotonic() < until, counts
            time.sleep(0.1)
        assert not kills
    finally:
        for worker in workers:
            worker.terminate()
        codes = [worker.wait(20) for worker in workers]
    assert codes == [0, 0, 0]
    assert len(expected) == 200
    assert shop.queue.counts()["failed"] == 20
    assert shop.queue.counts()["cancelled"] >= 10
    assert sum(shop.kinds(job).count("lease-lost") for job in shop.queue.jobs(limit=300)) >= 3
    for number, state in expected.items():
        events = shop.queue.events(number)
        found = shop.queue.get(number)
        assert found is not None
        assert [e.kind for e in events].count("finished") == 1
        assert fold(events) == found.state
        # What was done already when it was cancelled stays done.
        assert found.state == state or (state == "cancelled" and found.state == "done")
        if found.state == "done":
            assert found.result["episode"] == found.work.episode
            assert (shop.output / found.work.episode / "episode.json").is_file()
