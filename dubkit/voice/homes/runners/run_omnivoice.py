"""OmniVoice: cloned and described voices in more than 600 languages, to an exact length."""

from __future__ import annotations

from typing import Any

DISTRIBUTION = "omnivoice"

FADE = 0.01
"""Seconds of the fade at both ends; the package would add silence and take some out of the line."""


def probe() -> None:
    import omnivoice  # noqa: F401


def open_voice(options: dict[str, Any]) -> OmniVoiceRunner:
    import torch
    from omnivoice import OmniVoice

    device = options["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.float16 if device.startswith("cuda") else torch.float32
    model = OmniVoice.from_pretrained(options["weights"], device_map=device, dtype=dtype)
    return OmniVoiceRunner(model, options["settings"])


class OmniVoiceRunner:
    """Speaks with one model; what it takes from a reference is kept."""

    def __init__(self, model: Any, settings: dict[str, Any]) -> None:
        self._model, self._settings = model, settings
        self._prompts: dict[tuple[str, str], Any] = {}

    def speak(self, request: dict[str, Any]) -> tuple[bytes, int]:
        import torch

        reference = request["reference"]
        torch.manual_seed(request["seed"] or 0)
        sound = self._model.generate(
            text=request["text"],
            language=request["language"],
            voice_clone_prompt=self._prompt(reference) if reference else None,
            instruct=None if reference else request["voice"] or None,
            duration=request["seconds"],
            speed=request["speed"],
            num_step=self._settings["steps"],
            guidance_scale=self._settings["guidance"],
            postprocess_output=False,
            pad_duration=0.0,
            fade_duration=FADE,
        )[0]
        return sound.astype("<f4").tobytes(), int(self._model.sampling_rate)

    def _prompt(self, reference: dict[str, str]) -> Any:
        key = (reference["file"], reference["text"])
        if not reference["text"]:
            raise ValueError("the reference has no text: write what is said in it beside it")
        if key not in self._prompts:
            self._prompts[key] = self._model.create_voice_clone_prompt(
                ref_audio=reference["file"], ref_text=reference["text"]
            )
        return self._prompts[key]
