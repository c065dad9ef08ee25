"""pocket-tts: cloned and published voices in seven languages, on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DISTRIBUTION = "pocket-tts"

LANGUAGES = {
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}

TERMS = (
    "Its weights are fetched from the model hub, where the terms of kyutai/pocket-tts must be accepted "
    "before a voice can be cloned; then log in with the hub's own tool"
)


def probe() -> None:
    import pocket_tts  # noqa: F401


def open_voice(options: dict[str, Any]) -> PocketRunner:
    probe()
    return PocketRunner(options["settings"]["temperature"])


class PocketRunner:
    """Speaks with a model for each language, and keeps what each takes from a voice."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature or None
        self._models: dict[str, Any] = {}
        self._voices: dict[tuple[str, str], Any] = {}

    def _model(self, language: str) -> Any:
        """Return the model of a language tag."""
        from pocket_tts import TTSModel

        name = LANGUAGES[language.split("-")[0].lower()]
        if name not in self._models:
            try:
                self._models[name] = TTSModel.load_model(language=name, temp=self._temperature)
            except Exception as error:
                first = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise RuntimeError(
                    f"the weights for {name} are not here and cannot be had: {first} {TERMS}"
                ) from error
        return self._models[name]

    def speak(self, request: dict[str, Any]) -> tuple[bytes, int]:
        import torch

        model = self._model(request["language"])
        voice = self._voice(model, request)
        torch.manual_seed(request["seed"] or 0)
        sound = model.generate_audio(voice, request["text"])
        return sound.detach().cpu().float().numpy().astype("<f4").tobytes(), int(model.sample_rate)

    def _voice(self, model: Any, request: dict[str, Any]) -> Any:
        reference = request["reference"]
        if reference and not model.has_voice_cloning:
            raise RuntimeError(f"the weights that are here cannot clone a voice. {TERMS}")
        name = reference["file"] if reference else request["voice"]
        key = (request["language"], name)
        if key not in self._voices:
            self._voices[key] = model.get_state_for_audio_prompt(Path(name) if reference else name)
        return self._voices[key]
