"""An upload is its uploader's until it is shared; what lies in the folder by hand is everybody's."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.episode.store import EpisodeStore, canonical, decode_json
from dubkit.web.accounts.access import readers
from dubkit.web.accounts.input_readers import input_readers
from dubkit.web.accounts.people import Role
from dubkit.web.api.uploads import the_uploads
from dubkit.web.files.uploads import Upload
from tests.support.web_client import Browser, Running, running_site

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "bob": "editor", "cid": "editor"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as started:
        (started.site.inputs / "folder.wav").write_bytes(wav(9))
        yield started


@pytest.fixture(scope="module")
def people(running: Running) -> dict[str, Browser]:
    return {name: running.browser(name) for name in PEOPLE}


def wav(seed: int) -> bytes:
    sound = io.BytesIO()
    soundfile.write(sound, np.random.default_rng(seed).normal(0, 0.1, 800), 16000, format="WAV")
    return sound.getvalue()


def upload(browser: Browser, name: str, body: bytes) -> str:
    """Upload a file; return its name below the input folder."""
    told = base64.b64encode(name.encode()).decode()
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(body)),
        "Upload-Metadata": f"filename {told}",
    }
    where = browser.post("/api/uploads", headers=headers).headers["location"]
    sent = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    answer = browser.patch(where, content=body, headers=sent)
    assert answer.status_code == 204, answer.text
    return answer.headers["upload-name"]


def listed(browser: Browser) -> set[str]:
    return {one["name"] for one in browser.get("/api/inputs").json()}


def submitted(browser: Browser, name: str) -> tuple[int, str]:
    answer = browser.post("/api/jobs", json={"source": name, "until": "extract"})
    return answer.status_code, answer.text


def test_an_upload_is_its_uploaders_until_it_is_shared(running: Running, people: dict[str, Browser]) -> None:
    ada, eve, bob = (people[name] for name in ("ada", "eve", "bob"))
    name = upload(eve, "hidden.wav", wav(1))
    assert name in listed(eve) & listed(ada)
    assert name not in listed(bob)
    for form in (name, f"./{name}", f".//{name}"):
        status, text = submitted(bob, form)
        assert status == 422, text
        assert "There is no" in text
    plan = bob.post("/new/plan", data={"source": name, "language": "pt-BR", "csrf_token": bob.csrf()})
    assert "There is no" in plan.text
    assert bob.put(f"/api/inputs/{name}/access", json={"people": ["bob"]}).status_code == 404

    assert eve.put(f"/api/inputs/{name}/access", json={"people": ["nobody"]}).status_code == 422
    assert eve.put(f"/api/inputs/{name}/access", json={"people": ["bob"]}).json()["shared"] == ["bob"]
    assert name in listed(bob)
    assert bob.put(f"/api/inputs/{name}/access", json={"people": ["*"]}).status_code == 403
    assert submitted(bob, name)[0] == 201
    assert eve.put(f"/api/inputs/{name}/access", json={"people": []}).status_code == 200


def test_a_file_of_the_folder_is_everybodys(running: Running, people: dict[str, Browser]) -> None:
    for browser in people.values():
        assert "folder.wav" in listed(browser)
    assert submitted(people["bob"], "folder.wav")[0] == 201
    assert people["ada"].put("/api/inputs/folder.wav/access", json={"people": ["eve"]}).status_code == 409


def test_the_same_upload_of_two_people_is_two_files(running: Running, people: dict[str, Browser]) -> None:
    eve, bob, body = people["eve"], people["bob"], wav(2)
    first, second = upload(eve, "twice.wav", body), upload(bob, "twice.wav", body)
    assert (first, second) == ("twice.wav", "twice-2.wav")
    assert upload(bob, "twice.wav", body) == second
    assert first in listed(eve) - listed(bob)
    assert second in listed(bob) - listed(eve)
    assert upload(bob, "folder.wav", wav(9)) == "folder.wav"
    assert "folder.wav" in listed(eve), "what was everybody's stays so when somebody uploads it too"


def test_nobody_gets_the_name_of_an_upload_that_is_gone(running: Running, people: dict[str, Browser]) -> None:
    name = upload(people["eve"], "again.wav", wav(3))
    (running.site.inputs / name).unlink()
    assert upload(people["bob"], "again.wav", wav(4)) == "again-2.wav"
    assert upload(people["eve"], "again.wav", wav(3)) == name
    assert name in listed(people["eve"]) - listed(people["bob"])


def test_an_uploader_is_an_owner_of_what_others_make_from_the_upload(
    running: Running, people: dict[str, Browser]
) -> None:
    site, eve, bob = running.site, people["eve"], people["bob"]
    name = upload(eve, "film.wav", wav(7))
    eve.put(f"/api/inputs/{name}/access", json={"people": ["bob"]})
    assert submitted(bob, name)[0] == 201
    assert submitted(eve, name)[0] == 201, "a job that waits does not shut the uploader out"
    source = site.inputs / name
    stat = source.stat()
    memo = {
        "path": str(source.resolve()),
        "sha256": "0" * 64,
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }
    EpisodeStore(site.output / "film").write_bytes(".dubkit/source.json", canonical(memo))
    assert readers(site, "film").owners >= {"eve"}
    assert eve.get("/api/episodes/film").status_code == 200
    assert people["cid"].get("/api/episodes/film").status_code == 404

    # Another file under its name is another film: it opens nothing to those who saw the first one.
    source.write_bytes(wav(8) + b"\0\0")
    eve.put(f"/api/inputs/{name}/access", json={"people": []})
    assert name not in listed(bob)


def test_uploads_of_a_removed_user_are_not_those_of_the_next_one_of_the_name(running: Running) -> None:
    ada = running.browser("ada")
    new = {"name": "ann", "role": "editor", "password": "correct horse battery"}
    assert ada.post("/api/users", json=new).status_code == 201
    name = upload(running.browser("ann"), "anns.wav", wav(5))
    assert ada.delete("/api/users/ann").status_code == 204
    assert ada.post("/api/users", json=new).status_code == 201
    assert name not in listed(running.browser("ann"))
    assert name in listed(ada)


def test_uploads_of_an_earlier_version_stay_their_uploaders(running: Running) -> None:
    site = running.site
    uploads = the_uploads(site)
    (site.inputs / "earlier.wav").write_bytes(wav(6))
    note = uploads.folder / f"{'a' * 24}.json"
    fields = {
        "id": "a" * 24,
        "name": "earlier.wav",
        "size": 9,
        "owner": "eve",
        "created": 1.0,
        "file": "earlier.wav",
    }
    note.write_bytes(canonical(fields))
    uploads.claim_earlier()
    assert input_readers(site.database)["earlier.wav"].owner == "eve"
    assert decode_json(note.read_bytes(), Upload).claimed
