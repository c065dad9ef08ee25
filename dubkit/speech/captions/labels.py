"""Who speaks, as subtitles write it: `NAME:`, `[SPEAKER_00]:`, dashes of two speakers, `>>`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dubkit.formats.content import Cue
from dubkit.speech.captions.words import NO_NAMES, NUMBERED, PARTICLES

_COLON = "[:\uff1a]"
_BRACKETED = re.compile(
    rf"^[\[(【\uff08]\s*([^\[\]()【】\uff08\uff09\n]{{1,40}}?)\s*[\])】\uff09]\s*{_COLON}\s*"
)
_BRACKETED_NUMBER = re.compile(r"^[\[(]\s*([^\[\]()\n]{3,30}?)\s*[\])]\s*(?=\S)")
_PLAIN = re.compile(
    rf"^([^\W\d_][^:\uff1a\n\[\]()!?;,\"“”«»]{{0,38}}?)\s*(?:[\[(][^\])\n]{{1,30}}[\])])?\s*{_COLON}(?!//)(?!\d)\s*"
)
_DENSE_NAME = re.compile("^\uff08([^\uff08\uff09、。\n]{1,8})\uff09(?=\\S)")
_DASH = re.compile("^\\s*[-\u2010\u2011\u2012\u2013\u2014\u2015\u2212]+(?!\\s*\\d)(?:\\s*)(?=\\S)")
_INLINE_DASH = re.compile('(?<=[.!?…"\'”\u2019»。\uff01\uff1f])\\s+[-\u2013\u2014]\\s?(?=[^\\W\\d_\\[(¿¡"“])')
_ARROWS = re.compile(r"^>>+\s*|(?<=[.!?…\"'”\u2019\s])>>+\s+")
_ENDS = ".!?…\"'”\u2019»)。\uff01\uff1f—-"


@dataclass(frozen=True, slots=True)
class Part:
    """What one speaker says of a cue."""

    speaker: str
    """Empty where no name is written."""
    text: str
    turn: bool
    """Whether the file says that another speaker begins here."""


def names_of(cues: Sequence[Cue]) -> frozenset[str]:
    """Return the labels of a file that are names: in capitals once, otherwise where they come again."""
    counted = Counter(
        label for cue in cues for _, text in cue.lines if (label := _label(_bare(text))[0]) is not None
    )
    proper = [label for label in counted if _is_name(label, 2)]
    # Where most cues begin with a name, as in the transcripts of meetings, one is a name the first time, too.
    usual = len(proper) > 1 and 2 * sum(counted[label] for label in proper) >= len(cues)
    return frozenset(label for label, count in counted.items() if _is_name(label, count + usual))


def parts_of(cue: Cue, names: frozenset[str]) -> list[Part]:
    """Return what each speaker says of a cue, in order; one part where nothing says otherwise."""
    lines = [piece for speaker, text in cue.lines for piece in _pieces(speaker, text)]
    dashes = sum(dashed for _, _, dashed in lines)
    parts: list[Part] = []
    waiting = ""  # a name that stands alone on its line
    for at, (voice, text, dashed) in enumerate(lines):
        label, said = _named(text, names)
        turn = dashed and (dashes > 1 or at == 0 or lines[at - 1][1].rstrip().endswith(tuple(_ENDS)))
        if dashed and not turn:
            said = f"- {said}"
        speaker = label or waiting or voice
        waiting = ""
        if not said:
            waiting = label
            continue
        begins = (
            turn
            or bool(label)
            or not parts
            or (voice != "" and voice != parts[-1].speaker and not parts[-1].turn)
        )
        if begins or speaker not in ("", parts[-1].speaker):
            parts.append(Part(speaker, said, turn and dashes + at > 0))
        else:
            parts[-1] = replace(parts[-1], text=f"{parts[-1].text}\n{said}")
    return parts


def _pieces(speaker: str, text: str) -> list[tuple[str, str, bool]]:
    """Return a line as (speaker, text, whether another speaker begins), cut at marks inside it."""
    arrows = [piece for piece in re.split(_ARROWS, text)]
    pieces: list[tuple[str, str, bool]] = []
    for at, piece in enumerate(arrows):
        if not piece.strip():
            continue
        marked = at > 0
        dash = _DASH.match(piece)
        inner = _INLINE_DASH.split(piece[dash.end() :]) if dash else [piece]
        for number, said in enumerate(inner):
            pieces.append((speaker, said.strip(), marked or dash is not None or number > 0))
    return pieces


def _bare(text: str) -> str:
    """Return a line without the marks in front of its label."""
    return _DASH.sub("", re.sub(r"^\s*>>+\s*", "", text))


def _named(text: str, names: frozenset[str]) -> tuple[str, str]:
    """Return the speaker that a line names and the rest of it; empty and all of it where it names none."""
    label, rest = _label(text)
    return (_name(label), rest) if label is not None and label in names else ("", text)


def _label(text: str) -> tuple[str | None, str]:
    """Return what may be a label, as it is written, and the text behind it."""
    for pattern in (_BRACKETED, _PLAIN, _DENSE_NAME):
        found = pattern.match(text)
        if found:
            label = found[0].strip() if pattern is not _PLAIN else " ".join(found[1].split())
            return label, text[found.end() :].strip()
    bracketed = _BRACKETED_NUMBER.match(text)
    if bracketed and NUMBERED.match(bracketed[1]):
        return bracketed[0].strip(), text[bracketed.end() :].strip()
    return None, text


def _name(label: str) -> str:
    return " ".join(label.strip("[]()【】\uff08\uff09:\uff1a \t").split()).rstrip(":\uff1a ]\uff09)")


def _is_name(label: str, count: int) -> bool:
    if label[:1] in "[(【":
        return True
    if label[:1] == "\uff08":
        return label[-1:] in ":\uff1a" or count > 1
    if NUMBERED.match(label):
        return True
    words = label.split()
    if len(words) > 4 or label.casefold() in NO_NAMES or words[0].casefold().strip(".") in NO_NAMES:
        return False
    letters = [c for c in label if c.isalpha()]
    if len(letters) > 1 and label.isupper():
        return True
    if len(letters) == 1:
        return count > 2 and label.isupper()
    if not any(c.islower() or c.isupper() for c in letters):
        return count > 1 and len(words) == 1 and len(label) <= 8  # scripts without capital letters
    proper = all(word[:1].isupper() or word in PARTICLES or word[:1].isdigit() for word in words)
    return count > 1 and len(words) <= 3 and proper and words[0][:1].isupper()
