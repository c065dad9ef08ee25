"""The form of what a language says for digits and signs; each file of `forms` holds the words of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unit:
    """A countable word: the word for one before it ("um", "uma"), its singular and its plural."""

    one: str
    singular: str
    plural: str


@dataclass(frozen=True, slots=True)
class Money:
    """A currency; the small unit is None where it has none."""

    whole: Unit
    cent: Unit | None


@dataclass(frozen=True, slots=True)
class Fractions:
    """How a language says a half, a third and a quarter."""

    parts: Mapping[str, str]
    """`1/3` -> its words."""
    half: Unit
    """As `one` before a feminine noun, as `singular` before a masculine one, as `plural` alone."""
    with_whole: str
    """A whole number and a half: `{whole}` and `{half}` are filled in."""
    article: str = ""
    """Between a half and its noun: "half a cup"."""
    of: str = ""
    """Between another part and its noun; empty takes that of the lexicon."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What one language says for digits, signs and short forms."""

    base: str
    """Language without its region."""
    numbers: str
    """Language of num2words."""
    decimal: str
    """Decimal mark; the other of `.` and `,` groups thousands."""
    points: Mapping[str, str]
    """Word for each mark that may stand before decimals."""
    and_: str
    at: str
    plus: str
    equals: str
    minus: str
    times: str
    to: str
    """Between the ends of a range."""
    ratio: str
    """Between the numbers of a score or a ratio."""
    percent: Unit
    dot: str
    slash: str
    hashtag: str
    number: str
    """Said for `#` or `nº` before digits."""
    numbered: str
    """Pattern of what is written for `number` before digits."""
    of: str
    """Between million and its unit; empty where nothing is said."""
    hour: Unit
    hour_pattern: str
    """Full hour and hour with minutes, split by `|`: `{h}`, `{unit}` and `{m}` are filled in."""
    money: Mapping[str, Money]
    units: Mapping[str, Unit]
    sizes: Mapping[str, tuple[str, str]]
    """Letters for a million and up after an amount -> singular and plural."""
    short: Mapping[str, str]
    """Abbreviations in lower case, without their final stop; a space follows each inner one."""
    scales: tuple[str, ...]
    """Words for thousand and up that may stand between an amount and its currency."""
    fractions: Fractions
    signs: Mapping[str, str]
    """Other signs -> what is said for each."""
    feminine: Mapping[str, str] = field(default_factory=dict)
    """Number words that change before a feminine noun."""
    masculine: Mapping[str, str] = field(default_factory=dict)
    """Last words of a number that change before a masculine noun."""
    bare: Mapping[str, str] = field(default_factory=dict)
    """Abbreviations that are written without a stop, as they are written."""
    clock_cue: str = ""
    """Pattern of words before a time that is written with a point, as `alle 8.30`."""
    ordinal: str = r"(?!)()()"
    """Pattern of a written ordinal: group 1 the digits, group 2 (if any) the mark of the feminine."""
    letters: frozenset[str] = frozenset()
    """Words in capitals that are said letter by letter."""
    years: bool = False
    """True where four digits are read in a way of their own."""
    two_digit_decimals: bool = False
    """True where two decimals are said as one number: "trois virgule quatorze"."""


def unit(text: str) -> Unit:
    """Read `one/singular/plural`."""
    return Unit(*text.split("/"))


def units(table: Mapping[str, str]) -> Mapping[str, Unit]:
    """Read a table of signs and their units; signs that share one are parted by a blank."""
    return {sign: unit(text) for signs, text in table.items() for sign in signs.split()}


def money(table: Mapping[str, str]) -> Mapping[str, Money]:
    """Read a table of signs and their currencies: the whole unit, ` ; `, the small unit."""
    found = {}
    for sign, text in table.items():
        whole, _, cent = text.partition(" ; ")
        found[sign] = Money(unit(whole), unit(cent) if cent else None)
    return found


def sizes(table: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    """Read a table of letters, parted by blanks, and `singular/plural`."""
    found = {}
    for letters, text in table.items():
        singular, _, plural = text.partition("/")
        found.update({letter: (singular, plural) for letter in letters.split()})
    return found


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text, parted by blanks."""
    return frozenset(words.split())
