"""The codes of remarks as one Markdown page: `python -m dubkit.cli.codes > docs/remarks.md`."""

from __future__ import annotations

import click

from dubkit.qc.check import CHECKS
from dubkit.qc.remarks import weight_of
from dubkit.types import CODES, Code, Weight

HEAD = """# Remarks

What dubkit notices about a source or a result is told on the terminal at the end of a run, in
`dubkit status`, with `--json`, at the top of `report.html`, and in the library and the jobs of a server.

A remark has a code, a sentence, a place (a line, a track, a place in a file; none where it is about the
whole), and a weight:

| weight | meaning | exit code |
| --- | --- | --- |
"""

WEIGHTS: dict[Weight, tuple[str, str]] = {
    "note": ("the delivery is what was asked for", "0"),
    "degraded": ("a fall-back was used, or something of the source is not in the result", "3"),
    "doubtful": ("the result may be wrong, so a person should look", "3"),
}

TAIL = """
With `--json`, each stands in `remarks` as an object with `code`, `weight`, `sentence`, `place` (the item:
`s0003`), `where` (the place in words: `line 3`), `meaning` (as below), `stage` and `language` (both empty
where it has none).

Remarks of other packages have codes of the form `PACKAGE:NAME`; those of their checks have the check's name.

## The codes
"""


def page() -> str:
    """Return the whole page."""
    weights = "".join(f"| {name} | {words} | {code} |\n" for name, (words, code) in WEIGHTS.items())
    checks = {
        check.name: Code(weight_of(check.name), check.meaning)
        for check in CHECKS
        if check.episode and not CHECKS.package(check.name)
    }
    codes = sorted({**CODES, **checks}.items())
    rows = "".join(f"| `{name}` | {code.weight} | {code.meaning} |\n" for name, code in codes)
    heads = "\n| code | weight | what it means for the delivery |\n| --- | --- | --- |\n"
    return HEAD + weights + TAIL + heads + rows


if __name__ == "__main__":
    click.echo(page(), nl=False)
