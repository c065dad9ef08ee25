"""Jobs over HTTP: submitted, watched, steered and read, by those who may, on a real server and queue."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from dubkit.studio import Session
from dubkit.web.accounts.people import Role
from dubkit.web.http.event_watcher import event_watcher
from dubkit.web.jobs.leases import Ending, Leases, WorkerIdentity
from dubkit.web.jobs.settings import job_settings
from dubkit.web.jobs.start import WorkerStart, start
from dubkit.web.jobs.tables import EventRow, JobRow, SlotRow
from tests.support.paths import ROOT
from tests.support.web_client import Browser, Running, running_site

SAMPLE = ROOT / "Input" / "sample.mp4"
PEOPLE: dict[str, Role] = {"root": "admin", "ana": "editor", "bob": "editor", "vic": "viewer"}
ASKED = {"source": "tiny.mp4", "languages": ["pt-BR"], "settings": {"mode": "low"}}
SHORT = {"source": "tiny.mp4", "until": "extract"}


def tiny_clip(path: Path) -> Path:
    """Write a real clip of one second."""
    from dubkit.media.files.ffmpeg import ffmpeg_exe

    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1")
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-shortest", "-v", "error", "-y")
    subprocess.run([ffmpeg_exe()[0], *picture, *sound, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "Input" / "series").mkdir(parents=True)
    clip = tiny_clip(folder / "outside.mp4").read_bytes()
    for name in ("tiny.mp4", "series/e01.mp4"):
        (folder / "Input" / name).write_bytes(clip)
    (folder / "Input" / "notes.txt").write_text("not media")
    (folder / "Input" / "link.mp4").symlink_to(folder / "outside.mp4")
    with running_site(folder, PEOPLE) as started:
        yield started


@pytest.fixture(scope="module")
def people(server: Running) -> dict[str, Browser]:
    """Everybody's browser, logged in."""
    return {name: server.browser(name) for name in PEOPLE}


@pytest.fixture
def running(server: Running) -> Running:
    """The server without jobs and episodes."""
    with server.site.database.transaction() as session:
        for table in (SlotRow, EventRow, JobRow):
            session.execute(delete(table))
    for folder in server.site.output.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    return server


@pytest.fixture
def ana(running: Running, people: dict[str, Browser]) -> Browser:
    return people["ana"]


def work_all(running: Running) -> None:
    """Do every job that waits, with a real worker."""
    site = running.site

    def open_session(own: Any) -> Session:
        return Session(job_settings(site.configured, own), site.output, site.models, site.speeds)

    start(WorkerStart(site.settings, site.output, open_session, once=True))


def submitted(browser: Browser, **asked: Any) -> dict[str, Any]:
    answer = browser.post("/api/jobs", json=asked or ASKED)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(running: Running, job: str, ending: Ending) -> None:
    """Claim the oldest job that can run and record how it ended."""
    leases = Leases(running.site.database, max_attempts=3)
    claimed = leases.claim(WorkerIdentity("test:1", "test"), 60)
    assert claimed is not None
    assert claimed.job.id == job
    leases.finish(claimed, ending)


# --- submitting -------------------------------------------------------------------------------


