"""OmniVoice: cloned and described voices in 646 languages, to an exact length, in a home of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from dubkit.errors import VoiceError
from dubkit.settings import Count, Positive, option
from dubkit.types.models import HubSource, ModelSpec
from dubkit.voice.engine import SpeakerTraits, Voice, VoiceEngine, VoiceList, VoiceNeed, VoiceOpening
from dubkit.voice.engines.omnivoice_languages import omnivoice_code
from dubkit.voice.homes.home import Home, absence, folder_of
from dubkit.voice.homes.settings import HomeSettings
from dubkit.voice.homes.speaking import HomeSynthesiser

HOME = Home(
    name="omnivoice",
    packages=("omnivoice==0.2.1", "torch==2.8.0", "torchaudio==2.8.0", "transformers==5.20.2"),
    runner="run_omnivoice",
    pythons=((3, 10), (3, 13)),
    size=7_000_000_000,
    weights="3.3 GB from the model hub, by dubkit models get omnivoice",
)

MODEL = ModelSpec(
    role="omnivoice",
    name="omnivoice",
    licence="Apache-2.0",
    licence_url="https://github.com/k2-fsa/OmniVoice",
    about="OmniVoice 0.6B with its audio codec: speech in 646 languages, cloned or described",
    does="voice",
    without="Other engines speak; none of those in dubkit's own environment clones a voice.",
    optional=True,
    required=("config.json", "*.safetensors"),
    hub=HubSource(
        "k2-fsa/OmniVoice", "main", ("*.json", "*.safetensors", "*.txt", "*.jinja", "audio_tokenizer/*")
    ),
    note="runs in an environment of its own: dubkit voices install omnivoice; revision 'main' is not a pin: "
    "the file may change on the hub",
    approximate_size=3_270_000_000,
    on_request=True,
)

GENDERS = ("female", "male")
AGES = ("young adult", "middle-aged", "elderly", "teenager", "child")
PITCHES = ("very low pitch", "low pitch", "moderate pitch", "high pitch", "very high pitch")
ACCENTS = tuple(
    f"{accent} accent"
    for accent in (
        *("american", "australian", "british", "canadian", "chinese"),
        *("indian", "japanese", "korean", "portuguese", "russian"),
    )
)
"""Words that describe a voice; one that dubkit casts has a gender, an age and a pitch."""

MALE_BELOW = 165.0
"""Hz of a speaker's median pitch below which a man's voice is cast."""

MIDDLE = {"male": 120.0, "female": 205.0}
"""Hz that count as a moderate pitch of each."""

STEP = 0.2
"""Octaves from one pitch in words to the next."""


@dataclass(frozen=True, slots=True)
class OmniVoiceSettings(HomeSettings):
    """OmniVoice, in an environment of its own."""

    steps: Count = option(32, "Steps of the diffusion; fewer are faster and rougher.", job=True)
    guidance: Positive = option(2.0, "How closely text and voice are followed.", job=True)


def _hindrance(need: VoiceNeed) -> str:
    if absent := absence(HOME, "OmniVoice", folder_of(HOME, need.cache, need.settings)):
        return absent
    if not need.has_model:
        return "the weights of OmniVoice are not on this machine. Run: dubkit models get omnivoice (3.3 GB)."
    return ""


def _described(gender: str, pitch_hz: float) -> tuple[str, ...]:
    """Return the words for the pitch of a person, the nearest first."""
    octaves = math.log2(pitch_hz / MIDDLE[gender]) if pitch_hz > 0 else 0.0
    wanted = 2 + octaves / STEP
    return tuple(sorted(PITCHES, key=lambda words: abs(PITCHES.index(words) - wanted)))


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    gender = "male" if 0 < traits.pitch_hz < MALE_BELOW else "female"
    pitches = _described(gender, traits.pitch_hz)
    ranked = [f"{gender}, {age}, {pitch}" for pitch, age in product(pitches[:3], AGES[:3])]
    return next((name for name in ranked if name not in taken), ranked[len(taken) % len(ranked)])


def _parse(voice: str) -> object:
    words = [part.strip() for part in voice.split(",")]
    known = (*GENDERS, *AGES, *PITCHES, "whisper", *ACCENTS)
    for part in words:
        if part not in known:
            raise VoiceError(
                f"OmniVoice knows no voice {voice!r}: {part!r} is none of the words that describe one.\n"
                f"Words, with commas between them: {', '.join(known)}."
            )
    return words


def _voices(opening: VoiceOpening) -> VoiceList:
    listed = [
        Voice(
            f"{gender}, {age}, {pitch}",
            "described, without a reference",
            "male" if gender == "male" else "female",
        )
        for gender, pitch, age in product(GENDERS, PITCHES, AGES[:3])
    ]
    return VoiceList(tuple(listed), _parse)


def _open(opening: VoiceOpening) -> HomeSynthesiser:
    settings = opening.settings or OmniVoiceSettings()
    own = {"steps": settings.steps, "guidance": settings.guidance}
    return HomeSynthesiser(HOME, "OmniVoice", opening, own, paced=True, code=omnivoice_code)


ENGINE = VoiceEngine(
    name="omnivoice",
    title="OmniVoice, cloned voices in 646 languages, in an environment of its own",
    called="OmniVoice",
    languages=lambda tag: bool(omnivoice_code(tag)),
    hindrance=_hindrance,
    voice_for=_voice_for,
    open=_open,
    voices=_voices,
    settings=OmniVoiceSettings,
    models=(MODEL,),
    role=MODEL.role,
    identity=lambda opening: " ".join(HOME.packages),
    home=HOME,
    abilities=("clone", "length"),
    licence="Apache-2.0",
    requires=f"an environment of its own, and a graphics card to be quick; {HOME.weights}",
)
