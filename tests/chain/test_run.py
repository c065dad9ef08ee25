"""The chain on small real stages: what runs, why, and what a failure costs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.batch.result import result_of_run
from dubkit.chain.chain import Chain, Request
from dubkit.chain.plan import plan
from dubkit.chain.run import Outcome, execute
from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.edits import edit_fields
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DiskFull, DubkitError, SpeechServiceDown
from dubkit.models.store import ModelStore
from dubkit.progress import Progress, Silent, Speeds, Terminal
from dubkit.studio import open_session
from dubkit.types import Line, Remark, Segment, Transcript, Translation, remark
from stages.shared.anchoring import anchor_edits

TEXTS = ("One.", "Two.", "Three.")


class Bench:
    """Four small stages over an episode of three segments: transcribe, translate, speak, mix."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "source.txt"
        self.source.write_text("\n".join(TEXTS))
        self.settings = Settings()
        self.calls: list[str] = []
        self.broken: dict[str, Exception] = {}
        self.progress: Progress = Silent()
        self.chain = Chain(self.stages())

    def context(self) -> Context:
        models = ModelStore(self.root / "models")
        store = EpisodeStore(self.root / "out")
        return Context(store, self.settings, self.source, chain_digest(self.source), models)

    def run(self, *languages: str, **changes: object) -> Outcome:
        request = replace(Request(languages or ("fr",)), **changes)  # type: ignore[arg-type]
        self.calls.clear()
        return execute(self.chain, self.context(), request, self.progress, Speeds())

    def plan(self, *languages: str, **changes: object) -> dict[str, dict[str, str]]:
        request = replace(Request(languages or ("fr",)), **changes)  # type: ignore[arg-type]
        return {p.stage: dict(p.reasons) for p in plan(self.chain, self.context(), request, Speeds())}

    def edit(self, table: object, language: str = "fr") -> None:
        path = self.root / "out" / language / "edits.json"
        path.write_text(json.dumps(table))

    # the stages

    def stages(self) -> tuple[Stage, ...]:
        def whole(context: Context) -> list[Item]:
            return [Item(EPISODE, inputs={"source": context.sha256})]

        return (
            Stage(
                "transcribe",
                1,
                "episode",
                whole,
                self.transcribe,
                artifact="transcript.json",
                aliases=("transcript",),
                after=anchor_edits,
                accepts=lambda: (".txt",),
            ),
            Stage(
                "translate",
                1,
                "language",
                self.translate_items,
                self.translate,
                needs=("transcribe",),
                depends=("translate.context",),
                artifact="translation.json",
                assemble=self.assemble,
            ),
            Stage("speak", 1, "language", self.speak_items, self.speak, needs=("translate",), takes=True),
            Stage("mix", 1, "language", self.mix_items, self.mix, needs=("speak",), artifact="mix/mix.json"),
        )

    def transcribe(self, context: Context, items: Sequence[Item], sink: Sink) -> None:
        self.note("transcribe", items)
        file = context.user_file("transcribe") or context.source
        segments = tuple(
            Segment(f"s{n:04d}", float(n), n + 0.9, "spk1", text)
            for n, text in enumerate(file.read_text().splitlines(), 1)
        )
        sink.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
        sink.done(EPISODE, files=["transcript.json"])

    def translate_items(self, context: Context) -> list[Item]:
        return [
            Item(s.id, inputs={f"transcribe/{s.id}": context.digest(s.text)})
            for s in context.transcript.segments
        ]

    def translate(self, context: Context, items: Sequence[Item], sink: Sink) -> None:
        self.note("translate", items)
        texts = {s.id: s.text for s in context.transcript.segments}
        for item in items:
            if f"translate/{item.id}" in self.broken:
                raise self.broken[f"translate/{item.id}"]
            sink.done(item.id, value={"text": f"{context.language}:{texts[item.id]}"})

    def assemble(self, context: Context) -> None:
        records = context.store.records("translate", context.language)
        lines = tuple(
            Line(s.id, records[s.id].value["text"] if records.get(s.id) and records[s.id].value else "")
            for s in context.transcript.segments
        )
        context.store.write_json("translation.json", Translation(context.language, lines), context.language)

    def speak_items(self, context: Context) -> list[Item]:
        texts = {line.id: line.text for line in context.translation.lines}
        return [
            Item(
                line.id,
                inputs={f"translate/{line.id}": context.digest(texts[line.id])},
                edits=edit_fields(context.placed.lines.get(line.id)),
            )
            for _, line in context.lines
        ]

    def speak(self, context: Context, items: Sequence[Item], sink: Sink) -> None:
        self.note("speak", items)
        texts = {line.id: line.text for _, line in context.lines}
        for item in items:
            error = self.broken.get(f"speak/{item.id}")
            if isinstance(error, DubkitError) and not isinstance(error, DiskFull):
                sink.fail(item.id, error)
                continue
            if error:
                raise error
            with sink.take(item.id) as take:
                (take.folder / "speech.wav").write_text(texts[item.id])
                take.value = {"text": texts[item.id]}

    def mix_items(self, context: Context) -> list[Item]:
        inputs = {}
        for _, line in context.lines:
            file = context.take_file(line.id)
            inputs[f"speak/{line.id}"] = context.digest(file.read_text() if file else "")
        return [Item(EPISODE, inputs=inputs)]

    def mix(self, context: Context, items: Sequence[Item], sink: Sink) -> None:
        self.note("mix", items)
        files = (context.take_file(line.id) for _, line in context.lines)
        sink.write_json("mix/mix.json", [file.read_text() for file in files if file])
        sink.done(EPISODE, files=["mix/mix.json"], remarks=self.remarks)

    remarks: tuple[Remark, ...] = ()

    def note(self, stage: str, items: Sequence[Item]) -> None:
        self.calls.extend(f"{stage}/{item.id}" for item in items)


