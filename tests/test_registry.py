"""Registries: dubkit's own records and those of other packages come through one door."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dubkit import registry as module
from dubkit.errors import PluginFailed
from dubkit.registry import Registry, registries
from tests.support.plugins import install


@dataclass(frozen=True)
class Thing:
    name: str
    settings: type | None = None
    models: object = ()


@dataclass(frozen=True)
class Part:
    name: str
    hindrance: Callable[[], str]
    work: Callable[[], None]
    settings: type | None = None


OWN = Thing("own")
OTHER = Thing("other")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(module, "_entry_points_by_group", module._entry_points_by_group.__wrapped__)
    return tmp_path


def things(*own: str) -> Registry[Thing]:
    return Registry("thing", "dubkit.things", Thing, own)


def test_own_records_keep_their_order_and_strangers_follow_by_name(folder: Path) -> None:
    body = "from tests.test_registry import Thing\nB = Thing('b')\nA = Thing('a')\n"
    install(folder, "thing_ab", body, "b = thing_ab:B\na = thing_ab:A", "dubkit.things")
    found = things("tests.test_registry:OTHER", "tests.test_registry:OWN")
    assert found.names == ("other", "own", "a", "b")
    assert found.problems == ()
    assert found.get("own") is OWN
    assert found.get("nobody") is None
    assert "a" in found
    assert (found.package("a"), found.package("own")) == ("thing_ab 1.0", "")


@pytest.mark.parametrize(
    ("body", "points", "problem"),
    [
        ("raise RuntimeError('no licence')", "x = bad:X", "bad:X cannot be loaded: RuntimeError: no licence"),
        ("X = 3", "x = bad:X", "bad:X is a int, not a Thing"),
        (
            "from tests.test_registry import Thing\nX = Thing('y')",
            "x = bad:X",
            "the record is named 'y', its entry point 'x': use one name",
        ),
        (
            "from tests.test_registry import Thing\nX = Thing('own')",
            "own = bad:X",
            "there is a thing named 'own' already, of dubkit",
        ),
        (
            "from tests.test_registry import Thing\nclass Own: y: int\nX = Thing('x', Own)",
            "x = bad:X",
            "its settings cannot be read: TypeError: must be called with a dataclass type or instance",
        ),
        (
            "from tests.test_registry import Thing\nX = Thing('x', models=('m',))",
            "x = bad:X",
            "its models are not a tuple of ModelSpec",
        ),
        ("", "x = nowhere:X", "nowhere:X cannot be loaded: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_a_bad_plugin_is_named_and_left_out(folder: Path, body: str, points: str, problem: str) -> None:
    install(folder, "bad", body, points, "dubkit.things")
    sys.modules.pop("bad", None)
    found = things("tests.test_registry:OWN")
    assert found.names == ("own",)
    assert [(bad.package, bad.problem) for bad in found.problems] == [("bad 1.0", problem)]


def test_every_registry_is_declared_once_and_reads_well() -> None:
    found = registries()
    assert len({registry.group for registry in found}) == len(found)
    for registry in found:
        assert registry.names, registry.kind
        assert registry.problems == (), registry.kind


def test_what_breaks_in_another_package_names_it(folder: Path) -> None:
    body = (
        "from tests.test_registry import Part\n"
        "def broken(*_):\n    raise KeyError('licence')\n"
        "PART = Part('part', hindrance=broken, work=broken)\n"
    )
    install(folder, "breaks", body, "part = breaks:PART", group="dubkit.things")
    found: Registry[Part] = Registry("part", "dubkit.things", Part, ())
    part = found.get("part")
    assert part is not None
    assert part.hindrance().startswith("breaks 1.0: part.hindrance failed: KeyError: 'licence'")
    with pytest.raises(PluginFailed, match=r"breaks 1\.0: part\.work failed: KeyError: 'licence'\nUpdate or"):
        part.work()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("1, 'Help.', flag='three'", "flag 'three' is not of the form --x-…"),
        ("1, 'Help.', flag='--mode'", "flag '--mode' is not of the form --x-…"),
        ("'a', 'Help.', choices=('a', 'b')", "choices is no function"),
        ("'a', 'Help.', choices=lambda: (1, 2)", "choices gives (1, 2), not texts"),
        ("'c', 'Help.', choices=lambda: ('a', 'b')", "its default does not fit: "),
        ("-1, 'Help.'", "its default does not fit: "),
    ],
)
def test_a_setting_that_is_declared_wrongly_is_named(folder: Path, arguments: str, problem: str) -> None:
    kind = "Count" if arguments.startswith("-1") else "str" if "'a'" in arguments else "int"
    body = (
        "from dataclasses import dataclass\n"
        "from dubkit.settings import Count, option\n"
        "from tests.test_registry import Thing\n"
        f"@dataclass(frozen=True)\nclass Own:\n    size: {kind} = option({arguments})\n"
        "X = Thing('x', Own)\n"
    )
    install(folder, "declares", body, "x = declares:X", "dubkit.things")
    sys.modules.pop("declares", None)
    found = things()
    assert found.names == ()
    assert [bad.problem.split("its setting part.x.size: ")[1][: len(problem)] for bad in found.problems] == [
        problem
    ]


def test_a_module_that_ends_the_program_is_a_bad_plugin_too(folder: Path) -> None:
    install(folder, "leaves", "raise SystemExit(3)", "x = leaves:X", "dubkit.things")
    assert [bad.problem for bad in things().problems] == ["leaves:X cannot be loaded: SystemExit: 3"]
