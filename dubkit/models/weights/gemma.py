"""A Gemma 3 folder: what its configuration promises, and whether the files keep it. Nothing is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dubkit.models.weights.header import Header, HeaderError, read_header

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
TOKENIZER = "tokenizer.json"

BESIDE = ("vision_tower.", "multi_modal_projector.", "lm_head.", "language_model.lm_head.")
"""Beginnings of keys that the text path does not read: the published files hold an image encoder too."""

DEFAULTS: Mapping[str, int] = {
    "head_dim": 256,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 262_208,
}
"""Sizes that a configuration may leave to the library; the published one leaves some."""

_NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers")


def text_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return key and shape of every tensor of the text model, without the prefix `language_model.model.`.

    `config` is the `text_config` of `config.json`; a field that is missing raises `KeyError`.
    """
    sizes = {**DEFAULTS, **config}
    width, hidden, head = sizes["hidden_size"], sizes["intermediate_size"], sizes["head_dim"]
    queries, keys = sizes["num_attention_heads"] * head, sizes["num_key_value_heads"] * head
    shapes: dict[str, tuple[int, ...]] = {
        "embed_tokens.weight": (sizes["vocab_size"], width),
        "norm.weight": (width,),
    }
    for layer in range(sizes["num_hidden_layers"]):
        at = f"layers.{layer}."
        shapes |= {
            f"{at}self_attn.q_proj.weight": (queries, width),
            f"{at}self_attn.k_proj.weight": (keys, width),
            f"{at}self_attn.v_proj.weight": (keys, width),
            f"{at}self_attn.o_proj.weight": (width, queries),
            f"{at}self_attn.q_norm.weight": (head,),
            f"{at}self_attn.k_norm.weight": (head,),
            f"{at}mlp.gate_proj.weight": (hidden, width),
            f"{at}mlp.up_proj.weight": (hidden, width),
            f"{at}mlp.down_proj.weight": (width, hidden),
            f"{at}input_layernorm.weight": (width,),
            f"{at}post_attention_layernorm.weight": (width,),
            f"{at}pre_feedforward_layernorm.weight": (width,),
            f"{at}post_feedforward_layernorm.weight": (width,),
        }
    return shapes


def text_config(folder: Path) -> dict[str, Any]:
    """Return the `text_config` of a Gemma 3 folder. Raises `ValueError` that says what is wrong with it."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError("config.json is missing") from error
    except ValueError as error:
        raise ValueError(f"config.json is not JSON: {error}") from error
    if not isinstance(config, dict) or config.get("model_type") != "gemma3":
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise ValueError(f"config.json is of model_type {kind!r}, expected 'gemma3'")
    text = config.get("text_config")
    if not isinstance(text, dict) or (lacking := [name for name in _NEEDED if name not in text]):
        missing = ", ".join(lacking) if isinstance(text, dict) else "the whole object"
        raise ValueError(f"config.json: text_config lacks {missing}")
    return text


def problems(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Return what is wrong with a Gemma 3 folder, and facts about it (`tensors`, `bytes`, `states`)."""
    faults: list[str] = []
    facts: dict[str, Any] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        config = text_config(folder)
        shapes = text_shapes(config)
        facts["states"] = config["hidden_size"] * (config["num_hidden_layers"] + 1)
    except ValueError as error:
        faults.append(str(error))
    faults += _tokenizer(folder)
    headers, damaged = _shards(folder)
    faults += damaged
    facts["bytes"] = sum(header.size for header in headers.values())
    facts["tensors"] = sum(len(header.tensors) for header in headers.values())
    if shapes and headers and not damaged:
        faults += _compare(shapes, headers)
    return faults, facts


def _tokenizer(folder: Path) -> Iterator[str]:
    try:
        content = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
        tokens = {str(token["content"]) for token in content["added_tokens"]}
    except OSError:
        yield f"{TOKENIZER} is missing"
    except (ValueError, KeyError, TypeError):
        yield f"{TOKENIZER} is damaged"
    else:
        if lacking := sorted({"<bos>", "<pad>"} - tokens):
            yield f"{TOKENIZER} lacks {', '.join(lacking)}, so it is not Gemma's"


def _shards(folder: Path) -> tuple[dict[str, Header], list[str]]:
    """Return the header of every weight file by name, and what is wrong with the set."""
    faults: list[str] = []
    mapping: dict[str, str] | None = None
    names = [SINGLE]
    if not (folder / SINGLE).is_file() and (folder / INDEX).is_file():
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            mapping = {str(key): str(name) for key, name in index["weight_map"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {}, [f"{INDEX} is damaged: {error}"]
        names = sorted(set(mapping.values()))
    headers: dict[str, Header] = {}
    for name in names:
        if not (folder / name).is_file():
            faults.append(f"{name} is missing" + (f", which {INDEX} names" if mapping else ""))
            continue
        try:
            headers[name] = read_header(folder / name)
        except HeaderError as error:
            faults.append(f"{name}: {error}")
    if mapping and not faults:
        astray = [key for key, name in mapping.items() if key not in headers[name].tensors]
        faults += [f"{mapping[key]} lacks {key}, which {INDEX} promises" for key in astray]
    return headers, faults


def _compare(shapes: Mapping[str, tuple[int, ...]], headers: Mapping[str, Header]) -> Iterator[str]:
    present = {
        _plain(key): tensor.shape
        for header in headers.values()
        for key, tensor in header.tensors.items()
        if not key.removeprefix("model.").startswith(BESIDE)
    }
    for key in sorted(shapes.keys() - present.keys()):
        yield f"missing tensor {key}"
    for key in sorted(present.keys() - shapes.keys()):
        yield f"unexpected tensor {key}"
    for key in sorted(shapes.keys() & present.keys()):
        if shapes[key] != present[key]:
            yield f"{key} is {list(present[key])}, config.json says {list(shapes[key])}"


def _plain(key: str) -> str:
    """Strip the prefix of the text model; newer libraries save it with the words the other way round."""
    for prefix in ("language_model.model.", "model.language_model."):
        if key.startswith(prefix):
            return key.removeprefix(prefix)
    return key