def chain_digest(path: Path) -> str:
    from dubkit.episode.store import file_digest

    return file_digest(path)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def mixed(bench: Bench, language: str = "fr") -> list[str]:
    found: list[str] = json.loads((bench.root / "out" / language / "mix/mix.json").read_text())
    return found


def test_a_second_run_does_nothing(bench: Bench) -> None:
    outcome = bench.run()
    assert outcome.ran == {"transcribe": 1, "translate": 3, "speak": 3, "mix": 1}
    assert outcome.exit_code == 0
    assert mixed(bench) == ["fr:One.", "fr:Two.", "fr:Three."]
    assert bench.run().ran == {}
    assert bench.calls == []


def test_a_report_goes_when_what_it_describes_changes_and_it_is_not_written_again(bench: Bench) -> None:
    def describe(context: Context, items: Sequence[Item], sink: Sink) -> None:
        if "report" in bench.broken:
            raise bench.broken["report"]
        sink.write_json("report.json", mixed(bench))
        sink.done(EPISODE, files=["report.json"])

    def items(context: Context) -> list[Item]:
        return [Item(EPISODE, inputs={"mix": context.artifact_digest("mix/mix.json", "fr")})]

    report = Stage("report", 1, "language", items, describe, needs=("mix",), describes=True)
    bench.chain = Chain((*bench.chain.stages, report))
    file = bench.root / "out/fr/report.json"
    bench.run()
    bench.run(until="mix")
    assert file.exists()
    bench.edit({"lines": {"s0002": {"text": "Deux !"}}})
    bench.run(until="speak")
    assert file.exists()  # it describes the mix that is there
    bench.run(until="mix")
    assert not file.exists()
    bench.run()
    assert json.loads(file.read_text()) == mixed(bench)
    bench.edit({})
    bench.broken["report"] = DubkitError("cannot measure")
    assert bench.run().errors == ["cannot measure"]
    assert not file.exists()
    assert bench.plan()["report"] == {EPISODE: "failed before: cannot measure"}


@pytest.mark.parametrize("change", ["longer", "other", "gone"])
def test_a_source_that_changes_during_a_run_ends_it(bench: Bench, change: str) -> None:
    def change_it(context: Context, items: Sequence[Item], sink: Sink) -> None:
        bench.translate(context, items, sink)
        text = bench.source.read_text()
        if change == "gone":
            bench.source.rename(bench.source.with_name("elsewhere.txt"))
        else:
            bench.source.write_text(text + "!" if change == "longer" else text.swapcase())

    stages = {stage.name: stage for stage in bench.chain.stages}
    bench.chain = Chain(
        (*(replace(s, run=change_it) if s.name == "translate" else s for s in stages.values()),)
    )
    outcome = bench.run("fr", "de")
    assert outcome.exit_code == 1
    assert len(outcome.errors) == 1
    assert "while the run worked on it" in outcome.errors[0]
    assert "speak" not in outcome.ran


