"""The pages: that they render for every role, are accessible and safe, and say what people need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dubkit.types import Line, Translation
from dubkit.web.accounts.people import Role
from dubkit.web.api.shown_jobs import ShownEvent
from dubkit.web.jobs.kinds import Job, JobProgress, JobWork
from dubkit.web.pages.jobs import history_of
from dubkit.web.site import Site
from dubkit.web.templating import duration, size, slug, static_url
from tests.support.paths import ROOT, SAMPLE
from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode
from tests.support.web_html import HOSTILE, HOSTILE_NAME, check_page

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "vic": "viewer"}
PAGES = ("/", "/jobs", "/characters", "/settings")
EDITOR_PAGES = ("/new", "/generate")
ADMIN_PAGES = ("/users",)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, PEOPLE) as site:
        write_episode(site.site, HOSTILE_NAME, folder="Series & co")
        write_episode(site.site, "unfinished", finished=False)
        yield site


@pytest.fixture(scope="module")
def browsers(running: Running) -> dict[str, Browser]:
    return {name: running.browser(name) for name in PEOPLE}


def submit(site: Site, owner: str, source: str = "clip.mp4", **settings: str) -> Job:
    path = site.inputs / source
    path.touch()
    return site.queue.submit(JobWork("dub", str(path), path.stem, ("pt-BR",), settings), owner)


# --- every page, every role -------------------------------------------------------------------


@pytest.mark.parametrize("name", list(PEOPLE))
@pytest.mark.parametrize("path", [*PAGES, *EDITOR_PAGES, *ADMIN_PAGES])
def test_a_page_renders_or_is_refused_with_a_page(browsers: dict[str, Browser], name: str, path: str) -> None:
    answer = browsers[name].get(path)
    role = PEOPLE[name]
    allowed = path in PAGES or role == "admin" or (path in EDITOR_PAGES and role == "editor")
    assert answer.status_code == (200 if allowed else 403)
    page = check_page(answer.text)
    body = next(one for one in page.elements if one.tag == "body")
    assert body.attributes["data-role"] == role
    assert answer.headers["cache-control"] == "no-store"
    links = {one.attributes.get("href") for one in page.elements if one.tag == "a"}
    assert ("/new" in links) == (role != "viewer")
    assert ("/users" in links) == (role == "admin")


def test_without_login_there_is_only_the_login_page(running: Running) -> None:
    browser = running.browser()
    answer = browser.get("/")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    page = check_page(browser.get("/login").text)
    assert not [one for one in page.elements if one.tag == "nav"]


def test_a_missing_page_says_what_to_do_next(browsers: dict[str, Browser]) -> None:
    answer = browsers["eve"].get("/nowhere")
    assert answer.status_code == 404
    page = check_page(answer.text)
    assert any(one.attributes.get("href") == "/" and "library" in one.text for one in page.elements)


def test_hostile_addresses_break_no_page(browsers: dict[str, Browser]) -> None:
    for path in ("/jobs", "/characters", "/users", "/new/language"):
        query = dict.fromkeys(("state", "before", "episode", "language", "who", "text"), f'"{HOSTILE}\x00')
        answer = browsers["ada"].get(path, params=query)
        assert answer.status_code < 500, path
        check_page(answer.text)


# --- library ----------------------------------------------------------------------------------


def test_the_library_tells_state_flags_and_degradation(browsers: dict[str, Browser]) -> None:
    text = browsers["ada"].get("/").text
    assert "1 line to look at" in text
    assert "Not finished" in text
    assert "1 remark</span>" in text
    assert "one speaker" in text
    assert "Series &amp; co" in text
    quoted = "%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%20%26%20%27co%27"
    assert f"/episodes/{quoted}/pt-BR/review" in text
    assert f"/media/{quoted}/pt-BR/dub" in text


def test_the_library_reads_an_episode_again_when_it_changed(
    running: Running, browsers: dict[str, Browser]
) -> None:
    store = write_episode(running.site, "changing")
    assert "2 lines" in browsers["ada"].get("/").text
    store.write_json("translation.json", Translation("pt-BR", (Line("s0001", "Um"),)), "pt-BR")
    assert "1 line:" in browsers["ada"].get("/").text


def test_a_damaged_episode_hides_no_other(running: Running, browsers: dict[str, Browser]) -> None:
    store = write_episode(running.site, "damaged")
    store.write_bytes("episode.json", b"{}")
    answer = browsers["ada"].get("/")
    assert answer.status_code == 200
    assert "unfinished" in answer.text


def test_only_owners_and_admins_are_offered_sharing(running: Running, browsers: dict[str, Browser]) -> None:
    write_episode(running.site, "owned")
    job = submit(running.site, "eve", "owned.mp4")
    shared = {name: 'data-share="owned"' in browsers[name].get("/").text for name in PEOPLE}
    assert shared == {"ada": True, "eve": True, "vic": False}
    assert "Who may see it: you and admins" in browsers["eve"].get("/").text
    assert "Who may see it: eve and admins" in browsers["ada"].get("/").text
    assert browsers["eve"].put("/api/episodes/owned/access", json={"people": ["vic"]}).status_code < 300
    assert "Who may see it: you, vic and admins" in browsers["eve"].get("/").text
    running.site.queue.cancel(job.id)


def test_an_empty_library_says_how_to_begin(tmp_path: Path) -> None:
    with running_site(tmp_path) as site:
        text = site.browser().get("/").text
    check_page(text)
    assert "No episodes yet" in text
    assert "Log out" not in text, "nobody is logged in on a server without users"


# --- jobs -------------------------------------------------------------------------------------


def test_a_job_is_shown_to_its_owner_and_admins_alone(running: Running, browsers: dict[str, Browser]) -> None:
    job = submit(running.site, "eve", f"{HOSTILE_NAME}.mp4", mode="low")
    assert check_page(browsers["eve"].get(f"/jobs/{job.id}").text)
    assert browsers["ada"].get(f"/jobs/{job.id}").status_code == 200
    assert browsers["vic"].get(f"/jobs/{job.id}").status_code == 404
    assert job.id in browsers["eve"].get("/jobs").text
    assert job.id in browsers["eve"].get("/jobs?state=queued").text
    assert job.id not in browsers["eve"].get("/jobs?state=failed").text
    assert job.id not in browsers["vic"].get("/jobs").text
    text = browsers["eve"].get("/").text
    assert "Waiting for a worker" in text
    running.site.queue.cancel(job.id)
    ended = browsers["eve"].get(f"/jobs/{job.id}").text
    assert "Cancelled" in ended
    assert 'data-act="retry"' in ended


def test_the_list_of_jobs_has_pages(running: Running, browsers: dict[str, Browser]) -> None:
    works = [JobWork("dub", str(running.site.inputs / "many.mp4"), "many", ("fr",)) for _ in range(51)]
    jobs = running.site.queue.submit_many(works, "eve")
    first = browsers["eve"].get("/jobs?episode=many").text
    older = re.search(r'href="([^"]*before=[^"]*)">Older', first)
    assert older
    second = browsers["eve"].get(older[1].replace("&amp;", "&")).text
    assert second.count('href="/jobs/') == 1
    for job in jobs:
        running.site.queue.cancel(job.id)


def event(number: int, kind: str, second: int, **detail: object) -> ShownEvent:
    from datetime import UTC, datetime

    return ShownEvent(number, datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC), kind, dict(detail))


def ended_job(state: str = "failed") -> Job:
    at = event(1, "x", 50).at
    work = JobWork("dub", "/in/a.mp4", "a", ("fr",))
    return Job("j", work, "eve", state, at, at, 1, JobProgress(), False, "", (), {})  # type: ignore[arg-type]


def test_events_become_stages_with_times_and_a_log_in_words() -> None:
    history = history_of(
        [
            event(1, "submitted", 0),
            event(2, "leased", 1, attempt=2),
            event(3, "stage", 2, stage="speak", language="fr", items=3, of=4),
            event(4, "note", 3, text="espeak speaks"),
            event(5, "progress", 4, share=0.5),
            event(6, "stage-finished", 7, stage="speak", language="fr", seconds=5.0),
            event(7, "stage", 8, stage="mix", language="fr", items=1, of=1),
            event(8, "lease-lost", 10),
            event(9, "finished", 12, state="failed"),
        ],
        ended_job(),
    )
    assert [(row.stage, row.seconds, row.items, row.total) for row in history.stages] == [
        ("speak", 5.0, 3, 4),
        ("mix", 2.0, 1, 1),
    ]
    assert [kind for _, _, kind in history.log] == ["calm", "calm", "calm", "warn", "bad"]
    assert history.log[1][1] == "A worker started it, attempt 2."
    assert history.last == 9


def test_a_job_that_waits_for_the_generator_says_so() -> None:
    history = history_of([event(1, "released", 0, for_generator=True), event(2, "released", 1)], ended_job())
    assert "graphics card of its own" in history.log[0][1]
    assert "put it back" in history.log[1][1]


# --- a new job --------------------------------------------------------------------------------


def test_a_language_is_found_by_name_or_refused_in_words(browsers: dict[str, Browser]) -> None:
    found = browsers["eve"].get("/new/language", params={"text": "pt_br"}).json()
    assert found == {"tag": "pt-BR", "name": "Brazilian Portuguese"}
    for text in ("Xqzzyw", "qqq", ""):
        refused = browsers["eve"].get("/new/language", params={"text": text})
        assert refused.status_code == 400, text
        assert "not a known language" in refused.text


def test_the_form_offers_no_secret_no_path_and_nothing_of_the_server(browsers: dict[str, Browser]) -> None:
    page = check_page(browsers["eve"].get("/new").text)
    names = {one.attributes.get("name", "") for one in page.elements}
    offered = {name.removeprefix("set:") for name in names if name.startswith("set:")}
    assert "mix.duck_db" in offered
    assert "engine" in offered
    assert not {name for name in offered if name.startswith(("serve.", "models."))}
    assert not offered & {"translate.api_key", "translate.base_url", "translate.gguf", "mix.background"}


def test_a_plan_of_what_cannot_be_read_says_why(running: Running, browsers: dict[str, Browser]) -> None:
    (running.site.inputs / "broken.mp4").write_bytes(b"no media")
    form = {"source": ["broken.mp4", "../../etc/passwd"], "language": ["fr"], "set:mode": "wrong"}
    text = browsers["eve"].post("/new/plan", data=form).text
    check_page(text, whole=False)
    assert text.count("notice bad") == 2
    form = {"source": ["../../etc/passwd"], "language": ["fr"]}
    assert "cannot be the source" in browsers["eve"].post("/new/plan", data=form).text
    assert "Choose a file" in browsers["eve"].post("/new/plan", data={}).text


def test_a_plan_names_the_steps(running: Running, browsers: dict[str, Browser]) -> None:
    sample = SAMPLE
    (running.site.inputs / "sample.mp4").write_bytes(sample.read_bytes())
    form = {"source": ["sample.mp4"], "language": ["pt-BR"], "set:transcribe.beam": "2"}
    text = browsers["eve"].post("/new/plan", data=form).text
    check_page(text, whole=False)
    assert "Recognising speech" in text
    assert re.search(r"About <strong>\d", text), "the file says how long it is"
    assert not (running.site.output / "sample").exists(), "a plan writes nothing"


# --- characters, settings, users --------------------------------------------------------------


def test_the_people_of_an_episode(browsers: dict[str, Browser]) -> None:
    path = "/characters/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%20%26%20'co'/pt-BR"
    text = browsers["eve"].get(path).text
    page = check_page(text, whole=False)
    assert "guessed from the voice" in text
    assert "117 Hz" in text
    assert any("data-play" in one.attributes for one in page.elements)
    assert len([one for one in page.elements if "data-merge" in one.attributes]) == 2
    looked = browsers["vic"].get("/characters/unfinished/pt-BR").text
    check_page(looked, whole=False)
    assert "Ana" in looked
    assert "<form" not in looked
    assert browsers["eve"].get(path.replace("pt-BR", "fr")).status_code == 404
    assert browsers["eve"].get("/characters/none/pt-BR").status_code == 404


@pytest.mark.slow
def test_the_machine_is_examined_apart_from_the_page(browsers: dict[str, Browser]) -> None:
    text = browsers["vic"].get("/settings/machine").text
    check_page(text, whole=False)
    assert "ffmpeg" in text
    assert "Licence" in text


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    with running_site(tmp_path, translate__api_key="sk-verysecret") as site:
        text = site.browser().get("/settings").text
    assert "sk-verysecret" not in text
    assert "translate.api_key" in text
    assert "***" in text


def test_folders_of_the_server_are_shown_to_admins_alone(
    running: Running, browsers: dict[str, Browser]
) -> None:
    place = str(running.site.output.resolve())
    facts = {name: f"<dd>{place}</dd>" in browsers[name].get("/settings").text for name in PEOPLE}
    assert facts == {"ada": True, "eve": False, "vic": False}


def test_the_audit_log_has_pages_and_a_filter(running: Running, browsers: dict[str, Browser]) -> None:
    from dubkit.web.accounts.audit import audit

    for number in range(55):
        audit(running.site, "vic", "download", f"episode {number} {HOSTILE}")
    text = browsers["ada"].get("/users?who=vic").text
    check_page(text)
    assert text.count("download") == 50
    older = re.search(r'href="(/users\?before=[^"#]*)', text)
    assert older
    assert "episode 4 " in browsers["ada"].get(older[1].replace("&amp;", "&")).text


# --- words and addresses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "not known"), (0, "0 s"), (0.2, "1 s"), (59.6, "1 min"), (65, "1 min 5 s"), (3900, "1 h 5 min")],
)
def test_lengths_in_words(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_in_words() -> None:
    found = [size(number) for number in (12, 3_400_000, 20e9, 5e12)]
    assert found == ["12 bytes", "3.4 MB", "20.0 GB", "5.0 TB"]


def test_ids_differ_where_texts_do() -> None:
    assert slug("a b") != slug("a-b")
    assert re.fullmatch(r"[0-9a-f]+", slug(HOSTILE))


def test_static_files_carry_their_version(browsers: dict[str, Browser]) -> None:
    answer = browsers["vic"].get(static_url("app.css"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", sorted((ROOT / "dubkit/web/static/js").rglob("*.js")))
def test_scripts_ask_nobody_else_and_evaluate_nothing(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\beval\(|new Function|\.innerHTML|insertAdjacentHTML|document\.write", text)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
