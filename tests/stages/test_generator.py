"""Which engine makes the dub, and what is said when the generator cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dubkit.config import Dub, Settings
from dubkit.engines.justdubit import record
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.errors import GeneratorError, ModelMissing, SettingError
from dubkit.models.catalogue_generator import in_folder
from dubkit.models.store import ModelStore
from stages.shared import generator
from stages.shared.engine import choose_engine
from stages.shared.generator_sound import generator_sound


def context(folder: Path, weights: Path | None, **settings: object) -> Context:
    models = ModelStore(folder / "cache", in_folder(weights) if weights else {})
    chosen = replace(Settings(), **settings)  # type: ignore[arg-type]
    return Context(EpisodeStore(folder), chosen, folder / "x.mp4", "0" * 64, models, "fr")


def test_the_voice_is_taken_without_files(tmp_path: Path) -> None:
    choice = choose_engine(context(tmp_path, None))
    assert choice.name == "voice"
    assert "checkpoint, text-encoder, dubbing-lora, distilled-lora, spatial-upscaler" in choice.reason


@pytest.mark.parametrize(("card", "name"), [(True, "justdubit"), (False, "voice")])
def test_auto_needs_a_graphics_card(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, card: bool, name: str
) -> None:
    monkeypatch.setattr(record, "_accelerator", lambda: card)
    assert choose_engine(context(tmp_path, weights)).name == name


def test_asked_for_it_runs_on_any_machine(tmp_path: Path, weights: Path) -> None:
    assert choose_engine(context(tmp_path, weights, engine="justdubit")).name == "justdubit"


def test_a_missing_file_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="dubkit models get ltx-2-19b-dev"):
        choose_engine(context(tmp_path, None, engine="justdubit"))


def test_missing_packages_are_named_with_the_way_to_get_them(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "find_spec", lambda name: None if name == "transformers" else name)
    with pytest.raises(GeneratorError, match=r'not installed: transformers\.\n.*"dubkit\[gpu\]"'):
        choose_engine(context(tmp_path, weights, engine="justdubit"))
    assert "transformers" in choose_engine(context(tmp_path, weights)).reason


def test_settings_change_the_recipe(tmp_path: Path) -> None:
    own = generator.recipe(context(tmp_path, None))
    assert (own.steps, own.guidance) == (30, 3.0)
    changed = generator.recipe(
        context(tmp_path, None, dub=Dub(steps=4, guidance=2.0, reference_strength=0.8))
    )
    assert (changed.steps, changed.guidance, changed.reference_strength) == (4, 2.0, 0.8)


def test_values_that_a_recipe_cannot_have_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="dub-it has 8 fixed steps, not 4"):
        generator.recipe(context(tmp_path, None, dub=Dub(recipe="dub-it", steps=4)))


def test_a_recipe_of_another_generation_is_refused(tmp_path: Path, weights: Path) -> None:
    here = context(tmp_path, weights, engine="justdubit", dub=Dub(recipe="dub-it"))
    with pytest.raises(Exception, match=r"dub-it needs the files of LTX-2\.3"):
        generator.open_generator(here, "cpu")


def test_the_distilled_recipe_takes_a_distilled_checkpoint_where_one_is_here(
    tmp_path: Path, weights: Path
) -> None:
    """Then it needs neither the full one nor the distilled LoRA, and their files are no part of its keys."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for file in weights.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "ltx-2-19b-dev.safetensors").rename(folder / "ltx-2-19b-distilled.safetensors")
    for name in ("ltx-2-19b-dev-fp8", "ltx-2-19b-distilled-lora-384"):
        (folder / f"{name}.safetensors").unlink()
    roles = (record.CHECKPOINT, record.DUBBING_LORA, record.DISTILLED_LORA)

    quick = context(tmp_path, folder, engine="justdubit", dub=Dub(recipe="distilled"))
    assert choose_engine(quick).name == "justdubit"
    parts = generator.open_generator(quick, "cpu").parts
    assert (parts.distilled, parts.files.distilled) == (True, None)
    assert parts.checkpoint.path.name == "ltx-2-19b-distilled.safetensors"
    assert list(generator.identities(quick, *roles)) == [record.CHECKPOINT, record.DUBBING_LORA]
    with pytest.raises(ModelMissing, match="dubkit models get ltx-2-19b-dev"):
        choose_engine(context(tmp_path, folder, engine="justdubit"))


def test_the_distilled_recipe_takes_the_full_checkpoint_with_the_distilled_lora_else(
    tmp_path: Path, weights: Path
) -> None:
    quick = context(tmp_path, weights, engine="justdubit", dub=Dub(recipe="distilled"))
    parts = generator.open_generator(quick, "cpu").parts
    assert not parts.distilled
    assert parts.files.distilled is not None
    assert parts.checkpoint.path.name == "ltx-2-19b-dev.safetensors"


def test_of_a_surround_mix_the_generator_hears_the_front() -> None:
    sound = np.zeros((6, 4), np.float32)
    sound[2] = 0.5  # the centre, where people speak
    sound[4] = 0.9  # behind
    front = generator_sound(sound, "5.1")
    assert front.shape == (2, 4)
    assert front == pytest.approx(0.5 / 2**0.5)
    sound[:3] = 0.9
    assert np.abs(generator_sound(sound, "5.1")).max() == pytest.approx(1.0)
    assert np.array_equal(generator_sound(sound[:2], "stereo"), sound[:2])
    assert generator_sound(np.ones((9, 4), np.float32), "").shape == (1, 4)