def test_a_source_that_only_gets_another_time_is_the_same(bench: Bench) -> None:
    def touch(context: Context, items: Sequence[Item], sink: Sink) -> None:
        bench.translate(context, items, sink)
        os.utime(bench.source, (1, 1))

    stages = {stage.name: stage for stage in bench.chain.stages}
    bench.chain = Chain((*(replace(s, run=touch) if s.name == "translate" else s for s in stages.values()),))
    assert bench.run().exit_code == 0


def test_a_changed_file_that_would_go_is_kept_and_said(bench: Bench) -> None:
    def describe(context: Context, items: Sequence[Item], sink: Sink) -> None:
        sink.write_json("report.json", mixed(bench))
        sink.done(EPISODE, files=["report.json"])

    def items(context: Context) -> list[Item]:
        return [Item(EPISODE, inputs={"mix": context.artifact_digest("mix/mix.json", "fr")})]

    report = Stage("report", 1, "language", items, describe, needs=("mix",), describes=True)
    bench.chain = Chain((*bench.chain.stages, report))
    bench.run()
    (bench.root / "out/fr/report.json").write_text('["mine"]')
    bench.edit({"lines": {"s0002": {"text": "Deux !"}}})
    outcome = bench.run(until="mix")
    assert not (bench.root / "out/fr/report.json").exists()
    (kept,) = (bench.root / "out/fr").glob("report.hand-*.json")
    assert kept.read_text() == '["mine"]'
    assert [one.sentence for one in outcome.remarks if one.code == "hand-changed"] == [
        f"fr/report.json was changed by hand; the changed file is kept as {kept.name}."
    ]


def test_languages_share_the_common_stages(bench: Bench) -> None:
    outcome = bench.run("fr", "de")
    assert outcome.ran == {"transcribe": 1, "translate": 6, "speak": 6, "mix": 2}
    assert mixed(bench, "de")[0] == "de:One."
    assert bench.run("it").ran == {"translate": 3, "speak": 3, "mix": 1}


def test_one_edited_line_runs_only_what_it_touches_and_plan_says_so(bench: Bench) -> None:
    bench.run()
    bench.edit({"lines": {"s0002": {"text": "Deux !"}}})
    planned = bench.plan()
    assert planned["translate"] == {}
    assert planned["speak"] == {"s0002": "edited: text nothing → Deux !"}
    assert planned["mix"] == {EPISODE: "input changes: speak"}
    bench.run()
    assert bench.calls == ["speak/s0002", "mix/episode"]
    assert mixed(bench) == ["fr:One.", "Deux !", "fr:Three."]


def test_an_undone_edit_brings_the_earlier_take_back(bench: Bench) -> None:
    bench.run()
    bench.edit({"lines": {"s0002": {"text": "Deux !"}}})
    bench.run()
    bench.edit({})
    bench.run()
    assert bench.calls == ["mix/episode"]
    assert mixed(bench)[1] == "fr:Two."
    assert len(bench.context().store.take_folders("s0002", "fr")) == 2


def test_forcing_makes_a_new_take_and_keeps_the_old(bench: Bench) -> None:
    bench.run()
    assert bench.plan(force=frozenset({"speak"}))["speak"]["s0001"] == "forced"
    bench.run(force=frozenset({"speak"}))
    assert bench.calls == ["speak/s0001", "speak/s0002", "speak/s0003"]  # same sound: mix stands
    assert [f.name for f in bench.context().store.take_folders("s0001", "fr")] == ["v001", "v002"]


def test_a_setting_touches_only_the_stages_that_declare_it(bench: Bench) -> None:
    bench.run()
    bench.settings = replace(bench.settings, translate=replace(bench.settings.translate, context=7))
    assert bench.plan()["translate"]["s0001"] == "setting changed: translate.context 3 → 7"
    bench.run()
    assert bench.calls == [
        "translate/s0001",
        "translate/s0002",
        "translate/s0003",
    ]  # same text: it stops there


def test_a_failed_item_is_recorded_and_the_rest_go_on(bench: Bench) -> None:
    bench.broken = {"speak/s0002": DubkitError("no voice for this line")}
    outcome = bench.run()
    assert outcome.exit_code == 3
    assert outcome.degraded == ("Line 2: Speak failed: no voice for this line",)
    assert mixed(bench) == ["fr:One.", "fr:Three."]
    bench.broken = {}
    assert bench.plan()["speak"] == {"s0002": "failed before: no voice for this line"}
    assert bench.run().exit_code == 0
    assert bench.calls == ["speak/s0002", "mix/episode"]


