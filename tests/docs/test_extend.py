"""`docs/extend.md`: it explains every door, and its examples work as other people's packages."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import os
import re
import shutil
import stat
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dubkit.registry import registries
from tests.support import guide
from tests.support.clips import write_film
from tests.support.desks import Desk, Shared
from tests.support.paths import ROOT
from tests.support.web_process import served
from tests.test_layers import sources, tree_of

MOST_LINES = 40
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

# --- the page ---------------------------------------------------------------------------------


def test_every_registry_is_on_the_page() -> None:
    page = guide.text()
    missing = [
        registry.kind
        for registry in registries()
        if f"`{registry.record.__name__}`, from `{registry.record.__module__}`" not in page
        or f"`{registry.group}`" not in page
    ]
    assert missing == []


def test_every_registry_has_an_example() -> None:
    shown = [example.group for example in guide.examples()]
    assert sorted(shown) == sorted(registry.group for registry in registries())


def test_every_field_of_a_record_is_explained() -> None:
    explained = guide.tables()
    for registry in registries():
        assert explained[registry.record.__name__] == parts(registry.record), registry.kind


def test_every_field_of_what_records_are_given_is_explained() -> None:
    explained = guide.tables()
    named = re.findall(r"^`\w+`, from `([\w.]+)`", guide.text(), re.MULTILINE)
    modules = [importlib.import_module(name) for name in named]
    known = {name: kind for module in modules for name, kind in vars(module).items()}
    assert len(explained) > len(registries())
    for name, fields in explained.items():
        assert fields == parts(known[name]), name


def parts(thing: Any) -> list[str]:
    """Return the fields of a class, or the parameters of a function."""
    if dataclasses.is_dataclass(thing):
        return [field.name for field in dataclasses.fields(thing)]
    return list(inspect.signature(thing).parameters)


@pytest.mark.parametrize("example", guide.examples(), ids=lambda example: example.module)
def test_an_example_is_short(example: guide.Example) -> None:
    assert example.lines < MOST_LINES


# --- one file and one line --------------------------------------------------------------------

DIALECTS = ROOT / "dubkit" / "voice" / "engines" / "speech_service"
"""Dialects of speech services, and the models that they name, share some names with members."""


@pytest.mark.parametrize(
    "name",
    [
        "kokoro",
        "hibari",
        "openai",
        "pyannote",
        "resemblyzer",
        "csv",
        "dead-air",
        "loudness",
        "picture-changed",
    ],
)
def test_a_member_is_named_in_its_own_file_and_in_the_list_of_its_registry_alone(name: str) -> None:
    (reference,) = (
        reference
        for registry in registries()
        for reference, record in zip(registry.own, registry, strict=False)
        if record.name == name
    )
    module = reference.partition(":")[0]
    own = ROOT / f"{module.replace('.', '/')}.py"
    others = [path for path in sources() if path != own and DIALECTS not in path.parents]
    named = {path: sum(words(path)[word] for word in (name, reference, f"from {module}")) for path in others}
    (only,) = (path for path, count in named.items() if count)
    assert named[only] == 1
    assert reference in only.read_text("utf-8")


@cache
def words(path: Path) -> Counter[str]:
    """Count the strings of a file, and the imports from each module as `from module`."""
    counted: Counter[str] = Counter()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            counted[node.value] += 1
        elif isinstance(node, ast.ImportFrom):
            counted.update(
                {f"from {node.module}", *(f"from {node.module}.{alias.name}" for alias in node.names)}
            )
    return counted


# --- the examples -----------------------------------------------------------------------------

HEARD = ((0.4, 1.9, "Good morning."), (2.2, 4.2, "The train leaves at nine."))
SAID = ("Bom dia.", "O trem parte às nove em ponto, sem esperar por ninguém.")

SAY = """\
import sys
import numpy, soundfile
file, voice, pace = sys.argv[1], sys.argv[2], int(sys.argv[3])
seconds = (0.4 + 0.04 * len(sys.stdin.read())) * 165 / pace
times = numpy.arange(int(22_050 * seconds)) / 22_050
soundfile.write(file, 0.3 * numpy.sin(2 * numpy.pi * {"low": 120, "high": 240}[voice] * times), 22_050)
"""

SPEAKERS = """\
import sys
import soundfile
assert soundfile.info(sys.argv[1]).samplerate == 16_000
print("SPEAKER talk 1 0.3 1.7 <NA> <NA> anna <NA> <NA>")
print("SPEAKER talk 1 2.1 2.2 <NA> <NA> bert <NA> <NA>")
"""

LIPS = """\
import json, sys
from pathlib import Path
import cv2, numpy, soundfile
folder = Path(sys.argv[1])
assert json.loads((folder / "order.json").read_text())["texts"] == ["Bom dia."]
for file in sorted(folder.glob("*.png")):
    cv2.imwrite(str(folder / "made" / file.name), numpy.full_like(cv2.imread(str(file)), (0, 0, 255)))
