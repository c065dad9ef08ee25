"""An episode as it would be after some changes: for saying what they cost before they are made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from dubkit.episode import edits as hand
from dubkit.episode.context import Context
from dubkit.episode.edits.events import Change
from dubkit.episode.edits.log import with_value
from dubkit.types import Segment


class Proposal(Context):
    """Reads an episode with some changes laid over its edits; nothing is written."""

    def __init__(
        self,
        base: Context,
        changes: Sequence[Change],
        moments: Sequence[Segment],
        language: str | None = None,
    ) -> None:
        super().__init__(
            base.store,
            base.settings,
            base.source,
            base.sha256,
            base.models,
            base.language if language is None else language,
            base.fetching,
        )
        self.changes = tuple(changes)
        self.moments = tuple(moments)
        """When the lines of the changes speak, under the names the edits would have."""

    def fresh(self, language: str | None = None) -> Proposal:
        """Return a context that reads every artifact again, with the changes."""
        return Proposal(self, self.changes, self.moments, self.language if language is None else language)

    @cached_property
    def shared_edits(self) -> hand.Edits:
        return self._with(hand.read_edits(self.store), "")

    @cached_property
    def language_edits(self) -> hand.Edits:
        known = hand.read_edits(self.store, self.language) if self.language else hand.Edits()
        return self._with(known, self.language) if self.language else known

    @cached_property
    def placed(self) -> hand.Placed:
        fresh = {s.id: hand.Anchor(s.start, s.end) for s in self.moments}
        return hand.place(
            self.shared_edits,
            self.language_edits,
            self.transcript.segments,
            fresh | hand.read_anchors(self.store),
        )

    def _with(self, edits: hand.Edits, language: str) -> hand.Edits:
        for change in self.changes:
            if change.language == language:
                edits = with_value(edits, change)
        return edits
