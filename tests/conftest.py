"""What holds for the whole suite."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.browser import Pages, watched
from tests.support.browser import chromium as launch_chromium
from tests.support.desks import COUNTED, Desk, Shared
from tests.support.paths import LEFT_OUT, SHARED

if TYPE_CHECKING:
    from playwright.sync_api import Browser

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores it for what it starts in the background; the programs under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Whisper multiplies matrices with one library on every processor: with another, the sample is heard as three
# lines and not four. Read when ctranslate2 is first used, in the programs under test too.
os.environ.setdefault("CT2_USE_MKL", "1")

# Two processes share the tests: threads that spin while they wait would take the other's processor.
# Read when torch and the like are first used, in the programs under test too.
for name, value in {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}.items():
    os.environ.setdefault(name, value)

# The same few examples on every run: a failure is of the change and not of the day. To look for new ones:
# pytest --hypothesis-profile=search
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=30)
settings.register_profile("search", derandomize=False)
settings.load_profile("fixed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files with slow tests first: two processes that share files then end at about the same time."""
    if config.option.left_out:
        wanted = set(config.cache.get(LEFT_OUT_TESTS, []))
        items[:] = [item for item in items if item.nodeid in wanted]
    slow: set[Path] = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


COVERAGE = "COVERAGE_PROCESS_CONFIG"
"""Variable that lets coverage count in started processes."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Take what all tests share out of the collector's rounds, which the generator begins at every step.

    A run of the slow tests alone counts coverage in no process that they start, but in those of `COUNTED`.
    """
    gc.collect()
    gc.freeze()
    if session.config.option.markexpr == "slow" and COVERAGE in os.environ:
        COUNTED[COVERAGE] = os.environ.pop(COVERAGE)


LEFT_OUT_TESTS = "dubkit/left-out"
"""Name in pytest's cache of the tests that the last run left out for want of material."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--left-out`."""
    parser.addoption(
        "--left-out",
        action="store_true",
        help="run only the tests that the last run left out for want of material beside the checkout",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line how many tests were left out for want of material, and note which.

    A run of a part of the suite leaves the notes on the other part as they are.
    """
    skipped = terminalreporter.stats.get("skipped", [])
    names = sorted({report.nodeid for report in skipped if f"Skipped: {LEFT_OUT}" in str(report.longrepr)})
    cache = getattr(config, "cache", None)  # pytest may run without
    if cache is not None and not config.option.left_out:
        reports = (report for kind in terminalreporter.stats.values() for report in kind)
        tried = {report.nodeid for report in reports if hasattr(report, "outcome")}
        before = set(cache.get(LEFT_OUT_TESTS, []))
        cache.set(LEFT_OUT_TESTS, sorted((before - tried) | set(names)))
    if names:
        count = "1 test was" if len(names) == 1 else f"{len(names)} tests were"
        terminalreporter.write_line(
            f"{count} left out: real clips and reference tensors are not in {SHARED}."
        )


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of a module."""
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages of a module whose tests share them; what went wrong in them fails the last test."""
    with watched(chromium, tmp_path_factory.mktemp("screenshots")) as found:
        yield found


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny weights of the generator, random and small."""
    from dubkit.models.tiny.files import make_tiny

    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """What the processes of this run share: models, and dubs that are made once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return Shared(folder)


@pytest.fixture(scope="session")
def sample(shared: Shared) -> Desk:
    """The sample dubbed into Brazilian Portuguese; a test that changes it takes a copy."""
    return shared.sample()


@pytest.fixture(scope="session")
def unheard_sample(shared: Shared) -> Desk:
    """The same dub without the round trip of its check; a test that changes it takes a copy."""
    return shared.unheard_sample()
