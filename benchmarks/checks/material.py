"""What faults are seeded in: lines of the packaged voices, and stretches of real speech as their sources.

Both are parted in two halves by their names: one sets the thresholds, in the other faults are seeded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks.lengths.__main__ import opening_of, read_lines, speaks_here
from dubkit.types import ASR_RATE, SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import Synthesiser

Half = Literal["thresholds", "faults"]
ENGINE = "kokoro"
SUFFIXES = {".wav", ".flac", ".mp4", ".mpg", ".mp3", ".aiff"}
SHORTEST, LONGEST = 1.0, 8.0
"""Seconds of the stretches of real speech that are sources."""
PER_CLIP, BEGINNING = 4, 25
"""Stretches that are taken of a clip, and the seconds of its beginning in which they are looked for."""


@dataclass(frozen=True)
class Spoken:
    """One line as a voice speaks it."""

    language: str
    text: str
    voice: str
    file: Path

    @property
    def sound(self) -> NDArray[np.float64]:
        """The samples, (N,) at 48 kHz."""
        from dubkit.media.sound.audio import read_span

        return read_span(self.file, 0, 1 << 31)[:, 0]

    @property
    def half(self) -> Half:
        """The half that the line is in."""
        return half_of(self.text)


@dataclass(frozen=True)
class SourceLine:
    """A stretch of real speech."""

    clip: str
    start: float
    end: float
    sound: NDArray[np.float64]
    """(N,) at 48 kHz."""


def half_of(name: str) -> Half:
    """Return the half of a clip or text by its name alone."""
    return "thresholds" if hashlib.sha256(name.encode()).digest()[0] % 2 else "faults"


def spoken_lines(cache: Path, step: int = 1) -> list[Spoken]:
    """Return the lines of every language that the packaged voices speak; what is in the cache is kept."""
    from dubkit.voice.engine import ENGINES

    engine = ENGINES.records[ENGINE]
    opening = opening_of(engine)
    voices = engine.voices(opening).voices if engine.voices else ()
    found = []
    synthesiser = None
    spoken_here = {language for language, _ in read_lines() if speaks_here(engine, language)}
    for number, (language, text) in enumerate(read_lines()):
        if number % step or language not in spoken_here:
            continue
        own = [voice.name for voice in voices if _speaks(voice.languages, language)] or [""]
        voice = own[number % len(own)]
        file = cache / "takes" / f"{hashlib.sha256(f'{language}{text}{voice}'.encode()).hexdigest()[:16]}.wav"
        if not file.is_file():
            synthesiser = synthesiser or engine.open(opening)
            _speak(synthesiser, text, voice, language, file)
        found.append(Spoken(language, text, voice, file))
    return found


def _speaks(languages: Sequence[str], language: str) -> bool:
    return any(tag.split("-")[0] == language.split("-")[0] for tag in languages)


def _speak(synthesiser: Synthesiser, text: str, voice: str, language: str, file: Path) -> None:
    from dubkit.media.sound.audio import write_wav
    from dubkit.voice.fit import at_clock_rate
    from dubkit.voice.text.spoken import spoken_text
    from dubkit.voice.trim import trimmed

    sound = synthesiser.speak(spoken_text(text, language), voice=voice, language=language, speed=1.0)
    sound = at_clock_rate(trimmed(sound, synthesiser.rate), synthesiser.rate)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_wav(file, sound[:, None], SAMPLE_RATE)


def source_lines(media: Path) -> list[SourceLine]:
    """Return stretches in which somebody speaks, of all clips of conversations and talks below a folder."""
    from dubkit.speech.vad import speech_spans

    found = []
    for clip in sorted(media.rglob("*")):
        if clip.suffix not in SUFFIXES or "d_odd" in clip.parts:
            continue
        sound = decoded(clip)[: BEGINNING * SAMPLE_RATE]
        spans = [
            span for span in speech_spans(sound[:: SAMPLE_RATE // ASR_RATE]) if span[1] - span[0] > SHORTEST
        ]
        for start, end in spans[:PER_CLIP]:
            end = min(end, start + LONGEST)
            part = sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            found.append(SourceLine(clip.name, start, end, part.astype("f8")))
    return found


def decoded(path: Path, rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Return the first sound of a file, (N,) at a rate."""
    import av
    import numpy as np

    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)
