"""The texts that a line may have: look at them, and choose another one."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.episode.context import Context
from dubkit.episode.edits.events import Event
from dubkit.episode.line_timing import OwnText, own_texts
from dubkit.errors import EditRefused
from dubkit.review.changes import Desk, LineChange
from dubkit.types import AdaptedLine


@dataclass(frozen=True, slots=True)
class LineTexts:
    """The texts that a line may have."""

    line: str
    text: str
    """What the line has now."""
    room: float
    """Seconds that it may take."""
    why: str
    """Why its text was chosen for it, as a sentence; empty where its words were not fitted."""
    offered: tuple[OwnText, ...]

    @property
    def written(self) -> bool:
        """Whether the line has a text that was not offered: a person wrote it."""
        return bool(self.offered) and not any(text.used for text in self.offered)


def candidates_of(context: Context, line: str) -> LineTexts:
    """Return the texts that a line may have; none before its words were fitted.

    Candidates of a translation that is no longer there are left out. Raises EditRefused for an unknown line.
    """
    now = next((own.text for _, own in context.lines if own.id == line), None)
    if now is None:
        raise EditRefused(f"There is no line {line} in {context.language}.")
    adapted = _adapted(context, line)
    if adapted is None:
        return LineTexts(line, now, 0.0, "", ())
    return LineTexts(line, now, adapted.room, adapted.why, own_texts(adapted, now))


def choose_text(desk: Desk, line: str, number: int, seen: int | None = None) -> Event | None:
    """Give a line the text with a number from 1; None when it has that one already.

    The choice is an edit of the line's text, so it is logged, can be undone, and goes where the line does;
    the text that was chosen for its time takes the edit back. Raises EditRefused for a number that is not
    offered and for a locked line, and EditConflict when somebody changed the text after event `seen`.
    """
    texts = candidates_of(desk.context, line)
    if not texts.offered:
        raise EditRefused(
            f"{line} has no other texts: its words were not fitted to its time.\n"
            'Write one with dubkit review edit LINE --text "…", or render the episode with --timing-fit.'
        )
    if not 1 <= number <= len(texts.offered):
        raise EditRefused(f"{line} has no text {number}; its texts are 1 to {len(texts.offered)}.")
    offered = texts.offered[number - 1]
    if offered.chosen:
        return desk.edit(line, LineChange(clear=frozenset({"text"})), seen)
    return desk.edit(line, LineChange(text=offered.text), seen)


def _adapted(context: Context, line: str) -> AdaptedLine | None:
    first = next((own.text for own in context.translation.lines if own.id == line), "")
    return next((one for one in context.adaptation.lines if one.id == line and one.first == first), None)