sound, rate = soundfile.read(folder / "sound.wav")
soundfile.write(folder / "made.wav", sound, rate)
"""


class Studio(Desk):
    """A working folder of somebody who has installed the examples."""

    def __init__(self, folder: Path, cache: Path, packages: Path) -> None:
        super().__init__(folder, cache)
        self.variables["PYTHONPATH"] = os.pathsep.join((str(packages), str(ROOT)))
        self.clip = folder / "talk.mp4"

    def dub(self, *more: str) -> dict[str, Any]:
        """Run the chain."""
        result = self.run(self.clip, "--to", "pt-BR", *more)
        assert not result["errors"], result
        return result

    def say(self, *arguments: str | Path) -> str:
        """Return what a command prints."""
        done = self.dubkit(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def report(self) -> str:
        """Return the report."""
        return (self.folder / "Output/talk/pt-BR/report.html").read_text("utf-8")


class HearingServer(BaseHTTPRequestHandler):
    """Hears the same in everything."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        assert b"RIFF" in sent
        words = []
        for start, end, text in HEARD:
            step = (end - start) / len(text.split())
            for number, word in enumerate(text.split()):
                words.append(
                    {"word": word, "start": start + number * step, "end": start + (number + 1) * step}
                )
        body = json.dumps({"language": "english", "words": words}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def program(path: Path, code: str) -> Path:
    """Write a program that this Python runs."""
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every example installed."""
    folder = tmp_path_factory.mktemp("packages")
    guide.install([example.write(folder / "sources") for example in guide.examples()], folder / "installed")
    return folder / "installed"


@pytest.fixture(scope="module")
def hearing() -> Iterator[str]:
    """The address of a server that recognises speech."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HearingServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, shared: Shared, packages: Path, hearing: str) -> Studio:
    """A short film dubbed with all examples at once."""
    folder = tmp_path_factory.mktemp("studio")
    studio = Studio(folder, shared.cache, packages)
    write_film(studio.clip, 125)
    phrases = folder / "phrases.tsv"
    phrases.write_text(
        "".join(f"{heard[2]}\t{said}\n" for heard, said in zip(HEARD, SAID, strict=True)), "utf-8"
    )
    say, lips = program(folder / "say.py", SAY), program(folder / "lips.py", LIPS)
    (folder / "dubkit.toml").write_text(f"""
engine = "voice"
dub.size = 32
dub.pictures.program = "{lips}"
diarize.method = "rttm"
diarize.rttm.command = "{program(folder / "speakers.py", SPEAKERS)} {{file}}"
transcribe.engine = "hearing"
transcribe.hearing.url = "{hearing}"
translate.provider = "phrases"
translate.phrases.file = "{phrases}"
speak.provider = "program"
speak.program = {{command = "{say} {{file}} {{voice}} {{pace}}", voices = "low high"}}
roles.words_per_take = 3
qc.round_trip = false
qc.reading-speed.most = 18.0
stitch.subs_format = "labels"
""")
    studio.dub()
    return studio


@pytest.fixture
def copy(studio: Studio, tmp_path: Path, packages: Path) -> Studio:
    """A copy of the finished episode to play with."""
    shutil.copytree(studio.folder, tmp_path, dirs_exist_ok=True)
    return Studio(tmp_path, studio.cache, packages)


@pytest.mark.slow
def test_a_recogniser_of_another_package_hears(studio: Studio) -> None:
    transcript = studio.read("talk/transcript.json")
    assert transcript["language"] == "en"
    assert [segment["text"] for segment in transcript["segments"]] == [text for *_, text in HEARD]
    assert "hearing:whisper-1@1.0" in studio.report()


@pytest.mark.slow
def test_a_diariser_of_another_package_finds_the_speakers(studio: Studio) -> None:
    assert studio.read("talk/diarization.json")["method"] == "rttm"
    assert [s["speaker"] for s in studio.read("talk/transcript.json")["segments"]] == ["spk1", "spk2"]


@pytest.mark.slow
def test_a_translator_of_another_package_translates(studio: Studio) -> None:
    lines = studio.read("talk/pt-BR/translation.json")["lines"]
    assert [line["text"] for line in lines] == list(SAID)
    assert {line["provider"] for line in lines} == {"phrases"}
    assert "phrases@1.0" in studio.report()


@pytest.mark.slow
def test_a_translation_is_made_anew_when_what_it_was_made_from_has_another_content(copy: Studio) -> None:
    phrases = copy.folder / "phrases.tsv"
    phrases.write_text(phrases.read_text("utf-8").replace("Bom dia.", "Olá."), "utf-8")
    plan = copy.say("plan", copy.clip, "--to", "pt-BR", "--set", f"translate.phrases.file={phrases}")
    assert "input changed: phrases" in plan or "setting changed: translate.phrases.file" in plan


@pytest.mark.slow
def test_a_voice_of_another_package_speaks(studio: Studio) -> None:
    assert [speaker["voice"] for speaker in studio.read("talk/pt-BR/cast.json")["speakers"]] == [
        "low",
        "high",
    ]
    take = studio.read("talk/pt-BR/takes/s0001/v001/take.json")
    assert take["value"]["engine"] == "program"
    assert take["parts"]["models"] == {"voice": "program@1.0"}
    assert "speak.program.command" in take["parts"]["settings"]
    assert "program@1.0" in studio.report()


@pytest.mark.slow
def test_a_stage_of_another_package_runs_and_is_in_the_report(studio: Studio) -> None:
    roles = studio.read("talk/pt-BR/roles.json")
    assert [role["takes"] for role in roles] == [1, 4]
    assert "is described by pitch alone." in studio.report()


@pytest.mark.slow
def test_a_setting_of_a_stage_makes_its_work_anew_and_nothing_else(copy: Studio) -> None:
    plan = copy.say("plan", copy.clip, "--to", "pt-BR", "--set", "roles.words_per_take=1")
    assert "setting changed: roles.words_per_take 3 → 1" in plan
    assert copy.dub("--set", "roles.words_per_take=1")["ran"] == {"roles": 1}
    assert copy.dub("--set", "roles.words_per_take=1")["ran"] == {}


@pytest.mark.slow
def test_a_check_of_another_package_flags_a_line_wherever_flags_are_shown(studio: Studio) -> None:
    lines = studio.read("talk/pt-BR/qc.json")["lines"]
    assert ["reading-speed" in line["flags"] for line in lines] == [False, True]
    assert lines[0]["measures"]["reading-speed"] < 18 < lines[1]["measures"]["reading-speed"]
    flagged = studio.say("review", "list", "talk", "--flagged")
    assert "reading-speed" in flagged
    assert SAID[0] not in flagged
    assert "Hard to read" in studio.report()


@pytest.mark.slow
def test_the_pages_show_the_flag_and_the_settings_of_other_packages(copy: Studio) -> None:
    with served(copy.folder, {"ana": "admin"}, **copy.variables) as server, server.ask("ana") as ana:
        lines = ana.get("/api/episodes/talk/pt-BR/lines").json()
        assert "reading-speed" in lines["lines"][1]["flags"]
        assert "Hard to read" in ana.get("/episodes/talk/pt-BR/review").text
        form = ana.get("/new").text
    assert all(f'"set:{name}"' in form for name in ("qc.reading-speed.most", "roles.words_per_take"))
    assert "speak.program.command" not in form


@pytest.mark.slow
def test_a_format_of_another_package_goes_out_and_comes_back(copy: Studio) -> None:
    assert (copy.folder / "Output/talk/pt-BR/talk.pt-BR.labels").is_file()
    file = copy.folder / "lines.labels"
    copy.say("export", copy.clip, "--lang", "pt-BR", "--format", "labels", "--out", file)
    assert file.read_text("utf-8").startswith(f"0.400\t1.900\t{SAID[0]}\n")
    file.write_text(file.read_text("utf-8").replace("Bom dia.", "Olá."), "utf-8")
    copy.say("review", "edit", "talk", "--file", file)
    assert copy.read("talk/pt-BR/edits.json")["lines"] == {"s0001": {"text": "Olá."}}
    heard = copy.folder / "heard.labels"
    heard.write_text("0.500\t1.500\tGood evening.\n")
    copy.dub("--use", f"transcript={heard}", "--until", "transcribe")
    assert [s["text"] for s in copy.read("talk/transcript.json")["segments"]] == ["Good evening."]


@pytest.mark.slow
def test_an_engine_of_another_package_makes_the_picture(copy: Studio) -> None:
    edits = {"lines": {"s0001": {"route": "lipdub"}, "s0002": {"route": "voice"}}}
    (copy.folder / "Output/talk/pt-BR/edits.json").write_text(json.dumps(edits))
    assert copy.dub("--engine", "pictures")["ran"]["render"] == 1
    picture = copy.read("talk/pt-BR/mix/picture.json")
    assert 0 < picture["dubbed"] < picture["frames"]
    (take,) = (copy.folder / "Output/talk/pt-BR/takes").glob("c*/v001/take.json")
    made = json.loads(take.read_bytes())
    assert made["value"]["engine"] == "pictures"
    assert made["parts"]["models"] == {"engine": "pictures@1.0"}
    assert "pictures" in copy.report()


@pytest.mark.slow
def test_a_deliverable_of_another_package_is_a_pack_of_its_own(copy: Studio) -> None:
    done = copy.dubkit("export", copy.clip, "--pack", "press", "--out", copy.folder / "press")
    assert done.returncode == 3, done.stderr  # one of its lines has a flag
    assert "1 to look at" in done.stderr
    cast = copy.read("talk/pt-BR/cast.json")["speakers"]
    credits = (copy.folder / "press/credits/talk.pt-BR.txt").read_text("utf-8")
    assert credits == "".join(f"{speaker['name']}: {speaker['voice']}\n" for speaker in cast)
    assert "2 of 2 files are as they were written" in copy.say("verify", copy.folder / "press")


@pytest.mark.slow
def test_a_separator_of_another_package_takes_voices_out_and_its_bed_is_listened_to(copy: Studio) -> None:
    assert copy.dub("--separation", "middle", "--until", "mix")["ran"]["separate"] == 2
    found = copy.read("talk/stems/separation.json")
    assert (found["method"], found["listener"]) == ("middle", "whisper-1")
    assert (copy.folder / "Output/talk/stems/voice.wav").is_file()
    # Its server hears the same in everything: what the source says, too.
    long = {f"s{n:04d}" for n, (*_, text) in enumerate(HEARD, 1) if len(text.split()) >= 3}
    assert {leak["segment"] for leak in found["leaks"]} == long


@pytest.mark.slow
def test_the_files_on_the_way_of_a_line_are_those_of_the_page(studio: Studio) -> None:
    rows = re.findall(r"^\| `\w+` \| (.+) \| (.+) \|$", ARCHITECTURE, re.MULTILINE)
    assert len(rows) > 10
    folder = studio.folder / "Output/talk"
    for left, recorded in rows:
        for name in re.findall(r"`([\w/.-]+\.\w+)`", left):
            named = name if name != "take.json" else "pt-BR/takes/s0002/v001/take.json"
            assert (folder / named).is_file(), name
        for name in re.findall(r"`([\w/.-]+)`", recorded):
            assert (folder / ".dubkit/items" / name).is_file(), name
