"""What a whole dub costs against one bare call of each model on the same material, and how often it speaks.

The bare calls: the recogniser on the source's sound and on the dub's, the diariser, the finder of faces, the
translator for each line, and the voice for each text that is in the dub, at its own pace.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.pipeline.measure import Contender, Cost, Figure, interleaved, single
from benchmarks.timing import make_dub

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.voice.engine import Synthesiser, VoiceEngine, VoiceOpening

LANGUAGE = "pt-BR"

LIBRARIES = (
    "av",
    "cv2",
    "faster_whisper",
    "misaki.espeak",
    "onnxruntime",
    "scipy.optimize",
    "scipy.signal",
    "torch",
)
"""Loaded before anything is measured: dub and bare calls need them alike."""


class Counted:
    """A voice that counts its calls and the seconds that it speaks."""

    def __init__(self, synthesiser: Synthesiser) -> None:
        self._synthesiser = synthesiser
        self.rate = synthesiser.rate
        self.calls = 0
        self.seconds = 0.0

    def speak(self, text: str, **how: Any) -> Any:
        """Speak, and count."""
        sound = self._synthesiser.speak(text, **how)
        self.calls += 1
        self.seconds += len(sound) / self.rate
        return sound


@contextmanager
def _counting() -> Iterator[list[Counted]]:
    """Count what every voice says that is opened inside."""
    from dubkit.voice import guard

    opened: list[Counted] = []
    plain = guard.open_engine

    def counted(engine: VoiceEngine, opening: VoiceOpening) -> Counted:
        opened.append(Counted(plain(engine, opening)))
        return opened[-1]

    guard.open_engine = counted
    try:
        yield opened
    finally:
        guard.open_engine = plain


def measure(clips: Sequence[Path], folder: Path) -> list[Figure]:
    """Dub each clip once, anew, then call each model on what that dub was made of."""
    logging.getLogger("dubkit").setLevel(logging.ERROR)
    for library in LIBRARIES:
        importlib.import_module(library)
    figures: list[Figure] = []
    whole, bare, lines, calls = 0.0, 0.0, 0, 0
    for clip in clips:
        found: list[Context] = []
        with _counting() as voices:
            cost = _once(partial(_dubbed, clip, folder, found))
        context = found[0]
        spoken = [line.id for _, line in context.lines if context.take_file(line.id) is not None]
        costs = {name: _once(call).cpu for name, call in _bare_calls(context).items()}
        part = f"speaking, {clip.name}, {context.episode.samples / 48_000:.0f} s, {len(spoken)} lines"
        said = sum(voice.calls for voice in voices)
        figures += [
            single(part, "calls of the voice per line", "calls", said / max(1, len(spoken))),
            single(part, "whole dub", "cpu s", cost.cpu),
            *(single(part, f"bare: {name}", "cpu s", seconds) for name, seconds in costs.items()),
            single(part, "whole dub to bare calls", "x", cost.cpu / sum(costs.values())),
        ]
        whole, bare = whole + cost.cpu, bare + sum(costs.values())
        lines, calls = lines + len(spoken), calls + said
    part = f"speaking, {len(clips)} clips, {lines} lines"
    return [
        *figures,
        single(part, "calls of the voice per line", "calls", calls / max(1, lines)),
        single(part, "whole dub to bare calls", "x", whole / bare),
    ]


def _dubbed(clip: Path, folder: Path, found: list[Context]) -> None:
    found.append(make_dub(clip, LANGUAGE, folder, {}))


def _once(work: Callable[[], object]) -> Cost:
    """Measure one call; nothing warms it up, as nothing warms up a dub."""
    return interleaved({"it": Contender(work)}, 1, warm=False)["it"][0]


def _bare_calls(context: Context) -> dict[str, Callable[[], object]]:
    """Return the call of each model that made a dub."""
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe
    from dubkit.media.picture.faces import find_faces
    from dubkit.media.sound.audio import read_mono16

    source = read_mono16(context.speech)
    delivered = next(context.store.root.glob(f"{LANGUAGE}/dub.*"))
    heard = context.store.root / "heard16k.wav"
    decode_audio(delivered, probe(delivered), context.store.root / "heard.wav", heard)
    dub = read_mono16(heard)
    return {
        "recogniser on the source": lambda: _recognised(context, source),
        "recogniser on the dub": lambda: _recognised(context, dub),
        "diariser": lambda: _diarised(context, source),
        "finder of faces": lambda: find_faces(context.source, context.episode, context.segments),
        "translator": lambda: _translated(context),
        "voice": lambda: _spoken(context),
    }


def _recognised(context: Context, sound: Any) -> None:
    from faster_whisper import BatchedInferencePipeline, WhisperModel  # type: ignore[import-untyped]

    from dubkit.cores import torch_threads_kept

    model, threads = context.models.fetch("asr").path, min(4, os.cpu_count() or 1)
    with torch_threads_kept():
        bare = BatchedInferencePipeline(
            WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=threads)
        )
    settings = context.settings.transcribe
    segments, _ = bare.transcribe(
        sound, beam_size=settings.beam, batch_size=settings.batch_size, temperature=0.0, word_timestamps=True
    )
    list(segments)


def _diarised(context: Context, sound: Any) -> None:
    from stages.diarize import diariser

    engine, task = diariser(context)
    engine.diarize(sound, task)


def _translated(context: Context) -> None:
    from dubkit.translate.lines import SourceLine
    from stages.shared.translators import translator_choice

    choice = translator_choice(context)
    lines = [SourceLine(s.id, s.text, s.speaker, (), ()) for s in context.segments]
    choice.engine.open(choice.task).translate(lines, lambda batch: None)


def _spoken(context: Context) -> None:
    from dubkit.voice.text.spoken import spoken_text
    from stages.shared.voices import choose_voice, open_voice, voice_of

    voice = open_voice(context, choose_voice(context).engine)
    for segment, line in context.lines:
        if context.take_file(line.id) is not None:
            text = spoken_text(line.text, LANGUAGE)
            voice.speak(text, voice=voice_of(context, segment), language=LANGUAGE, speed=1.0)
