"""Read `series.toml`: every mistake is named with its line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from dubkit.errors import DubkitError, SettingError
from dubkit.formats.toml_lines import Path as Key
from dubkit.formats.toml_lines import field_lines, line_of
from dubkit.series.words import AddressEntry, SeriesWords, TermEntry
from dubkit.translate.language import base, language_name, normalise

Value = TypeVar("Value")

LARGEST = 4 << 20
"""Bytes of a series.toml."""

ADDRESS_FORMS = {
    "ca": ("tu", "vostè", "vós"), "cs": ("ty", "vy"), "de": ("du", "Sie", "ihr"), "el": ("εσύ", "εσείς"),
    "es": ("tú", "usted", "vos"), "fi": ("sinä", "te"), "fr": ("tu", "vous"), "hu": ("te", "Ön", "maga"),
    "it": ("tu", "Lei", "voi"), "nl": ("je", "jij", "u"), "pl": ("ty", "Pan", "Pani"),
    "pt": ("tu", "você", "o senhor", "a senhora"), "ro": ("tu", "dumneavoastră"), "ru": ("ты", "вы"),
    "sv": ("du", "ni"), "tr": ("sen", "siz"), "uk": ("ти", "ви"),
}  # fmt: skip
"""Language -> its forms of address. Another language takes any word."""


class SeriesUnfit(DubkitError):
    """A series.toml cannot be used as it is; the message names file, line and key."""


def read_words(file: Path) -> SeriesWords:
    """Read and check a series.toml. Raises SeriesUnfit, with all mistakes of the file."""
    try:
        if file.stat().st_size > LARGEST:
            raise SeriesUnfit(f"{file} is larger than 4 MiB, so it is no series.toml.\nName another file.")
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SeriesUnfit(f"{file} is not UTF-8 ({error}).\nSave it as UTF-8.") from None
    except OSError as error:
        raise SeriesUnfit(f"{file} cannot be read: {error.strerror}.\nCheck the file.") from error
    return parse_words(text, str(file))


def parse_words(text: str, name: str) -> SeriesWords:
    """Read a series.toml from its text; `name` stands in messages."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SeriesUnfit(f"{name}: not valid TOML: {error}.\nMend it there.") from None
    lines = field_lines(text)
    try:
        words = msgspec.convert(values, SeriesWords)
    except msgspec.ValidationError as error:
        raise SeriesUnfit(_told(name, lines, [_misfit(str(error))])) from None
    mistakes = list(_mistakes(words))
    if mistakes:
        raise SeriesUnfit(_told(name, lines, mistakes))
    return _with_tags(words)


def _told(name: str, lines: dict[Key, int], mistakes: Sequence[tuple[Key, str]]) -> str:
    rows = sorted((line_of(key, lines), _named(key), said) for key, said in mistakes)
    return "\n".join(f"{name}, line {line}{key}: {said}." for line, key, said in rows)


def _named(key: Key) -> str:
    """Return a key in words: `, terms[1].approved.fr`, counted from 1."""
    shown = ""
    for part in key:
        shown += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if shown else part
    return f", {shown}" if shown else ""


def _misfit(said: str) -> tuple[Key, str]:
    """Return key and sentence of an error of the data library."""
    plain, _, place = said.partition(" - at `$")
    key: Key = tuple(
        int(part[1:-1]) if part.startswith("[") else part
        for part in re.findall(r"\[\d+\]|[^.\[\]`]+", place)
        if part != "[...]"
    )
    if (named := re.search(r"(unknown|missing required) field `([^`]+)`", plain)) is not None:
        cure = "there is no such key; dubkit series init writes a file with all of them"
        return (*key, named[2]), cure if named[1] == "unknown" else "it is missing"
    plain = plain.replace("`array`", "a list").replace("`object`", "a table").replace("`str`", "a text")
    return key, plain[:1].lower() + plain[1:]


# --- what does not fit together -------------------------------------------------------------------


