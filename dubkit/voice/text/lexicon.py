"""The form of what a language says for digits and signs; `spoken_forms.py` holds the words."""

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
class Lexicon:
    """What one language says for digits, signs and short forms."""

    numbers: str
    """Language of num2words."""
    decimal: str
    """Decimal mark; the other of `.` and `,` groups thousands."""
    and_: str
    at: str
    plus: str
    equals: str
    minus: str
    to: str
    """Between the ends of a range."""
    percent: str
    dot: str
    slash: str
    number: str
    """Said for `#` or `nº` before digits."""
    of: str
    """Between million and its unit; empty where nothing is said."""
    hour: Unit
    hour_pattern: str
    """Full hour and hour with minutes, split by `|`: `{h}`, `{unit}` and `{m}` are filled in."""
    feminine: Mapping[str, str]
    """Number words that change before a feminine unit."""
    money: Mapping[str, Money]
    units: Mapping[str, Unit]
    short: Mapping[str, str]
    """Abbreviations in lower case, without their final stop; a space follows each inner one."""
    scales: tuple[str, ...]
    """Words for thousand and up that may stand between an amount and its currency."""
    ordinal: str = ""
    """Pattern of a written ordinal: group 1 the digits, group 2 (if any) the mark of the feminine."""
    masculine: Mapping[str, str] = field(default_factory=dict)
    """Last words of a number that change before a masculine unit."""
    masculine_nouns: frozenset[str] = frozenset()
    """Singulars that end in -a and are masculine all the same."""
    years: bool = False
    """True where four digits are read in a way of their own."""


def unit(text: str) -> Unit:
    """Read `one/singular/plural`."""
    return Unit(*text.split("/"))


def units(table: Mapping[str, str]) -> Mapping[str, Unit]:
    """Read a table of signs and their units."""
    return {sign: unit(text) for sign, text in table.items()}


def money(table: Mapping[str, str]) -> Mapping[str, Money]:
    """Read a table of signs and their currencies: the whole unit, ` ; `, the small unit."""
    found = {}
    for sign, text in table.items():
        whole, _, cent = text.partition(" ; ")
        found[sign] = Money(unit(whole), unit(cent) if cent else None)
    return found
