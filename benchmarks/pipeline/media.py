"""Recognition against the recogniser's own pipeline, and stitching against copying the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.pipeline.measure import Comparison, Contender, Cost, Figure, interleaved, single
from dubkit.cores import torch_threads_kept
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE = "3eeab2aba79029917ab2cfbe40de85d54f67e570636cdbed7bcb7646316afc01"
SAMPLE_SAYS = "Good morning, my name is Jordi Mas. I am from Barcelona and I love the city."
"""What is said in the sample clip, for its word error."""

PAUSE_SECONDS = 1.0
"""Silence between clips that are joined into one longer sound."""

KINDS = ("a_talk", "b_dialog", "c_asr")
"""Kinds of clips in a manifest whose sound is as it was recorded."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Mono sound at 16 kHz with speech. `text` is what is said in it, empty when nobody wrote it down."""

    name: str
    sound: NDArray[np.float32]
    language: str
    text: str


def spoken(clip: Path, language: str, reference: str = "") -> Spoken:
    """Read the sound of a clip; the sample's words are known by its content."""
    if not reference and hashlib.sha256(clip.read_bytes()).hexdigest() == SAMPLE:
        reference = SAMPLE_SAYS
    return Spoken("the clip", _sound(clip), language, reference)


def joined(media: Path, language: str) -> Spoken:
    """Join every clip of one language whose words are in `manifest.json` of a folder, in its order.

    Playing one clip many times would not do: a recogniser that guards against loops takes it for one.
    """
    import numpy as np

    table = json.loads((media / "manifest.json").read_text("utf-8"))
    entries = [
        entry
        for entry in table["entries"]
        if entry.get("transcript_ref") and entry.get("language") == language and entry.get("kind") in KINDS
    ]
    if not entries:
        raise SystemExit(f"{media}/manifest.json names no clip in {language!r} with its words.")
    pause = np.zeros(round(PAUSE_SECONDS * ASR_RATE), dtype=np.float32)
    pieces = [piece for entry in entries for piece in (_sound(media / entry["path"]), pause)]
    text = " ".join(str(entry["transcript_ref"]) for entry in entries)
    return Spoken(f"{len(entries)} clips", np.concatenate(pieces), language, text)


def seconds_of(clip: Path) -> float:
    """Return the length of a clip."""
    from dubkit.media.files.probe import probe

    return float(probe(clip).duration)


def looped(clip: Path, loops: int, out: Path) -> Path:
    """Play a clip several times in a row, picture and sound copied packet for packet."""
    from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command

    exe, version = ffmpeg_exe()
    start = [exe, "-nostdin", "-loglevel", "error", "-y", "-stream_loop", str(loops - 1)]
    run_command(
        [*start, "-i", str(clip), "-map", "0:v", "-map", "0:a", "-c", "copy", str(out)],
        place=out,
        timeout=600,
        version=version,
    )
    return out


Recognise = Callable[["NDArray[np.float32]", str], str]
"""Takes mono sound at 16 kHz and a language, empty to find it out; returns the text."""


# --- recognition ------------------------------------------------------------------------------


def measure_recognition(clips: Sequence[Spoken], model: Path, rounds: int) -> list[Figure]:
    """Compare speech gate and `Recogniser` with a direct call of faster-whisper, model and settings equal."""
    from faster_whisper import (  # type: ignore[import-untyped]
        BatchedInferencePipeline,
        WhisperModel,
    )

    from dubkit.speech.asr import WhisperRecogniser
    from dubkit.speech.settings import Transcribe
    from dubkit.speech.vad import speech_spans

    recogniser = WhisperRecogniser(model)
    threads = min(4, os.cpu_count() or 1)  # as `Recogniser` takes them
    with torch_threads_kept():
        bare = BatchedInferencePipeline(
            WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=threads)
        )
    settings = Transcribe()

    def ours(sound: NDArray[np.float32], language: str) -> str:
        chosen = replace(settings, language=language)
        return "".join(w.text for w in recogniser.recognise(sound, speech_spans(sound), chosen).words)

    def direct(sound: NDArray[np.float32], language: str) -> str:
        segments, _ = bare.transcribe(
            sound,
            language=language or None,
            beam_size=settings.beam,
            batch_size=settings.batch_size,
            temperature=0.0,
            word_timestamps=True,
            vad_filter=True,
        )
        return " ".join(segment.text for segment in segments)

    recognisers = {"dubkit": ours, "faster-whisper": direct}
    return [
        figure
        for clip in clips
        for known in (True, False)
        for figure in _compared(clip, known, recognisers, rounds)
    ]


