"""Graphs for ComfyUI: what a server of today takes, the traps of its nodes, and the checks before sending."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from dubkit.engines.comfyui.checks import problems
from dubkit.engines.comfyui.definitions import Definitions
from dubkit.engines.comfyui.events import Share
from dubkit.engines.comfyui.failures import refused_graph
from dubkit.engines.comfyui.files import Files, find_files, further_loras
from dubkit.engines.comfyui.graph import Graph
from dubkit.engines.comfyui.presets import PRESETS
from dubkit.engines.comfyui.recipes import Wanted, build, example, place_results, sound_length
from dubkit.engines.comfyui.server import Stored, server_address
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.errors import GeneratorError, SettingError
from tests.support.comfy_nodes import Both, Picture, Runner, Sound
from tests.support.comfy_rules import validate
from tests.support.comfy_server import NODES
from tests.support.paths import SHARED, require

INFO: dict[str, Any] = json.loads(NODES.read_text("utf-8"))
UPLOADS = {"clip.mp4", "clip.wav"}
WAYS = [
    ComfySettings(preset=preset, recipe=recipe, upscale=upscale)  # type: ignore[arg-type]
    for preset in PRESETS
    for recipe in ("lip-dub", "image")
    for upscale in (True, False)
]


def graph(settings: ComfySettings, info: dict[str, Any] = INFO, **changes: Any) -> dict[str, Any]:
    nodes = Definitions(info)
    wanted = replace(example(settings), **changes)
    return place_results(build(wanted, find_files(nodes, settings), nodes), "dubkit/x")


def label(value: object) -> str:
    return (
        f"{value.preset}-{value.recipe}-{value.upscale}" if isinstance(value, ComfySettings) else str(value)
    )


def kinds(made: dict[str, Any]) -> list[str]:
    return [entry["class_type"] for entry in made.values()]


# --- graphs that a server takes ----------------------------------------------------------------


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("settings", WAYS, ids=label)
def test_a_server_takes_every_graph(settings: ComfySettings, given: bool) -> None:
    made = graph(settings, given=given)
    assert problems(made, Definitions(INFO)) == []
    status, answer, outputs = validate(made, INFO, UPLOADS)
    assert (status, answer["node_errors"]) == (200, {})
    assert len(outputs) == (1 if given else 2)


@pytest.mark.parametrize("settings", WAYS, ids=label)
def test_a_server_with_every_node_takes_every_graph(settings: ComfySettings) -> None:
    info = json.loads(require(SHARED / "comfy" / "object_info.json").read_text("utf-8"))
    assert problems(graph(settings, info), Definitions(info)) == []
    assert validate(graph(settings, info), info, UPLOADS)[0] == 200


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("settings", WAYS, ids=label)
def test_latents_are_joined_taken_apart_and_cropped_where_they_must_be(
    settings: ComfySettings, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.comfy_nodes.read_sound", lambda _: [0.0] * 193_000)
    made = graph(settings, given=given)
    runner = Runner(made, Path())
    sampled: list[Both] = []
    for name in runner.order(list(made)):
        (first, *_) = runner.run(name)  # raises where a node gets another kind of latent
        if made[name]["class_type"] == "SamplerCustomAdvanced":
            sampled.append(first)
        if made[name]["class_type"] == "VAEDecodeTiled":
            picture = first
        if made[name]["class_type"] == "LTXVAudioVAEDecode":
            sound = first
    two = PRESETS[settings.preset].two_stages and settings.upscale
    assert len(sampled) == (2 if two else 1)
    factor = 2 if settings.preset == "preview" else 1
    assert (picture.width, picture.height, picture.frames) == (768 // factor, 512 // factor, 97)
    assert [both.picture.guides for both in sampled] == [int(settings.recipe == "lip-dub")] * len(sampled)
    assert sound.source == ("clip.wav" if given else "")
    frozen = [both.sound.frozen for both in sampled]
    # The second stage of a lip-dub leaves the voice of the first one as it is.
    assert frozen == [given, given or settings.recipe == "lip-dub"][: len(sampled)]


def test_the_voice_of_the_source_is_set_after_the_guide_and_again_in_the_second_stage() -> None:
    made = graph(ComfySettings())
    guiders = [n for n, entry in made.items() if entry["class_type"] == "CFGGuider"]
    upstream = [_before(made, name) for name in guiders]
    assert len(guiders) == 2
    for nodes in upstream:
        assert {"LTXVSetAudioRefTokens", "LTXAddVideoICLoRAGuide"} <= {made[n]["class_type"] for n in nodes}


def _before(made: dict[str, Any], name: str) -> set[str]:
    links = [value[0] for value in made[name]["inputs"].values() if isinstance(value, list)]
    return set(links).union(*(_before(made, link) for link in links)) if links else set()


def test_the_stand_in_sees_a_mix_up_that_a_server_does_not() -> None:
    made = graph(ComfySettings())
    (decode,) = [entry for entry in made.values() if entry["class_type"] == "LTXVAudioVAEDecode"]
    decode["inputs"]["samples"][1] = 0
    assert validate(made, INFO, UPLOADS)[0] == 200
    assert problems(made, Definitions(INFO)) == []
    with pytest.raises(Exception, match="no latent of a sound"):
        _run(made)


def _run(made: dict[str, Any]) -> None:
    runner = Runner(made, Path())
    runner._LTXVAudioVAEEncode = lambda v: Sound(4.0, v["audio"])  # type: ignore[method-assign]
    for name in runner.order(list(made)):
        runner.run(name)


def test_presets_have_their_steps_and_guidance() -> None:
    full, distilled = graph(ComfySettings(preset="full")), graph(ComfySettings(preset="distilled"))
    (schedule,) = [e["inputs"] for e in full.values() if e["class_type"] == "LTXVScheduler"]
    assert (schedule["steps"], schedule["terminal"]) == (20, 0.1)
    assert [e["inputs"]["cfg"] for e in full.values() if e["class_type"] == "CFGGuider"] == [4.0, 1.0]
    sigmas = [e["inputs"]["sigmas"] for e in distilled.values() if e["class_type"] == "ManualSigmas"]
    assert [len(text.split(",")) for text in sigmas] == [9, 4]
    assert [e["inputs"]["cfg"] for e in distilled.values() if e["class_type"] == "CFGGuider"] == [1.0, 1.0]


def test_the_full_preset_adds_the_distilled_lora_to_the_second_stage_alone() -> None:
    made = graph(ComfySettings(preset="full"))
    first, second = [e["inputs"]["model"][0] for e in made.values() if e["class_type"] == "CFGGuider"]
    assert "LoraLoaderModelOnly" not in {made[name]["class_type"] for name in _before(made, first)}
    assert "LoraLoaderModelOnly" in {made[name]["class_type"] for name in _before(made, second)}
    assert made[first]["class_type"] == made[second]["class_type"] == "LTXICLoRALoaderModelOnly"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(Fraction(25), (97, 25)), (Fraction(24000, 1001), (98, 24)), (Fraction(1, 3), (291, 1))],
)
def test_a_whole_rate_keeps_the_length_of_the_sound(rate: Fraction, expected: tuple[int, int]) -> None:
    assert sound_length(97, rate, frozenset(("INT",))) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 784}, "A width of 784 is no multiple of 64"),
        ({"height": 720}, "A height of 720 is no multiple of 64"),
        ({"frames": 100}, "100 frames are not 8k.1"),
    ],
)
def test_what_a_server_would_cut_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        graph(ComfySettings(), **changes)


def test_one_stage_takes_multiples_of_32() -> None:
    assert problems(graph(ComfySettings(upscale=False), width=800, height=480), Definitions(INFO)) == []


def test_an_older_server_without_an_input_and_a_newer_one_with_another_are_served() -> None:
    info = copy.deepcopy(INFO)
    del info["LTXAVTextEncoderLoader"]["input"]["required"]["device"]
    info["SaveVideo"]["input"]["required"]["quality"] = ["INT", {"default": 5, "min": 1}]
    info["LTXVConditioning"]["input"]["required"]["mode"] = [["a", "b"], {}]
    made = graph(ComfySettings(), info)
    assert validate(made, info, UPLOADS)[0] == 200
    assert problems(made, Definitions(info)) == []
    (saved,) = [e["inputs"] for e in made.values() if e["class_type"] == "SaveVideo"]
    assert saved["quality"] == 5
    assert not any("device" in e["inputs"] for e in made.values())


def test_an_input_that_a_node_does_not_have_is_an_error_and_not_ignored() -> None:
    with pytest.raises(GeneratorError, match="RandomNoise of this ComfyUI has no input 'seed'"):
        Graph(Definitions(INFO)).add("RandomNoise", seed=3)


# --- checks before sending ---------------------------------------------------------------------

Change = Callable[[dict[str, Any]], None]


def of(made: dict[str, Any], kind: str) -> dict[str, Any]:
    inputs: dict[str, Any] = next(e["inputs"] for e in made.values() if e["class_type"] == kind)
    return inputs


MISTAKES: list[tuple[Change, str]] = [
    (
        lambda g: of(g, "LTXVConcatAVLatent").update(video_latent=["1", 0]),
        "video_latent takes LATENT, not MODEL",
    ),
    (lambda g: of(g, "CreateVideo").pop("fps"), "its input fps is missing"),
    (lambda g: of(g, "CreateVideo").update(fps=500.0), "fps is 500.0, above 120"),
    (lambda g: of(g, "CreateVideo").update(fps=0.5), "fps is 0.5, below 1"),
    (lambda g: of(g, "CreateVideo").update(fps=float("nan")), "fps is nan, not a number"),
    (lambda g: of(g, "CreateVideo").update(images=["99", 0]), "comes from node 99, which does not exist"),
    (
        lambda g: of(g, "CreateVideo").update(images=["1", 7]),
        "output 7 of CheckpointLoaderSimple, which has 3",
    ),
    (lambda g: of(g, "CreateVideo").update(images=[3, 0]), "is [3, 0], not a node's id and a slot"),
    (lambda g: of(g, "LTXVEmptyLatentAudio").update(frame_rate=23.976), "the server would cut it to 23"),
    (lambda g: of(g, "LTXVEmptyLatentAudio").update(frames_number=2000), "frames_number is 2000, above 1000"),
    (lambda g: of(g, "EmptyLTXVLatentVideo").update(width=400), "width is 400, and the server would cut it"),
    (
        lambda g: of(g, "EmptyLTXVLatentVideo").update(length=100),
        "length is 100, and the server would cut it",
    ),
    (lambda g: of(g, "CheckpointLoaderSimple").update(ckpt_name="a"), "ckpt_name is 'a', which is none of"),
    (lambda g: of(g, "CLIPTextEncode").update(text=None), "text is None, not a STRING"),
    (lambda g: of(g, "LTXAddVideoICLoRAGuide").update(use_tiled_encode="false"), "not a BOOLEAN"),
    (lambda g: of(g, "SaveVideo").update(codecs="h264"), "it has no input codecs"),
    (lambda g: g.update({"77": {"class_type": "NoSuch", "inputs": {}}}), "has no node NoSuch"),
    (
        lambda g: [g.pop(n) for n in list(g) if "Save" in g[n]["class_type"]] and None,
        "no node saves a result",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_is_seen_before_it_is_sent(spoil: Change, message: str) -> None:
    made = copy.deepcopy(graph(ComfySettings()))
    spoil(made)
    found = problems(made, Definitions(INFO))
    assert any(message in problem for problem in found), found


def test_nodes_that_wait_for_each_other_are_seen() -> None:
    made = copy.deepcopy(graph(ComfySettings()))
    first = next(n for n, e in made.items() if e["class_type"] == "LTXVCropGuides")
    second = next(n for n, e in made.items() if e["class_type"] == "LTXVSeparateAVLatent")
    sampler = made[second]["inputs"]["av_latent"][0]
    made[sampler]["inputs"]["latent_image"] = [first, 2]
    assert any("wait for each other" in problem for problem in problems(made, Definitions(INFO)))
    status, answer, _ = validate(made, INFO, UPLOADS)
    assert (status, "dependency_cycle" in json.dumps(answer)) == (400, True)


# --- files -------------------------------------------------------------------------------------


def found(settings: ComfySettings, **lists: list[str]) -> Files:
    info = copy.deepcopy(INFO)
    places = {
        "checkpoints": ("CheckpointLoaderSimple", "ckpt_name"),
        "loras": ("LoraLoaderModelOnly", "lora_name"),
        "texts": ("LTXAVTextEncoderLoader", "text_encoder"),
        "upscalers": ("LatentUpscaleModelLoader", "model_name"),
    }
    for name, names in lists.items():
        node, entry = places[name]
        info[node]["input"]["required"][entry] = [names, {}]
    return find_files(Definitions(info), settings)


def test_full_precision_and_one_family_are_chosen() -> None:
    files = found(ComfySettings())
    assert files.checkpoint == "ltx-2.3-22b-dev.safetensors"
    assert files.dubbing_lora == "ltx-2.3-22b-ic-lora-lipdub-0.9.safetensors"
    assert files.distilled_lora == "ltx-2.3-22b-distilled-lora-384-1.1.safetensors"
    assert files.upscaler == "ltx-2.3-spatial-upscaler-x2-1.1.safetensors"
    assert files.text_encoder == "comfy_gemma_3_12B_it.safetensors"
    assert (files.family, files.distilled_strength) == ("2.3", 0.5)


def test_an_older_dubbing_lora_takes_the_older_files() -> None:
    older = ["ltx-2-19b-ic-lora-lipdubbing.safetensors", "ltx-2-19b-distilled-lora-384.safetensors"]
    files = found(ComfySettings(), loras=older)
    assert files.checkpoint == "ltx-2-19b-dev.safetensors"
    assert files.distilled_lora == older[1]
    assert files.upscaler == "ltx-2-spatial-upscaler-x2-1.0.safetensors"
    assert (files.family, files.distilled_strength) == ("2", 1.0)


def test_a_distilled_checkpoint_needs_no_distilled_lora() -> None:
    files = found(ComfySettings(), checkpoints=["ltx-2.3-22b-distilled-1.1.safetensors"])
    assert (files.checkpoint, files.distilled_lora) == ("ltx-2.3-22b-distilled-1.1.safetensors", "")
    with pytest.raises(GeneratorError, match="LTX-2 checkpoint that is not distilled"):
        found(ComfySettings(preset="full"), checkpoints=["ltx-2.3-22b-distilled-1.1.safetensors"])


def test_a_file_in_a_folder_of_another_system_is_found_by_its_name() -> None:
    listed = "ltxv\\ltx2\\LTX-2.3-22b-dev.safetensors"
    assert found(ComfySettings(), checkpoints=[listed]).checkpoint == listed
    named = ComfySettings(checkpoint="ltx-2.3-22b-dev.safetensors")
    assert found(named, checkpoints=[listed]).checkpoint == listed


def test_a_shard_is_no_text_encoder() -> None:
    with pytest.raises(GeneratorError, match="Gemma 3 12B text encoder in one file"):
        found(ComfySettings(), texts=["gemma-3-12b-it/model-00001-of-00005.safetensors"])


def test_everything_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(GeneratorError) as raised:
        found(ComfySettings(), checkpoints=[], loras=["x.safetensors"], texts=[], upscalers=[])
    assert str(raised.value).count("\n- ") == 5


def test_a_name_in_the_settings_that_the_server_lacks_is_told_with_what_it_has() -> None:
    with pytest.raises(
        GeneratorError, match=r"dub\.comfyui\.upscaler = 'mine\.safetensors': the server lists ltx"
    ):
        found(ComfySettings(upscaler="mine.safetensors"))


def test_further_loras_are_added_to_both_stages() -> None:
    name = "ltx-2-19b-ic-lora-detailer.safetensors"
    made = graph(ComfySettings(loras=f"{name}:0.4"))
    added = [n for n, e in made.items() if e["inputs"].get("lora_name") == name]
    assert [made[n]["inputs"]["strength_model"] for n in added] == [0.4]
    models = [e["inputs"]["model"][0] for e in made.values() if e["class_type"] == "CFGGuider"]
    assert all(set(added) <= _before(made, model) for model in models)


def test_loras_are_read_as_people_write_them() -> None:
    assert further_loras("a.safetensors:0.5, b c.safetensors") == [
        ("a.safetensors", 0.5),
        ("b c.safetensors", 1.0),
    ]
    with pytest.raises(SettingError, match="'x' is no strength"):
        further_loras("a:x")


# --- small things ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("", "http://127.0.0.1:8001"),
        ("gpu-box", "http://gpu-box:8001"),
        ("gpu-box:9000", "http://gpu-box:9000"),
        ("http://10.0.0.5", "http://10.0.0.5:8001"),
        ("https://comfy.example.org/box", "https://comfy.example.org/box"),
        ("http://127.0.0.1:8188/", "http://127.0.0.1:8188"),
    ],
)
def test_the_port_is_8001_where_none_is_written(written: str, address: str) -> None:
    assert server_address(ComfySettings(written)) == address


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(GeneratorError, match=r"dub\.comfyui\.address"):
        server_address(ComfySettings("ftp://box"))


def test_what_a_server_says_of_each_kind_of_mistake_becomes_a_sentence() -> None:
    made = copy.deepcopy(graph(ComfySettings()))
    of(made, "CheckpointLoaderSimple").update(ckpt_name="gone.safetensors")
    of(made, "LTXVEmptyLatentAudio").update(frames_number=2000)
    status, answer, _ = validate(made, INFO, UPLOADS)
    assert status == 400
    said = str(refused_graph(answer, "http://box"))
    assert "- CheckpointLoaderSimple: the server has no ckpt_name 'gone.safetensors'." in said
    assert "- LTXVEmptyLatentAudio: its input frames_number is 2000, which is too large." in said
    made["99"] = {"class_type": "Gone", "inputs": {}}
    assert "has no node Gone" in str(refused_graph(validate(made, INFO, UPLOADS)[1], "http://box"))
    assert "gives no reason" in str(refused_graph(None, "http://box"))


def test_progress_counts_steps_of_the_sampler_most() -> None:
    share = Share({"1": {"class_type": "CLIPTextEncode"}, "2": {"class_type": "SamplerCustomAdvanced"}})
    assert share.after("execution_cached", {"nodes": ["1"]}) == pytest.approx(1 / 41)
    assert share.after("progress", {"node": "2", "value": 2, "max": 8}) == pytest.approx(11 / 41)
    assert share.after("progress", {"node": "2", "value": 1, "max": 0}) == pytest.approx(11 / 41)
    nodes = {"2": {"value": 0, "max": 8, "state": "finished"}}
    assert share.after("progress_state", {"nodes": nodes}) == pytest.approx(1.0)


def test_a_stored_file_knows_its_suffix() -> None:
    assert (Stored("A.MP4").suffix, Stored("x").suffix) == (".mp4", "")


def test_latents_of_the_stand_in_are_cut_as_the_real_ones() -> None:
    runner = Runner({}, Path())
    assert runner._EmptyLTXVLatentVideo({"width": 640, "height": 360, "length": 100}) == Picture(640, 352, 97)


def test_a_wanted_clip_tells_what_the_server_makes() -> None:
    wanted: Wanted = example(ComfySettings(preset="preview"))
    assert wanted.made_size == (384, 256)
