"""From a prompt to what the transformer attends to: tokens, Gemma 3's hidden states, features, connectors."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dubkit.ltx.connectors import Connector
from dubkit.ltx.features import FeaturesV1, FeaturesV2, build_features
from dubkit.ltx.weights import Checkpoint, load

if TYPE_CHECKING:
    from transformers import Gemma3TextModel

TOKENS = 1024
"""Length that every prompt is padded or cut to."""
GEMMA = "google/gemma-3-12b-it-qat-q4_0-unquantized"
GEMMA_PREFIXES = ("language_model.model.", "model.language_model.")
"""Where the text model's weights are: as published, and as transformers 5 saves them."""
GEMMA_UNUSED = ("vision_tower.", "multi_modal_projector.", "lm_head.", "language_model.lm_head.")
"""What else a Gemma folder holds, with or without `model.` in front: image tower and output head."""
PROJECTION_PREFIX = "text_embedding_projection."
VIDEO_CONNECTOR_PREFIX = "model.diffusion_model.video_embeddings_connector."
AUDIO_CONNECTOR_PREFIX = "model.diffusion_model.audio_embeddings_connector."


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """A prompt as token ids [1024], padded on the left, and a mask [1024], 1 for the prompt's own tokens."""

    ids: Tensor
    mask: Tensor


def own_tokens(tokens: PromptTokens) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids, mask and positions [1, n] of a prompt's own n tokens: how many depends on values."""
    own = tokens.mask.bool()
    return tokens.ids[own][None], tokens.mask[own][None], own.nonzero().T


class GemmaTokenizer:
    """The tokenizer of a Gemma folder, without chat template. ValueError: it is missing or not Gemma's."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        path = _file(folder, "tokenizer.json")
        try:
            self.tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # The library raises nothing narrower.
            raise ValueError(f"{path} is damaged ({error}). Download it again.") from error
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.bos, self.pad = (self.tokenizer.token_to_id(token) for token in ("<bos>", "<pad>"))
        if self.bos is None or self.pad is None:
            raise ValueError(f"{path} has no <bos> or no <pad>, so it is not Gemma's. Download {GEMMA}.")

    def __call__(self, prompt: str) -> PromptTokens:
        """Tokenise the stripped prompt: <bos>, then at most 1023 tokens; what is beyond is cut off."""
        words = self.tokenizer.encode(prompt.strip(), add_special_tokens=False).ids
        own = [self.bos, *words][:TOKENS]
        room = TOKENS - len(own)
        return PromptTokens(torch.tensor([self.pad] * room + own), torch.tensor([0] * room + [1] * len(own)))


class Gemma:
    """Gemma 3's text model, of which all hidden states are used: `hidden_states` is layers + 1."""

    def __init__(self, model: Gemma3TextModel) -> None:
        self.model = model
        self.hidden_size: int = model.config.hidden_size
        self.hidden_states: int = model.config.num_hidden_layers + 1

    @classmethod
    def open(cls, folder: Path, device: torch.device | str, dtype: torch.dtype) -> Gemma:
        """Load the text model alone, without image tower and output head, tensor by tensor.

        ValueError: a file is missing or of another model; missing, unexpected or misshaped tensors.
        """
        from transformers import Gemma3TextConfig, Gemma3TextModel

        values = _json(folder, "config.json")
        if values.get("model_type") != "gemma3" or not isinstance(values.get("text_config"), dict):
            what = f"a model of type {values.get('model_type')!r}, not 'gemma3' with a text_config"
            raise ValueError(f"{folder / 'config.json'} describes {what}. Download {GEMMA}.")
        config, weights = Gemma3TextConfig(**values["text_config"]), GemmaWeights(folder)
        with torch.device("meta"):
            model = Gemma3TextModel(config)
        load(model, weights, weights.prefix, device, dtype)
        # Rotary tables and embedding scale are in no file. They do not depend on depth and vocabulary, so
        # a model without layers and words has them, under the names of whichever transformers is here.
        config = copy.deepcopy(config)
        config.num_hidden_layers, config.vocab_size, config.pad_token_id = 0, 1, None
        for name, buffer in Gemma3TextModel(config).named_buffers():
            owner, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(owner), leaf, buffer.to(device))
        return cls(model)

    @torch.no_grad()
    def __call__(self, tokens: PromptTokens) -> Tensor:
        """Return the hidden states [n, hidden_size, hidden_states] of the prompt's own n tokens.

        The first is the scaled embedding, the last is taken after the final norm. Padding is not computed:
        nothing attends to it, and the text path drops it later. The tokens keep their positions behind
        it, because the rounding of rotary angles depends on them.
        """
        device = self.model.embed_tokens.weight.device
        ids, mask, positions = (x.to(device) for x in own_tokens(tokens))
        outputs = self.model(ids, mask, positions, output_hidden_states=True, use_cache=False)
        return torch.stack(outputs.hidden_states, dim=-1)[0]


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """Everything between a prompt and the transformer."""

    tokenizer: GemmaTokenizer
    gemma: Gemma
    features: FeaturesV1 | FeaturesV2
    video: Connector
    audio: Connector

    @classmethod
    def open(
        cls, checkpoint: Checkpoint, gemma: Path, device: torch.device | str, dtype: torch.dtype
    ) -> TextEncoder:
        """Load the text part of a checkpoint and the Gemma folder; ValueError where they do not fit."""
        tokenizer, model, config = GemmaTokenizer(gemma), Gemma.open(gemma, device, dtype), checkpoint.config
        with torch.device("meta"):
            features = build_features(config.text, model.hidden_size, model.hidden_states)
            video, audio = Connector(config.text.video), Connector(config.text.audio)
        load(features, checkpoint, PROJECTION_PREFIX, device, dtype)
        load(video, checkpoint, VIDEO_CONNECTOR_PREFIX, device, dtype)
        load(audio, checkpoint, AUDIO_CONNECTOR_PREFIX, device, dtype)
        return cls(tokenizer, model, features, video, audio)

    @torch.no_grad()
    def __call__(self, prompt: str) -> tuple[Tensor, Tensor]:
        """Return the video and the audio context of one prompt, [1, 1024, width] each."""
        hidden = self.gemma(self.tokenizer(prompt)).unsqueeze(0)
        own = hidden.shape[1]
        video, audio = self.features(hidden, torch.ones(1, own, device=hidden.device))
        mask = torch.arange(TOKENS, device=hidden.device).unsqueeze(0) < own
        room = (0, 0, 0, TOKENS - own)
        return self.video(F.pad(video, room), mask), self.audio(F.pad(audio, room), mask)


