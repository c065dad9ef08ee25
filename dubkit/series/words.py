"""The words of a series: what `series.toml` says, and what of it counts for an episode in one language."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TypeVar

import msgspec

from dubkit.translate.language import base
from dubkit.translate.wording.terms import Term, TermIndex

Forms = Mapping[str, tuple[str, ...]]
"""Language tag -> forms."""


class Scoped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every entry may say about where it counts."""

    episodes: tuple[str, ...] = ()
    """Globs of file names without their endings, such as `s01e*`; none for all."""
    characters: tuple[str, ...] = ()
    """Names or ids of speakers; none for all."""


class TermEntry(Scoped, frozen=True, kw_only=True):
    """A term: `[[terms]]`."""

    source: str
    approved: Forms = {}
    forbidden: Forms = {}
    note: str = ""


class AddressEntry(Scoped, frozen=True, kw_only=True, rename={"speaker": "from", "listener": "to"}):
    """How one person addresses another: `[[address]]`."""

    speaker: str
    listener: str
    use: Mapping[str, str]
    """Language tag -> form of address: `du`, `vous`, `você`."""
    both: bool = False
    """Whether the listener answers with the same form."""


class StyleEntry(Scoped, frozen=True, kw_only=True):
    """A note on style: `[[style]]`."""

    note: str
    languages: tuple[str, ...] = ()


class Pronunciation(Scoped, frozen=True, kw_only=True):
    """How a word is said: `[[pronunciations]]`."""

    word: str
    say: str
    languages: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    """Voice engines that it is for; none for all."""


class SeriesWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `series.toml` says."""

    title: str = ""
    titles: Mapping[str, Mapping[str, str]] = {}
    """Running title of the source -> language tag -> what it is called there."""
    terms: tuple[TermEntry, ...] = ()
    address: tuple[AddressEntry, ...] = ()
    style: tuple[StyleEntry, ...] = ()
    pronunciations: tuple[Pronunciation, ...] = ()


NO_WORDS = SeriesWords()

Entry = TypeVar("Entry", bound=Scoped)
Value = TypeVar("Value")


def in_language(table: Mapping[str, Value], language: str) -> Value | None:
    """Return what a table says for a language: under its tag, else under the language without a region."""
    return table.get(language, table.get(base(language)))


@dataclass(frozen=True, slots=True)
class Person:
    """A speaker of an episode, by the names that entries may use."""

    id: str
    names: frozenset[str] = frozenset()
    """In lower case, the id among them."""

    def is_one_of(self, characters: Collection[str]) -> bool:
        """Tell whether one of some names, or none at all, means this person."""
        return not characters or any(name.casefold() in self.names for name in characters)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two entries for one thing that both count for somebody: the first one is taken."""

    what: str
    first: str
    second: str

    @property
    def sentence(self) -> str:
        """What people are told."""
        return f"Two entries for {self.what} both count here: {self.first} is taken, {self.second} is not."


