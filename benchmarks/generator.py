"""What the generator's stages cost besides the network: `python -m benchmarks.generator CLIP`.

An episode is dubbed with tiny random weights and short clips. The time inside the network, for opening and
freeing its parts, for reading the source and writing frames is taken out of each stage's own; what is left,
for each clip, is the chain's: keys, records, files that are synced, tensors read and written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.pipeline.command import machine, report
from benchmarks.pipeline.measure import Figure, single

STAGES = ("embed", "encode", "denoise", "refine", "decode")
WORK = (
    "dubkit.dubbing.clip.encode.encode_prompt",
    "dubkit.dubbing.clip.encode.encode_clip",
    "dubkit.dubbing.diffusion.generate.first_stage",
    "dubkit.dubbing.diffusion.generate.second_stage",
    "dubkit.dubbing.diffusion.generate.upsample",
    "dubkit.dubbing.clip.decode.decode_clip",
    "dubkit.media.picture.window.read_window",
    "dubkit.media.picture.frames.frame_times",
    "dubkit.media.sound.audio.read_span",
    "dubkit.media.picture.lossless.write_frames",
)
"""Functions whose time is not the chain's: the network, and the source read and frames written."""
OPENERS = (
    "dubkit.ltx.text.TextEncoder.open",
    "dubkit.ltx.components.open_video_encoder",
    "dubkit.ltx.components.open_audio_encoder",
    "dubkit.ltx.components.open_video_decoder",
    "dubkit.ltx.components.open_audio_decoder",
    "dubkit.ltx.components.open_vocoder",
    "dubkit.ltx.components.open_upsampler",
    "dubkit.ltx.components.open_statistics",
    "dubkit.dubbing.diffusion.parts.GeneratorParts.transformer",
    "dubkit.dubbing.diffusion.parts.Checkpoint",
    "gc.collect",
)
"""What opens parts, and frees them again."""


class Clock:
    """Adds up the time inside wrapped calls; a call within a call counts once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            self._depth += 1
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began

        return timed


@contextmanager
def timed(clock: Clock) -> Iterator[None]:
    """Wrap everything whose time is not the chain's."""
    import importlib

    with ExitStack() as stack:
        for name in (*WORK, *OPENERS):
            owner, _, attribute = name.rpartition(".")
            try:
                place: Any = importlib.import_module(owner)
            except ModuleNotFoundError:
                module, _, kind = owner.rpartition(".")
                place = getattr(importlib.import_module(module), kind)
            found = place.__dict__[attribute]
            inner = found.__func__ if isinstance(found, classmethod) else found
            wrapped: Any = clock.wrap(inner)
            if isinstance(found, type):  # a class stays one, so that annotations and checks still hold
                wrapped = type(found.__name__, (found,), {"__init__": clock.wrap(vars(found)["__init__"])})
            if isinstance(found, classmethod):
                wrapped = classmethod(wrapped)
            stack.enter_context(mock.patch.object(place, attribute, wrapped))
        yield


def measure(clip: Path, folder: Path, frames: int) -> list[Figure]:
    """Dub a clip stage by stage and return what the chain adds to each."""
    from dubkit.chain.chain import Request
    from dubkit.config import configure
    from dubkit.models.catalogue_generator import in_folder
    from dubkit.models.store import ModelStore
    from dubkit.models.tiny.files import make_tiny
    from dubkit.progress import Silent, Speeds
    from dubkit.studio import Session, dub

    weights = folder / "tiny"
    make_tiny(weights)
    flags = {
        "engine": "justdubit",
        "dub.size": 32,
        "dub.steps": 2,
        "dub.max_frames": frames,
        "diarize.speakers": 1,
    }
    settings = configure(flags, environment={}).settings
    session = Session(settings, folder / "Output", ModelStore(folder / "cache", in_folder(weights)), Speeds())
    clock, found = Clock(), []
    with timed(clock):
        for stage in ("prompt", *STAGES):
            before = clock.seconds
            outcome = dub(session, clip, Request(languages=("pt-BR",), until=stage), Silent())
            if outcome.errors:
                raise SystemExit(f"The dub failed: {outcome.errors}")
            inside = clock.seconds - before
            for result in outcome.stages:
                if result.stage == stage and result.ran and stage in STAGES:
                    beside = max(result.seconds - inside, 0.0) * 1000
                    found.append(single("besides the network", f"{stage}, items", "items", len(result.ran)))
                    found.append(
                        single("besides the network", f"{stage}, each item", "ms", beside / len(result.ran))
                    )
                    found.append(single("besides the network", f"{stage}, in all", "ms", beside))
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("clip", type=Path, metavar="CLIP", help="Clip with a person who speaks English.")
    parser.add_argument("--frames", type=int, default=25, help="Longest clip (25): short ones make many.")
    chosen = parser.parse_args(arguments)
    if not chosen.clip.is_file():
        parser.error(f"{chosen.clip}: no such file")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    chosen = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="generator-") as folder:
        found = measure(chosen.clip, Path(folder), chosen.frames)
    sys.stdout.write(f"{machine()}\n\n{report(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
