"""The checks of pictures, proven on seeded faults: python -m benchmarks.checks_pictures FOLDER

FOLDER holds films with faces that speak. Every other one by name shows how measures are spread, and sets the
limits; the rest are judged with dubkit's defaults. Every fault of `faults.py` is seeded into real pictures,
coded again with H.264, and looked at as the stage `qc` does, by checks that are off too. No face is made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.checks_pictures.clips import RATE, SECONDS, SOUND_RATE, Image, Mesh, Window, windows, write
from benchmarks.checks_pictures.faults import CLEAN, FAULTS, MADE
from dubkit.media.files.probe import probe
from dubkit.media.picture.face_finders import MeshFinder, mediapipe_models
from dubkit.media.picture.text_finder import TEXT_FINDER, TextFinder
from dubkit.models.packaged import model_folder
from dubkit.qc.check import CHECKS
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.measures import line_qc
from stages.shared.seen import Eyes, FilmPicture, LineSight, seen_lines

NAMES = tuple(FAULTS)
QUALITIES = (18, 22, 26)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the checks said of one made dub."""

    half: str
    window: str
    kind: str
    seed: int
    flags: tuple[str, ...]
    measures: dict[str, float]


class OnceFound:
    """Finds meshes; those of a picture that was searched before are known: the source's come again."""

    def __init__(self, finder: MeshFinder) -> None:
        self._finder, self._known = finder, dict[bytes, list[Mesh]]()

    def meshes(self, image: Image) -> list[Mesh]:
        key = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        if key not in self._known:
            self._known[key] = self._finder.meshes(image)
        return self._known[key]


def judged(
    window: Window, made: Window, eyes: Eyes, folder: Path, quality: int
) -> tuple[set[str], dict[str, float]]:
    """Code both, look at them as the stage does, and ask the checks of pictures."""
    source = folder / f"{window.name}.mp4"
    if not source.exists():
        write(source, window.images, 14)
    dub = write(folder / "dub.mp4", made.images, quality)
    films = []
    for file in (source, dub):
        video = probe(file).video
        assert video is not None
        films.append(FilmPicture(file, video))
    count = len(window.images)
    line = LineSight("s0001", window.boxes, (MADE,))
    times = [number / RATE for number in range(count)]
    sight = seen_lines(films[0], films[1], [line], eyes, times, range(count))["s0001"]
    evidence = LineEvidence(
        id="s0001",
        text="text",
        language="en",
        heard=None,
        line_start=0.0,
        speech_start=0.0,
        speech=made.sound,
        rate=SOUND_RATE,
        pictures=sight.pictures,
        letters=sight.letters,
    )
    asked = {check.name: check for check in CHECKS if check.name in NAMES}
    on = {name: check.settings(on=True) for name, check in asked.items() if check.settings is not None}
    answer = line_qc(evidence, on)
    kept = answer.measures or {}
    measures = {name: float(value) for name, value in kept.items() if name in NAMES}
    return {flag for flag in answer.flags if flag in NAMES}, measures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=int, default=2, help="windows of one film at most")
    parser.add_argument("--least", type=int, default=12, help="faults of a kind at least in each half")
    parser.add_argument("--half", choices=["first", "second", "both"], default="both")
    parser.add_argument("--tell", action="store_true", help="print every answer")
    parser.add_argument("--out", type=Path, help="write every answer into this file")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    models = mediapipe_models()
    assert models is not None, "pip install --no-deps mediapipe==0.10.14"
    finder = MeshFinder(models)
    files = sorted(f for f in given.folder.iterdir() if f.suffix in (".mp4", ".mpg"))
    first = files[::2] if given.half != "second" else []
    second = files[1::2] if given.half != "first" else []
    rows: list[Judged] = []
    for half, chosen in (("first", first), ("second", second)):
        if chosen:
            rows += half_of(half, chosen, finder, given)
    if given.out:
        given.out.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    report(rows)


def half_of(half: str, files: Sequence[Path], finder: MeshFinder, given: argparse.Namespace) -> list[Judged]:
    """Judge every kind of fault and clean change on the windows of one half."""
    assert TEXT_FINDER.in_package is not None
    folder = model_folder(TEXT_FINDER.in_package)
    assert folder is not None, f"pip install {TEXT_FINDER.pip}"
    faces, writing = OnceFound(finder), TextFinder(folder / TEXT_FINDER.main)
    found = {file: windows(file, finder, given.windows) for file in files}
    all_windows = [window for several in found.values() for window in several]
    print(half, [w.name for w in all_windows], flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for kind, change in {**FAULTS, **CLEAN}.items():
            fit = [w for w in all_windows if not kind.startswith("mouth") or speaks(w)]
            for number in range(len(fit) if kind in CLEAN else max(given.least, len(fit))):
                window, seed = fit[number % len(fit)], number // len(fit)
                others = [other for other in all_windows if not may_share(window, other)]
                made = change(window, others, np.random.default_rng([number, len(kind)]))
                eyes = Eyes(faces, writing if kind in ("letters", *CLEAN) else None)
                quality = QUALITIES[number % len(QUALITIES)]
                flags, measures = judged(window, made, eyes, Path(temporary), quality)
                rows.append(Judged(half, window.name, kind, seed, tuple(sorted(flags)), measures))
                if given.tell:
                    print(half, window.name, kind, sorted(flags), measures, flush=True)
    return rows


def may_share(one: Window, other: Window) -> bool:
    """Tell whether two films may show the same person: their names share a word, as in one corpus."""
    words = [{word for word in film.name.split("@")[0].split("_") if len(word) > 3} for film in (one, other)]
    return bool(words[0] & words[1])


def speaks(window: Window) -> bool:
    """Tell whether the source itself opens its mouth and is heard: else a fault of the mouth is none."""
    return len(window.sound) >= SECONDS * SOUND_RATE * 0.9 and float(np.abs(window.sound).max()) > 0.01


def report(rows: Sequence[Judged]) -> None:
    """Print the table of hits by kind and of false alarms, and how the measures are spread."""
    for half in sorted({row.half for row in rows}):
        mine = [row for row in rows if row.half == half]
        print(f"\n{half} half: {len({row.window for row in mine})} windows")
        print("| kind | seeded | found | | flagged on clean lines |\n| --- | --- | --- | --- | --- |")
        clean = [row for row in mine if row.kind in CLEAN]
        false = Counter(flag for row in clean for flag in row.flags)
        hits = total = 0
        for kind in FAULTS:
            seeded = [row for row in mine if row.kind == kind]
            got = sum(kind in row.flags for row in seeded)
            hits, total = hits + got, total + len(seeded)
            share = got / max(len(seeded), 1)
            print(f"| `{kind}` | {len(seeded)} | {got} | {share:.0%} | {false[kind]} of {len(clean)} |")
        alarmed = sum(bool(row.flags) for row in clean)
        print(f"all: {hits} of {total} ({hits / max(total, 1):.1%})")
        print(f"clean lines with any flag: {alarmed} of {len(clean)}")
        for kind in FAULTS:
            for name, group in (("clean", clean), ("fault", [row for row in mine if row.kind == kind])):
                values = sorted(row.measures[kind] for row in group if kind in row.measures)
                if values:
                    cuts = np.percentile(values, [0, 5, 50, 95, 100]).round(3)
                    print(f"{kind} {name}: {' '.join(map(str, cuts))} (0, 5, 50, 95, 100 %)")
    print(f"checks: {[check.name for check in CHECKS if check.name in NAMES]}")


if __name__ == "__main__":
    main()
