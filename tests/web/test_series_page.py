"""The page of a series' people: who they are, safe to show, and only of episodes that one may see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dubkit.series.people.book import Draft, PeopleBook
from dubkit.series.people.person import PersonChange, Said
from tests.support.series_people import embedding, sighting
from tests.support.web_client import Running, running_site
from tests.support.web_episode import write_episode
from tests.support.web_html import HOSTILE, check_page


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), {"ada": "admin", "vic": "viewer"}) as site:
        write_episode(site.site, "ep1", folder="show")
        write_episode(site.site, "alone")
        show = site.site.inputs / "show"
        (show / "series.toml").write_text("")
        here, gone = sighting("ep1", "spk1", embedding(0)), sighting("secret", "spk1", embedding(90))
        PeopleBook(show / "series").change(
            "",
            lambda _people, _history: Draft(
                "enrol",
                "who speaks",
                [
                    PersonChange("pa", f"sightings/{here.key}", here),
                    PersonChange("pa", "name", Said(f"Ana {HOSTILE}")),
                    PersonChange("pa", "voices/pt-BR/kokoro", Said("jf_nezumi")),
                    PersonChange("pb", f"sightings/{gone.key}", gone),
                    PersonChange("pb", "name", Said("Nobody here")),
                ],
            ),
        )
        yield site


def test_people_of_the_series_are_shown_with_voices_and_episodes(running: Running) -> None:
    browser = running.browser("vic")
    answer = browser.get("/episodes/ep1/people")
    assert answer.status_code == 200
    check_page(answer.text)
    assert "jf_nezumi" in answer.text
    assert "/characters?episode=ep1" in answer.text
    assert "Nobody here" not in answer.text, "only in an episode that is not here"
    part = browser.get("/characters/ep1/pt-BR").text
    assert "/episodes/ep1/people" in part


def test_an_episode_without_a_series_says_so(running: Running) -> None:
    browser = running.browser("vic")
    answer = browser.get("/episodes/alone/people")
    assert answer.status_code == 404
    assert "belongs to no series" in answer.text
    assert "/episodes/alone/people" not in browser.get("/characters/alone/pt-BR").text
