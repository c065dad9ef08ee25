"""Speak with any program: one run of it for each line, with the text in a file and a sound file to write."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Annotated

import msgspec

from dubkit.errors import SettingError, VoiceError
from dubkit.settings import Positive, check_bounds, option
from dubkit.types.voices import Delivery, Reference
from dubkit.voice.engine import (
    Ability,
    SpeakerTraits,
    Voice,
    VoiceEngine,
    VoiceList,
    VoiceNeed,
    VoiceOpening,
)
from dubkit.voice.engines.command_program import places_in, read_command, spoken_by
from dubkit.voice.engines.named_voices import check_voices, named_voices, nearest
from dubkit.voice.tags import among, listed_tags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

TABLE = "speak.command"

PLAIN = Voice("default", "the program's own")

USES: dict[Ability, str] = {"clone": "ref", "length": "seconds", "style": "delivery"}
"""Ability -> the place in the command line without which the program cannot use it."""


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Speaking with a program."""

    command: str = option(
        "",
        "Program with its arguments: {text_file} is the text (also on standard input), {out} the sound file "
        "to write; {voice}, {language}, {speed}, {seconds}, {ref}, {ref_text}, {delivery}, {seed} are more.",
    )
    voices: str = option(
        "", "Voices to cast, with blanks between them, such as anna=female; empty is the program's own."
    )
    languages: str = option(
        "", "Tags of the languages that it speaks, with blanks between them; empty stands for all."
    )
    timeout: Positive = option(300.0, "Seconds that the program may take for a line.", machine=True)
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] = option(
        1, "How many lines are spoken at the same time.", machine=True
    )

    def __post_init__(self) -> None:
        check_bounds(self, TABLE)
        check_voices(self.voices, f"{TABLE}.voices")
        if any(voice.name.startswith("-") for voice in named_voices(self.voices)):
            raise SettingError("speak.command.voices", self.voices, "a name that begins with - is no voice")
        try:
            read_command(self.command)
        except ValueError as error:
            raise SettingError("speak.command.command", self.command, str(error)) from None

    def speaks(self, language: str) -> bool:
        """Say whether it speaks a tag, as far as the settings say."""
        tags = listed_tags(self.languages)
        return not tags or not language or among(language, tags)


class ProgramVoice:
    """A program as an open voice engine; any number of threads may call it."""

    rate = 48_000

    def __init__(self, opening: VoiceOpening) -> None:
        self._settings: CommandSettings = opening.settings
        self._words = read_command(self._settings.command)
        self._stop = Event()

    def speak(
        self,
        text: str,
        *,
        voice: str,
        language: str,
        speed: float,
        seed: int | None = None,
        reference: Reference | None = None,
        seconds: float | None = None,
        delivery: Delivery | None = None,
    ) -> NDArray[np.float32]:
        """Return (N,) speech; see Synthesiser. Raises VoiceError with the program's last words."""
        from dubkit.voice.decoding import BadSound, check_length, decoded

        values = {
            "voice": self._voice(voice),
            "language": language,
            "speed": f"{speed:g}",
            "seconds": f"{seconds:.3f}" if seconds is not None else "",
            "ref": str(reference.file.resolve()) if reference is not None else "",
            "ref_text": reference.text if reference is not None else "",
            "delivery": delivery.words if delivery is not None else "",
            "seed": str(seed) if seed is not None else "",
        }
        log.debug("%s with %s", self._words, values)
        body = spoken_by(self._words, values, text, self._settings.timeout, self._stop)
        try:
            sound = decoded(body, "")
            check_length(sound, text)
            return sound
        except BadSound as problem:
            raise VoiceError(
                f"{self._words[0]} wrote {problem} for {text!r}. Check speak.command.command."
            ) from None

    def stop(self) -> None:
        """End the programs that are running."""
        self._stop.set()

    def _voice(self, name: str) -> str:
        """Return the name that the program is given. Raises VoiceError for one that it does not have."""
        listed = _listed(self._settings)
        if not name:
            return listed[0].name
        VoiceList(listed).check(ENGINE.sentence_name, name)
        return name


def _listed(settings: CommandSettings) -> tuple[Voice, ...]:
    return named_voices(settings.voices) or (PLAIN,)


def _usable(settings: CommandSettings) -> Sequence[Ability]:
    places = places_in(read_command(settings.command))
    return [ability for ability, place in USES.items() if place in places]


def _set_up(need: VoiceNeed) -> bool:
    settings = need.settings
    return bool(settings and settings.command.strip() and settings.speaks(need.language))


def _hindrance(need: VoiceNeed) -> str:
    settings = need.settings or CommandSettings()
    if not settings.command.strip():
        return f"no program is set up. Set {TABLE}.command to one with its arguments."
    if not settings.speaks(need.language):
        return f"{TABLE}.languages is {settings.languages!r}, and {need.language} is not one of them."
    program = read_command(settings.command)[0]
    if shutil.which(program) is None:
        return f"the program {program!r} of {TABLE}.command is not here. Install it, or write its whole path."
    return ""


def _voice_for(speaker: SpeakerTraits, taken: Sequence[str]) -> str:
    return nearest(_listed(speaker.settings), speaker.pitch_hz, taken)


ENGINE = VoiceEngine(
    name="command",
    title="a program of your own",
    called="The program",
    languages=lambda tag: True,
    voice_for=_voice_for,
    open=ProgramVoice,
    hindrance=_hindrance,
    voices=lambda opening: VoiceList(_listed(opening.settings)),
    set_up=_set_up,
    settings=CommandSettings,
    abilities=("clone", "length", "style"),
    usable=_usable,
    licence="that of the program and its voices",
    requires="a program that is named in speak.command.command",
    callers=lambda opening: opening.settings.parallel,
)
