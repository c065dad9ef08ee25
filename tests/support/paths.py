"""Where the project's own files lie, and the material that may lie beside a checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

SAMPLE = ROOT / "Input" / "sample.mp4"
DATA = ROOT / "tests" / "data"

SHARED = ROOT.parent / "shared"
"""Real clips and reference tensors; not part of the project, so tests that need them may be left out."""

MEDIA = SHARED / "media"
GOLDEN = SHARED / "golden"
