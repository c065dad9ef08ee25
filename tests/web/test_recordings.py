"""Recordings sent to the server: who may, what is checked before anything is kept, and what comes of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from dubkit.web.http.headers import LARGEST_RECORDING
from tests.support.takes import RATE, silence, tone
from tests.support.web_client import Running, running_site
from tests.web.test_review_page import ANSWERS, write_episode

WAV = {"content-type": "audio/wav"}


def wav(samples: np.ndarray) -> bytes:  # type: ignore[type-arg]
    out = io.BytesIO()
    sf.write(out, samples, RATE, subtype="PCM_24", format="WAV")
    return out.getvalue()


SPEECH = wav(np.concatenate([silence(0.4), tone(1.0), silence(0.4)]))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    people = {"adam": "admin", "ed": "editor", "vera": "viewer"}
    with running_site(tmp_path_factory.mktemp("site"), people, **ANSWERS) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture
def lines(server: Running, request: pytest.FixtureRequest) -> str:
    name = f"ep{abs(hash(request.node.name))}"
    write_episode(server.site, name, 3, video=False)
    return f"/api/episodes/{name}/fr/lines"


def kept(server: Running, lines: str) -> list[Path]:
    return sorted((server.site.output / lines.split("/")[3] / "fr/recordings/microphone").glob("*"))


def test_a_recording_is_kept_chosen_and_made_into_a_take(server: Running, lines: str) -> None:
    browser = server.browser("ed")
    answer = browser.post(f"{lines}/s0002/recording", content=SPEECH, headers=WAV)
    assert answer.status_code == 202, answer.text
    (file,) = kept(server, lines)
    assert file.read_bytes() == SPEECH
    assert file.name.startswith("s0002-")
    job = answer.json()["job"]
    assert job["lines"] == ["s0002"]
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    edits = browser.get(f"{lines.removesuffix('/lines')}/edits").json()["events"]
    assert edits[0]["action"] == "record"
    undone = browser.post(f"{lines.removesuffix('/lines')}/undo", json={})
    assert undone.status_code == 200
    assert kept(server, lines) == [file]


def test_a_recording_to_the_picture_keeps_its_moment(server: Running, lines: str) -> None:
    browser = server.browser("ed")
    assert browser.post(f"{lines}/s0001/recording?at=0.25", content=SPEECH, headers=WAV).status_code == 202
    assert kept(server, lines)[0].name.endswith("@0.250.wav")


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"", "cannot be read as sound"), (b"<html>", "cannot be read"), (wav(silence(1)), "is silent")],
)
def test_what_is_no_speech_is_refused_and_nothing_is_kept(
    server: Running, lines: str, body: bytes, why: str
) -> None:
    answer = server.browser("ed").post(f"{lines}/s0001/recording", content=body, headers=WAV)
    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]
    assert not kept(server, lines)


def test_a_recording_has_a_largest_size(server: Running, lines: str) -> None:
    blocks = (bytes(1_000_000) for _ in range(LARGEST_RECORDING // 1_000_000 + 1))
    answer = server.browser("ed").post(f"{lines}/s0001/recording", content=blocks, headers=WAV)
    assert answer.status_code == 413
    assert "50 MB" in answer.json()["detail"]


def test_a_viewer_and_a_page_of_another_site_may_not(server: Running, lines: str) -> None:
    for browser, headers in (
        (server.browser("vera"), WAV),
        (server.browser("ed"), WAV | {"x-csrf-token": "-"}),
    ):
        answer = browser.post(f"{lines}/s0001/recording", content=SPEECH, headers=headers)
        assert answer.status_code == 403
    assert not kept(server, lines)


@pytest.mark.parametrize(("line", "status"), [("s0009", 404), ("s0001", 400)])
def test_lines_that_cannot_be_recorded_are_refused(
    server: Running, lines: str, line: str, status: int
) -> None:
    browser = server.browser("ed")
    assert browser.patch(f"{lines}/s0001", json={"route": "keep"}).status_code == 200
    answer = browser.post(f"{lines}/{line}/recording", content=SPEECH, headers=WAV)
    assert answer.status_code == status
    assert not kept(server, lines)


def test_another_reading_of_a_recording_is_refused(server: Running, lines: str) -> None:
    browser = server.browser("ed")
    browser.post(f"{lines}/s0001/recording", content=SPEECH, headers=WAV)
    answer = browser.post(f"{lines}/regenerate", json={"lines": ["s0001"], "seed": None})
    assert answer.status_code == 400
    assert "there is no other reading of it" in answer.json()["detail"]


def test_the_microphone_is_allowed_on_the_review_page_alone(server: Running, lines: str) -> None:
    browser = server.browser("ed")
    page = browser.get(lines.removeprefix("/api").replace("/lines", "/review"))
    assert "microphone=(self)" in page.headers["permissions-policy"]
    assert "microphone=()" in browser.get("/").headers["permissions-policy"]
