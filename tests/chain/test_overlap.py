"""Stages that do not need each other run at the same time, and nothing else changes."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.chain import steps as machine
from dubkit.chain.chain import Chain, Request
from dubkit.chain.run import Outcome, execute
from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DiskFull, DubkitError
from dubkit.models.store import ModelStore
from dubkit.progress import Ended, Silent, Speeds, StageStart

PLENTY = 64 << 30


class Site:
    """Small stages in a diamond: `probe`, then `left` and `right`, then `join`; then `say` and `lay`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.source = root / "source.txt"
        self.source.write_text("One.")
        self.does: dict[tuple[str, str], Callable[[], None]] = {}
        self.log: list[str] = []
        self.settings = replace(Settings(), overlap=True)
        self.stages = [
            self.stage("probe", "episode"),
            self.stage("left", "episode", "probe"),
            self.stage("right", "episode", "probe"),
            self.stage("join", "episode", "left", "right"),
            self.stage("say", "language", "join"),
            self.stage("lay", "language", "say"),
        ]

    def stage(self, name: str, scope: str, *needs: str, **changes: object) -> Stage:
        home = f"{name}.json"

        def items(context: Context) -> Sequence[Item]:
            shared = {
                n: context.artifact_digest(f"{n}.json") for n in needs if context.store.has(f"{n}.json")
            }
            return [Item(EPISODE, inputs=shared)]

        def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
            step = f"{name} {context.language}".strip()
            self.log.append(f"begin {step}")
            for key in ((name, context.language), (name, "*")):
                self.does.get(key, lambda: None)()
            sink.write_json(home, {"of": step})
            sink.done(EPISODE, value=step, files=[home])
            self.log.append(f"end {step}")

        made = Stage(name, 1, scope, items, run, needs=needs, artifact=home, beside=True, cores=1)  # type: ignore[arg-type]
        return replace(made, **changes)  # type: ignore[arg-type]

    def run(self, *languages: str, progress: Silent | None = None, **asked: object) -> Outcome:
        context = Context(
            EpisodeStore(self.root / "out"), self.settings, self.source, "0" * 64, ModelStore(self.root / "m")
        )
        request = replace(Request(languages or ("fr",)), **asked)  # type: ignore[arg-type]
        return execute(Chain(tuple(self.stages)), context, request, progress or Silent(), Speeds())

    def files(self) -> dict[str, bytes]:
        """Return what lies in the episode's folder, the history aside, which holds times."""
        out = self.root / "out"
        found = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
        return {name: p.read_bytes() for name, p in found.items() if not name.endswith("history.jsonl")}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(machine.Room, "of_machine", classmethod(lambda cls: cls(2)))
    monkeypatch.setattr(machine, "free_memory", lambda: PLENTY)
    return Site(tmp_path / "site")


def meeting() -> Callable[[], None]:
    """Return what two stages do that must run at the same time: each waits for the other."""
    barrier = threading.Barrier(2, timeout=20)
    return lambda: (barrier.wait(), None)[1]


def waiting(seconds: float = 0.2) -> Callable[[], None]:
    return lambda: time.sleep(seconds)


def failing(error: BaseException, after: float = 0.0) -> Callable[[], None]:
    def fail() -> None:
        time.sleep(after)
        raise error

    return fail


def test_stages_that_do_not_need_each_other_run_at_the_same_time(site: Site) -> None:
    site.does = {("left", "*"): (meet := meeting()), ("right", "*"): meet}
    outcome = site.run()
    assert not outcome.errors
    assert site.log.index("begin join") > max(site.log.index("end left"), site.log.index("end right"))


def test_languages_run_beside_each_other(site: Site) -> None:
    site.does = {("say", "fr"): (meet := meeting()), ("say", "es"): meet}
    assert not site.run("fr", "es").errors


def test_the_outcome_has_the_order_of_the_chain_whatever_ended_first(site: Site) -> None:
    site.does = {("left", "*"): waiting(), ("say", "fr"): waiting()}
    outcome = site.run("fr", "es")
    assert [(r.stage, r.language) for r in outcome.stages] == [
        ("probe", ""), ("left", ""), ("right", ""), ("join", ""),
        ("say", "fr"), ("lay", "fr"), ("say", "es"), ("lay", "es"),
    ]  # fmt: skip
    assert site.log.index("end right") < site.log.index("end left")


def test_results_are_those_of_a_run_one_after_the_other(site: Site, tmp_path: Path) -> None:
    site.run("fr", "es")
    other = Site(tmp_path / "other")
    other.settings = Settings()
    other.run("fr", "es")
    assert site.files() == other.files()
    assert [line.split()[0] for line in other.log] == ["begin", "end"] * 8


