"""What a listener finds out about a file by hearing it: when somebody speaks, and what is said.

PyAV reads the file, silero's network finds the speech and faster-whisper the words; dubkit's own gate and
recogniser, whose work is measured with this, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.types import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.models.store import ModelStore

RATE = 16_000
"""Samples per second of all sound here."""

EDGE = 10 ** (-40 / 20)
"""Level against the loudest block of a line below which a block belongs to the silence around it."""
BLOCK = 0.005
"""Seconds of such a block."""

LONGEST, MARGIN = 12.0, 0.2
"""Seconds that are heard together at most, and of the sound beside them that is heard, too."""

LOOPING, NO_REPEAT = 2.4, 4
"""Ratio at which text compresses that repeats itself, and tokens that may then not repeat."""

Span = tuple[float, float]


def read_sound(path: Path, rate: int = RATE) -> NDArray[np.float32]:
    """Return the first sound track as (S,) mono, its first sample at the zero of the file's clock."""
    import av
    import numpy as np

    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    with av.open(str(path), metadata_errors="replace") as container:
        zero = (container.start_time or 0) / av.time_base
        stream = container.streams.audio[0]
        late = max(0.0, float((stream.start_time or 0) * (stream.time_base or 0)) - zero)
        frames = [out for frame in container.decode(stream) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    pieces = [frame.to_ndarray().reshape(-1) for frame in frames]
    return np.concatenate([np.zeros(round(late * rate)), *pieces]).astype(np.float32)


def speech_spans(sound: NDArray[np.float32]) -> list[Span]:
    """Return when somebody speaks, in seconds."""
    import numpy as np
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # type: ignore[import-untyped]

    loudest = float(np.abs(sound).max(initial=0.0))
    if not loudest:
        return []
    options = VadOptions(min_speech_duration_ms=100, min_silence_duration_ms=200, speech_pad_ms=30)
    found = get_speech_timestamps(sound * (0.9 / loudest), options, sampling_rate=RATE)
    return [(span["start"] / RATE, span["end"] / RATE) for span in found]


def sounding(sound: NDArray[np.float32], rate: int) -> Span | None:
    """Return when a spoken line starts and ends within its own sound, in seconds; None for silence."""
    import numpy as np

    block = round(BLOCK * rate)
    whole = np.pad(sound.astype(np.float64), (0, -len(sound) % block)).reshape(-1, block)
    level = np.sqrt(np.mean(whole**2, axis=1))
    loud = np.flatnonzero(level > EDGE * level.max(initial=0.0))
    return (float(loud[0]) * BLOCK, float(loud[-1] + 1) * BLOCK) if loud.size else None


@dataclass(frozen=True, slots=True)
class Listener:
    """A recogniser that took no part in making the dub."""

    name: str
    model: Any

    def words(self, sound: NDArray[np.float32], language: str) -> list[Word]:
        """Return the words of a whole file: one decoding, nothing carried over from earlier text.

        The file is heard in stretches that end in silence: within a longer window the model may end its text
        before the speech ends.
        """
        return [
            word
            for start, end in stretches(speech_spans(sound))
            for word in self._in(sound, start, end, language)
        ]

    def _in(self, sound: NDArray[np.float32], start: float, end: float, language: str) -> list[Word]:
        heard = self._decoded(sound[int(start * RATE) : int(end * RATE)], language, 0)
        if any(segment.compression_ratio > LOOPING for segment in heard):
            heard = self._decoded(sound[int(start * RATE) : int(end * RATE)], language, NO_REPEAT)
        return [
            Word(start + float(word.start), start + float(word.end), str(word.word))
            for segment in heard
            for word in segment.words or ()
        ]

    def _decoded(self, sound: NDArray[np.float32], language: str, no_repeat: int) -> list[Any]:
        segments, _ = self.model.transcribe(
            sound,
            language=language.split("-")[0],
            beam_size=1,
            temperature=0.0,
            no_repeat_ngram_size=no_repeat,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        return list(segments)


def stretches(spans: Sequence[Span]) -> list[Span]:
    """Return what is heard together: speech with the silences in it, LONGEST at most where they allow it."""
    found: list[Span] = []
    for start, end in spans:
        if found and end - found[-1][0] <= LONGEST:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [(max(0.0, start - MARGIN), end + MARGIN) for start, end in found]


def open_listener(models: ModelStore, language: str) -> Listener:
    """Return what hears a language: tiny.en for English where it is here, else base with one beam.

    Either is another one than dubs are made with: base with five beams.
    """
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]

    english = models.find("asr", "tiny.en") if language.split("-")[0] == "en" else None
    found = english or models.fetch("asr", "base")
    model = WhisperModel(str(found.path), device="cpu", compute_type="int8")
    return Listener(found.name if english else f"{found.name}, one beam", model)
