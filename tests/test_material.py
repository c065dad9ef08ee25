"""A clone with nothing beside it: what needs real clips or reference tensors is left out."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import LEFT_OUT, ROOT

pytestmark = pytest.mark.slow

NAMES = ("GOLDEN", "MEDIA", "SHARED", "needs_media", "require(", "requires_golden")
RUN = ("tests/formats/test_rttm.py", "tests/media/files/test_decode.py", "tests/media/files/test_probe.py")


def alone(*arguments: str) -> str:
    """Run tests as in such a clone; return what pytest says."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        | {"TEST_MATERIAL": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_that_uses_material_can_be_read_without_it() -> None:
    files = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if any(name in path.read_text("utf-8") for name in NAMES)
    ]
    assert set(RUN) < set(files)
    alone("--collect-only", *files)


def test_tests_that_need_material_are_left_out_and_counted() -> None:
    said = alone(*RUN)
    assert LEFT_OUT in said
    assert "left out: real clips and reference tensors are not in /nonexistent." in said
    assert "passed" in said
