"""Languages and voices over HTTP: what a job may name, and what here can serve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query

from dubkit.errors import DubkitError, SettingError, VoiceError
from dubkit.translate.language import language_name, normalise
from dubkit.translate.proposals import proposals
from dubkit.web.accounts.access import REFUSALS, Viewer
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.redaction import redact
from dubkit.web.api.dependencies import Reviewed
from dubkit.web.site import OnSite, Site

if TYPE_CHECKING:
    from dubkit.chain.stage import Setup

router = APIRouter(prefix="/api", tags=["languages"], responses=REFUSALS)

SUGGESTED = (
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "es-419", "fi", "fr", "fr-CA", "he", "hi", "hu", "id",
    "it", "ja", "ko", "nl", "no", "pl", "pt-BR", "pt-PT", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh-Hans",
    "zh-Hant",
)  # fmt: skip
"""Languages that are offered before anything is typed; any other can be typed."""


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """A language that a text means, or may mean."""

    tag: str
    name: str
    exact: bool
    """True when the text is its tag or its name; False for a proposal."""
    hindrance: str
    """Why nothing on this server can dub into it, with the cure; empty when something can, as far as it is
    known without the language of the source."""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """A voice that lines and speakers may be given."""

    name: str
    title: str
    """What it sounds like, in words."""
    gender: Literal["female", "male", ""]
    pitch_hz: float
    """Median pitch; 0 when it is not known."""


@dataclass(frozen=True, slots=True)
class Voices:
    """The voices for a language."""

    language: str
    engine: str
    """What speaks, in words; empty when nothing here can."""
    note: str
    """Why this engine speaks and no better one, or why none does."""
    voices: list[VoiceChoice]
    others: bool
    """True when other names are voices too: blends such as `0.7*a+0.3*b`, or those of an engine that cannot
    list them."""


@router.get("/languages")
def languages(
    site: OnSite,
    person: Viewer,
    text: Annotated[str, Query(max_length=100, description="A tag, a name, or the beginning of one.")] = "",
    source: Annotated[str, Query(max_length=100, description="Language of the film, where known.")] = "",
) -> list[LanguageChoice]:
    """Return the language that a text means, or those that it may mean; without a text, common ones."""
    spoken = normalise(source, "source") if source else ""
    if not text.strip():
        return _choices(site, person, SUGGESTED, spoken)
    try:
        meant = known_language(text)
    except SettingError:
        return _choices(site, person, proposals(text), spoken)
    return _choices(site, person, (meant,), spoken, exact=True)


@router.get("/voices")
def voices(
    site: OnSite,
    person: Viewer,
    language: Annotated[str, Query(min_length=1, max_length=100, description="Tag or name of a language.")],
) -> Voices:
    """Return the voices that speak a language with the settings of the server."""
    return _voices(site, person, site.session, known_language(language))


@router.get("/episodes/{episode}/{language}/voices")
def voices_of_episode(site: OnSite, person: Viewer, context: Reviewed) -> Voices:
    """Return the voices that speak this language with the settings of the episode's last run."""
    return _voices(site, person, context, context.language)


def known_language(text: str) -> str:
    """Return the tag of the language that a tag or a name means. Raises SettingError for an unknown one."""
    tag = normalise(text)
    # Codes for private use are well formed, but name no known language.
    if language_name(tag).startswith("Unknown language"):
        raise SettingError("language", tag, "not a known language; write its name, or a tag such as pt-BR")
    return tag


def _choices(
    site: Site, person: Person, tags: tuple[str, ...] | list[str], source: str, *, exact: bool = False
) -> list[LanguageChoice]:
    from dubkit.studio import Request, unserved

    hindered = unserved(site.session, Request(tuple(tags)), source_language=source) if tags else {}
    return [
        LanguageChoice(tag, language_name(tag), exact, redact(site, person, hindered.get(tag, "")))
        for tag in tags
    ]


def _voices(site: Site, person: Person, setup: Setup, language: str) -> Voices:
    from stages.shared.voices import voices_here

    try:
        here = voices_here(setup, language)
    except VoiceError as error:
        return Voices(language, "", redact(site, person, str(error)), [], others=False)
    except DubkitError as error:
        return Voices(language, "", redact(site, person, str(error)), [], others=True)
    listed = here.listed
    shown = [VoiceChoice(v.name, v.title, v.gender, v.pitch_hz) for v in listed.voices] if listed else []
    others = listed is None or listed.parse is not None
    return Voices(language, here.choice.engine.title, here.choice.reason, shown, others)
