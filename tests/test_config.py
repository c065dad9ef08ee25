"""Settings: layered, validated, and each with its origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.config import Settings, all_settings, configure
from dubkit.errors import SettingError


def test_defaults_hold_without_anything() -> None:
    found = configure({}, environment={})
    assert found.settings == Settings()
    assert set(found.origins.values()) == {"default"}


def test_later_layers_win_and_name_themselves(tmp_path: Path) -> None:
    project, beside = tmp_path / "project", tmp_path / "clips"
    for folder, value in ((project, -10), (beside, -12)):
        folder.mkdir()
        (folder / "dubkit.toml").write_text(f"[mix]\nduck_db = {value}\n")
    folders = (project, beside)
    found = configure({}, environment={}, folders=folders)
    assert found.settings.mix.duck_db == -12
    assert found.origins["mix.duck_db"] == str(beside / "dubkit.toml")
    found = configure({}, environment={"DUBKIT_MIX_DUCK_DB": "-14"}, folders=folders)
    assert found.settings.mix.duck_db == -14
    assert found.origins["mix.duck_db"] == "DUBKIT_MIX_DUCK_DB"
    found = configure({"mix.duck_db": -16}, environment={"DUBKIT_MIX_DUCK_DB": "-14"}, folders=folders)
    assert found.settings.mix.duck_db == -16
    assert found.origins["mix.duck_db"] == "--set mix.duck_db"


def test_a_preset_yields_to_every_explicit_value(tmp_path: Path) -> None:
    (tmp_path / "dubkit.toml").write_text('mode = "low"\n[transcribe]\nbeam = 4\n')
    found = configure({}, environment={}, folders=(tmp_path,))
    assert found.settings.transcribe.beam == 4
    assert found.settings.qc.round_trip is False
    assert found.origins["qc.round_trip"] == "mode low"


def test_the_usual_names_of_an_endpoint_count_but_own_names_win() -> None:
    usual = {"OPENAI_BASE_URL": "http://a/v1", "OPENAI_API_KEY": "k"}
    found = configure({}, environment=usual).settings.translate
    assert (found.base_url, found.api_key) == ("http://a/v1", "k")
    found = configure({}, environment=usual | {"DUBKIT_TRANSLATE_BASE_URL": "http://b/v1"}).settings.translate
    assert found.base_url == "http://b/v1"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DUBKIT_MIX_DUCKDB": "1"}, r"DUBKIT_MIX_DUCKDB.*did you mean DUBKIT_MIX_DUCK_DB"),
        ({"DUBKIT_TRANSCRIBE_BEAM": "wide"}, r"transcribe\.beam = 'wide' \(from DUBKIT_TRANSCRIBE_BEAM\)"),
        ({"DUBKIT_MIX_DUCK_DB": "4"}, r"mix\.duck_db.*<= 0"),
        ({"DUBKIT_TRANSLATE_PROVIDER": "google"}, r"translate\.provider = 'google'"),
        ({"DUBKIT_SPEAK_MIN_SPEED": "2"}, r"speak\.min_speed.*max_speed"),
    ],
)
def test_a_value_that_does_not_fit_names_itself_and_its_origin(
    environment: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        configure({}, environment=environment)


def test_a_misspelt_table_or_broken_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dubkit.toml"
    file.write_text("[mixx]\nduck_db = -3\n")
    with pytest.raises(SettingError, match=r"mixx\.duck_db.*dubkit\.toml.*did you mean mix\.duck_db"):
        configure({}, environment={}, folders=(tmp_path,))
    file.write_text("mode = ")
    with pytest.raises(SettingError, match="not valid TOML"):
        configure({}, environment={}, folders=(tmp_path,))
    with pytest.raises(SettingError, match="command line"):
        configure({"mix.loud": 1}, environment={})


def test_a_secret_is_not_shown_in_an_error() -> None:
    entry = next(e for e in all_settings() if e.name == "translate.api_key")
    assert entry.secret
    with pytest.raises(SettingError) as caught:
        configure({"translate.api_key": 12.5}, environment={})
    assert "12.5" not in str(caught.value)


def test_every_setting_has_a_sentence_and_a_variable() -> None:
    for entry in all_settings():
        assert entry.help.endswith("."), entry.name
        assert entry.variable.startswith("DUBKIT_")


@pytest.mark.parametrize(
    ("given", "tag"),
    [("German", "de"), ("deu", "de"), ("pt_br", "pt-BR"), ("en", "en"), ("auto", ""), ("AUTO", ""), ("", "")],
)
def test_the_spoken_language_may_be_named_as_people_do(given: str, tag: str) -> None:
    settings = configure({"transcribe.language": given}, environment={}).settings
    assert settings.transcribe.language == tag


def test_a_spoken_language_that_is_none_is_refused_with_its_option() -> None:
    with pytest.raises(SettingError, match=r"transcribe\.language = 'Brasilian' \(from --src-lang\)"):
        configure({"transcribe.language": "Brasilian"}, environment={})


def test_limits_of_speaking_line_by_line_count_for_the_schedule_and_say_so() -> None:
    found = configure({"speak.max_speed": 1.4}, environment={"DUBKIT_SPEAK_MIN_SPEED": "0.9"})
    assert (found.settings.timing.min_pace, found.settings.timing.max_pace) == (0.9, 1.4)
    assert [warning.split(" ")[0] for warning in found.warnings] == ["speak.min_speed", "speak.max_speed"]
    assert "DUBKIT_SPEAK_MIN_SPEED" in found.warnings[0]


@pytest.mark.parametrize("others", [{"timing.max_pace": 1.1}, {"timing.schedule": "off"}, {}])
def test_the_schedules_own_limit_counts_before_that_of_speaking_line_by_line(
    others: dict[str, object],
) -> None:
    given = others | ({"speak.max_speed": 1.4} if others else {})
    found = configure(given, environment={})
    assert found.settings.timing.max_pace == others.get("timing.max_pace", 1.2)
    assert found.warnings == ()
