"""A delivery in words, read into numbers for voices that take none: `in a whisper`, `sad, very slowly`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dubkit.types.voices import Delivery

PITCH, ENERGY, PACE = 3.0, 8.0, (0.75, 1.3)
"""The most that a delivery asks for: semitones up or down, dB up or down, slowest and fastest pace."""

_PLANS: tuple[tuple[str, Delivery], ...] = (
    (r"whisper\w*|under (?:his|her|their|your) breath", Delivery(energy=-7.0, pace=0.95)),
    (r"shout\w*|yell\w*|scream\w*|at the top of \w+ (?:voice|lungs)", Delivery(energy=5.0, pitch=2.0)),
    (r"loud\w*", Delivery(energy=3.0)),
    (r"quiet\w*|soft\w*|murmur\w*|mutter\w*|hushed", Delivery(energy=-4.0)),
    (r"slow\w*|drawl\w*|hesitat\w*", Delivery(pace=0.85)),
    (r"fast\w*|quick\w*|hurr\w*|rush\w*", Delivery(pace=1.15)),
    (r"sad\w*|tired\w*|weary|wearily|cry\w*|sobb\w*|mourn\w*", Delivery(pitch=-1.5, pace=0.92, energy=-2.0)),
    (r"excit\w*|enthusiast\w*|thrilled", Delivery(pitch=2.0, pace=1.06, energy=2.0)),
    (r"happ(?:y|ily|ier)|cheerful\w*|joy\w*|warm\w*|smil\w*|laugh\w*", Delivery(pitch=1.0, energy=1.0)),
    (r"angr\w*|furious\w*|mad|annoyed", Delivery(pitch=1.0, pace=1.05, energy=4.0)),
    (r"calm\w*|gentl\w*|tender\w*|relaxed", Delivery(pitch=-0.5, pace=0.95, energy=-1.0)),
    (r"nervous\w*|afraid|scared|anxious\w*|panick\w*|fearful\w*", Delivery(pitch=1.5, pace=1.08)),
    (r"serious\w*|grave\w*|stern\w*", Delivery(pitch=-1.0)),
    (r"(?:deep|low)(?:er|ly)?", Delivery(pitch=-2.0)),
    (r"high(?:er|-pitched)?", Delivery(pitch=2.0)),
)
_LITTLE = re.compile(r"\b(?:a (?:little|bit|touch)|slightly|somewhat)\s+$")
_VERY = re.compile(r"\b(?:very|really|extremely)\s+$")
_NOT = re.compile(r"\b(?:not|no|never|without|less)\s+(?:\w+\s+)?$")


@dataclass(frozen=True, slots=True)
class Wish:
    """A delivery in words, as far as it could be read."""

    delivery: Delivery
    """With the words themselves, for engines that read them."""
    understood: bool
    """Whether any of its words has a meaning in numbers."""


def read_wish(words: str) -> Wish:
    """Return what some English words ask for; `a little` halves it, `very` is half as much again.

    >>> read_wish("in a whisper").delivery.energy, read_wish("very slowly").delivery.pace
    (-7.0, 0.775)
    >>> read_wish("like a pirate").understood
    False
    """
    found = list(_parts(words.lower()))
    return Wish(together(found, words.strip()), bool(found))


def _parts(words: str) -> Iterable[Delivery]:
    for pattern, plan in _PLANS:
        match = re.search(rf"\b(?:{pattern})\b", words)
        if match is None:
            continue
        before = words[: match.start()]
        if _NOT.search(before):
            continue
        share = 0.5 if _LITTLE.search(before) else 1.5 if _VERY.search(before) else 1.0
        yield weighted(plan, share)


def weighted(delivery: Delivery, share: float) -> Delivery:
    """Return a share of a delivery's numbers, without its words."""
    return Delivery("", 1 + share * (delivery.pace - 1), share * delivery.pitch, share * delivery.energy)


def together(parts: Iterable[Delivery], words: str = "") -> Delivery:
    """Return all of some deliveries at once, within the most that is asked for."""
    pace, pitch, energy = 1.0, 0.0, 0.0
    for part in parts:
        pace, pitch, energy = pace * part.pace, pitch + part.pitch, energy + part.energy
    return Delivery(
        words,
        round(min(max(pace, PACE[0]), PACE[1]), 3),
        round(min(max(pitch, -PITCH), PITCH), 2),
        round(min(max(energy, -ENERGY), ENERGY), 2),
    )
