"""How long fifty lines take with a speech service: `python -m benchmarks.speech_service`."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from dubkit.voice.engine import VoiceOpening
from dubkit.voice.engines.openai_speech import ENGINE
from dubkit.voice.engines.speech_service.settings import SpeechServiceSettings
from tests.support.speech_server import SpeechServer

LINES = 50


def seconds(parallel: int) -> float:
    """Return how long the lines take with so many requests at once."""
    with SpeechServer(script=["slow:0.5"]) as server:
        own = SpeechServiceSettings(base_url=server.url, dialect="openai", parallel=parallel)
        service = ENGINE.open(VoiceOpening(None, own))

        def speak(number: int) -> None:
            service.speak(f"This is line {number} of the film.", voice="", language="en", speed=1.0)

        began = time.monotonic()
        with ThreadPoolExecutor(parallel) as pool:
            list(pool.map(speak, range(LINES)))
        return time.monotonic() - began


def main() -> None:
    """Print a row for each number of requests at once."""
    for parallel in (1, 4, 8):
        print(f"{parallel} at once: {seconds(parallel):.1f} s")


if __name__ == "__main__":
    main()
