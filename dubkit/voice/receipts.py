"""What an open voice engine may say and do beside speaking."""

from __future__ import annotations

from dubkit.types.voices import Receipt
from dubkit.voice.engine import Synthesiser


def receipt_of(synthesiser: Synthesiser, text: str, voice: str) -> Receipt:
    """Return what a text in a voice took since it was last asked; nothing for one that keeps no count."""
    ask = getattr(synthesiser, "receipt", None)
    return ask(text, voice) if ask is not None else Receipt()


def stop(synthesiser: Synthesiser) -> None:
    """Let an engine stop what it is at, where it can: nobody waits for it any more."""
    end = getattr(synthesiser, "stop", None)
    if end is not None:
        end()
