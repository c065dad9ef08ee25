"""The page that shows a finished dub: one self-contained HTML file beside the delivered video.

The page loads nothing but the pictures and sounds it names by relative path, and the same model
always gives the same bytes.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote

from dubkit.qc.text import units

FLAGS = {
    "silent": ("Silent", "The take has no sound."),
    "late": ("Starts late", "The speech starts more than one frame after its line."),
    "early": ("Starts early", "The speech starts more than one frame before its line."),
    "words": ("Words differ", "The recogniser heard other words than the line has."),
    "not-heard": ("Not heard", "The recogniser heard nothing in this line."),
    "loudness": ("Loudness", "The dub is louder or softer than the source."),
    "clipped": ("Clipped", "The sound reaches full scale."),
    "cut": ("Cut short", "The speech did not fit, and its end is missing."),
    "dead-air": ("Dead air", "The dub is silent while the source speaks on."),
    "untranslated": ("Not translated", "The line is still in the source language."),
    "wrong-language": ("Wrong language", "The translator answered in another language."),
    "refused": ("Refused", "The translator would not translate this line."),
    "bad-reply": ("Bad reply", "The translator's answer could not be used."),
    "lock-conflict": (
        "Locked, but the source changed",
        "The line keeps its text and take; look whether it should.",
    ),
    "other-text": ("Other text", "The take in use says something else than the line."),
    "failed": ("Failed", "The line could not be made; the source is heard instead."),
    "frames": ("Frame count", "The dub has another number of frames than the source."),
    "picture-changed": ("Picture changed", "Some pictures are not the source's bytes."),
    "drift": ("Drift", "Pictures are not where they were in the source."),
}
"""What a flag is called on the page, and what it means."""

_MILD = {"rushed", "low-confidence", "fast", "loudness"}
"""Flags of lines that are whole: alone they are no reason to hold a dub back."""

_SPEAKER_COLOURS = 8
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_MAX_TICKS = 1200
_WAVE_PEAKS = 500  # per SVG; browsers draw no single picture wider than about 32,000 pixels


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """What did one job of the run: role, name, where its files came from, and its licence."""

    role: str
    name: str
    source: str
    licence: str
    fallback: str = ""
    """Why this one and not the better one; empty when it is the first choice."""


@dataclass(frozen=True, slots=True)
class SpeakerCard:
    """A speaker of the episode."""

    id: str
    name: str
    description: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class ShotCard:
    """A shot with its thumbnail, a path relative to the page (empty without one)."""

    id: str
    start: float
    end: float
    thumbnail: str = ""


@dataclass(frozen=True, slots=True)
class LineCard:
    """One line: what was said, what should be said, what was heard. Times in seconds."""

    id: str
    start: float
    end: float
    speaker: str
    source_text: str
    target_text: str
    dub_start: float
    dub_end: float
    prompt: str = ""
    provider: str = ""
    route: str = ""
    """How the line got into the dub, and why, in words."""
    engine: str = ""
    voice: str = ""
    speed: float | None = None
    fit: Literal["fits", "faster", "borrowed", "cut", ""] = ""
    speech: str = ""
    """The take, a path relative to the page."""
    heard: str | None = None
    word_error: float | None = None
    start_error: float | None = None
    loudness_error: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The episode in numbers; None for what was not measured."""

    frames: int = 0
    source_frames: int = 0
    identical_packets: int = 0
    dubbed_frames: int = 0
    recoded_frames: int = 0
    drift_ms: float | None = None
    source_lufs: float | None = None
    dub_lufs: float | None = None
    true_peak_db: float | None = None
    word_error: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Frames `first` to `last` of the dub, and what they come from: `source`, `recoded` or a clip."""

    first: int
    last: int
    origin: str


@dataclass(frozen=True, slots=True)
class ReportModel:
    """Everything the page shows. Paths are relative to the page, with `/` between their parts."""

    title: str
    source_language: str
    """As people say it: `English`."""
    target_language: str
    source_tag: str
    """As browsers read it: `en`."""
    target_tag: str
    duration: float
    video: str = ""
    """The delivered file; empty when there is none to play."""
    audio_only: bool = False
    models: tuple[ModelUsed, ...] = ()
    degraded: tuple[str, ...] = ()
    speakers: tuple[SpeakerCard, ...] = ()
    shots: tuple[ShotCard, ...] = ()
    lines: tuple[LineCard, ...] = ()
    source_wave: tuple[float, ...] = ()
    """Peaks 0 to 1 over equal stretches of the whole duration."""
    dub_wave: tuple[float, ...] = ()
    frames: tuple[FrameSpan, ...] = ()
    """Where every frame comes from; empty where the picture is the source's own."""
    summary: Summary = Summary()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of the dub in plain words."""

    state: Literal["good", "look", "bad"]
    headline: str
    details: tuple[str, ...]


def render_report(model: ReportModel) -> str:
    """Render the page; every text of the model is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dubkit.qc", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=clock, url=relative_url, percent=percent, signed=signed, count=count, wave=wave_parts
    )
    speakers = _speakers(model)
    scale = _scale(model.duration)
    return environment.get_template("report.html.j2").render(
        model=model,
        verdict=verdict(model),
        speakers=speakers,
        colours={speaker.id: index % _SPEAKER_COLOURS for index, speaker in enumerate(speakers)},
        names={speaker.id: speaker.name for speaker in speakers},
        flags=_flag_counts(model.lines),
        flag=flag_text,
        diff=heard_words,
        ticks=_ticks(model.duration, scale),
        scale=scale,
    )


