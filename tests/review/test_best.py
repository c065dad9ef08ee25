"""Best of several takes: who gets further ones, which is used, and what they may need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import UNSET, UnsetType

from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.chain.stage import Item, Sink
from dubkit.chain.work import run_stage
from dubkit.dubbing.settings import Dub
from dubkit.episode.context import Context
from dubkit.episode.store import Parts, Record
from dubkit.errors import SettingError, VoiceError
from dubkit.progress import Silent, Speeds
from dubkit.review.best import forecast
from dubkit.review.budget import Budget, Spent, read_budget
from dubkit.review.changes import Desk, LineChange
from dubkit.review.history import history
from dubkit.review.rounds import Order, Rounds
from dubkit.review.takes import line_takes
from dubkit.review.tries import Marks, Try, best_try, read_tries, scores, total_of
from dubkit.studio import Session, chain
from dubkit.types import (
    Clips,
    EpisodeQc,
    Line,
    LineQc,
    LineRoute,
    Segment,
    SpokenLine,
    Transcript,
    Translation,
)
from dubkit.types.voices import Receipt
from stages.shared.voices import line_seed
from tests.review.test_changes import PT, make_episode

COUNT = 20


class Killed(BaseException):
    """The process ends in the middle of a line."""


def bad_by_chance(line: str, seed: int | None) -> bool:
    """The first reading of two lines in three is bad, and so is every other one of two that follow."""
    value = sha256(f"{line} {seed}".encode()).digest()[0]
    return value < (170 if seed is None else 128)


@dataclass
class Studio:
    """An episode whose voice has known bad seeds: a run speaks what is due, and measures it."""

    context: Context
    bad: Callable[[str, int | None], bool] = bad_by_chance
    fails: Callable[[str, int | None], bool] = lambda line, seed: False
    calls: Callable[[str, int | None], int] = lambda line, seed: 1
    sound: Callable[[str, int | None], str] = lambda line, seed: f"{line} {seed}"
    receipt: Receipt | UnsetType = UNSET
    log: list[tuple[str, int | None]] = field(default_factory=list)
    """Every call of the engine."""
    done: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    """Takes that were made whole."""
    kill_at: int = 0
    first: int = 0
    """Calls of first readings."""
    told: Silent = field(default_factory=Silent)
    clock: float = 0.0

    def open(self) -> Context:
        return self.context.fresh()

    def speak(self, context: Context, items: Sequence[Item], sink: Sink) -> None:
        for item in items:
            seed = line_seed(context, item.id)
            many = self.calls(item.id, seed)
            for _ in range(many):
                self.log.append((item.id, seed))
                self.first += seed is None
                self.clock += 6.0
                if len(self.log) == self.kill_at:
                    raise Killed
            with sink.attempt(item.id):
                if self.fails(item.id, seed):
                    raise VoiceError("The engine gave no sound.")
                with sink.take(item.id) as take:
                    (take.folder / "speech.wav").write_bytes(self.sound(item.id, seed).encode())
                    text = next(line.text for _, line in context.lines if line.id == item.id)
                    take.value = SpokenLine(
                        item.id,
                        "test",
                        "a",
                        0,
                        96_000,
                        1.0,
                        "fits",
                        (),
                        text,
                        seed,
                        calls=many,
                        receipt=self.receipt,
                    )
                self.done[item.id, seed] += 1

    def run(self, leave: frozenset[str] = frozenset()) -> Outcome:
        here = self.open()
        stage = replace(chain().find("speak", "test"), run=self.speak, after=None)
        run_stage(stage, here, Request((PT,), leave=leave), self.told, Speeds(), 0.0, frozenset())
        here = here.fresh()
        lines = []
        for _, line in here.lines:
            record = here.record("speak", line.id)
            if record is None or record.error:
                continue
            bad = self.bad(line.id, here.spoken_line(line.id).seed)
            lines.append(LineQc(line.id, "", 0.8 if bad else 0.1, 0.0, 0.0, ("words",) if bad else ()))
        here.store.write_json("qc.json", EpisodeQc(tuple(lines), 0.1, -20, -20, -1, 0, 0, 0, 0.0), PT)
        here.store.save_record(Record("episode", "k", Parts("qc", 1)), PT)
        return Outcome(here.store)

    def dub(self, takes: int, budget: str = "", lines: Sequence[str] = (), who: str = "dubkit") -> Outcome:
        """Dub as `dubkit run --takes` does."""
        settings = replace(self.context.settings, dub=Dub(takes=takes, take_budget=budget))
        self.context = replace(self.context, settings=settings)
        session = Session(settings, Path(), self.context.models, Speeds())
        order = Order(takes, read_budget(budget), frozenset(lines), who)
        return Rounds(session, [self.open], order, self.run, self.told, lambda: self.clock).go()

    @property
    def failing(self) -> set[str]:
        qc = self.open().store.read("qc.json", EpisodeQc, PT)
        heard = {line.id for line in qc.lines if not line.flags}
        return {f"s{n:04d}" for n in range(1, len(self.open().lines) + 1)} - heard

    @property
    def further(self) -> int:
        """Calls for takes after the first."""
        return len(self.log) - self.first

    def seeds(self) -> dict[str, int | None]:
        return {line.id: line_seed(self.open(), line.id) for _, line in self.open().lines}


def long_episode(folder: Path, count: int = COUNT) -> Context:
    folder.mkdir(exist_ok=True)
    context = make_episode(folder)
    ids = [f"s{n:04d}" for n in range(1, count + 1)]
    segments = tuple(Segment(name, 3.0 * k, 3.0 * k + 2, "spk1", "Hello.") for k, name in enumerate(ids))
    context.store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    lines = tuple(Line(name, f"Frase {name}.") for name in ids)
    context.store.write_json("translation.json", Translation(PT, lines), PT)
    routes = tuple(LineRoute(name, "voice", "the voice engine") for name in ids)
    context.store.write_json("clips.json", Clips("voice", (), routes), PT)
    return context


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(long_episode(tmp_path))


# --- who is rescued ---------------------------------------------------------------------------


def test_lines_with_bad_seeds_are_rescued_and_the_others_left_alone(studio: Studio) -> None:
    studio.run()
    bad = studio.failing
    assert len(bad) >= 10
    studio.dub(6)
    assert len(studio.failing & bad) <= 0.1 * len(bad)
    assert not studio.failing - bad
    assert all(line in bad for line, seed in studio.log if seed is not None)
    assert max(studio.done.values()) == 1
    for line in bad:  # all that was tried is there to be compared
        takes = line_takes(studio.open(), line)
        assert [take.seed for take in takes] == [None, *range(1, len(takes))]
        assert sum(take.in_use for take in takes) == 1


def test_without_takes_nothing_is_tried(studio: Studio) -> None:
    studio.dub(1)
    assert studio.further == 0
    assert not studio.open().store.has("edits.json", PT)


def test_a_second_run_does_nothing_and_more_takes_go_on(studio: Studio) -> None:
    studio.dub(2)
    first, left = len(studio.log), studio.failing
    studio.dub(2)
    assert len(studio.log) == first
    studio.dub(5)
    assert {line for line, _ in studio.log[first:]} == left
    assert all(seed is not None and seed >= 2 for _, seed in studio.log[first:])


def test_a_line_that_failed_is_tried_and_a_failed_try_is_not_used(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 2), bad=lambda line, seed: False)
    studio.fails = lambda line, seed: line == "s0001" and seed in (None, 1)
    studio.dub(4)
    assert studio.seeds() == {"s0001": 2, "s0002": None}
    assert studio.failing == set()


def test_an_engine_is_not_asked_again_in_vain_beside_the_tries(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 4), bad=lambda line, seed: seed != 3)
    studio.fails = lambda line, seed: line in ("s0001", "s0002")
    studio.dub(6, "10 calls")
    assert studio.further <= 10
    assert Counter(line for line, seed in studio.log if seed is None) == dict.fromkeys(studio.seeds(), 1)
    assert all(count == 1 for count in Counter(studio.log).values())


def test_where_no_take_is_good_the_first_stays(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 2), bad=lambda line, seed: line == "s0002")
    studio.dub(3)
    assert studio.seeds() == {"s0001": None, "s0002": None}
    assert [take.take for take in line_takes(studio.open(), "s0002") if take.in_use] == ["v001"]
    assert studio.done == {("s0001", None): 1, ("s0002", None): 1, ("s0002", 1): 1, ("s0002", 2): 1}


def test_bad_takes_that_sound_alike_are_no_reason_to_stop(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 1), bad=lambda line, seed: seed != 4)
    studio.sound = lambda line, seed: "good" if seed == 4 else "noise"
    studio.dub(6)
    assert studio.seeds() == {"s0001": 4}
    assert studio.further == 4


def test_lines_that_nobody_can_mend_get_no_take(studio: Studio) -> None:
    studio.fails = lambda line, seed: False
    studio.bad = lambda line, seed: False
    store = studio.open().store
    lines = tuple(
        replace(line, flags=("untranslated",))
        for line in store.read("translation.json", Translation, PT).lines
    )
    store.write_json("translation.json", Translation(PT, lines), PT)
    studio.dub(4)
    assert studio.further == 0


# --- people -----------------------------------------------------------------------------------


def test_what_a_person_chose_locked_or_accepted_is_never_replaced(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 6), bad=lambda line, seed: True)
    studio.run()
    desk = Desk(studio.open(), "ana")
    desk.lock(["s0001"])
    desk.accept(["s0002"])
    desk.choose("s0003", "v001")
    desk.new_seeds(["s0004"])
    studio.run()
    before = len(studio.log)
    studio.dub(3)
    assert {line for line, _ in studio.log[before:]} == {"s0005", "s0006"}
    assert studio.seeds()["s0004"] == 1


def test_a_person_who_takes_a_try_back_is_heeded(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 1), bad=lambda line, seed: seed is None)
    studio.dub(3)
    assert studio.seeds() == {"s0001": 1}
    number = history(studio.open())[0].number
    assert history(studio.open())[0].who == "dubkit"
    Desk(studio.open(), "ana").undo(number)
    calls = len(studio.log)
    studio.dub(3)
    assert (studio.seeds(), len(studio.log)) == ({"s0001": None}, calls)


def test_other_words_are_tried_anew_and_the_budget_goes_on(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 1), bad=lambda line, seed: True)
    studio.dub(3, "20 calls")
    assert read_tries(studio.open()).spent.calls == 2
    Desk(studio.open(), "ana").edit("s0001", LineChange(text="Outra frase."))
    studio.dub(3, "20 calls")
    assert read_tries(studio.open()).spent.calls == 4
    assert max(studio.done.values()) <= 2  # the plain reading, once for each text


def test_a_person_who_asks_gets_the_best_of_the_old_and_the_new_takes(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 2), bad=lambda line, seed: seed != 2)
    studio.run()
    studio.dub(4, lines=["s0002"], who="ana")
    assert studio.seeds() == {"s0001": None, "s0002": 2}
    assert {seed for line, seed in studio.log if line == "s0002"} == {None, 1, 2, 3}
    assert history(studio.open())[0].who == "ana"
    studio.dub(3, lines=["s0002"], who="ana")  # asks anew
    assert {seed for line, seed in studio.log if line == "s0002"} == {None, 1, 2, 3, 4, 5}
    assert studio.seeds()["s0002"] == 2


# --- the budget -------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [0, 1, 7, 20])
def test_a_budget_of_calls_is_never_exceeded(studio: Studio, calls: int) -> None:
    studio.calls = lambda line, seed: 1 + (seed or 0) % 2
    outcome = studio.dub(6, f"{calls} calls")
    assert studio.further <= calls
    assert read_tries(studio.open()).spent.calls == studio.further
    assert calls - studio.further < 2 or not studio.failing
    starved = {one.place for one in outcome.remarks if one.code == "takes-budget"}
    assert bool(starved) == bool(studio.failing)
    assert starved <= studio.failing
    studio.dub(6, f"{calls} calls")
    assert studio.further <= calls


def test_the_budget_is_spent_alike_every_time(tmp_path: Path) -> None:
    found = []
    for name in "ab":
        studio = Studio(long_episode(tmp_path / name, 8))
        studio.dub(4, "6 calls")
        found.append((studio.log, studio.seeds(), studio.open().store.path("best.json", PT).read_bytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("every", [1, 3, 7])
def test_a_killed_run_goes_on_and_makes_no_take_twice(tmp_path: Path, every: int) -> None:
    whole = Studio(long_episode(tmp_path / "whole", 6))
    whole.dub(5)
    studio = Studio(long_episode(tmp_path / "killed", 6))
    for _ in range(200):
        studio.kill_at = len(studio.log) + 1 + every
        try:
            studio.dub(5)
            break
        except Killed:
            continue
    assert max(studio.done.values()) == 1
    assert studio.done == whole.done
    assert studio.seeds() == whole.seeds()


@pytest.mark.parametrize("every", [1, 2, 5])
def test_a_killed_run_keeps_to_its_budget(tmp_path: Path, every: int) -> None:
    studio = Studio(long_episode(tmp_path, 8))
    for _ in range(200):
        studio.kill_at = len(studio.log) + 1 + every
        try:
            studio.dub(6, "12 calls")
            break
        except Killed:
            continue
    assert studio.further <= 12
    assert max(studio.done.values()) == 1


def test_a_run_that_is_killed_before_its_seeds_are_set_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio(long_episode(tmp_path, 3), bad=lambda line, seed: seed is None)

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "make", killed)
        with pytest.raises(Killed):
            studio.dub(3)
    studio.dub(3)
    assert studio.failing == set()
    assert read_tries(studio.open()).spent.calls == 3


def test_money_is_reckoned_before_it_is_spent(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubkit.review.units.price_of", lambda context, text: 0.02)
    studio.receipt = Receipt(20, 1, money=0.015)
    outcome = studio.dub(6, "0.11 EUR")
    # Seven takes cost 0.105; for the seventh there must be 0.02 left, the most that it may cost.
    assert studio.further == 7
    assert read_tries(studio.open()).spent.money == 0.105
    assert any("0.11 EUR" in one.sentence for one in outcome.remarks)


def test_minutes_are_counted_and_the_result_is_marked(tmp_path: Path) -> None:
    studio = Studio(long_episode(tmp_path, 6))
    outcome = studio.dub(6, "30 min")
    state = read_tries(studio.open())
    assert state.spent.seconds == 6.0 * studio.further <= 1800
    assert not state.reproducible
    assert any(one.code == "takes-by-time" and one.weight == "note" for one in outcome.remarks)


def test_no_take_is_begun_for_which_the_time_is_too_short(studio: Studio) -> None:
    studio.dub(6, "0.01 min")
    assert studio.further == 0


def test_a_plan_says_what_takes_may_need(studio: Studio) -> None:
    order = Order(4, read_budget("20 calls"))
    before = forecast(studio.open(), order)
    assert before is not None
    assert (before.lines, before.takes) == (None, 3 * COUNT)
    studio.run()
    after = forecast(studio.open(), order)
    assert after is not None
    assert after.lines == len(studio.failing)
    assert (after.takes, after.needs.calls) == (3 * after.lines, 2 * 3 * after.lines)
    studio.dub(4, "20 calls")
    spent = forecast(studio.open(), order)
    assert spent is not None
    assert spent.spent.calls == studio.further


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("", Budget()),
        ("20 calls", Budget(calls=20)),
        ("1 call", Budget(calls=1)),
        (" 5 min ", Budget(seconds=300.0)),
        ("1.5 minutes", Budget(seconds=90.0)),
        ("2.50 USD", Budget(money=2.5, currency="USD")),
    ],
)
def test_a_budget_is_read(text: str, budget: Budget) -> None:
    assert read_budget(text) == budget


@pytest.mark.parametrize(
    "text", ["20", "calls", "1.5 calls", "-3 calls", "5 hours", "2,50 USD", "2 usd", "5 min 3 calls"]
)
def test_a_budget_that_cannot_be_read_is_refused_with_what_it_may_be(text: str) -> None:
    with pytest.raises(SettingError, match=r"dub\.take_budget"):
        read_budget(text)


# --- the score --------------------------------------------------------------------------------


def one(words: float, *flags: str, **parts: float) -> Try:
    return Try({"s1": {}}, marks={"s1": Marks(flags, {"words": words, **parts})})


def test_fewest_flags_come_first_then_the_score_then_the_earliest() -> None:
    clean = [one(0.7), one(0.9), one(0.9)]
    assert best_try([one(0.99, "late"), *clean]) is clean[1]
    failed = Try({}, marks={"s1": Marks(("failed",))})
    assert best_try([failed, one(0.1, "words", "late")]).flags == ("words", "late")
    assert best_try([failed, failed]) is failed


def test_only_parts_that_all_tries_have_count() -> None:
    tries = [one(0.8, likeness=1.0), one(0.9)]
    assert scores(tries) == [0.8, 0.9]
    assert best_try(tries) is tries[1]


def test_amounts_add_up() -> None:
    assert total_of([Spent(1, 2.0, 0.1), Spent(2, 0.5, 0.2)]) == Spent(3, 2.5, 0.3)
