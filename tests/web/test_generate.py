"""Films over HTTP: ordered, made by a worker shot by shot, and fetched; refused where they may not be."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from dubkit.config import configure
from dubkit.models.catalogue_generator import in_folder
from dubkit.models.store import ModelStore
from dubkit.progress import Speeds
from dubkit.storyboard.making import make_film
from dubkit.storyboard.opening import BoardSession
from dubkit.studio import Session
from dubkit.web.jobs.leases import Leases, WorkerIdentity
from dubkit.web.jobs.stopping import StopToken
from dubkit.web.jobs.worker import JobWorker, WorkerTiming
from tests.storyboard.test_making import MODELS, Maker
from tests.support.browser import Pages
from tests.support.web_client import PASSWORD, Browser, Running, running_site
from tests.web.test_api_jobs import read_events

if TYPE_CHECKING:
    from dubkit.storyboard.board import Storyboard

PEOPLE = {"ada": "admin", "eve": "editor", "bob": "editor", "vic": "viewer"}
SIZE = "height = 64\nwidth = 96\nrate = 25\nframes = 9\n"
BOARD = SIZE + '[[scenes]]\nshots = [{prompt = "The sea."}, {prompt = "A gull lands."}]\n'


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with running_site(tmp_path, PEOPLE, serve__workers=0) as server:  # type: ignore[arg-type]
        yield server


@pytest.fixture
def eve(running: Running) -> Browser:
    return running.browser("eve")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Maker:
    """Films are made of noise in no time, instead of with a network."""
    maker = Maker()

    def make(_self: Any, board: Storyboard, root: Path, progress: Any = None, tell: Any = None) -> Any:
        parts: Any = SimpleNamespace(enhancing=None)
        return make_film(board, root, parts, MODELS, progress=progress, make=maker)

    monkeypatch.setattr(BoardSession, "make", make)
    return maker


def work(running: Running, tmp_path: Path, weights: Path | None = None) -> None:
    """Do the waiting jobs in this process."""
    stop = StopToken()

    def session(own: Mapping[str, str]) -> Session:
        settings = configure({"device": "cpu", **own}, environment={}).settings
        models = ModelStore(tmp_path / "cache", in_folder(weights) if weights else {})
        return Session(settings, running.site.output, models, Speeds())

    leases = Leases(running.site.database, max_attempts=3)
    worker = JobWorker(leases, WorkerIdentity("me:1", "me"), session, WorkerTiming(30.0, 0.05), stop)
    with stop.signals():
        worker.run(once=True)


def order(browser: Browser, **fields: Any) -> Any:
    return browser.post("/api/generate", json={"title": "The pier", **fields})


@pytest.mark.usefixtures("stand_in")
def test_an_order_becomes_a_film_and_its_last_event_says_where_it_is(
    running: Running, eve: Browser, tmp_path: Path
) -> None:
    answer = order(eve, storyboard=BOARD)
    assert answer.status_code == 201, answer.text
    job = answer.json()["id"]
    assert answer.headers["Location"] == f"/api/jobs/{job}"
    assert answer.json()["work"]["kind"] == "generate"
    assert eve.get(f"/api/generate/{job}/film").status_code == 409
    work(running, tmp_path)
    with eve.stream("GET", f"/api/jobs/{job}/events") as stream:
        events = read_events(stream)
    stages = [event["data"]["detail"] for event in events if event["event"] == "stage"]
    assert [(stage["stage"], stage["items"], stage["of"]) for stage in stages] == [
        ("01-01", 1, 2), ("01-02", 2, 2),
    ]  # fmt: skip
    last = events[-1]["data"]["detail"]
    assert (events[-1]["event"], last["state"]) == ("finished", "done")
    film, picture = eve.get(last["url"]), eve.get(last["thumbnail"])
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
    assert Image.open(io.BytesIO(picture.content)).size == (320, 213)
    assert eve.get(last["url"], headers={"Range": "bytes=0-9"}).status_code == 206
    records = eve.get(f"/api/generate/{job}/shots").json()
    assert [record["prompt"]["written"] for record in records] == ["The sea.", "A gull lands."]
    assert eve.get(f"/api/generate/{job}/shots/01-02/thumbnail").status_code == 200
    assert eve.get(f"/api/generate/{job}/shots/..%2f..%2fx/thumbnail").status_code == 404
    page = eve.get(f"/jobs/{job}")
    assert f'src="/api/generate/{job}/film"' in page.text


def test_the_same_title_again_keeps_what_has_not_changed(
    running: Running, eve: Browser, tmp_path: Path, stand_in: Maker
) -> None:
    order(eve, storyboard=BOARD)
    work(running, tmp_path)
    assert len(stand_in.orders) == 2
    again = order(eve, storyboard=BOARD.replace("A gull lands.", "A gull flies."))
    work(running, tmp_path)
    result = eve.get(again.headers["Location"]).json()["result"]
    assert (result["made"], result["kept"]) == (["01-02"], ["01-01"])


def test_a_film_that_is_cancelled_keeps_its_whole_shots_and_a_retry_goes_on(
    running: Running, eve: Browser, tmp_path: Path, stand_in: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = order(eve, storyboard=BOARD).json()["id"]
    check = StopToken.check

    def cancelling(self: StopToken) -> None:
        if len(stand_in.orders) == 2:  # in the middle of the second shot
            self.ask("cancel", urgent=False)
        check(self)

    with monkeypatch.context() as patch:
        patch.setattr(StopToken, "check", cancelling)
        work(running, tmp_path)
    assert eve.get(f"/api/jobs/{job}").json()["state"] == "cancelled"
    assert [record["shot"] for record in eve.get(f"/api/generate/{job}/shots").json()] == ["01-01"]
    assert eve.post(f"/api/jobs/{job}/retry").status_code == 200
    work(running, tmp_path)
    result = eve.get(f"/api/jobs/{job}").json()["result"]
    assert (result["made"], result["kept"]) == (["01-02"], ["01-01"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Give a prompt or a storyboard"),
        ({"prompt": "a", "storyboard": BOARD}, "Give a prompt or a storyboard"),
        (
            {"storyboard": BOARD.replace("frames = 9", "frames = 10")},
            "storyboard, line 4, frames: 10 is not 8n+1; try 9",
        ),
        ({"storyboard": f"loras = '/etc/passwd'\n{BOARD}"}, "has no LoRAs of its own"),
        (
            {"storyboard": BOARD.replace('"The sea."', '"The sea.", still = "/etc/passwd"')},
            "not among the pictures",
        ),
        ({"prompt": "a", "pictures": {"../x.png": ""}}, "is no name of a picture"),
        ({"prompt": "a", "pictures": {"x.png": "??"}}, "x.png is not base64"),
        ({"prompt": "a", "title": "///"}, "at least one letter or digit"),
        ({"prompt": "a", "output": "/etc"}, "Extra inputs"),
    ],
)
def test_an_order_that_cannot_be_made_is_refused_with_the_reason(
    running: Running, eve: Browser, fields: dict[str, Any], said: str
) -> None:
    answer = order(eve, **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert not list(running.site.output.glob("*.storyboard"))


@pytest.mark.usefixtures("stand_in")
def test_pictures_come_with_the_order(
    running: Running, eve: Browser, tmp_path: Path, stand_in: Maker
) -> None:
    data = io.BytesIO()
    Image.new("RGB", (96, 64), (1, 2, 3)).save(data, "PNG")
    board = BOARD.replace('"The sea."', '"The sea.", still = "sea.png"')
    order(eve, storyboard=board, pictures={"sea.png": base64.b64encode(data.getvalue()).decode()})
    work(running, tmp_path)
    still = stand_in.orders[0].stills[0].picture
    assert isinstance(still, Path)
    assert still.read_bytes() == data.getvalue()


@pytest.mark.usefixtures("stand_in")
def test_a_film_is_its_makers(running: Running, eve: Browser, tmp_path: Path) -> None:
    job = order(eve, storyboard=BOARD).json()["id"]
    work(running, tmp_path)
    bob, vic = running.browser("bob"), running.browser("vic")
    assert bob.get(f"/api/generate/{job}/film").status_code == 404
    assert order(bob, prompt="Mine.").status_code == 403
    assert order(vic, prompt="Mine.", title="Other").status_code == 403
    assert vic.get("/generate").status_code == 403
    assert running.browser("ada").get(f"/api/generate/{job}/film").status_code == 200


def test_a_repeated_request_is_one_job(eve: Browser) -> None:
    jobs = [
        eve.post("/api/generate", json={"title": "a", "prompt": "b"}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert jobs[0].json()["id"] == jobs[1].json()["id"]


@pytest.mark.slow
def test_the_page_orders_a_film_made_with_tiny_weights(
    running: Running, pages: Pages, tmp_path: Path, weights: Path
) -> None:
    page = pages.open(f"{running.url}/login", allowed=("422",))
    page.fill("[name=name]", "eve")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{running.url}/")
    page.goto(f"{running.url}/generate")
    page.click("#example")
    assert "Ana walks" in page.input_value("#storyboard")
    page.fill("[name=title]", "Sea")
    page.fill("#storyboard", "frames = 10\n[[scenes]]\nshots = [{prompt = 'The sea.'}]\n")
    page.click("text=Make the film")
    page.wait_for_selector(".fault:has-text('line 1, frames')")
    small = "height = 64\nwidth = 64\nframes = 9\nsteps = 1\nguidance = 1\n"
    page.fill("#storyboard", f'{small}[[scenes]]\nshots = [{{prompt = "The sea."}}]\n')
    page.click("text=Make the film")
    page.wait_for_url(f"{running.url}/jobs/*")
    work(running, tmp_path, weights)
    page.reload()
    assert page.wait_for_selector("video.film")
    assert page.locator("ul.shots li").count() == 1
    width = page.evaluate(
        "async () => { const video = document.querySelector('video.film');"
        " if (!video.videoWidth) await new Promise((done) => video.addEventListener('loadedmetadata', done));"
        " return video.videoWidth; }"
    )
    assert width == 64
    job = running.site.queue.jobs()[0]
    assert json.loads(json.dumps(job.result))["frames"] == 9
