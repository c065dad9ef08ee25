"""Hold dubs against their sources: `python -m benchmarks.exactness CLIP... --to pt-BR`.

For each clip the program is run as a command (or a finished dub is taken with `--dub`), and the delivered
file is read with PyAV alone; nothing of dubkit is imported. A clip the program refuses with a clear message
is listed and does not fail; a traceback, a hang or a dub outside the limits does.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import wave
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import langcodes
from rich.console import Console
from rich.table import Table

from benchmarks.programs import DEFAULT_COMMAND, run
from benchmarks.reading import Reading, Track, read

MAX_DRIFT_MS = 1.0
"""Matroska keeps whole milliseconds, so a copied picture may move by half of one; MP4 must give 0."""

MAX_OFFSET_MS = 22.0
"""One AAC frame at 48 kHz: what a track may start early or late through encoder priming."""

MAX_SAMPLES = 2048
"""Samples by which the dubbed track may be longer or shorter than planned: encoder frames are whole."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One property of a dub: what was found, and whether it is within its limit (None: not applicable)."""

    name: str
    found: str
    ok: bool | None = True


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one clip."""

    clip: str
    verdict: str
    """`exact`, `degraded but exact`, `refused`, `OUTSIDE`, or `FAILED`."""
    measures: tuple[Measure, ...] = ()
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.verdict not in ("OUTSIDE", "FAILED")


@dataclass(frozen=True, slots=True)
class Options:
    """How clips are dubbed and what is demanded of them."""

    language: str
    output: Path
    command: tuple[str, ...]
    timeout: float = 900.0
    identical: float = 1.0
    """Share of frames that must be identical; below 1 for engines that change the picture."""
    extra: tuple[str, ...] = field(default_factory=tuple)


# --- comparing ---------------------------------------------------------------------------------


def compare(
    source: Reading, dub: Reading, language: str, *, planned: int | None = None, identical: float = 1.0
) -> list[Measure]:
    """Return every measure of a dub against its source; `planned` is samples at 48 kHz, if known."""
    measures = [*_picture(source, dub, identical), *_timing(source, dub)]
    if source.audio:
        measures += _sound(source, dub, language, planned)
    return measures


def _picture(source: Reading, dub: Reading, identical: float) -> list[Measure]:
    if not source.frames:
        return [Measure("frames", "no picture", None if not dub.frames else False)]
    total = len(source.frames)
    same = sum(a == b for a, b in zip(source.frames, dub.frames, strict=False))
    packets = sum(a == b for a, b in zip(source.packets, dub.packets, strict=False))
    # A variable rate has no exact average; there the frame times, held below, are the whole truth.
    rates = source.rate == dub.rate or _variable(source)
    return [
        Measure("frames", f"{total} / {len(dub.frames)}", total == len(dub.frames)),
        Measure("rate", f"{source.rate} / {dub.rate}", rates),
        Measure("identical", f"{same} of {total}", same >= identical * total),
        Measure("packets", f"{packets} of {len(source.packets)}", None),
    ]


def _variable(reading: Reading) -> bool:
    gaps = [b - a for a, b in zip(reading.times, reading.times[1:], strict=False)]
    return bool(gaps) and max(gaps) - min(gaps) > Fraction(2, 1000)


def _timing(source: Reading, dub: Reading) -> list[Measure]:
    if not source.times or not dub.times:
        return []
    drift = max(
        abs((theirs - dub.times[0]) - (ours - source.times[0]))
        for ours, theirs in zip(source.times, dub.times, strict=False)
    )
    return [Measure("drift ms", f"{float(drift) * 1000:.3f}", drift * 1000 <= MAX_DRIFT_MS)]


def _sound(source: Reading, dub: Reading, language: str, planned: int | None) -> list[Measure]:
    if not dub.audio:
        return [Measure("sound", "no track", False)]
    first, kept = dub.audio[0], dub.audio[1:]
    expected = planned if planned is not None else round((source.end - source.start) * 48_000)
    length = round(Fraction(first.samples * 48_000, first.rate)) if first.rate else 0
    defaults = [track.language for track in dub.audio if track.default]
    speaks = _same_language(first.language, language) and first.default and len(defaults) == 1
    copied = sum(any(track.packets == other.packets for other in kept) for track in source.audio)
    targets = [track for track in dub.subtitles if _same_language(track.language, language)]
    return [
        Measure("sound", f"{expected} / {length}", abs(length - expected) <= MAX_SAMPLES),
        _offset(source, dub, first),
        Measure("default", ",".join(defaults) or "none", speaks),
        Measure("original", f"{copied} copied, {len(kept)} kept", len(kept) >= len(source.audio)),
        Measure(
            "subtitles",
            ",".join(track.language for track in dub.subtitles) or "none",
            None if not targets else len(dub.subtitles) >= len(source.subtitles),
        ),
    ]


def _offset(source: Reading, dub: Reading, track: Track) -> Measure:
    """Compare where the dubbed sound starts against the picture: at the zero of the source."""
    if not source.times or not dub.times or track.start is None:
        return Measure("start ms", "-", None)
    wanted = source.start - source.times[0]
    error = (track.start - dub.times[0] - wanted) * 1000
    return Measure("start ms", f"{float(error):+.1f}", abs(error) <= MAX_OFFSET_MS)


def _same_language(tag: str, language: str) -> bool:
    if tag in ("und", ""):
        return False
    # Containers carry three letters where the option has two: both mean the same language.
    return langcodes.get(tag).language == langcodes.get(language).language


# --- running -----------------------------------------------------------------------------------


def measure(clip: Path, options: Options, dub: Path | None = None) -> Result:
    """Dub a clip, or take a finished dub, and compare; whatever goes wrong is the result of this clip."""
    try:
        return _measure(clip, options, dub)
    except Exception as error:  # the clips behind it are measured all the same
        return Result(clip.name, "FAILED", note=f"{type(error).__name__}: {error}")


def _measure(clip: Path, options: Options, dub: Path | None) -> Result:
    note, degraded = "", False
    if dub is None:
        made = _dub(clip, options)
        if isinstance(made, Result):
            return made
        dub, note, degraded = made
    try:
        source, delivered = read(clip), read(dub)
    except (av.error.FFmpegError, OSError) as error:
        return Result(clip.name, "FAILED", note=f"cannot be read: {error}")
    planned = _planned_samples(dub.parent.parent / "audio.wav")
    measures = compare(source, delivered, options.language, planned=planned, identical=options.identical)
    if any(found.ok is False for found in measures):
        return Result(clip.name, "OUTSIDE", tuple(measures), note)
    return Result(clip.name, "degraded but exact" if degraded else "exact", tuple(measures), note)


def _dub(clip: Path, options: Options) -> Result | tuple[Path, str, bool]:
    """Run the program; return the dub, a note and whether it is degraded, or why there is none."""
    finished = run(
        [
            *options.command,
            str(clip.resolve()),  # absolute, so that a name may begin with a dash
            *("--to", options.language, "--output", str(options.output), "--json"),
            *options.extra,
        ],
        options.output / "exactness",
        options.timeout,
    )
    message = next((line for line in finished.errors.splitlines() if line.strip()), "")
    if finished.code is None:
        return Result(clip.name, "FAILED", note=f"no end after {options.timeout:.0f} s")
    if finished.traceback:
        return Result(clip.name, "FAILED", note=f"traceback: {finished.errors.strip().splitlines()[-1]}")
    if finished.code == 1 and message:
        return Result(clip.name, "refused", note=message)
    if finished.code not in (0, 3):
        return Result(clip.name, "FAILED", note=f"exit code {finished.code}: {message}")
    found = sorted(options.output.glob(f"*/{options.language}/dub.m*"))
    if len(found) != 1:
        return Result(clip.name, "FAILED", note=f"{len(found)} dubs in {options.output}")
    return found[0], f"{finished.seconds:.1f} s", finished.code == 3


def _planned_samples(audio: Path) -> int | None:
    """Return the length of the episode's own sound file, which the dubbed track must have."""
    try:
        with wave.open(str(audio), "rb") as file:
            return file.getnframes() if file.getframerate() == 48_000 else None
    except (OSError, wave.Error, EOFError):
        return None


