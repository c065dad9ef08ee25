"""How well the mark on generated speech is found after codecs, and whether it is found where it is not.

`python -m benchmarks.mark FOLDER` marks every sound file below a folder, codes it, and looks for the mark in
the marked and in the unmarked sound. It prints a row for each way of coding.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubkit.deliver.hear import heard
from dubkit.errors import DubkitError
from dubkit.media.files.command import media_input
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.sound.audio import write_wav
from dubkit.media.sound.mark import MarkFinder, mark_speech
from dubkit.types import SAMPLE_RATE

Samples = NDArray[np.float64]

SECONDS = 30
"""Of each file, at most."""

SHORTEST = 2
SUFFIXES = {".wav", ".flac", ".mp3", ".aiff", ".m4a", ".ogg"}

WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "as it is": ("wav", {}),
    "AAC 128 kbit/s": ("m4a", {"c:a": "aac", "b:a": "128k", "f": "mp4"}),
    "AAC 64 kbit/s": ("m4a", {"c:a": "aac", "b:a": "64k", "f": "mp4"}),
    "MP3 128 kbit/s": ("mp3", {"c:a": "libmp3lame", "b:a": "128k", "f": "mp3"}),
    "Opus 48 kbit/s": ("ogg", {"c:a": "libopus", "b:a": "48k", "f": "ogg"}),
    "16 kHz, 16 bit": ("wav", {"ar": "16000", "c:a": "pcm_s16le", "f": "wav"}),
}
"""Name -> ending and options of ffmpeg."""


def found_in(sound: Samples) -> int:
    """Return how many seconds of a sound the mark is found in."""
    finder = MarkFinder()
    finder.feed(sound)
    return sum(finder.seconds())


def coded(sound: Samples, way: str, folder: Path) -> Samples:
    """Return a sound as it comes back."""
    ending, options = WAYS[way]
    plain, file = folder / "plain.wav", folder / f"coded.{ending}"
    write_wav(plain, sound[:, None], SAMPLE_RATE)
    if not options:
        return np.concatenate(list(heard(plain, 0)))
    run_ffmpeg([media_input(plain)["a:0"]], file, options)
    return np.concatenate(list(heard(file, 0)))


def sounds(folder: Path) -> Iterator[tuple[Path, Samples]]:
    """Yield the sound files below a folder that are long enough."""
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        try:
            sound = np.concatenate(list(heard(file, 0)))[: SECONDS * SAMPLE_RATE]
        except (DubkitError, ValueError, IndexError):
            continue
        if len(sound) >= SHORTEST * SAMPLE_RATE:
            yield file, sound


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    files, seconds, levels = 0, 0, []
    marked, clean, named = (dict.fromkeys(WAYS, 0) for _ in range(3))
    with tempfile.TemporaryDirectory() as temporary:
        for _, sound in sounds(options.folder):
            files, seconds = files + 1, seconds + -(-len(sound) // SAMPLE_RATE)
            with_mark = mark_speech(sound, 12_345)
            levels.append(10 * np.log10(np.square(with_mark - sound).sum() / np.square(sound).sum()))
            for way in WAYS:
                there = found_in(coded(with_mark, way, Path(temporary)))
                marked[way] += there
                named[way] += there > 0
                clean[way] += found_in(coded(sound, way, Path(temporary)))
    if not files:
        print(f"{options.folder}: no sound files of {SHORTEST} s or more", file=sys.stderr)
        return 1
    least, most = -max(levels), -min(levels)
    print(f"{files} files, {seconds} s; the change lies {least:.1f} to {most:.1f} dB below the sound")
    print("| coded as | marked: files found | marked: seconds found | unmarked: seconds found |")
    print("| --- | --- | --- | --- |")
    for way in WAYS:
        print(f"| {way} | {named[way]} of {files} | {marked[way]} of {seconds} | {clean[way]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
