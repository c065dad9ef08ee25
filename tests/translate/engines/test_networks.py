# ruff: noqa: RUF001 - dialogue is written with typographic marks
"""NLLB and OPUS-MT on tiny networks in the published layouts, converted here as published ones are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dubkit.chain.host import SettingsHost
from dubkit.config import configure
from dubkit.errors import ModelDamaged, ModelMissing, SettingError, TranslationError
from dubkit.studio import open_models
from dubkit.translate import checks
from dubkit.translate.adaptation.offers import Offer, TightLine
from dubkit.translate.choice import TranslatorChoice, choose_translator
from dubkit.translate.dialogue import is_cry_anywhere, spaced
from dubkit.translate.engine import TranslationTask
from dubkit.translate.engines import opus_mt
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.networks import files
from dubkit.translate.networks.nllb_codes import CODES, nllb_code
from dubkit.translate.networks.opus_names import names, target_token
from tests.support.networks import EN_PT, FR_EN, make_marian, make_nllb

_IDENTIFIER = cache(checks._load_identifier)
NOTHING: Mapping[str, Any] = {}
pytestmark = pytest.mark.filterwarnings("ignore")  # those of torch and transformers are not ours


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with opus-mt-en-pt, opus-mt-fr-en and nllb, as published."""
    pytest.importorskip("transformers", reason="what converts networks is not installed")
    folder = tmp_path_factory.mktemp("networks")
    make_marian(folder / "opus-mt-en-pt", EN_PT, token=">>pob<<")
    make_marian(folder / "opus-mt-fr-en", FR_EN)
    make_nllb(folder / "nllb", EN_PT)
    return folder


def choose(
    provider: str, folder: Path, source: str = "en", target: str = "pt-BR", more: Mapping[str, Any] = NOTHING
) -> TranslatorChoice:
    own = {"models.nllb": str(folder / "nllb"), "models.opus_mt": str(folder)}
    flags = {**own, "models.cache": str(folder / "cache"), "models.offline": True, "device": "cpu", **more}
    settings = configure({"translate.provider": provider, **flags}, environment={}).settings
    host = SettingsHost(settings, open_models(settings))
    return choose_translator(TranslationTask(source, target, settings.translate, host))


def translated(choice: TranslatorChoice, *texts: str) -> list[Translated]:
    done: list[Translated] = []
    lines = [SourceLine(f"s{number}", text) for number, text in enumerate(texts)]
    choice.engine.open(choice.task).translate(lines, done.extend)
    assert [line.id for line in done] == [line.id for line in lines]
    return done


@pytest.mark.parametrize("provider", ["nllb", "opus-mt"])
def test_lines_as_people_speak_them_come_out_as_such(networks: Path, provider: str) -> None:
    spoken = {
        **{text: said for text, said in EN_PT.items() if "Zarix" not in text},
        "— Good morning. — Thank you.": "— Bom dia. — Obrigado.",
        "GET AWAY FROM HER!": "FIQUE LONGE DELA!",
        "ANNA: <i>Where is the old man?</i>": "ANNA: Onde está o velho?",
        "Write to bob@example.com now.": "Escreva para bob@example.com agora.",
        "♪ Good morning. ♪": "♪ Bom dia. ♪",
        "Thank you": "Obrigado",
        "Shhh!": "Shhh!",
        "1984.": "1984.",
    }
    choice = choose(provider, networks)
    done = translated(choice, *spoken)
    assert [line.text for line in done] == list(spoken.values())
    assert {line.provider for line in done} == {choice.identity}
    assert choice.identity == {"nllb": "nllb:nllb", "opus-mt": "opus-mt:en-pt"}[provider]


def test_lines_are_the_same_alone_and_among_others(networks: Path) -> None:
    choice = choose("nllb", networks, more={"translate.batch_size": 2})
    together = {line.text for line in translated(choice, *EN_PT)}
    assert together == {translated(choice, text)[0].text for text in EN_PT}


