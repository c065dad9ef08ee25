"""What a listener would notice about a dub's timing: `python -m benchmarks.timing CLIP... --to pt-BR`.

Each clip is dubbed through the library, or the dub in an episode's folder is taken (`--episode`). What is
measured is the delivered file and the takes, not what the schedule promised: voice activity of the source and
of the dub, the first sound of each take, its length against the same text spoken once at the voice's own
pace, and the words that another recogniser hears. What the records promised is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.heard import Measured, Paces, measure, together
from benchmarks.listening import open_listener
from dubkit.chain.chain import Request
from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.progress import Silent, Speeds
from dubkit.qc.timing import TimingFigures
from dubkit.studio import Session, dub, open_models, with_last_settings

WORST = 10
"""Lines that are printed for a person to read."""


# --- episodes ----------------------------------------------------------------------------------


def open_folder(folder: Path, language: str) -> Context:
    """Open the folder of an episode that was dubbed before, perhaps by an earlier version."""
    store = EpisodeStore(folder)
    try:
        source = json.loads((folder / ".dubkit" / "source.json").read_text("utf-8"))
    except OSError as error:
        raise SystemExit(f"{folder}: this is no episode ({error.strerror}).") from error
    settings = Settings()
    session = Session(settings, folder.parent, open_models(settings), Speeds())
    session = with_last_settings(session, store)
    return Context(store, session.settings, Path(source["path"]), source["sha256"], session.models, language)


def make_dub(clip: Path, language: str, output: Path, chosen: dict[str, object]) -> Context:
    """Dub a clip through the library."""
    settings = with_settings(Settings(), chosen)
    session = Session(settings, output, open_models(settings), Speeds())
    outcome = dub(session, clip, Request((language,)), Silent())
    for error in outcome.errors:
        sys.stderr.write(f"{clip.name}: {error}\n")
    return open_folder(outcome.store.root, language)


def references(media: Path) -> dict[str, str]:
    """Return file name -> what is said in it, from the `manifest.json` of a folder or of the one above."""
    for folder in (media, media.parent):
        if (folder / "manifest.json").is_file():
            table = json.loads((folder / "manifest.json").read_text("utf-8"))
            entries = table["entries"]
            return {Path(e["path"]).name: e["transcript_ref"] for e in entries if e.get("transcript_ref")}
    return {}


# --- printing ----------------------------------------------------------------------------------


def table(results: Sequence[Measured]) -> Table:
    """Return the figures as a table, a row for each dub."""
    shown = Table(title="What a listener would notice")
    shown.add_column("clip")
    for name in (
        "lines",
        "cut",
        ">1.1x",
        ">1.2x",
        ">1.35x",
        "speech overlap",
        "start, median / worst",
        "seen, worst",
        "voice onset, median / worst",
        "two at once",
        "word error, dub / source",
        "words lost",
        "too dense",
    ):
        shown.add_column(name, justify="right")
    for result in results:
        shown.add_row(*row(result))
    return shown


def row(result: Measured) -> tuple[str, ...]:
    """Return the cells of a dub."""
    figures, onsets = result.figures, result.onsets
    return (
        result.clip,
        str(figures.lines),
        _share(figures, figures.cut),
        _share(figures, figures.over_110),
        _share(figures, figures.over_120),
        _share(figures, figures.over_135),
        _percent(figures.overlap),
        f"{_seconds(figures.start_error_median)} / {_seconds(figures.start_error_worst)}",
        _seconds(figures.seen_start_error_worst),
        f"{_seconds(median(onsets) if onsets else None)} / {_seconds(max(onsets, default=None))}",
        _seconds(figures.talking_over),
        f"{_percent(result.round_trip)} / {_percent(result.source_error)}",
        f"{figures.words_lost} of {figures.first_words}",
        _seconds(result.too_dense),
    )


def worst(results: Sequence[Measured], count: int = WORST) -> Table:
    """Return the lines that trouble a listener most."""
    shown = Table(title=f"The worst {count} lines", show_lines=True)
    for name in ("line", "room", "dub", "pace (take's own)", "text", "heard", "word error"):
        shown.add_column(name)
    lines = [(result.clip, line) for result in results for line in result.lines]
    for clip, line in sorted(lines, key=lambda pair: -pair[1].badness)[:count]:
        timed = line.timed
        dub = f"{timed.dub[0]:.2f} to {timed.dub[1]:.2f}" if timed.dub else ""
        flags = ["cut"] * timed.cut + [f"too dense by {timed.too_long:.2f} s"] * bool(timed.too_long)
        shown.add_row(
            f"{clip} {timed.id}",
            f"{timed.source[0]:.2f} to {timed.source[1]:.2f}",
            " ".join([dub, *flags]),
            f"{timed.pace or 0.0:.2f} ({line.claimed_pace:.2f})",
            line.text,
            line.heard,
            _percent(line.word_error),
        )
    return shown


def _share(figures: TimingFigures, lines: int) -> str:
    return f"{lines} ({_percent(figures.share(lines))})" if lines else "0"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def as_json(results: Sequence[Measured]) -> str:
    """Return everything that was measured."""
    rows = [{**asdict(result), "figures": asdict(result.figures)} for result in results]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timing", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="Clips to dub and measure.")
    parser.add_argument("--to", default="pt-BR", metavar="LANG", help="Language of the dub (pt-BR).")
    parser.add_argument("--src-lang", default="", metavar="LANG", help="Language of the clips.")
    parser.add_argument(
        "--episode", action="append", default=[], type=Path, metavar="FOLDER", help="Measure a finished dub."
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="Keep the dubs here.")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="A setting.")
    parser.add_argument("--paces", type=Path, metavar="FILE", help="Keep the voices' own paces here.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="Write what was measured.")
    chosen = parser.parse_args(arguments)
    if not chosen.clips and not chosen.episode:
        parser.error("name a CLIP, or a finished dub with --episode FOLDER")
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Measure dubs and print what a listener would notice."""
    chosen = parse(arguments)
    settings = dict(pair.partition("=")[::2] for pair in chosen.set)
    settings["transcribe.language"] = chosen.src_lang
    paces, results = Paces(chosen.paces), []
    with tempfile.TemporaryDirectory() as scratch:
        output = chosen.output or Path(scratch)
        episodes = [open_folder(folder, chosen.to) for folder in chosen.episode]
        listener = None
        for context in [*episodes, *(make_dub(clip, chosen.to, output, settings) for clip in chosen.clips)]:
            listener = listener or open_listener(context.models, chosen.to)
            reference = references(context.source.parent).get(context.source.name, "")
            results.append(measure(context, paces, listener, reference))
    if chosen.json:
        chosen.json.write_text(as_json(results), "utf-8")
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table([*results, together(results)] if len(results) > 1 else results))
    console.print(worst(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
