"""Prompt enhancement: the Gemma that reads prompts writes a few words out into a full prompt first.

The words are continued greedily, so the same words, still and weights give the same prompt. An answer that
cannot be used leaves the words as they were, and says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import prompts
from dubkit.ltx.text import Gemma, GemmaTokenizer, GemmaWeights
from dubkit.ltx.weights import load
from dubkit.types import Remark, remark

MOST_TOKENS = 512
"""Longest answer; half of what the generator reads."""
LEAST_WORDS = 4
END_OF_TURN, START_OF_IMAGE, END_OF_IMAGE = "<end_of_turn>", "<start_of_image>", "<end_of_image>"
SPECIAL = re.compile(
    r"<(?:bos|eos|pad|unk|mask|start_of_turn|end_of_turn|start_of_image|end_of_image|image_soft_token)>"
)
SPOKEN = re.compile(r'"([^"]+)"|“([^”]+)”|«([^»]+)»')
REFUSED = re.compile(
    r"\b(?:I (?:cannot|can[\u2019']t|am unable|am sorry)|I[\u2019']m sorry|as an AI)\b", re.IGNORECASE
)
LABEL = re.compile(r"^(?:\W*(?:enhanced )?prompt\W*:)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A prompt as a person wrote it, and as it is used."""

    original: str
    prompt: str
    """The enhanced one, or the original where enhancement gave nothing of use."""
    fault: str = ""
    """Why the original is used; empty where the enhanced one is."""

    def remark(self, place: str = "") -> Remark | None:
        """Return the remark on a prompt that could not be enhanced."""
        if not self.fault:
            return None
        said = f"The prompt was not enhanced, and is used as it was written: {self.fault}."
        return remark("prompt-not-enhanced", said, place)


def enhance(
    tokenizer: GemmaTokenizer,
    gemma: Gemma,
    folder: Path,
    prompt: str,
    still: NDArray[np.uint8] | None = None,
) -> Enhanced:
    """Return a prompt written out by an opened Gemma; with the film's first picture where there is one.

    `folder` is Gemma's, whose image tower is opened for a still, (H, W, 3), and closed again.
    Raises ValueError where the folder has no image tower that fits.
    """
    if not prompt.strip():
        return Enhanced(prompt, prompt, "it is empty")
    return judged(prompt, answer(tokenizer, gemma, folder, prompt, still))


def answer(
    tokenizer: GemmaTokenizer,
    gemma: Gemma,
    folder: Path,
    prompt: str,
    still: NDArray[np.uint8] | None = None,
) -> str:
    """Return what Gemma answers, as it is; the end is missing where it is longer than `MOST_TOKENS`."""
    speaking = SpeakingGemma(gemma, folder, picture=still is not None)
    ids = _question(tokenizer, prompt, speaking.image_tokens if still is not None else 0)
    stops = [tokenizer.tokenizer.token_to_id(token) for token in (END_OF_TURN, "<eos>")]
    said = speaking(ids, [stop for stop in stops if stop is not None], tokenizer.pad, still)
    return str(tokenizer.tokenizer.decode(said, skip_special_tokens=True))


def judged(prompt: str, answer: str) -> Enhanced:
    """Return a prompt with the answer in its place, where the answer can be used.

    It can when it is a paragraph of its own length, refuses nothing, does not go round in circles, and holds
    every quoted speech of the prompt to the letter.
    """
    text = LABEL.sub("", " ".join(SPECIAL.sub(" ", answer).split()))
    if len(text) > 1 and text[0] == text[-1] == '"' and text.count('"') == 2 and '"' not in prompt:
        text = text[1:-1].strip()
    return Enhanced(prompt, prompt, fault) if (fault := _fault(prompt, text)) else Enhanced(prompt, text)


def _fault(prompt: str, text: str) -> str:
    words = re.findall(r"\w+", text.lower())
    if not words:
        return "the answer is empty"
    if len(words) < LEAST_WORDS:
        return f"the answer has {len(words)} words"
    if "\ufffd" in text or not text.isprintable():
        return "the answer is no text"
    if REFUSED.search(text):
        return "the answer declines"
    if len(words) >= 24 and len(set(words)) < len(words) / 5:
        return "the answer repeats itself"
    for found in SPOKEN.finditer(prompt):
        said = next(filter(None, found.groups()))
        if said not in text:
            return f"the answer lacks what is spoken, {said[:60]!r}"
    return ""


