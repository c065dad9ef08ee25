"""Further LoRAs of an episode: named in a setting, read in order, in keys by their content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dubkit.config import Dub, Settings, all_settings
from dubkit.dubbing.loras import ExtraLoRA, lora_identities, read_loras
from dubkit.errors import SettingError
from stages.shared import generator
from tests.stages.test_generator import context


@pytest.fixture
def style(tmp_path: Path) -> Path:
    path = tmp_path / "style.safetensors"
    path.write_bytes(b"one")
    return path


def test_a_path_may_have_a_strength_and_a_colon_of_its_own(style: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd:name"
    odd.write_bytes(b"two")
    assert read_loras(f"{style}:0.8, {odd}, {odd}:-1,", "dub.loras") == (
        ExtraLoRA(style, 0.8), ExtraLoRA(odd, 1.0), ExtraLoRA(odd, -1.0),
    )  # fmt: skip
    assert read_loras("  ", "dub.loras") == ()


@pytest.mark.parametrize(
    ("entry", "said"), [("gone.safetensors:0.5", "there is no file gone.safetensors"), ("x:nan", "a number")]
)
def test_an_entry_that_cannot_be_used_is_named(entry: str, said: str) -> None:
    with pytest.raises(SettingError, match=f"dub.loras = '{entry}': .*{said}"):
        read_loras(entry, "dub.loras")


def test_content_and_strength_of_a_lora_are_in_keys_and_its_folder_is_not(
    style: Path, tmp_path: Path
) -> None:
    first = lora_identities([ExtraLoRA(style, 0.8)])
    moved = tmp_path / "other" / style.name
    moved.parent.mkdir()
    moved.write_bytes(style.read_bytes())
    assert lora_identities([ExtraLoRA(moved, 0.8)]) == first
    assert lora_identities([ExtraLoRA(style, 0.7)]) != first
    style.write_bytes(b"ONE")  # another content of the same size
    os.utime(style, ns=(1, 1))
    assert lora_identities([ExtraLoRA(style, 0.8)]) != first


def test_an_episode_without_further_loras_has_the_keys_of_before(tmp_path: Path, weights: Path) -> None:
    models = generator.identities(context(tmp_path, weights), generator.CHECKPOINT, generator.DUBBING_LORA)
    assert set(models) == {generator.CHECKPOINT, generator.DUBBING_LORA}


def test_further_loras_come_after_the_dubbing_lora_in_generator_and_key(
    tmp_path: Path, weights: Path, style: Path
) -> None:
    here = context(tmp_path, weights, dub=Dub(loras=f"{style}:0.5"))
    assert "lora-1" in generator.identities(here, generator.DUBBING_LORA)
    assert "lora-1" not in generator.identities(here, generator.CHECKPOINT, generator.TEXT)
    dubbing, extra = generator.open_generator(here, "cpu").parts.files.loras
    assert "lipdubbing" in dubbing.path.name
    assert (extra.path, extra.strength) == (style, 0.5)


def test_no_job_of_the_server_may_name_a_lora_file() -> None:
    entry = next(entry for entry in all_settings() if entry.name == "dub.loras")
    assert not entry.job
    assert entry.default == Settings().dub.loras == ""
