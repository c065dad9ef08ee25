"""Remarks as people read them: the place in words, those that say the same together, the heaviest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dubkit.types.remarks import Remark, Weight, remark

FAILED = "failed"
"""Code of an item that could not be made; such remarks stand first."""

FOR_NOW = "failed-for-now"
"""Code of an item that could not be made for a reason that may pass; such remarks stand first, too."""

_FAILURES = (FAILED, FOR_NOW)

ALIKE = 3
"""Remarks of one code that are told one by one where there is little room; the rest is counted."""

_ORDER: tuple[Weight, ...] = ("doubtful", "degraded", "note")
_LABELS: Mapping[Weight, str] = {"doubtful": "Doubtful", "degraded": "Degraded", "note": "Note"}


@dataclass(frozen=True, slots=True)
class Noticed:
    """A remark with the stage that made it, and where it belongs in the episode."""

    code: str
    weight: Weight
    sentence: str
    place: str
    """The item or place as the remark names it: `s0003`."""
    where: str
    """The place in words: `line 3`; empty where it is the episode as a whole."""
    meaning: str
    """What it means for the delivery; empty where another package does not say it."""
    stage: str = ""
    language: str = ""
    """Empty where it is about all languages."""

    @classmethod
    def of(cls, said: Remark, names: Mapping[str, str], stage: str = "", language: str = "") -> Noticed:
        """Put a remark in its place; `names` holds the words for items (`s0003` -> `line 3`)."""
        where = names.get(said.place, said.place)
        sentence = in_words(said.sentence, names)
        return cls(said.code, said.weight, sentence, said.place, where, said.meaning, stage, language)


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence for people."""

    code: str
    weight: Weight
    text: str

    @property
    def label(self) -> str:
        """The word before it on a terminal."""
        return "Failed" if self.code in _FAILURES else _LABELS[self.weight]


_FILE = re.compile(r"[^,:]*\.\w{1,5}(?:$|,)")
"""A place that begins with the name of a file, which is told as it is spelled."""

_ITEM = re.compile(r"(?:\b(?:line|clip) )?(?<![\w/])([a-z]\d{4,})\b(?!/)", re.IGNORECASE)
"""An item; in a path, such as that of a take, it stays as it is."""


def in_words(sentence: str, names: Mapping[str, str]) -> str:
    """Return a sentence with the items in it as people name them: `s0003 was cut` -> `Line 3 was cut`."""
    text = _ITEM.sub(lambda found: names.get(found[1], found[0]), sentence)
    return text[:1].upper() + text[1:] if _ITEM.match(sentence) else text


def failure(item: str, title: str, error: str, *, for_now: bool = False) -> Remark:
    """Make the remark of an item that failed: what was being done, and the first line of the error.

    `for_now` tells that the same run may make it later.
    """
    doing, why = title[:1].upper() + title[1:], error.splitlines()[0]
    sentence = (
        why.replace(item, doing, 1) if why.startswith(f"{item} failed with") else f"{doing} failed: {why}"
    )
    return remark(FOR_NOW if for_now else FAILED, sentence, item)


def in_order(noticed: Iterable[Noticed]) -> list[Noticed]:
    """Return remarks, each once: failures first, then by weight."""
    return sorted(dict.fromkeys(noticed), key=lambda n: (n.code not in _FAILURES, _ORDER.index(n.weight)))


def told(noticed: Iterable[Noticed], *, most: int = 0, more: str = "") -> list[Told]:
    """Return sentences for people, those that differ by their place alone as one.

    With `most`, at most so many of a code are told and the rest is counted; `more` says where they all are.
    """
    groups: dict[tuple[str, str, str], list[Noticed]] = {}
    for one in in_order(noticed):
        groups.setdefault((one.code, one.sentence, one.language), []).append(one)
    several = len({one.language for group in groups.values() for one in group if one.language}) > 1
    by_code: dict[str, list[Told]] = {}
    for (code, sentence, language), group in groups.items():
        place = _joined([one.where for one in group if one.where])
        place = ", ".join(part for part in (language if several else "", place) if part)
        text = f"{_capital(place, keep=several)}: {sentence}" if place else sentence
        by_code.setdefault(code, []).append(Told(code, group[0].weight, text))
    return [sentence for alike in by_code.values() for sentence in _folded(alike, most, more)]


def sentences(noticed: Iterable[Noticed], *, most: int = 0, more: str = "") -> list[str]:
    """Return what is degraded or doubtful, as `told` tells it."""
    heavy = [one for one in noticed if one.weight != "note"]
    return [one.text for one in told(heavy, most=most, more=more)]


def _folded(alike: Sequence[Told], most: int, more: str) -> Sequence[Told]:
    if not most or len(alike) <= most + 1:
        return alike
    rest = f"and {len(alike) - most} more like it{f'; {more}' if more else ''}"
    return [*alike[:most], Told(alike[0].code, alike[0].weight, rest)]


def _capital(text: str, *, keep: bool) -> str:
    keep = keep or _FILE.match(text) is not None
    return text if keep else text[:1].upper() + text[1:]


def _joined(places: Sequence[str]) -> str:
    """Join places: `lines 1, 3 to 5 and 9`, `clip 2`, `a.srt, line 12; b.srt`."""
    numbers: dict[str, list[int]] = {}
    others: list[str] = []
    for place in dict.fromkeys(places):
        kind, _, number = place.rpartition(" ")
        if kind in ("line", "clip") and number.isdecimal():
            numbers.setdefault(kind, []).append(int(number))
        else:
            others.append(f"at {place}" if place[:1].isdigit() else place)
    parts = [f"{kind}{'s' if len(found) > 1 else ''} {_ranges(found)}" for kind, found in numbers.items()]
    return "; ".join((*parts, *others))


def _ranges(numbers: Sequence[int]) -> str:
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    texts: list[str] = []
    for first, last in spans:
        texts += [f"{first} to {last}"] if last > first + 1 else [str(n) for n in range(first, last + 1)]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
