"""Settings of the translation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from dubkit.registry import names_of
from dubkit.settings import Count, Positive, check_bounds, check_encoding, option


@dataclass(frozen=True, slots=True)
class Translate:
    """Translating segments."""

    provider: str = option(
        "auto",
        "What translates.",
        flag="--mt-provider",
        job=True,
        label="Translator",
        choices=names_of("dubkit.translate.engine:TRANSLATORS", "auto"),
    )
    fallback: str = option(
        "",
        "Translators that go on, in this order, where the one before fails or leaves lines: nllb,nmt.",
        flag="--mt-fallback",
        job=True,
    )
    model: str = option(
        "gpt-4o-mini",
        "Model name at the OpenAI-compatible endpoint.",
        variables=("OPENAI_MODEL",),
        flag="--mt-model",
        job=True,
    )
    base_url: str = option(
        "",
        "OpenAI-compatible endpoint, such as http://localhost:11434/v1.",
        variables=("OPENAI_BASE_URL",),
        flag="--mt-url",
    )
    api_key: str = option("", "Key for the endpoint.", variables=("OPENAI_API_KEY",), secret=True)
    gguf: str = option("", "GGUF file of a local language model.", flag="--mt-gguf")
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=200)] = option(20, "Lines per request.", job=True)
    context: Count = option(3, "Neighbouring lines shown to the translator on each side.", job=True)
    retries: Count = option(4, "Further tries after a rate limit, server error or time-out.")
    timeout: Positive = option(120.0, "Seconds to wait for one reply.")
    encoding: str = option(
        "", "Encoding of your own translation, such as cp1251; empty recognises it.", job=True
    )

    def __post_init__(self) -> None:
        check_bounds(self, "translate")
        check_encoding(self.encoding, "translate.encoding")
