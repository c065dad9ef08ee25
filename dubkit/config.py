"""Settings: what they are, and where each value came from.

Values are layered, later ones win: built-in default, `--mode` preset, `dubkit.toml` of the working
folder, `dubkit.toml` beside the input, environment (`DUBKIT_MIX_DUCK_DB`), command-line flag.
Only the command line and the web server build settings; everything below receives them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import msgspec

from dubkit.engines.engine import engine_names
from dubkit.errors import SettingError
from dubkit.media.delivery.settings import Stitch
from dubkit.models.settings import Models
from dubkit.qc.settings import Qc
from dubkit.registry import registries
from dubkit.settings import Count, Declared, Positive, Seed, Share, declared_in, option
from dubkit.speech.settings import Diarize, Transcribe
from dubkit.translate.settings import Translate
from dubkit.voice.settings import Casting, Speak

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Extract:
    """Reading the source."""

    audio_track: Count = option(
        0, "Sound track to dub, counted from 1; 0 chooses.", flag="--audio-track", job=True
    )
    audio_language: str = option(
        "", "Prefer the sound track with this language.", flag="--audio-language", job=True
    )


@dataclass(frozen=True, slots=True)
class ShotDetection:
    """Finding cuts."""

    threshold: Positive = option(
        3.0, "Change against the frames around it that counts as a cut; lower finds more.", job=True
    )
    min_seconds: Positive = option(0.4, "Shortest shot.", job=True)


@dataclass(frozen=True, slots=True)
class Dub:
    """Generating picture and voice together."""

    recipe: Literal["justdubit", "dub-it", "preview"] = option(
        "justdubit", "How a clip is generated.", job=True
    )
    steps: Count = option(0, "Guided steps of the first stage; 0 takes the recipe's.", job=True)
    guidance: Annotated[float, msgspec.Meta(ge=0.0, le=100.0)] = option(
        0.0, "Strength of guidance; 0 takes the recipe's, 1 is none.", job=True
    )
    lora_strength: Positive = option(1.0, "Strength of the dubbing LoRA.", job=True)
    distilled_strength: Positive = option(
        1.0, "Strength of the distilled LoRA in the second stage.", job=True
    )
    reference_strength: Share = option(
        1.0, "How closely the source's picture and sound are followed.", job=True
    )
    seed: Seed = option(42, "Seed of every clip that has none of its own.", job=True)
    max_frames: Annotated[int, msgspec.Meta(ge=9, le=257)] = option(
        121, "Longest clip; one of 8k+1.", job=True
    )
    handle_frames: Annotated[int, msgspec.Meta(ge=0, le=32)] = option(
        4, "Frames generated before and after what is kept, where the shot has them.", job=True
    )
    size: Annotated[int, msgspec.Meta(ge=32, le=1024)] = option(
        512, "Shorter side of a 3:2 picture in the first stage; other shapes get as many pixels.", job=True
    )
    paste: Literal["face", "full"] = option(
        "face", "What comes back: the face, or the whole picture.", job=True
    )
    float8: bool = option(False, "Round the full-precision transformer to 8 bit while it is loaded.")
    memory: Literal["auto", "resident", "component", "streaming"] = option(
        "auto", "How much of the generator is on the device at a time.", machine=True
    )
    devices: str = option("auto", "Devices that generate: auto, cpu, cuda, or cuda:0,cuda:1.", machine=True)


@dataclass(frozen=True, slots=True)
class Mix:
    """Laying the speech over the source's sound."""

    duck_db: Annotated[float, msgspec.Meta(ge=-80.0, le=0.0)] = option(
        -24.0, "Level of the source's sound under the dubbed speech, in dB.", job=True
    )
    true_peak_db: Annotated[float, msgspec.Meta(ge=-12.0, le=0.0)] = option(
        -1.0, "True-peak ceiling in dBTP.", job=True
    )
    background: str = option(
        "", "Music-and-effects track that replaces the source's sound under speech.", flag="--background"
    )


