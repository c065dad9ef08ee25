"""The doctor: everything missing has a cure, and nothing broken hides the rest."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import types
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from dubkit.config import Settings
from dubkit.errors import ToolError
from dubkit.models.catalogue import catalogue
from dubkit.models.catalogue_generator import GENERATOR_ROLES
from dubkit.models.store import ModelStore
from dubkit.ops import doctor
from dubkit.ops.diagnosis import Diagnosis
from dubkit.ops.doctor import examine
from dubkit.ops.parts import part_checks
from dubkit.speech.diarization import DIARISERS
from dubkit.speech.recognition import RECOGNISERS
from dubkit.translate.engine import TRANSLATORS
from dubkit.types.models import HubSource, ModelSpec


def by_name(checks: list[Diagnosis]) -> dict[str, Diagnosis]:
    return {check.name: check for check in checks}


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "cache", offline=True)


def fake_modules(monkeypatch: pytest.MonkeyPatch, **modules: Any) -> None:
    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda name: modules.get(name) or real(name))


def fake_torch(cuda: bool = False, mps: bool = False) -> Any:
    return types.SimpleNamespace(
        __version__="2.13.0",
        cuda=types.SimpleNamespace(
            is_available=lambda: cuda,
            get_device_name=lambda index: "H200",
            get_device_properties=lambda index: types.SimpleNamespace(total_memory=141e9),
        ),
        backends=types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps)),
    )


def test_every_failed_check_has_a_cure(store: ModelStore, tmp_path: Path) -> None:
    checks = examine(store, tmp_path / "Output")
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.found
        assert check.ok or check.cure, check


def test_every_role_is_examined(store: ModelStore) -> None:
    names = by_name(examine(store))
    roles = {spec.role for spec in catalogue() if spec.role not in GENERATOR_ROLES}
    assert {f"model: {role}" for role in roles} | {"generator files"} <= set(names)
    assert "output folder" not in names


def test_every_recogniser_diariser_and_translator_is_examined(store: ModelStore) -> None:
    names = {check.name for check in part_checks(store, Settings())}
    kinds = {"recogniser": RECOGNISERS, "diariser": DIARISERS, "translator": TRANSLATORS}
    assert {f"{kind}: {name}" for kind, registry in kinds.items() for name in registry.names} <= names


def test_this_environment_is_sound(store: ModelStore) -> None:
    checks = by_name(examine(store))
    for name in ("python", "ffmpeg", "pyav", "numpy", "opencv", "cache folder"):
        assert checks[name].ok, checks[name]


def test_nothing_is_written_by_examining(store: ModelStore, tmp_path: Path) -> None:
    examine(store, tmp_path / "Output" / "deep")
    assert list(tmp_path.iterdir()) == []


def test_missing_models_say_what_to_install_and_what_still_works(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dubkit.models.packaged.importlib.util.find_spec", lambda name: None)
    checks = by_name(examine(store))
    assert checks["model: speaker"].ok is None  # a dub without it is degraded, not impossible
    assert "--no-deps resemblyzer" in checks["model: speaker"].cure
    assert "one speaker" in checks["model: speaker"].cure
    assert checks["model: tts"].ok is None
    assert "espeak" in checks["model: tts"].cure
    assert checks["model: llm"].ok is None
    assert checks["model: diarization"].ok is None
    assert checks["voice: espeak"].ok is False
    assert checks["gpu"].ok is None


def test_a_model_without_its_runtime_is_not_sound(tmp_path: Path, store: ModelStore) -> None:
    spec = next(spec for spec in catalogue() if spec.role == "vad")
    if store.find("vad") is None:
        pytest.skip("faster-whisper is not installed")
    crippled = ModelSpec(
        "vad",
        spec.name,
        "MIT",
        "x",
        spec.files,
        in_package=spec.in_package,
        needs=("nope",),
        runtime_pip="nope",
    )
    check = by_name(examine(ModelStore(tmp_path / "cache", catalogue=(crippled,))))["model: vad"]
    assert check.ok is False
    assert "pip install nope" in check.cure


def test_a_wrong_path_is_shown_with_its_cure(tmp_path: Path) -> None:
    check = by_name(examine(ModelStore(tmp_path / "cache", {"asr": "/nowhere"})))["model: asr"]
    assert check.ok is False
    assert "/nowhere" in check.found
    assert "Correct the path" in check.cure


def test_models_on_the_hub_depend_on_downloads_being_allowed(tmp_path: Path) -> None:
    spec = ModelSpec("asr", "whisper-base", "MIT", "x", hub=HubSource("maker/model", "main"))
    allowed = by_name(examine(ModelStore(tmp_path / "cache", hub_endpoint="http://hub", catalogue=(spec,))))
    assert "maker/model" in allowed["model: asr"].cure
    assert "http://hub" in allowed["hub"].found
    forbidden = by_name(examine(ModelStore(tmp_path / "cache", offline=True, catalogue=(spec,))))
    assert "models.offline" in forbidden["model: asr"].cure
    assert forbidden["hub"].ok is None


def test_gui_opencv_beside_the_headless_one_is_found(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "5.0" if name == "opencv-python" else real(name)
    )
    check = by_name(examine(store))["opencv"]
    assert check.ok is False
    assert "pip uninstall" in check.cure


def test_missing_ffmpeg_is_said(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> tuple[str, str]:
        raise ToolError("No ffmpeg program works here.\npip install imageio-ffmpeg")

    monkeypatch.setattr(doctor, "ffmpeg_exe", none)
    check = by_name(examine(store))["ffmpeg"]
    assert check.ok is False
    assert "imageio-ffmpeg" in check.cure


def test_pyav_without_encoders_is_said(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_modules(monkeypatch, av=types.SimpleNamespace(__version__="18", codecs_available={"aac"}))
    check = by_name(examine(store))["pyav"]
    assert check.ok is False
    assert "libx264" in check.found


def test_a_broken_package_does_not_hide_the_other_checks(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def broken(name: str) -> Any:
        if name == "numpy":
            raise ImportError("libfoo.so is missing")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    checks = by_name(examine(store))
    assert checks["numpy"].ok is False
    assert "libfoo" in checks["numpy"].found
    assert checks["pyav"].ok


@pytest.mark.parametrize(
    ("cuda", "mps", "ok", "words"),
    [(True, False, True, "H200, 141 GB"), (False, True, True, "Apple"), (False, False, None, "none seen")],
)
def test_gpu_is_reported_and_never_demanded(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, ok: bool | None, words: str
) -> None:
    fake_modules(monkeypatch, torch=fake_torch(cuda, mps))
    monkeypatch.setattr(doctor, "package_folder", lambda name: Path("x"))
    check = by_name(examine(store))["gpu"]
    assert check.ok is ok
    assert words in check.found


def test_little_memory_and_disk_are_said(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=5e8, total=4e9))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=1_000_000))
    checks = by_name(examine(store))
    assert checks["memory"].ok is False
    assert "--mode low" in checks["memory"].cure
    assert checks["cache folder"].ok is False
    assert "models.cache" in checks["cache folder"].cure


@pytest.mark.skipif(os.name == "nt", reason="folder permissions work differently")
def test_folder_that_cannot_be_written_is_said(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    check = by_name(examine(store))["cache folder"]
    assert check.ok is False
    assert "Permission denied" in check.found
