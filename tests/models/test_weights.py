"""Weight files checked by their headers: what is wrong is named, with its cure, and nothing is loaded."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dubkit.cli import cli
from dubkit.errors import DubkitError, ModelMissing
from dubkit.models.tiny.files import GEMMA, NAMES, make_tiny
from dubkit.models.weights import gemma as gemma_files
from dubkit.models.weights import parts as generator_parts
from dubkit.models.weights.files import WeightReport, check_paths
from dubkit.models.weights.header import HeaderError, read_header
from dubkit.models.weights.trained import what_it_changes

FILES = NAMES["2"]


def raw(path: Path, header: object, body: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


# --- headers -----------------------------------------------------------------------------------


def test_a_whole_header_is_read(tmp_path: Path) -> None:
    header = {"__metadata__": {"a": "b"}, "x": entry([2, 1], 0, 8), "y.z": entry([], 8, 12)}
    found = read_header(raw(tmp_path / "f", header, bytes(12)))
    assert (found.metadata, found.values) == ({"a": "b"}, 3)
    assert found.shapes("y.") == {"z": ()}


@pytest.mark.parametrize(
    ("header", "body", "words"),
    [
        (b"{", b"", "not JSON"),
        ([], b"", "not a JSON object"),
        ({"__metadata__": 1}, b"", "__metadata__"),
        ({"x": entry([2], 0, 8)}, bytes(7), "cut off: 1 of 8 bytes"),
        ({"x": entry([2], 0, 8)}, bytes(9), "1 bytes follow the last tensor"),
        ({"x": entry([2], 0, 8), "y": entry([1], 12, 16)}, bytes(16), "y leaves 4 bytes unused"),
        ({"x": entry([2], 0, 8), "y": entry([1], 4, 8)}, bytes(8), "y overlaps"),
        ({"x": entry([3], 0, 8)}, bytes(8), r"x takes 8 bytes, but \[3\] F32 are 12"),
        ({"x": entry([2], 0, 8, "F31")}, bytes(8), "unknown type F31"),
        ({"x": {"dtype": "F32"}}, bytes(8), "entry of x is damaged"),
        ({"x": entry([-1, -2], 0, 8)}, bytes(8), "x takes"),
    ],
)
def test_a_damaged_header_is_refused(tmp_path: Path, header: object, body: bytes, words: str) -> None:
    with pytest.raises(HeaderError, match=words):
        read_header(raw(tmp_path / "f", header, body))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"<html>404 not found</html>", "not the length of a header"),
        (struct.pack("<Q", 100) + b"{", "cut off inside the header"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(HeaderError, match=words):
        read_header(tmp_path / "f")


# --- whole sets --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "set"
    make_tiny(folder, seed=1)
    return folder


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "newer"
    make_tiny(folder, seed=1, generation="2.3")
    return folder


Change = Callable[[dict[str, Any]], None]


def altered(source: Path, target: Path, change: Change) -> Path:
    """Copy a weight file with another header; `change` gets the header, tensors stay as many bytes."""
    content = source.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    at, body = 0, []
    for key, value in header.items():
        if key != "__metadata__":
            begin, end = value["data_offsets"]
            body.append(content[8 + length + begin : 8 + length + end])
            value["data_offsets"] = [at, at := at + end - begin]
    target.parent.mkdir(parents=True, exist_ok=True)
    return raw(target, header, b"".join(body))


def texts(report: WeightReport) -> str:
    return "\n".join(f"{problem.text}. {problem.cure}" for problem in report.problems)


def test_a_whole_set_has_no_problems(whole: Path) -> None:
    reports = {report.path.name: report for report in check_paths([whole])}
    assert {name: texts(report) for name, report in reports.items() if not report.ok} == {}
    assert set(reports) == {*FILES.values(), GEMMA}
    assert "LTX-2 checkpoint of 3 blocks" in reports[FILES["checkpoint"]].summary
    assert "linears in scaled float8" in reports[FILES["float8"]].summary
    assert "rank 4 on" in reports[FILES["dubbing"]].summary
    assert "spatial upscaler, made for LTX-2," in reports[FILES["spatial"]].summary
    assert "random test weights" in reports[FILES["checkpoint"]].summary


def test_a_newer_set_has_no_problems(newer: Path) -> None:
    reports = check_paths([newer])
    assert {report.path.name: texts(report) for report in reports if not report.ok} == {}
    assert any("LTX-2.3 checkpoint" in report.summary for report in reports)


def test_missing_unexpected_and_misshaped_tensors_are_named(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["vocoder.extra"] = header.pop("vocoder.conv_pre.bias")
        header["vae.decoder.conv_in.conv.bias"]["shape"] = [
            1,
            *header["vae.decoder.conv_in.conv.bias"]["shape"],
        ]

    (report,) = check_paths([altered(whole / FILES["checkpoint"], tmp_path / "f", change)])
    assert "1 tensors are missing: vocoder.conv_pre.bias" in texts(report)
    assert "1 tensors are not expected: vocoder.extra" in texts(report)
    assert "vae.decoder.conv_in.conv.bias is [1, 64], expected [64]" in texts(report)
    assert "published single file" in texts(report)


def test_statistics_that_nothing_reads_are_allowed(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["vae.per_channel_statistics.channel"] = dict(header["vae.per_channel_statistics.std-of-means"])

    (report,) = check_paths([altered(whole / FILES["checkpoint"], tmp_path / "f", change)])
    assert report.ok, texts(report)


def test_a_checkpoint_without_its_configuration_is_refused(whole: Path, tmp_path: Path) -> None:
    (report,) = check_paths(
        [altered(whole / FILES["checkpoint"], tmp_path / "f", lambda h: h["__metadata__"].pop("config"))]
    )
    assert "no 'config' in its metadata" in texts(report)


def test_a_missing_field_of_the_configuration_is_named(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        config = json.loads(header["__metadata__"]["config"])
        del config["transformer"]["rope_type"]
        header["__metadata__"]["config"] = json.dumps(config)

    (report,) = check_paths([altered(whole / FILES["checkpoint"], tmp_path / "f", change)])
    assert "lacks transformer.rope_type" in texts(report)


def test_integers_where_weights_belong_are_refused(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["vocoder.conv_pre.bias"]["dtype"] = "I16"

    (report,) = check_paths([altered(whole / FILES["checkpoint"], tmp_path / "f", change)])
    assert "type that is not used there: vocoder.conv_pre.bias (I16)" in texts(report)


def test_float8_without_scales_is_refused(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        scale = next(key for key in header if key.endswith(".weight_scale"))
        header.pop(scale)

    (report,) = check_paths([altered(whole / FILES["float8"], tmp_path / "f", change)])
    assert "1 float8 scales are missing: model.diffusion_model.transformer_blocks.1." in texts(report)
    assert "let dubkit cast it" in texts(report)


def test_float8_outside_the_blocks_is_refused(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        entry = header["vocoder.conv_pre.bias"]
        entry["dtype"], entry["shape"] = "F8_E4M3", [2 * entry["shape"][0]]

    (report,) = check_paths([altered(whole / FILES["checkpoint"], tmp_path / "f", change)])
    assert "vocoder.conv_pre.bias (F8_E4M3)" in texts(report)


def test_a_truncated_file_says_how_much_is_missing(whole: Path, tmp_path: Path) -> None:
    content = (whole / FILES["spatial"]).read_bytes()
    (tmp_path / "f.safetensors").write_bytes(content[:-100])
    (report,) = check_paths([tmp_path / "f.safetensors"])
    assert "cut off: 100 of" in texts(report)
    assert "again" in texts(report)


# --- LoRAs and upscalers -----------------------------------------------------------------------


def test_a_lora_is_held_against_the_checkpoint_beside_it(whole: Path, newer: Path) -> None:
    paths = [whole / FILES["distilled"], newer / NAMES["2.3"]["checkpoint"]]
    lora = check_paths(paths)[0]
    assert "layers are not linear layers of the checkpoint: audio_caption_projection.linear_1" in texts(lora)
    assert "made for this model" in texts(lora)


def test_a_lora_alone_is_held_against_the_published_model(whole: Path) -> None:
    (report,) = check_paths([whole / FILES["dubbing"]])
    assert "layers have other sizes than LTX-2 19B as published" in texts(report)
    assert "transformer_blocks.0.attn1.to_k is [128, 128], the model's [4096, 4096]" in texts(report)
    assert "not linear layers of" not in texts(report)


def test_a_lora_is_held_against_the_checkpoint_in_use(whole: Path) -> None:
    (report,) = check_paths([whole / FILES["dubbing"]], whole / FILES["checkpoint"])
    assert report.ok, texts(report)


def test_files_of_both_generations_may_lie_in_one_folder(whole: Path, newer: Path) -> None:
    reports = check_paths([whole, newer])
    assert {report.path.name: texts(report) for report in reports if not report.ok} == {}


def test_half_pairs_and_uneven_ranks_of_a_lora_are_named(whole: Path, tmp_path: Path) -> None:
    layer = "diffusion_model.transformer_blocks.0."

    def change(header: dict[str, Any]) -> None:
        header.pop(f"{layer}attn1.to_q.lora_A.weight")
        header[f"{layer}attn1.to_k.lora_A.weight"]["shape"] = [8, 64]
        header["lora_te.alpha.lora_A"] = header.pop(f"{layer}attn2.to_q.lora_A.weight")

    (report,) = check_paths(
        [altered(whole / FILES["dubbing"], tmp_path / "f", change)], whole / FILES["checkpoint"]
    )
    assert "2 layers lack lora_A or lora_B: transformer_blocks.0.attn1.to_q" in texts(report)
    assert "differ in rank in 1 layers: transformer_blocks.0.attn1.to_k" in texts(report)
    assert "1 keys are not diffusion_model" in texts(report)


@pytest.mark.parametrize(
    ("rename", "cure"),
    [
        (
            lambda key: key.replace("diffusion_model.", "base_model.model."),
            "Have the trainer save diffusion_m",
        ),
        (
            lambda key: key.replace("diffusion_model.", "transformer."),
            "Have the trainer save diffusion_model.",
        ),
        (lambda key: key.replace(".lora_A.weight", ".lora_down.weight"), "Have the trainer save diffusion_m"),
        (lambda key: key.replace("lora_A", "lora_A.default"), "Have the trainer save diffusion_model."),
        (lambda key: key.replace("lora_A.weight", "hada_w1"), "Use the published single file"),
    ],
)
def test_a_lora_as_another_trainer_saves_it_says_what_to_do(
    whole: Path, tmp_path: Path, rename: Callable[[str], str], cure: str
) -> None:
    def change(header: dict[str, Any]) -> None:
        for key in [key for key in header if key != "__metadata__"]:
            header[rename(key)] = header.pop(key)

    file = altered(whole / FILES["dubbing"], tmp_path / "f", change)
    (report,) = check_paths([file], whole / FILES["checkpoint"])
    assert "keys are not diffusion_model.<layer>.lora_A.weight or lora_B.weight" in texts(report)
    assert cure in texts(report)


def test_alphas_of_a_lora_and_a_reference_without_a_size_are_named(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        for key in [key for key in header if key.endswith(".lora_A.weight")]:
            header[key.replace(".lora_A.weight", ".alpha")] = entry([], 0, 4)
        header["__metadata__"]["reference_downscale_factor"] = "half"

    file = altered(whole / FILES["dubbing"], tmp_path / "f", change)
    (report,) = check_paths([file], whole / FILES["checkpoint"])
    assert "Alphas are not read: alpha is taken to equal the rank." in texts(report)
    assert "reference_downscale_factor 'half', which must be a whole number" in texts(report)


def test_what_a_trained_lora_changes_is_said(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        header["__metadata__"]["reference_downscale_factor"] = "2"

    file = altered(whole / FILES["dubbing"], tmp_path / "f", change)
    (report,) = check_paths([file], whole / FILES["checkpoint"])
    assert report.ok, texts(report)
    assert "linears of picture, sound and what joins them, reference 2 times smaller" in report.summary
    assert what_it_changes(["transformer_blocks.0.attn1.to_q"]) == "of picture"
    assert what_it_changes([]) == ""


def test_an_upscaler_of_another_generation_is_refused(whole: Path, newer: Path) -> None:
    paths = [newer / NAMES["2.3"]["spatial"], whole / FILES["checkpoint"]]
    assert "made for LTX-2.3, but the checkpoint is LTX-2: latents differ" in texts(check_paths(paths)[0])


def test_an_upscaler_for_other_latents_is_refused(whole: Path, tmp_path: Path) -> None:
    def change(header: dict[str, Any]) -> None:
        config = json.loads(header["__metadata__"]["config"]) | {"in_channels": 16}
        header["__metadata__"]["config"] = json.dumps(config)

    paths = [altered(whole / FILES["spatial"], tmp_path / "f", change), whole / FILES["checkpoint"]]
    report = check_paths(paths)[0]
    assert "takes latents of 16 channels, the checkpoint's have 8" in texts(report)
    assert "tensors have another shape" in texts(report)


def test_weights_of_something_else_are_told(tmp_path: Path) -> None:
    (report,) = check_paths([raw(tmp_path / "f", {"unet.x": entry([2], 0, 8)}, bytes(8))])
    assert "neither checkpoint, LoRA nor upscaler: its tensors are unet.x" in texts(report)


# --- the text encoder --------------------------------------------------------------------------


@pytest.fixture
def gemma(whole: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(whole / GEMMA, tmp_path / "gemma"))


def without(keys: list[str], header: dict[str, Any]) -> None:
    for key in keys:
        del header[key]


def split(folder: Path) -> tuple[Path, dict[str, str]]:
    """Cut the single file in two shards with an index, as the published folder has."""
    single = folder / "model.safetensors"
    keys = sorted(read_header(single).tensors)
    names = {key: f"model-0000{1 + (n > 40)}-of-00002.safetensors" for n, key in enumerate(keys)}
    for name in set(names.values()):
        gone = [key for key in keys if names[key] != name]
        altered(single, folder / name, partial(without, gone))
    single.unlink()
    (folder / gemma_files.INDEX).write_text(json.dumps({"weight_map": names}), encoding="utf-8")
    return folder / gemma_files.INDEX, names


def test_a_sharded_folder_is_whole(gemma: Path) -> None:
    split(gemma)
    (report,) = check_paths([gemma])
    assert report.ok, texts(report)


def test_a_missing_shard_is_named(gemma: Path) -> None:
    split(gemma)
    (gemma / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors is missing, which" in texts(check_paths([gemma])[0])


def test_a_tensor_that_the_index_promises_is_looked_for(gemma: Path) -> None:
    index, names = split(gemma)
    names["language_model.model.norm.weight"] = "model-00001-of-00002.safetensors"
    names["language_model.model.other"] = "model-00002-of-00002.safetensors"
    index.write_text(json.dumps({"weight_map": names}), encoding="utf-8")
    assert "lacks language_model.model.other" in texts(check_paths([gemma])[0])
    index.write_text("[]", encoding="utf-8")
    assert "is damaged" in texts(check_paths([gemma])[0])


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("config.json", None, "config.json is missing"),
        ("config.json", "{", "config.json is not JSON"),
        ("config.json", '{"model_type": "llama"}', "model_type 'llama', expected 'gemma3'"),
        ("config.json", '{"model_type": "gemma3"}', "text_config lacks the whole object"),
        ("config.json", '{"model_type": "gemma3", "text_config": {"hidden_size": 8}}', "intermediate_size"),
        ("tokenizer.json", None, "tokenizer.json is missing"),
        ("tokenizer.json", "{", "tokenizer.json is damaged"),
        ("tokenizer.json", '{"added_tokens": []}', "lacks <bos>, <pad>"),
        ("model.safetensors", None, "model.safetensors is missing"),
        ("model.safetensors", "short", "not a safetensors file: it has 5 bytes"),
    ],
)
def test_what_a_gemma_folder_lacks_is_named(gemma: Path, file: str, content: str | None, words: str) -> None:
    if content is None:
        (gemma / file).unlink()
    else:
        (gemma / file).write_text(content, encoding="utf-8")
    (report,) = check_paths([gemma])
    assert words in texts(report)


def test_gemma_of_another_size_than_its_configuration_is_refused(gemma: Path) -> None:
    config = json.loads((gemma / "config.json").read_text(encoding="utf-8"))
    config["text_config"] |= {"num_hidden_layers": 7, "intermediate_size": 96}
    (gemma / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found = texts(check_paths([gemma])[0])
    assert "missing tensor layers.6.input_layernorm.weight" in found
    assert "layers.0.mlp.down_proj.weight is [64, 128], config.json says [64, 96]" in found


def test_gemma_that_does_not_fit_the_checkpoint_is_refused(whole: Path, gemma: Path) -> None:
    config = json.loads((gemma / "config.json").read_text(encoding="utf-8"))
    config["text_config"]["num_hidden_layers"] = 5
    (gemma / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found = texts(check_paths([gemma, whole / FILES["checkpoint"]])[0])
    assert "gives 384 values per token, the checkpoint's projection takes 448" in found


def test_the_published_sizes_give_the_published_tensors() -> None:
    published = {
        "hidden_size": 3840,
        "intermediate_size": 15360,
        "num_attention_heads": 16,
        "num_hidden_layers": 48,
        "num_key_value_heads": 8,
    }
    shapes = gemma_files.text_shapes(published)
    assert len(shapes) == 48 * 13 + 2
    assert shapes["layers.47.self_attn.q_proj.weight"] == (4096, 3840)
    assert shapes["embed_tokens.weight"] == (262_208, 3840)


# --- the command -------------------------------------------------------------------------------


def test_nothing_to_check_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="nothing is there"):
        check_paths([tmp_path / "absent.safetensors"])
    with pytest.raises(ModelMissing, match="holds neither"):
        check_paths([tmp_path])


def test_verify_prints_a_line_per_problem_and_exits_1(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes((whole / FILES["spatial"]).read_bytes()[:-1])
    paths = [str(whole / FILES["spatial"]), str(tmp_path / "cut.safetensors")]
    done = CliRunner().invoke(cli, ["models", "verify", *paths])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0].startswith(f"{FILES['spatial']}: ok, spatial upscaler")
    assert lines[1].startswith("cut.safetensors: damaged")
    assert lines[2].startswith("  cut off: 1 of")
    assert "again" in lines[2]


def test_verify_of_a_whole_folder_exits_0_and_speaks_json(whole: Path) -> None:
    done = CliRunner().invoke(cli, ["models", "verify", "--json", str(whole)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert len(found) == 7
    assert all(row["ok"] and not row["problems"] for row in found)


def test_verify_by_name_checks_the_header_of_a_generator_file(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_GENERATOR", str(whole))
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path / "cache"))
    done = CliRunner().invoke(cli, ["models", "verify", "ltx-2-19b-dev", "ltx-2-19b-ic-lora-lipdubbing"])
    assert done.exit_code == 0, done.output
    assert "LTX-2 checkpoint of 3 blocks" in done.output
    assert "LoRA, rank 4 on 84 linears" in done.output


def test_without_torch_it_is_said_what_to_install(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_parts, "package_folder", lambda name: None)
    with pytest.raises(DubkitError, match=r"dubkit\[gpu\]"):
        check_paths([whole])
    with pytest.raises(DubkitError, match=r"dubkit\[gpu\]"):
        make_tiny(whole.parent / "other")


def test_checking_loads_no_weight(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import safetensors
    import torch

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a weight was read")

    monkeypatch.setattr(safetensors, "safe_open", refuse)
    monkeypatch.setattr(torch, "frombuffer", refuse)
    assert all(report.ok for report in check_paths([whole]))