def test_a_job_is_submitted_and_shown_without_folders_of_the_server(running: Running, ana: Browser) -> None:
    job = submitted(ana, **(ASKED | {"source": "series/e01.mp4", "languages": ["pt_br", "French", "pt-BR"]}))
    assert (job["state"], job["owner"], job["progress"]["share"]) == ("queued", "ana", 0.0)
    work = job["work"]
    assert (work["kind"], work["source"], work["episode"]) == ("dub", "series/e01.mp4", "e01")
    assert work["languages"] == ["pt-BR", "fr"]
    assert work["settings"] == {"mode": "low"}
    assert str(running.site.inputs) not in json.dumps(job)
    assert ana.get(f"/api/jobs/{job['id']}").json() == job
    kept = running.site.queue.get(job["id"])
    assert kept is not None
    assert kept.work.source == str(running.site.inputs / "series/e01.mp4")


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd", "../outside.mp4", "series/../../outside.mp4", "link.mp4", "notes.txt", "missing.mp4",
        "series", "..\\outside.mp4", ".uploads/x.part", "a\0b.mp4", "\u202etiny.mp4", "x" * 400 + ".mp4", ".",
    ],
)  # fmt: skip
def test_a_source_that_is_no_media_file_below_the_inputs_is_refused(ana: Browser, source: str) -> None:
    answer = ana.post("/api/jobs", json=ASKED | {"source": source})
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "source"]
    assert "/Input" not in problem["msg"]
    assert ana.get("/api/jobs").json() == []


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"settings": {"serve.port": 1}}, ["settings"], "serve.port"),
        ({"settings": {"models.asr": "/etc"}}, ["settings"], "models.asr"),
        ({"settings": {"translate.api_key": "sk-secret"}}, ["settings"], "translate.api_key"),
        ({"settings": {"cast.file": "/etc/passwd"}}, ["settings"], "cast.file"),
        ({"settings": {"transcribe.model": "/etc"}}, ["settings"], "transcribe.model"),
        ({"settings": {"mode": "best"}}, ["settings"], "mode"),
        ({"settings": {"transcribe.beem": 5}}, ["settings"], "transcribe.beem"),
        ({"settings": {"speak.min_speed": 9.0}}, ["settings"], "speak.min_speed"),
        ({"languages": ["pt-BR", "nonsensical"]}, ["languages", 1], "nonsensical"),
        ({"languages": []}, ["until"], "at least one language"),
        ({"until": "bake"}, ["until"], "no such stage"),
        ({"kind": "render"}, ["kind"], "not permitted"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    ana: Browser, changes: dict[str, Any], place: list[str], words: str
) -> None:
    answer = ana.post("/api/jobs", json=ASKED | changes)
    assert answer.status_code == 422, answer.text
    problem = answer.json()["detail"][0]
    assert problem["loc"] == ["body", *place]
    assert words in problem["msg"]
    assert "sk-secret" not in answer.text
    assert ana.get("/api/jobs").json() == []


def test_a_batch_goes_in_whole_or_not_at_all_and_names_each_problem(ana: Browser) -> None:
    good = ASKED | {"source": "series/e01.mp4"}
    bad = ana.post(
        "/api/jobs/batch", json={"jobs": [good, {"source": "no.mp4", "languages": ["tlh!"]}, ASKED]}
    )
    assert bad.status_code == 422
    assert [p["loc"] for p in bad.json()["detail"]] == [
        ["body", "jobs", 1, "languages", 0],
        ["body", "jobs", 1, "source"],
    ]
    assert ana.get("/api/jobs").json() == []
    done = ana.post("/api/jobs/batch", json={"jobs": [good, ASKED]})
    assert done.status_code == 201
    assert [job["work"]["episode"] for job in done.json()] == ["e01", "tiny"]


