"""Who sees an episode: its owners, those it is given to, and admins; and nobody else by any way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from dubkit.web.jobs.kinds import Job, JobWork
from dubkit.web.jobs.leases import Ending, Leases, WorkerIdentity
from tests.support.web_client import PASSWORD, Browser, Running, running_site
from tests.support.web_episode import write_episode

PEOPLE: Any = {"root": "admin", "ed": "editor", "eve": "editor", "bob": "editor", "vic": "viewer"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def people(server: Running) -> dict[str, Browser]:
    return {name: server.browser(name) for name in PEOPLE}


@pytest.fixture
def episode(server: Running) -> str:
    """An episode that nobody owns, as the command line leaves it."""
    name = f"film{next(_numbers)}"
    write_episode(server.site, name)
    return name


def done(server: Running, job: str) -> None:
    """Let a worker begin and end the jobs that wait, up to this one."""
    leases = Leases(server.site.database, max_attempts=9)
    while claimed := leases.claim(WorkerIdentity("w", "h"), 60):
        leases.finish(claimed, Ending("done", result={"dubs": {"pt-BR": "pt-BR/dub.mp4"}}))
    found = server.site.queue.get(job)
    assert found is not None
    assert found.ended


def make(server: Running, episode: str, owner: str = "ed") -> Job:
    """Let somebody's job make the episode."""
    job = server.site.queue.submit(JobWork("dub", f"/in/{episode}.mp4", episode, ("pt-BR",), {}), owner)
    done(server, job.id)
    return job


def share(browser: Browser, episode: str, *names: str) -> int:
    return browser.put(f"/api/episodes/{episode}/access", json={"people": list(names)}).status_code


def who_sees(people: dict[str, Browser], episode: str) -> set[str]:
    return {
        name for name, browser in people.items() if browser.get(f"/api/episodes/{episode}").status_code == 200
    }


# --- who may see it ---------------------------------------------------------------------------