def _compared(clip: Spoken, known: bool, recognisers: Mapping[str, Recognise], rounds: int) -> list[Figure]:
    texts: dict[str, str] = {}
    seconds = len(clip.sound) / ASR_RATE

    def work(name: str) -> None:
        texts[name] = recognisers[name](clip.sound, clip.language if known else "")

    costs = interleaved({name: Contender(partial(work, name)) for name in recognisers}, rounds)
    how = "language given" if known else "language detected"
    compared = Comparison(f"recognition, {clip.name}, {seconds:.0f} s, {how}", costs)
    figures: list[Figure] = []
    for name in recognisers:
        figures += compared.each(name, name, seconds, "ms per s of sound")
    figures += compared.ratio("dubkit to faster-whisper", "dubkit", "faster-whisper")
    if clip.text:
        figures += [_error(compared.part, name, texts[name], clip) for name in recognisers]
    return figures


def _error(part: str, name: str, text: str, clip: Spoken) -> Figure:
    from dubkit.qc.text import word_error

    return single(part, f"{name}, word error", "%", 100 * word_error(clip.text, text, clip.language))


def _sound(clip: Path) -> NDArray[np.float32]:
    import av
    import numpy as np

    resampler = av.AudioResampler(format="flt", layout="mono", rate=ASR_RATE)
    with av.open(str(clip)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


# --- stitching --------------------------------------------------------------------------------


def measure_stitch(clip: Path, folder: Path, rounds: int) -> list[Figure]:
    """Compare stitching, which encodes the dubbed track, with copying and remuxing what it delivers."""
    from dubkit.media.delivery.stitch import StitchInputs, container_for, stitch
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe

    episode = probe(clip)
    dub = folder / "dub.wav"
    decode_audio(clip, episode, dub, folder / "speech16k.wav")
    subtitles = _subtitles(folder, float(episode.duration))
    inputs = StitchInputs(clip, episode, dub, "pt-BR", "en", subtitles)
    container = container_for(episode)
    delivered, copy = folder / f"delivered.{container}", folder / f"copy.{container}"
    stitch(inputs, delivered, container)

    def stitched() -> None:
        stitch(inputs, copy, container)
        _sync(copy)

    def copied() -> None:
        shutil.copyfile(delivered, copy)
        _sync(copy)

    def remuxed() -> None:
        _remux(delivered, copy)
        _sync(copy)

    def encoded() -> None:
        _encode(dub, folder / "dub.m4a")

    contenders = {"stitch": stitched, "copy": copied, "remux": remuxed, "encode": encoded}
    costs = interleaved({name: Contender(work) for name, work in contenders.items()}, rounds)
    size = delivered.stat().st_size / 1e6
    compared = Comparison(f"stitch, {float(episode.duration):.0f} s, {size:.0f} MB", costs)
    figures: list[Figure] = []
    for name, key in (
        ("stitch", "stitch"),
        ("bare file copy", "copy"),
        ("bare remux (PyAV)", "remux"),
        ("encoding the dubbed track alone (PyAV)", "encode"),
    ):
        figures += compared.each(name, key, unit="ms")
    figures += compared.ratio("stitch to file copy", "stitch", "copy")
    figures += compared.ratio("stitch to remux", "stitch", "remux")
    both = Comparison(compared.part, dict(costs) | {"both": _together(costs["remux"], costs["encode"])})
    return figures + both.ratio("stitch to remux and encoding", "stitch", "both")


def _together(first: list[Cost], second: list[Cost]) -> list[Cost]:
    return [Cost(a.wall + b.wall, a.cpu + b.cpu) for a, b in zip(first, second, strict=True)]


def _subtitles(folder: Path, seconds: float) -> tuple[tuple[str, Path], ...]:
    from dubkit.formats.content import Cue
    from dubkit.formats.srt import write_srt

    tracks = []
    for language in ("pt-BR", "en"):
        cues = [Cue(float(n), n + 0.9, f"{language} {n}", "spk1") for n in range(int(seconds))]
        file = folder / f"{language}.srt"
        file.write_bytes(write_srt(cues))
        tracks.append((language, file))
    return tuple(tracks)


def _remux(source: Path, out: Path) -> None:
    import av

    with av.open(str(source)) as given, av.open(str(out), "w") as made:
        streams = {s.index: made.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)


def _encode(wav: Path, out: Path) -> None:
    """Encode as stitch does: AAC, 96 kbit/s per channel."""
    import av

    from dubkit.media.files.container import LAYOUTS

    with av.open(str(wav)) as given, av.open(str(out), "w") as made:
        source = given.streams.audio[0]
        layout = LAYOUTS[source.channels]  # a WAV header may hold only a count, which the encoder refuses
        encoder: Any = made.add_stream("aac", rate=source.rate, layout=layout)
        encoder.bit_rate = 96_000 * encoder.channels
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=source.rate)
        for frame in given.decode(source):
            for planar in resampler.resample(frame):
                made.mux(encoder.encode(planar))
        made.mux(encoder.encode(None))


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
