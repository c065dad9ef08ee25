"""Texts of every old encoding come out as they were written, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.errors import MediaError, SettingError
from dubkit.formats.document import Document
from dubkit.formats.encoding import decode
from dubkit.settings import check_encoding
from dubkit.types import Remark

SAID = {
    "ru": ("Доброе утро, дорогие друзья. Это проверка.", "cp1251 koi8_r cp866 iso8859_5"),
    "uk": ("Доброго ранку, друзі. Це її перевірка.", "cp1251 koi8_u"),
    "bg": ("Добро утро, приятели. Това проверка.", "cp1251"),
    "sr": ("Добро јутро, љубави.", "cp1251 iso8859_5"),
    "pl": ("Dzień dobry, proszę państwa, żółć.", "cp1250 iso8859_2 cp852"),
    "cs": ("Dobré ráno, příliš žluťoučký kůň.", "cp1250 iso8859_2 cp852"),
    "hu": ("Jó reggelt, tűrő fúró.", "cp1250 iso8859_2 cp852"),
    "ro": ("Bună dimineaţa, ştiu.", "cp1250 iso8859_2"),
    "tr": ("Günayd\u0131n arkadaşlar, şimdi gidiyoruz. İyi.", "cp1254 iso8859_9"),
    "el": ("Καλημέρα σε όλους.", "cp1253 iso8859_7"),
    "he": ("שלום לכולם.", "cp1255 iso8859_8"),
    "ar": ("صباح الخير يا أصدقاء.", "cp1256 iso8859_6"),
    "fa": ("سلام، من پدر ژاله و گلنار هستم", "cp1256"),
    "th": ("สวัสดีครับ", "cp874"),
    "vi": ("Ch\u00e0o b\u0323an", "cp1258"),
    "lt": ("Labas rytas, ačiū už šį.", "cp1257"),
    "ja": ("おはようございます。これはテストです。", "shift_jis euc_jp iso2022_jp"),
    "ko": ("안녕하세요 여러분.", "euc_kr cp949"),
    "zh": ("早上好\uff0c大家。这是一个测试。", "gb18030 gbk"),
    "zh-TW": ("早上好\uff0c大家。這是一個測試。", "big5"),
    "pt-BR": ("Olá, não é? “Ação”", "cp1252"),
    "fr": ("Ça va ? L\u2019été… cœur", "cp1252"),
    "de": ("Schöne Grüße", "cp1252 cp850"),
    "en": ("It\u2019s a naïve café…", "cp1252"),
}


@pytest.mark.parametrize(
    ("language", "text", "encoding"),
    [(language, text, name) for language, (text, names) in SAID.items() for name in names.split()],
)
def test_an_encoding_is_recognised_with_the_help_of_the_language(
    language: str, text: str, encoding: str
) -> None:
    found = decode(f"1\n00:00:01,000 --> 00:00:03,000\n{text}\n".encode(encoding), "", language)
    assert found.text.split("\n")[2] == text
    assert found.how in ("recognised", "certain")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_unicode_is_certain_with_a_mark_and_without(encoding: str) -> None:
    text = "1\n00:00:01,000 --> 00:00:03,000\nOlá, 早上好.\n"
    found = decode(text.encode(encoding))
    assert (found.text, found.how) == (text, "certain")


def test_the_encoding_that_is_named_is_taken() -> None:
    assert decode("Привет".encode("koi8_r"), "koi8-r").text == "Привет"
    check_encoding("koi8-r", "transcribe.encoding")
    with pytest.raises(SettingError, match=r"transcribe\.encoding = 'klingon': must be an encoding"):
        check_encoding("klingon", "transcribe.encoding")
    with pytest.raises(SettingError, match="must be an encoding"):
        check_encoding("base64", "transcribe.encoding")


def test_a_guess_without_the_language_is_doubtful_and_what_may_be_two_things_is_refused() -> None:
    russian = "Доброе утро, дорогие друзья.".encode("cp1251")
    assert (decode(russian, "", "en").how, decode(russian).encoding) == ("guessed", "cp1251")
    said: list[Remark] = []
    text = Document(Path("a.srt"), russian, language="en", tell=said.append).text()
    assert text == "Доброе утро, дорогие друзья."
    assert [(remark.code, remark.weight) for remark in said] == [("encoding-guessed", "doubtful")]
    with pytest.raises(MediaError, match="its encoding cannot be recognised"):
        Document(Path("a.srt"), "Это".encode("cp1251")[:1]).text()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PK\x03\x04" + bytes(60), "it is a ZIP archive"),
        (b"\x1f\x8b" + bytes(60), "it is a gzip archive"),
        (bytes(range(256)) * 4, "it holds no text"),
        ("Olá não".encode()[:-2], "line 1: the bytes c3 are not UTF-8, and the rest is"),
        ("Olá, não é".encode() + b"\n\xe1\n", "line 2: the bytes e1 are not UTF-8"),
        ("Olá".encode("utf-16")[:-1], "the bytes e1 are not utf-16"),
    ],
)
def test_what_is_no_text_or_damaged_is_named(content: bytes, problem: str) -> None:
    with pytest.raises(MediaError) as refusal:
        Document(Path("a.srt"), content, language="pt").text()
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("language", "text", "encoding"),
    [("da", "Vi er i Zürich nu.", "cp1252"), ("pl", "To jest Müller.", "cp1250")],
)
def test_a_name_from_elsewhere_fits_the_usual_encoding(language: str, text: str, encoding: str) -> None:
    found = decode(text.encode(encoding), "", language)
    assert (found.text, found.encoding, found.how) == (text, encoding, "recognised")


def test_a_text_that_was_encoded_twice_or_lost_letters_is_told() -> None:
    said: list[Remark] = []
    twice = "Olá, não é?".encode().decode("cp1252").encode()
    assert Document(Path("a.srt"), twice, tell=said.append).text() == "Olá, não é?"
    assert Document(Path("b.srt"), "Ol\ufffd\n".encode(), tell=said.append).text() == "Ol\ufffd\n"
    assert [remark.code for remark in said] == ["text-damaged", "text-damaged"]
    assert said[1].place == "b.srt, line 1"
