"""Clips by any program: it is given a clip with its new speech, and gives a clip back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from dubkit.engines.command.making import Work, make_with
from dubkit.engines.command.program import program_hindrance, read_command, read_environment
from dubkit.engines.engine import ClipMade, ClipOrder, TakeEngine
from dubkit.errors import SettingError
from dubkit.host import Host
from dubkit.settings import Positive, check_bounds, option

TABLE = "dub.command"


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Moving lips with a program of your own."""

    command: str = option(
        "",
        "The program with its arguments: it reads the film {clip} or {sound} and writes the film {out}; "
        "{width}, {height}, {rate}, {frames}, {seconds}, {seed}, {language}, {text_file}, {prompt_file} and "
        "{folder} are more.",
    )
    folder: str = option("", "Folder where it runs; empty is the one where dubkit was started.", machine=True)
    environment: str = option(
        "", "Variables of its environment, as NAME=VALUE with blanks between them.", machine=True
    )
    container: Literal["mp4", "mkv", "mov"] = option(
        "mp4", "What {clip} is: mp4 and mov hold H.264 and AAC, mkv holds pictures and sound without loss."
    )
    rate: Annotated[float, msgspec.Meta(ge=0.0, le=240.0)] = option(
        0.0, "Frames per second of {clip}; 0 takes the film's own."
    )
    timeout: Positive = option(1800.0, "Seconds that it may take for a clip.", machine=True)

    def __post_init__(self) -> None:
        check_bounds(self, TABLE)
        try:
            read_command(self.command)
        except ValueError as error:
            raise SettingError("dub.command.command", self.command, str(error)) from None
        try:
            read_environment(self.environment)
        except ValueError as error:
            raise SettingError("dub.command.environment", self.environment, str(error)) from None


def _hindrance(host: Host) -> str:
    settings = host.table(TABLE, CommandSettings)
    words = read_command(settings.command)
    if not words:
        return f"no program is set up. Set {TABLE}.command to one with its arguments."
    return program_hindrance(words[0], settings.folder, TABLE)


def _make(order: ClipOrder) -> ClipMade:
    settings: CommandSettings = order.settings
    work = Work(
        ENGINE.name,
        read_command(settings.command),
        TABLE,
        settings.timeout,
        folder=Path(settings.folder).expanduser() if settings.folder else Path.cwd(),
        environment=read_environment(settings.environment),
        container=settings.container,
        rate=Fraction(settings.rate).limit_denominator(1001) if settings.rate else None,
    )
    return make_with(work, order)


ENGINE = TakeEngine(
    name="command",
    title="A program of your own: it moves the lips of a clip for speech that it is given",
    hindrance=_hindrance,
    settings=CommandSettings,
    drives=True,
    speaks=False,
    optional=True,
    make=_make,
)
