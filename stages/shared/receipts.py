"""What the lines of a run took, where the engine that speaks is paid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.chain.stage import Needs
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import Line, Remark, Segment, SpokenLine, remark
from dubkit.types.voices import Receipt
from stages.shared.dubbed_lines import dubbed_lines, lipdubbed_lines
from stages.shared.voices import choose_voice, own_table, voice_of

if TYPE_CHECKING:
    from dubkit.voice.engine import Synthesiser, VoiceEngine

READINGS = 2
"""How often a line is sent at most as a rule: once to know how long it is, once in its time."""


class Receipts:
    """The receipts of the lines that one open engine speaks."""

    def __init__(self, context: Context, engine: VoiceEngine, synthesiser: Synthesiser) -> None:
        self._context, self._synthesiser = context, synthesiser
        self._paid = engine.price is not None
        self._total = Receipt()

    def of(self, segment: Segment, line: Line) -> Receipt:
        """Return what a line took, whether or not it was spoken."""
        from dubkit.voice.receipts import receipt_of
        from dubkit.voice.text.spoken import spoken_text

        said = spoken_text(line.text, self._context.language)
        receipt = receipt_of(self._synthesiser, said, voice_of(self._context, segment))
        self._total += receipt
        return receipt

    def noted(self, line: SpokenLine, receipt: Receipt) -> SpokenLine:
        """Return the record of a line with its receipt, where there is anything to pay."""
        return replace(line, receipt=receipt) if self._paid else line

    @property
    def sentence(self) -> str:
        """What all lines took; empty where nothing was paid."""
        return f"speak {self._context.language}: {told(self._total)}" if self._paid else ""


def unheeded(line: str, receipt: Receipt) -> list[Remark]:
    """Return remarks on what a line was to be and the engine could not do."""
    return [remark("delivery-unheeded", note, line) for note in receipt.notes]


def told(receipt: Receipt) -> str:
    """Return a receipt in words."""
    again = f", {receipt.retries} of them again" if receipt.retries else ""
    money = f", {receipt.money:,.2f} to pay" if receipt.money else ""
    return f"{receipt.characters:,} characters spoken in {receipt.requests} requests{again}{money}"


def speech_needs(context: Context, due: frozenset[str]) -> Needs:
    """Return the characters that a paid engine is sent for the lines that are due, and what they cost."""
    try:
        engine = choose_voice(context).engine
        price = engine.price(own_table(context, engine)) if engine.price else None
    except DubkitError:  # the stage says so when its turn comes
        return Needs()
    if price is None:
        return Needs()
    least = sum(len(text) for text in _texts(context, due))
    most = least * READINGS
    return Needs(characters=(least, most), money=(least * price / 1e6, most * price / 1e6))


def _texts(context: Context, due: frozenset[str]) -> list[str]:
    """Return the texts that are due to be spoken, those of the source before they are translated."""
    if not context.store.has("translation.json", context.language):
        known = context.store.has("transcript.json")
        return [segment.text for segment in context.segments] if known else []
    generated = lipdubbed_lines(context)
    lines = [line for _, line in dubbed_lines(context) if line.id not in generated]
    return [line.text for line in lines if line.id in due or not due]
