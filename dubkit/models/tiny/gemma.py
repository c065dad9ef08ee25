"""A tiny Gemma 3 folder with random weights and a tokenizer that takes any text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.models.weights.gemma import text_shapes

SPECIAL = (
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<mask>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<end_of_image>",
    "<image_soft_token>",
)
"""Tokens 0 to 9. The published ids differ for the last five only; nothing in the text path reads those."""

SPACE = "\u2581"
MERGED = ("th", "he", "in", "er", "an", "re", "on", "es", "en", "or", SPACE + "t", SPACE + "a", SPACE + "s")
VISION_WIDTH, VISION_HIDDEN, PATCH, PATCHES = 32, 48, 14, 16


@dataclass(frozen=True, slots=True)
class GemmaSizes:
    """Sizes of the tiny text model. Every sixth layer attends to everything, as in the published one."""

    width: int = 64
    hidden: int = 128
    layers: int = 6
    heads: int = 4
    key_heads: int = 2
    head_dim: int = 16

    @property
    def states(self) -> int:
        """Values per token that the text features are made of: every layer's output and the embedding."""
        return self.width * (self.layers + 1)


def write_settings(folder: Path, sizes: GemmaSizes) -> None:
    """Write configuration and tokenizer of a Gemma 3 folder; the weights are `shapes`."""
    from tokenizers import (
        AddedToken,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    vocabulary = tokens()
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: number for number, token in enumerate(vocabulary)},
            merges=[(pair[0], pair[1]) for pair in MERGED],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,  # characters that are no tokens become their bytes, so any text has some
        )
    )
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos>:1 $B:1", special_tokens=[("<bos>", SPECIAL.index("<bos>"))]
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
    for name, content in _settings(sizes, len(vocabulary)).items():
        (folder / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def tokens() -> list[str]:
    """Return the vocabulary in the order of its ids."""
    characters = [SPACE, *(chr(code) for code in range(33, 127))]
    return [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *characters, *MERGED]


def shapes(sizes: GemmaSizes) -> dict[str, tuple[int, ...]]:
    """Return key and shape of every tensor, image encoder included, under the published names."""
    text = text_shapes(_text_config(sizes, len(tokens())))
    return {f"language_model.model.{key}": shape for key, shape in text.items()} | _vision_shapes(sizes.width)


def _vision_shapes(width: int) -> dict[str, tuple[int, ...]]:
    d, h, model = VISION_WIDTH, VISION_HIDDEN, "vision_tower.vision_model."
    layer = f"{model}encoder.layers.0."
    linears = {f"{layer}self_attn.{name}": (d, d) for name in ("q_proj", "k_proj", "v_proj", "out_proj")}
    linears |= {f"{layer}mlp.fc1": (h, d), f"{layer}mlp.fc2": (d, h)}
    linears |= {f"{model}head.mlp.fc1": (h, d), f"{model}head.mlp.fc2": (d, h)}
    linears |= {f"{model}head.attention.out_proj": (d, d)}
    norms = (f"{layer}layer_norm1", f"{layer}layer_norm2", f"{model}post_layernorm", f"{model}head.layernorm")
    shapes: dict[str, tuple[int, ...]] = {
        f"{model}embeddings.patch_embedding.weight": (d, 3, PATCH, PATCH),
        f"{model}embeddings.patch_embedding.bias": (d,),
        f"{model}embeddings.position_embedding.weight": (PATCHES, d),
        f"{model}head.probe": (1, 1, d),
        f"{model}head.attention.in_proj_weight": (3 * d, d),
        f"{model}head.attention.in_proj_bias": (3 * d,),
        "multi_modal_projector.mm_input_projection_weight": (d, width),
        "multi_modal_projector.mm_soft_emb_norm.weight": (d,),
    }
    for name, (outputs, inputs) in linears.items():
        shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
    for name in norms:
        shapes |= {f"{name}.weight": (d,), f"{name}.bias": (d,)}
    # The published projector is stored [image width, text width], not as a linear's [out, in].
    return shapes


def _text_config(sizes: GemmaSizes, vocabulary: int) -> dict[str, Any]:
    kinds = [
        "full_attention" if (layer + 1) % 6 == 0 else "sliding_attention" for layer in range(sizes.layers)
    ]
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
        "head_dim": sizes.head_dim,
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": sizes.width,
        "initializer_range": 0.02,
        "intermediate_size": sizes.hidden,
        "layer_types": kinds,
        "max_position_embeddings": 131072,
        "model_type": "gemma3_text",
        "num_attention_heads": sizes.heads,
        "num_hidden_layers": sizes.layers,
        "num_key_value_heads": sizes.key_heads,
        "query_pre_attn_scalar": sizes.head_dim,
        "rms_norm_eps": 1e-6,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "rope_theta": 1000000.0,
        "sliding_window": 1024,
        "use_cache": True,
        "vocab_size": vocabulary,
    }


def _settings(sizes: GemmaSizes, vocabulary: int) -> Mapping[str, Mapping[str, Any]]:
    def added(token: str) -> dict[str, Any]:
        plain = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word"), False)
        return {"content": token, **plain}

    named = {f"{role}_token": f"<{role}>" for role in ("bos", "eos", "pad", "unk")}
    return {
        "config.json": {
            "architectures": ["Gemma3ForConditionalGeneration"],
            "boi_token_index": SPECIAL.index("<start_of_image>"),
            "dtype": "bfloat16",
            "eoi_token_index": SPECIAL.index("<end_of_image>"),
            "eos_token_id": [SPECIAL.index("<eos>")],
            "image_token_index": SPECIAL.index("<image_soft_token>"),
            "initializer_range": 0.02,
            "mm_tokens_per_image": 4,
            "model_type": "gemma3",
            "text_config": _text_config(sizes, vocabulary),
            "vision_config": {
                "attention_dropout": 0.0,
                "hidden_act": "gelu_pytorch_tanh",
                "hidden_size": VISION_WIDTH,
                "image_size": PATCH * 4,
                "intermediate_size": VISION_HIDDEN,
                "layer_norm_eps": 1e-6,
                "model_type": "siglip_vision_model",
                "num_attention_heads": 2,
                "num_channels": 3,
                "num_hidden_layers": 1,
                "patch_size": PATCH,
            },
        },
        "special_tokens_map.json": {role: added(token) for role, token in named.items()},
        "tokenizer_config.json": {
            "add_bos_token": True,
            "add_eos_token": False,
            "added_tokens_decoder": {
                str(number): {**added(token), "special": True} for number, token in enumerate(SPECIAL)
            },
            "clean_up_tokenization_spaces": False,
            "extra_special_tokens": {},
            # What the library writes for "no limit".
            "model_max_length": 1000000000000000019884624838656,
            "spaces_between_special_tokens": False,
            "tokenizer_class": "GemmaTokenizer",
            "use_default_system_prompt": False,
            **named,
        },
    }
