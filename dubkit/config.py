"""Settings: what they are, and where each value came from.

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
from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from dubkit.errors import SettingError

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Positive = Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Name = str


def option(default: Any, help: str, **metadata: Any) -> Any:
    """Declare one setting with its default and the sentence `dubkit config` shows."""
    return field(default=default, metadata={"help": help, **metadata})


@dataclass(frozen=True, slots=True)
class Extract:
    """Reading the source."""

    audio_track: Count = option(0, "Sound track to dub, counted from 1; 0 chooses.")
    audio_language: str = option("", "Prefer the sound track with this language.")


@dataclass(frozen=True, slots=True)
class ShotDetection:
    """Finding cuts."""

    threshold: Positive = option(
        3.0, "Change against the frames around it that counts as a cut; lower finds more."
    )
    min_seconds: Positive = option(0.4, "Shortest shot.")


@dataclass(frozen=True, slots=True)
class Diarize:
    """Finding out who speaks when."""

    method: Literal["auto", "pyannote", "resemblyzer", "single"] = option("auto", "How speakers are found.")
    speakers: Count = option(0, "Number of speakers; 0 finds it.")
    max_speakers: Annotated[int, msgspec.Meta(ge=1, le=1000)] = option(
        8, "Upper bound when the number is found."
    )


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Recognising speech."""

    model: Name = option("auto", "Whisper model: auto, tiny, base, small, medium, large-v3, or a folder.")
    language: str = option("", "Language spoken in the source; empty detects it.")
    beam: Annotated[int, msgspec.Meta(ge=1, le=20)] = option(5, "Beam width of the recogniser.")
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = option(
        8, "Stretches of speech recognised at once."
    )
    hints: str = option("", "Names and terms the recogniser should expect.")
    max_seconds: Positive = option(12.0, "Longest segment.")
    pause: Positive = option(0.8, "Silence in seconds that always ends a segment.")


@dataclass(frozen=True, slots=True)
class Translate:
    """Translating segments."""

    provider: Literal["auto", "openai", "local", "nmt", "none"] = option("auto", "Who translates.")
    model: str = option(
        "gpt-4o-mini", "Model name at the OpenAI-compatible endpoint.", aliases=("OPENAI_MODEL",)
    )
    base_url: str = option("", "OpenAI-compatible endpoint.", aliases=("OPENAI_BASE_URL",))
    api_key: str = option("", "Key for the endpoint.", aliases=("OPENAI_API_KEY",), secret=True)
    gguf: str = option("", "GGUF file of a local language model.")
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=200)] = option(20, "Lines per request.")
    context: Count = option(3, "Neighbouring lines shown to the translator on each side.")
    retries: Count = option(4, "Further tries after a rate limit, server error or time-out.")
    timeout: Positive = option(120.0, "Seconds to wait for one reply.")


@dataclass(frozen=True, slots=True)
class Casting:
    """Describing and voicing the speakers."""

    file: str = option("", "cast.toml with names, descriptions and voices of the speakers.")


@dataclass(frozen=True, slots=True)
class Speak:
    """Speaking the lines."""

    provider: Literal["auto", "kokoro", "hibari", "espeak"] = option("auto", "Voice engine.")
    min_speed: Positive = option(0.95, "Slowest speaking rate against the voice's own.")
    max_speed: Positive = option(1.2, "Fastest rate before silence after the line is borrowed.")


@dataclass(frozen=True, slots=True)
class Dub:
    """Generating picture and voice together."""

    recipe: Literal["justdubit", "dub-it", "preview"] = option("justdubit", "How a clip is generated.")
    steps: Count = option(0, "Guided steps of the first stage; 0 takes the recipe's.")
    guidance: Annotated[float, msgspec.Meta(ge=0.0, le=100.0)] = option(
        0.0, "Strength of guidance; 0 takes the recipe's, 1 is none."
    )
    lora_strength: Positive = option(1.0, "Strength of the dubbing LoRA.")
    distilled_strength: Positive = option(1.0, "Strength of the distilled LoRA in the second stage.")
    reference_strength: Share = option(1.0, "How closely the source's picture and sound are followed.")
    seed: Seed = option(42, "Seed of every clip that has none of its own.")
    max_frames: Annotated[int, msgspec.Meta(ge=9, le=257)] = option(121, "Longest clip; one of 8k+1.")
    handle_frames: Annotated[int, msgspec.Meta(ge=0, le=32)] = option(
        4, "Frames generated before and after what is kept, where the shot has them."
    )
    size: Annotated[int, msgspec.Meta(ge=32, le=1024)] = option(
        512, "Shorter side of a 3:2 picture in the first stage; other shapes get as many pixels."
    )
    paste: Literal["face", "full"] = option("face", "What comes back: the face, or the whole picture.")
    float8: bool = option(False, "Round the full-precision transformer to 8 bit while it is loaded.")
    memory: Literal["auto", "resident", "component", "streaming"] = option(
        "auto", "How much of the generator is on the device at a time."
    )
    devices: str = option("auto", "Devices that generate: auto, cpu, cuda, or cuda:0,cuda:1.")


