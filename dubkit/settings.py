"""Declare settings: a section is a frozen dataclass beside what it configures, each field an `option`.

Default, bound and help of a setting are written once, and from there come its row in
`dubkit config`, its command-line option and its field in the web form. `dubkit.config` layers the values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from dubkit.errors import SettingError

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Positive = Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


def option(
    default: Any,
    help: str,
    *,
    flag: str = "",
    job: bool = False,
    label: str = "",
    choices: Callable[[], Sequence[str]] | None = None,
    job_choices: tuple[str, ...] = (),
    variables: tuple[str, ...] = (),
    machine: bool = False,
    keyed: bool = True,
    secret: bool = False,
    language: bool = False,
) -> Any:
    """Declare one setting.

    Args:
        default: the value where nothing else is set.
        help: one sentence, for `dubkit config`, the command line and the web form.
        flag: its own command-line option, such as `--speakers`; without one, `--set NAME=VALUE` sets it.
        job: whether a job of the web server may set it. Never for a path, an address or a secret: a job
            could read any file of the server, or have its keys sent away.
        label: name of the field among the first ones of the web form; empty is the form's second part.
        choices: the values it may have, asked when they are needed: the names of a registry, for example.
        machine: whether it is about this machine and not about a dub: a later run does not take it over.
        keyed: whether it enters the keys of a part's results; not the way to a service, nor what it costs.
        job_choices: the values a job may set, where they are fewer than at the machine itself.
        variables: further environment variables that set it, such as `OPENAI_API_KEY`.
        secret: whether the value is never shown.
        language: whether it is a language; its name, or a tag in another form, becomes the standard tag.
    """
    return field(
        default=default,
        repr=not secret,
        metadata={
            "help": help,
            "flag": flag,
            "job": job,
            "label": label,
            "choices": choices,
            "job_choices": job_choices,
            "variables": variables,
            "machine": machine,
            "keyed": keyed,
            "secret": secret,
            "language": language,
        },
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: dotted name, type, default and the arguments of its `option`."""

    name: str
    type: Any
    default: Any
    help: str
    flag: str = ""
    job: bool = False
    label: str = ""
    named_choices: Callable[[], Sequence[str]] | None = None
    job_choices: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    machine: bool = False
    keyed: bool = True
    secret: bool = False
    language: bool = False

    @property
    def variable(self) -> str:
        """Name of its own environment variable."""
        return "DUBKIT_" + self.name.upper().replace(".", "_").replace("-", "_")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it may have; empty where any value of its type will do."""
        if self.named_choices is not None:
            return tuple(self.named_choices())
        return tuple(str(c) for c in get_args(self.type)) if get_origin(self.type) is Literal else ()

    @property
    def plain_type(self) -> type:
        """The type without its bounds: `str`, `int`, `float` or `bool`."""
        kind = get_args(self.type)[0] if get_origin(self.type) is Annotated else self.type
        return str if get_origin(kind) is Literal else kind

    def mistake(self) -> str:
        """Return what is wrong with the arguments of its `option`, or an empty text.

        The option of another package begins with the part's name, so that none is declared twice.
        """
        part = self.name.split(".")[-2] if "." in self.name else ""
        if self.flag and not re.fullmatch(rf"--{re.escape(part)}-[a-z0-9-]+", self.flag):
            return f"flag {self.flag!r} is not of the form --{part}-…"
        if self.named_choices is not None:
            if not callable(self.named_choices):
                return "choices is no function"
            choices = self.named_choices()
            if isinstance(choices, str) or not all(isinstance(choice, str) for choice in choices):
                return f"choices gives {choices!r}, not texts"
        try:
            self.converted(self.default, "")
        except SettingError as error:
            return f"its default does not fit: {error}"
        return ""

    def converted(self, value: Any, origin: str) -> Any:
        """Return a value in the setting's type. Raises SettingError where it does not fit."""
        shown = "***" if self.secret else value
        if self.named_choices is not None and str(value) not in self.choices:
            raise SettingError(self.name, shown, f"must be one of {', '.join(self.choices)}", origin)
        return self.bounded(value, origin)

    def bounded(self, value: Any, origin: str = "") -> Any:
        """Return a value in the setting's type, choices aside. Raises SettingError beyond its bounds."""
        if isinstance(value, str) and not is_unicode(value):
            raise SettingError(self.name, "***" if self.secret else value, "it is not valid Unicode", origin)
        try:
            return msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError as error:
            shown = "***" if self.secret else value
            raise SettingError(self.name, shown, str(error).split(" - at")[0], origin) from None


def is_unicode(text: str) -> bool:
    """Tell whether a text can be written: bytes of another coding come from a terminal as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def section_settings(section: type, table: str) -> Iterator[Setting]:
    """Yield the settings of a section under the dotted name of its table (empty: no table)."""
    hints = _hints(section)
    for entry in fields(section):
        if "help" not in entry.metadata:
            continue  # a section of its own
        if entry.default is MISSING:
            raise TypeError(f"{section.__name__}.{entry.name}: a setting needs a default")
        arguments = dict(entry.metadata)
        arguments["named_choices"] = arguments.pop("choices")
        name = f"{table}.{entry.name}" if table else entry.name
        yield Setting(name, hints[entry.name], entry.default, **arguments)


def check_bounds(section: Any, table: str) -> None:
    """Raise SettingError where a value of a section does not fit its type or bounds.

    For `__post_init__`, so that a section that a library caller builds is checked, too.
    """
    for entry in section_settings(type(section), table):
        entry.bounded(getattr(section, entry.name.rpartition(".")[2]))


def check_encoding(name: str, setting: str) -> None:
    """Raise SettingError where a setting names no encoding of texts; an empty one names none on purpose."""
    import codecs

    try:
        text = not name or codecs.lookup(name)._is_text_encoding
    except LookupError:
        text = False
    if not text:
        raise SettingError(setting, name, "must be an encoding such as utf-8, cp1251, koi8-r or shift_jis")


def result_settings(section: type | None, table: str) -> tuple[Setting, ...]:
    """Return the settings of a registered part that enter the keys of its results where they are no defaults.

    None is secret, about the machine, or declared to stay out of keys.
    """
    if section is None:
        return ()
    return tuple(
        entry
        for entry in section_settings(section, table)
        if entry.keyed and not entry.secret and not entry.machine
    )


@cache
def _hints(section: type) -> Mapping[str, Any]:
    return get_type_hints(section, include_extras=True)
