"""The OpenAPI document tells the truth: whatever is asked, no answer is a server error or of another form."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from dubkit.episode.store import EpisodeStore
from dubkit.media.files.ffmpeg import ffmpeg_exe
from dubkit.studio import Session
from dubkit.types import Cast, Line, Segment, Speaker, Transcript, Translation
from dubkit.web.jobs.settings import job_settings
from dubkit.web.jobs.start import WorkerStart, start
from tests.support.web_client import Running, make_site, serving

pytestmark = pytest.mark.slow

TOKEN = "Wq7ZtR2mXv9KpL4sHd8YbN3cGf6JuA5e"
EXAMPLES = 10
"""Requests by operation; they are the same in every run."""

ENDLESS = {("GET", "/api/jobs/{job}/events")}
"""Answered until a job ends."""

COSTLY = {("GET", "/api/doctor"), ("POST", "/api/users"), ("PATCH", "/api/users/{name}")}
"""Each takes a second by its nature; their own tests ask them."""

DELETING = {
    ("DELETE", "/api/episodes/{episode}"),
    ("DELETE", "/api/jobs/{job}"),
    ("DELETE", "/api/inputs/{name}"),
    ("POST", "/api/jobs/delete"),
}
"""After these there would be nothing left to ask for; `test_trash` asks them."""

CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance]


@dataclass(frozen=True, slots=True)
class Served:
    """A server with one real episode that a real worker has read."""

    running: Running
    job: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What an admin's program sends."""
        return {"Authorization": f"Bearer {self.token}"}


def give_lines(store: EpisodeStore) -> None:
    """Write what recognising and translating would, so that there are lines to ask for."""
    texts = {"s0001": ("Good morning.", "Bom dia."), "s0002": ("Bye.", "Tchau.")}
    spans = {"s0001": (0.0, 0.4), "s0002": (0.5, 0.9)}
    segments = tuple(Segment(name, *spans[name], "spk1", source) for name, (source, _) in texts.items())
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    lines = tuple(Line(name, text) for name, (_, text) in texts.items())
    store.write_json("translation.json", Translation("pt-BR", lines), "pt-BR")
    ana = Speaker("spk1", "Ana", "The woman", False, 200.0, -23.0)
    store.write_json("cast.json", Cast("pt-BR", (ana,)), "pt-BR")


def without_tuples(node: Any) -> Any:
    """Return a document whose tuples are lists: schemathesis 4 reads `prefixItems` as an older draft's."""
    if isinstance(node, list):
        return [without_tuples(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {name: without_tuples(value) for name, value in node.items() if name != "prefixItems"}
    return plain | (
        {"items": {"anyOf": without_tuples(node["prefixItems"])}} if "prefixItems" in node else {}
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "Input").mkdir()
    media = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1", "-shortest")
    subprocess.run([ffmpeg_exe()[0], *media, "-v", "error", str(folder / "Input/tiny.mp4")], check=True)
    with serving(make_site(folder, serve__api_token=TOKEN)) as running:
        program = running.browser(headers={"Authorization": f"Bearer {TOKEN}"})
        answer = program.post(
            "/api/jobs", json={"source": "tiny.mp4", "languages": ["pt-BR"], "until": "extract"}
        )
        assert answer.status_code == 201, answer.text
        site = running.site

        def open_session(own: Any) -> Session:
            return Session(job_settings(site.configured, own), site.output, site.models, site.speeds)

        start(WorkerStart(site.settings, site.output, open_session, once=True))
        give_lines(EpisodeStore(site.output / "tiny"))
        yield Served(running, answer.json()["id"], TOKEN)


def test_no_answer_is_a_server_error_or_of_another_form_than_the_schema_says(served: Served) -> None:
    document = httpx.get(f"{served.running.url}/api/openapi.json", headers=served.headers).json()
    schema = schemathesis.openapi.from_dict(without_tuples(document))
    real = {"job": served.job, "episode": "tiny", "language": "pt-BR", "line": "s0001", "shot": "0001"}
    statuses: Counter[int] = Counter()
    problems: dict[str, None] = {}
    asked: set[tuple[str, str]] = set()
    few = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    def ask(case: schemathesis.Case[Any]) -> None:
        # Invented names are refused at once; every second request is about what is there.
        if sum(statuses.values()) % 2:
            case.path_parameters.update({n: v for n, v in real.items() if n in case.path_parameters})
        response = case.call(base_url=served.running.url, headers=served.headers, timeout=30)
        statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            problems[f"{case.method} {case.path} {response.status_code}: {failure}"[:1500]] = None

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        name = (operation.method.upper(), operation.path)
        if name in ENDLESS | COSTLY | DELETING:
            continue
        asked.add(name)
        few(given(operation.as_strategy())(ask))()

    assert not problems, "\n\n".join(problems)
    assert {("POST", "/api/jobs"), ("GET", "/metrics"), ("PUT", "/api/jobs/{job}/transcript")} <= asked
    assert statuses[200] > 20, statuses
    assert not statuses[401]
