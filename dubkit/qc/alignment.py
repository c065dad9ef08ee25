"""Where what was heard differs from what should have been said: words that are missing, added or others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where other units (see `units`) were heard than the line has."""

    said: tuple[str, ...]
    """What the line has there; empty where something was added."""
    heard: tuple[str, ...]
    """What was heard there; empty where something is missing."""

    @property
    def missing(self) -> int:
        """Letters by which what was heard is shorter: a word that is heard as two is not missing."""
        return max(0, _letters(self.said) - _letters(self.heard))

    @property
    def added(self) -> int:
        """Letters by which what was heard is longer."""
        return max(0, _letters(self.heard) - _letters(self.said))


def _letters(units: Sequence[str]) -> int:
    return sum(map(len, units))


def differences(said: Sequence[str], heard: Sequence[str]) -> tuple[Difference, ...]:
    """Return every place where the units differ, neighbouring ones as one.

    >>> differences(["we", "go", "home", "now"], ["we", "go", "now"])
    (Difference(said=('home',), heard=()),)
    """
    if not said or not heard:
        return (Difference(tuple(said), tuple(heard)),) if said or heard else ()
    import jiwer

    chunks = jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]
    found: list[Difference] = []
    follows = False
    for chunk in chunks:
        if chunk.type != "equal":
            here = Difference(
                tuple(said[chunk.ref_start_idx : chunk.ref_end_idx]),
                tuple(heard[chunk.hyp_start_idx : chunk.hyp_end_idx]),
            )
            if follows:
                here = Difference(found[-1].said + here.said, found.pop().heard + here.heard)
            found.append(here)
        follows = chunk.type != "equal"
    return tuple(found)


def letter_error(said: Sequence[str], heard: Sequence[str]) -> float:
    """Return the letters heard wrong, over those said; how they are parted into words does not count.

    An empty line gives 0 when nothing was heard either, else 1.
    """
    import jiwer

    wanted, got = "".join(said), "".join(heard)
    if not wanted:
        return float(bool(got))
    return float(jiwer.cer(wanted, got)) if got else 1.0
