"""pocket-tts: cloned and published voices in seven languages, on the processor, in a home of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dubkit.settings import Share, option
from dubkit.voice.engine import SpeakerTraits, Voice, VoiceEngine, VoiceList, VoiceNeed, VoiceOpening
from dubkit.voice.homes.home import Home, absence, folder_of, program_in
from dubkit.voice.homes.settings import HomeSettings
from dubkit.voice.homes.speaking import HomeSynthesiser

HOME = Home(
    name="pocket-tts",
    packages=("pocket-tts==4.0.1", "torch==2.13.0"),
    runner="run_pocket_tts",
    pythons=((3, 10), (3, 13)),
    size=1_200_000_000,
    weights="about 0.4 GB for each language, which the package itself keeps in the hub's cache; those that "
    "clone are given after their terms are accepted on the hub",
)

LANGUAGES = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}
"""Language tag -> name of its weights."""

OWN: Mapping[str, str] = {
    "de": "juergen",
    "es": "lola",
    "fr": "estelle",
    "it": "giovanni",
    "nl": "daan",
    "pt": "rafael",
}
"""Language -> the published voice of somebody who speaks it from birth; all others speak English."""

WOMEN = (
    *("alba", "anna", "azelma", "caro_davy", "cosette", "eponine", "estelle"),
    *("eve", "fantine", "jane", "lola", "mary", "vera"),
)
MEN = (
    *("bill_boerst", "charles", "daan", "george", "giovanni", "javert", "jean"),
    *("juergen", "marius", "michael", "paul", "peter_yearsley", "rafael", "stuart_bell"),
)

MALE_BELOW = 165.0
"""Hz of a speaker's median pitch below which a man's voice is cast."""

_REPOSITORIES = ("models--kyutai--pocket-tts", "models--kyutai--pocket-tts-without-voice-cloning")


@dataclass(frozen=True, slots=True)
class PocketSettings(HomeSettings):
    """pocket-tts, in an environment of its own."""

    temperature: Share = option(0.0, "How lively it speaks; 0 is what its makers found best.", job=True)


def _hub_cache() -> Path:
    """Return the folder in which the hub's client keeps what it fetched."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _has_weights(name: str) -> bool:
    """Say whether the weights of a language are in the hub's cache, or, without a name, of any."""
    pattern = f"snapshots/*/languages/{name or '*'}/model.safetensors"
    return any(file for repository in _REPOSITORIES for file in (_hub_cache() / repository).glob(pattern))


def _hindrance(need: VoiceNeed) -> str:
    folder = folder_of(HOME, need.cache, need.settings)
    if absent := absence(HOME, "pocket-tts", folder):
        return absent
    name = LANGUAGES.get(_base(need.language), "")
    if folder is None or _has_weights(name):
        return ""
    fetch = f"{program_in(folder, 'pocket-tts')} generate --language {name or 'english'}"
    return (
        f"pocket-tts has no weights {f'for {name} ' if name else ''}in {_hub_cache()}. Accept the terms of "
        f"kyutai/pocket-tts on the model hub, log in, and run: {fetch}"
    )


def _base(tag: str) -> str:
    return tag.replace("_", "-").lower().partition("-")[0]


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    alike, others = (MEN, WOMEN) if 0 < traits.pitch_hz < MALE_BELOW else (WOMEN, MEN)
    own = OWN.get(_base(traits.language), "")
    ranked: list[str] = [
        *(name for name in (own,) if name in alike),
        *(name for name in alike if name != own),
        *others,
    ]
    return next((name for name in ranked if name not in taken), ranked[len(taken) % len(ranked)])


def _voices(opening: VoiceOpening) -> VoiceList:
    return VoiceList((*(_voice(name, "female") for name in WOMEN), *(_voice(name, "male") for name in MEN)))


def _voice(name: str, gender: Literal["female", "male"]) -> Voice:
    tags = tuple(tag for tag, voice in OWN.items() if voice == name)
    return Voice(name, LANGUAGES[tags[0] if tags else "en"].capitalize(), gender, languages=tags)


def _open(opening: VoiceOpening) -> HomeSynthesiser:
    settings = opening.settings or PocketSettings()
    return HomeSynthesiser(HOME, "pocket-tts", opening, {"temperature": settings.temperature}, paced=False)


ENGINE = VoiceEngine(
    name="pocket-tts",
    title="pocket-tts, cloned voices on the processor, in an environment of its own",
    languages=tuple(LANGUAGES),
    hindrance=_hindrance,
    voice_for=_voice_for,
    open=_open,
    voices=_voices,
    settings=PocketSettings,
    identity=lambda opening: " ".join(HOME.packages),
    home=HOME,
    abilities=("clone",),
    licence="MIT; each voice has a licence of its own, and the weights have terms on the hub",
    requires=f"an environment of its own; {HOME.weights}",
    speeds=(1.0, 1.0),
)
