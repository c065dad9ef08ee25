# ruff: noqa: RUF001 - dialogue is written with typographic apostrophes
"""Short lines of English and Brazilian Portuguese dialogue that the packaged network gets wrong.

It was trained on sentences and invents on one or two words: `Thank you.` became "thanks for sending
an edit", `Look out!` became "look outside". Keys are lower case without punctuation at their ends.
"""

from __future__ import annotations

import re
from importlib.resources import files


def _read(language: str) -> dict[str, str]:
    lines = (files(__name__) / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return {source: target for source, _, target in (line.partition(" = ") for line in lines)}


PHRASES = {"en": _read("en"), "pt": _read("pt")}
"""The known phrases of a source language: `en.txt` and `pt.txt`, one a line, `source = translation`."""

CALLS = {
    "en": frozenset(
        (
            "ah",
            "aha",
            "damn",
            "dude",
            "gosh",
            "hello",
            "hey",
            "hi",
            "huh",
            "man",
            "nah",
            "no",
            "nope",
            "oh",
            "okay",
            "oops",
            "ouch",
            "ow",
            "phew",
            "sorry",
            "ugh",
            "um",
            "whoa",
            "wow",
            "yeah",
            "yep",
            "yes",
            "yikes",
            "yup",
        )
    ),
    "pt": frozenset(
        (
            "ah",
            "ai",
            "aham",
            "beleza",
            "caramba",
            "cara",
            "droga",
            "eita",
            "ei",
            "gente",
            "hein",
            "mano",
            "não",
            "nossa",
            "oba",
            "oh",
            "oi",
            "opa",
            "peraí",
            "poxa",
            "puxa",
            "sim",
            "tchau",
            "tá",
            "tá bom",
            "ué",
            "ufa",
            "uau",
            "valeu",
        )
    ),
}
"""Phrases that begin a sentence before a comma, and that the network then takes for other words."""

SPELLED_OUT = {
    "en": {
        "ain't": "isn't",
        "c'mon": "come on",
        "dunno": "don't know",
        "gimme": "give me",
        "gotta": "have to",
        "'ve gotta": " have to",
        "lemme": "let me",
        "outta": "out of",
        "y'all": "you all",
    },
    "pt": {
        "cê": "você",
        "pra": "para",
        "pro": "para o",
        "tamo": "estamos",
        "tamos": "estamos",
        "tava": "estava",
        "tá": "está",
    },
}
"""Spoken forms that the network has not read, as they are written in full; `tô` it has."""


def spelled_out(text: str, language: str) -> str:
    """Return a text with the spoken forms of a language in full: `I gotta go.` -> `I have to go.`"""
    forms = SPELLED_OUT[language]
    pattern = "|".join(sorted(map(re.escape, forms), key=len, reverse=True))

    def full(found: re.Match[str]) -> str:
        form = forms[found.group().casefold()]
        return form[:1].upper() + form[1:] if found.group()[:1].isupper() else form

    return re.sub(
        rf"(?<!\w)(?:{pattern})(?!\w)|'ve gotta\b", full, text.replace("’", "'"), flags=re.IGNORECASE
    )
