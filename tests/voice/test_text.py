"""Written lines become what is said aloud, in each language that Kokoro and hibari speak."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dubkit.voice.text.spoken import spoken_text
from dubkit.voice.text.values import parsed
from tests.support.number_words import read_number

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
    ("en", "10:05, 10:00, 10:00 am", "ten oh five, ten o'clock, ten a m"),
    (
        "en",
        "$3.50, $5 million on May 3rd",
        "three dollars and fifty cents, five million dollars on May third",
    ),
    ("en", "Dr. Smith, e.g. 5 ft", "Doctor Smith, for example five feet"),
    ("ja", "こんにちは 3", "こんにちは 3"),
]


AS_PEOPLE_SAY_IT = {
    "en": """
        He is a VIP. = He is a V I P.
        Size XXL, please. = Size X X L, please.
        STOP! = stop!
        HELP ME! = help me!
        I'M SO TIRED = I'm so tired
        It's JUST a game. = It's just a game.
        GIVE IT TO US! = give it to us!
        The FBI, the BBC and US troops = The F B I, the B B C and U S troops
        WATCH OUT, FBI! = watch out, F B I!
        AT&T and R&B = A T and T and R and B
        Two DVDs from the U.S. army = Two D V Ds from the U S army
        See you at 7:30am. = See you at seven thirty a m.
        at 10:30 p.m. on Monday = at ten thirty p m on Monday
        Open 9am-5pm. = Open nine a m to five p m.
        It made $5M in 2019. = It made five million dollars in twenty nineteen.
        $2.5bn, £3m or $5K = two point five billion dollars, three million pounds or five thousand dollars
        a $10-15 bill of $0.99 = a ten to fifteen dollars bill of ninety-nine cents
        $20/hr and 60 km/h = twenty dollars per hour and sixty kilometers per hour
        Add ½ cup. = Add half a cup.
        1½ cups, ¾ mile = one and a half cups, three quarters of a mile
        2-3 kg, 10-15% = two to three kilograms, ten to fifteen percent
        the '90s, in her 30s = the nineties, in her thirties
        Call (555) 123-4567. = Call five five five one two three four five six seven.
        Call 911 or 555-1234 = Call nine one one or five five five one two three four
        Chanel No. 5. = Chanel number five.
        Louis XIV, Rocky II, World War II = Louis the fourteenth, Rocky two, World War two
        King George V and Malcolm X = King George the fifth and Malcolm X
        St. Mary lives on Main St. = Saint Mary lives on Main Street
        He is 6'2" and 10 000 days old = He is six foot two and ten thousand days old
        16 GB, 5 m², 72°F = sixteen gigabytes, five square meters, seventy-two degrees Fahrenheit
        *laughs* That's funny. = That's funny.
        I told him (and he knows) to go. = I told him and he knows to go.
        [door slams] (sighs) Fine. = Fine.
        #BlackLivesMatter, @john = hashtag Black Lives Matter, at john
        2x faster, 3 x 4, a 3:2 win = two times faster, three times four, a three to two win
        it&#39;s Tom &quot;Big&quot; Lee\\Nand me = it's Tom Big Lee and me
        5 MB/s, 24 h = five megabytes per second, twenty-four hours
        x², 5 ± 2 = x squared, five plus or minus two
        King Charles III's crown, 1-2-3 go! = King Charles the third's crown, one two three go!
        The MI6 agent and the MP3 = The M I six agent and the M P three
    """,
    "pt-BR": """
        Custa R$ 2 bi por ano. = Custa dois bilhões de reais por ano.
        R$ 1 bi, R$ 3,5 mi = um bilhão de reais, três vírgula cinco milhões de reais
        Eu já fui lá 1 vez. = Eu já fui lá uma vez.
        São 2 mulheres. = São duas mulheres.
        2 mãos, 200 cidades, 21 homens = duas mãos, duzentas cidades, vinte e um homens
        Olá,\\nmundo. = Olá, mundo.
        Tom &amp; Jerry = Tom e Jerry
        O CEO falou. = O C E O falou.
        EU VI A MARIA! = eu vi a maria!
        PARE! = pare!
        O CPF, a ONU e a TV = O C P F, a ONU e a T V
        Luís XIV, século V, Rainha Elizabeth II = Luís catorze, século quinto, Rainha Elizabeth segunda
        II Guerra Mundial, capítulo IV = segunda Guerra Mundial, capítulo quatro
        anos 80, das 9h às 17h = anos oitenta, das nove horas às dezessete horas
        (11) 98765-4321 = um um nove oito sete seis cinco quatro três dois um
        Ele disse (eu acho) que sim. = Ele disse eu acho que sim.
        *suspira* Tá bom. = Tá bom.
        ½ xícara, ½ quilo = meia xícara, meio quilo
        CEP 01310-100 = C E P zero um três um zero um zero zero
        nº 5, Av. Paulista, pág. 3 = número cinco, Avenida Paulista, página três
        5 m², 50 GB, 3,5 kg = cinco metros quadrados, cinquenta gigabytes, três vírgula cinco quilos
    """,
    "es": """
        El IVA es del 21 %. = El iva es del veintiuno por ciento.
        ¡LO VI! = ¡lo vi!
        ¡VEN AQUÍ! = ¡ven aquí!
        Tengo 1 año. = Tengo un año.
        Había 200 mujeres. = Había doscientas mujeres.
        31 mujeres, 21 libros, 1 de ellos = treinta y una mujeres, veintiún libros, uno de ellos
        Felipe VI, Isabel II, siglo XX = Felipe sexto, Isabel segunda, siglo veinte
        los años 80, los 90s = los años ochenta, los noventa
        3,5 o 2.5 = tres coma cinco o dos punto cinco
        5 M€, 3 mill. de euros = cinco millones de euros, tres millones de euros
        a las 8.30, el 3er piso = a las ocho y treinta, el tercer piso
        Llama al 612 345 678 = Llama al seis uno dos tres cuatro cinco seis siete ocho
        El DVD de EE. UU. es suyo = El D V D de Estados Unidos es suyo
        ½ taza, ½ kg = media taza, medio kilo
        n.º 5, Sr. Pérez, Ud. = número cinco, Señor Pérez, Usted.
        Es la 1. El III Congreso = Es la una. El tercer Congreso
        100 000 personas = cien mil personas
    """,
    "it": """
        VI AMO! = vi amo!
        CI VEDIAMO! = ci vediamo!
        Pesa 2,5 kg. = Pesa due virgola cinque chili.
        Alle 8.30. = Alle otto e trenta.
        3,5 milioni = tre virgola cinque milioni
        Ho 1 ora. = Ho un'ora.
        1 libro, 1 studente, 1 donna = un libro, uno studente, una donna
        Luigi XIV, il XX secolo = Luigi quattordicesimo, il ventesimo secolo
        gli anni '80 = gli anni ottanta
        5 mln di euro, 3 mld = cinque milioni di euro, tre miliardi
        Chiama il 333 1234567 = Chiama il tre tre tre uno due tre quattro cinque sei sette
        3,14 e 518 = tre virgola quattordici e cinquecentodiciotto
        Sig.ra Bianchi, pag. 3 = Signora Bianchi, pagina tre
        È l'1. Il '68 = È l'una. Il sessantotto
        ½ tazza = mezza tazza
        dalle 9.00 alle 17.30 = dalle nove alle diciassette e trenta
    """,
    "fr": """
        Au XXe siècle. = Au vingtième siècle.
        François Ier, Louis XIV = François premier, Louis quatorze
        Ve République = cinquième République
        21 femmes, 1 heure, 1 homme = vingt et une femmes, une heure, un homme
        5 M€, 3 Md€ = cinq millions d'euros, trois milliards d'euros
        06 12 34 56 78 = zéro six douze trente-quatre cinquante-six soixante-dix-huit
        3,14 et 0,05 = trois virgule quatorze et zéro virgule zéro cinq
        JE T'AIME ! = je t'aime!
        Mme Martin, n° 5, p. ex. ici = Madame Martin, numéro cinq, par exemple ici
        les années 80, 8h, 14h30 = les années quatre-vingts, huit heures, quatorze heures trente
        (rires) Il a dit (je crois) oui. = Il a dit je crois oui.
        1 € 50 = un euro cinquante
        la SNCF et l'ONU = la S N C F et l'ONU
    """,
    "de": """
        ICH BIN HIER! = ich bin hier!
        MIT MIR? = mit mir?
        Ich habe 1 Jahr gewartet. = Ich habe ein Jahr gewartet.
        Ich habe 1 Hund, mit 1 Frau, vor 1 Jahr = Ich habe einen Hund, mit einer Frau, vor einem Jahr
        Der 2. Weltkrieg. = Der zweite Weltkrieg.
        im 20. Jahrhundert, 1. Platz = im zwanzigsten Jahrhundert, erster Platz
        mein 2. Auto = mein zweites Auto
        Er ist 30. Das ist alt. = Er ist dreißig. Das ist alt.
        Die 80er Jahre. = Die achtziger Jahre.
        in den 60ern, 1 Mal, 100%ig, 5,- € = in den sechzigern, einmal, einhundertprozentig, fünf Euro
        30-jährig, 3-mal = dreißigjährig, dreimal
        Um 8.30 Uhr. = Um acht Uhr dreißig.
        Ludwig XIV. war da. = Ludwig der Vierzehnte war da.
        1 Mio. €, 5 Mrd. Euro = eine Million Euro, fünf Milliarden Euro
        am 12.5.2024 = am zwölften Mai zweitausendvierundzwanzig
        3:2, 3 Std., Nr. 5 = drei zu zwei, drei Stunden, Nummer fünf
        die EU, das ZDF und ein LKW = die E U, das Z D F und ein L K W
        ½ Tasse, ½ Liter, 2½ Stunden = eine halbe Tasse, ein halber Liter, zweieinhalb Stunden
        z. B. in der Hauptstr. 5 = zum Beispiel in der Hauptstraße fünf
    """,
}
"""Language -> lines of `written = spoken`."""


def _pairs() -> list[tuple[str, str, str]]:
    lines = [(language, line) for language, text in AS_PEOPLE_SAY_IT.items() for line in text.splitlines()]
    cut = [(language, *line.strip().partition(" = ")[::2]) for language, line in lines if line.strip()]
    return [(language, written, spoken) for language, written, spoken in cut]


@pytest.mark.parametrize(("language", "written", "spoken"), _pairs())
def test_lines_are_read_as_people_say_them(language: str, written: str, spoken: str) -> None:
    assert spoken_text(written, language) == spoken


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


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("en", "(Hello there)", "Hello there"),
        ("en", "(I think so.)", "I think so."),
        ("en", "He left (at 5) with her (my sister).", "He left at five with her my sister."),
        ("en", "friend(s)", "friends"),
        ("en", "(in Spanish) (quietly) Come (Mr. Lee).", "Come Mister Lee."),
        ("pt", "(Olá!) Eu (também) vou.", "Olá! Eu também vou."),
        ("es", "(¡Ven aquí!) (riendo)", "¡Ven aquí!"),
        ("it", "(Non lo so) (musica triste)", "Non lo so"),
        ("fr", "(Je t'aime) (musique douce)", "Je t'aime"),
        ("de", "(Ich weiß nicht) (lacht laut)", "Ich weiß nicht"),
        ("en", "[1] [I know] [thunder]", "I know"),
    ],
)
def test_parentheses_that_carry_speech_are_spoken(language: str, written: str, spoken: str) -> None:
    assert spoken_text(written, language) == spoken


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


LANGUAGES = ("en", "pt", "es", "it", "fr", "de")


def _read_as_year(value: Decimal, language: str) -> bool:
    return language in ("en", "de") and 1100 <= abs(value) < 2100


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(LANGUAGES),
    st.one_of(st.integers(0, 999), st.integers(0, 10**6), st.integers(0, 10**9)),
    st.sampled_from(["plain", "grouped", "decimal", "negative"]),
    st.from_regex(r"[0-9]{1,3}", fullmatch=True),
)
def test_the_words_of_a_number_read_back_to_its_value(
    language: str, whole: int, form: str, decimals: str
) -> None:
    point, group = (".", ",") if language == "en" else (",", ".")
    value, written = Decimal(whole), str(whole)
    if form == "grouped":
        written = f"{whole:,}".replace(",", group)
    elif form == "decimal":
        value, written = Decimal(f"{whole}.{decimals}"), f"{whole}{point}{decimals}"
    elif form == "negative":
        value, written = -value, f"-{written}"
    assume(form == "decimal" or not _read_as_year(value, language))
    assert read_number(spoken_text(written, language), language) == value


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(LANGUAGES), st.integers(2, 999_999), st.sampled_from(["kg", "km", "%", "€", "GB", "°C"])
)
def test_an_amount_and_its_unit_read_back_to_their_value(language: str, value: int, sign: str) -> None:
    count, unit = spoken_text(f"{value} {sign}", language), spoken_text(f"2 {sign}", language)
    name = unit.split(" ", 1)[1]
    assert count.endswith(f" {name}")
    assert read_number(count.removesuffix(name), language) == value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_roman_numeral_after_a_noun_is_its_number(language: str) -> None:
    noun = {
        "en": "Chapter",
        "pt": "Capítulo",
        "es": "Capítulo",
        "it": "Capitolo",
        "fr": "Chapitre",
        "de": "Kapitel",
    }
    ones = ["", *["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]]
    tens = ["", *["X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"]]
    for value in range(1, 100):
        said = spoken_text(f"{noun[language]} {tens[value // 10]}{ones[value % 10]}", language)
        assert read_number(said.split(" ", 1)[1], language) == value


@pytest.mark.parametrize("word", ["LASER", "LOVE", "STOP", "HELP", "JUST", "WHAT", "SORRY", "WORLD", "MY"])
def test_a_shouted_word_is_a_word_alone_and_among_others(word: str) -> None:
    assert spoken_text(f"{word}!", "en") == f"{word.lower()}!"
    assert spoken_text(f"I said {word} to him.", "en") == f"I said {word.lower()} to him."


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.from_regex(r"[A-Z]{1,6}[.']?", fullmatch=True),
            st.from_regex(r"[IVXLCDM]{1,7}(e|er|s|\.)?", fullmatch=True),
            st.from_regex(r"[(\[*]?[0-9]{1,9}[)\]*]?[-.,:/x%°ºª½'\"]?", fullmatch=True),
            st.sampled_from(
                ["$", "R$", "€", "kg", "M", "bi", "Uhr", "am", "h", "&amp;", "\\n", "No.", "St.", "I"]
            ),
        ),
        max_size=8,
    ),
    st.sampled_from([*LANGUAGES, "pt-PT", "ja", "ko", "ar", "zh-Hant", "", "x"]),
    st.sampled_from([" ", ""]),
)
def test_no_line_breaks_the_reading_in_any_language(parts: list[str], language: str, blank: str) -> None:
    assert spoken_text(blank.join(parts), language) is not None


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
