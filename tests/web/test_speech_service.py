"""A speech service on the pages: its voices are chosen, and no job brings an address or a program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dubkit.errors import SettingError
from dubkit.web.jobs.allowed import allowed_settings, check_settings
from tests.support.speech_server import SpeechServer
from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode


@pytest.fixture(scope="module")
def service() -> Iterator[SpeechServer]:
    with SpeechServer("kokoro-fastapi") as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, service: SpeechServer) -> Iterator[Running]:
    folder, own = tmp_path_factory.mktemp("site"), {"speak.openai-speech.base_url": service.url}
    with running_site(folder, {"ada": "admin"}, **own) as started:
        write_episode(started.site, "clip")
        yield started


@pytest.fixture(scope="module")
def ada(running: Running) -> Browser:
    return running.browser("ada")


def test_its_voices_are_listed_and_others_refused_with_the_names(ada: Browser) -> None:
    listed = ada.get("/api/voices?language=pt-BR").json()
    assert listed["engine"] == "a speech service"
    assert {one["name"]: one["gender"] for one in listed["voices"]}["pm_alex"] == "male"
    episode = "/api/episodes/clip/pt-BR"
    assert ada.get(f"{episode}/voices").json() == listed
    refused = ada.patch(f"{episode}/lines/s0001", json={"voice": "nobody"})
    assert refused.status_code == 422
    assert "Names: af_bella, af_sky" in refused.json()["detail"]
    for voice in ("pf_dora", "pf_dora+pm_alex"):
        changed = ada.patch(f"{episode}/lines/s0001", json={"voice": voice})
        assert changed.json()["line"]["voice"] == voice


def test_the_voices_are_asked_for_once(ada: Browser, service: SpeechServer) -> None:
    ada.get("/api/voices?language=pt-BR")
    ada.get("/api/voices?language=en")
    assert [asked.path for asked in service.asked] == ["/v1/audio/voices"]


def test_the_form_of_a_new_job_offers_it_without_its_address(ada: Browser, service: SpeechServer) -> None:
    page = ada.get("/new").text
    assert "<option>openai-speech</option>" in page
    assert 'name="set:speak.openai-speech.voices"' in page
    assert "base_url" not in page
    assert service.url not in page


def test_no_job_brings_an_address_a_key_or_a_program() -> None:
    allowed = set(allowed_settings())
    own = {f"speak.openai-speech.{name}" for name in ("model", "dialect", "voices", "instructions")}
    assert {name for name in allowed if name.startswith(("speak.openai-speech", "speak.command"))} == own
    for name in ("speak.command.command", "speak.openai-speech.base_url", "speak.openai-speech.api_key"):
        with pytest.raises(SettingError):
            check_settings({name: "x {out}"})