def test_an_item_that_failed_for_now_says_so_to_a_batch(bench: Bench) -> None:
    bench.broken = {"speak/s0002": SpeechServiceDown("nothing answers at http://127.0.0.1:9")}
    outcome = bench.run()
    assert outcome.degraded == ("Line 2: Speak failed: nothing answers at http://127.0.0.1:9",)
    assert [one.code for one in outcome.remarks] == ["failed-for-now"]
    session = open_session(Settings(), bench.root / "nothing")
    result = result_of_run(session, bench.root / "gone.mkv", Request(("fr",)), outcome)
    assert (result.state, result.may_pass) == ("degraded", True)
    bench.broken = {}
    outcome = bench.run()
    result = result_of_run(session, bench.root / "gone.mkv", Request(("fr",)), outcome)
    assert (result.state, result.may_pass) == ("done", False)


def test_a_stage_that_breaks_off_keeps_what_it_finished(bench: Bench) -> None:
    bench.broken = {"translate/s0003": DubkitError("the service is gone")}
    outcome = bench.run(until="translate")
    assert outcome.degraded == ("Line 3: Translate failed: the service is gone",)
    bench.broken = {}
    bench.run()
    assert "translate/s0001" not in bench.calls
    assert "translate/s0003" in bench.calls


def test_a_stage_that_finishes_nothing_ends_its_language_only(bench: Bench) -> None:
    bench.broken = {"translate/s0001": DubkitError("nobody translates this")}
    outcome = bench.run("fr", "de")
    assert outcome.exit_code == 1
    assert outcome.errors == ["nobody translates this", "nobody translates this"]
    assert not (bench.root / "out/fr/mix").exists()


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("division by zero"),
        ValueError("zip() argument 2 is longer than argument 1"),
        IndexError("list index out of range"),
        RuntimeError("invalid expand shape"),
        AssertionError(),
        OSError(5, "Input/output error"),
    ],
)
@pytest.mark.parametrize("stage", ["translate", "speak"])
def test_whatever_one_line_raises_fails_that_line_alone(bench: Bench, stage: str, error: Exception) -> None:
    bench.broken = {f"{stage}/s0002": error}
    outcome = bench.run()
    assert outcome.exit_code == 3
    (note,) = outcome.degraded
    assert note.startswith(f"Line 2: {stage.capitalize()} failed with {type(error).__name__}")
    assert str(error) in note
    assert mixed(bench)[0] == "fr:One."
    assert mixed(bench)[-1] == "fr:Three."
    bench.broken = {}
    assert bench.run().exit_code == 0
    assert f"{stage}/s0001" not in bench.calls


def test_an_engine_that_breaks_on_every_line_is_not_tried_on_all_of_them(bench: Bench) -> None:
    bench.source.write_text("\n".join(f"Line {n}." for n in range(40)))
    bench.broken = {f"translate/s{n:04d}": IndexError("broken") for n in range(1, 41)}
    outcome = bench.run("fr", "de")
    assert outcome.exit_code == 1
    assert [error.splitlines()[0] for error in outcome.errors] == [
        "s0001 failed with IndexError: broken",
        "s0001 failed with IndexError: broken",
    ]
    assert len(bench.calls) < 100


def test_a_bug_in_a_stage_of_the_whole_episode_keeps_its_traceback(bench: Bench) -> None:
    def broken(context: Context, items: Sequence[Item], sink: Sink) -> None:
        raise ZeroDivisionError("bug")

    stages = bench.stages()
    bench.chain = Chain((*stages[:-1], replace(stages[-1], run=broken)))
    with pytest.raises(ZeroDivisionError):
        bench.run()


@pytest.mark.parametrize(
    "error", [MemoryError(), KeyboardInterrupt(), OSError(28, "No space left on device")]
)
def test_what_is_not_of_one_line_ends_the_run(bench: Bench, error: BaseException) -> None:
    bench.broken = {"speak/s0002": error}  # type: ignore[dict-item]
    with pytest.raises(DiskFull if isinstance(error, OSError) else type(error)):
        bench.run()
    bench.broken = {}
    bench.run()
    assert "speak/s0001" not in bench.calls


