"""One clip by a program: its files written, the program run, what it wrote read back."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from dubkit.engines.command.program import Call, last_words, run_program
from dubkit.engines.engine import ClipMade, ClipOrder
from dubkit.engines.exchange import Part, read_clip, write_clip, write_sound
from dubkit.errors import GeneratorError


@dataclass(frozen=True, slots=True)
class Work:
    """How a program is run for a clip."""

    engine: str
    words: tuple[str, ...]
    """Command line with places."""
    setting: str
    """Table of its settings, for messages."""
    seconds: float
    folder: Path | None = None
    """Where it runs; None: in an empty folder of the clip's own."""
    alone: bool = False
    """Whether only one may run in that folder at a time, because it writes files of fixed names there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    container: str = "mp4"
    rate: Fraction | None = None
    """Frames per second of the film that it reads; None: those of the order."""
    files: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda places: {}
    """The values of all places -> further files by name, and their texts."""
    results: Sequence[tuple[str, Part]] = ()
    """Where a program names its films itself: patterns in `{folder}`, and what of the picture counts."""


def make_with(work: Work, order: ClipOrder) -> ClipMade:
    """Make a clip with a program. Raises GeneratorError where it fails or its film cannot be used."""
    with tempfile.TemporaryDirectory(prefix="dubkit-clip-") as name:
        root = Path(name)
        places = _write(work, order, root)
        for file, text in work.files(places).items():
            (root / file).write_text(text, "utf-8")
        words = tuple(word.format_map(places) for word in work.words)
        folder = work.folder or root / "work"
        call = Call(work.engine, words, folder, work.environment, work.seconds, f"{work.setting}.timeout")
        log = root / "said.txt"
        with _turn(folder) if work.alone else nullcontext():
            run_program(call, order.clip.id, log)
        found, part = _result(work, places)
        if found is None:
            raise GeneratorError(
                f"{work.engine}: {words[0]} ended well but wrote no film for clip {order.clip.id}."
                f"{last_words(log)}\nCheck its options in {work.setting}."
            )
        return read_clip(found, order, work.engine, part=part)


def _turn(folder: Path) -> AbstractContextManager[object]:
    """Return what holds a folder for one program of this machine at a time."""
    from filelock import FileLock

    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"dubkit-program-{name}.lock")


def _write(work: Work, order: ClipOrder, root: Path) -> dict[str, str]:
    """Write the files of an order; return the value of every place."""
    for folder in ("made", "work", "work/temp"):  # Wav2Lip writes into a `temp` that must be there
        (root / folder).mkdir()
    clip, sound = root / f"clip.{work.container}", root / "sound.wav"
    write_clip(order, clip, rate=work.rate)
    write_sound(order, sound)
    (root / "text.txt").write_text("".join(f"{text}\n" for text in order.texts), "utf-8")
    (root / "prompt.txt").write_text(f"{order.clip.prompt}\n", "utf-8")
    seconds = order.clip.frames / order.rate
    rate = work.rate or order.rate
    return {
        "clip": str(clip),
        "sound": str(sound),
        "out": str(root / "made.mp4"),
        "folder": str(root / "made"),
        "width": str(order.width),
        "height": str(order.height),
        "rate": str(rate),
        "frames": str(round(seconds * rate)),
        "seconds": f"{float(seconds):.6f}",
        "seed": str(order.seed),
        "language": order.language,
        "text_file": str(root / "text.txt"),
        "prompt_file": str(root / "prompt.txt"),
    }


def _result(work: Work, places: Mapping[str, str]) -> tuple[Path | None, Part]:
    """Return the film that a program wrote, and what of its picture counts."""
    out = Path(places["out"])
    if out.exists():
        return out, "whole"
    for pattern, part in work.results:
        found = sorted(Path(places["folder"]).rglob(pattern))
        if found:
            return found[0], part
    return None, "whole"
