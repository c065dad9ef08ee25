"""The season measurement: it passes a batch that goes on after a kill, and sees one that does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import season
from benchmarks.season import Command, judge, make_season, report, run_season
from tests.support.playout import write_film

BATCH = """
import glob, json, sys, time
from pathlib import Path
command, given, _, languages, _, output, *rest = sys.argv[1:]
output = Path(output)
def dub(source):
    folder = output / source.stem / "fr"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dub.mp4").write_bytes(source.read_bytes() + b"DIFFERS" * (DIFFERS and command == "run"))
    return folder / "dub.mp4"
if command == "run":
    dub(Path(given))
    sys.exit(0)
batch = output / ".batch" / "season"
batch.mkdir(parents=True, exist_ok=True)
journal = batch / "journal.jsonl"
told = journal.read_text().splitlines() if journal.exists() and GOES_ON else []
over = {json.loads(line)["episode"] for line in told}
rows = []
for source in map(Path, sorted(glob.glob(given))):
    bad = source.name.startswith("bad")
    state = "failed" if bad else "done"
    file = "" if bad else str(dub(source))
    row = {"episode": source.stem, "source": str(source), "language": "fr", "state": state, "dub": file}
    rows.append(row | {"errors": ["It is text."] if bad else [], "next_command": "dubkit run" if bad else ""})
    if source.stem not in over:
        time.sleep(0.4)
        with journal.open("a") as lines:
            lines.write(json.dumps({"kind": "ended", "episode": source.stem, "state": state}) + "\\n")
(batch / "report.json").write_text(json.dumps({"rows": rows, "counts": {"done": 3, "failed": 3}}))
sys.exit(1)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("season")
    return make_season([write_film(folder)], folder / "season", good=3, poisoned=3)


def measured(made: list[Path], folder: Path, **truth: bool) -> season.Season:
    program = folder / "batch.py"
    names = "".join(f"{name} = {value}\n" for name, value in truth.items())
    program.write_text(names + BATCH)
    command = Command("fr", (), (sys.executable, str(program)))
    parts = run_season(command, made[0].parent, folder / "output", jobs=1, kills=2)
    return judge(command, made, folder / "output", parts, check=2)


def test_a_batch_that_goes_on_passes(made: list[Path], tmp_path: Path) -> None:
    found = measured(made, tmp_path, GOES_ON=True, DIFFERS=False)
    assert found.ok, report(found)
    assert [part.code for part in found.parts] == [None, None, 1]
    assert found.parts[1].before == found.parts[0].after == 2
    assert set(found.reasons) == {"bad01-text", "bad02-half", "bad03-mute"}
    assert len(found.compared) == 2


def test_work_that_is_done_again_and_other_bytes_are_seen(made: list[Path], tmp_path: Path) -> None:
    found = measured(made, tmp_path, GOES_ON=False, DIFFERS=True)
    said = report(found)
    assert "LOST ep001: made" in said
    assert "differs: fr/dub.mp4" in said
    assert said.endswith("NOT ALL RIGHT")
