"""Jobs whose stages run at the same time: how they are stopped, and what they tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dubkit.chain import steps as machine
from dubkit.progress import Silent, Speeds, StageStart
from dubkit.web.jobs.reporter import APART, Reporter
from dubkit.web.jobs.shares import Shares
from dubkit.web.jobs.stopping import JobStopped, StopToken
from tests.chain.test_overlap import PLENTY, Site
from tests.web.test_worker import Request, run_with


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(machine.Room, "of_machine", classmethod(lambda cls: cls(2)))
    monkeypatch.setattr(machine, "free_memory", lambda: PLENTY)
    return Site(tmp_path / "site")


@pytest.fixture
def stop() -> Iterator[StopToken]:
    token = StopToken()
    with token.signals():
        yield token
    token.disarm()


class Looks(Silent):
    """Looks at every report whether the job was asked to stop, as the reporter of a job does."""

    def __init__(self, stop: StopToken) -> None:
        super().__init__()
        self._stop = stop

    def beside(self) -> Looks:
        return Looks(self._stop)

    def start(self, stage: StageStart) -> None:
        self._stop.check()


class Work:
    """Two stages that meet, and then work until somebody stops them, which happens soon after."""

    def __init__(self, asked: Callable[[], None] = lambda: None) -> None:
        self.barrier = threading.Barrier(2, action=lambda: threading.Timer(0.1, asked).start(), timeout=20)
        self.ends = list[str]()

    def __call__(self) -> None:
        try:
            self.barrier.wait()
            for _ in range(400):
                time.sleep(0.05)
        except BaseException as stopped:
            self.ends.append(type(stopped).__name__)
            raise


def left_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("left", "right")]


@pytest.mark.parametrize("reason", ["cancel", "stop", "lost"])
def test_an_urgent_stop_ends_every_stage_that_works(site: Site, stop: StopToken, reason: Any) -> None:
    work = Work(lambda: stop.ask(reason, urgent=True))
    site.does = {("left", "*"): work, ("right", "*"): work}
    began = time.monotonic()
    with pytest.raises(JobStopped) as stopped, stop.work():
        site.run(progress=Looks(stop))
    assert stopped.value.reason == reason
    assert work.ends == ["StepStopped", "StepStopped"]
    assert time.monotonic() - began < 8
    assert left_threads() == []
    assert not list((site.root / "out").glob("left*")) + list((site.root / "out").glob("right*"))


def test_a_request_that_is_repeated_changes_nothing(site: Site, stop: StopToken) -> None:
    """A stage that takes its time to end is waited for, however often somebody insists."""
    ends: list[str] = []
    work = Work(lambda: stop.ask("cancel", urgent=True))

    def slow_to_end() -> None:
        try:
            work()
        finally:
            time.sleep(0.6)
            ends.append("ended")

    def insist() -> None:
        """Do what the heartbeat does while the work goes on."""
        stop._interrupted = 0.0
        stop.insist()

    site.does = {("left", "*"): slow_to_end, ("right", "*"): slow_to_end}
    again = [threading.Timer(after, insist) for after in (0.4, 0.5)]
    for timer in again:
        timer.start()
    with pytest.raises(JobStopped), stop.work():
        site.run(progress=Looks(stop))
    assert ends == ["ended", "ended"]
    assert left_threads() == []


def test_a_stop_that_a_stage_notices_ends_the_other_one_too_and_the_next_run_goes_on(
    site: Site, stop: StopToken
) -> None:
    work = Work()

    def notices() -> None:
        work.barrier.wait()
        stop.ask("cancel", urgent=False)
        stop.check()

    site.does = {("left", "*"): notices, ("right", "*"): work}
    with pytest.raises(JobStopped), stop.work():
        site.run(progress=Looks(stop))
    assert work.ends == ["StepStopped"]
    stop.reset()
    site.does.clear()
    site.log.clear()
    with stop.work():
        assert not site.run(progress=Looks(stop)).errors
    assert "begin probe" not in site.log
    assert site.log[-1] == "end lay fr"


# --- what a job tells -------------------------------------------------------------------------


@dataclass
class Events:
    """Takes what reporters record, from any thread."""

    told: list[tuple[str, str, float]] = field(default_factory=list)
    """Kind, stage with language, share of the whole."""

    def record(self, held: Any, kind: str, detail: dict[str, Any], progress: Any) -> None:
        self.told.append((kind, f"{detail['stage']} {detail['language']}".strip(), detail["share"]))

    def of(self, kind: str) -> list[str]:
        return [stage for one, stage, _ in self.told if one == kind]


def reporter(events: Events) -> Reporter:
    shares = Shares(Request(("es", "fr")), run_with("voice"), Speeds())
    held = SimpleNamespace(job=SimpleNamespace(id="j1"))
    return Reporter(events, held, shares, StopToken())  # type: ignore[arg-type]


def started(stage: str, language: str = "", items: int = 4) -> StageStart:
    return StageStart(stage, language, items, items, (1.0, 3.0), 5.0)


def test_reporters_of_one_job_tell_each_of_its_own_stage_and_one_share_that_never_falls() -> None:
    events = Events()
    first = reporter(events)
    first.start(started("extract"))
    first.finish(1.0)
    spanish, french = first.beside(), first.beside()
    spanish.start(started("translate", "es"))
    french.start(started("translate", "fr"))
    for done in (1.0, 2.0, 3.0):
        time.sleep(APART / 2)
        french.advance(done)
        spanish.advance(done)
    french.finish(1.0)
    spanish.finish(1.0, "failed", 1)
    assert events.of("stage") == ["extract", "translate es", "translate fr"]
    assert events.of("stage-finished") == ["extract", "translate fr", "translate es"]
    shares = [share for _, _, share in events.told]
    assert shares == sorted(shares)
    assert shares[-1] < 1.0, "nothing was spoken yet"
    assert 1 <= len(events.of("progress")) <= 4, "together they report as often as one"


def test_what_is_done_in_two_languages_counts_together() -> None:
    events = Events()
    first = reporter(events)
    spanish, french = first.beside(), first.beside()
    spanish.start(started("speak", "es"))
    before = events.told[-1][2]
    french.start(started("translate", "fr"))
    french.finish(1.0)
    alone = Shares(Request(("es", "fr")), run_with("voice"), Speeds())
    both = {started("speak", "es"): 0.0, started("translate", "fr"): 4.0}
    assert events.told[-1][2] == pytest.approx(alone.whole(both))
    assert events.told[-1][2] > before


def test_threads_that_report_at_once_lose_no_stage() -> None:
    events = Events()
    first = reporter(events)

    def work(language: str) -> None:
        own = first.beside()
        for stage in ("translate", "cast", "adapt", "schedule", "speak", "mix"):
            own.start(started(stage, language))
            for done in range(5):
                own.advance(float(done))
            own.finish(1.0)

    threads = [threading.Thread(target=work, args=(language,)) for language in ("es", "fr")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events.of("stage")) == len(events.of("stage-finished")) == 12
    assert len(first._together.parts) == 12
    alone = Shares(Request(("es", "fr")), run_with("voice"), Speeds())
    assert first._together.share == pytest.approx(alone.whole(first._together.parts))
