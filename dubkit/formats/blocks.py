"""What SRT and WebVTT have in common: a line with two times, then text up to the next such line.

Files of people have blank lines inside their texts, none between their cues, numbers that are wrong or
missing. So a cue ends where the next one begins, and only what is a number or a name of the next cue, a
comment or a style is taken off its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dubkit.formats.cues import cue_of_lines, keep_good
from dubkit.formats.markup import file_lines, spoken_lines
from dubkit.formats.times import is_broken_pair, pair_of_times

if TYPE_CHECKING:
    from dubkit.formats.content import Cue
    from dubkit.formats.document import Document

PAIR_CURE = "Write it as 00:00:01,000 --> 00:00:02,500."
_WHOLE_PAIR = re.compile(
    r"\s*(?:\d+[.)]?\s)?(?:\d+:)?\d\d:\d\d[,.]\d{3} *--> *(?:\d+:)?\d\d:\d\d[,.]\d{3}(?:\s|$)"
    r"|\d+:\d\d:\d\d\.\d{2,3},\d+:\d\d:\d\d\.\d{2,3}\s*$"
)
"""Times as they should be: they begin a cue wherever they stand."""
_HEADER = re.compile(r"WEBVTT(?:\s|$)")
_NUMBER = re.compile(r"\s*#?(?:\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+|\d+)\.?\s*$")
_COMMENT = re.compile(r"NOTE(?:\s|$)")
_STYLE = re.compile(r"(?:STYLE|REGION)\s*$|Region:\s")
_STYLE_BODY = re.compile(r"::|\s*\w+:|\s*/\*|\s*}")


@dataclass(slots=True)
class _Block:
    """A pair of times, and the lines up to the next pair."""

    number: int
    """Line of the times, from 1."""
    times: tuple[float, float] | None
    """None where they cannot be read."""
    lines: list[str] = field(default_factory=list)


def read_blocks(file: Document) -> list[Cue]:
    """Return the cues of a file, without tags. What cannot be read is left out, and named with its line."""
    lines = file_lines(file.text())
    first = next((line for line in lines if line.strip()), "")
    web = _HEADER.match(first.lstrip()) is not None
    lines = _without_asides(lines) if web else lines
    head, blocks = _split(lines)
    _take_off_names(head, blocks, web)
    if not blocks and first and not web:
        cure = "A cue needs a line such as 00:00:01,000 --> 00:00:02,500 above its text."
        raise file.error("line 1", f"there is no cue in it{_what_it_is(first)}", cure)
    return keep_good(file, blocks, lambda block: _cue(file, block, lines, web))


def _what_it_is(first: str) -> str:
    kinds = (
        ("[Script Info]", "an ASS file"),
        ("{\\rtf", "a rich text document"),
        ("{", "a JSON or MicroDVD file"),
        ("[", "a JSON or LRC file"),
        ("<", "an XML or HTML file"),
    )
    kind = next((kind for start, kind in kinds if first.lstrip().startswith(start)), "")
    return f"; it looks like {kind}, so its ending should say so" if kind else ""


def _without_asides(lines: Sequence[str]) -> list[str]:
    """Return the lines of a WebVTT file with headers, comments and styles blanked."""
    kept, aside, after_blank, cues = [], False, True, False
    for at, line in enumerate(lines):
        blank = not line.strip()
        if blank:
            aside = False
        elif "-->" in line:
            aside, cues = False, True
        elif after_blank and not aside:
            following = lines[at + 1] if at + 1 < len(lines) else ""
            aside = bool(_HEADER.match(line.lstrip()) or _COMMENT.match(line)) or (
                _STYLE.match(line) is not None and (not cues or _STYLE_BODY.match(following) is not None)
            )
        kept.append("" if aside else line)
        after_blank = blank
    return kept


def _split(lines: Sequence[str]) -> tuple[list[str], list[_Block]]:
    """Return the lines above the first pair of times, and the pairs with what follows."""
    head: list[str] = []
    blocks: list[_Block] = []
    above = ""
    for number, line in enumerate(lines, start=1):
        begins = not above.strip() or _NUMBER.match(above) is not None or _WHOLE_PAIR.match(line) is not None
        times = pair_of_times(line) if begins else None  # a text may hold times, too
        if times is not None:
            blocks.append(_Block(number, times[:2], [times[2]] if times[2] else []))
        elif begins and is_broken_pair(line, above):
            blocks.append(_Block(number, None))
        else:
            (blocks[-1].lines if blocks else head).append(line)
        above = line
    return head, blocks


def _take_off_names(head: list[str], blocks: Sequence[_Block], web: bool) -> None:
    """Take the number or name of each cue off the end of the lines before it."""
    named = bool(blocks) and _is_name_of_first(head, web)
    form = _form(head)
    before = _number(head) if named else None
    for previous in blocks[:-1]:
        found = _name_at(previous.lines, named, None if before is None else before + 1, web)
        if found is None and form and _form(previous.lines) == form:
            found = len(previous.lines) - 1
        if found is None:
            before = None if before is None else before + 1
            continue
        number = _number(previous.lines[: found + 1])
        before = number if number is not None else before
        del previous.lines[found:]


def _is_name_of_first(head: Sequence[str], web: bool) -> bool:
    last = _last(head)
    if last < 0:
        return False
    return _NUMBER.match(head[last]) is not None or (web and last == len(head) - 1)


def _form(lines: Sequence[str]) -> str:
    """Return the form of a name with a number in it, such as `Cue 0` for `Cue 12`; empty for others."""
    if not lines or not lines[-1].strip() or (len(lines) > 1 and lines[-2].strip()):
        return ""
    form = re.sub(r"\d+", "0", lines[-1].strip())
    return form if "0" in form and form != "0" else ""


def _last(lines: Sequence[str]) -> int:
    """Return the place of the last line that is not blank, or -1."""
    return next((at for at in range(len(lines) - 1, -1, -1) if lines[at].strip()), -1)


def _number(lines: Sequence[str]) -> int | None:
    last = _last(lines)
    if last < 0 or not _NUMBER.match(lines[last]):
        return None
    return int(re.sub(r"\D", "", lines[last]))


def _name_at(lines: Sequence[str], named: bool, expected: int | None, web: bool) -> int | None:
    """Return where in the lines before a pair of times the name of its cue stands, or None.

    `named` tells whether the first cue of the file has a name, `expected` the number that would come next.
    """
    last = _last(lines)
    if last < 0:
        return None
    directly = last == len(lines) - 1
    after_blank = last == 0 or not lines[last - 1].strip()
    alone = not any(line.strip() for line in lines[:last])
    number = _number(lines)
    if number is not None and number != expected:
        # Out of order, it is the cue's own where its cue has a number; where not, it is a text.
        if alone:
            own = named and directly and last > 0
        else:
            own = (directly or after_blank) if named else (directly and after_blank)
        return last if own else None
    if number is not None:
        return last
    if web and directly and after_blank and not alone:
        return last if named or " " not in lines[last].strip() else None
    return None


def _cue(file: Document, block: _Block, lines: Sequence[str], web: bool) -> Cue:
    place = f"line {block.number}"
    if block.times is None:
        line = lines[block.number - 1].strip()
        raise file.mistake(place, f"{line!r} is not a pair of times", PAIR_CURE, " ".join(block.lines))
    return cue_of_lines(file, place, *block.times, spoken_lines("\n".join(block.lines), escapes=not web))