@dataclass(frozen=True, slots=True)
class Mix:
    """Laying the speech over the source's sound."""

    duck_db: Annotated[float, msgspec.Meta(ge=-80.0, le=0.0)] = option(
        -24.0, "Level of the source's sound under the dubbed speech, in dB."
    )
    true_peak_db: Annotated[float, msgspec.Meta(ge=-12.0, le=0.0)] = option(
        -1.0, "True-peak ceiling in dBTP."
    )
    background: str = option("", "Music-and-effects track that replaces the source's sound under speech.")


@dataclass(frozen=True, slots=True)
class Stitch:
    """Writing the finished file."""

    container: Literal["auto", "mp4", "mkv"] = option("auto", "File format of the dub.")
    keep_original: bool = option(True, "Keep the source's sound tracks after the dubbed one.")
    subs: Literal["both", "source", "target", "none"] = option("both", "Subtitles put into the dub.")
    subs_format: Literal["srt", "vtt", "both"] = option("both", "Subtitle files written beside it.")


@dataclass(frozen=True, slots=True)
class Qc:
    """Measuring the result."""

    round_trip: bool = option(True, "Transcribe the dub and compare it with the lines.")
    max_word_error: Share = option(0.25, "Word error of a line above which it is flagged.")


@dataclass(frozen=True, slots=True)
class Models:
    """Where models come from."""

    cache: str = option("", "Folder for joined and downloaded models; empty is the user's cache folder.")
    offline: bool = option(False, "Never download.", aliases=("HF_HUB_OFFLINE",))
    hub: str = option("", "Model hub to download from.", aliases=("HF_ENDPOINT",))
    token: str = option("", "Access token for the model hub.", aliases=("HF_TOKEN",), secret=True)
    asr: str = option("", "Folder with a faster-whisper model.")
    speaker: str = option("", "File with Resemblyzer weights.")
    tts: str = option("", "Folder with kokoro.onnx, vocab.json and voices.npz.")
    pyannote: str = option("", "Folder or hub name of a pyannote pipeline.")
    generator: str = option("", "Folder with the generator's files under their published names.")
    checkpoint: str = option("", "LTX-2 checkpoint, a single safetensors file.")
    text_encoder: str = option("", "Folder with Gemma 3 12B.")
    dubbing_lora: str = option("", "JustDubit LoRA.")
    distilled_lora: str = option("", "Distilled LoRA of the checkpoint.")
    spatial_upscaler: str = option("", "Spatial latent upscaler of the checkpoint's generation.")
    temporal_upscaler: str = option("", "Temporal latent upscaler of the checkpoint's generation.")


@dataclass(frozen=True, slots=True)
class Serve:
    """The web server and its workers."""

    host: str = option(
        "127.0.0.1", "Address to listen on; anything but this machine needs a secret and a user."
    )
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = option(
        8000, "Port to listen on; 0 takes a free one."
    )
    database: str = option(
        "",
        "Database URL (sqlite:///… or postgresql+psycopg://…); empty is dubkit.db in the output folder.",
        secret=True,
    )
    inputs: str = option("Input", "Folder with the media files that jobs may name; uploads go there.")
    secret: str = option("", "Key that signs sessions, 32 characters or more.", secret=True)
    secret_file: str = option("", "File with that key, readable by you alone (mode 0600).")
    strict_secrets: bool = option(
        False,
        "Refuse to start without a secret of one's own, even on this machine.",
        aliases=("STRICT_SECRETS",),
    )
    api_token: str = option(
        "", "Token that scripts send to act as an admin.", aliases=("API_TOKEN",), secret=True
    )
    hosts: str = option(
        "", "Host names the server answers to, separated by commas; empty takes this machine's."
    )
    workers: Annotated[int, msgspec.Meta(ge=0, le=64)] = option(
        1, "Worker processes to start with the server."
    )
    lease_seconds: Annotated[float, msgspec.Meta(ge=1.0)] = option(
        30.0, "A worker that is silent for so long loses its job."
    )
    max_attempts: Annotated[int, msgspec.Meta(ge=1)] = option(
        5, "Times a job is begun before it counts as failed, when its workers keep dying."
    )
    max_upload_gb: Positive = option(20.0, "Largest upload.")
    session_hours: Positive = option(12.0, "How long a login lasts without use.")


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
    mode: Literal["low", "medium", "high"] = option("medium", "Preset: low is quick, high is careful.")
    device: Literal["auto", "cuda", "cpu"] = option("auto", "Where models run.")
    engine: Literal["auto", "voice", "justdubit"] = option("auto", "What makes the takes.")

    def value(self, name: str) -> Any:
        """Return the value of the dotted setting `name`, such as `mix.duck_db`."""
        owner: Any = self
        for part in name.split("."):
            owner = getattr(owner, part)
        return owner


