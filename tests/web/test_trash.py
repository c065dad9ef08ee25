"""Deleting, restoring, removing for good; several jobs at once; quotas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from dubkit.web.accounts.access import readers
from dubkit.web.accounts.people import Role
from dubkit.web.accounts.tables import TrashRow
from dubkit.web.files.trash import FOLDER, Trash
from dubkit.web.jobs.kinds import JobWork
from dubkit.web.jobs.leases import Ending, Leases, WorkerIdentity
from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode
from tests.web.test_input_readers import listed, upload, wav

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "bob": "editor", "vic": "viewer"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as started:
        yield started


@pytest.fixture(scope="module")
def people(running: Running) -> dict[str, Browser]:
    return {name: running.browser(name) for name in PEOPLE}


def made(running: Running, name: str, owner: str) -> str:
    """Make an episode by a job of somebody; return the id of the job."""
    write_episode(running.site, name)
    source = str(running.site.inputs / f"{name}.mp4")
    job = running.site.queue.submit(JobWork("dub", source, name, ("pt-BR",)), owner).id
    done(running)
    return job


def done(running: Running) -> None:
    leases = Leases(running.site.database, max_attempts=3)
    while (held := leases.claim(WorkerIdentity("here:1", "here"), 60.0)) is not None:
        leases.finish(held, Ending("done"))


def names(browser: Browser) -> set[str]:
    return {one["name"] for one in browser.get("/api/episodes").json()}


def test_a_deleted_episode_comes_back_as_it_was(running: Running, people: dict[str, Browser]) -> None:
    eve, bob = people["eve"], people["bob"]
    job = made(running, "film", "eve")
    eve.put("/api/episodes/film/access", json={"people": ["vic"]})
    before = sorted(path.name for path in (running.site.output / "film").rglob("*"))
    assert bob.delete("/api/episodes/film").status_code == 404
    assert people["vic"].delete("/api/episodes/film").status_code == 403

    entry = eve.delete("/api/episodes/film").json()
    assert (entry["kind"], entry["name"], entry["person"]) == ("episode", "film", "eve")
    assert entry["size"] > 0
    assert not (running.site.output / "film").exists()
    assert "film" not in names(eve)
    assert eve.get(f"/api/jobs/{job}").status_code == 404
    assert entry["id"] not in {one["id"] for one in bob.get("/api/trash").json()}
    assert bob.post(f"/api/trash/{entry['id']}/restore").status_code == 404

    assert eve.post(f"/api/trash/{entry['id']}/restore").status_code == 200
    after = sorted(path.name for path in (running.site.output / "film").rglob("*"))
    assert [n for n in after if n != "lock"] == [n for n in before if n != "lock"]
    assert "film" in names(eve) & names(people["vic"])
    assert "film" not in names(bob)
    assert eve.get(f"/api/jobs/{job}").json()["state"] == "done"
    assert eve.get("/api/trash").json() == []


def test_another_episode_of_the_name_is_not_the_old_owners(
    running: Running, people: dict[str, Browser]
) -> None:
    eve, bob = people["eve"], people["bob"]
    made(running, "pilot", "eve")
    entry = eve.delete("/api/episodes/pilot").json()
    made(running, "pilot", "bob")
    assert readers(running.site, "pilot").owners == {"bob"}
    assert "pilot" in names(bob) - names(eve)
    refused = eve.post(f"/api/trash/{entry['id']}/restore")
    assert refused.status_code == 409
    assert "another episode of that name" in refused.json()["detail"]
    assert readers(running.site, "pilot").owners == {"bob"}, "a refused restore changes nothing"
    assert eve.delete(f"/api/trash/{entry['id']}").status_code == 204
    assert not (running.site.output / FOLDER / entry["id"]).exists()


def test_what_is_in_use_is_not_deleted(running: Running, people: dict[str, Browser]) -> None:
    eve = people["eve"]
    made(running, "busy", "eve")
    name = upload(eve, "source.wav", wav(21))
    source = str((running.site.inputs / name).resolve())
    waits = running.site.queue.submit(JobWork("dub", source, "busy", ("pt-BR",)), "eve").id
    for place in ("/api/episodes/busy", f"/api/inputs/{name}", f"/api/jobs/{waits}"):
        refused = eve.delete(place)
        assert refused.status_code == 409, place
        assert waits in refused.json()["detail"]
    assert eve.post(f"/api/jobs/{waits}/cancel").status_code == 200
    assert eve.delete(f"/api/jobs/{waits}").status_code == 200


def test_an_input_is_deleted_by_its_uploader_only(running: Running, people: dict[str, Browser]) -> None:
    eve, bob = people["eve"], people["bob"]
    name = upload(eve, "mine.wav", wav(22))
    (running.site.inputs / "ours.wav").write_bytes(wav(23))
    assert bob.delete(f"/api/inputs/{name}").status_code == 404
    assert bob.delete("/api/inputs/ours.wav").status_code == 403
    assert eve.delete("/api/inputs/../Output/dubkit.db").status_code in (404, 405)
    entry = eve.delete(f"/api/inputs/{name}").json()
    assert name not in listed(eve)
    assert eve.post(f"/api/trash/{entry['id']}/restore").status_code == 200
    assert name in listed(eve) - listed(bob)
    assert people["ada"].delete("/api/inputs/ours.wav").status_code == 200


def test_all_of_a_batch_is_cancelled_and_deleted_at_once(
    running: Running, people: dict[str, Browser]
) -> None:
    eve, bob = people["eve"], people["bob"]
    name = upload(eve, "many.wav", wav(24))
    one = {"source": name, "until": "extract"}
    batch = eve.post("/api/jobs/batch", json={"jobs": [one] * 5}).json()
    other = eve.post("/api/jobs", json=one).json()["id"]
    id = {"batch": batch[0]["batch"]}
    assert len(eve.get("/api/jobs", params=id).json()) == 5
    assert bob.post("/api/jobs/cancel", json=id).json() == {"jobs": []}
    assert sorted(eve.post("/api/jobs/cancel", json=id).json()["jobs"]) == sorted(j["id"] for j in batch)
    assert eve.get(f"/api/jobs/{other}").json()["state"] == "queued"
    assert eve.post("/api/jobs/cancel", json={}).status_code == 422
    entry = eve.post("/api/jobs/delete", json=id).json()
    assert entry["name"] == "5 jobs"
    assert eve.get("/api/jobs", params=id).json() == []
    assert eve.post(f"/api/trash/{entry['id']}/restore").status_code == 200
    assert len(eve.get("/api/jobs", params=id).json()) == 5
    eve.post("/api/jobs/cancel", json={"jobs": [other]})


def test_deleting_a_job_for_good_leaves_its_episode_its_owner(
    running: Running, people: dict[str, Browser]
) -> None:
    eve = people["eve"]
    job = made(running, "kept", "eve")
    entry = eve.delete(f"/api/jobs/{job}").json()
    assert eve.delete("/api/trash").status_code == 204
    assert entry["id"] not in {one["id"] for one in people["ada"].get("/api/trash").json()}
    assert readers(running.site, "kept").owners == {"eve"}
    assert "kept" not in names(people["bob"])


def test_the_trash_has_a_time_limit(running: Running, people: dict[str, Browser]) -> None:
    made(running, "old", "eve")
    entry = people["eve"].delete("/api/episodes/old").json()
    with running.site.database.transaction() as session:
        for row in session.query(TrashRow).where(TrashRow.id == entry["id"]):
            session.execute(
                update(TrashRow).where(TrashRow.id == row.id).values(at=row.at - timedelta(days=31))
            )
    Trash(running.site).sweep()
    assert people["eve"].get("/api/trash").json() == []
    assert not (running.site.output / FOLDER / entry["id"]).exists()


def test_nobody_takes_more_than_the_quota(tmp_path: Path) -> None:
    body = wav(25)
    quota: Any = len(body) * 2.5 / 1e9
    with running_site(tmp_path, PEOPLE, serve__quota_gb=quota) as running:
        eve, ada = running.browser("eve"), running.browser("ada")
        names = [upload(eve, f"{number}.wav", wav(30 + number)) for number in range(2)]
        refused = eve.post(
            "/api/uploads",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": str(len(body)),
                "Upload-Metadata": "filename eC53YXY=",
            },
        )
        assert refused.status_code == 507
        assert "serve.quota_gb" in refused.json()["detail"]
        entry = eve.delete(f"/api/inputs/{names[0]}").json()
        used = eve.get("/api/usage").json()
        assert (used["uploads"], used["trash"], used["total"]) == (len(body), len(body), 2 * len(body))
        eve.delete(f"/api/trash/{entry['id']}")
        assert upload(eve, "2.wav", wav(40)) == "2.wav"
        for number in range(4):
            upload(ada, f"a{number}.wav", wav(50 + number))
        assert ada.get("/api/usage").json()["quota"] == 0


def test_episodes_come_in_pages(running: Running, people: dict[str, Browser]) -> None:
    for name in ("page-a", "page-b", "page-c"):
        write_episode(running.site, name)
    ada, found = people["ada"], []
    while True:
        asked = {"text": "PAGE-", "limit": 2, "after": found[-1] if found else ""}
        page = [one["name"] for one in ada.get("/api/episodes", params=asked).json()]
        if not page:
            break
        found += page
    assert found == ["page-a", "page-b", "page-c"]
    newest = ada.get("/api/episodes", params={"text": "page-", "sort": "changed", "limit": 1}).json()
    assert [one["name"] for one in newest] == ["page-c"]
