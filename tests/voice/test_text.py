"""Written lines become what is said aloud, in each language that Kokoro and hibari speak."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.voice.text.numbers import parsed
from dubkit.voice.text.spoken import spoken_text

PORTUGUESE = {
    "Custa R$ 12,50 & chega às 15h30!": "Custa doze reais e cinquenta centavos e chega às quinze e trinta!",
    "Custa R$ 0,99.": "Custa noventa e nove centavos.",
    "São R$ 5 mil ou US$ 3 milhões.": "São cinco mil reais ou três milhões de dólares.",
    "R$ 1.000.000": "um milhão de reais",
    "£2 e € 1": "duas libras e um euro",
    "Às 2:05, no 1º andar, a 2ª porta.": "Às duas e cinco, no primeiro andar, a segunda porta.",
    "1° lugar, 25° à sombra": "primeiro lugar, vinte e cinco graus à sombra",
    "Às 14:00 ou 7h da manhã": "Às catorze horas ou sete horas da manhã",
    "50% de 1.234,5": "cinquenta por cento de mil duzentos e trinta e quatro vírgula cinco",
    "Faz -5°C.": "Faz menos cinco graus.",
    "Ele tem 16 anos.": "Ele tem dezesseis anos.",
    "2 pessoas, 200 semanas, 42 vezes": "duas pessoas, duzentas semanas, quarenta e duas vezes",
    "2 dias e 1 hora": "dois dias e uma hora",
    "De 10-12 a 80 km/h": "De dez a doze a oitenta quilômetros por hora",
    "1999\u20132004": "mil novecentos e noventa e nove a dois mil e quatro",
    "o agente 007": "o agente zero zero sete",
    "no dia 12/05/2024": "no dia doze cinco dois mil e vinte e quatro",
    "versão 2.0.1": "versão dois zero um",
    "Nº 5 e #2": "número cinco e número dois",
    "um MP3 em 4K": "um M P três em quatro K",
    "Dom Pedro II, século XXI": "Dom Pedro segundo, século vinte e um",
    "O FBI, a NASA e o DNA": "O F B I, a NASA e o D N A",
    "O Sr. Silva e a Dra. Ana": "O Senhor Silva e a Doutora Ana",
    "p.ex. isto, etc. Fim": "por exemplo isto, etcétera. Fim",
    "Veja www.exemplo.com.br/ajuda.": "Veja exemplo ponto com ponto br barra ajuda.",
    "ana@dub.com + 1 = 2": "ana arroba dub ponto com mais um igual a dois",
    "Ligue 0800-55-12": "Ligue zero oito zero zero cinquenta e cinco doze",
    "1234567890123": "um dois três quatro cinco seis sete oito nove zero um dois três",
}

OTHERS = [
    ("pt-PT", "16 anos", "dezasseis anos"),
    ("es", "¿Cuesta 21 € o 21 horas?", "¿Cuesta veintiún euros o veintiuna horas?"),
    ("es-MX", "1 libro, 1 de ellos", "un libro, uno de ellos"),
    ("es", "Es la 1:30, 3er piso, 2.ª planta", "Es la una y treinta, tercer piso, segunda planta"),
    ("es", "£200", "doscientas libras"),
    ("it", "Alle 15:00 o 15:30, la 2ª", "Alle quindici o quindici e trenta, la seconda"),
    ("it", "Il Sig. Rossi ha 1 libro", "Il Signor Rossi ha un libro"),
    ("fr", "À 21h30, la 1re et le 2e", "À vingt et une heures trente, la première et le deuxième"),
    ("fr", "1 000 000 € ou 12,50 €", "un million d'euros ou douze euros et cinquante centimes"),
    ("fr", "M. Dupont est à 5 m. Oui", "Monsieur Dupont est à cinq mètres. Oui"),
    ("de", "Am 3. Mai um 15:30 Uhr", "Am dritten Mai um fünfzehn Uhr dreißig"),
    ("de", "Der 3. Mai 1999, 1 Uhr", "Der dritte Mai neunzehnhundertneunundneunzig, ein Uhr"),
    ("de", "5 Mio. € usw. Gut", "fünf Millionen Euro und so weiter. Gut"),
    ("en", "In the '90s and 1980s", "In the nineties and nineteen eighties"),
    ("en", "10:05, 10:00, 10:00 am", "ten oh five, ten o'clock, ten am"),
    (
        "en",
        "$3.50, $5 million on May 3rd",
        "three dollars and fifty cents, five million dollars on May third",
    ),
    ("en", "Dr. Smith, e.g. 5 ft", "Doctor Smith, for example five feet"),
    ("ja", "こんにちは 3", "こんにちは 3"),
]


@pytest.mark.parametrize(("written", "spoken"), PORTUGUESE.items())
def test_portuguese_figures_and_signs_become_words(written: str, spoken: str) -> None:
    assert spoken_text(written, "pt-BR") == spoken


@pytest.mark.parametrize(("language", "written", "spoken"), OTHERS)
def test_every_language_says_figures_its_own_way(language: str, written: str, spoken: str) -> None:
    assert spoken_text(written, language) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("[suspira] Olá (rindo) João", "Olá João"),
        ("Olá ((ri) alto) João", "Olá João"),
        ("♪ la la la ♪ Olá", "Olá"),
        ("Olá ♪ la la", "Olá"),
        ("<i>Oi</i> {\\an8}tudo", "Oi tudo"),
        ("Oi 😀👍🏽!", "Oi!"),
        ("- Oi. - Tudo bem?", "Oi. — Tudo bem?"),
        ('"Não"... disse *ela*', "Não… disse ela"),
        ("O quê?!?!?! Hã??", "O quê?! Hã?"),
        ("NÃO ACREDITO NISSO!!!", "não acredito nisso!"),
        ("Corre, AGORA!", "Corre, agora!"),
        ("Olá ,  João .", "Olá, João."),
    ],
)
def test_what_nobody_says_is_dropped(written: str, spoken: str) -> None:
    assert spoken_text(written, "pt-BR") == spoken


@pytest.mark.parametrize("written", ["", "   ", "…", "(risos)", "[música]", "♪ la la ♪", "😀", "?!", "—"])
def test_a_line_without_words_is_empty(written: str) -> None:
    assert spoken_text(written, "pt-BR") == ""


@pytest.mark.parametrize(
    ("written", "decimal", "value"),
    [
        ("1.234,50", ",", Decimal("1234.50")),
        ("1,234.50", ".", Decimal("1234.50")),
        ("2.5", ",", Decimal("2.5")),
        ("1.2.3", ",", None),
        ("007", ",", None),
        ("0.5", ".", Decimal("0.5")),
    ],
)
def test_marks_of_thousands_and_decimals_follow_the_language(
    written: str, decimal: str, value: Decimal | None
) -> None:
    assert parsed(written, decimal) == value


@given(st.text(max_size=60), st.sampled_from(["pt-BR", "es", "it", "fr", "de", "en", "ko"]))
def test_no_text_breaks_the_reading_and_no_ascii_digit_is_left(text: str, language: str) -> None:
    spoken = spoken_text(text, language)
    assert spoken == spoken.strip()
    if language != "ko":
        assert not any(character in "0123456789" for character in spoken)


@given(
    st.from_regex(r"[-#R$€£¥0-9.,:h/% º°ªkm\u2013+]{1,24}", fullmatch=True),
    st.sampled_from(["pt", "es", "fr", "de", "en"]),
)
def test_any_jumble_of_figures_is_read(text: str, language: str) -> None:
    assert not any(character in "0123456789" for character in spoken_text(text, language))
