"""The sound that a clip's picture follows: the speech of its lines in their places, and a bed under it.

Very clean speech is reported to leave a generated face still, so the generator hears something under it. The
mix is not made of this sound: it takes the speech itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Clip, Remark, SpokenLine, remark, sample_at
from stages.shared.bed import bed_file, bed_inputs
from stages.shared.generator_sound import generator_sound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SETTINGS = ("dub.drive_bed",)
"""Settings that change the sound."""

SOURCE_DB = -24.0
"""Level of the source's own sound as a bed, where there is none without its voices."""
NOISE_DB = -50.0
"""Level of the bed of noise."""
LATE = 0.2
"""Seconds of speech beside the generated picture from which it is said."""


def given_inputs(context: Context, clip: Clip) -> dict[str, str] | None:
    """Return what the given sound of a clip depends on; None while a line of it is not spoken."""
    inputs = {"window": context.digest([clip.start_frame, clip.frames])}
    for line in clip.lines:
        speech = context.take_digest(line, "speech.wav", stage="speak")
        if not speech:
            return None
        inputs[f"speak/{line}"] = context.digest([context.spoken_line(line).start_sample, speech])
    if context.settings.dub.drive_bed == "bed":
        inputs["extract/audio.wav"] = context.file_digest("extract", "audio.wav")
        inputs |= bed_inputs(context)
    return inputs


def given_sound(context: Context, clip: Clip, time: Fraction) -> NDArray[np.float32]:
    """Return the sound (1 or 2, N) at 48 kHz of a clip whose first frame is shown at `time`, to its end."""
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]

    first, count = sample_at(time), int(clip.frames * SAMPLE_RATE / context.picture.rate)
    speech = np.zeros(count, np.float32)
    for line in clip.lines:
        file = context.take_file(line)
        assert file is not None, "only clips whose lines are spoken are given a sound"
        samples, _ = sf.read(file, dtype="float32")
        begin = context.spoken_line(line).start_sample - first
        low, high = max(begin, 0), min(begin + len(samples), count)
        if low < high:
            speech[low:high] += samples[low - begin : high - begin]
    laid = speech[None] + _bed(context, first, count)
    return np.asarray(np.clip(laid, -1.0, 1.0), np.float32)


def _bed(context: Context, first: int, count: int) -> NDArray[np.float32]:
    import numpy as np

    from dubkit.media.sound.audio import read_span

    kind = context.settings.dub.drive_bed
    if kind == "none":
        return np.zeros((1, count), np.float32)
    if kind == "noise":
        noise = np.random.default_rng(0).standard_normal((1, count), np.float32)
        return np.asarray(noise * 10 ** (NOISE_DB / 20), np.float32)
    file = bed_file(context)
    level = 1.0 if file is not None else 10 ** (SOURCE_DB / 20)
    begin, end = max(first, 0), min(first + count, context.episode.samples)
    sound = generator_sound(read_span(file or context.audio, begin, max(begin, end)).T, context.layout)
    laid = np.zeros((len(sound), count), np.float32)
    laid[:, begin - first : begin - first + sound.shape[1]] = level * sound
    return laid


def beside_the_picture(
    context: Context, clips: Sequence[Clip], line: str, times: Sequence[Fraction]
) -> Iterator[Remark]:
    """Yield a remark where a line is spoken while the picture is still, or again, the source's.

    `clips` are those that the line is in, and `times` the moment of every frame.
    """
    spoken: SpokenLine = context.spoken_line(line)
    begin, end = times[min(c.keep_start for c in clips)], _moment(context, clips, times)
    first = Fraction(spoken.start_sample, SAMPLE_RATE)
    said = first, first + Fraction(spoken.samples, SAMPLE_RATE)
    beside = float(max(begin - said[0], Fraction(0)) + max(said[1] - end, Fraction(0)))
    if beside > LATE:
        sentence = f"{beside:.1f} s of its speech are beside the picture that follows it."
        yield remark("lips-not-following", sentence, line)


def _moment(context: Context, clips: Sequence[Clip], times: Sequence[Fraction]) -> Fraction:
    last = max(clip.keep_end for clip in clips)
    return times[last] if last < len(times) else context.picture.end