def test_an_episode_that_nobody_owns_is_everybodys_until_somebody_says_otherwise(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    where = f"/api/episodes/{episode}/access"
    assert who_sees(people, episode) == set(PEOPLE)
    assert people["root"].get(where).json() == {"people": ["*"]}
    assert share(people["root"], episode, "eve") == 200
    assert who_sees(people, episode) == {"root", "eve"}
    line = f"/api/episodes/{episode}/pt-BR/lines/s0002"
    assert people["bob"].patch(line, json={"text": "Tchau"}).status_code == 404
    assert people["eve"].patch(line, json={"text": "Tchau"}).status_code == 200
    assert share(people["eve"], episode, "*") == 403, "seeing is not giving"
    assert share(people["root"], episode) == 200
    assert who_sees(people, episode) == {"root"}
    assert people["root"].get(where).json() == {"people": []}
    assert share(people["root"], episode, "*") == 200
    assert who_sees(people, episode) == set(PEOPLE)


def test_the_library_says_who_may_see_an_episode(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    def words() -> str:
        card = people["root"].get("/").text.split(f'data-episode="{episode}"')[1].split("</article>")[0]
        return card.split("Who may see it: ")[1].split("<")[0]

    assert words() == "everybody with a login"
    share(people["root"], episode, "eve", "vic")
    assert words() == "eve, vic and admins"
    share(people["root"], episode)
    assert words() == "admins only"
    assert episode not in people["eve"].get("/").text


def test_work_on_an_episode_makes_nobody_its_owner(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    make(server, episode, "ed")
    assert share(people["ed"], episode, "eve") == 200
    eve = people["eve"]
    made = eve.post(f"/api/episodes/{episode}/pt-BR/render", json={})
    assert made.status_code == 202, made.text
    done(server, made.json()["id"])
    asked = {"source": f"{episode}.mp4", "languages": ["fr"]}
    job = eve.post("/api/jobs", json=asked)
    assert job.json()["work"]["episode"] == episode
    done(server, job.json()["id"])
    again = eve.post("/api/jobs/batch", json={"jobs": [asked]})
    done(server, again.json()[0]["id"])
    assert who_sees(people, episode) == {"root", "ed", "eve"}
    assert share(eve, episode, "*") == 403
    assert share(people["ed"], episode) == 200
    assert who_sees(people, episode) == {"root", "ed"}


def test_work_on_an_episode_that_nobody_owns_leaves_it_so(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    job = people["eve"].post("/api/jobs", json={"source": f"{episode}.mp4", "languages": ["fr"]}).json()
    assert who_sees(people, episode) == set(PEOPLE), "while it waits"
    done(server, job["id"])
    assert who_sees(people, episode) == set(PEOPLE)
    assert share(people["eve"], episode, "eve") == 403
    share(people["root"], episode)
    assert who_sees(people, episode) == {"root"}


def test_who_makes_an_episode_owns_it(server: Running, people: dict[str, Browser]) -> None:
    name = f"new{next(_numbers)}"
    (server.site.inputs / f"{name}.mp4").write_bytes(b"media")
    job = people["ed"].post("/api/jobs", json={"source": f"{name}.mp4", "languages": ["fr"]}).json()
    (server.site.output / name / ".dubkit").mkdir(parents=True)
    done(server, job["id"])
    where = f"/api/episodes/{name}/access"
    assert [people[one].get(where).status_code for one in ("ed", "root", "eve")] == [200, 200, 404]
    assert share(people["ed"], name, "vic") == 200
    assert people["vic"].get(where).status_code == 200


def test_a_job_whose_episode_is_another_owns_that_one_unless_somebody_does(server: Running) -> None:
    """The file was replaced while the job waited, so that it has a folder of its own."""
    name, leases = f"moved{next(_numbers)}", Leases(server.site.database, max_attempts=9)
    make(server, f"{name}-eds", "ed")
    for other, owners in ((f"{name}-new", {"eve"}), (f"{name}-eds", {"ed"})):
        work = JobWork("dub", f"/in/{name}.mp4", name, ("pt-BR",), {})
        server.site.queue.submit(work, "eve", shared={name})
        claimed = leases.claim(WorkerIdentity("w", "h"), 60)
        assert claimed is not None
        leases.opened(claimed, other)
        leases.finish(claimed, Ending("done"))
        assert server.site.queue.owners(other) == owners
        assert server.site.queue.owners(name) == frozenset()


# --- and by no other way ----------------------------------------------------------------------


def test_what_was_taken_away_is_gone_from_everywhere(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    server.site.output.joinpath(episode, "pt-BR", "dub.mp4").write_bytes(b"film")
    make(server, episode, "ed")
    share(people["ed"], episode, "eve")
    eve = people["eve"]
    job = eve.post(f"/api/episodes/{episode}/pt-BR/render", json={}).json()["id"]
    done(server, job)
    reads = [
        f"/api/jobs/{job}", f"/api/jobs/{job}/result", f"/api/jobs/{job}/transcript", f"/api/jobs/{job}/log",
        f"/api/jobs/{job}/events", f"/jobs/{job}", f"/media/{episode}/pt-BR/dub", f"/media/{episode}/source",
        f"/media/{episode}/pt-BR/subtitles.vtt", f"/api/episodes/{episode}", f"/characters/{episode}/pt-BR",
        f"/episodes/{episode}/pt-BR/review",
    ]  # fmt: skip
    assert {eve.get(path).status_code for path in reads[:6]} == {200}
    lists = ["/", "/jobs", "/characters", "/api/jobs", "/api/episodes", f"/api/jobs?episode={episode}"]
    assert all(episode in eve.get(path).text for path in lists)
    share(people["ed"], episode)
    assert {eve.get(path).status_code for path in reads} == {404}
    assert [path for path in lists if f"{episode}<" in eve.get(path).text] == []
    assert [path for path in lists if f'"{episode}"' in eve.get(path).text] == []
    for path in (
        f"/api/jobs/{job}/retry",
        f"/api/jobs/{job}/cancel",
        f"/api/jobs/{job}/transcript/synthesize",
    ):
        assert eve.post(path, json={}).status_code == 404
    rows = [{"id": "s0002", "text": "Tchau"}]
    assert eve.put(f"/api/jobs/{job}/transcript", json=rows).status_code == 404
    again = {"source": f"{episode}.mp4", "languages": ["fr"]}
    assert eve.post("/api/jobs", json=again).status_code == 403
    assert "somebody else" in eve.post("/new/plan", data={"source": f"{episode}.mp4", "language": "fr"}).text
    assert people["root"].get(f"/api/jobs/{job}").status_code == 200


def test_a_page_of_jobs_is_full_though_some_are_not_shown(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    bob = people["bob"]
    first = make(server, f"own{next(_numbers)}", "bob")
    make(server, episode, "ed")
    share(people["ed"], episode, "bob")
    for _ in range(2):
        done(server, bob.post(f"/api/episodes/{episode}/pt-BR/render", json={}).json()["id"])
    assert first.id not in bob.get("/api/jobs?limit=2").text
    share(people["ed"], episode)
    assert [job["id"] for job in bob.get("/api/jobs?limit=2").json()] == [first.id]


def test_a_stream_ends_when_the_episode_is_taken_away(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    make(server, episode, "ed")
    share(people["ed"], episode, "eve")
    job = people["eve"].post(f"/api/episodes/{episode}/pt-BR/render", json={}).json()["id"]
    leases = Leases(server.site.database, max_attempts=9)
    claimed = leases.claim(WorkerIdentity("w", "h"), 600)
    assert claimed is not None
    told = ""
    with people["eve"].stream("GET", f"/api/jobs/{job}/events") as stream:
        for part in stream.iter_text():
            told += part
            if "secret" in told:
                break
            if "leased" in told:
                share(people["ed"], episode)
                leases.record(claimed, "note", {"text": "secret"})
    leases.finish(claimed, Ending("done"))
    assert "secret" not in told


# --- names that come again --------------------------------------------------------------------


def test_removing_the_last_who_may_see_it_opens_nothing(
    server: Running, people: dict[str, Browser], episode: str
) -> None:
    root = people["root"]
    root.post("/api/users", json={"name": "guest", "role": "viewer", "password": PASSWORD})
    share(root, episode, "guest")
    assert root.delete("/api/users/guest").status_code == 204
    assert who_sees(people, episode) == {"root"}


def test_a_name_given_again_inherits_nothing(server: Running, people: dict[str, Browser]) -> None:
    root = people["root"]
    name = f"film{next(_numbers)}"
    write_episode(server.site, name)
    for _ in range(2):
        root.post("/api/users", json={"name": "temp", "role": "editor", "password": PASSWORD})
        temp = server.browser("temp")
        assert temp.get("/api/jobs").json() == []
        assert name not in temp.get("/jobs").text
        work = JobWork("dub", f"/in/{name}.mp4", name, ("pt-BR",), {})
        job = server.site.queue.submit(work, "temp", key="night")
        done(server, job.id)
        assert temp.get(f"/api/jobs/{job.id}").status_code == 200
        assert temp.get(f"/api/episodes/{name}").status_code == 200
        root.delete("/api/users/temp")
    root.post("/api/users", json={"name": "temp", "role": "editor", "password": PASSWORD})
    assert server.browser("temp").get(f"/api/episodes/{name}").status_code == 404
    assert root.get(f"/api/jobs/{job.id}").json()["owner"] == "temp (removed)"
    root.delete("/api/users/temp")
