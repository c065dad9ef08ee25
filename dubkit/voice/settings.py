"""Settings of voices, and of when the lines are spoken: `[cast]`, `[speak]` and `[timing]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.errors import SettingError
from dubkit.registry import names_of
from dubkit.settings import Positive, Share, option

Pace = Annotated[float, msgspec.Meta(ge=0.25, le=4.0)]

HARD_MAX_SPEED = 1.6
"""Rate up to which a line is rushed before it is cut."""


@dataclass(frozen=True, slots=True)
class Casting:
    """Describing and voicing the speakers."""

    file: str = option("", "cast.toml with names, descriptions and voices of the speakers.")
    ages: Literal["voice", "face", "off"] = option(
        "voice",
        "What the age of a speaker is guessed from, for words in prompts: the voice; voice and face; or "
        "nothing.",
        job=True,
        label="Ages",
    )
    voice_mode: Literal["preset", "clone", "single"] = option(
        "preset",
        "Whose voices speak: voices of the engine, one for each speaker; the speakers' own, cloned; or one "
        "voice for everybody.",
        flag="--voice-mode",
        job=True,
        label="Voices",
    )
    voice_ref_dir: str = option(
        "",
        "Folder of recordings to clone voices from: NAME.wav, and NAME.txt with its text.",
        flag="--voice-ref-dir",
    )
    reference_per_line: bool = option(
        False,
        "Whether each line is cloned from the piece of its speaker that is nearest to it in loudness, pitch "
        "and pace.",
        job=True,
    )
    consent: Literal["off", "strict"] = option(
        "off",
        "Whether a voice is cloned only with an entry in consent.toml that has not run out.",
        flag="--consent",
    )
    consent_file: str = option("", "consent.toml, where it is not beside the source.")
    memory: Literal["auto", "on", "off"] = option(
        "auto",
        "Whether people keep name, description and voice from one episode of a series to the next; auto does "
        "it where there is a series.toml.",
        flag="--voice-memory",
    )
    match_threshold: Share = option(
        0.8,
        "How like two voices must be, as a cosine, for one person; 0.05 below it, people are asked.",
        flag="--voice-match-threshold",
    )
    auto_enroll: bool = option(
        True,
        "Whether people whom the series does not know are added to it.",
        flag="--voice-auto-enroll",
    )

    @property
    def cloning(self) -> bool:
        """Whether the speakers' own voices are cloned."""
        return self.voice_mode == "clone"


@dataclass(frozen=True, slots=True)
class Speak:
    """Speaking the lines.

    A line that leaves room is slowed to `min_speed` at most. One that is too long is spoken at up to
    `max_speed`, then borrows the silence after it, then is rushed up to `hard_max_speed`, then is cut.
    """

    provider: str = option(
        "auto",
        "Voice engine.",
        flag="--tts-provider",
        job=True,
        choices=names_of("dubkit.voice.engine:ENGINES", "auto"),
    )
    min_speed: Positive = option(0.95, "Slowest speaking rate against the voice's own.", job=True)
    max_speed: Positive = option(1.2, "Fastest rate before silence after the line is borrowed.", job=True)
    stretch_recordings: bool = option(
        False,
        "Whether a person's recording that is too long for its time is played faster, by timing.max_pace at "
        "most.",
        job=True,
    )

    def __post_init__(self) -> None:
        if self.min_speed <= 0:
            raise SettingError("speak.min_speed", self.min_speed, "must be above 0")
        if self.min_speed > self.max_speed:
            raise SettingError("speak.min_speed", self.min_speed, "must not exceed speak.max_speed")

    @property
    def hard_max_speed(self) -> float:
        """Fastest rate of all. A user who allows more than the usual limit has moved it."""
        return max(HARD_MAX_SPEED, self.max_speed)


@dataclass(frozen=True, slots=True)
class Expressive:
    """Speaking lines as the source does: raised, quiet, high or low.

    A delivery that a person typed for a line counts whether this is on or off.
    """

    mode: Literal["off", "text-only", "source-audio", "auto"] = option(
        "off",
        "What the delivery of each line follows: the marks of its text, the voice of the source, or (auto) "
        "that voice where it is clean enough and else the text.",
        flag="--expressive",
        job=True,
    )
    strength: Share = option(
        0.5,
        "How much of the source's expression is taken over, from 0 to 1.",
        flag="--expressive-strength",
        job=True,
    )
    emotion: Literal["auto", "tags"] = option(
        "auto",
        "Whether words in brackets, such as [whispering], decide over what is measured.",
        flag="--emotion-mode",
        job=True,
    )
    debug: bool = option(
        False,
        "Whether a record of every line's plan is written to expressive/plans/.",
        flag="--expressive-debug",
        job=True,
    )
    keep_nonverbal: bool = option(
        False,
        "Whether laughs, sighs and breaths of the source are heard where a dubbed line leaves room for them.",
        flag="--keep-nonverbal",
        job=True,
    )


@dataclass(frozen=True, slots=True)
class Timing:
    """Fitting the lines into their time: by their words first, then by when and how fast they are spoken."""

    fit: bool = option(
        True,
        "Whether lines that are too long or too short for their time get other words.",
        flag="--timing-fit",
        job=True,
    )
    schedule: Literal["on", "off"] = option(
        "on",
        "Whether starts, paces and pauses of all lines are chosen together; off speaks each line by itself.",
        flag="--schedule",
        job=True,
    )
    pacing: bool = option(
        True,
        "Whether lines may be spoken faster or slower than the voice's own pace.",
        flag="--pacing",
        job=True,
    )
    tolerance: Share = option(
        0.10,
        "Share by which a line may miss its time before it gets other words.",
        flag="--tolerance",
        job=True,
    )
    min_pace: Pace = option(
        0.85, "Slowest pace of a line against the voice's own.", flag="--pacing-min-stretch", job=True
    )
    max_pace: Pace = option(
        1.20,
        "Fastest pace against the voice's own before a line counts as too long.",
        flag="--pacing-max-stretch",
        job=True,
    )
    shorten: bool = option(
        True,
        "Whether lines that are too long get harmless shortenings where nothing offers other words.",
        job=True,
    )
    debug: bool = option(
        False,
        "Whether a record of every line's timing is written to segments/.",
        flag="--timing-debug",
        job=True,
    )

    def __post_init__(self) -> None:
        if self.min_pace > self.max_pace:
            raise SettingError("timing.min_pace", self.min_pace, "must not exceed timing.max_pace")

    @property
    def scheduled(self) -> bool:
        """Whether the lines are scheduled together."""
        return self.schedule == "on"
