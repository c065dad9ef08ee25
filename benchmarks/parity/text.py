"""Comparisons of the text path: tokens, hidden states, features, connectors."""

from __future__ import annotations

import re

import torch

from benchmarks.parity.report import EXACT, Folder
from dubkit.ltx.connectors import fill_with_registers
from dubkit.ltx.features import normalize_range
from dubkit.ltx.text import TextEncoder
from dubkit.ltx.weights import Checkpoint


def open_text(folder: Folder, dtype: torch.dtype = torch.float32) -> TextEncoder:
    """Load the folder's whole text path."""
    return TextEncoder.open(Checkpoint(folder.checkpoint()), folder.gemma(), "cpu", dtype)


def text_units(folder: Folder) -> None:
    """Normalisation, connectors and token ids."""
    unit, encoder = folder.part("unit_text"), open_text(folder)
    hidden, lengths = unit.input("norm.hidden"), unit.input("norm.lengths")
    index = torch.arange(hidden.shape[1])
    unit.check("norm.left", normalize_range(hidden, index >= hidden.shape[1] - lengths[:, None]))
    unit.check("norm.right", normalize_range(hidden, index < lengths[:, None]))
    features, mask = unit.input("connector.features"), unit.input("connector.attention_mask")
    registers = encoder.video.learnable_registers
    unit.check("connector.video_input", fill_with_registers(features, mask, registers))
    unit.check("connector.video", encoder.video(features, mask))
    unit.check("connector.audio", encoder.audio(features, mask))
    # Behind the connectors nothing is masked; what stands for that here is the absence of a mask.
    unit.check("connector.mask_out", torch.ones_like(mask), EXACT)
    for index_, text in enumerate(folder.params["token_strings"]):
        if repeated := re.fullmatch(r"'(.*)' repeated (\d+) times", text):
            text = repeated[1] * int(repeated[2])
        tokens = encoder.tokenizer(text)
        unit.check(f"tokens.{index_}.ids", tokens.ids, EXACT)
        unit.check(f"tokens.{index_}.mask", tokens.mask, EXACT)


def text_stages(folder: Folder) -> None:
    """Both prompts of the main call, from their characters and from each stored stage."""
    part, encoder, call = folder.part("e2e_text"), open_text(folder), folder.params["justdubit_call"]
    for name, prompt in (("pos", call["prompt"]), ("neg", call["negative_prompt"])):
        tokens = encoder.tokenizer(prompt)
        part.check(f"{name}.input_ids", tokens.ids, EXACT)
        part.check(f"{name}.attention_mask", tokens.mask, EXACT)
        part.check(f"{name}.gemma_hidden", encoder.gemma(tokens))
        hidden = part.input(f"{name}.gemma_hidden")[None]
        features, _ = encoder.features(hidden, torch.ones(hidden.shape[:2]))
        part.check(f"{name}.features", features[0])
        video, audio = encoder(prompt)
        part.check(f"{name}.video_context", video)
        part.check(f"{name}.audio_context", audio)
