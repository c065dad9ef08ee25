"""A long episode of short lines, dubbed by the real chain from files of its own: for what grows with length.

Recognising and translating a thousand lines takes long and shows nothing here, so turns, transcript and
translation come from files (`--use`); everything else is done as ever, with the quickest voice.
"""

from __future__ import annotations

import argparse
import resource
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from dubkit.chain.chain import Request
from dubkit.chain.run import Outcome
from dubkit.config import Settings, with_settings
from dubkit.progress import Progress, Silent, Speeds
from dubkit.studio import Session, dub, open_models

EVERY = 1.4
"""Seconds from one line to the next, and how long each lasts."""
LASTS = 1.1
RATE = 5
"""Frames per second of the picture."""
SHOT = 20
"""Lines in a shot."""
SAID = ("Good morning to you", "I do not know why", "That was a long time ago", "Please come with me")
DUBBED = ("Bom dia para você", "Eu não sei por quê", "Isso foi há muito tempo", "Por favor, venha comigo")


def make_long_episode(folder: Path, lines: int, progress: Progress | None = None) -> tuple[Path, Outcome]:
    """Write a source with that many lines into `folder` and dub it into `folder/Output`."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "long.mp4"
    write_source(source, lines)
    uses = {
        "diarize": _write(folder / "turns.rttm", _turns(lines)),
        "transcribe": _write(folder / "said.srt", _subtitles(lines, SAID)),
        "translate": _write(folder / "dubbed.srt", _subtitles(lines, DUBBED)),
    }
    settings = with_settings(
        Settings(),
        {"speak.provider": "espeak", "qc.round_trip": False, "transcribe.language": "en", "engine": "voice"},
    )
    session = Session(settings, folder / "Output", open_models(settings), Speeds())
    request = Request(("pt-BR",), uses=dict(uses))
    return source, dub(session, source, request, progress or Silent())


def write_source(path: Path, lines: int) -> None:
    """Write a picture that changes with every shot, and a tone wherever somebody speaks."""
    import av

    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "g": "10"})
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        sound = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(lines):
            _picture(container, picture, number)
            _sound(container, sound, number)
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))


def _picture(container, stream, line: int) -> None:  # type: ignore[no-untyped-def]
    import av

    first, last = round(line * EVERY * RATE), round((line + 1) * EVERY * RATE)
    colour = np.random.default_rng(line // SHOT).integers(0, 255, 3, dtype=np.uint8)
    for frame in range(first, last):
        image = np.empty((90, 160, 3), np.uint8)
        image[:] = colour
        image[40:50, frame % 150 : frame % 150 + 10] = 255 - colour
        shown = av.VideoFrame.from_ndarray(image, "rgb24")
        shown.pts, shown.time_base = frame, Fraction(1, RATE)
        container.mux(stream.encode(shown))


def _sound(container, stream, line: int) -> None:  # type: ignore[no-untyped-def]
    import av

    first, last = round(line * EVERY * 16_000), round((line + 1) * EVERY * 16_000)
    at = np.arange(last - first) / 16_000
    tone = 0.2 * np.sin(2 * np.pi * (150 + 20 * (line % 5)) * at) * (at < LASTS)
    shown = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], "fltp", "mono")
    shown.sample_rate, shown.pts = 16_000, first
    container.mux(stream.encode(shown))


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _turns(lines: int) -> str:
    return "".join(
        f"SPEAKER long 1 {n * EVERY:.3f} {LASTS:.3f} <NA> <NA> spk{n % 3 + 1} <NA> <NA>\n"
        for n in range(lines)
    )


def _subtitles(lines: int, texts: tuple[str, ...]) -> str:
    return "\n".join(
        f"{n + 1}\n{_stamp(n * EVERY)} --> {_stamp(n * EVERY + LASTS)}\n{texts[n % len(texts)]} {n + 1}.\n"
        for n in range(lines)
    )


def _stamp(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    return (
        f"{thousandths // 3_600_000:02d}:{thousandths // 60_000 % 60:02d}:"
        f"{thousandths // 1000 % 60:02d},{thousandths % 1000:03d}"
    )


def peak_bytes() -> int:
    """Return the most memory that this process held so far, libraries included."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main(arguments: list[str] | None = None) -> int:
    """Make an episode to look at."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_episode", description=__doc__)
    parser.add_argument("folder", type=Path, help="Folder for the source and its Output.")
    parser.add_argument("--lines", type=int, default=1000, metavar="N", help="Lines of the episode (1000).")
    chosen = parser.parse_args(arguments)
    source, outcome = make_long_episode(chosen.folder, chosen.lines)
    sys.stdout.write(f"{source}: {outcome.ran}\n{outcome.store.root}\n")
    sys.stdout.write(f"peak memory of this process: {peak_bytes() / 1e9:.2f} GB\n")
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
