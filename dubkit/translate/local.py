"""Translate with a GGUF model inside this process, through xllamacpp."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import ModelDamaged, ModelMissing
from dubkit.translate.batches import BatchTranslator, Reply, ServiceDown, TooLong
from dubkit.translate.lines import OnDone, SourceLine, TranslateSettings
from dubkit.translate.request import Messages

if TYPE_CHECKING:
    import xllamacpp

_SMALL_BYTES = 2_500_000_000
"""Below this (about 4 billion weights at 4 bits) models lose count in a batch and translate the context."""

_CONTEXT_TOKENS = 4096
_BATCH = 8
_MAX_TOKENS = 1024


class LocalTranslator:
    """A local language model. Small ones get one line at a time and no neighbours."""

    def __init__(self, gguf: Path, threads: int = 0) -> None:
        self._gguf = gguf
        # One core stays free: llama.cpp's threads spin while they wait, and with none free they
        # slow each other down twentyfold.
        self._threads = threads or max(1, (os.cpu_count() or 2) - 1)
        self._small = gguf.is_file() and gguf.stat().st_size < _SMALL_BYTES

    @property
    def identity(self) -> str:
        return f"local:{self._gguf.stem.lower()}"

    @property
    def uses_context(self) -> bool:
        return not self._small

    def translate(self, lines: Sequence[SourceLine], settings: TranslateSettings, on_done: OnDone) -> None:
        """Translate in checked batches; see `Translator`. Raises ModelMissing or ModelDamaged."""
        server = self._open()

        def ask(messages: Messages) -> Reply:
            return _reply(server.handle_chat_completions(_request(messages, settings)))

        size = 1 if self._small else min(settings.batch_size, _BATCH)
        BatchTranslator(ask, self.identity, settings, size, with_context=not self._small).run(lines, on_done)

    def _open(self) -> xllamacpp.Server:
        if not self._gguf.is_file():
            raise ModelMissing(
                f"No language model at {self._gguf}.\nSet the path of a GGUF file with a chat template."
            )
        with self._gguf.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelDamaged(
                    f"{self._gguf} is not a GGUF file.\nFetch it again or choose another file."
                )
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(self._gguf)
        params.n_ctx = _CONTEXT_TOKENS
        params.n_parallel = 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        params.verbosity = 0
        try:
            return xllamacpp.Server(params)
        except RuntimeError as problem:
            raise ModelDamaged(
                f"{self._gguf} cannot be loaded as a language model ({problem}).\n"
                "Fetch it again or choose another GGUF file."
            ) from problem


def _request(messages: Messages, settings: TranslateSettings) -> dict[str, Any]:
    return {
        "messages": messages,
        "temperature": settings.temperature,
        "seed": settings.seed,
        # A small model that falls into a loop would otherwise fill its whole context.
        "max_tokens": min(_MAX_TOKENS, 64 + len(messages[-1]["content"])),
    }


def _reply(answer: dict[str, Any]) -> Reply:
    error = answer.get("error")
    if error:
        if "context" in str(error):
            raise TooLong(str(error))
        raise ServiceDown(f"The local language model failed: {error.get('message', error)}")
    choice = answer["choices"][0]
    usage = answer.get("usage") or {}
    return Reply(
        text=choice["message"].get("content") or "",
        cut=choice.get("finish_reason") == "length",
        tokens_in=usage.get("prompt_tokens") or 0,
        tokens_out=usage.get("completion_tokens") or 0,
    )
