"""The speech gate: where somebody speaks, so that nothing is ever transcribed where nobody does.

Shapes: audio (S,) mono float at 16 kHz; probabilities (F,), one per frame of 512 samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.types import ASR_RATE
from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME = 512
"""Samples per decision of the silero network (32 ms); it knows no other size at 16 kHz."""

BLOCK_SECONDS = 600
LEAD_FRAMES = 64
"""Frames run before each block (2 s), so that the recurrent state is warm where the block starts."""

GATE = ModelSpec(
    role="vad",
    name="silero-vad-v6",
    licence="MIT",
    licence_url="https://github.com/snakers4/silero-vad/blob/master/LICENSE",
    about="Silero speech gate, part of faster-whisper",
    does="speech gate",
    without="Speech is not gated, so text may be invented on silence and music.",
    default=True,
    files=(
        ModelFile(
            "silero_vad_v6.onnx",
            1_245_151,
            "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
        ),
    ),
    main="silero_vad_v6.onnx",
    required=("silero_vad_v6.onnx",),
    in_package=InPackage("faster-whisper==1.2.1", "faster_whisper", "assets"),
    needs=("onnxruntime",),
    runtime_pip="onnxruntime",
)

SPEECH_LEVEL = 0.1
MAX_GAIN = 30.0


@dataclass(frozen=True, slots=True)
class VadSettings:
    """How sure the gate must be, and how spans are joined. Times are seconds."""

    threshold: float = 0.45
    """Probability that opens a span; it closes 0.15 lower, so that a soft syllable does not end it."""
    min_speech: float = 0.12
    min_silence: float = 0.3
    pad: float = 0.1
    """Added on both sides of a span: consonants at its edges are quieter than the network hears."""
    floor_db: float = -60.0
    """A span whose loudest frame is below this level (dBFS) is never speech."""

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold < 1.0:
            raise ValueError(f"threshold = {self.threshold}: must lie between 0 and 1")
        for name in ("min_speech", "min_silence", "pad"):
            value = getattr(self, name)
            if value < 0:
                raise ValueError(f"{name} = {value}: must be 0 or more seconds")


def speech_spans(
    audio: NDArray[np.float32], settings: VadSettings | None = None
) -> list[tuple[float, float]]:
    """Return the spans with speech as (start, end) in seconds, in order, not overlapping.

    Silence, tones and music without a voice give an empty list.
    """
    settings = settings or VadSettings()
    signal = as_signal(audio)
    levels = frame_levels(signal)
    floor = 10.0 ** (settings.floor_db / 20.0)
    if levels.size == 0 or float(levels.max()) < floor:
        return []
    probabilities = speech_probabilities(signal * listening_gain(levels, floor))
    frames = _open_spans(probabilities, settings)
    loud = [(a, b) for a, b in frames if float(levels[a:b].max()) >= floor]
    return _padded(loud, len(signal) / ASR_RATE, settings.pad)


def as_signal(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sound as a flat float32 array with damaged samples (NaN, infinity) silenced."""
    import numpy as np

    if audio.ndim != 1:
        raise ValueError(f"speech modules read mono sound of shape (S,), not {audio.shape}")
    flat = np.asarray(audio, dtype=np.float32)
    return flat if np.isfinite(flat).all() else np.nan_to_num(flat, nan=0.0, posinf=0.0, neginf=0.0)


def frame_levels(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root mean square of each frame of 512 samples; the last frame may be short."""
    import numpy as np

    padded = np.pad(signal, (0, -len(signal) % FRAME)).reshape(-1, FRAME)
    return np.asarray(np.sqrt(np.mean(padded * padded, axis=1)), dtype=np.float32)


def listening_gain(levels: NDArray[np.float32], floor: float) -> float:
    """Return the gain that lifts quiet recordings to the level the network was trained on.

    Far microphones at -40 dBFS lose every short answer without it. It never attenuates, and is
    bounded so that the hiss of an empty room does not become a signal.
    """
    import numpy as np

    sounding = levels[levels >= floor]
    if sounding.size == 0:
        return 1.0
    return float(np.clip(SPEECH_LEVEL / float(np.percentile(sounding, 95)), 1.0, MAX_GAIN))


def speech_probabilities(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probability of speech of every frame, in blocks so that hours fit into memory."""
    import numpy as np
    from faster_whisper.vad import get_vad_model  # type: ignore[import-untyped]

    model = get_vad_model()
    padded = np.pad(signal, (0, -len(signal) % FRAME))
    total = len(padded) // FRAME
    block = BLOCK_SECONDS * ASR_RATE // FRAME
    parts: list[NDArray[np.float32]] = []
    for first in range(0, total, block):
        lead = min(first, LEAD_FRAMES)
        stop = min(first + block, total)
        # One empty frame more: the network wipes the end of the last frame it is given.
        piece = np.concatenate(
            [padded[(first - lead) * FRAME : stop * FRAME], np.zeros(FRAME, dtype=np.float32)]
        )
        parts.append(np.ravel(model(piece))[lead:-1])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _open_spans(probabilities: NDArray[np.float32], settings: VadSettings) -> list[tuple[int, int]]:
    """Return spans (first frame, one past the last) by hysteresis; short gaps are bridged."""
    closes_below = max(settings.threshold - 0.15, 0.01)
    patience = settings.min_silence * ASR_RATE / FRAME
    shortest = settings.min_speech * ASR_RATE / FRAME
    spans: list[tuple[int, int]] = []
    start = quiet_from = -1
    for frame, probability in enumerate(probabilities.tolist()):
        if probability >= settings.threshold:
            start = frame if start < 0 else start
            quiet_from = -1
        elif probability < closes_below and start >= 0:
            quiet_from = frame if quiet_from < 0 else quiet_from
            if frame + 1 - quiet_from >= patience:
                spans.append((start, quiet_from))
                start = quiet_from = -1
    if start >= 0:
        spans.append((start, quiet_from if quiet_from >= 0 else len(probabilities)))
    return [(a, b) for a, b in spans if b - a >= shortest]


def _padded(frames: list[tuple[int, int]], duration: float, pad: float) -> list[tuple[float, float]]:
    """Return spans in seconds, widened by `pad` but never past the middle of the gap to the next."""
    edges = [(a * FRAME / ASR_RATE, min(b * FRAME / ASR_RATE, duration)) for a, b in frames]
    spans: list[tuple[float, float]] = []
    for index, (start, end) in enumerate(edges):
        before = (edges[index - 1][1] + start) / 2 if index else 0.0
        after = (end + edges[index + 1][0]) / 2 if index + 1 < len(edges) else duration
        spans.append((max(start - pad, before), min(end + pad, after)))
    return spans
