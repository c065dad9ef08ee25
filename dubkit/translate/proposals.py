"""What somebody may have meant by a word that names no language: `Brazilian`, `Latam`, `Spansh`, `jp`."""

from __future__ import annotations

import difflib
from functools import cache

from dubkit.translate.language import ACCENTS, language_name

COMMON = (
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fil", "fr",
    "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km", "kn",
    "ko", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "my", "nb", "ne", "nl", "no", "pa", "pl", "pt",
    "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz",
    "vi", "yue", "zh", "zu",
)  # fmt: skip
"""Languages whose names are looked through besides those with an accent."""

BY_HABIT = {
    "latam": ("es-419", "pt-BR"),
    "latin": ("es-419",),
    "latino": ("es-419",),
    "castellano": ("es-ES",),
    "castilian": ("es-ES",),
    "mandarin": ("zh-Hans", "zh-Hant"),
    "simplified": ("zh-Hans",),
    "traditional": ("zh-Hant",),
    "american": ("en-US",),
    "british": ("en-GB",),
    "uk": ("uk", "en-GB"),
    "us": ("en-US", "es-US"),
}
"""Words for a language or its accent that are names of none."""

MOST = 5


def proposals(text: str) -> list[str]:
    """Return tags of languages that a word may mean, the likeliest first; none where nothing is like it.

    >>> proposals("Brazilian")
    ['pt-BR']
    """
    word = " ".join(text.casefold().split())
    if not word.isprintable() or not word:
        return []
    names = _names()
    found = [*BY_HABIT.get(word, ())]
    found += [tag for name, tag in names.items() if name.startswith(word)] if len(word) > 1 else []
    found += _of_country(word)
    found += [tag for name, tag in names.items() if word in name.split()]
    found = found or [names[name] for name in difflib.get_close_matches(word, names, n=3, cutoff=0.75)]
    by_name = {language_name(tag): tag for tag in reversed(found)}  # one tag for each name
    return [tag for tag in dict.fromkeys(found) if tag in by_name.values()][:MOST]


def did_you_mean(text: str) -> str:
    """Return a question with the languages that a word may mean; empty where nothing is like it."""
    named = [f"{language_name(tag)}, {tag}" for tag in proposals(text)[:3]]
    return f"did you mean {' or '.join(named)}?" if named else ""


@cache
def _names() -> dict[str, str]:
    """Return the English name of each language that is proposed, and its tag."""
    accents = {name.casefold(): tag for tag, name in reversed(ACCENTS.items())}
    return {language_name(tag).casefold(): tag for tag in COMMON} | accents


def _of_country(word: str) -> list[str]:
    """Return the language of a country that is named, or given by its code: `Mexico`, `Mexican`, `jp`."""
    import langcodes
    from language_data.names import name_to_code  # type: ignore[import-untyped]

    code = word.upper() if len(word) == 2 and word.isalpha() else name_to_code("territory", word)
    # The codes of ISO 3166 that are free for private use are those of no country.
    if not code or len(code) != 2 or code[0] == "X" or code in ("AA", "ZZ") or "QM" <= code <= "QZ":
        return []
    country = langcodes.Language.make(territory=code)
    likely = country.maximize()
    if likely.language in (None, "und") or not country.is_valid():
        return []
    with_country = f"{likely.language}-{code}"
    return [with_country] if with_country in ACCENTS else [str(likely.language)]