def _question(tokenizer: GemmaTokenizer, prompt: str, image_tokens: int) -> Tensor:
    """Return the ids (1, n) of a chat turn that asks for an enhanced prompt, up to the answer."""
    words = " ".join(SPECIAL.sub(" ", prompt).split())
    picture = f"\n\n{START_OF_IMAGE}{'<image_soft_token>' * image_tokens}{END_OF_IMAGE}\n\n"
    task = prompts.read("enhance_still" if image_tokens else "enhance")
    asked = f"{task}\n\n{picture if image_tokens else ''}The words: {words}"
    text = f"<start_of_turn>user\n{asked}{END_OF_TURN}\n<start_of_turn>model\n"
    ids = tokenizer.tokenizer.encode(text, add_special_tokens=False).ids
    return torch.tensor([[tokenizer.bos, *ids]])


class SpeakingGemma:
    """An opened Gemma that also writes: its words are scored with the embeddings, as published.

    With `picture` the image tower of its folder is loaded beside it.
    """

    def __init__(self, gemma: Gemma, folder: Path, *, picture: bool = False) -> None:
        from transformers import Gemma3Config, Gemma3ForConditionalGeneration

        weights = gemma.model.embed_tokens.weight
        self.device, self.dtype = weights.device, weights.dtype
        self.config: Any = Gemma3Config.from_pretrained(folder)
        with torch.device("meta"):
            self.model: Any = Gemma3ForConditionalGeneration(self.config)
        self.model.train(False)
        self.model.model.language_model = gemma.model
        self.model.lm_head.weight = weights
        if picture:
            _load_tower(self.model, self.config, folder, self.device, self.dtype)
        else:
            # Nothing is left on the meta device, which the library would take for the model's own.
            del self.model.model.vision_tower, self.model.model.multi_modal_projector

    @property
    def image_tokens(self) -> int:
        """Tokens that stand for one picture."""
        return int(self.config.mm_tokens_per_image)

    @torch.inference_mode()
    def __call__(
        self, ids: Tensor, stops: Sequence[int], pad: int | None, still: NDArray[np.uint8] | None = None
    ) -> list[int]:
        """Return the most likely continuation of `ids` (1, n), without them and the stop token."""
        from transformers import GenerationConfig

        inputs: dict[str, Any] = {"input_ids": ids.to(self.device)}
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        if still is not None:
            inputs["pixel_values"] = self.pixels(still)
            inputs["token_type_ids"] = (inputs["input_ids"] == self.config.image_token_id).long()
        settings: Any = GenerationConfig
        config = settings(
            do_sample=False, max_new_tokens=MOST_TOKENS, eos_token_id=list(stops), pad_token_id=pad
        )
        said = self.model.generate(**inputs, generation_config=config)[0, ids.shape[1] :].tolist()
        return [token for token in said if token not in stops]

    def pixels(self, still: NDArray[np.uint8]) -> Tensor:
        """Return a picture (H, W, 3) as the image tower reads it: (1, 3, side, side), from -1 to 1."""
        from PIL import Image

        side = int(self.config.vision_config.image_size)
        scaled = Image.fromarray(still).resize((side, side), Image.Resampling.BILINEAR)
        values = torch.from_numpy(np.array(scaled)).permute(2, 0, 1).float() / 127.5 - 1.0
        return values[None].to(self.device, self.dtype)


def _load_tower(
    model: Any,
    config: Any,
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Load the image tower and what leads from it to the words, under the names of old and new files."""
    weights, parts = GemmaWeights(folder), model.model
    start = next(
        (key.partition("vision_tower.")[0] for key in weights.entries if "vision_tower." in key), None
    )
    if start is None:
        raise ValueError(
            f"{folder} has no image tower, so Gemma cannot see the still. Leave out the still or --enhance."
        )
    tower = f"{start}vision_tower."
    inner = f"{tower}vision_model."
    outside = inner if any(key.startswith(inner) for key in weights.entries) else tower
    nested = hasattr(parts.vision_tower, "vision_model")  # as older libraries build it
    inside = "vision_model." if nested else ""
    # The published files have no pooling head, and nothing here reads it.
    headless = parts.vision_tower.vision_model if nested else parts.vision_tower
    if hasattr(headless, "head"):
        headless.use_head = False
        del headless.head
    load(parts.vision_tower, weights, {outside: inside}, device, dtype, ignore=(f"{outside}head.",))
    load(parts.multi_modal_projector, weights, f"{start}multi_modal_projector.", device, dtype)
    patches = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    headless.embeddings.position_ids = torch.arange(patches, device=device)[None]


def enhanced_alone(
    folder: Path,
    prompt: str,
    still: NDArray[np.uint8] | None,
    device: torch.device | str,
    dtype: torch.dtype,
) -> Enhanced:
    """Open Gemma, enhance one prompt, and let go of it: for callers whose pipeline opens it later.

    Raises ValueError where the folder is not Gemma's.
    """
    return enhance(GemmaTokenizer(folder), Gemma.open(folder, device, dtype), folder, prompt, still)
