"""What a series says, in words for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import msgspec

from dubkit.series.words import AddressEntry, Scoped, SeriesWords, TermEntry
from dubkit.translate.language import base


def values(words: SeriesWords) -> dict[str, Any]:
    """Return everything that a series says as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(words)
    return plain


def told(words: SeriesWords, language: str = "") -> Iterator[str]:
    """Yield a line for each entry; with a language, only for those that count in it."""
    if words.title:
        yield f"title: {words.title}"
    for title, names in words.titles.items():
        if shown := _by_language(names, language):
            yield f"running title: {title} → {shown}"
    for term in words.terms:
        approved = _by_language({tag: ", ".join(forms) for tag, forms in term.approved.items()}, language)
        forbidden = _by_language({tag: ", ".join(forms) for tag, forms in term.forbidden.items()}, language)
        if approved or forbidden:
            never = f"{'; ' if approved else ''}never {forbidden}" if forbidden else ""
            yield f"term: {term.source} → {approved}{never}{_scope(term)}"
    for one in words.address:
        if shown := _by_language(one.use, language):
            way = "↔" if one.both else "→"
            yield f"address: {one.speaker} {way} {one.listener}: {shown}{_scope(one)}"
    for note in words.style:
        if _counts(note.languages, language):
            yield f"style: {note.note}{_scope(note)}"
    for said in words.pronunciations:
        if _counts(said.languages, language):
            engines = f" ({', '.join(said.engines)})" if said.engines else ""
            yield f"pronunciation: {said.word} → {said.say}{engines}{_scope(said)}"


def _counts(tags: tuple[str, ...], language: str) -> bool:
    return not language or not tags or bool({language, base(language)} & set(tags))


def _by_language(table: Mapping[str, str], language: str) -> str:
    tags = [tag for tag in table if not language or tag in (language, base(language))]
    return "; ".join(f"{tag} {table[tag]}" for tag in tags)


def _scope(entry: Scoped) -> str:
    parts = [f"in {', '.join(entry.episodes)}"] if entry.episodes else []
    parts += [f"said by {', '.join(entry.characters)}"] if entry.characters else []
    return f" [{'; '.join(parts)}]" if parts else ""


def contradictions(words: SeriesWords) -> list[str]:
    """Return sentences on pairs of entries that may count together and say different things.

    Entries with different scopes may still meet in an episode; there, a remark tells it.
    """
    found = [
        f"two entries for the term “{one.source}” say different things; the first one counts."
        for one, other in combinations(words.terms, 2)
        if one.source.casefold() == other.source.casefold() and _meet(one, other) and _differ(one, other)
    ]
    return found + [
        f"two entries for how {one.speaker} addresses {one.listener} differ; the first one counts."
        for one, other in combinations(words.address, 2)
        if (one.speaker.casefold(), one.listener.casefold())
        == (other.speaker.casefold(), other.listener.casefold())
        and _meet(one, other)
        and _addresses_differ(one, other)
    ]


def _meet(one: Scoped, other: Scoped) -> bool:
    """Tell whether two scopes have anything in common, as far as their words tell it."""
    return all(
        not mine or not theirs or {m.casefold() for m in mine} & {t.casefold() for t in theirs}
        for mine, theirs in ((one.episodes, other.episodes), (one.characters, other.characters))
    )


def _differ(one: TermEntry, other: TermEntry) -> bool:
    tags = (one.approved.keys() | one.forbidden.keys()) & (other.approved.keys() | other.forbidden.keys())
    return any(
        (one.approved.get(tag), one.forbidden.get(tag)) != (other.approved.get(tag), other.forbidden.get(tag))
        for tag in tags
    )


def _addresses_differ(one: AddressEntry, other: AddressEntry) -> bool:
    return any(one.use[tag] != other.use[tag] for tag in one.use.keys() & other.use.keys())
