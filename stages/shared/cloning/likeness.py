"""How like cloned lines are to their references, as the voice encoder hears them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import ASR_RATE, SAMPLE_RATE
from dubkit.types.voices import Reference
from stages.shared.cloning.found_pieces import encoder_identity, open_encoder
from stages.shared.cloning.references import CLONE, reference_input, reference_of
from stages.shared.dubbed_lines import dubbed_lines
from stages.shared.people.modes import clones

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.speech.embeddings import VoiceEncoder


def cloned_lines(context: Context) -> dict[str, Reference]:
    """Return the lines whose take is cloned, with what their voice is taken from."""
    if not clones(context) or not context.store.has("translation.json", context.language):
        return {}
    found = {}
    for segment, line in dubbed_lines(context):
        record = context.record("speak", line.id)
        if record is None or record.error or not context.spoken_line(line.id).voice.startswith(CLONE):
            continue
        reference = reference_of(context, segment)
        if reference is not None:
            found[line.id] = reference
    return found


def likeness_inputs(context: Context) -> tuple[dict[str, str], dict[str, str]]:
    """Return inputs and models of measuring likeness, as they enter the key; none without cloned lines."""
    cloned = cloned_lines(context)
    if not cloned:
        return {}, {}
    of = {line.id: reference_input(context, segment) for segment, line in dubbed_lines(context)}
    return {"references": context.digest([[line, of[line]] for line in cloned])}, {
        "speaker": encoder_identity(context)
    }


class Likeness:
    """Compares takes with references; the encoder is loaded with the first one, each reference heard once."""

    def __init__(self, context: Context) -> None:
        self._context, self._cloned = context, cloned_lines(context)
        self._encoder: VoiceEncoder | None = None
        self._references: dict[Path, NDArray[np.float32]] = {}

    def of(self, line: str, speech: NDArray[np.float64]) -> float | None:
        """Return how like (S,) speech at 48 kHz is to the reference of its line; None for other voices."""
        reference = self._cloned.get(line)
        if reference is None or not len(speech):
            return None
        own = self._references.get(reference.file)
        if own is None:
            own = self._references[reference.file] = self._heard(_read(reference.file))
        return float(self._heard(speech) @ own)

    def _heard(self, sound: NDArray[np.float64]) -> NDArray[np.float32]:
        import numpy as np
        from scipy.signal import resample_poly  # type: ignore[import-untyped]

        if self._encoder is None:
            self._encoder = open_encoder(self._context)
        narrow = resample_poly(sound, 1, SAMPLE_RATE // ASR_RATE)
        return self._encoder.embed(np.asarray(narrow, np.float32))


def _read(file: Path) -> NDArray[np.float64]:
    from dubkit.media.sound.audio import open_wav
    from dubkit.media.sound.voice_sample import read_mono

    with open_wav(file) as opened:
        frames: int = opened.frames
    return read_mono(file, 0, frames)