PRESETS: dict[str, dict[str, Any]] = {
    "low": {"transcribe.beam": 1, "qc.round_trip": False},
    "medium": {},
    "high": {"transcribe.beam": 8, "transcribe.batch_size": 4},
}
"""What `--mode` changes. `high` also takes the largest Whisper model that is on the machine."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One setting as declared: dotted name, type, default and help."""

    name: str
    type: Any
    default: Any
    help: str
    aliases: tuple[str, ...] = ()
    secret: bool = False

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return "DUBKIT_" + self.name.upper().replace(".", "_")


@cache
def declared() -> tuple[Declared, ...]:
    """Return every setting in the order of the classes above."""
    return tuple(_declared_all())


def _declared_all() -> Iterator[Declared]:
    hints = get_type_hints(Settings, include_extras=True)
    for entry in fields(Settings):
        kind = hints[entry.name]
        if not isinstance(entry.default, type) and hasattr(entry.default, "__dataclass_fields__"):
            inner = get_type_hints(kind, include_extras=True)
            for sub in fields(kind):
                yield _declared(f"{entry.name}.{sub.name}", inner[sub.name], sub)
        else:
            yield _declared(entry.name, kind, entry)


def _declared(name: str, kind: Any, entry: Any) -> Declared:
    extra = entry.metadata
    return Declared(
        name, kind, entry.default, extra["help"], extra.get("aliases", ()), extra.get("secret", False)
    )


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
            chosen[name] = _converted(known[name], value, origin)
            origins[name] = origin
    return Configured(_build(chosen), origins)


def changed_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings of a run that are not the defaults: no secrets, and not what is the machine's."""
    return {
        entry.name: value
        for entry in declared()
        if not entry.secret
        and not entry.name.startswith("serve.")
        and entry.name not in ("dub.devices", "dub.memory")
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
                chosen[name] = _converted(known[name], value, "last run")
    return _build(chosen)


def _build(chosen: Mapping[str, Any]) -> Settings:
    sections: dict[str, dict[str, Any]] = {}
    top: dict[str, Any] = {}
    for name, value in chosen.items():
        section, _, leaf = name.rpartition(".")
        (sections.setdefault(section, {}) if section else top)[leaf] = value
    hints = get_type_hints(Settings)
    settings = Settings(**{s: hints[s](**v) for s, v in sections.items()}, **top)
    if settings.speak.min_speed > settings.speak.max_speed:
        raise SettingError("speak.min_speed", settings.speak.min_speed, "must not exceed speak.max_speed")
    return settings


def _converted(entry: Declared, value: Any, origin: str) -> Any:
    try:
        return msgspec.convert(value, entry.type, strict=False)
    except msgspec.ValidationError as error:
        shown = "***" if entry.secret else value
        raise SettingError(entry.name, shown, str(error).split(" - at")[0], origin) from None


def _read_toml(file: Path, known: Mapping[str, Declared]) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(str(file), "", f"not valid TOML: {error}") from None
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{leaf}": inner for leaf, inner in value.items()})
        else:
            flat[name] = value
    for name, value in flat.items():
        if name not in known:
            raise SettingError(name, value, f"no such setting{_nearest(name, known)}", str(file))
    return flat


def _from_environment(
    environment: Mapping[str, str], known: Mapping[str, Declared]
) -> Iterator[tuple[str, dict[str, Any]]]:
    by_variable = {entry.variable: entry.name for entry in known.values()}
    for entry in known.values():
        for alias in entry.aliases:
            if environment.get(alias):
                yield alias, {entry.name: environment[alias]}
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
