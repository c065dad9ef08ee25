"""Send every graph to a ComfyUI server: `python -m benchmarks.comfyui http://127.0.0.1:8188`.

Each preset and recipe gets a clip of 17 frames, with the voice made and with the voice given, and a line says
what came of it: made, taken (the server accepted the graph, and a node failed, as all do without weights), or
refused. Ends with 1 where anything is refused.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dubkit.engines.comfyui.clip import make
from dubkit.engines.comfyui.failures import JobFailed
from dubkit.engines.comfyui.presets import PRESETS
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.engines.engine import ClipOrder
from dubkit.errors import GeneratorError
from dubkit.host import ALONE
from dubkit.types import SAMPLE_RATE, Clip, Fit

FRAMES = 17
RATE = Fraction(24000, 1001)
RECIPES = ("lip-dub", "image")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one graph."""

    name: str
    verdict: str
    """`made`, `taken` or `refused`."""
    seconds: float
    said: str = ""


def order(settings: ComfySettings, *, given: bool, size: int) -> ClipOrder:
    """Return an order of a moving picture with a tone, on a square canvas of that size."""
    fit = Fit(size // 2, size // 2, 0, 0, size // 2, size // 2)
    count = round(FRAMES / RATE * SAMPLE_RATE)
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(count) / SAMPLE_RATE)
    sound = tone[None].astype(np.float32)

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for number in range(FRAMES):
            image = np.zeros((size, size, 3), np.uint8)
            image[:, : size * number // FRAMES] = 200
            yield image

    return ClipOrder(
        clip=Clip("c0001", "shot001", 0, FRAMES, FRAMES, 0, FRAMES, ("s0001",), "A person speaks.", fit),
        language="fr",
        texts=("Salut.",),
        rate=RATE,
        seed=42,
        width=size,
        height=size,
        pictures=pictures,
        sound=sound,
        given=sound if given else None,
        settings=settings,
        host=ALONE,
    )


def send_all(settings: dict[str, Any], size: int) -> Iterator[Sent]:
    """Send every graph; yield what came of each."""
    for recipe in RECIPES:
        for preset in PRESETS:
            for given in (False, True):
                own = ComfySettings(**{**settings, "preset": preset, "recipe": recipe})
                name = f"{recipe}, {preset}, voice {'given' if given else 'made'}"
                yield _send(name, order(own, given=given, size=size))


def _send(name: str, asked: ClipOrder) -> Sent:
    began = time.monotonic()
    verdict, said = "made", ""
    try:
        made = make(asked)
        said = (
            f"{sum(1 for _ in made.pictures)} frames, {made.sound.shape[1] / made.sound_rate:.2f} s of sound"
        )
    except JobFailed as error:
        verdict, said = "taken", str(error).splitlines()[0]
    except GeneratorError as error:
        verdict, said = "refused", " ".join(str(error).split())
    return Sent(name, verdict, time.monotonic() - began, said)


def main(arguments: list[str] | None = None) -> int:
    """Send, print; 1 where anything is refused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comfyui", description=__doc__)
    parser.add_argument("address", metavar="ADDRESS")
    parser.add_argument("--size", type=int, default=256, help="Pixels of a side, a multiple of 64 (256).")
    parser.add_argument("--time-limit", type=float, default=3600.0, help="Seconds for one clip (3600).")
    chosen = parser.parse_args(arguments)
    refused = 0
    for sent in send_all({"address": chosen.address, "time_limit": chosen.time_limit}, chosen.size):
        sys.stdout.write(f"{sent.verdict:<8} {sent.seconds:7.1f} s  {sent.name}: {sent.said}\n")
        sys.stdout.flush()
        refused += sent.verdict == "refused"
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
