"""Edits with changes that nobody has made yet, to say what they would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.episode.edits.events import Change
from dubkit.episode.edits.forms import Edits, read_edits
from dubkit.episode.edits.places import Anchor, read_anchors
from dubkit.episode.edits.values import with_value
from dubkit.episode.store import EpisodeStore
from dubkit.types import Segment


@dataclass(frozen=True, slots=True)
class Draft:
    """Changes that are read as if they were made; none of them is written."""

    changes: Sequence[Change] = ()
    moments: Sequence[Segment] = ()
    """The times of the changed lines, under the names the edits would have."""

    def read_edits(self, store: EpisodeStore, language: str = "") -> Edits:
        """Read the edits of the episode or of one language, with the changes."""
        edits = read_edits(store, language)
        for change in self.changes:
            if change.language == language:
                edits = with_value(edits, change)
        return edits

    def read_anchors(self, store: EpisodeStore) -> dict[str, Anchor]:
        """Read the moments of the edits, with those of the changes."""
        return {s.id: Anchor(s.start, s.end) for s in self.moments} | read_anchors(store)