class GemmaWeights(Checkpoint):
    """The one or more safetensors files of a Gemma folder."""

    def __init__(self, folder: Path) -> None:
        names, index = ["model.safetensors"], "model.safetensors.index.json"
        if (folder / index).is_file() and not (folder / names[0]).is_file():
            names = sorted(set(_json(folder, index).get("weight_map", {}).values())) or names
        parts = [Checkpoint(_file(folder, name)) for name in names]
        self.path, self.metadata = folder, {}
        self.files = {key: part for part in parts for key in part.keys}
        self.entries = {key: part.entries[key] for key, part in self.files.items()}
        self.prefix = next((p for p in GEMMA_PREFIXES if any(k.startswith(p) for k in self.files)), "")
        known = (self.prefix, *GEMMA_UNUSED, *(f"model.{part}" for part in GEMMA_UNUSED))
        foreign = sorted(key for key in self.files if not key.startswith(known))
        if not self.prefix or foreign:
            what = f"unknown tensors {foreign[:5]}" if foreign else f"none under {GEMMA_PREFIXES}"
            raise ValueError(f"The weights in {folder} are not Gemma 3's: {what}. Download {GEMMA}.")

    def tensor(self, key: str, *args: Any, **kwargs: Any) -> Tensor:
        return self.files[key].tensor(key, *args, **kwargs)


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise ValueError(f"The Gemma folder {folder} has no {name}. Download all of {GEMMA} into it.")
    return folder / name


def _json(folder: Path, name: str) -> dict[str, Any]:
    path = _file(folder, name)
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a JSON object ({error}). Download it again.") from error
