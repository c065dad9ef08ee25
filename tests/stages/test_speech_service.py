"""A whole dub spoken by a speech service or a program: what is kept, counted and said when it goes wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile  # type: ignore[import-untyped]

from tests.support.plugins import dubkit, install
from tests.support.speech_server import SpeechServer

LINES = ("Hello there.", "Good bye, my friend.", "See you soon.")
SLOTS = ((0.5, 1.6), (2.0, 3.4), (4.0, 5.2))


def srt(lines: tuple[str, ...], slots: tuple[tuple[float, float], ...]) -> str:
    def clock(seconds: float) -> str:
        whole = round(seconds * 1000)
        return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"

    cues = [
        f"{number}\n{clock(start)} --> {clock(end)}\n{text}\n"
        for number, (text, (start, end)) in enumerate(zip(lines, slots, strict=True), start=1)
    ]
    return "\n".join(cues)


class Desk:
    """A folder with a sound file and its transcript, and dubkit to run in it."""

    def __init__(self, folder: Path, lines: tuple[str, ...] = LINES, slots: Any = SLOTS) -> None:
        self.folder = folder
        (folder / "site").mkdir(exist_ok=True)
        seconds = slots[-1][1] + 1
        noise = np.random.default_rng(0).normal(0, 2000, round(seconds * 16_000)).astype(np.int16)
        wavfile.write(folder / "clip.wav", 16_000, noise)
        (folder / "own.srt").write_text(srt(lines, slots))

    def set_up(self, table: str, **own: Any) -> None:
        rows = [f"{name} = {json.dumps(value)}" for name, value in own.items()]
        (self.folder / "dubkit.toml").write_text("\n".join([f"[speak.{table}]", *rows]) + "\n")

    def call(self, *arguments: str, code: int = 0) -> str:
        done = dubkit(self.folder / "site", *arguments, cwd=self.folder)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if "--json" in arguments else done.stdout + done.stderr

    def run(self, *more: str, command: str = "run", until: str = "mix", code: int = 0) -> str:
        use = ("--use", "transcript=own.srt") if command == "run" else ()
        return self.call(
            *(command, "clip.wav", "--to", "tlh", "--mt-provider", "none", "--src-lang", "en"),
            *("--set", "diarize.method=single", "--until", until, *use, *more),
            code=code,
        )

    def records(self, output: str = "Output") -> Mapping[str, Any]:
        folder = self.folder / output / "clip" / ".dubkit/items/tlh/speak"
        return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}

    def takes(self, line: str, output: str = "Output") -> list[Path]:
        return sorted((self.folder / output / "clip/tlh/takes" / line).glob("v*/speech.wav"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_service_that_is_set_up_speaks_and_is_counted(desk: Desk) -> None:
    with SpeechServer(script=["error_500", "ok"]) as server:
        desk.set_up("openai-speech", base_url=server.url, dialect="openai", price=15.0, retries=2)
        said = desk.run()
        assert "voice tlh: openai-speech, set up in [speak.openai-speech]" in said
        assert "characters spoken in" in said
        sent = sum(len(body["input"]) for body in server.spoken[1:])
        told = json.loads(desk.run("--json"))["paid"]["tlh"]
        assert (told["characters"], told["requests"], told["retries"]) == (sent, len(server.spoken), 1)
        assert told["money"] == pytest.approx(sent * 15 / 1e6)
        before = len(server.spoken)
        assert "Nothing to do" in desk.run(command="plan")
        assert len(server.spoken) == before
    record = desk.records()["s0001"]
    assert record["parts"]["settings"] == {"speak.openai-speech.dialect": "openai"}, "no address, no price"
    assert record["value"]["engine"] == "openai-speech"


def test_the_plan_counts_characters_and_money_before_anything_is_asked(desk: Desk) -> None:
    with SpeechServer() as server:
        desk.set_up("openai-speech", base_url=server.url, dialect="openai", price=1000.0)
        desk.run(until="translate")
        planned = json.loads(desk.run("--json", command="plan"))["needs"]
        characters = sum(map(len, LINES))
        assert planned["characters"] == [characters, characters * 2]
        assert planned["money"] == pytest.approx([characters / 1000, characters / 500])
        shown = desk.run(command="plan")
        assert server.spoken == []
    assert f", {characters} to {characters * 2} characters to speak for 0.04 to 0.09" in shown


@pytest.mark.slow
def test_a_line_that_never_comes_whole_fails_alone_and_is_made_later(desk: Desk) -> None:
    with SpeechServer(on={"Good bye": "truncated"}) as server:
        desk.set_up("openai-speech", base_url=server.url, dialect="openai", retries=1)
        said = desk.run(code=3)
        assert "a WAV file of which" in said
        assert server.url in said
        assert desk.takes("s0002") == []
        assert [len(desk.takes(line)) for line in ("s0001", "s0003")] == [1, 1]
    with SpeechServer() as server:
        desk.set_up("openai-speech", base_url=server.url, dialect="openai", retries=1)
        desk.run()
        assert {body["input"] for body in server.spoken} == {"Good bye, my friend."}
    assert len(desk.takes("s0002")) == 1


@pytest.mark.slow
def test_a_service_that_is_gone_is_named_with_the_next_step(desk: Desk) -> None:
    desk.set_up("openai-speech", base_url="http://127.0.0.1:9/v1", dialect="openai", retries=1)
    said = desk.run(code=3)
    assert "http://127.0.0.1:9/v1 was not reached" in said
    assert "speak.openai-speech.base_url is right" in said
    assert not any(desk.takes(line) for line in ("s0001", "s0002", "s0003"))
    codes = [[one["code"] for one in record["remarks"]] for record in desk.records().values()]
    assert codes == [["failed-for-now"]] * 3, "a batch tries again"


@pytest.mark.slow
def test_another_reading_of_a_line_asks_for_that_line_alone(desk: Desk) -> None:
    with SpeechServer("vllm-omni") as server:
        desk.set_up("openai-speech", base_url=server.url, dialect="vllm-omni", model="omni")
        desk.run()
        before = len(server.spoken)
        desk.call("review", "regen", "clip", "2", "--seed", "7")
        asked = server.spoken[before:]
    assert {body["input"] for body in asked} == {"Good bye, my friend."}
    assert {body["seed"] for body in asked} == {7}
    assert len(desk.takes("s0002")) == 2


@pytest.mark.slow
def test_fifty_lines_side_by_side_have_the_keys_and_the_sound_of_one_after_the_other(tmp_path: Path) -> None:
    lines = tuple(f"Line number {number} of this film." for number in range(50))
    desk = Desk(tmp_path, lines, tuple((1.0 + 1.6 * n, 2.5 + 1.6 * n) for n in range(50)))
    with SpeechServer(script=["slow:0.1"]) as server:
        for output, parallel in (("One", 1), ("Many", 8)):
            desk.set_up("openai-speech", base_url=server.url, dialect="openai", parallel=parallel)
            desk.run("--output", output, until="speak")
            assert server.most == 1 if parallel == 1 else server.most > 2
    one, many = desk.records("One"), desk.records("Many")
    assert len(one) == 50
    assert {name: record["key"] for name, record in one.items()} == {
        name: record["key"] for name, record in many.items()
    }
    for line in one:
        (first,), (second,) = desk.takes(line, "One"), desk.takes(line, "Many")
        assert first.read_bytes() == second.read_bytes()
    assert [record["value"]["text"] for record in many.values()] == list(lines)


PROGRAM = """
import sys
import numpy as np
import soundfile
text = open(sys.argv[1], encoding="utf-8").read().strip()
if "bye" in text:
    sys.exit("no such word")