def test_the_other_answers_are_offered_for_a_line_that_misses_its_time(networks: Path) -> None:
    choice, offers = choose("opus-mt", networks), list[Offer]()
    line = TightLine("s1", "Where is the old man?", "Onde está o velho?", 3.0, 2.0)
    assert choice.engine.candidates is not None
    choice.engine.candidates(choice.task).offer([line], offers.extend)
    assert [offer.id for offer in offers] == ["s1"]
    assert len(offers[0].texts) >= 2
    assert line.text not in offers[0].texts
    assert offers[0].origin == "list"
    assert not any(mark in text for text in offers[0].texts for mark in ("<", ">>", "_"))


class Answers:
    """A network that gives the answers of a table."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        self.table = table

    def answers(self, sentences: list[str], count: int) -> list[tuple[str, ...]]:
        return [self.table[sentence][:count] for sentence in sentences]


def test_an_answer_that_fails_the_checks_gives_way_to_the_next_best(networks: Path) -> None:
    choice = choose("nllb", networks)
    asked, good = "What are you doing here, my friend?", "O que você está fazendo aqui, meu amigo?"
    translator: Any = choice.engine.open(choice.task)
    for table, text, flags in (
        ((asked, "não " * 60, good), good, ()),
        ((asked, asked), "", ("untranslated", "echo")),
    ):
        done: list[Translated] = []
        fake = replace(translator, load=lambda: Answers({asked: table}))  # noqa: B023 - called in this turn
        fake.translate([SourceLine("s1", asked)], done.extend)
        assert (done[0].text, done[0].flags) == (text, flags)


def test_a_pair_without_a_model_goes_through_a_third_language_and_says_so(networks: Path) -> None:
    choice = choose("opus-mt", networks, "fr")
    done = translated(choice, "Où est le vieil homme ?", "Merci.")
    assert [line.text for line in done] == ["Onde está o velho?", "Obrigado."]
    assert choice.identity == "opus-mt:fr-en+en-pt"
    assert "through English" in choice.reason
    assert choice.engine.notice is not None
    notice = choice.engine.notice(choice.task)
    assert notice is not None
    assert (notice.code, notice.weight) == ("translated-through", "degraded")
    assert "through English" in notice.sentence
    assert len(choice.engine.inputs(choice.task)) == 3


def test_a_way_that_a_person_chose_is_no_fall_back(networks: Path) -> None:
    choice = choose("opus-mt", networks, "fr", more={"translate.opus-mt.pivot": "en"})
    assert choice.engine.notice is not None
    notice = choice.engine.notice(choice.task)
    assert notice is not None
    assert notice.weight == "note"
    for pivot in ("off", "de"):
        with pytest.raises(TranslationError, match=r"no model for French into Brazilian Portuguese"):
            choose("opus-mt", networks, "fr", more={"translate.opus-mt.pivot": pivot})
    with pytest.raises(SettingError, match=r"translate\.opus-mt\.pivot.*auto, off or a language"):
        choose("opus-mt", networks, "fr", more={"translate.opus-mt.pivot": "qq"})


def test_what_is_missing_is_named_with_the_command_that_gets_it(networks: Path, tmp_path: Path) -> None:
    with pytest.raises(
        TranslationError, match=r"dubkit models get opus-mt-de-fr \(or opus-mt-de-en opus-mt-en-fr"
    ):
        choose("opus-mt", networks, "de", "fr")
    with pytest.raises(
        TranslationError, match=r"models get nllb \(2\.5 GB; CC-BY-NC-4\.0, not for commercial"
    ):
        choose("nllb", networks, more={"models.nllb": ""})
    with pytest.raises(TranslationError, match=r"NLLB does not know Klingon \(tlh\)"):
        choose("nllb", networks, target="tlh")
    with pytest.raises(ModelMissing, match=r"models\.nllb = .*nothing is there"):
        choose("nllb", networks, more={"models.nllb": str(tmp_path / "gone")})


def test_files_that_are_converted_already_are_read_as_they_are(
    networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translated(choose("nllb", networks), "Thank you.")
    (made,) = (networks / "nllb").glob("ctranslate2-*/")
    shutil.copytree(made, tmp_path / "nllb")
    shutil.copy(networks / "nllb/sentencepiece.bpe.model", tmp_path / "nllb")
    monkeypatch.setattr(files, "_convert", lambda *paths: pytest.fail("converted again"))
    monkeypatch.setattr(files, "_can_convert", lambda: False)
    choice = choose("nllb", networks, more={"models.nllb": str(tmp_path / "nllb")})
    assert translated(choice, "Thank you.")[0].text == "Obrigado."


def test_a_published_network_without_what_converts_it_says_what_to_do(
    networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(networks / "nllb", tmp_path / "nllb", ignore=shutil.ignore_patterns("ctranslate2-*"))
    monkeypatch.setattr(files, "_can_convert", lambda: False)
    with pytest.raises(
        TranslationError, match=r"(?s)takes torch and transformers.*dubkit\[mt\].*ct2-transformers"
    ):
        choose("nllb", networks, more={"models.nllb": str(tmp_path / "nllb")})


def spoil_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"no weights")


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def other_kind(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}')


def no_pieces(folder: Path) -> None:
    (folder / "sentencepiece.bpe.model").unlink()


def spoil_converted(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"no network")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_weights, "could not be converted"),
        (spoil_config, "config.json cannot be read"),
        (other_kind, "of the type 'bert', not 'm2m_100'"),
        (no_pieces, "lacks sentencepiece.bpe.model"),
        (spoil_converted, "cannot be loaded as a translation network"),
    ],
)
def test_files_that_are_no_such_network_are_refused_by_name(
    networks: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "nllb"
    shutil.copytree(networks / "nllb", folder, ignore=shutil.ignore_patterns("ctranslate2-*"))
    spoil(folder)
    choice = choose("nllb", networks, more={"models.nllb": str(folder)})
    with pytest.raises(ModelDamaged, match=said) as error:
        translated(choice, "Thank you.")
    assert str(folder) in str(error.value)
    assert not list(folder.glob("ctranslate2-*.*/")), "a half-converted folder is left"


def test_a_network_of_several_languages_without_the_one_in_question_is_refused(networks: Path) -> None:
    assert target_token("pt-BR", ["▁a", ">>por<<", ">>pob<<"]) == ">>pob<<"
    assert target_token("pt-PT", ["▁a", ">>por<<", ">>pob<<"]) == ">>por<<"
    assert target_token("zh-TW", [">>cmn_Hans<<", ">>cmn_Hant<<"]) == ">>cmn_Hant<<"
    assert target_token("fr", ["▁a"]) == ""
    assert target_token("fr", [">>por<<"]) is None
    shutil.copytree(networks / "opus-mt-en-pt", networks / "opus-mt-en-de", dirs_exist_ok=True)
    try:
        with pytest.raises(ModelDamaged, match="opus-mt-en-de does not translate into German"):
            translated(choose("opus-mt", networks, target="de"), "Thank you.")
    finally:
        shutil.rmtree(networks / "opus-mt-en-de")


def test_every_tag_means_a_language_that_nllb_knows() -> None:
    tags = {
        "pt-BR": "por_Latn", "zh": "zho_Hans", "zh-TW": "zho_Hant", "yue": "yue_Hant", "ko": "kor_Hang",
        "ja": "jpn_Jpan", "ar": "arb_Arab", "ar-EG": "arz_Arab", "fa": "pes_Arab", "no": "nob_Latn",
        "sr": "srp_Cyrl", "sr-Latn": "", "tl": "tgl_Latn", "sw": "swh_Latn", "en-GB": "eng_Latn", "tlh": "",
    }  # fmt: skip
    assert {tag: nllb_code(tag) for tag in tags} == tags
    assert len(CODES) == 202


def test_models_of_groups_serve_their_members() -> None:
    assert next(iter(names("en", "uk"))) == "opus-mt-en-uk"
    assert "opus-mt-tc-big-en-zle" in set(names("en", "uk"))
    assert "opus-mt-ROMANCE-en" in set(names("pt-BR", "en-GB"))
    assert opus_mt.model_named("whisper-base") is None


def test_words_without_latin_vowels_are_no_cries() -> None:
    assert not any(map(is_cry_anywhere, ("Да!", "Kdy?", "Krk.", "Été!", "你好。")))
    assert all(map(is_cry_anywhere, ("Shhh!", "Hmm...", "Aaaah!")))
    assert spaced("你好。再见！“好。”") == "你好。 再见！ “好。”"