# --- words of the page ----------------------------------------------------------------------------


def verdict(model: ReportModel) -> Verdict:
    """Say whether the dub is ready, and if not, what a person should do first."""
    total = len(model.lines)
    flagged = [line for line in model.lines if line.flags]
    broken = {"frames", "drift", "clipped"} & set(model.summary.flags)
    details = [_episode_sentence(flag, model.summary) for flag in model.summary.flags]
    if model.degraded:
        details.append(f"{count(len(model.degraded), 'note')} about fall-backs or failures below.")
    if not total:
        return Verdict("look", "Nothing to dub: no speech was found.", tuple(details))
    lines = count(total, "line")
    if broken:
        return Verdict("bad", "Not ready: the delivered file is not in order.", tuple(details))
    if len(flagged) == total > 1 and any(set(line.flags) - _MILD for line in flagged):
        return Verdict("bad", f"All {lines} need a look before this is shown.", tuple(details))
    if flagged:
        return Verdict("look", f"{len(flagged)} of {lines} {_want(len(flagged))} a look.", tuple(details))
    if details and model.summary.flags:
        return Verdict(
            "look", f"All {lines} are in order, the episode as a whole needs a look.", tuple(details)
        )
    if model.degraded:
        return Verdict(
            "look", f"Degraded: all {lines} are in order, but a fall-back was used.", tuple(details)
        )
    headline = "Ready: the line is in order." if total == 1 else f"Ready: all {lines} are in order."
    return Verdict("good", headline, tuple(details))


def _want(number: int) -> str:
    return "wants" if number == 1 else "want"


def _episode_sentence(flag: str, summary: Summary) -> str:
    numbers = {
        "words": f"{percent(summary.word_error)} word error over all lines.",
        "loudness": f"Dialogue at {signed(summary.dub_lufs)} LUFS, source {signed(summary.source_lufs)}.",
        "clipped": f"True peak {signed(summary.true_peak_db)} dBTP.",
        "frames": f"{summary.frames} frames; the source has {summary.source_frames}.",
        "picture-changed": f"{summary.identical_packets} of {summary.source_frames} pictures are unchanged.",
        "drift": f"{summary.drift_ms} ms drift.",
    }
    return numbers.get(flag, flag_text(flag)[1])


def flag_text(flag: str) -> tuple[str, str]:
    """Name and meaning of a flag; an unknown one is shown as it is."""
    return FLAGS.get(flag, (flag.replace("-", " ").capitalize(), flag))


