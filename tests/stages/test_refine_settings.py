"""The generator's own settings: what they make of the recipe, and which stages they make anew."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dubkit.config import Dub, Settings, configure
from dubkit.engines.justdubit.settings import TABLE, JustDubit
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.errors import SettingError
from dubkit.models.catalogue_generator import in_folder
from dubkit.models.store import ModelStore
from dubkit.types import Clip, Clips, Fit
from stages.shared import clip_jobs, generator


def context(folder: Path, weights: Path | None = None, **own: Any) -> Context:
    models = ModelStore(folder / "cache", in_folder(weights) if weights else {})
    settings = replace(Settings(), engine="justdubit", tables=((TABLE, JustDubit(**own)),) if own else ())
    return Context(EpisodeStore(folder), settings, folder / "x.mp4", "0" * 64, models, "fr")


def test_settings_refine_as_they_say(tmp_path: Path) -> None:
    plain = generator.recipe(context(tmp_path))
    changed = generator.recipe(
        context(tmp_path, refine_steps="3", refine_guidance=2.0, refine_crf=0, refine_offset=0.04)
    )
    assert (plain.second_steps, plain.second_guidance, plain.second_still_crf) == (2, 1.0, None)
    assert (changed.second_steps, changed.second_guidance, changed.second_still_crf) == (3, 2.0, 0)
    assert changed.second_offset == 0.04
    off = generator.recipe(context(tmp_path, refine=False, refine_noise=False))
    assert (off.refine, off.second_noise, off.second_steps) == (False, False, 0)


def test_guidance_of_refining_alone_needs_the_negative_prompt_too(tmp_path: Path) -> None:
    recipe = generator.recipe(context(tmp_path, refine_guidance=2.0)).with_(guidance=1.0)
    assert recipe.negative_prompt
    assert recipe.guides_second
    assert not recipe.with_(refine=False).negative_prompt


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("refine_steps", "4"),
        ("refine_guidance", "0.5"),
        ("refine_crf", "52"),
        ("refine_offset", "-1"),
        ("vocoder", "float8"),
    ],
)
def test_values_that_cannot_be_are_refused_where_they_are_given(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"dub\.justdubit\.{name} = "):
        configure({f"dub.justdubit.{name}": value}, environment={})


CLIP = Clip("c0001", "shot001", 0, 9, 9, 0, 9, ("s0001",), "…", Fit(32, 32, 0, 0, 32, 32))
STAGES = ("embed", "encode", "denoise", "refine", "decode")


def one_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an episode have one clip that is ready for every stage."""
    monkeypatch.setattr(Context, "clips", Clips("justdubit", (CLIP,), ()))
    monkeypatch.setattr(Context, "file_digest", lambda *_: "1")
    answers = {
        "generator_dubs_picture": lambda *_: True,
        "ready_clips": lambda *_: [CLIP],
        "is_driven": lambda *_: False,
        "chosen_clip": lambda *_: None,
        "kept_digest": lambda *_: "",
        "own_seed": lambda *_: None,
    }
    modules = [*(importlib.import_module(f"stages.{name}") for name in STAGES), clip_jobs]
    for module, name in product(modules, answers):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, answers[name])


@pytest.mark.parametrize(("recipe", "used"), [("justdubit", False), ("preview", True), ("distilled", True)])
def test_the_distilled_lora_enters_the_keys_of_the_first_stage_where_the_recipe_uses_it_there(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, used: bool
) -> None:
    here = context(tmp_path, weights)
    here = replace(here, settings=replace(here.settings, dub=Dub(recipe=recipe)))
    one_clip(monkeypatch)
    for stage, expected in (("denoise", used), ("refine", True)):
        (item,) = importlib.import_module(f"stages.{stage}").items(here)
        assert ("distilled-lora" in item.models) is expected
        assert ("dub.distilled_strength" in (item.settings or ())) is expected


@pytest.mark.parametrize(
    ("own", "stages"),
    [
        ({}, set()),
        ({"refine": False}, {"refine"}),
        ({"refine_steps": "3"}, {"refine"}),
        ({"refine_guidance": 2.0}, {"refine"}),
        ({"refine_noise": False}, {"refine"}),
        ({"refine_offset": 0.1}, {"refine"}),
        ({"refine_crf": 0}, {"encode"}),
        ({"upsampler": "bfloat16"}, {"refine"}),
        ({"transformer": "bfloat16"}, {"denoise", "refine"}),
        ({"text_encoder": "bfloat16"}, {"embed"}),
        ({"video": "bfloat16"}, {"encode", "decode"}),
        ({"audio": "bfloat16"}, {"encode", "decode"}),
        ({"vocoder": "bfloat16"}, {"decode"}),
    ],
)
def test_a_setting_enters_the_keys_of_the_stages_that_it_changes_and_only_when_it_is_no_default(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, own: dict[str, Any], stages: set[str]
) -> None:
    here = context(tmp_path, weights, **own)
    one_clip(monkeypatch)
    changed = {
        name
        for name in STAGES
        for item in importlib.import_module(f"stages.{name}").items(here)
        for setting in item.settings or ()
        if setting.startswith(f"{TABLE}.")
    }
    assert changed == stages


class Kept:
    """A sink that writes files into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.finished: set[str] = set()
        self.failed: dict[str, str] = {}
        self.said: list[str] = []

    @contextmanager
    def write(self, relative: str) -> Iterator[Path]:
        path = self.folder / relative.replace("/", "_")
        yield path

    @contextmanager
    def attempt(self, _item: str) -> Iterator[None]:
        yield

    def done(self, item: str, **_: Any) -> None:
        self.finished.add(item)

    def fail(self, item: str, error: Exception) -> None:
        self.failed[item] = str(error)

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.slow
def test_prompts_of_an_episode_are_read_by_several_processes_with_the_bytes_of_one(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = importlib.import_module("stages.embed")
    monkeypatch.setattr(Context, "clips", Clips("justdubit", (CLIP,), ()))
    monkeypatch.setattr(embed, "generator_dubs_picture", lambda *_: True)
    monkeypatch.setattr(embed, "chosen_clip", lambda *_: None)
    contents = []
    for workers in (1, 2):
        here = context(tmp_path, weights, text_workers=workers)
        (folder := tmp_path / f"made{workers}").mkdir()
        sink = Kept(folder)
        embed.run(here, embed.items(here), sink)
        assert (sink.finished, sink.failed) == ({"c0001", "negative"}, {})
        assert sink.said == (
            [] if workers == 1 else ["2 processes read prompts; one reads the files for all."]
        )
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 2
