"""Finding shots against decoding the picture and doing nothing with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.pipeline.measure import Comparison, Contender, Figure, interleaved


def measure(clips: Sequence[Path], rounds: int) -> list[Figure]:
    """Compare finding the shots of each clip with a bare decode by the same threads."""
    from dubkit.media.files.probe import probe
    from dubkit.media.picture.settings import ShotDetection
    from dubkit.media.picture.shots import find_shots

    figures: list[Figure] = []
    for clip in clips:
        episode = probe(clip)
        if episode.video is None:
            raise SystemExit(f"{clip} has no picture.")
        contenders = {
            "shots": Contender(partial(find_shots, clip, episode, ShotDetection())),
            "decode": Contender(partial(_decode, clip, episode.video.index)),
        }
        video = episode.video
        compared = Comparison(
            f"shots, {video.width}x{video.height}, {video.frames} frames", interleaved(contenders, rounds)
        )
        figures += compared.each("finding shots", "shots", video.frames, "ms per frame")
        figures += compared.each("bare decode (PyAV)", "decode", video.frames, "ms per frame")
        figures += compared.ratio("shots to bare decode", "shots", "decode")
    return figures


def _decode(clip: Path, index: int) -> None:
    import av

    with av.open(str(clip)) as container:
        stream: Any = container.streams[index]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass
