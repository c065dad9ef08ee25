"""Read and write the sound artifacts of an episode: WAV or RF64, integer PCM, span by span.

Samples are `(n, C)` with C channels; sample numbers count on the episode clock. Floating-point
samples are the PCM values divided by full scale, so a 24-bit value survives float64 exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dubkit.errors import MediaError
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

# The float subtypes are left out on purpose: libsndfile gives them a PEAK chunk with the time of day,
# so the same samples would not give the same bytes.
Subtype = Literal["PCM_16", "PCM_24", "PCM_32"]

RF64_BYTES = 4_000_000_000
"""Sound data from this size on is written as RF64: the length fields of WAV end at 4 GiB."""

FULL_SCALE = 2.0**23
"""24-bit steps per unit of a floating-point sample."""

_COPY_SAMPLES = 1 << 18
_COMMON_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def channel_roles(layout: str, channels: int) -> tuple[str, ...]:
    """Name the channels in order: `FL FR FC LFE BL BR` for `5.1`, `FC` for `mono`.

    An unknown or contradicting layout is read as the common one for its number of channels;
    above eight channels every channel has the role `""`.
    """
    import av

    for name in (layout, _COMMON_LAYOUTS.get(channels, "")):
        try:
            roles = tuple(channel.name for channel in av.AudioLayout(name).channels) if name else ()
        except ValueError:
            continue
        if len(roles) == channels and "NONE" not in roles:
            return roles
    return ("",) * channels


@contextmanager
def open_wav(path: Path) -> Iterator[sf.SoundFile]:
    """Open a sound artifact for reading.

    Raises `MediaError` when the file is missing or is no sound file.
    """
    import soundfile as sf

    try:
        file = sf.SoundFile(path)
    except (sf.LibsndfileError, OSError) as error:
        raise MediaError(
            path,
            f"cannot be read as sound ({error})",
            "Delete it and run the same command again to remake it.",
        ) from error
    with file:
        yield file


def read_span(path: Path, start_sample: int, end_sample: int) -> Samples:
    """Read samples `start_sample` to `end_sample` (one past the last) as `(n, C)`.

    The result is shorter where the file ends before `end_sample`.
    """
    if not 0 <= start_sample <= end_sample:
        raise ValueError(f"span {start_sample}..{end_sample} is not a span of samples")
    with open_wav(path) as file:
        return read_open(file, start_sample, end_sample)


def read_open(file: sf.SoundFile, start_sample: int, end_sample: int) -> Samples:
    """Like `read_span`, on a file that is open already."""
    frames: int = file.frames
    start = min(start_sample, frames)
    file.seek(start)
    samples: Samples = file.read(min(end_sample, frames) - start, dtype="float64", always_2d=True)
    return samples


def read_mono16(path: Path) -> NDArray[np.float32]:
    """Read the whole 16 kHz mono file that speech models listen to, as `(n,)`."""
    with open_wav(path) as file:
        if file.samplerate != ASR_RATE or file.channels != 1:
            raise MediaError(
                path,
                f"has {file.channels} channels at {file.samplerate} Hz where mono at {ASR_RATE} Hz is needed",
                "Delete it and run the same command again to remake it.",
            )
        samples: NDArray[np.float32] = file.read(dtype="float32")
        return samples


def to_pcm(samples: Samples) -> NDArray[np.int32]:
    """Round to 24-bit steps, left-aligned in 32 bits; values beyond full scale stop there."""
    import numpy as np

    steps = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return steps.astype(np.int32) << 8


def write_wav(
    path: Path,
    samples: NDArray[np.floating] | NDArray[np.int32],
    rate: int,
    subtype: Subtype = "PCM_24",
) -> None:
    """Write `(n,)` or `(n, C)` samples as WAV; the same samples always give the same bytes.

    `int32` samples are left-aligned PCM and are written as they are; others are floating point.
    """
    import numpy as np
    import soundfile as sf

    pcm = samples if samples.dtype == np.int32 else to_pcm(samples.astype(np.float64))
    sf.write(path, pcm, rate, subtype=subtype, format="WAV")


class Copy:
    """A copy of a sound file that is written from front to back, with some spans replaced.

    Samples that are not replaced pass as integers, so they keep every bit.
    """

    def __init__(self, source: sf.SoundFile, out: sf.SoundFile) -> None:
        self._source = source
        self._out = out
        self.position = 0
        """The next sample to be written."""

    def through(self, end_sample: int) -> None:
        """Copy the source from the current position to `end_sample`."""
        self._source.seek(self.position)
        while self.position < end_sample:
            block = self._source.read(min(_COPY_SAMPLES, end_sample - self.position), dtype="int32")
            if not len(block):
                raise ValueError(f"the source ends at sample {self.position}, before {end_sample}")
            self._out.write(block)
            self.position += len(block)

    def replace(self, samples: Samples) -> None:
        """Write `samples` in place of the source's next `len(samples)` samples."""
        self._out.write(to_pcm(samples))
        self.position += len(samples)

    def finish(self) -> None:
        """Copy what is left of the source."""
        self.through(self._source.frames)


@contextmanager
def open_copy(source: Path, out: Path, *, rf64_bytes: int = RF64_BYTES) -> Iterator[Copy]:
    """Begin a copy of `source` at `out`, as 24-bit PCM; what is not written by the end is copied.

    The file becomes RF64 when its sound data reaches `rf64_bytes`. A source that is not 16- or
    24-bit PCM raises `MediaError`, because it could not be copied without loss.
    """
    with open_wav(source) as file:
        if file.subtype not in ("PCM_16", "PCM_24"):
            raise MediaError(
                source,
                f"holds {file.subtype} samples where 16- or 24-bit PCM is needed",
                "Convert it with: ffmpeg -i FILE -c:a pcm_s24le OUT.wav",
            )
        with create_like(file, out, rf64_bytes) as target:
            copy = Copy(file, target)
            yield copy
            copy.finish()


@contextmanager
def create_like(file: sf.SoundFile, out: Path, rf64_bytes: int = RF64_BYTES) -> Iterator[sf.SoundFile]:
    """Begin a 24-bit PCM file at `out` with rate and channels of `file`, and room for as many samples."""
    import soundfile as sf

    big = file.frames * file.channels * 3 >= rf64_bytes
    with sf.SoundFile(
        out,
        "w",
        samplerate=file.samplerate,
        channels=file.channels,
        subtype="PCM_24",
        format="RF64" if big else "WAV",
    ) as target:
        yield target


def waveform_peaks(path: Path, count: int) -> tuple[float, ...]:
    """Largest absolute sample of any channel in each of `count` equal stretches, 0 to 1.

    A file with fewer than `count` samples gives one value per sample.
    """
    import numpy as np

    with open_wav(path) as file:
        edges = np.linspace(0, file.frames, min(count, file.frames) + 1).astype(int)
        peaks = []
        for start, end in pairwise(edges):
            peaks.append(round(float(np.abs(read_open(file, int(start), int(end))).max(initial=0.0)), 4))
    return tuple(peaks)