def test_a_full_disk_ends_the_run_at_once(bench: Bench) -> None:
    bench.broken = {"translate/s0001": DiskFull(bench.root)}
    with pytest.raises(DiskFull):
        bench.run()
    bench.broken = {}
    assert bench.run().exit_code == 0


def test_until_and_from(bench: Bench) -> None:
    assert bench.run(until="translate").ran == {"transcribe": 1, "translate": 3}
    bench.source.write_text("New.")
    assert bench.plan()["transcribe"] == {EPISODE: "input changed: source"}
    bench.run(start="speak")
    assert bench.calls[0] == "speak/s0001"
    assert mixed(bench)[0] == "fr:One."
    missing = bench.run("it", start="speak")
    assert missing.exit_code == 1
    assert "translation.json" in missing.errors[0]


def test_a_file_of_ones_own_replaces_a_stage_until_it_is_undone(bench: Bench) -> None:
    bench.run()
    own = bench.root / "own.txt"
    own.write_text("Mine.")
    assert bench.plan(uses={"transcribe": own})["transcribe"] == {EPISODE: "your own file"}
    bench.run(uses={"transcribe": own})
    assert mixed(bench) == ["fr:Mine."]
    assert bench.run().ran == {}
    assert bench.plan(uses={"transcribe": own})["transcribe"] == {}  # the same file changes nothing
    own.write_text("Mine again.")
    assert bench.plan(uses={"transcribe": own})["transcribe"] == {EPISODE: "your own file"}
    bench.run(uses={"transcribe": None})
    assert mixed(bench) == ["fr:One.", "fr:Two.", "fr:Three."]


def test_a_replaced_hand_changed_artifact_is_kept(bench: Bench) -> None:
    bench.run()
    file = bench.root / "out/fr/translation.json"
    file.write_text(file.read_text().replace("fr:One.", "Un."))
    bench.run()
    assert mixed(bench)[0] == "Un."  # what the person wrote in place counts
    bench.source.write_text("\n".join((*TEXTS, "Four.")))
    said = bench.run().remarks
    assert any(one.code == "hand-changed" and "kept as translation.hand-" in one.sentence for one in said)
    kept = next((bench.root / "out/fr").glob("translation.hand-*.json"))
    assert "Un." in kept.read_text()


def test_a_segment_that_is_gone_leaves_no_line(bench: Bench) -> None:
    bench.run()
    bench.source.write_text("One.")
    bench.run()
    assert mixed(bench) == ["fr:One."]
    assert list(bench.context().store.records("speak", "fr")) == ["s0001"]


def test_a_deleted_file_is_made_again(bench: Bench) -> None:
    bench.run()
    (bench.root / "out/fr/takes/s0002/v001/speech.wav").unlink()
    assert "damaged or deleted" in bench.plan()["speak"]["s0002"]
    bench.run()
    assert bench.calls == ["speak/s0002"]
    assert mixed(bench)[1] == "fr:Two."


def test_a_fall_back_is_told_on_every_run(bench: Bench) -> None:
    bench.remarks = (remark("voice-fall-back", "espeak speaks, because no better voice is installed"),)
    assert bench.run().exit_code == 3
    again = bench.run()
    assert again.ran == {}
    assert again.degraded == ("espeak speaks, because no better voice is installed",)
    assert again.exit_code == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": "sing"}, "--until sing: no such stage"),
        ({"force": frozenset({"sing"})}, "--force sing"),
        ({"uses": {"mix": None}}, "takes no file.*transcribe"),
        ({"uses": {"transcribe": Path("nowhere.txt")}}, "no such file"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(
    bench: Bench, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DubkitError, match=message):
        bench.run(**changes)


def test_a_file_of_the_wrong_kind_is_refused(bench: Bench) -> None:
    own = bench.root / "own.mp3"
    own.write_text("x")
    with pytest.raises(DubkitError, match=r"takes \.txt, not \.mp3"):
        bench.run(uses={"transcript": own})


def test_an_edit_without_a_segment_is_told_and_kept(bench: Bench) -> None:
    bench.run()
    bench.edit({"lines": {"s0009": {"text": "?"}}})
    said = bench.run().remarks
    assert [one.code for one in said if "s0009" in one.sentence] == ["edit-without-line"]
    assert "s0009" in (bench.root / "out/fr/edits.json").read_text()


@pytest.mark.parametrize(
    ("stage", "error", "ended"),
    [
        *((stage, KeyboardInterrupt(), "stopped") for stage in ("transcribe", "translate", "speak", "mix")),
        ("translate", DubkitError("the service is gone"), "failed"),
        ("mix", DubkitError("no room"), "failed"),
        ("mix", MemoryError(), "failed"),
    ],
)
def test_a_stage_that_was_stopped_or_failed_is_not_done(
    bench: Bench, capsys: pytest.CaptureFixture[str], stage: str, error: BaseException, ended: str
) -> None:
    def run(*_: object) -> None:
        raise error

    stages = [replace(one, run=run) if one.name == stage else one for one in bench.chain.stages]
    bench.chain, bench.progress = Chain(tuple(stages)), Terminal()
    with suppress(KeyboardInterrupt, MemoryError):
        bench.run()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(stage)]
    assert len(lines) == 1
    assert f" {ended}, " in lines[0]


