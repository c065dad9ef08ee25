"""Language tags as people write them, and the names that prompts use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dubkit.errors import SettingError

if TYPE_CHECKING:
    import langcodes

# The names people use for these; the registry's own form would be `Portuguese (Brazil)`.
ACCENTS = {
    "ar-EG": "Egyptian Arabic",
    "de-AT": "Austrian German",
    "de-CH": "Swiss German",
    "en-AU": "Australian English",
    "en-CA": "Canadian English",
    "en-GB": "British English",
    "en-IE": "Irish English",
    "en-IN": "Indian English",
    "en-US": "American English",
    "es-419": "Latin American Spanish",
    "es-AR": "Argentinian Spanish",
    "es-ES": "European Spanish",
    "es-MX": "Mexican Spanish",
    "fr-BE": "Belgian French",
    "fr-CA": "Canadian French",
    "fr-CH": "Swiss French",
    "nl-BE": "Flemish",
    "pt-BR": "Brazilian Portuguese",
    "pt-PT": "European Portuguese",
    "zh-CN": "Simplified Chinese",
    "zh-HK": "Traditional Chinese (Hong Kong)",
    "zh-Hans": "Simplified Chinese",
    "zh-Hant": "Traditional Chinese",
    "zh-SG": "Simplified Chinese",
    "zh-TW": "Traditional Chinese (Taiwan)",
}
"""Tag of a language of a country -> its English name."""

_IN_BRACKETS = re.compile(r"([^()]+?)\s*\(([^()]+)\)")

# Codes of the registry that name no single language.
_NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})


def normalise(tag: str, name: str = "language") -> str:
    """Standard tag for a tag or a language name: `por` -> `pt`, `pt_br` -> `pt-BR`, `French` -> `fr`.

    `name` is the setting that the error names. Raises SettingError for an unknown language.
    """
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    text = tag.strip()
    try:
        language = langcodes.Language.get(text)
        known = language.is_valid()
    except LanguageTagError:
        known = False
    if not known:
        language = _by_name(text, tag, name)
    if language.language in _NO_LANGUAGE or language.language is None:
        raise _unknown(tag, name)
    # The registry knows Mandarin as `cmn`; everybody writes `zh`. Cantonese stays apart: it sounds different.
    if language.language == "cmn":
        language = language.update_dict({"language": "zh"})
    return str(language)


def _by_name(text: str, tag: str, name: str) -> langcodes.Language:
    import langcodes

    # Two and three letters are meant as a code; a name search would guess wildly.
    if len(text) < 4:
        raise _unknown(tag, name)
    country = _IN_BRACKETS.fullmatch(text)
    try:
        found = langcodes.find(country[1] if country else text)
    except LookupError:
        raise _unknown(tag, name) from None
    return _with_country(found, country[2]) if country else found


def _with_country(language: langcodes.Language, named: str) -> langcodes.Language:
    """Return a language with the country or script that follows its name in brackets: `Spanish (Mexico)`."""
    from language_data.names import name_to_code  # type: ignore[import-untyped]

    for part in ("territory", "script"):
        code = name_to_code(part, named.strip().casefold())
        if code:
            return language.update_dict({part: code})
    return language


def _unknown(tag: str, name: str) -> SettingError:
    from dubkit.translate.proposals import did_you_mean

    question = did_you_mean(tag)
    near = f" ({question})" if question else ""
    return SettingError(
        name, tag, f"not a known language{near}; write a tag such as en, pt-BR or zh-Hans, or its name"
    )


def language_name(tag: str) -> str:
    """English name for a prompt: `pt-BR` -> `Brazilian Portuguese`, `fr` -> `French`."""
    import langcodes

    standard = normalise(tag)
    return ACCENTS.get(standard) or langcodes.Language.get(standard).display_name("en")


def base(tag: str) -> str:
    """Language without script and region: `pt-BR` -> `pt`."""
    return normalise(tag).split("-")[0]


def script(tag: str) -> str:
    """Code of the script the language is written in: `pt` -> `Latn`, `zh-TW` -> `Hant`."""
    import langcodes

    return langcodes.Language.get(normalise(tag)).maximize().script or "Latn"


def same_language(source: str, target: str) -> bool:
    """True when one is only a variant of the other and both use one script: `en-GB` and `en-US`."""
    return base(source) == base(target) and script(source) == script(target)


def needs_no_translation(source: str, target: str) -> bool:
    """True when text can stay as it is: equal tags, or a bare language and its variant (`en`, `en-US`)."""
    if not same_language(source, target):
        return False
    first, second = normalise(source), normalise(target)
    return first == second or first == base(first) or second == base(second)
