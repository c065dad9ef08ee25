"""The settings a job runs with: its own over the server's, the same for the plan and for the worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.config import configure
from dubkit.errors import SettingError
from dubkit.web.jobs.allowed import check_settings
from dubkit.web.jobs.settings import job_settings
from dubkit.web.settings import Serve


def test_a_jobs_settings_lie_over_the_servers(tmp_path: Path) -> None:
    (tmp_path / "dubkit.toml").write_text("[mix]\nduck_db = -30\ntrue_peak_db = -2\n")
    environment = {"DUBKIT_SERVE_PORT": "9000", "OPENAI_API_KEY": "sk-hunter2"}
    server = configure({"device": "cpu"}, environment=environment, folders=(tmp_path,))
    made = job_settings(server, {"mode": "low", "mix.duck_db": "-18"})
    assert (made.mode, made.mix.duck_db, made.mix.true_peak_db) == ("low", -18.0, -2.0)
    assert (made.device, Serve.of(made), made.translate) == (
        "cpu",
        Serve.of(server.settings),
        server.settings.translate,
    )
    assert job_settings(server, {}) == server.settings


@pytest.mark.parametrize(
    ("server", "job", "beam"),
    [
        ({"mode": "high"}, {}, 8),
        ({}, {"mode": "low"}, 1),
        ({"mode": "high"}, {"mode": "medium"}, 5),
        ({"mode": "high"}, {"transcribe.beam": "3"}, 3),
        ({"transcribe.beam": 4}, {"mode": "low"}, 4),
        ({"transcribe.beam": 4}, {"mode": "low", "transcribe.beam": "2"}, 2),
    ],
)
def test_a_preset_gives_way_to_what_was_named(
    server: dict[str, object], job: dict[str, str], beam: int
) -> None:
    assert job_settings(configure(server, environment={}), job).transcribe.beam == beam


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingError, match=r"mix\.duck_db"):
        job_settings(configure({}, environment={}), {"mix.duck_db": "loud"})


def test_a_refused_setting_names_what_may_be_meant_and_the_job_as_its_place() -> None:
    with pytest.raises(SettingError, match=r"perhaps translate\.provider .*is meant") as refused:
        check_settings({"translate.providr": "nmt"})
    assert len(str(refused.value)) < 250
    with pytest.raises(SettingError, match=r"from job\): must be one of"):
        check_settings({"translate.provider": "nobody"})
