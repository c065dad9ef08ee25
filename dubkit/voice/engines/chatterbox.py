"""Chatterbox Multilingual: cloned voices in 22 languages, more or less emphatic, in a home of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.settings import Share, option
from dubkit.types.models import HubSource, ModelSpec
from dubkit.voice.engine import SpeakerTraits, Voice, VoiceEngine, VoiceList, VoiceNeed, VoiceOpening
from dubkit.voice.homes.home import Home, absence, folder_of
from dubkit.voice.homes.settings import HomeSettings
from dubkit.voice.homes.speaking import HomeSynthesiser

HOME = Home(
    name="chatterbox",
    packages=("chatterbox-tts==0.1.7",),
    runner="run_chatterbox",
    pythons=((3, 10), (3, 12)),
    size=7_000_000_000,
    weights="about 3.2 GB from the model hub, by dubkit models get chatterbox-multilingual",
)

_FILES = (
    "ve.pt",
    "t3_mtl23ls_v2.safetensors",
    "s3gen.pt",
    "grapheme_mtl_merged_expanded_v1.json",
    "conds.pt",
)

MODEL = ModelSpec(
    role="chatterbox",
    name="chatterbox-multilingual",
    licence="MIT",
    licence_url="https://github.com/resemble-ai/chatterbox",
    about="Chatterbox Multilingual 0.5B: cloned speech in 23 languages",
    does="voice",
    without="Other engines speak; none of those in dubkit's own environment clones a voice.",
    optional=True,
    required=("ve.pt", "t3_mtl23ls_v2.safetensors", "s3gen.pt"),
    hub=HubSource("ResembleAI/chatterbox", "main", _FILES),
    note="runs in an environment of its own: dubkit voices install chatterbox; its speech carries an "
    "inaudible watermark; revision 'main' is not a pin: the file may change on the hub",
    approximate_size=3_200_000_000,
    on_request=True,
)

LANGUAGES = (
    *("ar", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "it"),
    *("ja", "ko", "ms", "nl", "no", "pl", "pt", "ru", "sv", "sw", "tr"),
)
"""Chinese is left out: for it the package fetches a table from the hub while it speaks."""

OTHER_TAGS = {"nb": "no", "nn": "no"}

PLAIN = "plain"
"""The voice that comes with the weights."""


@dataclass(frozen=True, slots=True)
class ChatterboxSettings(HomeSettings):
    """Chatterbox Multilingual, in an environment of its own."""

    emphasis: Share = option(0.5, "How emphatic the plain way of speaking is.", job=True)
    guidance: Share = option(
        0.5, "How closely the reference's way of speaking is followed; 0 keeps its accent out.", job=True
    )


def _hindrance(need: VoiceNeed) -> str:
    if absent := absence(HOME, "Chatterbox", folder_of(HOME, need.cache, need.settings)):
        return absent
    if not need.has_model:
        get = f"Run: dubkit models get {MODEL.name} (3.2 GB)."
        return f"the weights of Chatterbox are not on this machine. {get}"
    return ""


def _code(tag: str) -> str:
    base = tag.replace("_", "-").lower().partition("-")[0]
    return OTHER_TAGS.get(base, base)


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    return PLAIN


def _voices(opening: VoiceOpening) -> VoiceList:
    return VoiceList((Voice(PLAIN, "the voice that comes with the weights"),))


def _open(opening: VoiceOpening) -> HomeSynthesiser:
    settings = opening.settings or ChatterboxSettings()
    own = {"emphasis": settings.emphasis, "guidance": settings.guidance}
    return HomeSynthesiser(HOME, "Chatterbox", opening, own, paced=False, code=_code)


ENGINE = VoiceEngine(
    name="chatterbox",
    title="Chatterbox Multilingual, cloned voices in 22 languages, in an environment of its own",
    called="Chatterbox",
    languages=(*LANGUAGES, *OTHER_TAGS),
    hindrance=_hindrance,
    voice_for=_voice_for,
    open=_open,
    voices=_voices,
    settings=ChatterboxSettings,
    models=(MODEL,),
    role=MODEL.role,
    identity=lambda opening: " ".join(HOME.packages),
    home=HOME,
    abilities=("clone", "style"),
    licence="MIT; its speech carries an inaudible watermark",
    requires=f"an environment of its own, and a graphics card to be quick; {HOME.weights}",
    one_voice=True,
    speeds=(1.0, 1.0),
)
