"""A translation network: sentences in, its best answers out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.cores import torch_threads_kept
from dubkit.errors import ModelDamaged

if TYPE_CHECKING:
    import ctranslate2  # type: ignore[import-untyped]
    import sentencepiece

BEAM = 4
"""Answers that are followed at once; as many as a line is tried with."""
_TOKENS = 2048
"""Tokens in one batch; sentences of like length go into one batch."""
_LONGEST = 256
"""Tokens of the longest answer."""
_MARK = re.compile(r"<[^<>]+>|>>[^<>]+<<|[a-z]{3}_[A-Z][a-z]{3}")
"""Tokens that are no text: ends, and names of languages."""
_ROOM = 500
"""Tokens of the longest sentence: published networks have 512 places."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network in one direction, with its way to cut sentences into tokens."""

    engine: ctranslate2.Translator
    encode: Callable[[str], list[str]]
    decode: Callable[[list[str]], str]
    prefix: tuple[str, ...] = ()
    """Tokens that every answer begins with, such as that of its language."""

    def answers(self, sentences: Sequence[str], count: int) -> list[tuple[str, ...]]:
        """Return the best `count` answers to each sentence, the best first, each once."""
        if not sentences:
            return []
        results = self.engine.translate_batch(
            [self.encode(sentence) for sentence in sentences],
            target_prefix=[list(self.prefix)] * len(sentences) if self.prefix else None,
            beam_size=max(BEAM, count),
            num_hypotheses=count,
            max_batch_size=_TOKENS,
            batch_type="tokens",
            max_input_length=_ROOM,
            max_decoding_length=_LONGEST,
        )
        return [tuple(dict.fromkeys(self._text(tokens) for tokens in one.hypotheses)) for one in results]

    def _text(self, tokens: list[str]) -> str:
        start = len(self.prefix)
        return self.decode(tokens[start:] if tuple(tokens[:start]) == self.prefix else tokens).strip()


def load_engine(folder: Path, device: str) -> ctranslate2.Translator:
    """Load a converted network. Raises ModelDamaged."""
    import ctranslate2

    try:
        with torch_threads_kept():
            return ctranslate2.Translator(str(folder), device=device)
    except (RuntimeError, ValueError) as problem:
        if "out of memory" in str(problem):
            raise
        raise ModelDamaged(
            f"{folder} cannot be loaded as a translation network ({problem}).\nDelete it and fetch it again."
        ) from problem


def load_pieces(path: Path) -> sentencepiece.SentencePieceProcessor:
    """Load what cuts sentences into pieces. Raises ModelDamaged."""
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as problem:
        raise ModelDamaged(
            f"{path} cannot be read as a sentencepiece model ({problem}).\nFetch it again."
        ) from problem


def pieces_of(processor: Any, sentence: str) -> list[str]:
    """Return the pieces of a sentence."""
    return [str(piece) for piece in processor.encode(sentence, out_type=str)]


def text_of(processor: Any, tokens: list[str]) -> str:
    """Return the text of pieces, without marks such as `</s>` and `>>fra<<`."""
    return str(processor.decode([token for token in tokens if not _is_mark(token)]))


def _is_mark(token: str) -> bool:
    return bool(_MARK.fullmatch(token))
