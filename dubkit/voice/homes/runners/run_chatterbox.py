"""Chatterbox Multilingual: cloned voices in 23 languages, more or less emphatic."""

from __future__ import annotations

from typing import Any

DISTRIBUTION = "chatterbox-tts"

STRONG, WEAK = 1.0, 0.25
"""Most and least emphasis that a delivery asks for."""

SIX_DB = 6.0
"""dB of a delivery's energy that double the emphasis."""


def probe() -> None:
    from chatterbox.mtl_tts import ChatterboxMultilingualTTS  # noqa: F401


def open_voice(options: dict[str, Any]) -> ChatterboxRunner:
    import torch
    from chatterbox.mtl_tts import ChatterboxMultilingualTTS

    device = options["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    return ChatterboxRunner(
        ChatterboxMultilingualTTS.from_local(options["weights"], device), options["settings"]
    )


class ChatterboxRunner:
    """Speaks with one model, in its own voice where no reference is given."""

    def __init__(self, model: Any, settings: dict[str, Any]) -> None:
        self._model, self._settings = model, settings
        self._own = model.conds

    def speak(self, request: dict[str, Any]) -> tuple[bytes, int]:
        import torch

        reference = request["reference"]
        if not reference:
            self._model.conds = self._own  # a reference of an earlier line stays otherwise
        torch.manual_seed(request["seed"] or 0)
        sound = self._model.generate(
            request["text"],
            language_id=request["language"],
            audio_prompt_path=reference["file"] if reference else None,
            exaggeration=self._emphasis(request["delivery"]),
            cfg_weight=self._settings["guidance"],
        )
        return sound.squeeze(0).cpu().float().numpy().astype("<f4").tobytes(), int(self._model.sr)

    def _emphasis(self, delivery: dict[str, float] | None) -> float:
        plain = float(self._settings["emphasis"])
        if not delivery or not delivery["energy"]:
            return plain
        return min(max(plain * 2 ** (delivery["energy"] / SIX_DB), WEAK), STRONG)