def test_items_that_failed_are_counted_apart(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.broken, bench.progress = {"speak/s0002": DubkitError("no voice")}, Terminal()
    bench.run()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("speak")]
    assert "2 of 3, 1 failed" in line


def test_a_new_take_of_one_line_tells_of_that_line_alone(bench: Bench) -> None:
    bench.broken = {"speak/s0002": DubkitError("no voice")}
    bench.remarks = (remark("voice-fall-back", "espeak speaks."),)
    assert bench.run().exit_code == 3
    bench.edit({"lines": {"s0001": {"seed": 4}}})
    outcome = bench.run(lines=frozenset({"s0001"}), until="speak")
    assert outcome.ran == {"speak": 1}
    assert outcome.remarks == []
    assert outcome.exit_code == 0


@pytest.mark.parametrize(("joint", "made"), [(False, 1), (True, 2)])
def test_a_run_about_one_line_makes_all_that_is_due_where_items_are_made_together(
    bench: Bench, joint: bool, made: int
) -> None:
    bench.run()
    stages = (replace(one, joint=joint) if one.name == "speak" else one for one in bench.chain.stages)
    bench.chain = Chain(tuple(stages))
    bench.edit({"lines": {"s0001": {"seed": 4}, "s0002": {"seed": 4}}})
    assert bench.run(lines=frozenset({"s0001"}), until="speak").ran == {"speak": made}


# --- a part of a stage that works ahead


class Ahead(Bench):
    """The bench with a stage before `mix` that speaks the second line earlier, as part of `speak`."""

    def stages(self) -> tuple[Stage, ...]:
        transcribe, translate, speak, mix = super().stages()

        def second(context: Context) -> list[Item]:
            return [item for item in self.speak_items(context) if item.id == "s0002"]

        early = replace(speak, name="early", items=second, part_of="speak", run=self.early)
        return transcribe, translate, early, speak, mix

    def early(self, context: Context, items: Sequence[Item], sink: Sink) -> None:
        self.calls.append("early")
        self.speak(context, items, sink)


@pytest.fixture
def ahead(tmp_path: Path) -> Ahead:
    return Ahead(tmp_path)


def test_what_a_part_has_made_is_the_stages_and_not_made_again(ahead: Ahead) -> None:
    outcome = ahead.run()
    assert outcome.ran["early"] == 1
    assert outcome.ran["speak"] == 2
    record = ahead.context().fresh("fr").record("speak", "s0002")
    assert record is not None
    assert record.parts.stage == "speak"
    assert ahead.run().ran == {}
    ahead.chain = Chain(Bench.stages(ahead))
    assert ahead.run().ran == {}, "without the part the stage has nothing to make either"


def test_a_plan_counts_what_a_part_makes_once(ahead: Ahead) -> None:
    ahead.run()
    ahead.edit({"lines": {"s0002": {"text": "Other."}}})
    reasons = ahead.plan()
    assert list(reasons["early"]) == ["s0002"]
    assert list(reasons["speak"]) == []


def test_what_failed_in_a_part_is_not_tried_twice_and_told_once(ahead: Ahead) -> None:
    ahead.broken["speak/s0002"] = DubkitError("no voice")
    outcome = ahead.run()
    assert outcome.exit_code == 3
    assert ahead.calls.count("speak/s0002") == 1
    assert sum("no voice" in sentence for sentence in outcome.degraded) == 1


def test_forcing_a_stage_forces_its_part_once(ahead: Ahead) -> None:
    ahead.run()
    assert {k: v for k, v in ahead.run(force=frozenset({"speak"})).ran.items() if k != "mix"} == {
        "early": 1,
        "speak": 2,
    }
