"""What a planned run needs besides time: disk, and tokens where a language model translates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.chain.plan import StagePlan
from dubkit.episode.context import Context

SAMPLE_BYTES = 3
SPEECH_BYTES = 2
LOSSLESS_BYTES = 6
"""Of a lossless take, for each pixel of the first stage: four of the second, at about 1.5 bytes."""
DUB_SOUND_BYTES = 40_000
"""Bytes per second of the sound tracks that a dub adds to the copied picture."""
REQUEST_TOKENS = 350
"""Tokens of the instructions in every request."""
CHARACTERS_PER_TOKEN = (5.0, 2.5)
"""English is near the first; other scripts are near the second."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes that will be written, and the least and most tokens that will be sent and received."""

    disk: int
    tokens: tuple[int, int] = (0, 0)
    clips: int = 0
    """Clips to generate, their frames, and the operations that the transformer takes for them."""
    frames: int = 0
    tflop: float = 0.0


def estimate(context: Context, plans: Sequence[StagePlan]) -> Estimate | None:
    """Estimate a plan; None while the source is not probed."""
    if not context.store.has("episode.json"):
        return None
    due = [planned for planned in plans if planned.reasons or planned.waits_for]
    disk = sum(_disk(context, planned) for planned in due)
    tokens = [
        _tokens(context.fresh(planned.language), planned) for planned in due if planned.stage == "translate"
    ]
    clips, frames, tflop = _generated(context, due)
    return Estimate(
        disk, (sum(low for low, _ in tokens), sum(high for _, high in tokens)), clips, frames, tflop
    )


def _generated(context: Context, due: Sequence[StagePlan]) -> tuple[int, int, float]:
    """Count clips, frames and TFLOP of what is to be generated, as far as clips are planned."""
    from stages.shared.generator import operations

    clips, frames, tflop = 0, 0, 0.0
    for planned in due:
        here = context.fresh(planned.language)
        if planned.stage not in ("denoise", "refine") or not here.store.has("clips.json", here.language):
            continue
        found = [c for c in here.clips.clips if c.id in planned.reasons or not planned.reasons]
        if planned.stage == "denoise":
            clips, frames = clips + len(found), frames + sum(c.frames for c in found)
        tflop += operations(here, found, "first" if planned.stage == "denoise" else "second")
    return clips, frames, round(tflop, 1)


def _disk(context: Context, planned: StagePlan) -> int:
    episode = context.episode
    sound = episode.samples * SAMPLE_BYTES
    if planned.stage == "extract":
        return sound * episode.channels + episode.samples // 3 * SPEECH_BYTES
    if planned.stage == "mix":
        return sound * episode.channels
    if planned.stage == "speak":
        share = len(planned.reasons) / planned.total if planned.total else 1.0
        return int(sound * share)
    if planned.stage == "decode" and context.store.has("clips.json", planned.language):
        return sum(
            LOSSLESS_BYTES * c.frames * c.fit.width * c.fit.height
            for c in context.fresh(planned.language).clips.clips
        )
    if planned.stage == "stitch":
        return context.source.stat().st_size + int(episode.duration * DUB_SOUND_BYTES)
    return 0


def _tokens(context: Context, planned: StagePlan) -> tuple[int, int]:
    """Count what an endpoint or a local model reads and writes; the packaged network counts none."""
    wanted = context.settings.translate
    if not (wanted.base_url or wanted.api_key or wanted.gguf) or wanted.provider in ("nmt", "none"):
        return 0, 0
    if not context.store.has("transcript.json"):
        return 0, 0
    texts = [s.text for s in context.segments if s.id in planned.reasons or not planned.reasons]
    requests = -(-len(texts) // wanted.batch_size)
    characters = sum(len(text) for text in texts)
    low, high = (int(characters / rate) * 2 + requests * REQUEST_TOKENS for rate in CHARACTERS_PER_TOKEN)
    return low, high
