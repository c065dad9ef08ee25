"""Separation by a program in a process of its own: it reads a WAV file and writes one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ToolError
from dubkit.media.separation.blocks import FILTER
from dubkit.media.separation.separator import Advance, Span, StereoSound
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Block = NDArray[np.float32]
    Read = Callable[[int, int], Block]

PIECE_SECONDS = 20
MARGIN = 4096
"""Samples beside each piece that is resampled, so that its edges are right."""
LATE = 0.1
"""Seconds by which a result may be shorter or longer than the sound."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a program, and where it leaves the voices or the bed."""

    arguments: tuple[str, ...]
    voice: Path | None
    bed: Path | None = None


def program_hindrance(program: str, cure: str) -> str:
    """Return why a program cannot be run here, with the cure; empty when it can."""
    return "" if shutil.which(program) else f"there is no program {program} here. {cure}"


class Program:
    """Runs a program over a whole sound."""

    def __init__(self, call: Callable[[Path, Path], Call], rate: int) -> None:
        """Prepare the calls.

        Args:
            call: the sound's WAV file, and an empty folder for results -> the call.
            rate: samples per second of the file that the program is given and of those that it writes.
        """
        self._call, self._rate = call, rate

    def voices(self, sound: StereoSound, spans: Sequence[Span], advance: Advance) -> Iterator[Block]:
        """Yield the voices. Raises ToolError where the program fails or leaves no fitting file."""
        with tempfile.TemporaryDirectory(prefix="dubkit-separate-") as name:
            folder = Path(name)
            given, out = folder / "sound.wav", folder / "out"
            out.mkdir()
            _write(given, resampled(sound.read, sound.samples, SAMPLE_RATE, self._rate), self._rate)
            call = self._call(given, out)
            _run(call.arguments)
            yield from self._found(call, given, sound.samples)
        advance(1.0)

    def _found(self, call: Call, given: Path, samples: int) -> Iterator[Block]:
        """Yield the voices that the program wrote, or the sound without the bed that it wrote."""
        import soundfile as sf  # type: ignore[import-untyped]

        wrote = next((f for f in (call.voice, call.bed) if f is not None and f.is_file()), None)
        if wrote is None:
            name = (call.voice or call.bed or Path("its result")).name
            raise ToolError(f"{call.arguments[0]} ended well but did not write {name}.\nCheck its options.")
        with sf.SoundFile(wrote) as found, sf.SoundFile(given) as mixed:
            _check(call.arguments[0], found, mixed)

            def read(start: int, end: int) -> Block:
                block = _read(found, start, end)
                return block if wrote == call.voice else _read(mixed, start, end) - block

            left = samples
            for block in resampled(read, mixed.frames, self._rate, SAMPLE_RATE):
                yield block[:left]
                left -= len(block)
                if left <= 0:
                    return


def _run(arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise ToolError(f"{arguments[0]} cannot be run: {error.strerror}.\nCheck its path.") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise ToolError(f"{arguments[0]} ended with {done.returncode}: {said}")


def _check(program: str, found: object, mixed: object) -> None:
    """Raise ToolError where what a program wrote does not lie over what it was given."""
    rate, frames = found.samplerate, found.frames  # type: ignore[attr-defined]
    wanted, length = mixed.samplerate, mixed.frames  # type: ignore[attr-defined]
    if rate != wanted:
        raise ToolError(f"{program} wrote {rate} samples per second; it was given {wanted}.\nSet its rate.")
    if abs(frames - length) > LATE * wanted:
        raise ToolError(
            f"{program} wrote {frames / rate:.2f} s of sound; it was given {length / wanted:.2f} s.\n"
            "A bed must have the length of its source: check the program's options."
        )


def _read(file: object, start: int, end: int) -> Block:
    import numpy as np

    file.seek(min(start, file.frames))  # type: ignore[attr-defined]
    block = file.read(end - start, dtype="float32", always_2d=True)  # type: ignore[attr-defined]
    if block.shape[1] == 1:
        block = np.repeat(block, 2, axis=1)
    return np.pad(block[:, :2], ((0, end - start - len(block)), (0, 0)))


def _write(file: Path, blocks: Iterator[Block], rate: int) -> None:
    import soundfile as sf

    with sf.SoundFile(file, "w", samplerate=rate, channels=2, subtype="PCM_24", format="WAV") as target:
        for block in blocks:
            target.write(block)


def resampled(read: Read, samples: int, rate: int, wanted: int) -> Iterator[Block]:
    """Yield a sound of `samples` samples at another rate, piece by piece; every sample stays where it is."""
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    common = gcd(rate, wanted)
    up, down = wanted // common, rate // common
    piece, margin = PIECE_SECONDS * rate // down * down, -(-MARGIN // down) * down
    for start in range(0, samples, piece):
        first = max(0, start - margin)
        block = read(first, min(start + piece + margin, samples))
        changed = resample_poly(block, up, down, window=FILTER) if up != down else block
        begin = (start - first) * up // down
        count = -(-(min(start + piece, samples) - start) * up // down)
        yield np.asarray(changed[begin : begin + count], dtype=np.float32)
