"""The text encoder: tokens, the language model's hidden states, loading its folder, contexts of a prompt."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import Gemma3TextConfig, Gemma3TextModel

from dubkit.ltx.connectors import Connector
from dubkit.ltx.features import FeaturesV1, FeaturesV2
from dubkit.ltx.text import TOKENS, Gemma, GemmaTokenizer, PromptTokens, TextEncoder
from dubkit.ltx.weights import Checkpoint
from tests.ltx.test_connectors import connector_config, filled
from tests.support.golden import CHECKPOINT, GOLDEN, assert_close, golden, relative_error, requires_golden
from tests.support.upstream import import_upstream

GEMMA_FOLDER = GOLDEN / "models" / "gemma"
WORDS = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"w{number}" for number in range(60))]
PREFIX = "language_model.model."
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "query_pre_attn_scalar": 8,
    "vocab_size": len(WORDS),
    "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "sliding_window": 16,
}


def whole_model() -> Gemma3TextModel:
    """A text model that transformers itself built and filled in the ordinary way."""
    model = filled(Gemma3TextModel(Gemma3TextConfig(**SIZES)), seed=2)
    model.eval()
    return model


def language_model() -> dict[str, Tensor]:
    return {PREFIX + key: value for key, value in whole_model().state_dict().items()}


def write_tokenizer(folder: Path, words: list[str] = WORDS) -> None:
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))


def write_gemma(folder: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write a tiny Gemma folder, with the parts that a text encoder leaves aside."""
    folder.mkdir(exist_ok=True)
    aside = {"vision_tower.head.bias": torch.ones(3), "language_model.lm_head.weight": torch.ones(3)}
    save_file({**aside, **(language_model() if tensors is None else tensors)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": SIZES}))
    write_tokenizer(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_gemma(tmp_path / "gemma")


def open_gemma(folder: Path, dtype: torch.dtype = torch.float32) -> Gemma:
    return Gemma.open(folder, "cpu", dtype)


# PromptTokens


def golden_prompts() -> dict[str, str]:
    params = json.loads((GOLDEN / "params.json").read_text())["params"]
    call = params["justdubit_call"]
    strings = [*params["token_strings"][:3], "word " * 1500]
    return {
        "pos": call["prompt"],
        "neg": call["negative_prompt"],
        **{str(i): s for i, s in enumerate(strings)},
    }


@requires_golden
@pytest.mark.parametrize("name", ["pos", "neg", "0", "1", "2", "3"])
def test_token_ids_and_masks_are_the_originals(name: str) -> None:
    if name in ("pos", "neg"):
        ids, mask = (golden("e2e_text")[f"{name}.{kind}"] for kind in ("input_ids", "attention_mask"))
    else:
        ids, mask = (golden("unit_text")[f"tokens.{name}.{kind}"] for kind in ("ids", "mask"))
    tokens = GemmaTokenizer(GEMMA_FOLDER)(golden_prompts()[name])
    assert torch.equal(tokens.ids, ids)
    assert torch.equal(tokens.mask, mask)


def test_a_prompt_is_stripped_begun_with_bos_and_padded_on_the_left(folder: Path) -> None:
    tokens = GemmaTokenizer(folder)("\n  w0 w2 ")
    assert tokens.ids.tolist() == [0] * 1021 + [2, 4, 6]
    assert tokens.mask.tolist() == [0] * 1021 + [1, 1, 1]


def test_a_long_prompt_keeps_bos_and_its_beginning(folder: Path) -> None:
    tokens = GemmaTokenizer(folder)("w1 " * 1022 + "w2 w3 w4")
    assert tokens.ids.tolist() == [2] + [5] * 1022 + [6]
    assert tokens.mask.all()


def test_limits_stored_in_the_tokenizer_file_do_not_count(folder: Path) -> None:
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(path))
    assert GemmaTokenizer(folder)("w1 " * 6).ids[-8:].tolist() == [0, 2, 5, 5, 5, 5, 5, 5]


def test_a_missing_tokenizer_names_folder_and_file(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=rf"{tmp_path} has no tokenizer\.json\. Download all of google/gemma"
    ):
        GemmaTokenizer(tmp_path)


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": ')
    with pytest.raises(ValueError, match=r"tokenizer\.json is damaged .* Download it again"):
        GemmaTokenizer(tmp_path)


def test_a_tokenizer_without_gemmas_special_tokens_is_refused(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, ["<unk>", "a"])
    with pytest.raises(ValueError, match="no <bos> or no <pad>"):
        GemmaTokenizer(tmp_path)


# Hidden states


@requires_golden
@pytest.mark.parametrize("name", ["pos", "neg"])
def test_every_stage_of_the_text_path_gives_the_originals_numbers(name: str) -> None:
    encoder = TextEncoder.open(Checkpoint(CHECKPOINT), GEMMA_FOLDER, "cpu", torch.float32)
    reference, prompt = golden("e2e_text"), golden_prompts()[name]
    hidden = encoder.gemma(encoder.tokenizer(prompt))
    assert_close(hidden, reference[f"{name}.gemma_hidden"])
    features, _ = encoder.features(hidden.unsqueeze(0), torch.ones(1, len(hidden)))
    assert_close(features[0], reference[f"{name}.features"])
    video, audio = encoder(prompt)
    assert_close(video, reference[f"{name}.video_context"])
    assert_close(audio, reference[f"{name}.audio_context"])


@requires_golden
def test_bfloat16_lies_within_the_originals_own_distance_from_float32() -> None:
    """The original's bfloat16 context is 1.0 % (relative L2) from its float32 one."""
    encoder = TextEncoder.open(Checkpoint(CHECKPOINT), GEMMA_FOLDER, "cpu", torch.bfloat16)
    video, _ = encoder(golden_prompts()["pos"])
    expected = golden("e2e_bf16")["pos.video_context_first128"]
    assert video.dtype == expected.dtype
    difference = (video[:, :128].float() - expected.float()).norm() / expected.float().norm()
    assert difference < 0.01


def test_hidden_states_equal_those_of_the_whole_padded_sequence(folder: Path) -> None:
    tokens = GemmaTokenizer(folder)("w1 w5 w9 w2 " * 8)
    with torch.no_grad():
        padded = whole_model()(
            tokens.ids[None], tokens.mask[None], output_hidden_states=True, use_cache=False
        )
    expected = torch.stack(padded.hidden_states, dim=-1)[0, -33:]
    gemma = open_gemma(folder)
    hidden = gemma(tokens)
    assert hidden.shape == (33, gemma.hidden_size, gemma.hidden_states)
    assert_close(hidden, expected)


def test_first_is_the_scaled_embedding_and_last_is_normed(folder: Path) -> None:
    model = whole_model()
    hidden = open_gemma(folder)(GemmaTokenizer(folder)("w1 w5"))
    assert_close(hidden[..., 0], model.embed_tokens.weight[[2, 5, 9]] * 32**0.5, rel=1e-6)
    mean_square = (hidden[..., -1] / (1 + model.norm.weight)).square().mean(-1)
    assert_close(mean_square, torch.ones(3), rel=1e-3)


def test_tokens_keep_the_positions_they_have_behind_the_padding() -> None:
    seen: list[Tensor] = []

    def model(ids: Tensor, mask: Tensor, positions: Tensor, **options: bool) -> SimpleNamespace:
        seen.extend([ids, mask, positions])
        return SimpleNamespace(hidden_states=[torch.zeros(1, 3, 2)] * 4)

    model.config = SimpleNamespace(hidden_size=2, num_hidden_layers=3)  # type: ignore[attr-defined]
    model.embed_tokens = SimpleNamespace(weight=torch.zeros(1))  # type: ignore[attr-defined]
    ids = torch.tensor([0] * 1021 + [2, 7, 8])
    assert Gemma(model)(PromptTokens(ids, (ids > 0).long())).shape == (3, 2, 4)  # type: ignore[arg-type]
    assert [tensor.tolist() for tensor in seen] == [[[2, 7, 8]], [[1, 1, 1]], [[1021, 1022, 1023]]]


# Loading


def test_everything_is_on_the_device_weights_in_the_dtype_and_tables_in_float32(folder: Path) -> None:
    model = open_gemma(folder, torch.bfloat16).model
    assert {(p.dtype, p.device.type, p.requires_grad) for p in model.parameters()} == {
        (torch.bfloat16, "cpu", False)
    }
    reference = dict(whole_model().named_buffers())
    buffers = dict(model.named_buffers())
    assert buffers.keys() == reference.keys()
    assert all(torch.equal(buffers[name], reference[name]) for name in reference)
    assert not model.training


def test_image_tower_and_output_head_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = Checkpoint.tensor

    def tensor(self: Checkpoint, key: str, *args: Any) -> Tensor:
        read.append(key)
        return original(self, key, *args)

    monkeypatch.setattr(Checkpoint, "tensor", tensor)
    open_gemma(folder)
    assert sorted(read) == sorted(language_model())


def test_a_sharded_folder_loads_like_a_single_file(folder: Path) -> None:
    tokens = GemmaTokenizer(folder)("w1 w5")
    single = open_gemma(folder)(tokens)
    (folder / "model.safetensors").unlink()
    items, places = sorted(language_model().items()), {}
    for number, part in enumerate((items[::2], items[1::2])):
        save_file(dict(part), folder / f"model-{number}.safetensors")
        places.update({key: f"model-{number}.safetensors" for key, _ in part})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert torch.equal(open_gemma(folder)(tokens), single)
    (folder / "model-1.safetensors").unlink()
    with pytest.raises(ValueError, match=rf"{folder} has no model-1\.safetensors\. Download all of"):
        open_gemma(folder)


def test_names_as_newer_libraries_save_them_load_too(folder: Path) -> None:
    tokens = GemmaTokenizer(folder)("w1 w5")
    expected = open_gemma(folder)(tokens)
    tensors = {key.replace(PREFIX, "model.language_model."): v for key, v in language_model().items()}
    aside = {
        "lm_head.weight": torch.ones(1),
        "model.multi_modal_projector.mm_soft_emb_norm.weight": torch.ones(1),
    }
    write_gemma(folder, tensors | aside)
    assert torch.equal(open_gemma(folder)(tokens), expected)


def test_missing_unexpected_and_misshaped_tensors_are_listed_together(folder: Path) -> None:
    tensors = language_model()
    del tensors[PREFIX + "layers.3.mlp.up_proj.weight"]
    tensors[PREFIX + "layers.4.mlp.up_proj.weight"] = torch.ones(1)
    tensors[PREFIX + "norm.weight"] = torch.ones(31)
    write_gemma(folder, tensors)
    with pytest.raises(ValueError, match=r"does not fit Gemma3TextModel") as caught:
        open_gemma(folder)
    for part in ("missing: layers.3.mlp.up_proj", "unexpected: layers.4.mlp.up_proj", "norm.weight", "[31]"):
        assert part in str(caught.value)


def test_tensors_of_no_known_part_are_named(folder: Path) -> None:
    write_gemma(folder, language_model() | {"audio_tower.weight": torch.ones(1)})
    with pytest.raises(ValueError, match=r"not Gemma 3's: unknown tensors \['audio_tower\.weight'\]"):
        open_gemma(folder)


def test_weights_without_a_language_model_are_refused(folder: Path) -> None:
    write_gemma(folder, {})
    with pytest.raises(ValueError, match=r"not Gemma 3's: none under \('language_model\.model\.'"):
        open_gemma(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_names_the_folder_the_file_and_the_source(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ValueError, match=rf"{folder} has no {name}\. Download all of google/gemma-3-12b"):
        open_gemma(folder)


def test_a_truncated_weight_file_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="truncated"):
        open_gemma(folder)


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_a_damaged_configuration_is_named(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is not a JSON object"):
        open_gemma(folder)


@pytest.mark.parametrize("values", [{"model_type": "llama"}, {"model_type": "gemma3"}, {}])
def test_a_folder_of_another_model_is_refused(folder: Path, values: dict[str, str]) -> None:
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=r"not 'gemma3' with a text_config\. Download google/gemma"):
        open_gemma(folder)


@requires_golden
def test_a_checkpoint_for_another_language_model_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"aggregate_embed\.weight.*\[64, 448\].*\[64, 160\]"):
        TextEncoder.open(Checkpoint(CHECKPOINT), folder, "cpu", torch.float32)


# Contexts


@pytest.mark.parametrize("version", [1, 2])
def test_contexts_equal_the_published_package_fed_with_the_padded_sequence(
    folder: Path, version: int
) -> None:
    """Both generations, with ungated and gated connectors, of different widths in the second."""
    second = version == 2
    features = filled(FeaturesV2(32, 5, 48, 24) if second else FeaturesV1(32, 5, 32), seed=4)
    picture = connector_config(head_dim=12 if second else 8, gated_attention=second, registers=128)
    sound = connector_config(head_dim=6 if second else 8, gated_attention=second, registers=128)
    video, audio = (filled(Connector(config), seed=5 + i) for i, config in enumerate((picture, sound)))
    tokenizer = GemmaTokenizer(folder)
    encoder = TextEncoder(tokenizer, open_gemma(folder), features, video, audio)

    upstream = import_upstream("ltx_core.text_encoders.gemma")
    extractors = import_upstream("ltx_core.text_encoders.gemma.feature_extractor")
    connectors = import_upstream("ltx_core.text_encoders.gemma.embeddings_connector")
    kinds = import_upstream("ltx_core.model.transformer.rope").LTXRopeType
    parts = []
    for config, ours in ((picture, video), (sound, audio)):
        part = connectors.Embeddings1DConnector(
            attention_head_dim=config.head_dim,
            num_attention_heads=config.heads,
            positional_embedding_max_pos=[4096],
            rope_type=kinds("split"),
            double_precision_rope=True,
            apply_gated_attention=second,
        ).float()
        part.load_state_dict(ours.state_dict())
        parts.append(part)
    if second:
        linears = torch.nn.Linear(160, 48), torch.nn.Linear(160, 24)
        extractor = extractors.FeatureExtractorV2(linears[0], 32, linears[1])
    else:
        extractor = extractors.FeatureExtractorV1(torch.nn.Linear(160, 32, bias=False), is_av=True)
    extractor.load_state_dict(features.state_dict())
    processor = upstream.EmbeddingsProcessor(
        feature_extractor=extractor, video_connector=parts[0], audio_connector=parts[1]
    )
    prompt = "w3 w1 w4 w1 w5 w9 w2 w6"
    tokens = tokenizer(prompt)
    with torch.no_grad():
        hidden = whole_model()(tokens.ids[None], tokens.mask[None], output_hidden_states=True).hidden_states
        expected = processor.process_hidden_states(hidden, tokens.mask[None])
    picture_context, sound_context = encoder(prompt)
    assert picture_context.shape == (1, TOKENS, picture.width)
    assert sound_context.shape == (1, TOKENS, sound.width)
    assert_close(picture_context, expected.video_encoding)
    assert_close(sound_context, expected.audio_encoding)


def test_an_empty_prompt_has_a_context_of_its_own(folder: Path) -> None:
    parts = [filled(Connector(connector_config(registers=128)), seed=seed) for seed in (1, 2)]
    features = filled(FeaturesV1(32, 5, 32))
    encoder = TextEncoder(GemmaTokenizer(folder), open_gemma(folder), features, *parts)
    empty, word = encoder(""), encoder("w7")
    for one, other in zip(empty, word, strict=True):
        assert torch.isfinite(one).all()
        assert relative_error(one, other) > 0.01
