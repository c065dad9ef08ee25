"""Sessions: what later commands take over from an episode's last run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dubkit.config import Settings, configure
from dubkit.episode.store import EpisodeStore
from dubkit.errors import SettingError
from dubkit.progress import Silent
from dubkit.studio import (
    SETTINGS,
    Request,
    Session,
    doubtful,
    dub,
    open_session,
    unserved,
    with_last_settings,
)


def last_run(folder: Path, values: dict[str, object]) -> EpisodeStore:
    """Make an episode whose last run had these settings."""
    store = EpisodeStore(folder / "episode")
    store.write_bytes(SETTINGS, json.dumps(values).encode())
    return store


def session(folder: Path, **flags: object) -> Session:
    named = {name.replace("__", "."): value for name, value in flags.items()}
    made = configure({"models.cache": str(folder), **named}, environment={})
    return open_session(made.settings, folder, made.origins)


def test_the_settings_of_the_last_run_hold_where_nobody_set_others(tmp_path: Path) -> None:
    store = last_run(tmp_path, {"mix.duck_db": -30.0, "mode": "low"})
    assert with_last_settings(session(tmp_path), store).settings.mix.duck_db == -30.0
    other = session(tmp_path, mix__duck_db=-12.0)
    assert with_last_settings(other, store).settings.mix.duck_db == -12.0


def test_settings_of_a_package_that_is_gone_are_left_out(tmp_path: Path) -> None:
    store = last_run(tmp_path, {"speak.gone.pitch": 3, "speak.provider": "gone", "mix.duck_db": -30.0})
    taken = with_last_settings(session(tmp_path), store).settings
    assert (taken.speak.provider, taken.mix.duck_db) == (Settings().speak.provider, -30.0)


def test_nothing_is_made_with_another_part_than_the_last_run_had(tmp_path: Path) -> None:
    store = last_run(tmp_path, {"speak.provider": "gone"})
    with pytest.raises(
        SettingError, match=r"speak\.provider = 'gone' \(from the episode's last run; set another"
    ):
        with_last_settings(session(tmp_path), store, to_run=True)
    chosen = with_last_settings(session(tmp_path, speak__provider="espeak"), store, to_run=True)
    assert chosen.settings.speak.provider == "espeak"


def test_the_value_of_a_name_that_is_no_setting_is_a_mistake() -> None:
    assert Settings().value("speak.kokoro.threads") == 0
    with pytest.raises(KeyError, match=r"speak\.gone\.pitch"):
        Settings().value("speak.gone.pitch")


def request(*languages: str, until: str = "") -> Request:
    return Request(languages=languages, until=until)


def source(folder: Path) -> Path:
    file = folder / "talk.wav"
    file.write_bytes(b"RIFF")
    return file


def test_a_language_that_nothing_translates_into_is_named_before_any_work(tmp_path: Path) -> None:
    english = session(tmp_path, transcribe__language="en")
    found = unserved(english, request("pt-BR", "es", "en"))
    assert list(found) == ["es"]
    assert found["es"].startswith("Nothing here can translate English into Spanish:")
    assert unserved(session(tmp_path), request("es"), source_language="es") == {}
    assert unserved(english, request("es", until="transcribe")) == {}
    untranslated = session(tmp_path, transcribe__language="en", translate__provider="none")
    assert unserved(untranslated, request("es")) == {}


def test_a_language_that_nothing_speaks_is_named_even_when_the_source_is_not_known(tmp_path: Path) -> None:
    assert unserved(session(tmp_path), request("tlh"))["tlh"].startswith("Nothing here can speak 'tlh'")
    assert unserved(session(tmp_path), request("tlh", until="translate")) == {}
    assert "kokoro" in unserved(session(tmp_path, speak__provider="kokoro"), request("ja"))["ja"]


def test_a_finished_translation_serves_every_pair(tmp_path: Path) -> None:
    english = session(tmp_path, transcribe__language="en")
    given = Request(languages=("es",), uses={"translate": tmp_path / "es.srt"})
    assert unserved(english, given) == {}
    assert "es" in unserved(english, Request(languages=("es",), uses={"translate": None}))


def test_what_depends_on_an_unknown_source_language_is_a_doubt(tmp_path: Path) -> None:
    file = source(tmp_path)
    assert list(doubtful(session(tmp_path), request("ja", "pt-BR", "tlh"), file)) == ["ja"]
    assert doubtful(session(tmp_path, transcribe__language="en"), request("ja"), file) == {}


def test_a_run_that_nothing_can_serve_ends_before_its_first_stage(tmp_path: Path) -> None:
    english = session(tmp_path, transcribe__language="en")
    outcome = dub(english, source(tmp_path), request("ja"), Silent())
    assert (outcome.exit_code, outcome.stages) == (1, [])
    assert "English into Japanese" in outcome.errors[0]
