"""Write a mix in its parts: the dub's voices, all dialogue, and music and effects.

Dialogue and music-and-effects add up to the mix: the gain of every limiter is on both. Without a track that
holds the source's music and effects alone, a kept line's own sound is dialogue as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.media.sound.audio import create_like, open_wav, read_open, to_pcm
from dubkit.media.sound.lift import lift
from dubkit.media.sound.master import Master
from dubkit.media.sound.scene import Scene
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

SPEECH_STEM, DIALOGUE_STEM, EFFECTS_STEM = STEM_FILES = ("dub.wav", "dialogue.wav", "me.wav")
"""The dub's voices alone; those and the kept lines of the source; music and effects."""

_FADE = SAMPLE_RATE // 50
_PIECE = loudness.PIECE_SECONDS * SAMPLE_RATE


def write_stems(
    scene: Scene,
    gains: Mapping[str, float],
    out: Mapping[str, Path],
    *,
    kept: Sequence[loudness.Span] = (),
    mixed: Path | None = None,
    master: Master | None = None,
) -> None:
    """Write the stems of a mix, each of `STEM_FILES` at its path in `out`.

    They are 48 kHz, 24-bit PCM, with the channels and the length of the source.
    `kept` are the source lines that are heard in the dub. `mixed` is the mix before `master` levels it;
    both are None for a mix that is delivered as it is.
    """
    spans = loudness.merge_spans(kept)
    with ExitStack() as stack:
        files = [stack.enter_context(create_like(scene.source, out[name])) for name in STEM_FILES]
        whole = stack.enter_context(open_wav(mixed)) if mixed else None
        for start, end in loudness.pieces((0, scene.samples), _PIECE):
            under, voices = scene.parts(gains, start, end)
            own = _kept_share(scene, spans, start, end)[:, None] * (under - scene.bed(start, end))
            parts: tuple[Samples, ...] = (voices, voices + own, under - own)
            if whole is not None and master is not None:
                level = master.gains(partial(read_open, whole), start, end)[:, None]
                parts = tuple(part * level for part in parts)
            for file, sound in zip(files, parts, strict=True):
                file.write(to_pcm(sound))


def _kept_share(scene: Scene, kept: Sequence[loudness.Span], start: int, end: int) -> NDArray[np.float64]:
    """How far the source's sound is dialogue, `(n,)`: 1 in what is kept, 0 where the dub replaces it."""
    import numpy as np

    share = np.zeros(end - start)
    for first, last in kept:
        a, b = max(start, first - _FADE), min(end, last + _FADE)
        if a < b:
            at = np.arange(a, b)
            ramp = np.minimum(at - (first - _FADE), last + _FADE - at) / _FADE
            share[a - start : b - start] = np.maximum(share[a - start : b - start], np.clip(ramp, 0.0, 1.0))
    share *= 1.0 - scene.wet(start, end)
    return np.maximum(share, lift(scene.lifts, start, end)) if scene.lifts else share
