"""What OPUS-MT models are called: a repository for a pair, or for a group of related languages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dubkit.translate.language import base, normalise, script

_NAME = re.compile(r"opus-mt-(?:tc-(?:big|base)-)?[A-Za-z_]{2,20}-[A-Za-z_]{2,20}")

REPOSITORIES = {
    "opus-mt-en-ar": "opus-mt-tc-big-en-ar",
    "opus-mt-en-ko": "opus-mt-tc-big-en-ko",
    "opus-mt-en-pt": "opus-mt-tc-big-en-pt",
    "opus-mt-en-ru": "opus-mt-tc-big-en-zle",
    "opus-mt-en-uk": "opus-mt-tc-big-en-zle",
    "opus-mt-en-ja": "opus-mt-en-jap",
    "opus-mt-pt-en": "opus-mt-ROMANCE-en",
}
"""Pairs whose model lies under another name: there is none for the pair alone, or a larger one is better."""

_GROUPS = {
    "ROMANCE": "ca es fr gl it oc pt ro",
    "itc": "ca es fr gl it la oc pt ro",
    "gmq": "da fo is nb nn no sv",
    "gmw": "af de en fy lb nl",
    "zle": "be ru uk",
    "zls": "bg bs hr mk sl sr",
    "sla": "be bg bs cs hr mk pl ru sk sl sr uk",
    "ces_slk": "cs sk",
    "cat_oci_spa": "ca es oc",
    "jap": "ja",
}

_TOKENS = {
    "pt-BR": ("pob", "pt_br", "pt_BR"),
    "pt-PT": ("por", "pt_pt", "pt_PT"),
    "zh": ("cmn_Hans", "zho_Hans", "cmn", "zho"),
    "zh-Hant": ("cmn_Hant", "zho_Hant"),
    "ar": ("ara", "arb"),
    "no": ("nob",),
}
"""What some languages are called in the token that says which one is wanted."""


def is_name(name: str) -> bool:
    """Tell whether a name is that of an OPUS-MT repository, or of a pair."""
    return bool(_NAME.fullmatch(name))


def repository(name: str) -> str:
    """Return the repository of a model.

    >>> repository("opus-mt-en-fr"), repository("opus-mt-en-pt")
    ('opus-mt-en-fr', 'opus-mt-tc-big-en-pt')
    """
    return REPOSITORIES.get(name, name)


def pair_name(source: str, target: str) -> str:
    """Return what the model of a pair is called here.

    >>> pair_name("en-GB", "fr-CA")
    'opus-mt-en-fr'
    """
    return f"opus-mt-{base(source)}-{base(target)}"


def names(source: str, target: str) -> Iterator[str]:
    """Yield the names that a model of a pair may have, the closest first."""
    yield pair_name(source, target)
    for one in (base(source), *_groups_of(source)):
        for other in (base(target), *_groups_of(target)):
            if one != other:
                yield from (f"opus-mt-tc-big-{one}-{other}", f"opus-mt-tc-base-{one}-{other}")
                yield f"opus-mt-{one}-{other}"


def _groups_of(tag: str) -> list[str]:
    return [group for group, members in _GROUPS.items() if base(tag) in members.split()]


def target_token(tag: str, vocabulary: Collection[str]) -> str | None:
    """Return the token that asks a model of several target languages for one: `>>pob<<`.

    Empty for a model of one target language, None where it has none for this language.
    """
    known = {token for token in vocabulary if token.startswith(">>") and token.endswith("<<")}
    if not known:
        return ""
    asked = (f">>{name}<<" for name in _token_names(tag))
    return next((token for token in asked if token in known), None)


def _token_names(tag: str) -> Iterator[str]:
    import langcodes

    standard, plain, written = normalise(tag), base(tag), script(tag)
    long = langcodes.Language.get(plain).to_alpha3()
    yield from _TOKENS.get(standard, ())
    yield from (f"{long}_{written}", f"{plain}_{written}")
    yield from _TOKENS.get(f"{plain}-{written}", ())
    yield from _TOKENS.get(plain, ())
    yield from (long, plain)
