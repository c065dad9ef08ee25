"""Language tags as people write them, and the names prompts use."""

from __future__ import annotations

import pytest

import prompts
from dubkit.errors import SettingError
from dubkit.translate.language import (
    language_name,
    needs_no_translation,
    normalise,
    same_language,
    script,
)


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("por", "pt"),
        ("pt_br", "pt-BR"),
        ("PT-br", "pt-BR"),
        ("Portuguese", "pt"),
        ("Brazilian Portuguese", "pt-BR"),
        ("deutsch", "de"),
        ("zh_tw", "zh-TW"),
        ("cmn", "zh"),
        (" en ", "en"),
        ("iw", "he"),
        ("yue", "yue"),
    ],
)
def test_tags_and_names_become_standard_tags(written: str, tag: str) -> None:
    assert normalise(written) == tag


@pytest.mark.parametrize("written", ["", "xx", "auto", "und", "zxx", "gibberish", "12"])
def test_unknown_language_names_the_setting_and_the_value(written: str) -> None:
    with pytest.raises(SettingError, match=r"tgt-lang = .*write a tag such as") as error:
        normalise(written, "tgt-lang")
    assert repr(written) in str(error.value)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("pt-BR", "Brazilian Portuguese"),
        ("pt", "Portuguese"),
        ("en-GB", "British English"),
        ("fr", "French"),
        ("zh-Hans", "Simplified Chinese"),
        ("es_419", "Latin American Spanish"),
        ("es-CO", "Spanish (Colombia)"),
    ],
)
def test_names_are_those_people_use(tag: str, name: str) -> None:
    assert language_name(tag) == name


def test_script_follows_the_region() -> None:
    assert [script(tag) for tag in ("pt", "ru", "zh", "zh-TW", "ja")] == [
        "Latn",
        "Cyrl",
        "Hans",
        "Hant",
        "Jpan",
    ]


def test_variants_are_one_language_but_scripts_are_not() -> None:
    assert same_language("en-GB", "en-US")
    assert not same_language("zh", "zh-TW")
    assert needs_no_translation("en", "en-US")
    assert needs_no_translation("eng", "en")
    assert not needs_no_translation("en-GB", "en-US")
    assert not needs_no_translation("en", "fr")


def test_system_prompt_is_the_agreed_text() -> None:
    text = prompts.read("translate")
    assert text.startswith("You are a professional translator.\nYour task is to translate the given dialogue")
    assert text.endswith(
        "- Output only the translated text, keeping any original formatting or speaker labels."
    )
    assert len(text.splitlines()) == 10


def test_dub_prompt_has_its_three_places() -> None:
    filled = prompts.read("dub").format(speaker="The man", language="French", dialogue="Oui...")
    assert filled == 'The man is speaking French, saying: "Oui..."'
