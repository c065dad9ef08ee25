"""Render the report: one self-contained HTML file beside the delivered video.

The page loads nothing but the pictures and sounds it names by relative path, and the same model
always gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from dubkit.qc.check import CHECKS, Fact, shown_measure
from dubkit.qc.numbers import clock, count, percent, signed
from dubkit.qc.report.model import LineCard, ReportModel, SpeakerCard
from dubkit.qc.report.strips import strip_of, timing_rows
from dubkit.qc.report.wave import wave_parts
from dubkit.qc.report.words import flag_text, heard_words, verdict
from dubkit.types import EpisodeQc

_SPEAKER_COLOURS = 8
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_MAX_TICKS = 1200
REMARKS = 8
"""Remarks that the page shows at once."""


def render_report(model: ReportModel) -> str:
    """Render the page; every text of the model is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dubkit.qc.report", package_path=""),
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
        facts=_facts(model.measured),
        flags=_flag_counts(model.lines),
        flag=flag_text,
        diff=heard_words,
        ticks=_ticks(model.duration, scale),
        scale=scale,
        timing=timing_rows(model.timing, model.measured) if model.timing else (),
        strip=strip_of,
        REMARKS=REMARKS,
    )


def _facts(measured: EpisodeQc) -> list[tuple[Fact, bool]]:
    """Return the numbers of the overview, each with whether it is marked."""
    rows: list[tuple[Fact, bool]] = []
    for check in CHECKS:
        facts = check.facts(measured) if check.facts else ()
        value = (measured.measures or {}).get(check.name)
        if check.facts is None and value is not None:
            facts = (Fact(check.title, shown_measure(check.name, value), ""),)
        rows += [(fact, fact.judged and check.name in measured.flags) for fact in facts]
    return rows


def _flag_counts(lines: Sequence[LineCard]) -> list[tuple[str, int]]:
    """Flags of the lines with how often they occur, most frequent first."""
    return sorted(Counter(flag for line in lines for flag in line.flags).items(), key=lambda f: (-f[1], f[0]))


def _speakers(model: ReportModel) -> list[SpeakerCard]:
    """The speakers of the model, and any that only a line names."""
    known = {speaker.id: speaker for speaker in model.speakers}
    for line in model.lines:
        known.setdefault(line.speaker, SpeakerCard(line.speaker, line.speaker or "Unknown"))
    return list(known.values())


def relative_url(path: str) -> str:
    """A relative path as a URL: `#`, `?`, `:` and spaces in names must not be read as syntax."""
    return "/".join(quote(part) for part in PurePosixPath(path).parts)


def _scale(duration: float) -> float:
    """Pixels per second at which the timeline opens: short clips fill the page, long ones scroll."""
    return round(min(max(1080 / max(duration, 1.0), 24.0), 160.0), 3)


def _ticks(duration: float, scale: float) -> list[int]:
    """Seconds of the ruler that carry a label, at least 64 pixels apart."""
    fits = (step for step in _TICKS if step * scale >= 64 and duration / step <= _MAX_TICKS)
    step = next(fits, _TICKS[-1])
    # A label right at the end would be cut off.
    return list(range(0, max(int(duration - 30 / scale), 0) + 1, step))
