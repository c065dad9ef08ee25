"""The options of a batch as arguments for the process of each episode, and for the shell of a person."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
from click.core import ParameterSource

from dubkit.cli.options import _argument

ELSEWHERE = {"targets", "output", "resume", "dry_run"}
"""Options that are put together anew for each episode, or mean nothing there."""

CHILD_ONLY = {"verbose", "debug"}
"""Options that do not change what a batch is."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """Options that the command line gave."""

    arguments: tuple[str, ...]
    """For the process of an episode."""
    shown: tuple[str, ...]
    """The same without secrets, for the report and the name of the batch."""
    languages: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variable -> value: arguments of a process can be read by everybody on the machine."""


def pass_on(context: click.Context, params: Sequence[click.Parameter]) -> PassedOn:
    """Collect the options that were given on the command line of `context`."""
    from dubkit.config import all_settings

    secret = {entry.name: entry.variable for entry in all_settings() if entry.secret}
    by_argument = {_argument(name): variable for name, variable in secret.items()}
    arguments: list[str] = []
    shown: list[str] = []
    secrets: dict[str, str] = {}
    for param in params:
        name = param.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if (
            not given
            or name in ELSEWHERE
            or name not in context.params
            or not isinstance(param, click.Option)
        ):
            continue
        value = context.params[name]
        if name in by_argument:
            secrets[by_argument[name]] = str(value)
            continue
        if name == "named":
            secrets |= _secret_pairs(value, secret)
            value = [pair for pair in value if pair.partition("=")[0].strip() not in secret]
        words = list(_words(param, value))
        arguments += words
        shown += words if name not in CHILD_ONLY else []
    languages = [word for tag in context.params["targets"] for word in ("--to", tag)]
    return PassedOn(tuple(arguments), tuple(shown), tuple(languages), secrets)


def _secret_pairs(pairs: Iterable[str], secret: Mapping[str, str]) -> dict[str, str]:
    split = [(name.strip(), value.strip()) for name, _, value in (pair.partition("=") for pair in pairs)]
    return {secret[name]: value for name, value in split if name in secret}


def _words(param: click.Option, value: Any) -> Iterable[str]:
    """Yield an option with its value as it would be typed."""
    if param.is_flag:
        yield param.opts[0] if value or not param.secondary_opts else param.secondary_opts[0]
        return
    long = max(param.opts, key=len)
    for one in value if param.multiple else [value]:
        yield f"{long}={one}"


def shell_words(words: Iterable[str]) -> str:
    """Return words for a shell, each quoted where it must be; bytes that are no text become escapes.

    >>> shell_words(["dubkit", "run", "My film's end.mkv"])
    'dubkit run \\'My film\\'"\\'"\\'s end.mkv\\''
    """
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    try:
        word.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(word)
        plain = {ord("'"): "\\'", ord("\\"): "\\\\"}
        return "$'" + "".join(plain.get(b, chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in raw) + "'"
    return shlex.quote(word)