@pytest.mark.parametrize("why", ["switched off", "one core", "no memory", "alone", "all cores"])
def test_stages_run_one_after_the_other_in_the_thread_that_called(
    site: Site, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "switched off":
        site.settings = Settings()
    elif why == "one core":
        monkeypatch.setattr(machine.Room, "of_machine", classmethod(lambda cls: cls(1)))
    elif why == "no memory":
        monkeypatch.setattr(machine, "free_memory", lambda: machine.SPARE - 1)
    if why in ("alone", "all cores"):
        changes: dict[str, object] = {"beside": False} if why == "alone" else {"cores": 0}
        site.stages = [replace(stage, **changes) for stage in site.stages]  # type: ignore[arg-type]
    here: list[bool] = []
    note = lambda: here.append(threading.current_thread() is threading.main_thread())  # noqa: E731
    site.does = {(stage.name, "*"): note for stage in site.stages}
    site.run("fr", "es")
    assert here == [True] * 8
    assert [line.split()[0] for line in site.log] == ["begin", "end"] * 8


def test_memory_is_asked_for_all_that_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    half = PLENTY // 2
    site.stages = [replace(stage, memory=lambda context: half) for stage in site.stages]
    site.run()
    assert [line.split()[0] for line in site.log] == ["begin", "end"] * 6
    site.stages = [replace(stage, memory=lambda context: half // 2) for stage in site.stages]
    site.does = {("left", "*"): (meet := meeting()), ("right", "*"): meet}
    assert not site.run(force=frozenset({"left", "right"})).errors


def test_a_part_works_before_the_stage_that_it_is_a_part_of(site: Site) -> None:
    part = replace(site.stage("ahead", "language", "join"), part_of="lay")
    site.stages.insert(5, part)
    outcome = site.run("fr")
    assert [(r.stage, len(r.ran)) for r in outcome.stages[-2:]] == [("ahead", 1), ("lay", 0)]


def test_a_stage_of_another_package_runs_alone_after_all_before_it(site: Site) -> None:
    site.stages.insert(2, site.stage("theirs", "episode", "probe", beside=False))
    site.does = {("left", "*"): waiting(), ("theirs", "*"): waiting()}
    site.run()
    order = [line for line in site.log if line.split()[1] in ("left", "theirs", "right")]
    assert order == ["begin left", "end left", "begin theirs", "end theirs", "begin right", "end right"]


# --- failures ---------------------------------------------------------------------------------


def test_a_shared_stage_that_fails_ends_the_episode_and_what_ran_beside_it_is_kept(site: Site) -> None:
    site.does = {("left", "*"): failing(DubkitError("No left.")), ("right", "*"): waiting()}
    outcome = site.run("fr", "es")
    assert outcome.errors == ["No left."]
    assert outcome.exit_code == 1
    assert "end right" in site.log
    assert not any("join" in line or "say" in line for line in site.log)
    site.log.clear()
    site.does.clear()
    assert not site.run("fr", "es").errors
    assert "begin right" not in site.log


def test_a_language_that_fails_ends_alone(site: Site) -> None:
    site.does = {("say", "fr"): failing(DubkitError("No French.")), ("say", "es"): waiting()}
    outcome = site.run("fr", "es")
    assert outcome.errors == ["No French."]
    assert [r.stage for r in outcome.stages if r.language == "es"] == ["say", "lay"]
    assert "begin lay fr" not in site.log


def test_errors_have_the_order_of_the_chain(site: Site) -> None:
    site.does = {
        ("say", "fr"): failing(DubkitError("No French."), after=0.2),
        ("say", "es"): failing(DubkitError("No Spanish.")),
    }
    assert site.run("fr", "es").errors == ["No French.", "No Spanish."]


@pytest.mark.parametrize("error", [DiskFull(Path("x")), KeyboardInterrupt(), ZeroDivisionError()])
def test_what_stops_a_run_stops_what_runs_beside_it(site: Site, error: BaseException) -> None:
    ends: list[str] = []

    def long_work() -> None:
        try:
            for _ in range(400):
                time.sleep(0.05)
            ends.append("to its end")
        except BaseException as stopped:
            ends.append(type(stopped).__name__)
            raise

    def follow() -> None:
        raise error

    site.stages[1] = replace(site.stages[1], after=lambda *_: follow())
    site.does = {("left", "*"): waiting(0.1), ("right", "*"): long_work}
    began = time.monotonic()
    with pytest.raises(type(error)):
        site.run()
    assert ends == ["StepStopped"]
    assert time.monotonic() - began < 10
    assert not list((site.root / "out").glob("right*"))


def test_ctrl_c_stops_all_and_the_next_run_goes_on(site: Site) -> None:
    meet = meeting()

    def interrupt() -> None:
        meet()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        for _ in range(400):
            time.sleep(0.05)

    def long_work() -> None:
        meet()
        for _ in range(400):
            time.sleep(0.05)

    site.does = {("left", "*"): interrupt, ("right", "*"): long_work}
    with pytest.raises(KeyboardInterrupt):
        site.run()
    assert not [thread for thread in threading.enumerate() if thread.name in ("left", "right")]
    site.does.clear()
    assert not site.run().errors
    assert site.log[-2:] == ["begin lay fr", "end lay fr"]


def test_a_source_that_changes_ends_the_run_when_what_runs_has_ended(site: Site) -> None:
    site.does = {("left", "*"): lambda: (site.source.write_text("Two, and more."), None)[1]}
    outcome = site.run()
    assert len(outcome.errors) == 1
    assert "changed or moved" in outcome.errors[0]
    assert "begin join" not in site.log


# --- progress ---------------------------------------------------------------------------------


class Told(Silent):
    """Notes which reporter is told what."""

    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self.told = told
        self.stage = ""

    def beside(self) -> Told:
        return Told(self.told)

    def start(self, stage: StageStart) -> None:
        assert not self.stage, "a reporter has one stage at a time"
        self.stage = stage.stage

    def finish(self, seconds: float, ended: Ended = "done", failed: int = 0) -> None:
        self.told.append(f"{self.stage} {ended}")
        self.stage = ""


def test_every_stage_reports_for_itself(site: Site) -> None:
    site.does = {("left", "*"): (meet := meeting()), ("right", "*"): meet}
    told: list[str] = []
    site.run(progress=Told(told))
    assert sorted(told) == sorted(f"{stage.name} done" for stage in site.stages)


def test_records_hold_what_they_held_before(site: Site) -> None:
    site.run("fr", "es")
    record = json.loads((site.root / "out/.dubkit/items/es/say/episode.json").read_text())
    assert record["value"] == "say es"