def _flag_counts(lines: Sequence[LineCard]) -> list[tuple[str, int]]:
    """Flags of the lines with how often they occur, most frequent first."""
    return sorted(Counter(flag for line in lines for flag in line.flags).items(), key=lambda f: (-f[1], f[0]))


def heard_words(line: LineCard, language: str) -> list[tuple[str, bool]]:
    """The words that were heard, each with True when the line does not have it there."""
    words = (line.heard or "").split()
    said, got, owner = units(line.target_text, language), [], []
    for index, word in enumerate(words):
        parts = units(word, language)
        got += parts
        owner += [index] * len(parts)
    wrong = set(owner)
    for block in difflib.SequenceMatcher(None, said, got, autojunk=False).get_matching_blocks():
        wrong -= set(owner[block.b : block.b + block.size])
    return [(word, index in wrong) for index, word in enumerate(words)]


def _speakers(model: ReportModel) -> list[SpeakerCard]:
    """The speakers of the model, and any that only a line names."""
    known = {speaker.id: speaker for speaker in model.speakers}
    for line in model.lines:
        known.setdefault(line.speaker, SpeakerCard(line.speaker, line.speaker or "Unknown"))
    return list(known.values())


# --- filters --------------------------------------------------------------------------------------


def clock(seconds: float) -> str:
    """Seconds as people read them: `1:02:03.4`, `0:07.5`."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = (
        f"{minutes:02d}:{rest // 10:02d}.{rest % 10}" if hours else f"{minutes}:{rest // 10:02d}.{rest % 10}"
    )
    return f"{hours}:{text}" if hours else text


def relative_url(path: str) -> str:
    """A relative path as a URL: `#`, `?`, `:` and spaces in names must not be read as syntax."""
    return "/".join(quote(part) for part in PurePosixPath(path).parts)


def percent(value: float | None) -> str:
    """A share as a whole percentage; a dash when it was not measured."""
    return "\u2013" if value is None else f"{100 * value:.0f} %"


def signed(value: float | None, digits: int = 1) -> str:
    """A level with a true minus sign; a dash when it was not measured."""
    if value is None:
        return "\u2013"
    text = f"{value:.{digits}f}"
    return text.replace("-", "\u2212") if float(text) else text.lstrip("-")


def count(number: int, noun: str) -> str:
    """`1 line`, `1,000 lines`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@dataclass(frozen=True, slots=True)
class WavePart:
    """A stretch of a waveform: place in percent of the whole, peaks, and SVG path (one unit per peak)."""

    left: float
    width: float
    peaks: int
    path: str


def wave_parts(peaks: Sequence[float]) -> list[WavePart]:
    """Draw a waveform, mirrored about 0 and 2 units high, in parts that a browser can show at any zoom.

    The square root lifts speech at its usual level to a height one can see.
    """
    heights = [max(0.015, min(1.0, peak) ** 0.5) for peak in peaks]
    parts = []
    for first in range(0, len(heights), _WAVE_PEAKS):
        part = heights[first : first + _WAVE_PEAKS]
        outline = [
            (0.0, part[0]),
            *((x + 0.5, height) for x, height in enumerate(part)),
            (len(part), part[-1]),
        ]
        upper = [f"{x:g},{-height:.2f}" for x, height in outline]
        lower = [f"{x:g},{height:.2f}" for x, height in reversed(outline)]
        left, width = 100 * first / len(heights), 100 * len(part) / len(heights)
        path = f"M{' '.join(upper + lower)}Z"
        parts.append(WavePart(round(left, 4), round(width, 4), len(part), path))
    return parts


def _scale(duration: float) -> float:
    """Pixels per second at which the timeline opens: short clips fill the page, long ones scroll."""
    return round(min(max(1080 / max(duration, 1.0), 24.0), 160.0), 3)


def _ticks(duration: float, scale: float) -> list[int]:
    """Seconds of the ruler that carry a label, at least 64 pixels apart."""
    fits = (step for step in _TICKS if step * scale >= 64 and duration / step <= _MAX_TICKS)
    step = next(fits, _TICKS[-1])
    # A label right at the end would be cut off.
    return list(range(0, max(int(duration - 30 / scale), 0) + 1, step))
