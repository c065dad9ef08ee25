"""Where edits belong: to a moment, not to a number.

The first run that sees an edit notes when its segment speaks (`Anchor`), and when a new transcript numbers
segments otherwise the edit follows its time. An edit that no longer applies stays in the file with a remark.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dubkit.episode.edits.forms import Edits, LineEdit, SegmentEdit
from dubkit.episode.store import EpisodeStore
from dubkit.types import Segment

ANCHORS = ".dubkit/anchors.json"
COVERED = 0.8
"""Share of the time an edited text was written for that its segment must still have."""

Edit = TypeVar("Edit", SegmentEdit, LineEdit)


@dataclass(frozen=True, slots=True)
class Anchor:
    """When the segment of an edit spoke, in seconds, at the time the edit was first seen."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Placed:
    """Edits by the id of the segment they belong to now."""

    segments: dict[str, SegmentEdit]
    lines: dict[str, LineEdit]
    orphans: tuple[str, ...] = ()
    """Names of edits whose moment no longer has a segment."""
    remarks: tuple[str, ...] = ()
    """Sentences about edits that no longer do what they were made for."""
    untimed: frozenset[str] = frozenset()
    """Segments whose edited times are impossible and ignored."""
    homes: dict[str, str] = field(default_factory=dict)
    """Name that edits have or had in the files -> segment of their moment; empty where none speaks."""
    segment_names: dict[str, str] = field(default_factory=dict)
    """Segment -> name of its edit in the file of all languages."""
    line_names: dict[str, str] = field(default_factory=dict)
    """Segment -> name of its line's edit in the file of the language."""


def place(
    shared: Edits, language: Edits, segments: Sequence[Segment], anchors: Mapping[str, Anchor]
) -> Placed:
    """Bring each edit to the segment that speaks when it was made.

    Where two edits of one file come to the same segment, a locked one counts, else the one that fits better.
    """
    by_id = {segment.id: segment for segment in segments}
    in_files = {*shared.segments, *language.lines}
    homes = {item: _home(item, by_id, anchors.get(item)) for item in sorted({*in_files, *anchors})}
    remarks: list[str] = []
    of_segments = _winners(shared.segments, homes, by_id, anchors, remarks)
    of_lines = _winners(language.lines, homes, by_id, anchors, remarks)
    placed = {home: shared.segments[item] for home, item in of_segments.items()}
    untimed = frozenset(home for home, edit in placed.items() if impossible_times(by_id[home], edit))
    for home in sorted(untimed):
        placed[home] = replace(placed[home], start=None, end=None)
        remarks.append(
            f"The edited times of {home} do not fit its new segment; they stay in edits.json and change "
            "nothing."
        )
    lines = {home: language.lines[item] for home, item in of_lines.items()}
    for names, edits in ((of_segments, placed), (of_lines, lines)):
        for home, item in names.items():
            if edits[home].text is not None:
                remarks += _shortened(by_id[home], anchors.get(item), segments)
    orphans = tuple(item for item in sorted(in_files) if not homes[item])
    return Placed(
        placed, lines, orphans, tuple(dict.fromkeys(remarks)), untimed, homes, of_segments, of_lines
    )


def _winners(
    edits: Mapping[str, Edit],
    homes: Mapping[str, str],
    by_id: Mapping[str, Segment],
    anchors: Mapping[str, Anchor],
    remarks: list[str],
) -> dict[str, str]:
    """Return segment -> name of the edit of one file that counts for it; remark on the others."""
    ranks = {item: _rank(edit, by_id.get(homes[item]), anchors.get(item)) for item, edit in edits.items()}
    winners: dict[str, str] = {}
    for item in sorted(edits, key=lambda item: (ranks[item], item)):
        home = homes[item]
        if home and home in winners:
            remarks.append(
                f"The edit of {item} comes to {home} now, which has one already; it stays in edits.json "
                "and changes nothing."
            )
        elif home:
            winners[home] = item
    return winners


def impossible_times(segment: Segment, edit: SegmentEdit | None) -> bool:
    """Tell whether a segment would end before it starts, or at once, with an edit of its times."""
    if edit is None or (edit.start is None and edit.end is None):
        return False
    start = segment.start if edit.start is None else edit.start
    end = segment.end if edit.end is None else edit.end
    return end <= start


def _rank(edit: SegmentEdit | LineEdit, home: Segment | None, anchor: Anchor | None) -> tuple[bool, float]:
    """Return the order in which edits take their segment."""
    locked = isinstance(edit, LineEdit) and edit.lock is not None
    if home is None or anchor is None:
        return not locked, 0.0
    return not locked, max(anchor.start, home.start) - min(anchor.end, home.end)


def _shortened(segment: Segment, anchor: Anchor | None, segments: Sequence[Segment]) -> list[str]:
    """Return a remark where a text was written for a longer time than its segment has now."""
    if anchor is None or segment.end - segment.start >= COVERED * (anchor.end - anchor.start):
        return []
    rest = [
        other.id
        for other in segments
        if other.id != segment.id
        and min(other.end, anchor.end) - max(other.start, anchor.start) > 0.5 * (other.end - other.start)
        and min(other.end, segment.end) - max(other.start, segment.start) < 0.5 * (other.end - other.start)
    ]
    if not rest:
        return []
    return [
        f"The edited text of {segment.id} was written for {anchor.start:.2f} to {anchor.end:.2f} s, where "
        f"{' and '.join(rest)} {'speaks' if len(rest) == 1 else 'speak'} now too: it may be said twice."
    ]


def _home(item: str, by_id: Mapping[str, Segment], anchor: Anchor | None) -> str:
    if anchor is None:
        return item if item in by_id else ""
    same = by_id.get(item)
    if same is not None and _overlap(same, anchor) >= 1.0:
        return item  # nothing can fit better: of a thousand edits nearly all end here
    candidates = ([same] if same else []) + [s for s in by_id.values() if s.id != item]
    best = max(candidates, key=lambda s: _overlap(s, anchor), default=None)
    if best is not None and _overlap(best, anchor) > 0.5:
        return best.id
    return ""


def _overlap(segment: Segment, anchor: Anchor) -> float:
    """Share of the shorter of the two that lies in the other, 0 to 1; 1 for a mere moment in it."""
    common = min(segment.end, anchor.end) - max(segment.start, anchor.start)
    shorter = min(segment.end - segment.start, anchor.end - anchor.start)
    if shorter <= 0:
        return 1.0 if common >= 0 else 0.0
    return max(0.0, common / shorter)


def read_anchors(store: EpisodeStore) -> dict[str, Anchor]:
    """Read the moments of the edits seen so far."""
    if not store.has(ANCHORS):
        return {}
    return store.read(ANCHORS, dict[str, Anchor])


def note_anchors(
    store: EpisodeStore, items: Iterable[str], segments: Sequence[Segment], fresh: Container[str] = ()
) -> None:
    """Note the moment of every edit that is seen for the first time, and of `fresh` ones in any case.

    Needs the lock of the edits.
    """
    anchors = read_anchors(store)
    by_id = {segment.id: segment for segment in segments}
    new = {
        i: Anchor(by_id[i].start, by_id[i].end)
        for i in items
        if i in by_id and (i not in anchors or i in fresh)
    }
    if new:
        store.write_by_hand(ANCHORS, dict(sorted({**anchors, **new}.items())))
