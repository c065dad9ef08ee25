"""Settings: their values, and where each of them came from.

Values are layered, later ones win: built-in default, `--mode` preset, `dubkit.toml` of the working
folder, `dubkit.toml` beside the input, environment (`DUBKIT_MIX_DUCK_DB`), command-line flag.
Only the command line and the web server build settings; everything below receives them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from dubkit.dubbing.settings import Dub
from dubkit.errors import SettingError
from dubkit.media.delivery.settings import Stitch
from dubkit.media.files.settings import Extract
from dubkit.media.picture.settings import ShotDetection
from dubkit.media.playout.settings import Playout
from dubkit.media.separation.settings import Separate
from dubkit.media.sound.settings import Mix
from dubkit.models.settings import Models
from dubkit.qc.settings import Qc
from dubkit.registry import names_of, registries, resolve
from dubkit.remote.settings import RemoteStores
from dubkit.series.settings import SeriesPlace
from dubkit.settings import Setting, option, section_settings
from dubkit.speech.settings import Diarize, Songs, Transcribe
from dubkit.translate.settings import Translate
from dubkit.voice.settings import Casting, Expressive, Speak, Timing

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run depends on. Sections are the tables of `dubkit.toml`."""

    extract: Extract = field(default_factory=Extract)
    shots: ShotDetection = field(default_factory=ShotDetection)
    diarize: Diarize = field(default_factory=Diarize)
    transcribe: Transcribe = field(default_factory=Transcribe)
    music: Songs = field(default_factory=Songs)
    separate: Separate = field(default_factory=Separate)
    translate: Translate = field(default_factory=Translate)
    cast: Casting = field(default_factory=Casting)
    express: Expressive = field(default_factory=Expressive)
    timing: Timing = field(default_factory=Timing)
    speak: Speak = field(default_factory=Speak)
    dub: Dub = field(default_factory=Dub)
    mix: Mix = field(default_factory=Mix)
    stitch: Stitch = field(default_factory=Stitch)
    stream: Playout = field(default_factory=Playout)
    qc: Qc = field(default_factory=Qc)
    models: Models = field(default_factory=Models)
    store: RemoteStores = field(default_factory=RemoteStores)
    series: SeriesPlace = field(default_factory=SeriesPlace)
    mode: Literal["low", "medium", "high"] = option(
        "medium", "Preset: low is quick, high is careful.", flag="--mode", job=True, label="Quality"
    )
    device: Literal["auto", "cuda", "cpu"] = option("auto", "Where models run.", flag="--device")
    overlap: bool = option(
        False,
        "Whether stages that do not need each other run at once, where cores and memory allow.",
        flag="--overlap",
    )
    engine: str = option(
        "auto",
        "Voice only, or lips and voice together (justdubit); auto takes the best that can work here.",
        choices=names_of("dubkit.engines.engine:ENGINES", "auto"),
        flag="--engine",
        job=True,
        label="Engine",
    )

    tables: tuple[tuple[str, Any], ...] = ()
    """Tables of other sections that are not all defaults: dotted name -> instance of the section."""

    def value(self, name: str) -> Any:
        """Return the value of the dotted setting `name`, such as `mix.duck_db` or `speak.kokoro.threads`.

        Raises KeyError for a name that is no setting.
        """
        table, _, leaf = name.rpartition(".")
        owner = dict(self.tables).get(table) or getattr(self, table, None) if table else self
        if owner is not None:
            return getattr(owner, leaf)
        defaults = {entry.name: entry.default for entry in all_settings()}
        return defaults[name]

    def table(self, name: str, section: type[Section]) -> Section:
        """Return a table that is no field here, such as `speak.kokoro`, as an instance of its section."""
        own = dict(self.tables).get(name)
        return own if isinstance(own, section) else section()


PRESETS: dict[str, dict[str, Any]] = {
    "low": {"transcribe.beam": 1, "qc.round_trip": False},
    "medium": {},
    "high": {"transcribe.beam": 8, "transcribe.batch_size": 4},
}
"""What `--mode` changes. `high` also takes the largest Whisper model that is on the machine."""


STARTED_BY: Mapping[str, str] = {
    "batch": "dubkit.batch.settings:BatchSettings",
    "execute": "dubkit.chain.executor:Execute",
    "pack": "dubkit.deliver.settings:PackSettings",
    "serve": "dubkit.web.settings:Serve",
    "states": "dubkit.dubbing.continuation.settings:States",
}
"""Tables of what stands above runs, by reference: table -> section."""


def sections() -> Iterator[tuple[str, type]]:
    """Yield every table with its section: those of a run, of what starts runs, and of registered parts."""
    hints = get_type_hints(Settings)
    for entry in fields(Settings):
        if hasattr(hints[entry.name], "__dataclass_fields__"):
            yield entry.name, hints[entry.name]
    for table, reference in STARTED_BY.items():
        yield table, resolve(reference)
    for registry in registries():
        for record in registry if registry.table is not None else ():
            if record.settings is not None:
                yield f"{registry.table}.{record.name}" if registry.table else record.name, record.settings


