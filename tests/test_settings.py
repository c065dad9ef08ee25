"""Sections of settings: bounds that hold for library callers too, and what enters keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import pytest

from dubkit.config import all_settings
from dubkit.errors import SettingError
from dubkit.settings import check_bounds, option, result_settings


@dataclass(frozen=True, slots=True)
class Kettle:
    """Boiling water."""

    cups: Annotated[int, msgspec.Meta(ge=1, le=4)] = option(2, "Cups to boil.")
    key: str = option("", "Key of the kettle.", secret=True)
    socket: str = option("", "Where it is plugged in.", machine=True)
    tea: str = option("green", "Kind of tea.", choices=lambda: ("green", "black"))

    def __post_init__(self) -> None:
        check_bounds(self, "kettle")


def test_a_section_holds_its_bounds_when_it_is_built() -> None:
    assert Kettle(cups=4).cups == 4
    with pytest.raises(SettingError, match=r"kettle\.cups = 5"):
        Kettle(cups=5)


def test_choices_are_the_configurations_to_check() -> None:
    assert Kettle(tea="white").tea == "white"  # reading them here could import a registry too early


def test_secrets_do_not_show() -> None:
    assert "1234" not in repr(Kettle(key="1234"))
    with pytest.raises(SettingError, match=r"kettle\.key = '\*\*\*'"):
        Kettle(key=1234j)  # type: ignore[arg-type]


def test_what_may_change_a_result_is_neither_secret_nor_about_the_machine() -> None:
    assert [entry.name for entry in result_settings(Kettle, "kettle")] == ["kettle.cups", "kettle.tea"]
    assert result_settings(None, "kettle") == ()


def test_a_text_that_is_no_unicode_is_refused_by_name() -> None:
    setting = next(entry for entry in all_settings() if entry.name == "transcribe.hints")
    with pytest.raises(SettingError, match=r"transcribe\.hints.*not valid Unicode"):
        setting.converted("caf\udce9", "--set")
