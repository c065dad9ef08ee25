"""What a caller changes about the second stage: values that cannot be, what travels, and what they do."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import dubkit.dubbing as names
from dubkit.dubbing import JustDubitPipeline, LoRA, pipeline
from dubkit.dubbing.diffusion import generate
from dubkit.dubbing.diffusion.clip_latents import Carry, EncodedClip, FirstStage, View
from dubkit.dubbing.diffusion.parts import GeneratorUnfit
from dubkit.dubbing.diffusion.precision import Precision
from dubkit.dubbing.diffusion.recipes import DUB_IT, JUSTDUBIT, SECOND_STAGE, Recipe
from dubkit.dubbing.diffusion.refining import RefineOverride, RefinePreset, refine_override_to_dict
from dubkit.ltx import components
from dubkit.ltx.weights import Checkpoint
from dubkit.models.tiny.files import make_tiny
from tests.support.clips import model_files, write_film
from tests.support.paths import ROOT

QUICK = JUSTDUBIT.with_(steps=1, guidance=1.0)
PROMPT = 'The man is speaking French, saying: "Bonjour."'


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return model_files(folder)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", 9, size=(64, 64))


def dubber(files: dict[str, Path], **changes: Any) -> JustDubitPipeline:
    named: dict[str, Any] = {**files, "distilled_lora_strength": 1.0, "device": "cpu"}
    return JustDubitPipeline(**named | {"loras": [LoRA(named.pop("lora"), 1.0)]} | changes)


def dub(pipeline: JustDubitPipeline, film: Path, **call: Any) -> tuple[Tensor, Tensor]:
    values: dict[str, Any] = {"height": 64, "width": 64, "recipe": QUICK}
    video, audio = pipeline(PROMPT, video_conditioning=[(film, 1.0)], **(values | call))
    return torch.cat(list(video)), audio


# --- values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_inference_steps": 1}, r"num_inference_steps is 1; 2 or 3 is expected"),
        ({"num_inference_steps": 4}, r"num_inference_steps is 4; 2 or 3 is expected"),
        ({"num_inference_steps": 2.0}, r"num_inference_steps is 2\.0; 2 or 3"),
        ({"num_inference_steps": True}, "num_inference_steps is True"),
        ({"guidance_scale": 0.5}, r"guidance_scale is 0\.5; a number from 1 to 100"),
        ({"guidance_scale": math.nan}, "guidance_scale is nan"),
        ({"guidance_scale": "3"}, "guidance_scale is '3'"),
        ({"image_crf": 52}, "image_crf is 52; a whole number from 0 to 51"),
        ({"image_crf": -1}, "image_crf is -1"),
        ({"image_crf": 29.5}, r"image_crf is 29\.5"),
        ({"video_position_offset_sec": -0.01}, r"video_position_offset_sec is -0\.01"),
        ({"video_position_offset_sec": math.inf}, "video_position_offset_sec is inf"),
    ],
)
def test_values_that_cannot_be_are_refused_when_an_override_is_built(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RefineOverride(**values)
    with pytest.raises(ValueError, match=message):
        RefineOverride.from_dict(values)


def test_a_preset_is_true_or_false() -> None:
    with pytest.raises(ValueError, match=r"refine\.enabled is 'yes'; true or false is expected"):
        RefinePreset(enabled="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("override", [RefinePreset(), RefineOverride()])
def test_an_override_that_sets_nothing_is_empty_and_changes_no_recipe(
    override: RefinePreset | RefineOverride,
) -> None:
    assert override.to_dict() == {}
    assert override.applied(JUSTDUBIT) == JUSTDUBIT


def test_what_is_set_travels_as_json_and_nothing_else() -> None:
    override = RefineOverride(num_inference_steps=3, video_position_offset_sec=0.0)
    sent = json.loads(json.dumps(refine_override_to_dict(override)))
    assert sent == {"num_inference_steps": 3, "video_position_offset_sec": 0.0}
    assert RefineOverride.from_dict(sent) == override
    preset = RefinePreset(add_noise=False)
    assert preset.to_dict() == {"add_noise": False}
    assert RefinePreset.from_dict({"add_noise": False}) == preset


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"refine has no steps; it has num_inference_steps, guidance_scale"):
        RefineOverride.from_dict({"steps": 2})


def test_the_names_of_fastvideo_are_the_same_classes() -> None:
    assert names.LTX2RefineStageOverride is RefineOverride
    assert names.LTX2RefinePresetOverride is RefinePreset
    assert names.refine_override_to_dict is refine_override_to_dict
    assert (names.LTX2_CONTINUATION_KIND, names.LTX2_CONTINUATION_SCHEMA_VERSION) == ("ltx2.v1", 1)


@pytest.mark.parametrize("recipe", [JUSTDUBIT, DUB_IT])
def test_two_steps_are_the_last_two_of_three(recipe: Recipe) -> None:
    levels = [RefineOverride(steps).applied(recipe).second_levels for steps in (2, 3)]
    assert levels == [SECOND_STAGE[1:], SECOND_STAGE]


# --- what they do


@pytest.fixture(scope="module")
def network(files: dict[str, Path]) -> Any:
    return components.open_transformer(Checkpoint(files["checkpoint_path"]), "cpu", torch.float32).network


def begun(network: Any, recipe: Recipe, carry: Carry | None = None) -> generate.DiffusionStart:
    channels = network.config.video.in_channels
    encoded = EncodedClip(9, 64, 64, 2, 16, View((), None), View((), torch.zeros(1, channels, 2, 4, 4)))
    clip = generate.ClipInputs(recipe, encoded, generate.Fraction(25), carry)
    first = FirstStage(torch.zeros(1), torch.ones(1, 2, 9, 16), torch.empty(0))
    upsampled = torch.full((1, channels, 2, 4, 4), 0.5)
    return generate.start_second(network, clip, first, upsampled, torch.Generator().manual_seed(1))


def test_without_noise_refining_begins_with_the_enlarged_latents(network: Any) -> None:
    noisy = begun(network, QUICK).states[0].target()
    clean = begun(network, RefinePreset(add_noise=False).applied(QUICK)).states[0].target()
    assert torch.equal(clean, torch.full_like(clean, 0.5))
    assert not torch.allclose(noisy, clean, atol=0.1)


def test_an_offset_takes_the_place_of_the_continuations(network: Any) -> None:
    plain = begun(network, QUICK).states[0].positions
    carry = Carry(None, 1, picture_offset=0.03)
    for recipe, seconds in ((QUICK, 0.03), (RefineOverride(None, None, None, 0.5).applied(QUICK), 0.5)):
        shift = begun(network, recipe, carry).states[0].positions - plain
        assert torch.allclose(shift[:, 0], torch.tensor(seconds))
        assert not shift[:, 1:].any()
    # 0 is a value, too: nothing moves, whatever the clip before says.
    still = begun(network, RefineOverride(None, None, None, 0.0).applied(QUICK), carry).states[0].positions
    assert torch.equal(still, plain)


@pytest.mark.slow
def test_each_override_changes_the_picture_and_leaves_the_sound(
    files: dict[str, Path], film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    calls = generate.velocities

    def counted(*given: Any) -> Any:
        passes[-1] += 1
        return calls(*given)

    monkeypatch.setattr(generate, "velocities", counted)
    made: dict[str, Tensor] = {}
    sounds: list[Tensor] = []
    overrides = {
        "plain": None,
        "two steps, as the recipe": RefineOverride(2),
        "three steps": RefineOverride(3),
        "guided": RefineOverride(guidance_scale=3.0),
        "worse still": RefineOverride(image_crf=51),
        "moved": RefineOverride(video_position_offset_sec=0.2),
    }
    tiny = dubber(files)
    for name, override in overrides.items():
        passes.append(0)
        made[name], sound = dub(tiny, film, refine=override)
        sounds.append(sound)
    assert passes == [3, 3, 4, 5, 3, 3]
    plain, same, *others = made.values()
    assert torch.equal(plain, same)
    assert all(not torch.equal(plain, other) for other in others)
    assert all(torch.equal(sound, sounds[0]) for sound in sounds)


@pytest.mark.slow
def test_a_preset_without_refining_gives_the_same_size_and_opens_no_second_transformer(
    files: dict[str, Path], film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "second_stage", None)  # calling it would fail
    tiny, steps = dubber(files, refine=RefinePreset(enabled=False)), set()
    tiny.progress = lambda step, _done, _total: steps.add(step)
    frames, _ = dub(tiny, film)
    assert frames.shape == (9, 128, 128, 3)
    assert "second stage" not in steps


def test_guidance_in_the_second_stage_needs_a_negative_prompt(network: Any) -> None:
    clip = generate.ClipInputs(QUICK.with_(second_guidance=2.0), None, generate.Fraction(25))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Guidance of 2\.0 in the second stage needs a negative prompt"):
        generate.second_stage(None, clip, None, None, None)  # type: ignore[arg-type]


# --- number types


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"vocoder": "float8"}, "The vocoder cannot work in float8, which only the transformer's blocks can"),
        ({"text_encoder": "float8"}, "The text encoder cannot work in float8"),
        (
            {"video": "float16"},
            "video autoencoder cannot work in 'float16': choose auto, bfloat16, float32",
        ),
        (
            {"transformer": "int4"},
            "transformer cannot work in 'int4': choose auto, bfloat16, float32, float8",
        ),
        ({"dit": "bfloat16"}, "There is no part dit; the parts are transformer, text_encoder, video"),
    ],
)
def test_number_types_that_a_part_cannot_have_are_refused(types: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Precision.named(types)


def test_each_part_has_its_own_type_and_the_rest_that_of_the_device() -> None:
    mixed = Precision(vocoder="float32", upsampler="bfloat16", transformer="float8")
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert mixed.dtype("vocoder", cuda) == torch.float32
    assert mixed.dtype("upsampler", cpu) == torch.bfloat16
    assert [mixed.dtype(part, cuda) for part in ("video", "transformer")] == [torch.bfloat16] * 2  # type: ignore[arg-type]
    assert [mixed.dtype(part, cpu) for part in ("audio", "transformer")] == [torch.float32] * 2  # type: ignore[arg-type]


def test_a_transformer_is_not_rounded_twice(files: dict[str, Path]) -> None:
    with pytest.raises(GeneratorUnfit, match="rounded to float8 and to work in float32"):
        dubber(files, fp8transformer=True, precision=Precision(transformer="float32"))


def test_memory_is_counted_in_the_types_that_are_asked_for(files: dict[str, Path]) -> None:
    sizes = {
        name: dubber(files, precision=precision).parts.sizes
        for name, precision in {
            "auto": Precision(),
            "short text": Precision(text_encoder="bfloat16"),
            "short sound": Precision(audio="bfloat16", vocoder="bfloat16"),
            "float8": Precision(transformer="float8"),
        }.items()
    }
    auto = sizes["auto"]
    assert sizes["short text"].text < auto.text
    assert sizes["short text"].transformer == auto.transformer
    assert sizes["short sound"].others == (auto.others[0], auto.others[1] // 2)
    assert sizes["float8"].blocks * 4 == auto.blocks


@pytest.mark.slow
@pytest.mark.parametrize("part", ["transformer", "text_encoder", "video", "audio", "vocoder", "upsampler"])
def test_every_part_works_in_bfloat16_beside_others_in_float32(
    files: dict[str, Path], film: Path, part: str
) -> None:
    frames, sound = dub(dubber(files, precision=Precision.named({part: "bfloat16"})), film)
    assert frames.shape == (9, 128, 128, 3)
    assert sound.isfinite().all()


# --- the documented example


@pytest.mark.slow
def test_the_example_of_the_docs_runs_with_the_names_of_the_original(
    files: dict[str, Path], film: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs/generator.md").read_text("utf-8")
    (example,) = (text for text in page.split("```python\n") if "TilingConfig.default()" in text)
    example = example.partition("```")[0]
    places = {
        "/models/ltx-2-19b-dev.safetensors": files["checkpoint_path"],
        "/models/ltx-2-19b-distilled-lora-384.safetensors": files["distilled_lora_path"],
        "/models/ltx-2-spatial-upscaler-x2-1.0.safetensors": files["spatial_upsampler_path"],
        "/models/gemma-3-12b-it-qat-q4_0-unquantized": files["gemma_root"],
        "/models/ltx-2-19b-ic-lora-lipdubbing.safetensors": files["lora"],
        "clip.mp4": film,
        "dub.mp4": tmp_path / "dub.mp4",
        "height=512": "height=64",
        "width=768": "width=64, num_inference_steps=1",
    }
    for written, here in places.items():
        assert written in example
        example = example.replace(written, str(here))
    exec(example, {})
    assert (tmp_path / "dub.mp4").is_file()
