"""What a check is: one thing that can be wrong with a line or a dub, its words, and how it is found.

A check's name is its flag. Other stages flag lines too (a translation that was refused, a clip without
speech); a check that measures nothing gives such a flag its title and meaning. Every flag is therefore
looked up in one registry, `CHECKS`: its records stand in `dubkit.qc.checks` or come from other packages.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dubkit.errors import PluginFailed
from dubkit.qc.evidence import EpisodeEvidence, LineEvidence
from dubkit.qc.numbers import number
from dubkit.registry import Registry
from dubkit.types import EpisodeQc, Measures
from dubkit.types.models import ModelSpec

Need = Literal[
    "heard",
    "text",
    "sound",
    "source",
    "likeness",
    "pictures",
    "letters",
    "making",
    "delivered",
    "source_words",
    "alike",
    "melody",
    "quality",
    "terms",
    "address",
]
"""What takes time to get and is got only for a check that asks for it, or is not always there.

`heard`: what the recogniser heard in the dub; `text`: the text that it should say; `sound`: the samples of
the dub; `source`: those of the source; `likeness`: how like a cloned voice is to its reference; `pictures`:
what a picture that is not the source's shows of the face that speaks; `letters`: the letters that appear in
it; `making`: how the dub was made, its schedule, fits and beds; `delivered`: the dub around a take;
`source_words`: words of the source that were not translated; `alike`: how like a voice is to its other
lines; `melody`: that of take and source; `quality`: how good both sound; `terms`, `address`: what the line
has of the words of its series.
"""

Measure = float | str
"""A number or a text that is shown with the flag."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of a check about a line or an episode."""

    flagged: bool
    measure: Measure | None = None
    """Kept in `qc.json` and shown to people, flagged or not; None shows nothing."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the report's overview, with the words around it."""

    label: str
    value: str
    note: str
    judged: bool = True
    """Whether it is marked where the episode has the flag."""


