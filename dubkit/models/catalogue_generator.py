"""The files of the generator that makes picture and voice together: LTX-2 and what JustDubit adds to it.

They are large and have terms of their own, so they are fetched only when asked for by name. Their checksums
are not published in a form that could be pinned here: a download is checked against the digest that the hub
states, and `dubkit models verify` reads every header.
"""

from __future__ import annotations

from pathlib import Path

from dubkit.types.models import HubSource, ModelSpec

LTX_LICENCE = (
    "LTX-2 Community License (yearly revenue of 10 million USD or more needs a paid licence; it restricts "
    "uses, competing products and training other models on its output, and derivatives keep its terms)"
)
JUSTDUBIT_LICENCE = f"{LTX_LICENCE}; the JustDubit repository carries this text"
GEMMA_LICENCE = "Gemma Terms of Use (with Google's prohibited use policy)"

_LTX_TERMS = "https://huggingface.co/Lightricks/LTX-2/blob/main/LICENSE"
_UNPINNED = "revision 'main' is not a pin: the file may change on the hub"


def _setting(role: str) -> str:
    return f"models.{role.replace('-', '_')}"


def _ltx(role: str, file: str, size: int, does: str, about: str, note: str = "") -> ModelSpec:
    return ModelSpec(
        role=role,
        name=file,
        licence=LTX_LICENCE,
        licence_url=_LTX_TERMS,
        about=about,
        does=does,
        setting=_setting(role),
        main=f"{file}.safetensors",
        required=(f"{file}.safetensors",),
        hub=HubSource("Lightricks/LTX-2", "main", (f"{file}.safetensors",)),
        needs=("torch",),
        runtime_pip='"dubkit[gpu]"',
        note=f"{note}; {_UNPINNED}" if note else _UNPINNED,
        approximate_size=size,
        on_request=True,
    )


GENERATOR: tuple[ModelSpec, ...] = (
    _ltx(
        "checkpoint",
        "ltx-2-19b-dev",
        43_278_000_000,
        "picture and voice",
        "LTX-2 19B, everything but text encoder and upscalers",
    ),
    _ltx(
        "checkpoint",
        "ltx-2-19b-dev-fp8",
        27_100_000_000,
        "picture and voice",
        "the same in 8-bit floating point",
        "only for CUDA, and only where the full one does not fit",
    ),
    _ltx(
        "distilled-checkpoint",
        "ltx-2-19b-distilled",
        43_278_000_000,
        "films in few steps",
        "LTX-2 19B that needs 8 steps and no guidance",
        "for `dubkit ltx` and the recipe `distilled`",
    ),
    _ltx(
        "distilled-checkpoint",
        "ltx-2-19b-distilled-fp8",
        27_100_000_000,
        "films in few steps",
        "the same in 8-bit floating point",
        "for `dubkit ltx` and `distilled` on CUDA, and only where the full one does not fit",
    ),
    ModelSpec(
        role="text-encoder",
        name="gemma-3-12b-it-qat-q4_0-unquantized",
        licence=GEMMA_LICENCE,
        licence_url="https://ai.google.dev/gemma/terms",
        about="Gemma 3 12B, reads the prompt",
        does="reads the prompt",
        setting=_setting("text-encoder"),
        required=("config.json", "*.safetensors", "tokenizer*"),
        hub=HubSource(
            "google/gemma-3-12b-it-qat-q4_0-unquantized",
            "main",
            ("*.safetensors", "*.json", "tokenizer.model"),
            gated=True,
        ),
        needs=("torch", "transformers"),
        runtime_pip='"dubkit[gpu]"',
        note=f"its terms are accepted on the hub, then a token is needed; {_UNPINNED}",
        approximate_size=24_400_000_000,
        on_request=True,
    ),
    _ltx(
        "spatial-upscaler",
        "ltx-2-spatial-upscaler-x2-1.0",
        995_765_578,
        "refinement",
        "doubles the size of a latent video",
    ),
    _ltx(
        "temporal-upscaler",
        "ltx-2-temporal-upscaler-x2-1.0",
        261_965_800,
        "frame rate",
        "doubles the frames of a latent video",
        "not used for dubbing",
    ),
    _ltx(
        "distilled-lora",
        "ltx-2-19b-distilled-lora-384",
        7_670_000_000,
        "refinement",
        "few steps suffice: the second stage",
    ),
    ModelSpec(
        role="dubbing-lora",
        name="ltx-2-19b-ic-lora-lipdubbing",
        licence=JUSTDUBIT_LICENCE,
        licence_url="https://huggingface.co/justdubit/justdubit",
        about="JustDubit: keeps the person, changes speech and lips",
        does="dubbing",
        setting=_setting("dubbing-lora"),
        main="ltx-2-19b-ic-lora-lipdubbing.safetensors",
        required=("ltx-2-19b-ic-lora-lipdubbing.safetensors",),
        hub=HubSource("justdubit/justdubit", "main", ("ltx-2-19b-ic-lora-lipdubbing.safetensors",)),
        needs=("torch",),
        runtime_pip='"dubkit[gpu]"',
        note=f"size computed from its rank; {_UNPINNED}",
        approximate_size=2_470_000_000,
        on_request=True,
    ),
)
"""In the order of preference within a role: full precision before 8 bit."""

GENERATOR_ROLES: tuple[str, ...] = tuple(dict.fromkeys(spec.role for spec in GENERATOR))
DUBBING_ROLES: tuple[str, ...] = tuple(
    role for role in GENERATOR_ROLES if role not in ("temporal-upscaler", "distilled-checkpoint")
)
"""Roles without which the generator cannot dub."""


def in_folder(folder: Path) -> dict[str, str]:
    """Return the generator files in a folder that have their published names: name -> path."""
    paths = {}
    for spec in GENERATOR:
        path = folder / (spec.main or spec.name)
        if path.exists():
            paths[spec.name] = str(path)
    return paths