def _mistakes(words: SeriesWords) -> Iterator[tuple[Key, str]]:
    for at, entry in enumerate(words.terms):
        yield from _term_mistakes(entry, ("terms", at))
    for at, one in enumerate(words.address):
        yield from _address_mistakes(one, ("address", at))
    for at, note in enumerate(words.style):
        if not note.note.strip():
            yield ("style", at, "note"), "it is empty; write what translators should heed"
        yield from _language_mistakes(note.languages, ("style", at, "languages"))
    for at, said in enumerate(words.pronunciations):
        key: Key = ("pronunciations", at)
        for field in ("word", "say"):
            if not any(map(str.isalnum, getattr(said, field))):
                yield (*key, field), "it has no letters; write the word and how it is said"
        yield from _language_mistakes(said.languages, (*key, "languages"))
    for title, names in words.titles.items():
        yield from _language_mistakes(names, ("titles", title))
    yield from _doubled(words)


def _term_mistakes(entry: TermEntry, key: Key) -> Iterator[tuple[Key, str]]:
    if not any(map(str.isalnum, entry.source)):
        yield (*key, "source"), "it has no letters; write the word as the source says it"
    if not entry.approved and not entry.forbidden:
        yield key, f"“{entry.source}” has no forms; add approved or forbidden forms of a language"
    for field, table in (("approved", entry.approved), ("forbidden", entry.forbidden)):
        yield from _language_mistakes(table, (*key, field))
        for tag, forms in table.items():
            if not forms or not all(any(map(str.isalnum, form)) for form in forms):
                yield (*key, field, tag), "it has an empty form; write at least one word, or leave it out"
    for tag in entry.approved:
        both = {f.casefold() for f in entry.approved[tag]} & {
            f.casefold() for f in entry.forbidden.get(tag, ())
        }
        for form in sorted(both):
            yield (*key, "forbidden", tag), f"“{form}” is approved and forbidden; remove it from one of them"


def _address_mistakes(entry: AddressEntry, key: Key) -> Iterator[tuple[Key, str]]:
    if entry.speaker.casefold() == entry.listener.casefold():
        yield (*key, "to"), f"{entry.speaker} cannot address themselves; name another person"
    if not entry.use:
        yield (*key, "use"), 'it names no language; write use.fr = "tu"'
    yield from _language_mistakes(entry.use, (*key, "use"))
    for tag, form in entry.use.items():
        known = ADDRESS_FORMS.get(base(tag))
        if (known is not None and form not in known) or not form.strip():
            forms = ", ".join(known or ())
            cure = f"{language_name(tag)} has {forms}; use one of them" if known else "write a word"
            yield (*key, "use", tag), f"“{form}” is no form of address; {cure}"


def _language_mistakes(tags: Iterable[str], key: Key) -> Iterator[tuple[Key, str]]:
    for tag in tags:
        try:
            normalise(tag)
        except SettingError:
            yield (*key, tag), f"{tag!r} is no language; write a tag such as fr or pt-BR"


def _doubled(words: SeriesWords) -> Iterator[tuple[Key, str]]:
    """Yield entries that say the opposite of an earlier one about the very same thing, everywhere."""
    heard: dict[tuple[object, ...], str] = {}
    for at, entry in enumerate(words.pronunciations):
        what = (entry.word.casefold(), entry.languages, entry.engines, entry.episodes, entry.characters)
        if heard.setdefault(what, entry.say) != entry.say:
            said = f"“{entry.word}” is said “{heard[what]}” in an entry above with the same scope; keep one"
            yield ("pronunciations", at, "say"), said


def _with_tags(words: SeriesWords) -> SeriesWords:
    """Return the words with every language under its standard tag."""

    change = msgspec.structs.replace
    return change(
        words,
        titles={title: _tagged(names) for title, names in words.titles.items()},
        terms=tuple(
            change(one, approved=_tagged(one.approved), forbidden=_tagged(one.forbidden))
            for one in words.terms
        ),
        address=tuple(change(one, use=_tagged(one.use)) for one in words.address),
        style=tuple(change(one, languages=tuple(map(normalise, one.languages))) for one in words.style),
        pronunciations=tuple(
            change(one, languages=tuple(map(normalise, one.languages))) for one in words.pronunciations
        ),
    )


def _tagged(table: Mapping[str, Value]) -> dict[str, Value]:
    return {normalise(tag): value for tag, value in table.items()}
