"""One clip from files to frames and sound: the original's numbers, its traps, and what cannot work."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from dubkit.dubbing import JustDubitPipeline, LoRA, Tiling, request
from dubkit.dubbing.clip import encode
from dubkit.dubbing.clip import media as clip_media
from dubkit.dubbing.clip.media import ClipMedia, Still
from dubkit.dubbing.clip.mp4 import exact_rate
from dubkit.dubbing.clip.pixels import read_still
from dubkit.dubbing.diffusion import generate, parts
from dubkit.dubbing.diffusion.clip_latents import Carry, Contexts, EncodedClip, FirstStage, SecondStage, View
from dubkit.dubbing.diffusion.parts import GeneratorUnfit
from dubkit.dubbing.diffusion.recipes import DISTILLED_DUB, DUB_IT, JUSTDUBIT, PREVIEW
from dubkit.dubbing.request import ClipOptions, ClipRequest
from dubkit.errors import DubkitError, MediaError, ModelMissing
from dubkit.ltx import components
from dubkit.ltx.memory import devices_here
from dubkit.ltx.weights import Checkpoint
from dubkit.media.picture.window import shown_size
from dubkit.models.catalogue_generator import GENERATOR
from dubkit.models.tiny.files import make_tiny
from dubkit.types import Fit, Remark
from tests.support.clips import model_files, write_film
from tests.support.golden import GOLDEN, golden, requires_golden

PROMPT = 'The man is speaking French, saying: "Bonjour."'


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return model_files(folder)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", 11)


def pipeline_of(files: dict[str, Path], **changes: Any) -> JustDubitPipeline:
    named = {
        "checkpoint_path": files["checkpoint_path"],
        "distilled_lora_path": files["distilled_lora_path"],
        "distilled_lora_strength": 1.0,
        "spatial_upsampler_path": files["spatial_upsampler_path"],
        "gemma_root": files["gemma_root"],
        "loras": [LoRA(files["lora"], 1.0)],
        "device": "cpu",
    }
    return JustDubitPipeline(**(named | changes))


def dub(pipeline: JustDubitPipeline, **call: Any) -> tuple[Tensor, Tensor]:
    values: dict[str, Any] = {"num_inference_steps": 1, "cfg_guidance_scale": 1.0}
    video, audio = pipeline(PROMPT, **(values | call))
    return torch.cat(list(video)), audio


# --- the original's numbers


@requires_golden
@pytest.mark.slow
def test_the_call_of_the_reference_gives_its_frames_and_sound() -> None:
    call = json.loads((GOLDEN / "params.json").read_text("utf-8"))["params"]["justdubit_call"]
    media, models = golden("e2e_media"), GOLDEN / "models"
    pipeline = JustDubitPipeline(
        models / "tiny-ltx2.safetensors",
        models / "tiny-distilled-lora.safetensors",
        call["distilled_lora_strength"],
        models / "tiny-spatial-upscaler-x2.safetensors",
        models / "gemma",
        [(models / "tiny-justdubit-lora.safetensors", call["justdubit_lora_strength"], None)],
        device="cpu",
    )
    still = Still(media["image_after_crf"])
    source = ClipMedia(
        media["clip_frames"][:25], media["clip_audio"], 48_000, Fraction(25), 25, stills=(still,)
    )
    recipe = JUSTDUBIT.with_(steps=call["num_inference_steps"], still_crf=0)
    video, audio = pipeline.generate(
        ClipRequest(
            source,
            call["prompt"],
            call["negative_prompt"],
            call["seed"],
            call["height"],
            call["width"],
            recipe,
        )
    )
    frames = torch.cat(list(video))
    assert frames.shape == (25, 192, 256, 3)
    assert (frames[[8, 24]].int() - media["output_frames_u8"].int()).abs().max() <= 1
    # One second exactly: the vocoder's further 240 samples lie beyond the picture.
    assert audio.shape == (2, 24_000)
    assert (audio - media["output_audio"][:, :24_000]).abs().max() <= 1e-3


@requires_golden
def test_the_second_stage_goes_on_from_the_first_ones_random_numbers() -> None:
    stored = golden("e2e_justdubit")
    model = components.open_transformer(
        Checkpoint(GOLDEN / "models" / "tiny-ltx2.safetensors"), "cpu", torch.float32
    ).network
    generator = torch.Generator().manual_seed(42)
    views = [View((stored[f"stage{n}.image_latent"],), stored[f"stage{n}.ref_video_latent"]) for n in (1, 2)]
    encoded = EncodedClip(25, 96, 128, 2, 16, views[0], views[1], ((0, 1.0),), stored["ref_audio_latent"])
    clip = generate.ClipInputs(JUSTDUBIT, encoded, Fraction(25))
    generate.start_first(model, clip, generator)
    first = FirstStage(
        stored["stage1.final_video_latent"], stored["stage1.final_audio_latent"], generator.get_state()
    )
    first = FirstStage.from_tensors(first.tensors())
    again = torch.Generator()
    again.set_state(first.generator)
    start = generate.start_second(model, clip, first, stored["upsampled_latent"], again)
    assert torch.allclose(start.states[0].latent, stored["stage2.video.start_latent"], atol=1e-5)
    assert torch.equal(start.states[1].latent, stored["stage2.audio.start_latent"])


# --- lengths, rates and sizes of the result


@pytest.mark.slow
def test_every_frame_of_the_source_comes_back_and_the_sound_is_as_long(
    files: dict[str, Path], film: Path
) -> None:
    pipeline = pipeline_of(files)
    video, audio = dub(pipeline, video_conditioning=[(film, 1.0)], height=64, width=96)
    assert video.shape == (11, 128, 192, 3)  # the original would give 9
    assert video.dtype == torch.uint8
    assert audio.shape == (2, 11 * pipeline.audio_sample_rate // 25)


@pytest.mark.slow
def test_without_a_size_the_result_has_the_sources_proportions(files: dict[str, Path], film: Path) -> None:
    small = JUSTDUBIT.with_(height=64, width=96)
    video, _ = dub(pipeline_of(files), video_conditioning=[(film, 1.0)], recipe=small)
    height, width = video.shape[1:3]
    assert abs(width / height - 128 / 72) < 0.05
    assert height * width <= 4 * 64 * 96


@pytest.mark.slow
def test_one_given_side_decides_the_other(files: dict[str, Path], film: Path) -> None:
    video, _ = dub(pipeline_of(files), video_conditioning=[(film, 1.0)], height=64)
    assert video.shape[1:3] == (128, 256)  # 64 x 113.8, on the grid of 32
    video, _ = dub(pipeline_of(files), video_conditioning=[(film, 1.0)], width=96)
    assert video.shape[1:3] == (128, 192)


@pytest.mark.slow
def test_the_sources_rate_is_used_and_a_given_one_wins_aloud(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = write_film(tmp_path / "ntsc.mp4", 9, rate=Fraction(24000, 1001))
    read = clip_media.read_clip(film)
    assert (read.rate, read.frames, read.real_frames) == (Fraction(24000, 1001), 9, 9)
    _, audio = dub(pipeline_of(files), video_conditioning=[(film, 1.0)], height=64, width=64)
    assert audio.shape[1] == 9 * 1001  # of 24 kHz
    with caplog.at_level(logging.WARNING, "dubkit.dubbing"):
        _, audio = dub(
            pipeline_of(files), video_conditioning=[(film, 1.0)], height=64, width=64, frame_rate=25
        )
    assert audio.shape[1] == 9 * 960
    assert "24000/1001 frames per second; it is dubbed at 25 as asked" in caplog.text


@pytest.mark.slow
def test_the_same_call_gives_the_same_bytes_and_another_seed_others(
    files: dict[str, Path], film: Path
) -> None:
    call = {"video_conditioning": [(film, 1.0)], "height": 64, "width": 64}
    first, again = (dub(pipeline_of(files), **call) for _ in range(2))
    assert all(map(torch.equal, first, again))
    other = dub(pipeline_of(files), **call, seed=7)
    assert not torch.equal(first[0], other[0])


@pytest.mark.slow
def test_the_first_frame_is_a_condition_unless_it_is_refused(files: dict[str, Path], film: Path) -> None:
    call = {"video_conditioning": [(film, 1.0)], "height": 64, "width": 64}
    kept, free = (dub(pipeline_of(files), **call, first_frame=first)[0] for first in (True, False))
    assert not torch.equal(kept[0], free[0])


@pytest.mark.slow
def test_without_a_clip_the_prompt_alone_makes_a_film(files: dict[str, Path]) -> None:
    video, audio = dub(pipeline_of(files), num_frames=9, height=64, width=64)
    assert video.shape[0] == 9
    assert audio.shape[1] == 9 * 960


@pytest.mark.slow
def test_a_still_by_name_takes_the_first_frames_place(
    files: dict[str, Path], film: Path, tmp_path: Path
) -> None:
    call = {"video_conditioning": [(film, 1.0)], "height": 64, "width": 64}
    picture = tmp_path / "still.png"
    import cv2
    import numpy as np

    cv2.imwrite(str(picture), np.full((64, 64, 3), 200, np.uint8))
    plain, other = (dub(pipeline_of(files), **call, images=x)[0] for x in ((), [(picture, 0, 1.0)]))
    assert not torch.equal(plain, other)
    with pytest.raises(GeneratorUnfit, match="for latent frame 9"):
        dub(pipeline_of(files), **call, images=[(picture, 9, 1.0)])
    with pytest.raises(MediaError, match=r"none\.png"):
        dub(pipeline_of(files), **call, images=[(tmp_path / "none.png", 0, 1.0)])


@pytest.mark.slow
def test_preview_and_float8_run(files: dict[str, Path], film: Path) -> None:
    call = {"video_conditioning": [(film, 1.0)], "height": 64, "width": 64}
    quick = {"num_inference_steps": None, "cfg_guidance_scale": None}
    video, _ = dub(pipeline_of(files), **call, **quick, recipe=PREVIEW)
    assert len(video) == 11
    rounded, _ = dub(pipeline_of(files, fp8transformer=True), **call)
    assert len(rounded) == 11
    stored = files["checkpoint_path"].with_name("ltx-2-19b-dev-fp8.safetensors")
    assert len(dub(pipeline_of(files, checkpoint_path=stored, fp8transformer=True), **call)[0]) == 11


def distilled(files: dict[str, Path], folder: Path) -> Path:
    """Return the tiny checkpoint under the name of a distilled one."""
    path = folder / "ltx-2-19b-distilled.safetensors"
    path.symlink_to(files["checkpoint_path"])
    return path


def test_distilled_weights_take_no_distilled_lora_and_no_guidance(
    files: dict[str, Path], film: Path, tmp_path: Path
) -> None:
    """The same weights under two names: named as a full checkpoint, they get a LoRA of no strength."""
    call = {
        "video_conditioning": [(film, 1.0)],
        **{"height": 64, "width": 64, "num_inference_steps": None, "cfg_guidance_scale": None},
        "recipe": DISTILLED_DUB.with_(steps=1, first_levels=(1.0, 0.0), second_levels=(0.725, 0.0)),
    }
    own = pipeline_of(files, checkpoint_path=distilled(files, tmp_path), distilled_lora_path=None)
    video, sound = dub(own, **call)
    plain = dub(pipeline_of(files, distilled_lora_strength=0.0), **call)
    assert torch.equal(video, plain[0])
    assert torch.equal(sound, plain[1])
    with pytest.raises(ModelMissing, match="distilled needs the distilled LoRA"):
        dub(pipeline_of(files, distilled_lora_path=None), **call)
    with pytest.raises(
        GeneratorUnfit, match=r"justdubit takes 30 guided steps, and .* holds distilled weights"
    ):
        dub(own, **call | {"recipe": JUSTDUBIT})
    told = pipeline_of(files, distilled_lora_path=None, distilled_weights=True)
    assert told.parts.distilled


@pytest.mark.slow
def test_dub_it_runs_on_files_of_its_generation_only(
    tmp_path: Path, files: dict[str, Path], film: Path
) -> None:
    make_tiny(tmp_path / "tiny", generation="2.3")
    newer = model_files(tmp_path / "tiny", "2.3")
    call = {"video_conditioning": [(film, 1.0)], "num_inference_steps": None, "cfg_guidance_scale": None}
    pipeline = pipeline_of(newer, distilled_lora_path=None)
    video, audio = dub(pipeline, **call, recipe=DUB_IT, height=128, width=192)
    assert video.shape == (11, 128, 192, 3)  # final sizes
    assert audio.shape == (2, 11 * 1920)  # 48 kHz
    with pytest.raises(GeneratorUnfit, match=r"justdubit needs the files of LTX-2 \(19B\)"):
        dub(pipeline, video_conditioning=[(film, 1.0)])
    with pytest.raises(GeneratorUnfit, match=r"dub-it needs the files of LTX-2\.3"):
        dub(pipeline_of(files), **call, recipe=DUB_IT)


# --- steps, cancelling, carrying on


def test_a_call_can_be_stopped_between_steps(files: dict[str, Path], film: Path) -> None:
    pipeline, seen = pipeline_of(files), []

    def stop(step: str, done: int, total: int) -> None:
        seen.append((step, done, total))
        if (step, done) == ("first stage", 2):
            raise KeyboardInterrupt

    pipeline.progress = stop
    with pytest.raises(KeyboardInterrupt):
        dub(pipeline, video_conditioning=[(film, 1.0)], height=64, width=64, num_inference_steps=3)
    assert seen[-3:] == [("first stage", 0, 3), ("first stage", 1, 3), ("first stage", 2, 3)]


def test_stages_survive_being_stored(files: dict[str, Path], film: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(files["checkpoint_path"])
    place = checkpoint, "cpu", torch.float32
    codecs = components.open_video_encoder(*place), components.open_audio_encoder(*place)
    media = clip_media.read_clip(film)
    encoded = encode.encode_clip(media, JUSTDUBIT, 64, 64, *codecs, Tiling())
    save_file(encoded.tensors(), tmp_path / "encoded.safetensors")
    again = EncodedClip.from_tensors(load_file(tmp_path / "encoded.safetensors"))
    assert (again.frames, again.height, again.width, again.places) == (17, 64, 64, ((0, 1.0),))
    assert encoded.tensors().keys() == again.tensors().keys()
    assert all(torch.equal(x, again.tensors()[name]) for name, x in encoded.tensors().items())
    text = Contexts(torch.ones(1), torch.zeros(1))
    assert Contexts.from_tensors(text.tensors()) == text
    second = SecondStage(torch.ones(1), torch.zeros(1))
    assert SecondStage.from_tensors(second.tensors()).audio is second.audio


@pytest.fixture(scope="module")
def staged(files: dict[str, Path], film: Path) -> tuple[components.OpenedTransformer, EncodedClip, Contexts]:
    checkpoint = Checkpoint(files["checkpoint_path"])
    place = checkpoint, "cpu", torch.float32
    codecs = components.open_video_encoder(*place), components.open_audio_encoder(*place)
    encoded = encode.encode_clip(clip_media.read_clip(film), JUSTDUBIT, 64, 64, *codecs, None)
    pipeline = pipeline_of(files)
    encoder = pipeline.parts.text(pipeline.parts.plan(17, 64, 64, references=True))
    return components.open_transformer(*place), encoded, encode.encode_prompt(encoder, PROMPT)


def test_latents_of_the_clip_before_are_kept_where_they_overlap(staged: Any) -> None:
    opened, encoded, text = staged
    recipe = JUSTDUBIT.with_(steps=1, guidance=1.0)
    channels = opened.network.config.video.in_channels
    before = Carry(
        torch.full((1, channels, 1, 2, 2), 0.5),
        1,
        torch.full((1, encoded.channels, 3, encoded.bins), -0.5),
        2,
    )
    clip = generate.ClipInputs(recipe, encoded, Fraction(25), before)
    made = generate.first_stage(opened, clip, text, None, 1)
    assert torch.allclose(made.video[:, :, 1], torch.tensor(0.5))
    assert torch.allclose(made.audio[:, :, 2:5], torch.tensor(-0.5))
    assert not torch.allclose(made.video[:, :, 2], torch.tensor(0.5))


def test_a_carry_that_cannot_be_taken_over_is_refused(staged: Any) -> None:
    opened, encoded, text = staged
    latent = torch.zeros(1, opened.network.config.video.in_channels, 1, 2, 2)
    with pytest.raises(ValueError, match="stands for one frame"):
        Carry(latent, 0)
    with pytest.raises(ValueError, match=r"strength 2 .* from 0 to 1"):
        Carry(latent, 1, strength=2)
    late = Carry(latent, 1, torch.zeros(1, encoded.channels, 3, encoded.bins), 900)
    clip = generate.ClipInputs(JUSTDUBIT.with_(steps=1, guidance=1.0), encoded, Fraction(25), late)
    with pytest.raises(ValueError, match="Sound latents 900 to 902"):
        generate.first_stage(opened, clip, text, None, 1)


def test_guidance_needs_a_negative_prompt(staged: Any) -> None:
    opened, encoded, text = staged
    with pytest.raises(ValueError, match="negative prompt"):
        generate.first_stage(opened, generate.ClipInputs(JUSTDUBIT, encoded, Fraction(25)), text, None, 1)


def test_random_numbers_of_another_device_are_refused(staged: Any) -> None:
    opened, encoded, text = staged
    first = FirstStage(torch.zeros(1), torch.zeros(1), torch.zeros(16, dtype=torch.uint8))
    clip = generate.ClipInputs(JUSTDUBIT, encoded, Fraction(25))
    with pytest.raises(ValueError, match="another kind of device"):
        generate.second_stage(opened, clip, text, first, torch.zeros(1))


def test_streamed_blocks_give_the_same_latents(files: dict[str, Path], staged: Any) -> None:
    opened, encoded, text = staged
    recipe = JUSTDUBIT.with_(steps=1, guidance=1.0)
    streamed = components.open_transformer(
        Checkpoint(files["checkpoint_path"]), "cpu", torch.float32, stream=True
    )
    clip = generate.ClipInputs(recipe, encoded, Fraction(25))
    made = [generate.first_stage(x, clip, text, None, 1).video for x in (opened, streamed)]
    assert torch.allclose(*made, atol=1e-5)


# --- what cannot work


def test_a_prompt_too_long_is_refused_with_its_count(files: dict[str, Path], film: Path) -> None:
    with pytest.raises(encode.PromptTooLong, match=r"has \d{4,} tokens, and the generator reads 1024"):
        pipeline_of(files)("Bonjour. " * 1500, video_conditioning=[(film, 1.0)])


def test_a_clip_without_sound_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    mute = write_film(tmp_path / "mute.mp4", 9, sound=False)
    with pytest.raises(MediaError, match=r"mute\.mp4: it has no sound track"):
        dub(pipeline_of(files), video_conditioning=[(mute, 1.0)])
    place = Checkpoint(files["checkpoint_path"]), "cpu", torch.float32
    codecs = components.open_video_encoder(*place), components.open_audio_encoder(*place)
    media = ClipMedia(torch.zeros(9, 64, 64, 3, dtype=torch.uint8), None, 48_000, Fraction(25), 9, name="s3")
    with pytest.raises(ValueError, match="s3 has no sound"):
        encode.encode_clip(media, JUSTDUBIT, 64, 64, *codecs, None)
    fit = Fit(96, 64, 0, 0, 96, 64)
    with pytest.raises(ValueError, match="s3 is fitted into 96x64, and 64x64"):
        encode.encode_clip(replace(media, fit=fit), JUSTDUBIT, 64, 64, *codecs, None)


@pytest.mark.parametrize(
    "name", ["checkpoint_path", "distilled_lora_path", "spatial_upsampler_path", "gemma_root"]
)
def test_a_missing_file_is_named_with_how_to_get_it(files: dict[str, Path], name: str) -> None:
    missing = Path("nowhere") / "model"
    with pytest.raises(ModelMissing, match=r"nowhere[/\\]model.\n.*dubkit models get ") as caught:
        pipeline_of(files, **{name: missing})
    assert str(caught.value).rpartition(" ")[2] in {spec.name for spec in GENERATOR}


def test_the_dubbing_lora_too(files: dict[str, Path], film: Path) -> None:
    with pytest.raises(ModelMissing, match="lipdubbing"):
        pipeline_of(files, loras=[("nowhere", 1.0)])
    with pytest.raises(ModelMissing, match="needs the distilled LoRA"):
        dub(pipeline_of(files, distilled_lora_path=None), video_conditioning=[(film, 1.0)])


def test_published_names_are_those_of_the_catalogue() -> None:
    assert set(parts.PUBLISHED.values()) <= {spec.name for spec in GENERATOR}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"height": 500, "width": 768}, "height and width: The height of justdubit is a multiple of 32"),
        ({"num_inference_steps": 0}, "0 steps"),
        ({"frame_rate": -3}, "frame_rate: -3"),
        ({"cfg_guidance_scale": 2.0, "recipe": PREVIEW}, "takes no guidance|8 fixed steps"),
    ],
)
def test_values_that_do_not_do_are_named(
    files: dict[str, Path], film: Path, call: dict[str, Any], said: str
) -> None:
    with pytest.raises(GeneratorUnfit, match=said):
        dub(pipeline_of(files), video_conditioning=[(film, 1.0)], **call)


def test_strengths_and_clips_are_checked(files: dict[str, Path], film: Path) -> None:
    with pytest.raises(GeneratorUnfit, match=r"video_conditioning: .*reference_strength is 2"):
        dub(pipeline_of(files), video_conditioning=[(film, 2.0)])
    with pytest.raises(GeneratorUnfit, match="2 clips are given"):
        dub(pipeline_of(files), video_conditioning=[(film, 1.0)] * 2)


def test_a_clip_too_long_for_the_memory_is_refused(
    files: dict[str, Path], film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "free_memory", lambda: 1_000_000)
    with pytest.raises(GeneratorUnfit, match="Use fewer frames, a smaller picture"):
        dub(pipeline_of(files), video_conditioning=[(film, 1.0)])
    monkeypatch.setattr(clip_media, "free_memory", lambda: 1_000)
    with pytest.raises(MediaError, match="11 frames of 128x72"):
        clip_media.read_clip(film)


def test_a_device_out_of_memory_is_explained() -> None:
    with pytest.raises(GeneratorUnfit, match="ran out of memory"), parts.explained():
        raise torch.OutOfMemoryError("CUDA out of memory.\nmore")


def test_wrong_files_are_explained(files: dict[str, Path], film: Path) -> None:
    with pytest.raises(DubkitError, match="safetensors"):
        pipeline_of(files, checkpoint_path=Path(__file__))
    wrong = pipeline_of(files, spatial_upsampler_path=files["lora"])
    with pytest.raises(GeneratorUnfit, match="lipdubbing"):
        dub(wrong, video_conditioning=[(film, 1.0)], height=64, width=64)


# --- media


def test_a_rotated_film_is_read_upright(tmp_path: Path) -> None:
    film = write_film(tmp_path / "plain.mp4", 9, size=(64, 96))
    from dubkit.media.files.probe import probe

    episode = probe(film)
    assert episode.video is not None
    turned = replace(episode, video=replace(episode.video, rotation=90))
    assert shown_size(turned.video) == (64, 96)
    pictures = clip_media.read_clip(film, turned).pictures
    plain = clip_media.read_clip(film, episode).pictures
    assert pictures is not None
    assert plain is not None
    assert torch.equal(pictures, torch.rot90(plain, 1, (1, 2)))
    wide = replace(episode, video=replace(episode.video, sample_aspect=Fraction(2)))
    stretched = clip_media.read_clip(film, wide).pictures
    assert stretched is not None
    assert stretched.shape == (9, 64, 192, 3)


def test_frames_that_are_missing_are_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = write_film(tmp_path / "gaps.mp4", 9)
    from dubkit.media.picture import frames as module

    whole = list(module.iter_frames(film, clip_media.probe_clip(film)))
    monkeypatch.setattr(module, "iter_frames", lambda *_: iter([whole[2], whole[5]]))
    pictures = clip_media.read_clip(film).pictures
    assert pictures is not None
    assert len(pictures) == 9
    assert torch.equal(pictures[0], pictures[4])
    assert not torch.equal(pictures[4], pictures[5])
    assert torch.equal(pictures[5], pictures[8])
    monkeypatch.setattr(module, "iter_frames", lambda *_: iter([]))
    with pytest.raises(MediaError, match="no frame of its picture"):
        clip_media.read_clip(film)


def test_the_picture_lies_on_the_canvas_and_comes_back() -> None:
    picture = torch.full((2, 30, 40, 3), 200, dtype=torch.uint8)
    picture[:, :, 20:] = 50
    fit = Fit(64, 64, 0, 8, 64, 48)
    canvas = clip_media.laid(picture, fit, 128, 128, torch.float32)
    assert canvas.shape == (1, 3, 2, 128, 128)
    shown = ((canvas[0].permute(1, 2, 3, 0) + 1) * 127.5).round().to(torch.uint8)
    assert torch.equal(shown[:, 0], shown[:, 16])  # above the picture its edge is repeated
    assert clip_media.uncovered(shown, fit).shape == (2, 96, 128, 3)
    assert clip_media.uncovered(shown, None) is shown
    with pytest.raises(ValueError, match="does not belong to a canvas"):
        clip_media.laid(picture, fit, 64, 128, torch.float32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frames": 10}, "8k\\+1 frames, not 10"),
        ({"rate": Fraction(0)}, "rate must be positive"),
        ({"pictures": torch.zeros(10, 4, 4, 3)}, "1 to 9"),
        ({"wave": torch.zeros(6, 100)}, "1 or 2, samples"),
    ],
)
def test_media_that_do_not_belong_together_are_refused(changes: dict[str, Any], said: str) -> None:
    values: dict[str, Any] = {
        "pictures": None,
        "wave": None,
        "sample_rate": 1,
        "rate": Fraction(25),
        "frames": 9,
    }
    with pytest.raises(ValueError, match=said):
        ClipMedia(**(values | changes))


def test_lengths_go_up_to_the_grid() -> None:
    assert [clip_media.grid_frames(n) for n in (1, 2, 9, 10, 27, 121)] == [1, 9, 9, 17, 33, 121]
    with pytest.raises(ValueError, match="not 0"):
        clip_media.grid_frames(0)


def test_sound_of_six_channels_and_a_late_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import numpy as np
    import soundfile  # type: ignore[import-untyped]

    film = write_film(tmp_path / "six.mp4", 9)
    episode = clip_media.probe_clip(film)
    assert episode.video is not None
    late = replace(episode, video=replace(episode.video, start=Fraction(1, 100)))

    def decoded(path: Path, episode: object, wide: Path, narrow: Path) -> None:
        soundfile.write(str(wide), np.tile(np.linspace(0, 1, 4_800)[:, None], (1, 6)), 48_000)

    monkeypatch.setattr("dubkit.media.files.decode.decode_audio", decoded)
    wave = clip_media.read_clip(film, late).wave
    assert wave is not None
    assert wave.shape == (1, 4_800 - 480)


def test_a_film_without_picture_is_refused(tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(str(tmp_path / "only.wav"), np.zeros(4_800), 48_000)
    with pytest.raises(MediaError, match="no picture"):
        clip_media.probe_clip(tmp_path / "only.wav")


def remarks_on(film: Path, **options: Any) -> dict[str, str]:
    """Read a clip as a call does; return code -> sentence of what it remarks on."""
    told: list[Remark] = []
    choice = ClipOptions(JUSTDUBIT, tell=told.append, **options)
    request.source_of(choice, [(film, 1.0)], (), first_frame=True)
    return {remark.code: remark.sentence for remark in told}


def test_long_clips_are_remarked_on(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "TRAINED_SECONDS", 0.1)
    assert "trained on up to" in remarks_on(film)["clip-long"]


@pytest.mark.parametrize(
    ("height", "width", "said"),
    [
        (64, 96, "16% of the picture is cut off at left and right, as 96x64"),
        (64, 64, "44% of the picture is cut off at left and right"),
        (32, 96, "41% of the picture is cut off at top and bottom"),
        (None, None, ""),
        (288, 512, ""),
    ],
)
def test_a_picture_that_is_cropped_is_said_with_the_way_to_keep_it(
    film: Path, height: int | None, width: int | None, said: str
) -> None:
    sentence = remarks_on(film, height=height, width=width).get("picture-cropped", "")
    assert said in sentence
    assert bool(said) == ("Give neither height nor width" in sentence)


def test_frames_that_were_not_asked_for_are_said() -> None:
    told: list[Remark] = []
    source = request.source_from_prompt(ClipOptions(JUSTDUBIT, tell=told.append), 26)
    assert source.media.frames == 33
    assert [remark.code for remark in told] == ["frames-on-grid"]
    assert "33 frames" in told[0].sentence
    request.source_from_prompt(ClipOptions(JUSTDUBIT, tell=told.append), 33)
    assert len(told) == 1
    with pytest.raises(GeneratorUnfit, match="num_frames"):
        request.source_from_prompt(ClipOptions(JUSTDUBIT), 0)


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps"])
def test_a_device_that_is_not_here_is_a_sentence(files: dict[str, Path], device: str) -> None:
    if device.partition(":")[0] in {here.partition(":")[0] for here in devices_here()}:
        pytest.skip(f"{device} is here")
    with pytest.raises(GeneratorUnfit, match=f"The device {device} is not here; there is cpu"):
        pipeline_of(files, device=device)


def test_an_upscaler_in_time_is_refused_before_the_first_step(files: dict[str, Path], film: Path) -> None:
    temporal = files["spatial_upsampler_path"].with_name("ltx-2-temporal-upscaler-x2-1.0.safetensors")
    pipeline = pipeline_of(files, spatial_upsampler_path=temporal)
    steps: list[str] = []
    pipeline.progress = lambda step, _done, _total: steps.append(step)
    with pytest.raises(GeneratorUnfit, match="Name a spatial upscaler"):
        dub(pipeline, video_conditioning=[(film, 1.0)], height=64, width=96)
    assert steps == []


def test_the_originals_names_stand_for_what_is_here(files: dict[str, Path]) -> None:
    from dubkit import dubbing

    assert dubbing.TilingConfig.default() == Tiling()
    lora = dubbing.LoraPathStrengthAndSDOps(str(files["lora"]), 0.5, {"a": "b"})
    assert pipeline_of(files, loras=[lora]).parts.files.loras == (LoRA(files["lora"], 0.5),)
    assert dubbing.AUDIO_SAMPLE_RATE == 24_000
    assert callable(dubbing.encode_video)


def test_clips_and_episodes_steer_away_from_the_same() -> None:
    import inspect

    import prompts
    from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT

    parameters = inspect.signature(JustDubitPipeline.__call__).parameters
    assert parameters["negative_prompt"].default == NEGATIVE_PROMPT == prompts.read("negative")


def test_rates_stand_for_fractions() -> None:
    assert exact_rate(23.976) == Fraction(24000, 1001)
    assert exact_rate(29.97) == Fraction(30000, 1001)
    assert exact_rate(59.94) == Fraction(60000, 1001)
    assert exact_rate(25) == 25
    assert exact_rate(12.5) == Fraction(25, 2)
    assert exact_rate(Fraction(24000, 1001)) == Fraction(24000, 1001)
    with pytest.raises(ValueError, match="no frame rate"):
        exact_rate(float("nan"))


def test_stills_are_read_as_they_are() -> None:
    with pytest.raises(ValueError, match="No picture"):
        read_still(Path(__file__))
