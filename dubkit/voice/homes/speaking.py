"""Speak lines through the runner of a home."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import VoiceError
from dubkit.types.voices import Delivery, Reference
from dubkit.voice.homes.home import Home, absence, folder_of, runner_command
from dubkit.voice.homes.process import Program, Runner
from dubkit.voice.homes.settings import HomeSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import VoiceOpening

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""For engines whose weights are given as a folder: nothing else is fetched behind the user's back."""


class HomeSynthesiser:
    """Speaks with an engine in its home. Its runner is started at once and ends with this object."""

    def __init__(
        self,
        home: Home,
        called: str,
        opening: VoiceOpening,
        own: Mapping[str, Any],
        *,
        paced: bool,
        code: Callable[[str], str] = str,
    ) -> None:
        """Load the engine. Raises VoiceError when it has no home, or its runner does not get ready.

        `own` are the settings that its runner reads. `paced` says whether the engine takes a speed; the
        speech of one that does not is stretched. `code` gives the engine's name of a language tag.
        """
        settings = opening.settings or HomeSettings()
        folder = folder_of(home, opening.cache, settings)
        if hindered := absence(home, called, folder):
            raise VoiceError(hindered)
        assert folder is not None
        options = {
            "weights": str(opening.folder) if opening.folder else "",
            "device": settings.device,
            "settings": dict(own),
            "variables": OFFLINE if opening.folder else {},
        }
        command = (*runner_command(folder), home.runner, json.dumps(options))
        self._called, self._paced, self._code = called, paced, code
        self._sounds = tempfile.TemporaryDirectory(prefix=f"dubkit-{home.name}-")
        weakref.finalize(self, self._sounds.cleanup)
        self._numbers = count()
        self._references: dict[Path, str] = {}
        self._runner = Runner(Program(called, command, settings.line_seconds))
        self._runner.open()
        self.rate = 0
        """Samples per second of what was spoken last."""

    def speak(
        self,
        text: str,
        *,
        voice: str,
        language: str,
        speed: float,
        seed: int | None = None,
        reference: Reference | None = None,
        seconds: float | None = None,
        delivery: Delivery | None = None,
    ) -> NDArray[np.float32]:
        """Return (N,) speech at `rate` whose first sample is its start. Raises VoiceError."""
        from dubkit.voice.stretch import stretched
        from dubkit.voice.trim import trimmed

        out = Path(self._sounds.name) / f"line-{next(self._numbers)}.wav"
        answer = self._runner.ask(
            {
                "text": text,
                "voice": voice,
                "language": self._code(language),
                "speed": speed,
                "seconds": seconds,
                "reference": self._given(reference),
                "delivery": asdict(delivery) if delivery else None,
                "seed": seed,
                "out": str(out),
            }
        )
        sound = trimmed(self._read(out, answer), self.rate)
        if self._paced or speed == 1.0 or seconds is not None or not len(sound):
            return sound
        return stretched(sound, speed, self.rate)

    def _read(self, out: Path, answer: Mapping[str, Any]) -> NDArray[np.float32]:
        import numpy as np
        import soundfile  # type: ignore[import-untyped]

        try:
            samples, rate = soundfile.read(out, dtype="float32", always_2d=True)
            out.unlink()
        except (OSError, RuntimeError) as error:
            raise VoiceError(f"{self._called} left no sound for the line: {error}.") from error
        if rate != answer.get("rate") or len(samples) != answer.get("samples"):
            raise VoiceError(
                f"{self._called} left another sound than it said: {len(samples)} samples at {rate} Hz."
            )
        if not np.isfinite(samples).all():
            raise VoiceError(f"{self._called} gave samples that are not finite numbers.")
        self.rate = int(rate)
        return np.ascontiguousarray(samples[:, 0])

    def _given(self, reference: Reference | None) -> dict[str, str] | None:
        """Return a reference as a runner reads it: 16-bit samples, which every package takes."""
        if reference is None:
            return None
        if reference.file not in self._references:
            import soundfile

            path = Path(self._sounds.name) / f"reference-{len(self._references)}.wav"
            try:
                samples, rate = soundfile.read(reference.file, dtype="float32", always_2d=True)
            except (OSError, RuntimeError) as error:
                raise VoiceError(f"{reference.file} cannot be read as a reference: {error}.") from error
            soundfile.write(path, samples.mean(axis=1), rate, subtype="PCM_16")
            self._references[reference.file] = str(path)
        return {"file": self._references[reference.file], "text": reference.text}
