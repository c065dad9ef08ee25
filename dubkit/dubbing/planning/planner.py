"""Divide the lines that are lip-dubbed into calls of the generator.

A clip is 8k+1 frames of one shot; the frames of it that enter the episode are its keep window. Keep windows
never overlap, cover every frame of every line exactly once, and lie inside one shot. Lines of a shot share
a clip when they fit into one, with the pause between them; speech that does not fit is split, in a silence
if there is one, into a chain of clips that overlap: the next begins on the grid of the one before, and takes
its latents over.

Frames are numbered over the episode; a range is its first frame and one past its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dubkit.dubbing.planning.sizes import FRAMES_PER_LATENT as GRID
from dubkit.dubbing.planning.sizes import HANDLE_FRAMES, LONGEST, MAX_FRAMES, SHORTEST
from dubkit.dubbing.planning.spans import LineSpan, Range
from dubkit.errors import SettingError
from dubkit.types import Clip, Fit, Shot, clip_id

BRIDGE = 12
"""Frames between two lines, half a second at 25 per second, up to which the picture does not go back to
the source's: a face would flicker from the generated to the filmed one and back."""
WIDE = 8
"""Frames of silence beyond which a split gains nothing from more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a clip.

    Raises:
        SettingError: `max_frames` is not 8k+1 from 9 to 257.
        ValueError: a handle of less than 0 frames.
    """

    max_frames: int = MAX_FRAMES
    handle_frames: int = HANDLE_FRAMES
    """Frames before and after a keep window that give the generator and its decoder something to lean on.
    At most an eighth of the longest clip is spent on each."""

    def __post_init__(self) -> None:
        if not SHORTEST <= self.max_frames <= LONGEST or self.max_frames % GRID != 1:
            near = min(max(self.max_frames, SHORTEST), LONGEST)
            below, above = (near - 1) // GRID * GRID + 1, _on_grid(near)
            use = f"use {below}" if below == above else f"use {below} or {above}"
            expected = f"must be 8k+1 frames from {SHORTEST} to {LONGEST}; {use}"
            raise SettingError("dub.max_frames", self.max_frames, expected)
        if self.handle_frames < 0:
            raise ValueError(f"A handle has 0 frames or more, not {self.handle_frames}.")

    @property
    def tail(self) -> int:
        """Frames after a keep window."""
        return min(self.handle_frames, (self.max_frames - 1) // GRID)

    @property
    def lead(self) -> int:
        """Frames before a keep window: at least one, as frame 0 of a clip is the source's own picture."""
        return max(self.tail, 1)

    @property
    def overlap(self) -> int:
        """Frames that a clip shares with the one it follows: one latent of one frame and two of eight.

        A longest clip below 25 frames leaves room for less.
        """
        return min(2 * GRID + 1, self.max_frames - GRID)

    @property
    def margin(self) -> int:
        """Frames between a split and the end of the earlier clip, whose last frames lack a future."""
        return min(self.tail, (self.overlap - 1) // 2)

    @property
    def bridge(self) -> int:
        """Longest pause that belongs to the speech around it: shorter than what any clip of a chain adds, so
        that no clip lies in a pause and has nothing to say."""
        return min(BRIDGE, (self.max_frames - self.overlap) // 2 - 1)


@dataclass(frozen=True, slots=True)
class ClipWindow:
    """Where a clip lies. The fields mean what they mean in `Clip`."""

    id: str
    shot: str
    start_frame: int
    frames: int
    real_frames: int
    keep_start: int
    keep_end: int
    lines: tuple[str, ...]
    follows: str = ""


def plan_clips(
    shots: Sequence[Shot],
    spans: Sequence[LineSpan],
    silences: Sequence[Range] = (),
    limits: Limits | None = None,
    apart: Sequence[Range] = (),
) -> tuple[ClipWindow, ...]:
    """Return the windows of all clips in order of time; the order of the arguments does not matter.

    A line that spans a cut is covered shot by shot. A keep window begins at frame 1 of its clip or later,
    but for speech at the first frame of a shot: there frame 0 is kept, in which the generator repeats the
    source's picture, so that for this one frame the mouth is the filmed one. A shot with too few frames for
    its clip is filled up by repeating its last frame (`real_frames` says how many are real).

    Args:
        silences: ranges in which nobody speaks. A split may fall on any frame from the first up to and
            including the end; an empty range is the border between two words.
        apart: ranges of lines that are not lip-dubbed. Lines with such a range between them are not joined.

    Raises:
        ValueError: shots overlap; a span has no frames, lies outside all shots, or is given twice.
    """
    ordered = sorted(shots, key=lambda shot: shot.start_frame)
    _check(ordered, spans)
    limits = limits or Limits()
    windows: list[ClipWindow] = []
    for shot in ordered:
        here = [span for span in spans if span.first < shot.end_frame and span.end > shot.start_frame]
        if not here:
            continue
        room = (shot.start_frame, shot.end_frame)
        stretches = _stretches([_inside((span.first, span.end), room) for span in here], apart, limits)
        for placed, follows in _chains(room, stretches, silences, limits, apart):
            number = len(windows) + 1
            windows.append(_window(number, shot, placed, here, follows=follows))
    return tuple(windows)


DRIVEN = 5000
"""Numbers of clips that are made for given speech begin above this, so that no clip of the other kind is
numbered, and so generated, anew when a line becomes one of them."""


def merged(generated: Sequence[ClipWindow], driven: Sequence[ClipWindow]) -> tuple[ClipWindow, ...]:
    """Return the windows of the plans of both kinds of clips in order of time."""
    names = {window.id: clip_id(DRIVEN + number) for number, window in enumerate(driven, 1)} | {"": ""}
    named = [replace(window, id=names[window.id], follows=names[window.follows]) for window in driven]
    return tuple(sorted([*generated, *named], key=lambda window: window.keep_start))


def make_clips(windows: Sequence[ClipWindow], prompts: Mapping[str, str], fit: Fit) -> tuple[Clip, ...]:
    """Complete windows to clips: the prompts of a clip's lines in order of time, one sentence each.

    A line that was split has its whole prompt in each of its clips.

    Raises:
        ValueError: a line has no prompt.
    """
    for window in windows:
        for line in window.lines:
            if not prompts.get(line):
                raise ValueError(f"Line {line} of clip {window.id} has no prompt.")
    return tuple(
        Clip(
            id=window.id,
            shot=window.shot,
            start_frame=window.start_frame,
            frames=window.frames,
            real_frames=window.real_frames,
            keep_start=window.keep_start,
            keep_end=window.keep_end,
            lines=window.lines,
            prompt=" ".join(prompts[line].strip() for line in window.lines),
            fit=fit,
            follows=window.follows,
        )
        for window in windows
    )


def _window(
    number: int, shot: Shot, placed: _Placed, spans: Iterable[LineSpan], *, follows: bool
) -> ClipWindow:
    first, end = placed.keep
    spoken = sorted((s.first, s.end, s.line) for s in spans if s.first < end and s.end > first)
    return ClipWindow(
        id=clip_id(number),
        shot=shot.id,
        start_frame=placed.start,
        frames=placed.frames,
        real_frames=min(placed.frames, shot.end_frame - placed.start),
        keep_start=first,
        keep_end=end,
        lines=tuple(line for _, _, line in spoken),
        follows=clip_id(number - 1) if follows else "",
    )


def _check(shots: Sequence[Shot], spans: Iterable[LineSpan]) -> None:
    for before, after in pairwise(shots):
        if after.start_frame < before.end_frame:
            raise ValueError(f"Shots {before.id} and {after.id} overlap.")
    seen: set[str] = set()
    for span in spans:
        if span.end <= span.first:
            raise ValueError(f"Line {span.line} has no frames: {span.first} to {span.end}.")
        if span.line in seen:
            raise ValueError(f"Line {span.line} is given twice.")
        seen.add(span.line)
        room = (span.first, span.end)
        parts = (_inside((shot.start_frame, shot.end_frame), room) for shot in shots)
        if sum(max(end - first, 0) for first, end in parts) < span.end - span.first:
            raise ValueError(f"Line {span.line} has frames, of {span.first} to {span.end}, in no shot.")


def _inside(piece: Range, room: Range) -> Range:
    return max(piece[0], room[0]), min(piece[1], room[1])


def _stretches(pieces: Iterable[Range], apart: Sequence[Range], limits: Limits) -> list[Range]:
    """Join pieces that overlap, touch, or have next to nothing between them."""
    joined: list[Range] = []
    for first, end in sorted(pieces):
        if joined and (
            first <= joined[-1][1]
            or (first - joined[-1][1] <= limits.bridge and not _divided((joined[-1][1], first), apart))
        ):
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((first, end))
    return joined


def _divided(gap: Range, apart: Iterable[Range]) -> bool:
    return any(first < gap[1] and end > gap[0] for first, end in apart)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Frames of a clip in its shot."""

    start: int
    frames: int
    keep: Range


def _chains(
    room: Range, stretches: Sequence[Range], silences: Sequence[Range], limits: Limits, apart: Sequence[Range]
) -> Iterator[tuple[_Placed, bool]]:
    """Yield the clips of one shot in order, each with whether it follows the one before."""
    rest = list(stretches)
    start: int | None = None
    while rest:
        follows = start is not None
        count, placed = _longest(room, rest, start, limits, apart)
        if placed is not None:
            yield placed, follows
            rest, start = rest[count:], None
            continue
        placed = _split(room, rest[0][0], start, silences, limits)
        yield placed, follows
        # The step is a whole number of latents, and what is kept goes on at the very next frame: the
        # delivered frames are those asked for, however long the chain.
        start = placed.start + placed.frames - limits.overlap
        rest[0] = placed.keep[1], rest[0][1]


def _longest(
    room: Range, rest: Sequence[Range], start: int | None, limits: Limits, apart: Sequence[Range]
) -> tuple[int, _Placed | None]:
    """Place as many whole stretches as fit into one clip; none if the first is too long."""
    best: tuple[int, _Placed | None] = 0, None
    for count, (first, end) in enumerate(rest, start=1):
        if count > 1 and _divided((rest[count - 2][1], first), apart):
            break
        placed = _place(room, (rest[0][0], end), start, limits)
        if placed is None:
            break
        best = count, placed
    return best


def _place(room: Range, keep: Range, start: int | None, limits: Limits) -> _Placed | None:
    """Lay a clip around a keep window, or return None where it is longer than a clip may be.

    What rounding up to 8k+1 adds is taken from the shot: after the window, else before it. Where the shot
    has no more, the handle at the end is shortened first, and then the last frame is repeated.
    """
    opening, close = room
    first, end = keep
    begin = max(opening, first - limits.lead) if start is None else start
    if min(end + limits.margin, close) - begin > limits.max_frames:
        return None
    # One latent more than a clip that follows takes over, so that it has something of its own to do.
    least = SHORTEST if start is None else limits.overlap + GRID
    frames = max(least, min(_on_grid(min(end + limits.tail, close) - begin), limits.max_frames))
    beyond = begin + frames - close
    if beyond > 0 and start is None:
        begin = max(opening, begin - beyond)
    if begin + frames > close and max(least, _on_grid(end - begin)) <= close - begin:
        frames = (close - begin - 1) // GRID * GRID + 1
    return _Placed(begin, frames, keep)


def _split(room: Range, first: int, start: int | None, silences: Sequence[Range], limits: Limits) -> _Placed:
    """Lay a clip over the beginning of speech that does not fit, up to the best place for a split.

    That is the widest silence in the later half of what fits, the later one of two; without any, as late as
    may be, which makes the fewest clips.
    """
    begin = max(room[0], first - limits.lead) if start is None else start
    latest = begin + limits.max_frames - limits.margin
    earliest = first + max((latest - first) // 2, 1)
    options = [(0, latest)]
    for quiet in silences:
        low, high = _inside(quiet, (earliest, latest))
        if low <= high:
            options.append((1 + min(high - low, WIDE), (low + high) // 2))
    for _, place in sorted(options, reverse=True):
        frames = max(_on_grid(place + limits.margin - begin), limits.overlap + GRID)
        # With very short clips, not every place lies behind frame 0 of the next one; the latest always does.
        if place > begin + frames - limits.overlap:
            return _Placed(begin, frames, (first, place))
    raise AssertionError("the latest place can always be split")


def _on_grid(frames: int) -> int:
    """Return the shortest 8k+1, k at least 1, that holds so many frames."""
    return max(SHORTEST, -(-(frames - 1) // GRID) * GRID + 1)
