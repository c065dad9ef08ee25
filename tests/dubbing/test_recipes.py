"""Recipes as data: what each is, what it refuses, and sizes as a user gives them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from dubkit.dubbing.diffusion.recipes import (
    DISTILLED,
    DISTILLED_DUB,
    DUB_IT,
    DUB_SECOND_STAGE,
    JUSTDUBIT,
    PREVIEW,
    RECIPES,
    SECOND_STAGE,
    STRIDE,
)
from dubkit.dubbing.diffusion.schedules import ltx2_sigmas
from dubkit.dubbing.planning.sizes import CELL


def test_four_recipes_are_known_by_name() -> None:
    assert list(RECIPES) == ["justdubit", "dub-it", "preview", "distilled"]
    assert all(recipe.name == name for name, recipe in RECIPES.items())


def test_justdubit_has_the_published_numbers() -> None:
    assert (JUSTDUBIT.steps, JUSTDUBIT.guidance, JUSTDUBIT.height, JUSTDUBIT.width) == (30, 3.0, 512, 768)
    assert torch.equal(JUSTDUBIT.first_sigmas(), ltx2_sigmas(30))
    assert JUSTDUBIT.second_levels == DUB_SECOND_STAGE == (0.725, 0.421875, 0.0)
    assert JUSTDUBIT.second_steps == 2
    assert JUSTDUBIT.first_loras == (("dubbing-lora", 1.0),)
    assert JUSTDUBIT.second_loras == (("dubbing-lora", 1.0), ("distilled-lora", 1.0))
    assert (JUSTDUBIT.generation, JUSTDUBIT.targets_only, JUSTDUBIT.still_crf) == ("A", True, 29)


def test_dub_it_has_its_own_steps_sound_and_files() -> None:
    assert (DUB_IT.first_levels, DUB_IT.second_levels) == (DISTILLED, SECOND_STAGE)
    assert not DUB_IT.negative_prompt
    assert (DUB_IT.generation, DUB_IT.targets_only, DUB_IT.sound, DUB_IT.first_frame) == (
        "C",
        False,
        "before",
        False,
    )
    assert DUB_IT.files == "LTX-2.3"
    assert DUB_IT.lora_roles == {"dubbing-lora"}


def test_preview_is_small_and_unguided() -> None:
    assert PREVIEW.height * PREVIEW.width * 4 == JUSTDUBIT.height * JUSTDUBIT.width
    assert torch.equal(PREVIEW.first_sigmas(), torch.tensor(DISTILLED))
    assert not PREVIEW.negative_prompt


def test_distilled_is_preview_at_full_size_and_prefers_a_distilled_checkpoint() -> None:
    assert (DISTILLED_DUB.height, DISTILLED_DUB.width) == (JUSTDUBIT.height, JUSTDUBIT.width)
    assert torch.equal(DISTILLED_DUB.first_sigmas(), torch.tensor(DISTILLED))
    assert DISTILLED_DUB.second_levels == JUSTDUBIT.second_levels
    assert not DISTILLED_DUB.negative_prompt
    assert [name for name, recipe in RECIPES.items() if recipe.distilled_checkpoint] == ["distilled"]


def test_a_recipe_with_other_values_leaves_the_named_one_alone() -> None:
    quick = JUSTDUBIT.with_(steps=4, guidance=1.0)
    assert (quick.steps, quick.guidance, len(quick.first_sigmas())) == (4, 1.0, 5)
    assert JUSTDUBIT.steps == 30


@pytest.mark.parametrize(
    ("recipe", "changes", "said"),
    [
        (JUSTDUBIT, {"steps": 0}, "0 steps"),
        (JUSTDUBIT, {"reference_strength": 1.5}, "reference_strength is 1.5"),
        (JUSTDUBIT, {"still_strength": -0.1}, "still_strength is -0.1"),
        (JUSTDUBIT, {"reference_scale": 0}, "reference_scale is 0"),
        (JUSTDUBIT, {"stepz": 3}, "no stepz"),
        (DUB_IT, {"steps": 12}, "8 fixed steps, not 12"),
        (PREVIEW, {"guidance": 3.0}, "takes no guidance"),
    ],
)
def test_values_outside_their_range_are_named(recipe: object, changes: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        recipe.with_(**changes)  # type: ignore[attr-defined]


def test_sizes_mean_the_first_stage_or_the_result() -> None:
    assert JUSTDUBIT.first_size(512, 768) == (512, 768)
    assert DUB_IT.first_size(1088, 1920) == (544, 960)


def test_a_size_off_the_grid_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="multiple of 32, not 500; try 512"):
        JUSTDUBIT.first_size(500, 768)
    with pytest.raises(ValueError, match="multiple of 64, not 1080; try 1088"):
        DUB_IT.first_size(1080, 1920)
    assert STRIDE == CELL


def test_recipes_are_read_without_loading_torch() -> None:
    code = (
        "import sys, dubkit.dubbing, dubkit.dubbing.diffusion.recipes as r; "
        "r.RECIPES; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
