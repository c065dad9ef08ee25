"""A person's consent to have the voice cloned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's consent to have the voice cloned."""

    who: str
    """Whose voice it is."""
    purpose: str
    """What for."""
    until: date
    """The last day on which it holds."""
    languages: tuple[str, ...] = ()
    """Target languages; empty for all."""

    def refusal(self, languages: Sequence[str], today: date) -> str:
        """Return why it does not hold today for some target languages; empty where it does."""
        if today > self.until:
            return f"the consent of {self.who} ran out on {self.until.isoformat()}"
        if self.languages:
            others = [tag for tag in languages if not any(_covers(own, tag) for own in self.languages)]
            if others:
                return f"{self.who} did not consent to {', '.join(others)}"
        return ""


def _covers(own: str, tag: str) -> bool:
    return own == tag or tag.startswith(f"{own}-")