def test_a_repeated_key_gives_the_same_job_and_other_work_a_conflict(ana: Browser) -> None:
    key = {"Idempotency-Key": "k-1"}
    first, again = (ana.post("/api/jobs", json=ASKED, headers=key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    other = ana.post("/api/jobs", json=ASKED | {"languages": ["fr"]}, headers=key)
    assert other.status_code == 409
    assert len(ana.get("/api/jobs").json()) == 1
    assert ana.post("/api/jobs", json=ASKED, headers={"Idempotency-Key": "a b"}).status_code == 422


def test_many_clients_submit_at_once_and_nothing_is_lost(
    running: Running, people: dict[str, Browser]
) -> None:
    browsers = [people["root" if n % 2 else "ana"] for n in range(6)]
    sources = ["tiny.mp4", "series/e01.mp4"]

    def submit(n: int) -> str:
        asked = ASKED | {"source": sources[n % 2], "settings": {"transcribe.beam": 1 + n // 2}}
        return str(submitted(browsers[n], **asked)["id"])

    with ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(submit, range(6)))
    assert len(set(ids)) == 6
    assert {job["id"] for job in people["root"].get("/api/jobs").json()} == set(ids)


# --- whose it is ------------------------------------------------------------------------------

READING = ["", "/result", "/transcript", "/events", "/log"]


def test_a_job_is_its_owners_and_admins_alone(
    running: Running, ana: Browser, people: dict[str, Browser]
) -> None:
    job = submitted(ana)["id"]
    for name in ("bob", "vic"):
        other = people[name]
        assert other.get("/api/jobs").json() == []
        for path in READING:
            answer = other.get(f"/api/jobs/{job}{path}")
            assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such job.")
    bob, root = people["bob"], people["root"]
    assert bob.post(f"/api/jobs/{job}/cancel").status_code == 404
    assert bob.put(f"/api/jobs/{job}/transcript", json=[{"id": "s0001"}]).status_code == 404
    assert root.get(f"/api/jobs/{job}").status_code == 200
    assert [j["id"] for j in root.get("/api/jobs").json()] == [job]
    nobody = running.browser()
    assert nobody.get("/api/jobs").status_code == 401


def test_a_viewer_changes_nothing(running: Running, people: dict[str, Browser]) -> None:
    vic = people["vic"]
    assert vic.post("/api/jobs", json=ASKED).status_code == 403
    assert vic.post("/api/jobs/batch", json={"jobs": [ASKED]}).status_code == 403
    assert vic.get("/api/jobs").json() == []


def test_nobody_comes_to_anothers_episode_by_a_job_on_its_source(
    ana: Browser, people: dict[str, Browser]
) -> None:
    submitted(ana)
    answer = people["bob"].post("/api/jobs", json=ASKED)
    assert answer.status_code == 403
    assert "belongs to somebody else" in answer.json()["detail"]
    assert submitted(people["root"])["owner"] == "root"


@pytest.mark.parametrize("job", ["nosuchjob000", "..%2f..%2fetc", "a" * 300, "%00", "ä"])
def test_a_job_that_is_not_there_is_404(ana: Browser, job: str) -> None:
    for path in READING:
        assert ana.get(f"/api/jobs/{job}{path}").status_code == 404


def test_lists_are_filtered_and_paged(running: Running, ana: Browser) -> None:
    ids = [
        submitted(ana, **(ASKED | {"source": s}))["id"] for s in ("tiny.mp4", "series/e01.mp4", "tiny.mp4")
    ]
    ana.post(f"/api/jobs/{ids[0]}/cancel")

    def listed(**query: Any) -> list[str]:
        return [job["id"] for job in ana.get("/api/jobs", params=query).json()]

    assert listed() == ids[::-1]
    assert listed(limit=1) == [ids[2]]
    assert listed(before=ids[2]) == [ids[1], ids[0]]
    assert listed(state="cancelled") == [ids[0]]
    assert listed(episode="e01") == [ids[1]]
    assert listed(episode="\0") == []
    for wrong in ({"state": "lost"}, {"limit": 0}, {"limit": 9999}):
        assert ana.get("/api/jobs", params=wrong).status_code == 422


# --- steering ---------------------------------------------------------------------------------


def test_a_job_is_cancelled_and_tried_again(running: Running, ana: Browser) -> None:
    job = submitted(ana)["id"]
    assert ana.post(f"/api/jobs/{job}/retry").status_code == 409
    assert ana.post(f"/api/jobs/{job}/cancel").json()["state"] == "cancelled"
    again = ana.post(f"/api/jobs/{job}/cancel")
    assert again.status_code == 409
    assert "cancelled" in again.json()["detail"]
    assert ana.post(f"/api/jobs/{job}/retry").json()["state"] == "queued"
    texts = [line["text"] for line in ana.get(f"/api/jobs/{job}/log").json()]
    assert texts == ["submitted by ana", "cancel requested", "cancelled", "retried"]
    plain = ana.get(f"/api/jobs/{job}/log", params={"format": "text"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert len(plain.text.splitlines()) == 4


def test_a_real_job_runs_to_its_end_and_tells_everything(running: Running, ana: Browser) -> None:
    job = submitted(ana, **SHORT)["id"]
    work_all(running)
    done = ana.get(f"/api/jobs/{job}").json()
    assert (done["state"], done["progress"]["share"]) == ("done", 1.0), done
    assert done["result"]["ran"] == {"extract": 1}
    log = [line["text"] for line in ana.get(f"/api/jobs/{job}/log").json()]
    assert "extract: 1 of 1 items" in log
    assert log[-1] == "done"
    with ana.stream("GET", f"/api/jobs/{job}/events") as stream:
        events = read_events(stream)
    assert [e["event"] for e in events][:2] == ["submitted", "leased"]
    assert events[-1]["event"] == "finished"
    answer = ana.get(f"/api/jobs/{job}/transcript")
    assert answer.status_code == 404


def test_an_admin_alone_sees_the_trace_and_the_folders_of_the_server(
    running: Running, ana: Browser, people: dict[str, Browser]
) -> None:
    job = submitted(ana)["id"]
    leases = Leases(running.site.database, max_attempts=3)
    claimed = leases.claim(WorkerIdentity("test:1", "test"), 60)
    assert claimed is not None
    leases.record(claimed, "trace", {"text": "Traceback"})
    leases.record(claimed, "note", {"text": f"uses {running.site.output}/tiny"})
    leases.finish(claimed, Ending("failed", f"No {running.site.inputs}/tiny.mp4"))
    for name, sees in (("ana", False), ("root", True)):
        browser = people[name]
        log = browser.get(f"/api/jobs/{job}/log").text
        with browser.stream("GET", f"/api/jobs/{job}/events") as stream:
            events = json.dumps(read_events(stream))
        shown = browser.get(f"/api/jobs/{job}").text
        for text in (log, events):
            assert ("Traceback" in text) == sees
            assert (str(running.site.output) in text) == sees
        assert (str(running.site.inputs) in shown) == sees


# --- events -----------------------------------------------------------------------------------


def read_events(stream: httpx.Response, count: int = 0) -> list[dict[str, Any]]:
    """Return server-sent events until the stream ends, or the first `count` of them."""
    found: list[dict[str, Any]] = []
    current: dict[str, Any] = {}
    for line in stream.iter_lines():
        name, _, value = line.partition(": ")
        if not line and current:
            found.append(current | {"data": json.loads(current["data"])})
            current = {}
            if len(found) == count:
                break
        elif name:
            current[name] = value
    return found


def test_events_come_as_they_happen_and_resume_where_they_were_left(running: Running, ana: Browser) -> None:
    job = submitted(ana)["id"]
    url = f"/api/jobs/{job}/events"
    told: list[dict[str, Any]] = []

    def follow() -> None:
        with ana.stream("GET", url) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            told.extend(read_events(stream))

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.5)
    ended(running, job, Ending("done"))
    thread.join(10)
    assert not thread.is_alive()
    assert [(e["id"], e["event"]) for e in told] == [("1", "submitted"), ("2", "leased"), ("3", "finished")]
    assert told[2]["data"]["number"] == 3
    assert told[2]["data"]["kind"] == "finished"
    assert told[2]["data"]["detail"]["state"] == "done"
    with ana.stream("GET", url, headers={"Last-Event-ID": "2"}) as stream:
        assert [e["id"] for e in read_events(stream)] == ["3"]
    with ana.stream("GET", url, params={"after": 1}) as stream:
        assert [e["id"] for e in read_events(stream)] == ["2", "3"]
    with ana.stream("GET", url, headers={"Last-Event-ID": "3"}) as stream:
        assert read_events(stream) == []
    assert ana.get(url, headers={"Last-Event-ID": "x"}).status_code == 422
    assert ana.get(url, headers={"Last-Event-ID": str(2**40)}).status_code == 422


def test_many_followers_block_nobody_and_are_forgotten_when_they_leave(
    running: Running, ana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submitted(ana)["id"]
    looks: list[int] = []
    watch = event_watcher(type("Request", (), {"app": running.app}))  # type: ignore[arg-type]
    look = watch._newest

    def counted(jobs: Sequence[str]) -> dict[str, int]:
        looks.append(1)
        return look(jobs)

    monkeypatch.setattr(watch, "_newest", counted)
    streams = []
    for _ in range(60):
        stream = ana.send(ana.build_request("GET", f"/api/jobs/{job}/events"), stream=True)
        assert stream.status_code == 200
        streams.append(stream)
    before = len(looks)
    begun = time.monotonic()
    for _ in range(5):
        assert ana.get(f"/api/jobs/{job}").status_code == 200
    assert time.monotonic() - begun < 5
    assert watch.streams("ana") == 60
    time.sleep(1.2)
    assert len(looks) - before < 40  # however many follow, one look every 0.3 s
    for stream in streams:
        stream.close()
    until = time.monotonic() + 10
    while watch.streams("ana") and time.monotonic() < until:
        time.sleep(0.05)
    assert watch.streams("ana") == 0


# --- what it made -----------------------------------------------------------------------------


def test_the_result_is_sent_whole_and_in_ranges_when_it_is_there(running: Running, ana: Browser) -> None:
    job = submitted(ana, **(ASKED | {"languages": ["pt-BR", "fr"]}))["id"]
    url = f"/api/jobs/{job}/result"
    early = ana.get(url)
    assert early.status_code == 409
    assert "queued" in early.json()["detail"]
    folder = running.site.output / "tiny" / "pt-BR"
    folder.mkdir(parents=True)
    (folder / "dub.mp4").write_bytes(bytes(range(100)))
    dubs = {"pt-BR": "pt-BR/dub.mp4", "de": "../../outside.mp4"}
    ended(running, job, Ending("degraded", degraded=("x",), result={"dubs": dubs}))
    whole = ana.get(url, params={"language": "pt_br"})
    assert whole.content == bytes(range(100))
    assert whole.headers["content-disposition"].startswith("attachment")
    assert whole.headers["content-type"] == "video/mp4"
    part = ana.get(url, params={"language": "pt-BR"}, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert ana.get(url, params={"language": "pt-BR"}, headers={"Range": "bytes=900-"}).status_code == 416
    same = ana.get(url, params={"language": "pt-BR"}, headers={"If-None-Match": whole.headers["etag"]})
    assert same.status_code == 304
    for language, words in (
        ("fr", "no dub in fr"),
        ("", "It has dubs in pt-BR"),
        ("xx!", "not a known language"),
    ):
        missing = ana.get(url, params={"language": language})
        assert missing.status_code == 404
        assert words in missing.json()["detail"]
    assert ana.get(url, params={"language": "de"}).status_code == 404


def test_a_transcript_is_not_there_before_its_lines(ana: Browser) -> None:
    job = submitted(ana)["id"]
    url = f"/api/jobs/{job}/transcript"
    assert ana.get(url).status_code == 409
    assert ana.put(url, json=[{"id": "s0001", "text": "x"}]).status_code == 409
    assert ana.post(f"{url}/synthesize", json={}).status_code == 409
    ana.post(f"/api/jobs/{job}/cancel")
    assert ana.get(url).status_code == 404
    assert ana.get(url, params={"language": "nonsense!"}).status_code == 404


# --- a whole dub ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_dub_is_made_read_changed_and_spoken_again(running: Running, ana: Browser) -> None:
    shutil.copy(SAMPLE, running.site.inputs / "sample.mp4")
    job = submitted(ana, source="sample.mp4", languages=["pt-BR"], settings={"mode": "low"})["id"]
    work_all(running)
    done = ana.get(f"/api/jobs/{job}").json()
    assert done["state"] in ("done", "degraded"), done
    first = ana.get(f"/api/jobs/{job}/result")
    assert first.headers["content-disposition"] == 'attachment; filename="sample.pt-BR.mp4"'
    url = f"/api/jobs/{job}/transcript"
    rows = ana.get(url).json()
    assert set(rows[0]) == {"id", "start", "end", "speaker", "source", "text", "route", "flags"}
    table = ana.get(url, headers={"Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.startswith("id,start,end,speaker,text,source,route,flags")
    assert ana.get(url, params={"format": "srt"}).text.startswith("1\n00:00:")
    assert ana.get(url, params={"format": "vtt"}).text.startswith("WEBVTT")
    assert ana.get(url, params={"format": "docx"}).status_code == 422

    nothing = ana.post(f"{url}/synthesize", json={"language": "pt-BR", "lock": False})
    assert nothing.status_code == 409
    line = rows[0]["id"]
    unknown = ana.put(url, json=[{"id": line, "text": "Nunca."}, {"id": "s9999", "text": "x"}])
    assert unknown.status_code == 400
    assert "s9999" in unknown.json()["detail"]
    assert ana.put(url, json=[{"id": line}, {"id": line}]).status_code == 422
    assert ana.put(url, json=[{"id": line, "start": 1e5}]).status_code == 400
    assert ana.get(url).json() == rows
    changed = ana.put(url, json=[{"id": line, "text": "Bom dia a todos."}]).json()
    assert [(row["id"], row["text"]) for row in changed["rows"]] == [(line, "Bom dia a todos.")]

    made = ana.post(f"{url}/synthesize", json={"language": "pt-BR", "lock": True})
    assert made.status_code == 202
    again = made.json()
    assert (again["work"]["kind"], again["state"]) == ("render", "queued")
    work_all(running)
    second = ana.get(f"/api/jobs/{again['id']}").json()
    assert second["state"] in ("done", "degraded"), second
    assert second["result"]["ran"]["speak"] == 1
    assert "transcribe" not in second["result"]["ran"]
    assert ana.get(f"/api/jobs/{again['id']}/result").content != first.content
    lines = ana.get("/api/episodes/sample/pt-BR/lines").json()["lines"]
    assert [line["id"] for line in lines if line["locked"]] == [rows[0]["id"]]
