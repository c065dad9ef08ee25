"""Where the project's own files lie, and the material that may lie beside a checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

SAMPLE = ROOT / "Input" / "sample.mp4"
DATA = ROOT / "tests" / "data"

SHARED = Path(os.environ.get("TEST_MATERIAL") or ROOT.parent / "shared")
"""Real clips and reference tensors; not part of the project, so tests that need them may be left out."""

MEDIA = SHARED / "media"
GOLDEN = SHARED / "golden"

LEFT_OUT = "needs material that is not beside this checkout"
"""How the reason begins when a test is left out for want of it."""

needs_media = pytest.mark.skipif(not MEDIA.is_dir(), reason=f"{LEFT_OUT}: real clips")


def require(path: Path) -> Path:
    """Return a file of the material; without it the test that asks is left out."""
    if not path.exists():
        pytest.skip(f"{LEFT_OUT}: {path.name}")
    return path