def table(results: list[Result]) -> Table:
    """Lay the results out, one row per clip; what is outside its limit is marked."""
    names = list(dict.fromkeys(found.name for result in results for found in result.measures))
    rows = Table(show_lines=False, pad_edge=False)
    for heading in ("clip", *names, "verdict", "note"):
        rows.add_column(heading, overflow="fold")
    for result in results:
        cells = {m.name: m.found if m.ok is not False else f"{m.found} !" for m in result.measures}
        rows.add_row(result.clip, *(cells.get(name, "") for name in names), result.verdict, result.note)
    return rows


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exactness", description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--to", default="pt-BR", metavar="LANG", help="Target language (pt-BR).")
    parser.add_argument("--output", type=Path, metavar="DIR", help="Keep the dubs here (a temporary folder).")
    parser.add_argument("--dub", type=Path, metavar="FILE", help="Compare this finished dub; runs nothing.")
    parser.add_argument("--timeout", type=float, default=900.0, metavar="SECONDS", help="Per clip (900).")
    parser.add_argument(
        "--identical", type=float, default=1.0, metavar="SHARE", help="Share of frames to be identical (1)."
    )
    parser.add_argument("--command", default=DEFAULT_COMMAND, help=argparse.SUPPRESS)
    parser.add_argument("--extra", default="", metavar="ARGS", help="Further arguments of dubkit run.")
    chosen = parser.parse_args(arguments)
    if chosen.dub and len(chosen.clips) != 1:
        parser.error("--dub wants exactly one CLIP")
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Measure every clip, print the table; 1 when any is outside or failed."""
    chosen = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 240)
    results = []
    with tempfile.TemporaryDirectory(prefix="exactness-") as temporary:
        for number, clip in enumerate(chosen.clips):
            options = Options(
                chosen.to,
                # A folder each: clips of the same name must not meet.
                (chosen.output or Path(temporary)) / f"{number:03d}",
                tuple(shlex.split(chosen.command)),
                chosen.timeout,
                chosen.identical,
                tuple(shlex.split(chosen.extra)),
            )
            results.append(measure(clip, options, chosen.dub))
            console.print(f"{clip.name}: {results[-1].verdict} {results[-1].note}", markup=False, style="dim")
    console.print(table(results))
    failed = sum(not result.ok for result in results)
    refused = sum(result.verdict == "refused" for result in results)
    console.print(f"{len(results) - failed - refused} exact, {refused} refused, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
