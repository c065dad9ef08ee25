"""A line from the microphone to its finished take: the page records it, a worker of the server makes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.support.browser import until
from tests.support.desks import Desk, Shared
from tests.support.paths import SAMPLE
from tests.support.takes import RATE
from tests.support.web_process import Served, served
from tests.web.test_recorder import browser, correlation, spoken_for_ever
from tests.web.test_review_page import lines_of, opened

pytestmark = pytest.mark.slow

SPOKEN = """1
00:00:01,150 --> 00:00:01,950
Good morning,

2
00:00:02,050 --> 00:00:03,400
my name is Jordi Mas.
"""
DUBBED = SPOKEN.replace("Good morning,", "Bom dia,").replace("my name is", "meu nome é")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Iterator[Served]:
    """Two lines with texts of their own; nothing is spoken yet."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "Input").mkdir()
    shutil.copy(SAMPLE, folder / "Input/talk.mp4")
    (folder / "talk.srt").write_text(SPOKEN)
    (folder / "talk.pt-BR.srt").write_text(DUBBED)
    uses = ("--use", "transcribe=talk.srt", "--use", "translate=talk.pt-BR.srt")
    desk = Desk(folder, shared.cache)
    result = desk.run("Input/talk.mp4", "--to", "pt-BR", *uses, "--until", "clips")
    assert not result["errors"], result
    with served(folder, {}, **desk.variables) as found:
        yield found


def test_what_the_microphone_took_is_a_take_of_its_line(
    server: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played = spoken_for_ever()
    sf.write(tmp_path / "voice.wav", played, RATE, subtype="PCM_16")
    file = f"--use-file-for-fake-audio-capture={tmp_path / 'voice.wav'}"
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", file)
    with browser(monkeypatch, tmp_path, *flags) as pages:
        page = opened(pages, f"{server.url}/episodes/talk/pt-BR/review")
        page.click("#row-s0002 .c-source")
        page.wait_for_selector("#line-title:has-text('Line 2')")
        page.wait_for_selector("#takes:has-text('Not spoken yet')")
        page.keyboard.press("v")
        page.keyboard.press("Space")
        until(page, "document.querySelector('#recorder-state').textContent.startsWith('Recording')", 20)
        page.wait_for_timeout(1800)
        page.keyboard.press("Space")
        page.locator("#recorder-keep").click()
        until(page, "!document.querySelector('#recorder').open")
        until(
            page, "document.querySelector('#jobs .job').textContent.includes('Line 2 has a new take.')", 120
        )
        until(page, "document.querySelectorAll('#takes .take').length === 1", 20)
        said = page.inner_text("#takes .take")
        assert "v001" in said
        assert "recorded" in said
        assert "In use" in said
        assert lines_of(page)["s0002"]["take"] == "v001"
        assert lines_of(page)["s0001"]["take"] == ""
        pages.shoot(page, "review-recorded-take")
        take = server.output / "talk/pt-BR/takes/s0002/v001/speech.wav"
        sound, rate = sf.read(take, dtype="float32")
        assert rate == RATE
        assert correlation(np.asarray(sound), played) > 0.95