@dataclass(frozen=True, slots=True)
class Serve:
    """The web server and its workers."""

    host: str = option(
        "127.0.0.1",
        "Address to listen on; anything but this machine needs a secret and a user.",
        machine=True,
    )
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = option(
        8000, "Port to listen on; 0 takes a free one.", machine=True
    )
    database: str = option(
        "",
        "Database URL (sqlite:///… or postgresql+psycopg://…); empty is dubkit.db in the output folder.",
        secret=True,
        machine=True,
    )
    inputs: str = option(
        "Input", "Folder with the media files that jobs may name; uploads go there.", machine=True
    )
    secret: str = option("", "Key that signs sessions, 32 characters or more.", secret=True, machine=True)
    secret_file: str = option("", "File with that key, readable by you alone (mode 0600).", machine=True)
    strict_secrets: bool = option(
        False,
        "Refuse to start without a secret of one's own, even on this machine.",
        variables=("STRICT_SECRETS",),
        machine=True,
    )
    api_token: str = option(
        "", "Token that scripts send to act as an admin.", variables=("API_TOKEN",), secret=True, machine=True
    )
    hosts: str = option(
        "", "Host names the server answers to, separated by commas; empty takes this machine's.", machine=True
    )
    workers: Annotated[int, msgspec.Meta(ge=0, le=64)] = option(
        1, "Worker processes to start with the server.", machine=True
    )
    lease_seconds: Annotated[float, msgspec.Meta(ge=1.0)] = option(
        30.0, "A worker that is silent for so long loses its job.", machine=True
    )
    max_attempts: Annotated[int, msgspec.Meta(ge=1)] = option(
        5, "Times a job is begun before it counts as failed, when its workers keep dying.", machine=True
    )
    max_upload_gb: Positive = option(20.0, "Largest upload.", machine=True)
    session_hours: Positive = option(12.0, "How long a login lasts without use.", machine=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run depends on. Sections are the tables of `dubkit.toml`."""

    extract: Extract = Extract()
    shots: ShotDetection = ShotDetection()
    diarize: Diarize = Diarize()
    transcribe: Transcribe = Transcribe()
    translate: Translate = Translate()
    cast: Casting = Casting()
    speak: Speak = Speak()
    dub: Dub = Dub()
    mix: Mix = Mix()
    stitch: Stitch = Stitch()
    qc: Qc = Qc()
    models: Models = Models()
    serve: Serve = Serve()
    mode: Literal["low", "medium", "high"] = option(
        "medium", "Preset: low is quick, high is careful.", flag="--mode", job=True, label="Care"
    )
    device: Literal["auto", "cuda", "cpu"] = option("auto", "Where models run.", flag="--device")
    engine: str = option(
        "auto",
        "Voice only, or lips and voice together (justdubit); auto takes the best that can work here.",
        choices=engine_names,
        flag="--engine",
        job=True,
        label="Engine",
    )

    tables: tuple[tuple[str, Any], ...] = ()
    """Tables of registered parts that are not all defaults: dotted name -> instance of their section."""

    def value(self, name: str) -> Any:
        """Return the value of the dotted setting `name`, such as `mix.duck_db` or `speak.kokoro.threads`."""
        table, _, leaf = name.rpartition(".")
        owner = dict(self.tables).get(table) or getattr(self, table, None) if table else self
        if owner is None:
            return next(entry.default for entry in declared() if entry.name == name)
        return getattr(owner, leaf)

    def table(self, name: str, section: type[Section]) -> Section:
        """Return the table of a registered part, such as `speak.kokoro`, as an instance of its section."""
        own = dict(self.tables).get(name)
        return own if isinstance(own, section) else section()


PRESETS: dict[str, dict[str, Any]] = {
    "low": {"transcribe.beam": 1, "qc.round_trip": False},
    "medium": {},
    "high": {"transcribe.beam": 8, "transcribe.batch_size": 4},
}
"""What `--mode` changes. `high` also takes the largest Whisper model that is on the machine."""


def sections() -> Iterator[tuple[str, type]]:
    """Yield every table with its section: those of `Settings`, then those of registered parts."""
    hints = get_type_hints(Settings)
    for entry in fields(Settings):
        if hasattr(hints[entry.name], "__dataclass_fields__"):
            yield entry.name, hints[entry.name]
    for registry in registries():
        for record in registry if registry.table is not None else ():
            if record.settings is not None:
                yield f"{registry.table}.{record.name}" if registry.table else record.name, record.settings


def section_title(section: type) -> str:
    """Return what a section is about: the first line of its docstring."""
    return (section.__doc__ or section.__name__).partition("\n")[0].rstrip(".")


@cache
def declared() -> tuple[Declared, ...]:
    """Return every setting, table by table, and those without a table at the end of dubkit's own."""
    own = [entry for table, section in sections() for entry in declared_in(section, table)]
    return (*own, *declared_in(Settings, ""))


@dataclass(frozen=True, slots=True)
class Configured:
    """Settings, and where each value came from by dotted name."""

    settings: Settings
    origins: Mapping[str, str]


def configure(
    flags: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    folders: tuple[Path, ...] = (),
) -> Configured:
    """Layer defaults, preset, files, environment and `flags` (dotted name -> value; None is not given).

    `folders` are searched for `dubkit.toml` in order, later ones win. Raises SettingError for an unknown
    name or a value that does not fit, naming the file, variable or flag it came from.
    """
    known = {entry.name: entry for entry in declared()}
    layers: list[tuple[str, dict[str, Any]]] = []
    for folder in dict.fromkeys(folders):
        file = folder / "dubkit.toml"
        if file.is_file():
            layers.append((str(file), _read_toml(file, known)))
    for variable, values in _from_environment(environment, known):
        layers.append((variable, values))
    layers.extend(
        (f"--{name.rpartition('.')[2].replace('_', '-')}", {name: value})
        for name, value in flags.items()
        if value is not None
    )
    for name in flags:
        if name not in known:
            raise SettingError(name, flags[name], f"no such setting{_nearest(name, known)}", "command line")
    mode = next((values["mode"] for _, values in reversed(layers) if "mode" in values), "medium")
    if mode in PRESETS:
        layers.insert(0, (f"mode {mode}", PRESETS[mode]))
    chosen: dict[str, Any] = {}
    origins = dict.fromkeys(known, "default")
    for origin, values in layers:
        for name, value in values.items():
            chosen[name] = known[name].converted(value, origin)
            origins[name] = origin
    return Configured(_build(chosen), origins)


def changed_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings of a run that are not the defaults: no secrets, and not what is the machine's."""
    return {
        entry.name: value
        for entry in declared()
        if not entry.secret and not entry.machine
        if (value := settings.value(entry.name)) != entry.default
    }


def with_settings(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings with other values (dotted name -> value). Names and values that do not fit any more,
    as those of an older version, are left out."""
    chosen = {entry.name: settings.value(entry.name) for entry in declared()}
    known = {entry.name: entry for entry in declared()}
    for name, value in values.items():
        if name in known:
            with suppress(SettingError):
                chosen[name] = known[name].converted(value, "last run")
    return _build(chosen)


def _build(chosen: Mapping[str, Any]) -> Settings:
    by_table: dict[str, dict[str, Any]] = {}
    for name, value in chosen.items():
        table, _, leaf = name.rpartition(".")
        by_table.setdefault(table, {})[leaf] = value
    top = by_table.pop("", {})
    known = dict(sections())
    parts = {table: known[table](**values) for table, values in by_table.items()}
    own = {table: part for table, part in parts.items() if table in Settings.__dataclass_fields__}
    others = sorted(
        (table, part) for table, part in parts.items() if table not in own and part != type(part)()
    )
    return Settings(**own, **top, tables=tuple(others))


def _read_toml(file: Path, known: Mapping[str, Declared]) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(str(file), "", f"not valid TOML: {error}") from None
    flat: dict[str, Any] = {}
    _flatten(table, "", flat)
    for name, value in flat.items():
        if name not in known:
            raise SettingError(name, value, f"no such setting{_nearest(name, known)}", str(file))
    return flat


def _flatten(table: Mapping[str, Any], prefix: str, flat: dict[str, Any]) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{name}.", flat)
        else:
            flat[prefix + name] = value


def _from_environment(
    environment: Mapping[str, str], known: Mapping[str, Declared]
) -> Iterator[tuple[str, dict[str, Any]]]:
    by_variable = {entry.variable: entry.name for entry in known.values()}
    for entry in known.values():
        for variable in entry.variables:
            if environment.get(variable):
                yield variable, {entry.name: environment[variable]}
    for variable, value in sorted(environment.items()):
        if not variable.startswith("DUBKIT_"):
            continue
        if variable not in by_variable:
            raise SettingError(
                variable, value, f"no such setting{_nearest(variable, by_variable)}", "environment"
            )
        yield variable, {by_variable[variable]: value}


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "; dubkit config lists them all"
