"""Separation of known speech from known music: what is left of the voice, what of the music, and the cost.

    python -m benchmarks.separation
    python -m benchmarks.separation --speech jfk.flac --speech talk.mp4 --music film.wav --method spleeter

Speech and music are mixed at 0 and +10 dB, by their power over the whole. What is left of the speech is the
part of the bed that fits the known speech, beside the known music, in bands of a short-time spectrum;
distorted residue is not counted. A recogniser listens to the bed for words.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf  # type: ignore[import-untyped]
from numpy.typing import NDArray
from scipy.signal import resample_poly  # type: ignore[import-untyped]

from benchmarks.band import band
from dubkit.chain.host import SettingsHost
from dubkit.config import Settings
from dubkit.media.separation.bed import spectrum
from dubkit.media.separation.leak import bed_level, leaked_words
from dubkit.media.separation.separator import SEPARATORS, SeparationTask, Separator
from dubkit.media.separation.settings import Separate
from dubkit.media.separation.stems import write_bed, write_voice
from dubkit.models.store import ModelStore
from dubkit.speech.recognition import Recogniser, RecognitionTask, choose_recogniser
from dubkit.speech.settings import Transcribe
from dubkit.studio import cache_folder
from dubkit.types import ASR_RATE, SAMPLE_RATE, Segment
from dubkit.voice.engine import ENGINES, VoiceOpening

Sound = NDArray[np.float64]

OVER_DB = (0.0, 10.0)
BINS = 16
TEXT = "The quick brown fox jumps over the lazy dog, and nobody knows what she paid for it last summer."


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one mix; levels in dB, cost in processor seconds for a second of sound."""

    name: str
    over_db: float
    speech_left: float
    music_level: float
    meter_voice: float | None
    meter_music: float | None
    words: int
    cost: float


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--speech", type=Path, action="append", default=[], help="clean speech; else hibari speaks"
    )
    parser.add_argument(
        "--music", type=Path, action="append", default=[], help="music; else a band made by code"
    )
    parser.add_argument("--method", default="spleeter", help="a separator that needs no settings")
    options = parser.parse_args()
    settings = Settings()
    host = SettingsHost(settings, ModelStore(cache_folder(settings)))
    listening = RecognitionTask(Transcribe(language="en"), host)
    engine = choose_recogniser(listening)
    listener = engine.open(listening.for_engine(engine))
    separator = SEPARATORS.records[options.method]
    task = SeparationTask(Separate(options.method), host).for_separator(separator)
    print(
        "| speech, music | speech over music | speech left | music level | meter: voice | meter: music | "
        "words | CPU s/s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, speech, music in pairs(options.speech, options.music):
        for over_db in OVER_DB:
            print(shown(measured(name, speech, music, over_db, separator, task, listener)), flush=True)
    print(f"\nPeak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def pairs(speeches: Sequence[Path], musics: Sequence[Path]) -> Iterator[tuple[str, Sound, Sound]]:
    """Yield each speech (n, 2) with each music of the same length."""
    said = {file.stem: read(file) for file in speeches} or {"hibari": spoken()}
    for one, speech in said.items():
        played = {file.stem: read(file) for file in musics} or {"band": band(len(speech) / SAMPLE_RATE)}
        for other, music in played.items():
            length = min(len(speech), len(music))
            yield (
                f"{one}, {other}",
                speech[:length].mean(axis=1, keepdims=True).repeat(2, axis=1),
                music[:length],
            )


def read(file: Path) -> Sound:
    """Return a sound file as (n, 2) at 48 kHz."""
    import av

    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    with av.open(str(file)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1).T.astype(np.float64)


def spoken() -> Sound:
    """Return speech of the packaged voice."""
    engine = ENGINES.records["hibari"].open(VoiceOpening(None))
    said = np.asarray(engine.speak(TEXT, voice="", language="en", speed=1.0), dtype=np.float64)
    at_48 = np.asarray(resample_poly(said, SAMPLE_RATE, engine.rate), dtype=np.float64)
    return at_48[:, None].repeat(2, axis=1)


def measured(
    name: str,
    speech: Sound,
    music: Sound,
    over_db: float,
    separator: Separator,
    task: SeparationTask,
    listener: Recogniser,
) -> Row:
    """Mix, separate and measure."""
    music = music * np.sqrt(np.mean(speech**2) / np.mean(music**2)) * 10 ** (-over_db / 20)
    scale = 0.7 / np.abs(speech + music).max()
    speech, music = speech * scale, music * scale
    span = (0, len(speech))
    with tempfile.TemporaryDirectory() as folder:
        source, voice, bed = (Path(folder) / f"{part}.wav" for part in ("source", "voice", "bed"))
        sf.write(source, speech + music, SAMPLE_RATE, subtype="PCM_24")
        finder = separator.open(task)
        before = time.process_time()
        write_voice(source, voice, finder, "stereo", [span], lambda share: None)
        write_bed(source, voice, bed, [span], [], 0.0)
        cost = (time.process_time() - before) / (len(speech) / SAMPLE_RATE)
        mix, found, left = (sf.read(file)[0] for file in (source, voice, bed))
    level = bed_level(Segment("s0001", 0.0, len(mix) / SAMPLE_RATE, "", ""), mix, found, left)
    inside = slice(SAMPLE_RATE // 10, -SAMPLE_RATE // 10)
    return Row(
        name,
        over_db,
        speech_left(left[inside], speech[inside], music[inside]),
        10 * np.log10(np.mean(left[inside] ** 2) / np.mean(music[inside] ** 2)),
        level.old_voice_db,
        level.music_db,
        longest_leak(listener, speech, left),
        cost,
    )


def speech_left(bed: Sound, speech: Sound, music: Sound) -> float:
    """Return the level of the known speech in a bed against itself, in dB."""
    left, said, played = (spectrum(sound)[0] for sound in (bed, speech, music))
    kept = there = 0.0
    for low in range(1, len(said), BINS):
        one, two, both = (part[low : low + BINS].ravel() for part in (said, played, left))
        fit, *_ = np.linalg.lstsq(np.stack([one, two], axis=1), both, rcond=None)
        power = float(np.vdot(one, one).real)
        kept, there = kept + abs(fit[0]) ** 2 * power, there + power
    return float(10 * np.log10(kept / there))


def longest_leak(listener: Recogniser, speech: Sound, bed: Sound) -> int:
    """Return how many words of the speech are heard in the bed in a row, three or more; else 0."""
    seconds = len(speech) / SAMPLE_RATE
    said, heard = (
        listener.recognise(
            resample_poly(sound.mean(axis=1), 1, SAMPLE_RATE // ASR_RATE).astype(np.float32),
            [(0.0, seconds)],
            Transcribe(language="en"),
        ).words
        for sound in (speech, bed)
    )
    source = Segment("s0001", 0.0, seconds, "", "".join(word.text for word in said), said)
    return max((len(leak.words.split()) for leak in leaked_words([source], heard)), default=0)


def shown(row: Row) -> str:
    """Return a row of the table."""
    meter = ["-" if level is None else f"{level:.1f}" for level in (row.meter_voice, row.meter_music)]
    cells = (
        row.name,
        f"{row.over_db:+.0f} dB",
        f"{row.speech_left:.1f}",
        f"{row.music_level:+.1f}",
        *meter,
        str(row.words),
        f"{row.cost:.2f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