def section_title(section: type) -> str:
    """Return what a section is about: the first line of its docstring."""
    return (section.__doc__ or section.__name__).partition("\n")[0].rstrip(".")


@cache
def all_settings() -> tuple[Setting, ...]:
    """Return every setting, table by table, and those without a table at the end of dubkit's own."""
    own = [entry for table, section in sections() for entry in section_settings(section, table)]
    return (*own, *section_settings(Settings, ""))


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and where each value came from by dotted name."""

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    """Sentences about settings that count under another name now."""


def configure(
    flags: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    folders: tuple[Path, ...] = (),
) -> Configuration:
    """Layer defaults, preset, files, environment and `flags` (dotted name -> value; None is not given).

    `folders` are searched for `dubkit.toml` in order, later ones win. Raises SettingError for an unknown
    name or a value that does not fit, naming the file, variable or flag it came from.
    """
    known = {entry.name: entry for entry in all_settings()}
    layers: list[tuple[str, dict[str, Any]]] = []
    for folder in dict.fromkeys(folders):
        file = folder / "dubkit.toml"
        if file.is_file():
            layers.append((str(file), _read_toml(file, known)))
    for variable, values in _from_environment(environment, known):
        layers.append((variable, values))
    layers.extend(
        (known[name].flag or f"--set {name}" if name in known else "command line", {name: value})
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
            chosen[name] = _converted(known[name], value, origin)
            origins[name] = origin
    warnings = _map_limits(chosen, origins, known)
    return Configuration(_build(chosen), origins, warnings)


PACES = {"speak.min_speed": "timing.min_pace", "speak.max_speed": "timing.max_pace"}
"""Limits of speaking line by line -> those of the schedule."""


def _map_limits(
    chosen: dict[str, Any], origins: dict[str, str], known: Mapping[str, Setting]
) -> tuple[str, ...]:
    """Let limits of speaking line by line count for the schedule, where it has none of its own.

    Returns a sentence on each. One that no schedule can have is left alone.
    """
    if chosen.get("timing.schedule", known["timing.schedule"].default) == "off":
        return ()
    warnings = []
    for old, new in PACES.items():
        if origins[old] == "default" or origins[new] != "default":
            continue
        with suppress(SettingError):
            chosen[new], origins[new] = known[new].converted(chosen[old], ""), origins[old]
            warnings.append(
                f"{old} (from {origins[old]}) counts as {new}, because lines are scheduled together. "
                f"Set {new} instead."
            )
    return tuple(warnings)


def _converted(setting: Setting, value: Any, origin: str) -> Any:
    """Return a value as its setting takes it. Raises SettingError with the place where it was set."""
    fitting = setting.converted(value, origin)
    if not setting.language or not fitting or fitting.lower() == "auto":
        return fitting
    from dubkit.translate.language import normalise

    try:
        return normalise(fitting, setting.name)
    except SettingError as error:
        raise error.of(origin) from None


def changed_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings of a run that are not the defaults: no secrets, and none about the machine."""
    return {
        entry.name: value
        for entry in all_settings()
        if not entry.secret and not entry.machine
        if (value := settings.value(entry.name)) != entry.default
    }


def with_settings(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings with other values (dotted name -> value).

    Names and values that no longer fit, such as those of an older version, are left out.
    """
    chosen = {entry.name: settings.value(entry.name) for entry in all_settings()}
    known = {entry.name: entry for entry in all_settings()}
    for name, value in values.items():
        if name in known:
            with suppress(SettingError):
                chosen[name] = _converted(known[name], value, "last run")
    return _build(chosen)


def _build(chosen: Mapping[str, Any]) -> Settings:
    by_table: dict[str, dict[str, Any]] = {}
    for name, value in chosen.items():
        table, _, leaf = name.rpartition(".")
        by_table.setdefault(table, {})[leaf] = value
    top = by_table.pop("", {})
    classes = dict(sections())
    parts = {table: classes[table](**values) for table, values in by_table.items()}
    own = {table: part for table, part in parts.items() if table in Settings.__dataclass_fields__}
    others = sorted(
        (table, part) for table, part in parts.items() if table not in own and part != type(part)()
    )
    return Settings(**own, **top, tables=tuple(others))


def _read_toml(file: Path, known: Mapping[str, Setting]) -> dict[str, Any]:
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
    environment: Mapping[str, str], known: Mapping[str, Setting]
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


def _unusable(name: str) -> str:
    """Return a pointer to the doctor where a name is that of an installed part that cannot be used."""
    words = set(name.lower().replace("_", "-").split("."))
    bad = [problem for registry in registries() for problem in registry.problems if problem.name in words]
    return f"; {bad[0].package} cannot be used, dubkit doctor says why" if bad else ""


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    import difflib

    if hint := _unusable(name):
        return hint
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "; dubkit config lists them all"
