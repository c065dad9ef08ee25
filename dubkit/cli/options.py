"""Options that several commands share, and the settings they make."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from dubkit.config import Configured, Settings
    from dubkit.models.store import ModelStore
    from dubkit.studio import Session

F = TypeVar("F", bound=Callable[..., Any])

# option -> (setting, declaration, type, help)
SETTING_OPTIONS: tuple[tuple[str, tuple[str, ...], Any, str], ...] = (
    ("transcribe.language", ("--src-lang",), str, "Language spoken in the source; detected when left out."),
    ("mode", ("--mode",), click.Choice(["low", "medium", "high"]), "Preset: low is quick, high is careful."),
    ("device", ("--device",), click.Choice(["auto", "cuda", "cpu"]), "Where models run."),
    ("engine", ("--engine",), click.Choice(["auto", "voice", "justdubit"]), "What makes the takes."),
    ("extract.audio_track", ("--audio-track",), int, "Sound track to dub, counted from 1."),
    ("extract.audio_language", ("--audio-language",), str, "Dub the sound track with this language tag."),
    ("diarize.speakers", ("--speakers",), int, "Number of speakers, when you know it."),
    ("transcribe.model", ("--asr-model",), str, "Whisper model: base, small, medium, large-v3 or a folder."),
    (
        "translate.provider",
        ("--mt-provider",),
        click.Choice(["auto", "openai", "local", "nmt", "none"]),
        "Who translates.",
    ),
    ("translate.model", ("--mt-model",), str, "Model name at the OpenAI-compatible endpoint."),
    (
        "translate.base_url",
        ("--mt-url",),
        str,
        "OpenAI-compatible endpoint, such as http://localhost:11434/v1.",
    ),
    ("translate.gguf", ("--mt-gguf",), str, "GGUF file of a local language model."),
    (
        "speak.provider",
        ("--tts-provider",),
        click.Choice(["auto", "kokoro", "hibari", "espeak"]),
        "Voice engine.",
    ),
    ("stitch.container", ("--container",), click.Choice(["auto", "mp4", "mkv"]), "File format of the dub."),
    (
        "stitch.subs",
        ("--subs",),
        click.Choice(["both", "source", "target", "none"]),
        "Subtitle tracks put into the dub.",
    ),
    (
        "stitch.subs_format",
        ("--subs-format",),
        click.Choice(["srt", "vtt", "both"]),
        "Subtitle files written.",
    ),
    ("mix.background", ("--background",), str, "Music-and-effects track used under the speech."),
    ("models.cache", ("--model-cache",), str, "Folder for joined and downloaded models."),
)


def setting_options(function: F) -> F:
    """Add an option for each setting of `SETTING_OPTIONS`; the command gets them as keyword arguments."""
    for name, flags, kind, text in reversed(SETTING_OPTIONS):
        function = click.option(*flags, _argument(name), type=kind, default=None, help=text)(function)
    function = click.option(
        "--set",
        "named",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any setting by name; `dubkit config` lists them. May be repeated.",
    )(function)
    function = click.option("--no-subs", is_flag=True, help="Put no subtitles into the dub.")(function)
    return click.option(
        "--no-translate", is_flag=True, help="Keep the source's text: dub it in its own words."
    )(function)


def _argument(name: str) -> str:
    return "set_" + name.replace(".", "__")


def output_option(function: F) -> F:
    """Add `--output`."""
    return click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("Output"),
        show_default=True,
        help="Folder for the episodes.",
    )(function)


def load(flags: Mapping[str, Any], source: Path | None = None) -> Configured:
    """Build the settings from the flags of a command, the environment and `dubkit.toml`."""
    from dubkit.config import configure

    chosen: dict[str, Any] = {name: flags.get(_argument(name)) for name, *_ in SETTING_OPTIONS}
    if flags.get("no_subs"):
        chosen["stitch.subs"] = "none"
    if flags.get("no_translate"):
        chosen["translate.provider"] = "none"
    chosen.update(_named_settings(flags.get("named", ())))
    beside = (source.resolve().parent,) if source else ()
    return configure(chosen, environment=os.environ, folders=(Path.cwd(), *beside))


def _named_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    named: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--set {pair}: write --set NAME=VALUE, such as --set mix.duck_db=-18.")
        named[name.strip()] = value.strip()
    return named


def cache_folder(settings: Settings) -> Path:
    """Folder of joined and downloaded models."""
    from dubkit.studio import cache_folder

    return cache_folder(settings)


def model_store(settings: Settings) -> ModelStore:
    """Open the models as the settings say."""
    from dubkit.studio import open_models

    return open_models(settings)


def open_session(flags: Mapping[str, Any], output: Path, source: Path | None = None) -> Session:
    """Build what the library's functions need to open episodes."""
    from dubkit.progress import Speeds
    from dubkit.studio import Session

    configured = load(flags, source)
    settings = configured.settings
    speeds = Speeds(cache_folder(settings) / "speeds.json")
    return Session(settings, output, model_store(settings), speeds, configured.origins)


def languages(given: tuple[str, ...]) -> tuple[str, ...]:
    """Read `--to fr,pt-BR --to de` as normal tags, each once and in order."""
    from dubkit.translate.language import normalise

    tags = [normalise(tag.strip()) for value in given for tag in value.split(",") if tag.strip()]
    return tuple(dict.fromkeys(tags))
