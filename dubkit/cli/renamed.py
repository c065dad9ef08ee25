"""Options under names that other dubbing programs have: they work, and say what they are called here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

RENAMED = {
    "--min-stretch": ("timing.min_pace", "--pacing-min-stretch"),
    "--max-stretch": ("timing.max_pace", "--pacing-max-stretch"),
    "--pace-max-stretch": ("timing.max_pace", "--pacing-max-stretch"),
    "--overlap-seconds": ("stream.chunk_overlap", "--chunk-overlap"),
}
"""Option -> the setting that it sets, and its option here."""

SAME_WORDS: Mapping[str, tuple[str, str, str]] = {
    "--realtime": ("stream.mode", "on", "--stream"),
    "--stitch": ("stream.output", "final", "--stream-output final"),
}
"""Option without a value -> the setting that it sets, its value, and the option here."""

NOT_REAL_TIME = "Chunks can be played while the dub is made; it is not made in real time."

FULL_DUCKING_DB = -24.0
"""What `--ducking-strength 1` lowers the source's sound by: the default of `mix.duck_db`."""

NO_WORDS = (
    "--wps {value:g} changes nothing: dubkit reckons with syllables, because words differ in length from one "
    "line and language to the next, and syllables hardly do."
)


LIPSYNC_OFF = "none"


class _LipSync(click.ParamType):
    """The name of an engine that moves lips for speech that is given, or `none`."""

    name = "lip-sync"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Name the value as the other options do."""
        return "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take a name that is known. Fails with all of them."""
        from dubkit.engines.engine import ENGINES

        known = [engine.name for engine in ENGINES if engine.drives and not engine.speaks]
        if value not in (*known, LIPSYNC_OFF):
            self.fail(f"{value!r} is none of {', '.join((*known, LIPSYNC_OFF))}.", param, ctx)
        return str(value)


def _spoken() -> str:
    """Return the name of the engine that leaves the picture as it is."""
    from dubkit.engines.engine import ENGINES

    return next(engine.name for engine in ENGINES if not engine.generates)


def renamed_options(function: F) -> F:
    """Add the options that have another name here."""
    function = click.option(
        "--lipsync",
        type=_LipSync(),
        default=None,
        help="The same as --engine NAME, for engines that move lips for given speech; none leaves the "
        "picture as it is.",
    )(function)
    for name in RENAMED:
        function = click.option(
            name, _argument(name), type=float, default=None, hidden=True, callback=_say_name
        )(function)
    for name in SAME_WORDS:
        function = click.option(
            name, _argument(name), is_flag=True, default=None, hidden=True, callback=_say_words
        )(function)
    function = click.option(
        "--ducking-strength",
        type=click.FloatRange(0.0, 1.0),
        default=None,
        hidden=True,
        callback=_say_depth,
    )(function)
    return click.option(
        "--wps", type=float, default=None, hidden=True, expose_value=False, callback=_say_syllables
    )(function)


def renamed_settings(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return setting -> value of the options that were given under another name."""
    given = [(setting, flags.get(_argument(name))) for name, (setting, _) in RENAMED.items()]
    settings: dict[str, Any] = {setting: value for setting, value in given if value is not None}
    settings |= {
        setting: value for name, (setting, value, _) in SAME_WORDS.items() if flags.get(_argument(name))
    }
    if (lipsync := flags.get("lipsync")) is not None:
        settings["engine"] = _spoken() if lipsync == LIPSYNC_OFF else lipsync
    strength = flags.get("ducking_strength")
    return settings if strength is None else settings | {"mix.duck_db": strength * FULL_DUCKING_DB}


CHARACTERS: Mapping[str, tuple[str, int]] = {
    "--list-characters": ("list", 0),
    "--rename-character": ("rename", 2),
    "--set-character-voice-mode": ("set-mode", 2),
    "--set-character-preset": ("set-voice", 2),
}
"""Option of `dubkit` itself -> the command of `dubkit characters`, and how many words it takes."""


def character_options(function: F) -> F:
    """Add the options about the people of a series that are commands here."""
    for name, (_, words) in CHARACTERS.items():
        given: dict[str, Any] = {"nargs": words} if words else {"is_flag": True}
        function = click.option(
            name, hidden=True, expose_value=False, is_eager=True, callback=_run_command, **given
        )(function)
    return function


def _run_command(context: click.Context, param: click.Parameter, value: Any) -> None:
    """Do what the command of `dubkit characters` does, and end."""
    if not value or context.resilient_parsing:
        return
    from dubkit.cli.characters import command

    name = param.opts[0]
    verb, words = CHARACTERS[name][0], list(value) if isinstance(value, tuple) else []
    more = ["--to", _one_language()] if verb == "set-voice" else []
    click.echo(f"Warning: {name} is dubkit characters {verb} here.", err=True)
    command.main([verb, *words, *more], prog_name="dubkit characters", standalone_mode=False)
    context.exit()


def _one_language() -> str:
    """Return the language of the series' voices. Raises UsageError where it has several or none."""
    from dubkit.cli.characters import voiced_languages

    languages = voiced_languages()
    if len(languages) != 1:
        have = " and ".join(languages) or "no language yet"
        raise click.UsageError(
            f"The series has voices in {have}: use dubkit characters set-voice ID VOICE --to LANG."
        )
    return languages[0]


def _argument(name: str) -> str:
    return "renamed_" + name.lstrip("-").replace("-", "_")


def _say_name(_context: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None:
        name = param.opts[0]
        click.echo(f"Warning: {name} is called {RENAMED[name][1]} here.", err=True)
    return value


def _say_words(_context: click.Context, param: click.Parameter, value: bool | None) -> bool | None:
    if value:
        name = param.opts[0]
        more = f" {NOT_REAL_TIME}" if name == "--realtime" else ""
        click.echo(f"Warning: {name} is called {SAME_WORDS[name][2]} here.{more}", err=True)
    return value


def _say_depth(_context: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    if value is not None:
        depth = value * FULL_DUCKING_DB
        click.echo(f"Warning: --ducking-strength {value:g} is --set mix.duck_db={depth:g} here.", err=True)
    return value


def _say_syllables(_context: click.Context, _param: click.Parameter, value: float | None) -> None:
    if value is not None:
        click.echo(f"Warning: {NO_WORDS.format(value=value)}", err=True)