@dataclass(frozen=True)  # without slots, so that what is worked out once is kept
class EpisodeWords:
    """What of a series counts for one episode in one language."""

    words: SeriesWords
    episode: str
    """Name of its folder, which is that of the source's file without its ending."""
    language: str

    @cached_property
    def _indices(self) -> dict[tuple[frozenset[str], str], TermIndex]:
        return {}

    def terms_in(self, text: str, person: Person, language: str) -> tuple[Term, ...]:
        """Return the terms that stand in what a person says in the language of the source."""
        key = (person.names, language)
        if key not in self._indices:
            self._indices[key] = TermIndex(self.terms(person), language)
        return self._indices[key].find(text)

    def terms(self, person: Person | None = None) -> tuple[Term, ...]:
        """Return the terms and running titles for what a person says; of two for one word, the first.

        Without a person, those for everybody.
        """
        found: dict[str, Term] = {}
        for entry in self._scoped(self.words.terms, person):
            if (term := self._term(entry)) is not None:
                found.setdefault(term.source.casefold(), term)
        for title, names in self.words.titles.items():
            if name := in_language(names, self.language):
                found.setdefault(title.casefold(), Term(title, (name,), exact=True))
        return tuple(found.values())

    def address(self, person: Person, listener: Person) -> str:
        """Return the form of address of a person to another one; empty where the series has none."""
        return next((form for form, _ in self._addresses(person, listener)), "")

    def style(self, person: Person) -> tuple[str, ...]:
        """Return the notes on style for what a person says."""
        return tuple(entry.note for entry in self._scoped(self.words.style, person) if self._speaks(entry))

    def pronunciations(self, person: Person, engine: str) -> tuple[Pronunciation, ...]:
        """Return how an engine says words for a person; of two for one word, the first."""
        found: dict[str, Pronunciation] = {}
        for entry in self._scoped(self.words.pronunciations, person):
            if self._speaks(entry) and (not entry.engines or engine in entry.engines):
                found.setdefault(entry.word.casefold(), entry)
        return tuple(found.values())

    def conflicts(self, people: Sequence[Person]) -> list[Conflict]:
        """Return the entries that contradict each other for somebody, each pair once."""
        found: list[Conflict] = []
        for person in (None, *people):
            found += self._term_conflicts(person)
        for person in people:
            for listener in people:
                found += self._address_conflicts(person, listener)
        return list(dict.fromkeys(found))

    # --- what counts --------------------------------------------------------------------------

    def _scoped(self, entries: Sequence[Entry], person: Person | None) -> Iterator[Entry]:
        """Yield the entries for this episode and a person, in the order of the file."""
        name = self.episode.casefold()
        for entry in entries:
            here = not entry.episodes or any(fnmatchcase(name, glob.casefold()) for glob in entry.episodes)
            about = person.is_one_of(entry.characters) if person else not entry.characters
            if here and about:
                yield entry

    def _speaks(self, entry: StyleEntry | Pronunciation) -> bool:
        return not entry.languages or bool({self.language, base(self.language)} & set(entry.languages))

    def _term(self, entry: TermEntry) -> Term | None:
        approved = in_language(entry.approved, self.language) or ()
        forbidden = in_language(entry.forbidden, self.language) or ()
        if not approved and not forbidden:
            return None
        return Term(entry.source, tuple(approved), tuple(forbidden), entry.note)

    def _addresses(self, person: Person, listener: Person) -> Iterator[tuple[str, AddressEntry]]:
        for entry in self._scoped(self.words.address, person):
            pairs = [(entry.speaker, entry.listener)]
            pairs += [(entry.listener, entry.speaker)] if entry.both else []
            form = in_language(entry.use, self.language)
            if form and any(person.is_one_of([a]) and listener.is_one_of([b]) for a, b in pairs):
                yield form, entry

    # --- what contradicts ---------------------------------------------------------------------

    def _term_conflicts(self, person: Person | None) -> Iterator[Conflict]:
        first: dict[str, Term] = {}
        for entry in self._scoped(self.words.terms, person):
            term = self._term(entry)
            if term is None:
                continue
            other = first.setdefault(term.source.casefold(), term)
            if (other.approved, other.forbidden) != (term.approved, term.forbidden):
                yield Conflict(f"the term “{term.source}”", _shown(other), _shown(term))

    def _address_conflicts(self, person: Person, listener: Person) -> Iterator[Conflict]:
        forms = [form for form, _ in self._addresses(person, listener)]
        for other in forms[1:]:
            if other != forms[0]:
                what = f"how {person.id} addresses {listener.id}"
                yield Conflict(what, f"“{forms[0]}”", f"“{other}”")


def _shown(term: Term) -> str:
    approved = ", ".join(f"“{form}”" for form in term.approved)
    never = ", ".join(f"“{form}”" for form in term.forbidden)
    return " and ".join(part for part in (approved, f"never {never}" if never else "") if part)