LineMeasure = Callable[[LineEvidence, Any], "Finding | bool"]
EpisodeMeasure = Callable[[EpisodeEvidence, Any], "Finding | bool"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong, and all that dubkit knows of it.

    A measure is given the evidence and the check's own table of settings, and answers whether the line or
    the episode is to be flagged. It is not asked where something that it needs is not there.
    """

    name: str
    """The flag in `qc.json`: `dead-air`."""
    title: str
    """The flag as people read it: `Dead air`."""
    meaning: str
    """What it means, in one sentence."""
    line: LineMeasure | None = None
    """Measures a line."""
    episode: EpisodeMeasure | None = None
    """Measures the dub as a whole."""
    needs: tuple[Need, ...] = ()
    settings: type | None = None
    """Section of its own table `[qc.NAME]`; the measure is given an instance, or None without a section. A
    check whose section has a field `on` is asked only where that is true."""
    models: tuple[ModelSpec, ...] = ()
    """What it needs to be measured, for lists of models."""
    unit: str = ""
    """Unit of a number that it measures: `dB`."""
    measures: str = ""
    """What people call the measure, where that is not the flag's title: `Likeness`."""
    quiet: bool = False
    """Whether its measure is shown to people only with the flag; it is in `qc.json` anyway."""
    mild: bool = False
    """Whether a line with this flag alone is whole, and no reason to hold the dub back."""
    sums_up: bool = False
    """Whether the dub as a whole has the flag for what its lines are flagged for anyway: a note, no doubt."""
    retake: bool = True
    """Whether another take of the line may be without the flag: only then it is a reason to make one."""
    score: Callable[[float], float] | None = None
    """How good a take with this measure is, from 0 to 1, for the choice among takes; None: it has no say."""
    blocks: bool = False
    """Whether a dub with this flag is not ready, because the delivered file is not in order."""
    sentence: Callable[[EpisodeQc], str] | None = None
    """What the report says below its headline when the episode has the flag; None says the meaning."""
    facts: Callable[[EpisodeQc], tuple[Fact, ...]] | None = None
    """What the report's overview shows of it, flagged or not; None shows what was measured, if anything."""
    tip: str = ""
    """What the report shows when the pointer rests on the flag; empty shows the meaning."""


CHECKS = Registry(
    "check",
    "dubkit.checks",
    Check,
    (
        "dubkit.qc.checks.speech:SILENT",
        "dubkit.qc.checks.speech:LATE",
        "dubkit.qc.checks.speech:EARLY",
        "dubkit.qc.checks.words:NOT_HEARD",
        "dubkit.qc.checks.words:WORDS",
        "dubkit.qc.checks.hearing:MISSING",
        "dubkit.qc.checks.hearing:ADDED",
        "dubkit.qc.checks.hearing:LETTERS",
        "dubkit.qc.checks.hearing:SOURCE_LANGUAGE",
        "dubkit.qc.checks.hearing:LEFT",
        "dubkit.qc.checks.timing:ENDS_LATE",
        "dubkit.qc.checks.timing:ENDS_EARLY",
        "dubkit.qc.checks.timing:ELSEWHERE",
        "dubkit.qc.checks.timing:PACE",
        "dubkit.qc.checks.timing:TALKED_OVER",
        "dubkit.qc.checks.sound:LOUDNESS",
        "dubkit.qc.checks.sound:QUIET",
        "dubkit.qc.checks.sound:CLIPPED",
        "dubkit.qc.checks.levels:OFF_PROFILE",
        "dubkit.qc.checks.sounding:DISTORTED",
        "dubkit.qc.checks.sounding:DROP_OUT",
        "dubkit.qc.checks.sounding:PAUSE",
        "dubkit.qc.checks.sounding:FLAT",
        "dubkit.qc.checks.sounding:VOICE_CHANGED",
        "dubkit.qc.checks.sounding:QUALITY",
        "dubkit.qc.checks.speech:CUT",
        "dubkit.qc.checks.sound:DEAD_AIR",
        "dubkit.qc.checks.bed:VOICE_LEAK",
        "dubkit.qc.checks.picture:FRAMES",
        "dubkit.qc.checks.picture:PICTURE_CHANGED",
        "dubkit.qc.checks.picture:DRIFT",
        "dubkit.qc.checks.whole:SOUND_CHANGED",
        "dubkit.qc.checks.whole:LINES_LOST",
        "dubkit.qc.checks.whole:ORDER",
        "dubkit.qc.checks.transcript:FAST",
        "dubkit.qc.checks.transcript:LOW_CONFIDENCE",
        "dubkit.qc.checks.translation:UNTRANSLATED",
        "dubkit.qc.checks.translation:WRONG_LANGUAGE",
        "dubkit.qc.checks.translation:REFUSED",
        "dubkit.qc.checks.translation:ECHO",
        "dubkit.qc.checks.translation:BAD_REPLY",
        "dubkit.qc.checks.translation:SERVICE_ERROR",
        "dubkit.qc.checks.glossary:GLOSSARY",
        "dubkit.qc.checks.glossary:ADDRESS",
        "dubkit.qc.checks.takes:NOTHING_TO_SAY",
        "dubkit.qc.checks.takes:RUSHED",
        "dubkit.qc.checks.takes:TOO_LONG",
        "dubkit.qc.checks.takes:RUNS_OVER",
        "dubkit.qc.checks.takes:OTHER_TEXT",
        "dubkit.qc.checks.takes:FAILED",
        "dubkit.qc.checks.takes:LOCK_CONFLICT",
        "dubkit.qc.checks.voice:VOICE_UNLIKE",
        "dubkit.qc.checks.faces:LOST",
        "dubkit.qc.checks.faces:FROZEN",
        "dubkit.qc.checks.faces:CHANGED",
        "dubkit.qc.checks.faces:SOFT",
        "dubkit.qc.checks.mouths:STILL",
        "dubkit.qc.checks.mouths:BUSY",
        "dubkit.qc.checks.letters:LETTERS",
        "dubkit.qc.checks.seams:SEAM",
        "dubkit.qc.checks.clips:SHORT",
        "dubkit.qc.checks.clips:OUTSIDE",
        "dubkit.qc.checks.clips:NOT_FINITE",
        "dubkit.qc.checks.clips:CANCELLED",
        "dubkit.qc.checks.clips:NO_REFERENCE",
        "dubkit.qc.checks.clips:GAIN_BOUNDED",
        "dubkit.qc.checks.clips:PEAK_BOUNDED",
    ),
    table="qc",
)
"""Every flag, in the order in which a line or an episode has them."""


def is_on(check: Check, tables: Mapping[str, object]) -> bool:
    """Tell whether a check is asked. `tables` holds own settings by the name of the check."""
    default = check.settings() if check.settings else None
    return bool(getattr(tables.get(check.name, default), "on", True))


def needed(tables: Mapping[str, object]) -> frozenset[Need]:
    """Return what the measures of the checks that are asked need."""
    return frozenset(need for check in CHECKS if is_on(check, tables) for need in check.needs)


def flag_words(flag: str) -> tuple[str, str]:
    """Return title and meaning of a flag; one that no check here knows is shown as it is."""
    check = CHECKS.get(flag)
    return (check.title, check.meaning) if check else (flag.replace("-", " ").capitalize(), flag)


def measure_title(name: str) -> str:
    """Return what people call the measure of a check."""
    check = CHECKS.get(name)
    return (check.measures if check else "") or flag_words(name)[0]


def shown_measure(name: str, measure: Measure) -> str:
    """Write what a check measured, with its unit."""
    check = CHECKS.get(name)
    text = measure if isinstance(measure, str) else number(measure)
    return f"{text} {check.unit}" if check and check.unit and not isinstance(measure, str) else text


def told_measures(measures: Measures, flags: Collection[str]) -> dict[str, Measure]:
    """Return the measures that people are shown: not those of quiet checks without their flag."""
    return {
        name: value
        for name, value in (measures or {}).items()
        if name in flags or not ((check := CHECKS.get(name)) and check.quiet)
    }


def shown_measures(measures: Measures, flags: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """Return what checks measured and people are shown, as (title, value with unit) each."""
    told = told_measures(measures, flags)
    return tuple((measure_title(name), shown_measure(name, value)) for name, value in told.items())


@dataclass(frozen=True, slots=True)
class Findings:
    """Flags and measures of one line or of one episode, in the order of the checks."""

    flags: tuple[str, ...]
    measures: Mapping[str, Measure]


def ask(
    asked: Iterable[tuple[Check, Callable[[Any, Any], Finding | bool] | None]],
    evidence: LineEvidence | EpisodeEvidence,
    tables: Mapping[str, object],
) -> Findings:
    """Ask each check whose evidence is there. `tables` holds own settings by the name of the check.

    Raises PluginFailed naming the check whose answer cannot be kept.
    """
    flags, measures = [], {}
    for check, measure in asked:
        if measure is None or not is_on(check, tables):
            continue
        if not all(evidence.has(need) for need in check.needs):
            continue
        default = check.settings() if check.settings else None
        finding = _finding(check, measure(evidence, tables.get(check.name, default)))
        if finding.flagged:
            flags.append(check.name)
        if finding.measure is not None:
            measures[check.name] = finding.measure
    return Findings(tuple(flags), measures)


def _finding(check: Check, answer: object) -> Finding:
    """Return the answer of a measure with plain values. Raises PluginFailed for what is none."""
    finding = answer if isinstance(answer, Finding) else Finding(answer)  # type: ignore[arg-type]
    flagged, measure = _plain(finding.flagged), _plain(finding.measure)
    if not isinstance(flagged, bool):
        raise _refusal(check, flagged, "whether it is flagged: a Finding, True or False")
    if measure is not None and not _is_measure(measure):
        raise _refusal(check, measure, "a measure: a finite number, a text or None")
    return Finding(flagged, measure)  # type: ignore[arg-type]


def _plain(value: object) -> object:
    """Return a value as one of Python's own: those of numpy and of subclasses have no JSON form."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    kinds = () if isinstance(value, bool) else (str, int, float)
    return next((kind(value) for kind in kinds if isinstance(value, kind)), value)


def _is_measure(value: object) -> bool:
    if isinstance(value, str):
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -sys.float_info.max <= value <= sys.float_info.max  # type: ignore[operator]


def _refusal(check: Check, value: object, expected: str) -> PluginFailed:
    place = f"{CHECKS.package(check.name) or 'dubkit'}: {check.name}"
    return PluginFailed(place, TypeError(f"it answered {reprlib.repr(value)}, not {expected}"))
