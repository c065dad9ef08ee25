"""The gender of a noun, guessed from its end, with tables of common nouns that do not follow it.

A number word agrees with the noun after it: "duas mulheres", "un'ora", "eine Stunde".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dubkit.voice.text.lexicon import word_set

Gender = Literal["", "f", "m", "n"]


@dataclass(frozen=True, slots=True)
class _Nouns:
    """Singular nouns in lower case; ends count where no table has the noun."""

    feminine: frozenset[str]
    masculine: frozenset[str]
    neuter: frozenset[str]
    feminine_ends: tuple[str, ...]
    masculine_ends: tuple[str, ...] = ()
    neuter_ends: tuple[str, ...] = ()


_GREEK = (
    "dia día mapa problema programa tema sistema planeta poema drama clima idioma cinema telegrama grama "
    "quilograma diploma fantasma cometa guarda artista dentista turista jornalista periodista taxista "
    "motorista "
    "colega cura atleta terrorista policía papa poeta pirata dilema esquema dálmata crucigrama cinéma "
    "emblema panorama"
)

_NOUNS: Mapping[str, _Nouns] = {
    "pt": _Nouns(
        feminine=word_set(
            "mulher flor colher cor dor voz vez luz cruz paz raiz atriz cicatriz mãe noite tarde "
            "parte gente ordem viagem mensagem imagem garagem nuvem margem pele rede sede torre "
            "árvore ponte fonte chave nave classe frase base fase série morte sorte corte arte parede "
            "semente mente lente corrente estante mão irmã manhã maçã lã avó lei fé febre neve carne "
            "cidade metade bike nota foto moto tribo libido espécie face análise crise tese dose "
            "posse prece greve equipe televisão mansão gestante enchente serpente vítima pessoa "
            "criança testemunha célula origem vertigem façanha pá xícara"
        ),
        masculine=word_set(
            _GREEK + " coração irmão pão mamão avião caminhão botão portão limão cartão órgão chá sofá"
        ),
        neuter=frozenset(),
        feminine_ends=("a", "ã", "ção", "são", "dade", "tude", "gem", "ície", "ice", "triz"),
    ),
    "es": _Nouns(
        feminine=word_set(
            "mujer flor vez voz luz cruz paz raíz actriz nariz noche tarde parte gente orden clase "
            "calle llave nave base fase frase serie mano foto moto radio ley red sed pared imagen "
            "torre fuente nube nieve sangre leche muerte suerte carne mente madre piel sal miel "
            "cárcel razón canción edad verdad legumbre señal catedral vocal bici labor llave sangre "
            "corte arte gente pelvis crisis tesis dosis hélice especie superficie víctima persona"
        ),
        masculine=word_set(_GREEK + " avión camión corazón ratón jamón millón sofá corredor"),
        neuter=frozenset(),
        feminine_ends=("a", "ción", "sión", "dad", "tad", "tud", "umbre", "triz"),
    ),
    "it": _Nouns(
        feminine=word_set(
            "mano notte madre moglie parte gente classe chiave nave frase base fase serie morte sorte "
            "arte parete mente lente corrente legge rete torre fonte nube neve carne voce luce croce "
            "pace radice auto moto foto radio bici fine fame sete febbre pelle stazione ragione "
            "canzone prigione regione opinione religione occasione unione analisi crisi tesi dose "
            "specie superficie immagine origine automobile estate tigre volpe polvere cenere valle"
        ),
        masculine=word_set(_GREEK),
        neuter=frozenset(),
        feminine_ends=("a", "zione", "sione", "tà", "tù", "trice", "gine"),
    ),
    "fr": _Nouns(
        feminine=word_set(
            "heure femme fille fois chose main nuit journée semaine année minute seconde maison "
            "voiture personne fleur voix part mère sœur dent clé clef mer porte table rue ville vie "
            "mort peur couleur douleur chaleur erreur faim soif fin image page plage cage rage salle "
            "lettre photo moto radio route tête jambe bouche oreille langue pierre terre guerre "
            "lumière rivière bière affaire boîte fête bête école église étoile fenêtre chambre montre "
            "histoire mémoire victoire armée idée équipe bombe balle pomme tasse bouteille lampe robe "
            "chemise chaussure valise feuille branche forêt île eau peau croix paix noix souris "
            "fourmi loi foi moitié amie copine reine princesse déesse tonne livre piste chance dame "
            "caméra arme victime carte tante cousine nièce"
        ),
        masculine=word_set(
            "musée lycée comité côté été génie incendie foie silence parapluie message voyage garage"
        ),
        neuter=frozenset(),
        feminine_ends=(
            *("tion", "sion", "xion", "té", "ette", "ée", "ie", "ance", "ence", "ure", "ade", "esse", "ille"),
            *(
                "elle",
                "euse",
                "rice",
                "ine",
                "aine",
                "ane",
                "enne",
                "onne",
                "ère",
                "ante",
                "ente",
                "otte",
                "ace",
            ),
        ),
    ),
    "de": _Nouns(
        feminine=word_set(
            "frau stadt nacht zeit person tür mark million hand wand welt art zahl tochter mutter "
            "schwester nummer kugel maus wahl tat spur kraft angst kuh braut bank firma mauer feder "
            "oper insel gabel regel wurzel leiter schulter schüssel gefahr arbeit antwort schrift "
            "luft brust haut nuss wurst burg macht pflicht schicht sicht fahrt note mail party story "
            "mahlzeit hochzeit milch butter"
        ),
        masculine=word_set(
            "mann tag monat hund freund sohn bruder vater euro dollar cent meter kilometer zentimeter "
            "millimeter liter schritt teil punkt film baum brief platz weg fall grund moment "
            "augenblick kuss apfel tisch stuhl fisch ball stern kopf arm fuß finger zug bus wagen "
            "schuss weltkrieg krieg versuch stock gang akt abend morgen mittag sommer winter herbst "
            "frühling könig kaiser papst junge name kollege kunde käse hase löwe affe gedanke "
            "buchstabe neffe experte zeuge soldat mensch student gast satz geburtstag preis sieg ort "
            "grad kilometer spieler lehrer arzt polizist platz januar februar märz april mai juni "
            "juli august september oktober november dezember montag dienstag mittwoch donnerstag "
            "freitag samstag sonntag löffel schlüssel becher koffer kaffee tee wein sack berg see "
            "fluss stein ring knopf hut schuh"
        ),
        neuter=word_set(
            "jahr kind mal haus auto buch bild spiel tor reich kapitel ende auge interesse gebäude "
            "pfund kilo gramm prozent glas bier stück blatt paar leben land dorf tier pferd schiff "
            "boot flugzeug rad bett zimmer fenster herz ohr bein gesicht wort lied foto video problem "
            "ergebnis ei brot viertel drittel semester quartal jahrhundert jahrtausend jahrzehnt "
            "gebot treffen opfer messer geschenk"
        ),
        feminine_ends=("ung", "heit", "keit", "schaft", "ion", "tät", "ie", "ik", "enz", "anz", "in", "e"),
        masculine_ends=("er", "ist", "ling", "ismus", "ant", "or"),
        neuter_ends=("chen", "lein", "ment", "um", "nis"),
    ),
}


def gender(noun: str, base: str) -> Gender:
    """Return the gender of a noun in the singular or plural; empty where nothing tells."""
    nouns = _NOUNS.get(base)
    if nouns is None:
        return ""
    forms = _singulars(noun.lower(), base)
    for form in forms:
        if form in nouns.masculine:
            return "m"
        if form in nouns.feminine:
            return "f"
        if form in nouns.neuter:
            return "n"
    ends: tuple[tuple[Gender, tuple[str, ...]], ...] = (
        ("n", nouns.neuter_ends),
        ("f", nouns.feminine_ends),
        ("m", nouns.masculine_ends),
    )
    for found, patterns in ends:
        if any(form.endswith(patterns) for form in forms if len(form) > 2) and patterns:
            return found
    return "" if base == "de" else "m"


_PLURALS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "pt": (
        *(("ções", "ção"), ("sões", "são"), ("ões", "ão"), ("ãos", "ão"), ("ns", "m"), ("res", "r")),
        *(("zes", "z"), ("ães", "ãe"), ("ais", "al"), ("s", "")),
    ),
    "es": (
        *(("ces", "z"), ("ciones", "ción"), ("siones", "sión"), ("ones", "ón"), ("des", "d")),
        *(("res", "r"), ("les", "l"), ("nes", "n"), ("yes", "y"), ("s", "")),
    ),
    "fr": (("eaux", "eau"), ("aux", "al"), ("s", "")),
    "it": (),
    "de": (),
}


def _singulars(noun: str, base: str) -> tuple[str, ...]:
    """Return what the singular of a word may be; the word itself is one of them."""
    found = [noun]
    for plural, singular in _PLURALS[base]:
        if noun.endswith(plural) and len(noun) > len(plural) + 1:
            found.append(noun.removesuffix(plural) + singular)
    return tuple(dict.fromkeys(found))


NEUTRAL_ADJECTIVES: Mapping[str, frozenset[str]] = {
    "pt": word_set("grandes jovens fortes simples diferentes importantes felizes iguais breves enormes"),
    "es": word_set(
        "grandes jóvenes fuertes simples diferentes importantes felices iguales breves enormes gran"
    ),
}
"""Adjectives that stand before a noun and do not show its gender."""

NO_NOUN: Mapping[str, frozenset[str]] = {
    "es": word_set(
        "de y o a en es son por para con más menos que no ni u e del al fue era está sobre entre como "
        "hasta desde mil millón millones si cada cuando porque pero se te me le lo la"
    ),
    "it": word_set("di e o a in è sono per con più meno che non del al alla su fra tra come se ma da era"),
    "fr": word_set(
        "de et ou à en est sont par pour avec plus moins que ne du au sur entre comme si mais sur contre"
    ),
    "pt": word_set(
        "de e ou a em é são por para com mais menos que não do da ao à sobre entre como até se mas mil"
    ),
    "de": word_set("und oder zu bis von in ist sind mal Uhr gegen aus mit für auf an bei nach vor Prozent"),
}
"""Words after a number that it does not count."""
