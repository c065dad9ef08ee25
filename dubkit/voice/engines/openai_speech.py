"""Speak with any service that takes `POST /v1/audio/speech`: OpenAI, vLLM-Omni, Kokoro-FastAPI and others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.errors import VoiceError
from dubkit.types.voices import Delivery, Receipt, Reference
from dubkit.voice.casting import suitable
from dubkit.voice.engine import (
    Ability,
    SpeakerTraits,
    Voice,
    VoiceEngine,
    VoiceList,
    VoiceNeed,
    VoiceOpening,
)
from dubkit.voice.engines.named_voices import named_voices, nearest
from dubkit.voice.engines.speech_service.dialects import DIALECTS, Dialect, Wanted, described
from dubkit.voice.engines.speech_service.settings import NAMES, TABLE, SpeechServiceSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PLAIN = "default"
"""Voice of a service that names none: none is asked for."""


NEAR = 0.05
"""Speeds this near to 1 are asked for as 1: the reading that told the length serves again, a little longer or
shorter, and is paid for once."""


class ServiceVoice:
    """A speech service as an open voice engine; any number of threads may call it."""

    rate = 48_000

    def __init__(self, opening: VoiceOpening) -> None:
        from dubkit.voice.engines.speech_service.calls import SpeechCalls

        self._settings: SpeechServiceSettings = opening.settings
        self._calls = SpeechCalls(opening.settings)

    def speak(
        self,
        text: str,
        *,
        voice: str,
        language: str,
        speed: float,
        seed: int | None = None,
        reference: Reference | None = None,
        delivery: Delivery | None = None,
    ) -> NDArray[np.float32]:
        """Return (N,) speech; see Synthesiser. Raises VoiceError in the service's words."""
        from dubkit.voice.engines.speech_service.manner import instructions

        pace = 1.0 if abs(speed - 1.0) <= NEAR else speed
        name, words = self._name(voice), instructions(self._settings.instructions, delivery)
        if delivery is not None and (note := _unheeded(self._calls.dialect(), delivery)):
            self._calls.memory.charge(text, name, Receipt(notes=(note,)))
        return self._calls.sound(Wanted(text, name, language, pace, seed, reference, delivery, words))

    def receipt(self, text: str, voice: str) -> Receipt:
        """Return what a text in a voice took since this was last asked; see Receipts."""
        return self._calls.memory.take_receipt(text, self._name(voice))

    def stop(self) -> None:
        """Wait for no further answer."""
        self._calls.stop()

    def _name(self, voice: str) -> str:
        """Return the name that the service is asked for; empty for the plain voice."""
        return "" if voice == PLAIN and not named_voices(self._settings.voices) else voice


def _reads(dialect: Dialect) -> bool:
    """Say whether a dialect takes how a line is spoken in words."""
    return "instructions" in dialect.fields(Wanted("", "", "en", instructions="so"))


def _unheeded(dialect: Dialect, delivery: Delivery) -> str:
    """Return what a dialect cannot do of a delivery, with the cure; empty where there is nothing."""
    what = repr(delivery.words) if delivery.words else "another pitch or loudness"
    asked = delivery.words or delivery.pitch or delivery.energy
    if not asked or _reads(dialect) or (delivery.energy and "style" in dialect.abilities):
        return ""
    title = dialect.title[:1].upper() + dialect.title[1:]
    cure = f"Set {TABLE}.dialect to {dialect.name}: then dubkit does what can be done with the sound."
    return f"{title} takes no words on delivery: {what} was left out. {cure}"


def _usable(settings: SpeechServiceSettings) -> Sequence[Ability]:
    """Return what the dialect can; one that is not known before it is asked may do all."""
    return ("clone", "style") if settings.dialect == "auto" else DIALECTS[settings.dialect].abilities


def _set_up(need: VoiceNeed) -> bool:
    settings = need.settings
    return bool(settings and settings.base_url.strip() and settings.speaks(need.language))


def _hindrance(need: VoiceNeed) -> str:
    from dubkit.services.address import clean_address, clean_key

    settings = need.settings or SpeechServiceSettings()
    if not settings.base_url.strip():
        return f"no speech service is set up. Set {TABLE}.base_url to its address."
    if not settings.speaks(need.language):
        return f"{TABLE}.languages is {settings.languages!r}, and {need.language} is not one of them."
    try:
        clean_address(settings.base_url, NAMES)
        clean_key(settings.api_key, NAMES)
    except VoiceError as error:
        return str(error).replace("The key", "the key", 1)
    return ""


def _voices(opening: VoiceOpening) -> VoiceList:
    from dubkit.voice.engines.speech_service.calls import SpeechCalls

    settings: SpeechServiceSettings = opening.settings
    named = tuple(described(voice) for voice in named_voices(settings.voices))
    blends = settings.dialect == "kokoro-fastapi"
    if not named and settings.base_url.strip():
        calls = SpeechCalls(settings)
        named, blends = calls.voices(), calls.dialect().blends
    voices = named or (Voice(PLAIN, "the service's own"),)
    return VoiceList(voices, _Blends(voices).parse if blends else None)


class _Blends:
    """Voices of Kokoro that are mixed from others: `af_bella+af_sky`, `af_bella(2)+af_sky(1)`."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        self._names = tuple(voice.name for voice in voices)

    def parse(self, blend: str) -> object:
        """Return the names that a blend is of. Raises VoiceError for one that there is not."""
        parts = [part.partition("(")[0].strip() for part in blend.replace("-", "+").split("+")]
        unknown = [part for part in parts if part not in self._names]
        if unknown:
            raise VoiceError(
                f"The speech service has no voice {unknown[0]!r}. Names: {', '.join(self._names)}; "
                "a+b mixes two."
            )
        return parts


def _voice_for(speaker: SpeakerTraits, taken: Sequence[str]) -> str:
    listed = _voices(VoiceOpening(None, speaker.settings))
    fitting = suitable(listed, speaker.language)
    native = [voice for voice in fitting if voice.languages]
    return nearest(native or fitting or listed.voices, speaker.pitch_hz, taken)


ENGINE = VoiceEngine(
    name="openai-speech",
    title="a speech service",
    called="The speech service",
    languages=lambda tag: True,
    voice_for=_voice_for,
    open=ServiceVoice,
    hindrance=_hindrance,
    voices=_voices,
    set_up=_set_up,
    settings=SpeechServiceSettings,
    abilities=("clone", "style"),
    usable=_usable,
    price=lambda settings: settings.price,
    licence="that of the service and its voices",
    requires="a speech service at speak.openai-speech.base_url",
    callers=lambda opening: opening.settings.parallel,
)
