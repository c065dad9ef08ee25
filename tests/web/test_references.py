"""What voices are cloned from, over HTTP: heard, chosen, uploaded, taken back; and who may."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from dubkit.config import all_settings
from tests.review.test_references import references
from tests.support.persons import RATE, man
from tests.support.web_client import Running, running_site
from tests.web.test_review_page import ANSWERS, write_episode

WAV = {"content-type": "audio/wav"}


def wav(samples: Any) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, RATE, subtype="PCM_24", format="WAV")
    return out.getvalue()


SPEECH = wav(man(4))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    people = {"adam": "admin", "ed": "editor", "vera": "viewer"}
    with running_site(tmp_path_factory.mktemp("site"), people, **ANSWERS) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture
def episode(server: Running, request: pytest.FixtureRequest) -> str:
    name = f"ep{abs(hash(request.node.name))}"
    store = write_episode(server.site, name, 3, video=False)
    store.write_json("references.json", references())
    for file in ("references/spk1.wav", "references/pieces/spk1-1.wav"):
        with store.writing(file) as path:
            path.write_bytes(SPEECH)
    return name


def own(server: Running, episode: str) -> dict[str, Any]:
    answer = server.browser("vera").get(f"/api/episodes/{episode}/fr/speakers")
    found: dict[str, Any] = next(r for r in answer.json()["speakers"] if r["id"] == "spk1")["reference"]
    return found


def url(episode: str, what: str, speaker: str = "spk1") -> str:
    return f"/api/episodes/{episode}/fr/speakers/{speaker}/{what}"


def test_references_are_heard_and_nothing_else_is(server: Running, episode: str) -> None:
    browser = server.browser("vera")
    for name in (own(server, episode)["file"], "references/pieces/spk1-1.wav"):
        assert browser.get(f"/media/{episode}/{name}").content == SPEECH
    for name in ("references/..%2F..%2Fedits.wav", "references/spk9.wav", "references/pieces/..%2Fspk1.wav"):
        assert browser.get(f"/media/{episode}/{name}").status_code in (404, 422)


def test_a_piece_is_chosen_and_taken_back(server: Running, episode: str) -> None:
    browser = server.browser("ed")
    assert browser.put(url(episode, "reference"), json={"piece": 2}).status_code == 200
    row = own(server, episode)
    assert (row["by_hand"], row["waiting"]) == (True, True)
    assert [piece["chosen"] for piece in row["pieces"]] == [False, True]
    assert browser.post(f"/api/episodes/{episode}/fr/undo", json={}).status_code == 200
    assert not own(server, episode)["by_hand"]
    browser.put(url(episode, "reference"), json={"piece": 1})
    assert browser.delete(url(episode, "reference")).status_code == 200
    assert not own(server, episode)["by_hand"]


def test_a_recording_is_uploaded_with_its_text(server: Running, episode: str) -> None:
    answer = server.browser("ed").post(
        url(episode, "recording") + "?text=What%20he%20says", content=SPEECH, headers=WAV
    )
    assert answer.status_code == 200, answer.text
    assert own(server, episode)["by_hand"]
    (kept,) = (server.site.output / episode / "references/given").glob("*.wav")
    assert kept.with_suffix(".txt").read_text() == "What he says"


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"<html>", "spk1"), (wav(np.zeros(3 * RATE)), "silent"), (wav(man(0.4)), "1 s is the least")],
)
def test_what_is_no_voice_is_refused_and_not_kept(
    server: Running, episode: str, body: bytes, why: str
) -> None:
    answer = server.browser("ed").post(url(episode, "recording"), content=body, headers=WAV)
    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]
    assert not (server.site.output / episode / "references/given").exists()


def test_a_viewer_and_a_page_of_another_site_may_not(server: Running, episode: str) -> None:
    for browser, more in ((server.browser("vera"), {}), (server.browser("ed"), {"x-csrf-token": "-"})):
        sent = browser.post(url(episode, "recording"), content=SPEECH, headers=WAV | more)
        put = browser.put(url(episode, "reference"), json={"piece": 1}, headers=more)
        assert (sent.status_code, put.status_code) == (403, 403)
    assert not own(server, episode)["by_hand"]


@pytest.mark.parametrize(
    ("speaker", "piece", "status"), [("spk1", 9, 400), ("nobody", 1, 400), ("spk1", 0, 422)]
)
def test_what_is_not_there_is_refused(
    server: Running, episode: str, speaker: str, piece: int, status: int
) -> None:
    answer = server.browser("ed").put(url(episode, "reference", speaker), json={"piece": piece})
    assert answer.status_code == status


def test_the_page_shows_references_to_everybody_and_forms_to_editors(server: Running, episode: str) -> None:
    for name, forms in (("vera", 0), ("ed", 1)):
        page = server.browser(name).get(f"/characters/{episode}/fr").text
        assert f'src="/media/{episode}/references/spk1.wav"' in page
        assert "The source at 0:01.00, 2.0 s, score 0.90" in page
        assert page.count("data-choose") == forms


def test_a_job_may_ask_for_cloned_voices_but_not_for_folders_or_less_consent() -> None:
    may = {entry.name: entry.job for entry in all_settings() if entry.name.startswith("cast.")}
    assert may["cast.voice_mode"]
    assert [
        name for name in ("voice_ref_dir", "consent", "consent_file", "file") if may[f"cast.{name}"]
    ] == []
