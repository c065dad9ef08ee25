"""Roman numerals: which words in capitals are numerals, and what is said for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from dubkit.voice.text.genders import gender
from dubkit.voice.text.lexicon import Lexicon, word_set
from dubkit.voice.text.values import numeral, ordinal, words

_NUMERAL = r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_ROMAN = re.compile(rf"(?<![\w'&-])(?=[IVXLCDM]){_NUMERAL}(?![\w&]|'(?!s\b)[^\W\d_])")
_FRENCH_ORDINAL = re.compile(r"(?<![\w'])(?=[IVX])(X{0,3}(?:IX|IV|V?I{0,3}))(er|re|ère|e|ème|nde?|d)(?!\w)")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}

_NUMBERED = re.compile(
    r"\b(?:part[ei]?|partie|teil|chapter|cap[ií]tulo|capitolo|chapitre|kapitel|vol(?:ume)?|tom[oe]|"
    r"band|book|livro|"
    r"libro|livre|buch|act|a[ct]+o|atto|acte|akt|scene|cena|escena|sc[eè]n[ae]|szene|episod(?:e|io)|"
    r"épisode|episódio|"
    r"folge|season|temporada|stagione|saison|staffel|century|s[eé]culo|siglo|secolo|siècle|jahrhundert|"
    r"class[ei]?|"
    r"clase|klasse|typ[eo]?|tipo|phase|fase|stage|level|n[ií]vel|nivel|livello|niveau|stufe|grad[oeu]?|"
    r"grau|group[e]?|"
    r"grup[p]?[oe]|gruppe|title|t[ií]tulo|titolo|titre|article|art[ií]c?u?[gl]+[oi]|artigo|artikel|"
    r"section|se[cç]ão|"
    r"sección|sezione|abschnitt|war|guerra(?: mundial| mondiale)?|guerre(?: mondiale)?|mundial|"
    r"mondiale|weltkrieg|"
    r"mark|bowl|edi[ct]i?[oó]n|edição|edizione|édition|vers(?:ion|ión|ão|ione)|symphon(?:y|ie)|"
    r"sinfon[ií]a|vatican[o]?|"
    r"vatikan|table|tabela|tabla|appendix|ap[eê]n?dice|annex[e]?|anexo|canto|psalm|salmo|liga|league|"
    r"s[ée]ries?|serie|"
    r"concilio|concílio|figure|figura|division|rang|rank|tier|category|categor[ií]a|catégorie|"
    r"kategorie)\.?\s+$",
    re.IGNORECASE,
)
"""A noun that a numeral follows."""

_CENTURY = re.compile(r"\b(?:s[eé]culo|siglo|secolo|sec\.)\s+$", re.IGNORECASE)
_CENTURY_AFTER = re.compile(
    r"\.?\s+(?:secolo|sec\.|siècle|jahrhundert|century|república|repubblica|république)\b", re.IGNORECASE
)
_SIZE = re.compile(
    r"\b(?:sizes?|tamanhos?|tallas?|tailles?|taglie?|größen?|camisetas?|t-shirts?)[^\w]*$", re.IGNORECASE
)

_TITLE = re.compile(
    r"\b(?:king|queen|pope|emperor|empress|tsar|czar|prince|rei|rainha|dom|dona|papa|imperador|"
    r"imperatriz|rey|reina|don|"
    r"emperador|re|regina|imperatore|roi|reine|pape|empereur|könig|königin|papst|kaiser|kaiserin|zar)\s+"
    r"(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
_QUEENS = word_set(
    "isabel isabella isabelle elizabeth elisabeth elisabetta élisabeth catarina catalina caterina "
    "catherine katharina katherine maria maría marie mary juana joana giovanna jeanne cristina "
    "christina christine ana anna anne margarida margarita margherita margrethe marguerite margarethe "
    "beatriz beatrice vitória victoria leonor cleopatra cleópatra cléopâtre kleopatra"
)
_KINGS = word_set(
    "louis luís luis luigi ludwig henry henri henrique enrique enrico heinrich george georg jorge "
    "giorgio georges charles carlos carlo karl carl richard ricardo riccardo edward eduardo édouard "
    "edoardo eduard james jaime jacques giacomo jakob william guilherme guillermo guglielmo guillaume "
    "wilhelm pedro peter pietro pierre paul paulo pablo paolo john joão juan giovanni jean johann "
    "johannes benedict bento benedicto benedetto benoît benedikt pius pio pie francis francisco "
    "francesco françois franz napoleon napoleão napoleón napoleone napoléon philip filipe felipe "
    "filippo philippe philipp ferdinand fernando ferdinando friedrich frederick frederico federico "
    "frédéric alexander alexandre alejandro alessandro alfonso afonso alphonse nicholas nicolau "
    "nicolás nicola nicolas nikolaus ivan iván iwan ramses ramsés ramesses ptolemy ptolomeu leo leão "
    "león leone léon gregory gregório gregorio grégoire gregor clement clemente urban urbano innocent "
    "inocêncio inocencio innocenzo gustav gustavo otto otão rudolf rodolfo christian haakon harald "
    "olaf manuel miguel sancho vittorio emanuele umberto joseph josé giuseppe josef maximilian "
    "maximiliano leopold leopoldo darius dario darío xerxes artaxerxes theodosius constantine "
    "constantino mehmed murad stephen esteban stefan sixtus sisto sixto julius júlio julio giulio "
    "jules boniface bonifácio bonifacio celestino adrian adriano"
)

_WORDS: Mapping[str, frozenset[str]] = {
    "pt": frozenset({"VI"}),
    "es": frozenset({"VI"}),
    "it": frozenset({"VI"}),
}
"""Numerals that are also words of the language, so that a name must stand before them."""

_DRIP = "IV"
"""Also short for an infusion, so that a capital must stand before it."""

_ARTICLES = word_set("o a el la il la lo un una uma do da del della no na nel nella ao à al alla")

_LONG_NUMERAL = 4
"""Letters from which a numeral with L, C, D or M cannot be anything else."""


def value_of(numeral_: str) -> int:
    """Return the value of a Roman numeral.

    >>> value_of("XIV"), value_of("MCMXCIX")
    (14, 1999)
    """
    values = [_VALUES[letter] for letter in numeral_]
    following = [*values[1:], 0]
    return sum(-v if v < n else v for v, n in zip(values, following, strict=True))


def roman_in_words(text: str, lexicon: Lexicon) -> str:
    """Return `text` with the Roman numerals as numbers: cardinal, or ordinal after the name of a ruler."""
    if lexicon.base == "fr":
        text = _FRENCH_ORDINAL.sub(lambda match: _french(match, lexicon), text)
    if lexicon.base == "de":
        text = re.sub(r"\b([IVX]{1,6})\.(?=\s[a-zäöü])", r"\1", text)
    return _ROMAN.sub(lambda match: _said(match, lexicon), text)


def _french(match: re.Match[str], lexicon: Lexicon) -> str:
    value = value_of(match[1])
    if match[2] == "re" and value != 1:
        return match[0]
    return ordinal(value, lexicon, feminine=match[2] in ("re", "ère"))


@dataclass(frozen=True, slots=True)
class _Place:
    """A numeral among its neighbours."""

    before: str
    numeral: str
    after: str

    @property
    def previous(self) -> str:
        """The word right before it, or an empty text."""
        found = re.search(r"([^\W\d_]+)\s+$", self.before)
        return found[1] if found else ""

    @property
    def following(self) -> str:
        """The word right after it, or an empty text."""
        found = re.match(r"\s+([^\W\d_]+)", self.after)
        return found[1] if found else ""

    @property
    def ruler(self) -> bool:
        """Whether the name of a king, a queen or a pope stands before it."""
        name = self.previous.lower()
        return self.previous[:1].isupper() and (
            name in _KINGS or name in _QUEENS or _TITLE.search(self.before) is not None
        )

    @property
    def shouted(self) -> bool:
        """Whether a word beside it is in capitals too, and no numeral."""
        return any(
            len(word) > 1 and word.isupper() and not _ROMAN.fullmatch(word)
            for word in (self.previous, self.following)
        )


def _is_numeral(place: _Place, lexicon: Lexicon) -> bool:
    """Say whether a word of Roman letters is a number."""
    numeral_, single = place.numeral, len(place.numeral) == 1
    if _NUMBERED.search(place.before):
        return not (single and lexicon.base == "en" and numeral_ == "I" and place.following[:1].islower())
    if _CENTURY_AFTER.match(place.after):
        return True
    heavy = any(letter in "LCDM" for letter in numeral_)
    if single or heavy:
        if place.ruler and numeral_ in "IVX":
            named = lexicon.base != "en" or _TITLE.search(place.before) or not place.following
            return numeral_ != "I" or bool(named)
        return len(numeral_) >= _LONG_NUMERAL and heavy
    if place.ruler:
        return True
    if place.shouted or _SIZE.search(place.before):
        return False
    if _numbers_event(place, lexicon):
        return True
    if numeral_ in _WORDS.get(lexicon.base, frozenset()):
        names = re.findall(r"[^\W\d_]+", place.before)
        return len(names) > 1 and len(place.previous) > 2 and place.previous[0].isupper()
    if numeral_ == _DRIP:
        return len(place.previous) > 2 and place.previous[0].isupper()
    return True


def _numbers_event(place: _Place, lexicon: Lexicon) -> bool:
    """Say whether a numeral counts the event after it: `II Guerra Mundial`, `el VI Congreso`."""
    if lexicon.base not in ("pt", "es", "it") or _NUMBERED.search(place.before):
        return False
    named = place.following[:1].isupper() and not place.following.isupper()
    return (named or place.following.lower() in ("guerra", "edizione", "edición", "edição")) and (
        not place.previous or place.previous.lower() in _ARTICLES
    )


def _said(match: re.Match[str], lexicon: Lexicon) -> str:
    place = _Place(match.string[: match.start()], match[0], match.string[match.end() :])
    if not _is_numeral(place, lexicon):
        return match[0]
    value = value_of(match[0])
    if lexicon.base == "it" and (_CENTURY.search(place.before) or _CENTURY_AFTER.match(place.after)):
        return ordinal(value, lexicon, feminine="epubblica" in place.after[:14])
    if _numbers_event(place, lexicon):
        spoken = ordinal(value, lexicon, feminine=gender(place.following, lexicon.base) == "f")
        return re.sub(r"(prim|terc)ero$", r"\1er", spoken) if lexicon.base == "es" else spoken
    if lexicon.base == "en" and _CENTURY_AFTER.match(place.after):
        return ordinal(value, lexicon)
    if lexicon.base in ("pt", "es") and _CENTURY.search(place.before) and value <= 10:
        return ordinal(value, lexicon)
    if lexicon.base == "de" and (place.after.startswith(". Jahrhundert") or place.after.startswith(". J")):
        return str(value)  # a German ordinal, which is read with the others
    if place.ruler and not _NUMBERED.search(place.before):
        return _ruler(value, place, lexicon)
    return words(Decimal(value), lexicon)


def _ruler(value: int, place: _Place, lexicon: Lexicon) -> str:
    """Say the number of a king, a queen or a pope as the language does."""
    queen = place.previous.lower() in _QUEENS
    if lexicon.base == "en":
        return f"the {numeral(value, lexicon, 'ordinal')}"
    if lexicon.base == "de":
        return f"{'die' if queen else 'der'} {numeral(value, lexicon, 'ordinal').capitalize()}"
    if lexicon.base == "it":
        return ordinal(value, lexicon, queen)
    if lexicon.base == "fr":
        return ordinal(1, lexicon, queen) if value == 1 else words(Decimal(value), lexicon)
    return ordinal(value, lexicon, queen) if value <= 10 else words(Decimal(value), lexicon)
