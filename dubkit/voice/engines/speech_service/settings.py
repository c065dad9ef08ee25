"""Settings of a speech service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.errors import VoiceError
from dubkit.services.names import ServiceNames
from dubkit.settings import Count, Positive, check_bounds, option
from dubkit.voice.engines.named_voices import check_voices
from dubkit.voice.tags import among, listed_tags

TABLE = "speak.openai-speech"

DialectName = Literal["auto", "openai", "vllm-omni", "kokoro-fastapi", "chatterbox"]
SoundFormat = Literal["wav", "flac", "pcm", "mp3"]
Parallel = Annotated[int, msgspec.Meta(ge=1, le=64)]
SampleRate = Annotated[int, msgspec.Meta(ge=4000, le=384_000)]
Price = Annotated[float, msgspec.Meta(ge=0.0, le=1e6)]

NAMES = ServiceNames(
    what="the speech service",
    serves="speech",
    address=f"{TABLE}.base_url",
    variable=f"{TABLE}.base_url",
    key=f"{TABLE}.api_key, OPENAI_API_KEY",
    model=f"{TABLE}.model",
    example="http://localhost:8880/v1 or https://api.openai.com/v1",
    error=VoiceError,
)


@dataclass(frozen=True, slots=True)
class SpeechServiceSettings:
    """Speaking with a speech service."""

    base_url: str = option(
        "", "Address of a speech service, such as http://localhost:8880/v1; empty asks none.", keyed=False
    )
    api_key: str = option("", "Key for the speech service.", variables=("OPENAI_API_KEY",), secret=True)
    dialect: DialectName = option(
        "auto", "What the service takes beside plain requests; auto asks it.", job=True
    )
    model: str = option("", "Model that speaks; empty takes the dialect's usual one.", job=True)
    voices: str = option(
        "",
        "Voices to cast, with blanks between them, such as alloy=female onyx=male; empty asks the service.",
        job=True,
    )
    languages: str = option(
        "", "Tags of the languages that it speaks, with blanks between them; empty stands for all."
    )
    instructions: str = option("", "How every line is spoken, in words.", job=True)
    format: SoundFormat = option("wav", "Format in which the sound is asked for.")
    pcm_rate: SampleRate = option(24_000, "Samples per second of pcm, where the answer does not say it.")
    timeout: Positive = option(60.0, "Seconds to wait for one line.", machine=True)
    retries: Count = option(4, "Further tries after a rate limit, server error or time-out.", machine=True)
    parallel: Parallel = option(4, "Lines that are asked for at the same time.", machine=True)
    price: Price = option(0.0, "Money for a million characters, for plan and report.", keyed=False)

    def __post_init__(self) -> None:
        check_bounds(self, TABLE)
        check_voices(self.voices, f"{TABLE}.voices")

    @property
    def tags(self) -> tuple[str, ...]:
        """Languages that it speaks; empty stands for all."""
        return listed_tags(self.languages)

    def speaks(self, language: str) -> bool:
        """Say whether it speaks a tag, as far as the settings say."""
        return not self.tags or not language or among(language, self.tags)