at = np.arange(round(0.07 * len(text) * 22050)) / 22050
soundfile.write(sys.argv[2], 0.3 * np.sin(2 * np.pi * 180 * at), 22050)
"""


@pytest.mark.slow
def test_a_program_speaks_and_a_line_that_it_cannot_fails_alone(desk: Desk) -> None:
    (desk.folder / "speaker.py").write_text(PROGRAM)
    desk.set_up("command", command=f"'{sys.executable}' speaker.py {{text_file}} {{out}}")
    said = desk.run(code=3)
    assert "voice tlh: command, set up in [speak.command]" in said
    assert "ended with status 1 for 'Good bye, my friend.': no such word" in said
    assert [len(desk.takes(line)) for line in ("s0001", "s0002", "s0003")] == [1, 0, 1]
    assert "requests" not in said, "nothing is paid"
    assert "receipt" not in desk.records()["s0001"]["value"]


def test_a_command_without_a_file_to_write_is_refused_at_once(desk: Desk) -> None:
    desk.set_up("command", command="say {text_file}")
    assert "speak.command.command" in desk.run(code=1)


PAID = '''
"""Speaks in a voice that it is given, in words and lengths, for money."""
import json

from dubkit.types.voices import Receipt
from dubkit.voice.engine import VoiceEngine


class Actor:
    rate = 16_000

    def speak(self, text, *, voice, language, speed, seed=None, seconds=None, delivery=None):
        import numpy as np

        with open("said.jsonl", "a") as log:
            log.write(json.dumps([text, voice, seconds, delivery.words if delivery else ""]) + "\\n")
        length = seconds or 0.06 * len(text) / speed
        return 0.3 * np.sin(2 * np.pi * 200 * np.arange(round(length * self.rate)) / self.rate)

    def receipt(self, text, voice):
        return Receipt(len(text), 1, 0, len(text) / 100, ("It would rather not.",) if "bye" in text else ())


ENGINE = VoiceEngine(
    name="actor", title="An actor", languages=("tlh",), voice_for=lambda traits, taken: "worf",
    open=lambda opening: Actor(), abilities=("length", "style"), price=lambda own: 10_000.0,
)
'''


@pytest.mark.slow
def test_an_engine_of_another_package_is_given_what_it_can_and_is_paid(desk: Desk) -> None:
    install(desk.folder / "site", "dubkit_actor", PAID, "actor = dubkit_actor:ENGINE", "dubkit.voices")
    said = desk.run(code=3)
    assert "It would rather not." in said
    rows = [json.loads(line) for line in (desk.folder / "said.jsonl").read_text().splitlines()]
    exact = [row for row in rows if row[2]]
    assert {row[0] for row in exact} == set(LINES)
    assert f"{sum(map(len, LINES))} characters spoken in 3 requests, 0.45 to pay" in said
    desk.call("review", "edit", "clip", "1", "--delivery", "in a whisper")
    desk.call("review", "regen", "clip", "1")
    rows = [json.loads(line) for line in (desk.folder / "said.jsonl").read_text().splitlines()]
    assert rows[-1][3] == "in a whisper"


@pytest.mark.slow
def test_no_key_reaches_a_record_or_the_terminal(desk: Desk) -> None:
    with SpeechServer(script=["bad_key"]) as server:
        desk.set_up("openai-speech", base_url=server.url, dialect="openai", api_key="sk-verysecret")
        said = desk.run("--debug", code=3)
        assert server.asked[0].headers["Authorization"] == "Bearer sk-verysecret"
    assert "refused the key" in said
    assert "sk-verysecret" not in said
    kept = [path for path in (desk.folder / "Output").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"sk-verysecret" in path.read_bytes() for path in kept)
    assert os.environ.get("OPENAI_API_KEY", "") != "sk-verysecret"
