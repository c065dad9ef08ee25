"""hibari: small neural English speech with one bundled voice, 0.08 CPU seconds per second of speech."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import VoiceError
from dubkit.voice.trim import trimmed
from dubkit.voice.voices import HIBARI, HIBARI_VOICE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 0
"""Of the breath noise: the same line always gets the same samples."""


def speaks(language: str) -> bool:
    """Say whether hibari speaks a language tag."""
    return language.replace("_", "-").lower().partition("-")[0] == "en"


class HibariSynthesiser:
    """Speaks American English as the voice that the package carries; its other voices need a download."""

    name = HIBARI
    rate = 24_000

    def __init__(self, model: Path | None, threads: int) -> None:
        """Load the network, from the package when `model` is None."""
        from hibari import Hibari  # type: ignore[import-untyped]

        self._hibari = Hibari(voice=HIBARI_VOICE, model=str(model) if model else None, threads=threads)

    def voices(self, language: str) -> tuple[str, ...]:
        """Return the one voice, or none for another language than English."""
        return (HIBARI_VOICE,) if speaks(language) else ()

    def speak(self, text: str, *, voice: str, language: str, speed: float) -> NDArray[np.float32]:
        """Return (N,) speech at 24 kHz whose first sample is its start.

        Raises VoiceError for another language or voice.
        """
        import numpy as np

        if not speaks(language):
            raise VoiceError(f"hibari cannot speak {language!r}. It speaks: en.")
        if voice not in ("", HIBARI_VOICE):
            raise VoiceError(f"hibari has no voice {voice!r}. Names: {HIBARI_VOICE}.")
        sound = np.asarray(self._hibari(text, speed=speed, seed=SEED), np.float32)
        return trimmed(sound - (sound.mean() if sound.size else 0.0), self.rate)
