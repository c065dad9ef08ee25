"""Render what was judged as one self-contained HTML file, the dubs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.judge.judging import DubVerdict, Judgement, is_mild
from dubkit.qc.check import CHECKS, flag_words, shown_measure
from dubkit.qc.numbers import DASH, clock, percent, signed

Row = tuple[str, tuple[tuple[str, bool], ...]]
"""A label, and of each dub a value with whether it is marked."""


def render(judged: Judgement) -> str:
    """Render the page; every text is escaped, and the same judgement gives the same bytes."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("dubkit.judge", package_path=""),
                PackageLoader("dubkit.qc.report", package_path=""),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock)
    lines = [
        (of[0], [(line, not is_mild(line.flags)) for line in of])
        for of in zip(*(verdict.lines for verdict in judged.verdicts), strict=True)
    ]
    return environment.get_template("judge.html.j2").render(
        judged=judged, facts=_facts(judged.verdicts), lines=lines, flag=flag_words
    )


def _facts(verdicts: Sequence[DubVerdict]) -> list[Row]:
    """Return the numbers of every dub: how it lies on the source, and the overview of the checks."""
    rows: list[Row] = [
        ("Language", tuple((verdict.language, False) for verdict in verdicts)),
        ("Begins at", tuple((f"{signed(v.alignment.offset, 2)} s", False) for v in verdicts)),
        (
            "Pictures alike",
            tuple(
                (
                    percent(v.alignment.alike),
                    v.alignment.alike is not None and not v.alignment.is_same_picture,
                )
                for v in verdicts
            ),
        ),
        (
            "Lines to look at",
            tuple((f"{len(v.flagged)} of {len(v.lines)}", bool(v.flagged)) for v in verdicts),
        ),
    ]
    for check in CHECKS:
        found: list[dict[str, tuple[str, bool]]] = [_shown(verdict, check.name) for verdict in verdicts]
        labels = dict.fromkeys(label for one in found for label in one)
        rows += [(label, tuple(one.get(label, (DASH, False)) for one in found)) for label in labels]
    return rows


def _shown(verdict: DubVerdict, name: str) -> dict[str, tuple[str, bool]]:
    """Return what the overview shows of a check, by label."""
    check, measured = CHECKS.records[name], verdict.measured
    marked = name in measured.flags
    if check.facts is not None:
        facts = check.facts(measured)
        return {fact.label: (f"{fact.value} {fact.note}".strip(), fact.judged and marked) for fact in facts}
    value = (measured.measures or {}).get(name)
    return {} if value is None else {check.title: (shown_measure(name, value), marked)}
