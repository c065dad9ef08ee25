"""Language tags that a voice speaks, as records and settings list them."""

from __future__ import annotations

from collections.abc import Collection


def listed_tags(text: str) -> tuple[str, ...]:
    """Return the tags of a setting, where blanks or commas stand between them."""
    return tuple(text.replace(",", " ").replace("_", "-").lower().split())


def among(language: str, tags: Collection[str]) -> bool:
    """Say whether a language tag is one of some, each of which stands for all its regions.

    >>> among("pt_BR", ("pt",)), among("pt-PT", ("pt-br",))
    (True, False)
    """
    tag = language.replace("_", "-").lower()
    return tag in tags or tag.partition("-")[0] in tags
