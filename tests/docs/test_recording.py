"""The session of `docs/recording.md`, command by command, from cue sheet to dub."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.support.desks import UNHEARD, Desk, Shared
from tests.support.paths import ROOT, SAMPLE
from tests.support.takes import RATE, noise, tone, write

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/recording.md").read_text("utf-8")


def commands() -> list[list[str]]:
    """Return the commands of the page's two sessions, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def speak(plan: Path, file: Path) -> None:
    """Record every cue of a count-in video as an actor would, a tenth of a second late."""
    video = json.loads(plan.read_text("utf-8"))
    sound = noise(video["end"] - video["start"], 1e-4)
    for cue in video["cues"]:
        begin = round((cue["start"] + 0.1 - video["start"]) * RATE)
        spoken = tone(0.8 * (cue["end"] - cue["start"]))[: len(sound) - begin]
        sound[begin : begin + len(spoken)] += spoken
    write(file, sound)


def test_the_session_of_the_page_makes_a_dub(shared: Shared, tmp_path: Path) -> None:
    desk = Desk(tmp_path, shared.cache)
    (tmp_path / "dubkit.toml").write_text(UNHEARD)
    shutil.copy(SAMPLE, tmp_path / "talk.mp4")
    first = re.search(r"`dubkit (run talk\.mp4 [^`]+)`", PAGE)
    assert first is not None
    assert desk.dubkit(*first[1].split()).returncode in (0, 3)
    home = tmp_path / "Output/talk/pt-BR"
    for command in commands():
        if "take-recording" in command:
            (plan,) = (home / "count-in").glob("*.json")
            speak(plan, tmp_path / "ana.wav")
        if "speak=studio/day1" in command:
            write(tmp_path / "studio/day1/s0001_Ana.wav", tone(0.5, 330))
            for file in (home / "recordings").glob("s0001*"):
                file.unlink()
        done = desk.dubkit(*command)
        assert done.returncode in (0, 3), f"{command}: {done.stderr}"
        if command[-2:] == ["render", "talk"]:
            takes = [json.loads(path.read_text()) for path in (home / "takes").glob("*/*/take.json")]
            assert {take["value"]["engine"] for take in takes} == {"recording"}
            sound, _ = sf.read(home / "mix/dub.wav")
            source, _ = sf.read(tmp_path / "Output/talk/audio.wav")
            assert not np.array_equal(sound, source)
    assert (tmp_path / "cues.html").read_text("utf-8").count("<tr>") > 1
    assert (tmp_path / "ana.csv").read_text("utf-8-sig").startswith("cue,line,character,in,out")
    last = json.loads((home / "takes/s0001/v002/take.json").read_text())
    assert last["value"]["voice"] == "s0001_Ana.wav"
    assert not (home / "imports/speak").exists()
