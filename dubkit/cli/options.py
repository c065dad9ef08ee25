"""Options that several commands share, and the settings that they set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dubkit.cli.renamed import renamed_options, renamed_settings

if TYPE_CHECKING:
    from dubkit.config import Configuration
    from dubkit.settings import Setting
    from dubkit.studio import Session

F = TypeVar("F", bound=Callable[..., Any])


def setting_options(function: F) -> F:
    """Add the command-line option of every setting that has one, and `--set` for all of them."""
    for entry in reversed(flagged()):
        kind = click.Choice(entry.choices) if entry.choices else entry.plain_type
        name = f"{entry.flag}/--no-{entry.flag[2:]}" if kind is bool else entry.flag
        alone: dict[str, Any] = {}
        if set(entry.choices or ()) == {"on", "off"}:
            alone = {"is_flag": False, "flag_value": "on"}
        function = click.option(
            name, _argument(entry.name), type=kind, default=None, help=entry.help, **alone
        )(function)
    function = renamed_options(function)
    function = click.option(
        "--set",
        "named",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any setting by name; `dubkit config` lists them. Repeatable.",
    )(function)
    function = click.option("--no-subs", is_flag=True, help="Put no subtitles into the dub.")(function)
    return click.option("--no-translate", is_flag=True, help="Do not translate: dub the text of the source.")(
        function
    )


def flagged() -> list[Setting]:
    """Return the settings that have a command-line option of their own."""
    from dubkit.config import all_settings

    return [entry for entry in all_settings() if entry.flag]


def _argument(name: str) -> str:
    return "set_" + name.replace(".", "__").replace("-", "_")


class _Folder(click.Path):
    """A folder that has a name: an empty variable of a shell must not mean the folder one is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail("it is empty; name a folder, or . for this one.", param, ctx)
        if "://" in str(value):
            return self.url(str(value), param, ctx)
        return super().convert(value, param, ctx)

    def url(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse a URL, and say what brings the episodes into a folder and back."""
        self.fail(
            "this command works in a folder. Bring the episodes into one with "
            f"'dubkit sync {value}', work there, and send back what changed with the same command.",
            param,
            ctx,
        )


class _FolderOrUrl(_Folder):
    """A folder as a path, or a store by its URL as text."""

    def url(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take a URL as it is."""
        return value


def place_option(function: F) -> F:
    """Add `--output` to a command that takes the URL of a store, too."""
    return click.option(
        "--output",
        type=_FolderOrUrl(file_okay=False, path_type=Path),
        default=Path("Output"),
        show_default=True,
        metavar="FOLDER|URL",
        help="Folder of the episodes, or the URL of a store such as s3://bucket/season1.",
    )(function)


def output_option(function: F) -> F:
    """Add `--output`."""
    return click.option(
        "--output",
        type=_Folder(file_okay=False, path_type=Path),
        default=Path("Output"),
        show_default=True,
        help="Folder of the episodes.",
    )(function)


def load(flags: Mapping[str, Any], source: Path | None = None) -> Configuration:
    """Build the settings from the options of a command, the environment and `dubkit.toml`."""
    from dubkit.config import configure

    chosen: dict[str, Any] = {entry.name: flags.get(_argument(entry.name)) for entry in flagged()}
    for name, value in renamed_settings(flags).items():
        if chosen.get(name) is None:
            chosen[name] = value
    if flags.get("no_subs"):
        chosen["stitch.subs"] = "none"
    if flags.get("no_translate"):
        chosen["translate.provider"] = "none"
    chosen.update(_named_settings(flags.get("named", ())))
    if (named := chosen.get("series.file")) and named != "none":
        chosen["series.file"] = os.path.abspath(os.path.expanduser(named))  # a later run may start elsewhere
    beside = (source.resolve().parent,) if source else ()
    configured = configure(chosen, environment=os.environ, folders=(Path.cwd(), *beside))
    _warn(configured.warnings)
    return configured


def _warn(warnings: Sequence[str]) -> None:
    """Say each warning once, however many sources the command is about."""
    here = click.get_current_context(silent=True)
    said = here.meta.setdefault("dubkit.warnings", set()) if here else set()
    for warning in warnings:
        if warning not in said:
            said.add(warning)
            click.echo(f"Warning: {warning}", err=True)


def _named_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    named: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--set {pair}: write --set NAME=VALUE, such as --set mix.duck_db=-18.")
        named[name.strip()] = value.strip()
    return named


def open_session(flags: Mapping[str, Any], output: Path | str, source: Path | None = None) -> Session:
    """Open a session with the settings of a command, which opens, plans and runs episodes."""
    from dubkit import studio

    configured = load(flags, source)
    return studio.open_session(configured.settings, output, configured.origins)


def languages(values: tuple[str, ...]) -> tuple[str, ...]:
    """Read `--to fr,pt-BR --to de` as standard tags, each once and in order."""
    from dubkit.translate.language import normalise

    tags = [normalise(tag.strip()) for value in values for tag in value.split(",") if tag.strip()]
    return tuple(dict.fromkeys(tags))
